"""`hub warning`: what early warning has found, and what rules would find."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hub.cli.desk import CONFIG, moment, plain, told
from hub.cli.load import load_environment
from hub.cli.registered import BY, operator

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.store.warnings import Warned
    from hub.warning.desk import WarningDesk
    from hub.warning.judge import Match
    from policies.engine import Engine

_ID = click.argument("id")
_LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="Language of titles.",
)  # fmt: skip


@click.group(short_help="Early warnings: look, close, check and try rules.")
def warning() -> None:
    """Look at early warnings, close them, and try rules. Each look is on record.

    \b
    Example:
      hub warning list --state open
      hub warning replay rules.yaml --since 2026-06-01T00:00:00+08:00
    """


@warning.command("list", short_help="List warnings, the latest first.")
@CONFIG
@BY
@_LANGUAGE
@click.option("--state", type=click.Choice(["open", "acknowledged", "closed"]), default=None)
@click.option("--since", callback=moment, help="A moment with its zone.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_command(
    config: Path, by: str | None, language: str, state: str | None, since: float | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    """List warnings, the latest first.

    \b
    Example:
      hub warning list --state open --language zh
    """
    from hub.store.warnings import STATES

    chosen = next((one for one in STATES if one == state), None)
    with _desk(config, by) as desk:
        found = desk.listed(state=chosen, since=since or 0.0)
    for one in found:
        click.echo(msgspec.json.encode(one).decode() if as_json else _line(one, language))
    if not found and not as_json:
        click.echo(("no warning", "没有预警")[language == "zh"])


@warning.command(short_help="Show one warning, and who was told.")
@_ID
@CONFIG
@BY
@_LANGUAGE
def show(id: str, config: Path, by: str | None, language: str) -> None:
    """Show the warning ID, and who was told of it.

    \b
    Example:
      hub warning show 3f0c... --config hub.yaml
    """
    from hub.warning.telling import told as lines

    with _desk(config, by) as desk:
        found = desk.show(id)
    click.echo(_line(found.warned, language))
    for line in lines(found.warned, language):
        click.echo(f"  {plain(line)}")
    if found.warned.reason is not None:
        click.echo(f"  {plain(found.warned.reason)}")
    for row in found.deliveries:
        click.echo(f"  {row.receiver}: {row.state}, {row.tries} tries, {row.outcome or '-'}")


@warning.command(short_help="Say that somebody looks into a warning.")
@_ID
@CONFIG
@BY
def acknowledge(id: str, config: Path, by: str | None) -> None:
    """Say that somebody looks into the warning ID.

    \b
    Example:
      hub warning acknowledge 3f0c... --config hub.yaml
    """
    with _desk(config, by) as desk:
        click.echo(f"{desk.acknowledge(id).id}  acknowledged")


@warning.command(short_help="Close a warning, saying what it was.")
@_ID
@CONFIG
@BY
@click.option("--reason", required=True, help="What it was; it stands on record.")
def close(id: str, config: Path, by: str | None, reason: str) -> None:
    """Close the warning ID, saying what it was.

    \b
    Example:
      hub warning close 3f0c... --reason "year-end run, announced"
    """
    with _desk(config, by) as desk:
        click.echo(f"{desk.close(id, reason).id}  closed")


@warning.command(short_help="Check files of rules, and whether their owners may be told.")
@click.argument("rules", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
def check(rules: tuple[Path, ...], config: Path) -> None:
    """Check files of rules against the configuration, and whether each rule's owner may use what
    it speaks of as a filter now.

    \b
    Example:
      hub warning check rules.yaml --config hub.yaml
    """
    from hub.warning.owned import permitted
    from hub.warning.watch import rules_of

    settings, engine = _in_force(config)
    read = rules_of(rules, engine, settings.warnings.duties, _receivers(settings))
    now = time.time()
    for one in read:
        awake = permitted(engine, one, one.types | one.fields, now)
        state = "judged" if awake else "asleep: its owner may not filter by what it speaks of"
        click.echo(f"{one.name}  {one.kind}  {plain(one.owner.name)}  {state}")


@warning.command(short_help="Try files of rules on what is already on record.")
@click.argument("rules", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@BY
@click.option("--since", callback=moment, required=True, help="A moment with its zone.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def replay(
    rules: tuple[Path, ...], config: Path, by: str | None, since: float, *, as_json: bool
) -> None:
    """Tell what rules would have told since a moment, by what is on record. Nobody is told, and
    nothing is changed; that somebody looked is on record.

    \b
    Example:
      hub warning replay rules.yaml --since 2026-06-01T00:00:00+08:00
    """
    from hub.rollout.act import Acts
    from hub.store.engine import migrate, open_engine
    from hub.store.ledger import open_ledger
    from hub.warning.replay import replayed
    from hub.warning.watch import rules_of

    settings, engine = _in_force(config)
    read = rules_of(rules, engine, settings.warnings.duties, _receivers(settings))
    database = open_engine(settings.state.database_url)
    try:
        migrate(database)
        with closing(open_ledger(database, wait_s=30.0)) as ledger:
            last = ledger.last()
            Acts(database, settings, time.time).record(
                "warning.replayed", operator(by).name, details={"since": told(since)}
            )
            until = 0 if last is None else last.seq
            found = replayed(read, ledger, engine, since=since, now=time.time(), until=until)
    finally:
        database.dispose()
    _tell(found, as_json=as_json)


def _tell(found: Sequence[Match], *, as_json: bool) -> None:
    from hub.warning.watch import warned_of

    for match in found:
        warned = warned_of(match, match.department)
        click.echo(msgspec.json.encode(warned).decode() if as_json else _line(warned, "en"))
    if not as_json:
        click.echo(f"{len(found)} warnings would have been told")


def _line(one: Warned, language: str) -> str:
    title = one.title_en if language == "en" else one.title_zh
    about = " ".join(plain(word) for word in (one.app, one.source, one.what) if word)
    return (
        f"{one.id}  {told(one.first_at)}  {one.severity}  {one.state}  {plain(title)}  "
        f"{about or '-'}  {one.amount}"
    )


def _receivers(settings: Settings) -> list[str]:
    return [receiver.name for receiver in settings.warnings.receivers]


def _in_force(config: Path) -> tuple[Settings, Engine]:
    from hub.cli.desk import in_force
    from hub.loading import engine_of
    from hub.registration.ground import load
    from hub.settings import read_settings

    load_environment(config)
    settings = read_settings(config)
    loaded = in_force(settings) if settings.release.required else load(settings)
    return settings, engine_of(loaded, settings, 0)


@contextmanager
def _desk(config: Path, by: str | None) -> Iterator[WarningDesk]:
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine
    from hub.warning.desk import WarningDesk

    load_environment(config)
    settings = read_settings(config)
    database = open_engine(settings.state.database_url)
    try:
        migrate(database)
        yield WarningDesk(database, settings, by=operator(by).name)
    finally:
        database.dispose()

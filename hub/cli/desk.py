"""What the commands of releases share: the configuration, its gate and its database."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hub.cli.load import load_environment, read_text
from schema.errors import HubError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.loading import Loaded
    from hub.rollout.desk import Desk
    from hub.rollout.gate import Gate
    from hub.rollout.release import ChangeFound, Release
    from hub.settings import Settings

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("hub.yaml"),
    show_default=True,
    help="The hub's configuration: its catalogue, packs, grants, officers and database.",
)
KEY = click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your private key, as `hub policy key` wrote it.",
)
TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for each assertion, and for the comparison.",
)


class AtDesk(msgspec.Struct, frozen=True):
    """All that a step needs."""

    settings: Settings
    loaded: Loaded
    desk: Desk
    gate: Gate


def ground(config: Path) -> tuple[Settings, Loaded]:
    """The configuration and what it names but the rules."""
    from hub.registration.ground import load
    from hub.settings import read_settings

    load_environment(config)
    settings = read_settings(config)
    return settings, load(settings, rules=False)


def gate_over(settings: Settings, loaded: Loaded, timeout: float) -> Gate:
    """The gate over a configuration."""
    from hub.rollout.gate import Gate

    return Gate(loaded, settings, seconds=timeout, begin=time.time())


@contextmanager
def at_desk(config: Path, timeout: float) -> Iterator[AtDesk]:
    """The desk of a configuration, open."""
    from hub.rollout.desk import open_desk

    settings, loaded = ground(config)
    with open_desk(settings) as desk:
        yield AtDesk(settings, loaded, desk, gate_over(settings, loaded, timeout))


def in_force(settings: Settings) -> Loaded:
    """What the files say, under the release in force. Raises: `HubError`."""
    from hub.registration.ground import load
    from hub.store.engine import migrate, open_engine

    database = open_engine(settings.state.database_url)
    try:
        migrate(database)
        return released(database, settings, load(settings, rules=False))[0]
    finally:
        database.dispose()


def released(database: Engine, settings: Settings, loaded: Loaded) -> tuple[Loaded, int]:
    """The rules in force over what the files say, and their epoch. Raises: `HubError`."""
    from hub.rollout.active import rules_in_force

    return rules_in_force(database, settings, loaded, time.time())


def by_name(files: Sequence[Path]) -> dict[str, str]:
    """File name -> text. Raises: `HubError` BAD_REQUEST for two files of one name."""
    found: dict[str, str] = {}
    for file in files:
        if file.name in found:
            hint = "a release holds files by their names: rename one"
            raise HubError("BAD_REQUEST", "two files have one name", where=str(file), hint=hint)
        found[file.name] = read_text(file)
    return found


def plain(text: str) -> str:
    """Somebody else's text for a terminal: in one line, and without signs that steer it."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)


def moment(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """An option's moment with its zone, in Unix seconds."""
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter("write it as 2026-06-01T10:00:00+08:00")
    return found.timestamp()


def told(seconds: float) -> str:
    """A moment as text; one that no calendar has, as its seconds."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def passphrase() -> str:
    """Asked for where a key is locked."""
    text: str = click.prompt("Passphrase", hide_input=True, err=True)
    return text


def write_beside(file: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file whole, or not at all."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
        beside.replace(file)
    except OSError as error:
        message = "the file cannot be written"
        raise HubError("BAD_REQUEST", message, where=str(file), cause=error) from error


def tell(release: Release) -> None:
    """What a release holds and what was found about it."""
    found, change = release.evidence, release.evidence.change
    click.echo(f"release `{plain(release.name)}`, rules {release.rules[:12] or 'none'}")
    click.echo(f"  made {told(release.made_at)}, expires {told(release.expires)}")
    if release.activate_at is not None:
        click.echo(f"  not before {told(release.activate_at)}")
    click.echo(f"  compared with epoch {release.base.epoch}")
    proofs = len(found.proofs)
    click.echo(f"  {proofs} assertions proved, {found.expectations} expectations met")
    _tell_change(change)
    for note in found.notes:
        click.echo(f"  note: {plain(note)}")
    if found.simulation is not None:
        _tell_simulation(found.simulation)
    else:
        click.echo("  simulation: none, so nothing says who would notice the change")


def _tell_simulation(simulation: dict[str, Any]) -> None:
    from hub.rollout.release import Simulated

    try:
        summary = msgspec.convert(simulation, Simulated).summary
    except msgspec.ValidationError:
        click.echo("  simulation: not one of `hub policy simulate`; the release will be refused")
        return
    counts = summary.counts.items()
    told = [f"{plain(kind)} {one.get('operations', 0)}" for kind, one in counts]
    asked = summary.recorded.get("operations")
    click.echo(f"  simulation of {asked} recorded operations: {', '.join(told)}")


_KINDS = {
    "equal": "nobody is shown more or less",
    "tightening": "somebody is shown less, nobody more",
    "loosening": "somebody is shown more",
    "both": "somebody is shown more, and somebody less",
    "undecided": "somebody may be shown more; see the notes",
}


def _by_element(uses: Sequence[str]) -> dict[str, list[str]]:
    """Element -> how it is used, of uses written as `mode Type.field`."""
    found: dict[str, list[str]] = {}
    for use in uses:
        mode, _, at = use.partition(" ")
        found.setdefault(at, []).append(mode)
    return found


def _tell_change(change: ChangeFound) -> None:
    click.echo(f"  change: {change.kind} ({_KINDS[change.kind]})")
    for word, uses in (("more", change.more), ("less", change.less)):
        for at, modes in _by_element(uses).items():
            click.echo(f"    {word}: {plain(at)} ({', '.join(map(plain, modes))})")
    for name in change.unasserted:
        click.echo(f"    no longer proved, or otherwise: {plain(name)}")
    if change.owners:
        click.echo(f"    fields of: {plain(', '.join(change.owners))}")

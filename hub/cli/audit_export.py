"""`hub audit export`, `prune`, `hold`: what leaves the log, and what stays in it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from hub.audit.choose import Chosen
from hub.audit.export import Picked, cef, jsonl, picked, write_parquet
from hub.audit.reader import record_act
from hub.audit.retention import Hold, holds, lift_hold, prune, set_hold
from hub.cli.audit_log import CONFIG, act_of, opened, reader
from schema.errors import HubError

_DAY_S = 86_400.0
_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
Command = Callable[..., Any]


def choosing(command: Command) -> Command:
    """The options that choose entries, for the argument `chosen`."""
    options: list[Callable[[Command], Command]] = [
        click.option("--subject", help="Who asked, as `app:NAME|user:NAME`."),
        click.option("--app", help="The application."),
        click.option("--department", help="Of the caller, or for which it acts."),
        click.option("--purpose", help="As stated."),
        click.option("--coordinate", help="A field that was used, as `Person.name`."),
        click.option("--outcome", help="`ok`, `partial`, `refused` or `failed`."),
        click.option("--code", help="Of the error."),
        click.option("--case", "case_id", help="The case, as stated."),
        click.option("--since", type=_MOMENT, help="From this moment on, in UTC."),
        click.option("--until", type=_MOMENT, help="Before this moment, in UTC."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def chosen_of(**given: Any) -> Chosen:
    """What the options choose."""
    return Chosen(**{name: _plain(value) for name, value in given.items()})


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=UTC).timestamp() if isinstance(value, datetime) else value


@click.command("export", short_help="Write entries for other systems and auditors.")
@CONFIG
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "parquet", "cef"]),
    default="jsonl",
    show_default=True,
    help="`jsonl` is what the offline verifier takes.",
)
@click.option("--out", type=click.Path(path_type=Path), help="A file; default is the screen.")
@click.option("--first", type=click.IntRange(1), default=1, show_default=True, help="Entry.")
@click.option("--last", type=click.IntRange(1), help="Entry; default is the last one.")
@choosing
def export(
    config: Path, form: str, out: Path | None, first: int, last: int | None, **given: Any
) -> None:
    """Write entries. The access is on record, with what was asked for, before any is written.

    \b
    Example:
      hub audit export --config hub.yaml --out audit.jsonl
      hub audit export --format cef --since 2026-05-01 --outcome refused
    """
    chosen = chosen_of(**given)
    if form == "parquet" and out is None:
        raise HubError("CONFIG_INVALID", "a Parquet file needs a name", hint="give `--out`")
    with opened(config) as log:
        end = log.tree.size()
        last = end if last is None else min(last, end)
        act = act_of("audit.exported", form=form, first=first, last=last, **chosen.told())
        record_act(log.ledger, log.link, act)
        found = picked(log.ledger, log.link, chosen, first=first, last=last)
        try:
            if form == "parquet" and out is not None:
                write_parquet(found, out)
            elif out is None:
                _write(found, form, None)
            else:
                with out.open("w", encoding="utf-8", newline="\n") as stream:
                    _write(found, form, stream)
        except OSError as error:
            message = "the export cannot be written"
            raise HubError("CONFIG_INVALID", message, where=str(out), cause=error) from error


def _write(found: Any, form: str, stream: TextIO | None) -> None:
    host = socket.gethostname()

    def text(one: Picked) -> str:
        return jsonl(one) if form == "jsonl" else cef(one, host=host)

    for one in found:
        click.echo(text(one), file=stream)


@click.command("prune", short_help="Take the text of entries older than the retention.")
@CONFIG
@click.option("--before", type=_MOMENT, help="Earlier than the retention allows; in UTC.")
def prune_command(config: Path, before: datetime | None) -> None:
    """Take the text of operations' entries that are older than `audit.retention_days`.

    Their hashes stay: the log verifies as before, and proofs hold. What a legal hold covers stays
    whole, and so do acts. It is on record.

    \b
    Example:
      hub audit prune --config hub.yaml
    """
    with opened(config) as log:
        latest = time.time() - log.settings.audit.retention_days * _DAY_S
        wanted = latest if before is None else _plain(before)
        if wanted > latest:
            hint = "`audit.retention_days` says how long entries are kept at least"
            raise HubError("CONFIG_INVALID", "entries of that time must be kept", hint=hint)
        done = prune(log.engine, log.ledger, log.link, before=wanted, act=act_of("audit.pruned"))
    if done is None:
        click.echo("no entry is old enough, not held and under a signed head")
        return
    span = f"between {done.first} and {done.last}"
    click.echo(f"{done.count} entries {span} have lost their text; {done.held} are held")


@click.group("hold", short_help="Hold entries for a proceeding.")
def hold() -> None:
    """Hold entries for a proceeding: `hub audit prune` leaves them whole.

    \b
    Example:
      hub audit hold set case-17 --department civil --reason "order of 3 May" --config hub.yaml
    """


_REASON = click.option("--reason", required=True, help="Goes on record.")


@hold.command("set", short_help="Hold entries from now on.")
@click.argument("ident", metavar="NAME")
@CONFIG
@click.option("--app", help="The application.")
@click.option("--department", help="Of the caller, or for which it acts.")
@click.option("--since", type=_MOMENT, help="From this moment on, in UTC.")
@click.option("--until", type=_MOMENT, help="Before this moment, in UTC.")
@_REASON
def set_command(ident: str, config: Path, reason: str, **given: Any) -> None:
    """Hold entries from now on, all where nothing is chosen. It is on record.

    \b
    Example:
      hub audit hold set case-17 --app benefits --since 2026-01-01 --reason "order of 3 May"
    """
    if not 1 <= len(ident) <= 64:
        raise HubError("CONFIG_INVALID", "a hold's name has 1 to 64 characters", where=ident)
    terms = chosen_of(**given)
    made = Hold(id=ident, terms=terms, set_at=time.time(), set_by=reader())
    with opened(config) as log:
        act = act_of("audit.hold_set", hold=ident, reason=reason, **terms.told())
        set_hold(log.engine, log.ledger, log.link, made, act)
    click.echo(f"{ident} holds")


@hold.command("lift", short_help="Hold entries no longer.")
@click.argument("ident", metavar="NAME")
@CONFIG
@_REASON
def lift_command(ident: str, config: Path, reason: str) -> None:
    """Hold entries no longer. It is on record.

    \b
    Example:
      hub audit hold lift case-17 --reason "closed on 9 June" --config hub.yaml
    """
    with opened(config) as log:
        act = act_of("audit.hold_lifted", hold=ident, reason=reason)
        lift_hold(log.engine, log.ledger, log.link, ident, act)
    click.echo(f"{ident} is lifted")


@hold.command("list", short_help="Show the holds in force.")
@CONFIG
def list_command(config: Path) -> None:
    """Show the holds in force.

    \b
    Example:
      hub audit hold list --config hub.yaml
    """
    with opened(config) as log:
        for one in holds(log.engine):
            terms = " ".join(f"{name}={value}" for name, value in one.terms.told().items())
            when = datetime.fromtimestamp(one.set_at, UTC).isoformat(timespec="seconds")
            click.echo(f"{one.id}  {when}  {one.set_by}  {terms or 'everything'}")

"""`hub audit search`, `subject`, `reconcile`: what an auditor asks the log."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from hub.audit.choose import Chosen
from hub.audit.persons import MANY, person_hashes
from hub.audit.reader import Recorded, record_act
from hub.audit.reconcile import Asked, asked_of, differences, read_counts
from hub.audit.search import MOST, Page, search
from hub.cli.audit_export import choosing, chosen_of
from hub.cli.audit_log import CONFIG, Opened, act_of, opened
from hub.store.heads import newest_head
from schema.errors import HubError

Line = Callable[[Recorded], str]
_DAY_S = 86_400.0


def searching(line: Line) -> click.Command:
    """The command `search`; `line` shows an entry."""

    @click.command("search", short_help="Find entries by who, why, when and what.")
    @CONFIG
    @choosing
    @click.option("-n", "count", type=click.IntRange(1, MOST), default=50, show_default=True)
    @click.option("--before", type=click.IntRange(1), help="Entries with smaller numbers alone.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
    def search_command(
        config: Path, count: int, before: int | None, *, as_json: bool, **given: Any
    ) -> None:
        """Find entries, the latest first; nothing of their data values is in them. The search is
        on record, with what was looked for, before anything is shown.

        \b
        Example:
          hub audit search --app benefits --coordinate Person.idNumber --since 2026-05-01
        """
        chosen = chosen_of(**given)
        with opened(config) as log:
            record_act(log.ledger, log.link, act_of("audit.searched", **chosen.told()))
            page = search(log.engine, log.ledger, chosen, before=before, most=count)
        for one in page.found:
            click.echo(msgspec.json.encode(one).decode() if as_json else line(one))
        if page.before is not None:
            click.echo(f"there are more: go on with --before {page.before}", err=True)

    return search_command


@click.command("subject", short_help="Who saw one person's data, when, for which purpose.")
@CONFIG
@click.option(
    "--parts", type=click.IntRange(1, 8), default=1, show_default=True,
    help="How many fields tell the person from others.",
)  # fmt: skip
@click.option("-n", "count", type=click.IntRange(1, MOST), default=50, show_default=True)
@click.option("--before", type=click.IntRange(1), help="Entries with smaller numbers alone.")
def subject(config: Path, parts: int, count: int, before: int | None) -> None:
    """Who saw one person's data, when, for which purpose: one JSON object per line, the latest
    first, each with the proof that it is in the log of the newest signed head.

    The person's key is asked for, or read from standard input, one line for each part; it is
    never given as an argument, which other users of the machine could see. `certain` is false for
    entries of so many persons that not all are listed. The access is on record, without the key.

    \b
    Example:
      hub audit subject --config hub.yaml < key.txt
    """
    values = _key(parts)
    with opened(config) as log:
        if not log.settings.audit.persons:
            hint = "set `audit.persons`; it tells of what is asked from then on"
            raise HubError("CONFIG_INVALID", "entries do not list persons", hint=hint)
        person = person_hashes(Path(log.settings.state.directory)).of(values)
        record_act(log.ledger, log.link, act_of("audit.subject", person=person))
        head = newest_head(log.engine, log.link.algorithm)
        pages = [
            search(log.engine, log.ledger, Chosen(person=one), before=before, most=count)
            for one in (person, MANY)
        ]
        size = 0 if head is None else head.size
        held = _together(pages)
        for one in held[:count]:
            click.echo(_told(log, one, person, size))
    if len(held) > count or any(page.before is not None for page in pages):
        click.echo("there are more: go on with --before and the last number shown", err=True)


def _key(parts: int) -> list[str]:
    if sys.stdin.isatty():
        return [click.prompt(f"part {n + 1} of the key", hide_input=True) for n in range(parts)]
    given = [line.strip() for line in sys.stdin.read(10_000).splitlines() if line.strip()]
    if len(given) != parts:
        raise HubError("CONFIG_INVALID", "the key has another number of parts than lines are given")
    return given


def _together(pages: list[Page]) -> list[Recorded]:
    held = {one.seq: one for page in pages for one in page.found}
    return [held[seq] for seq in sorted(held, reverse=True)]


def _told(log: Opened, one: Recorded, person: str, size: int) -> str:
    entry = one.entry
    listed = getattr(entry, "persons", ())
    proof = log.tree.inclusion(one.seq, size) if one.seq <= size else None
    told = {"seq": one.seq, "certain": person in listed, "entry": entry, "proof": proof}
    return msgspec.json.encode(told).decode()


@click.command("reconcile", short_help="Compare with sources' own counts.")
@CONFIG
@click.option(
    "--counts", required=True, type=click.Path(path_type=Path),
    help="CSV of what sources say: source,day,calls,rows; days in UTC.",
)  # fmt: skip
def reconcile(config: Path, counts: Path) -> None:
    """Compare what sources say they were asked with what the log says. Ends with an error where
    they differ: a source that was asked more often was asked without an entry.

    \b
    Example:
      hub audit reconcile --counts police-2026-05.csv --config hub.yaml
    """
    said = read_counts(counts)
    days = sorted(day for _, day in said)
    since = datetime.fromisoformat(days[0]).replace(tzinfo=UTC).timestamp()
    until = datetime.fromisoformat(days[-1]).replace(tzinfo=UTC).timestamp() + _DAY_S
    with opened(config) as log:
        record_act(log.ledger, log.link, act_of("audit.reconciled", first=days[0], last=days[-1]))
        found = differences(said, asked_of(log.engine, log.ledger, log.link, since, until))
    for one in found:
        source, ours = _asked(one.source_says), _asked(one.log_says)
        click.echo(f"{one.day}  {one.source}  source: {source}  log: {ours}")
    if found:
        raise HubError("AUDIT_BROKEN", f"{len(found)} counts of sources differ from the log")
    click.echo(f"{len(said)} counts of sources agree with the log")


def _asked(asked: Asked | None) -> str:
    return "nothing" if asked is None else f"{asked.calls} calls, {asked.rows} rows"

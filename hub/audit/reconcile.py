"""Whether sources were asked what the log says: their own counts beside the entries' ones."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.choose import Chosen
from hub.audit.entry import Entry
from hub.audit.export import picked
from hub.audit.link import Linked
from hub.audit.search import grow_index
from hub.store.audit_index import begins
from hub.store.ledger import Ledger
from schema.errors import HubError

Day = tuple[str, str]
"""Source and day (UTC, as `2026-05-01`)."""
_COLUMNS = ("source", "day", "calls", "rows")
_MOST = 100_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one source was asked on one day."""

    calls: int
    rows: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where a source says another thing than the log; ``None`` = it, or the log, says nothing."""

    source: str
    day: str
    source_says: Asked | None
    log_says: Asked | None


def asked_of(
    engine: Engine, ledger: Ledger, link: Linked, since: float, until: float
) -> Mapping[Day, Asked]:
    """What the log says. Raises: `HubError` AUDIT_UNAVAILABLE, AUDIT_BROKEN."""
    calls, rows = Counter[Day](), Counter[Day]()
    try:
        grow_index(engine, ledger)
        first = begins(engine, since)
    except SQLAlchemyError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error
    for one in picked(ledger, link, Chosen(since=since, until=until), first=first):
        if isinstance(one.entry, Entry):
            day = datetime.fromtimestamp(one.entry.ts, UTC).date().isoformat()
            for source, count, found, *_ in one.entry.sources:
                calls[str(source), day] += int(count)
                rows[str(source), day] += int(found)
    return {day: Asked(calls=calls[day], rows=rows[day]) for day in calls}


def read_counts(file: Path) -> Mapping[Day, Asked]:
    """Sources' own counts: CSV with `source,day,calls,rows`. Raises: `HubError` CONFIG_INVALID."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            return _counts(csv.DictReader(text))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise HubError(
            "CONFIG_INVALID", "the counts cannot be read", where=str(file),
            hint=f"the first line is `{','.join(_COLUMNS)}`, days are as `2026-05-01`", cause=error,
        ) from error  # fmt: skip


def _counts(lines: Iterable[Mapping[str, str]]) -> Mapping[Day, Asked]:
    found: dict[Day, Asked] = {}
    for line in lines:
        day = datetime.strptime(line["day"].strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
        place = (line["source"].strip(), day.isoformat())
        if place in found or len(found) == _MOST:
            raise ValueError("a day of a source is there twice, or there are too many")
        found[place] = Asked(calls=int(line["calls"]), rows=int(line["rows"]))
    if not found:
        raise ValueError("nothing is counted")
    return found


def differences(said: Mapping[Day, Asked], log: Mapping[Day, Asked]) -> Sequence[Difference]:
    """Where they differ, of the sources that say anything."""
    sources = {source for source, _ in said}
    days = sorted({*said, *(day for day in log if day[0] in sources)})
    return [
        Difference(
            source=day[0], day=day[1], source_says=said.get(day), log_says=log.get(day)
        )
        for day in days
        if said.get(day) != log.get(day)
    ]  # fmt: skip

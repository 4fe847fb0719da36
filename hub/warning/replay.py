"""A file of rules over what is already on record: what it would have told, in a database that is
made for it and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from hub.store.counts import Counts
from hub.store.ledger import Ledger
from hub.store.warning_tables import warning_counts, warning_positions, warning_uses
from hub.warning.fold import HOUR, SHORT
from hub.warning.judge import Judged, Match, moments
from hub.warning.owned import permitted
from hub.warning.rule import Rule
from hub.warning.watch import folded_rows, found_in
from policies.engine import Engine

_BATCH = 5_000
_TABLES = [warning_positions, warning_counts, warning_uses]


def replayed(
    rules: Sequence[Rule], ledger: Ledger, engine: Engine, *, since: float, now: float, until: int
) -> list[Match]:
    """What rules would have told from `since` on, without what is quiet; entries before it are
    learnt from. `until`: the last entry. Rules look at the record only: grants and sources of the
    past are not known, so that `lapse` and `late` find nothing. Raises: `LedgerError`.
    """
    awake = [one for one in rules if permitted(engine, one, one.types | one.fields, now)]
    database = sa.create_engine("sqlite://", poolclass=StaticPool)
    try:
        warning_counts.metadata.create_all(database, tables=_TABLES)
        counts = Counts(database)
        last = _counted(counts, ledger, until)
        end = int(last) - int(last) % SHORT + SHORT
        ends = moments(counts, int(since) - int(since) % SHORT, end + HOUR)
        matches = found_in(awake, counts, ends, Judged(calendars=engine.packs.calendars))
    finally:
        database.dispose()
    held: dict[tuple[str, str, str], float] = {}
    told = []
    for match in matches:
        elements = (match.element,) if match.element else ()
        if not permitted(engine, match.rule, elements, now):
            continue
        key = (match.rule.name, match.app, match.what)
        if match.at - held.get(key, float("-inf")) >= match.rule.quiet_s:
            held[key] = match.at
            told.append(match)
    return told


def _counted(counts: Counts, ledger: Ledger, until: int) -> float:
    """Count the record up to an entry; its latest moment."""
    counts.begin(0, 0)
    before, last = 0, 0.0
    while before < until:
        rows = [row for row in islice(ledger.rows(before), _BATCH) if row.seq <= until]
        if not rows:
            break
        folded = folded_rows(rows)
        counts.add(before, rows[-1].seq, folded.counts, folded.uses)
        before, last = rows[-1].seq, max(last, folded.last)
    return last

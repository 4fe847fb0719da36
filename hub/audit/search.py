"""Searching the log without data values: who asked what, when, why, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.choose import Chosen, terms_of
from hub.audit.entry import Act, Entry, read_body
from hub.audit.link import told_hash
from hub.audit.reader import Recorded
from hub.store.audit_index import (
    BLOCK,
    add_block,
    blocks_before,
    indexed,
    places_of,
    rows_of,
)
from hub.store.ledger import PRUNED, Ledger, LedgerError, Row
from schema.errors import HubError

_BLOCKS = 64
"""Blocks looked at in one step."""
_ROWS = 200
MOST = 1_000
"""Entries of one page."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what was found, the latest first."""

    found: list[Recorded]
    before: int | None
    """Where the next page begins; ``None`` = there is no more."""


def grow_index(engine: Engine, ledger: Ledger, most: int | None = None) -> int:
    """Index blocks that are full, at most so many; how many were. Blocking.

    Raises: `HubError` AUDIT_UNAVAILABLE.
    """
    done = 0
    try:
        last = ledger.last()
        full = (0 if last is None else last.seq) // BLOCK
        for block in range(indexed(engine), full):
            if done == most:
                break
            _index(engine, ledger, block)
            done += 1
    except (LedgerError, SQLAlchemyError) as error:
        raise _unavailable(error) from error
    return done


def _index(engine: Engine, ledger: Ledger, block: int) -> None:
    terms: dict[str, list[int]] = {}
    times: list[float] = []
    for row in ledger.rows(block * BLOCK):
        place = row.seq - block * BLOCK - 1
        if place >= BLOCK:
            break
        entry = _entry(row)
        if entry is not None:
            times.append(entry.ts)
            for term in terms_of(entry):
                terms.setdefault(term, []).append(place)
    add_block(engine, block, (min(times, default=0.0), max(times, default=0.0)), terms)


def search(
    engine: Engine, ledger: Ledger, chosen: Chosen, *, before: int | None = None, most: int = 50
) -> Page:
    """What is chosen, the latest first; `before`: entries with smaller numbers alone.

    Whoever calls puts the search on record first.
    Raises: `HubError` AUDIT_UNAVAILABLE.
    """
    most = min(most, MOST)
    try:
        grow_index(engine, ledger)
        last = ledger.last()
        end = (0 if last is None else last.seq) + 1
        found = _found(engine, ledger, chosen, end if before is None else min(before, end))
        held = [one for one, _ in zip(found, range(most + 1), strict=False)]
    except (LedgerError, SQLAlchemyError) as error:
        raise _unavailable(error) from error
    return Page(found=held[:most], before=held[most - 1].seq if len(held) > most else None)


def _found(engine: Engine, ledger: Ledger, chosen: Chosen, before: int) -> Iterator[Recorded]:
    blocks = indexed(engine)
    if before > blocks * BLOCK + 1:  # what no block holds yet is read as it is
        tail = [row for row in ledger.rows(blocks * BLOCK) if row.seq < before]
        yield from _taken(reversed(tail), chosen)
    at = min(blocks, (before - 2) // BLOCK + 1)
    while some := blocks_before(engine, at, chosen.since, chosen.until, _BLOCKS):
        held: dict[int, frozenset[int]] | None = None
        for term in chosen.terms:
            there = places_of(engine, term, some if held is None else list(held))
            held = {b: p if held is None else held[b] & p for b, p in there.items()}
        for block in some:
            places = range(BLOCK) if held is None else held.get(block, ())
            seqs = [block * BLOCK + 1 + place for place in sorted(places, reverse=True)]
            seqs = [seq for seq in seqs if seq < before]
            for start in range(0, len(seqs), _ROWS):
                yield from _taken(rows_of(engine, seqs[start : start + _ROWS]), chosen)
        at = some[-1]


def _taken(rows: Iterator[Row] | Sequence[Row], chosen: Chosen) -> Iterator[Recorded]:
    for row in rows:
        entry = _entry(row)
        if entry is not None and chosen.takes(entry):
            yield Recorded(seq=row.seq, hash=told_hash(row.hash), entry=entry)


def _entry(row: Row) -> Entry | Act | None:
    """A body that is no entry is what verifying tells of; nothing is found in it."""
    if row.body == PRUNED:
        return None
    try:
        return read_body(row.body)
    except msgspec.DecodeError:
        return None


def _unavailable(error: Exception) -> HubError:
    return HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error)

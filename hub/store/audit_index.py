"""Where terms stand in the audit log, by blocks of entries, so that ten million can be searched."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from hub.store.ledger import PRUNED, Row
from hub.store.tables import audit_blocks, audit_entries, audit_index

BLOCK = 4096
"""Entries of one block; block `n` begins with entry `n * BLOCK + 1`."""
_TERM_BYTES = 12
_FEW = 128
_INSERTED = 1_000
"""Rows of one transaction: a longer one would hold up the log itself."""


def term_key(term: str) -> bytes:
    """What stands for a term: terms that share a digest are told apart by the entries."""
    return hashlib.sha256(term.encode()).digest()[:_TERM_BYTES]


def packed(places: Sequence[int]) -> bytes:
    """Places in a block: as numbers where they are few, else as bits."""
    if len(places) < _FEW:
        return b"".join(place.to_bytes(2, "big") for place in places)
    bits = bytearray(BLOCK // 8)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


def unpacked(held: bytes) -> frozenset[int]:
    """The places again."""
    if len(held) < 2 * _FEW:
        numbers = (held[at : at + 2] for at in range(0, len(held), 2))
        return frozenset(int.from_bytes(one, "big") for one in numbers)
    return frozenset(
        at * 8 + bit for at, byte in enumerate(held) if byte for bit in range(8) if byte >> bit & 1
    )


def indexed(engine: Engine) -> int:
    """How many blocks are indexed, from the first one on."""
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.max(audit_blocks.c.block)))
    return 0 if found is None else int(found) + 1


def add_block(
    engine: Engine, block: int, span: tuple[float, float], terms: Mapping[str, Sequence[int]]
) -> None:
    """Index one block; several processes may do so at once, since they write the same."""
    rows = [
        {"term": term_key(term), "block": block, "places": packed(places)}
        for term, places in terms.items()
    ]
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    # always in one order, so that no two transactions wait for each other
    rows.sort(key=lambda row: row["term"])  # type: ignore[arg-type, return-value]
    for start in range(0, len(rows), _INSERTED):
        with engine.begin() as connection:
            fresh = insert(audit_index).on_conflict_do_nothing()
            connection.execute(fresh, rows[start : start + _INSERTED])
    with engine.begin() as connection:  # last: what is not whole is not looked into
        values = {"block": block, "first_ts": span[0], "last_ts": span[1]}
        connection.execute(insert(audit_blocks).values(**values).on_conflict_do_nothing())


def blocks_before(
    engine: Engine, before: int, since: float | None, until: float | None, most: int
) -> Sequence[int]:
    """Blocks that may hold something of a time, the latest first."""
    query = sa.select(audit_blocks.c.block).where(audit_blocks.c.block < before)
    if since is not None:
        query = query.where(audit_blocks.c.last_ts >= since)
    if until is not None:
        query = query.where(audit_blocks.c.first_ts < until)
    with engine.connect() as connection:
        found = connection.scalars(query.order_by(audit_blocks.c.block.desc()).limit(most))
        return list(found)


def begins(engine: Engine, since: float) -> int:
    """The number of an entry before which nothing is of that time or later."""
    query = sa.select(sa.func.min(audit_blocks.c.block)).where(audit_blocks.c.last_ts >= since)
    with engine.connect() as connection:
        found = connection.scalar(query)
    return (indexed(engine) if found is None else int(found)) * BLOCK + 1


def places_of(engine: Engine, term: str, blocks: Collection[int]) -> Mapping[int, frozenset[int]]:
    """Where a term stands in blocks."""
    table = audit_index
    query = sa.select(table.c.block, table.c.places).where(
        table.c.term == term_key(term), table.c.block.in_(blocks)
    )
    with engine.connect() as connection:
        return {block: unpacked(bytes(held)) for block, held in connection.execute(query)}


def rows_of(engine: Engine, seqs: Iterable[int]) -> Sequence[Row]:
    """Entries by number, the latest first."""
    table = audit_entries
    query = sa.select(table.c.seq, table.c.hash, table.c.body).where(table.c.seq.in_(list(seqs)))
    with engine.connect() as connection:
        found = connection.execute(query.order_by(table.c.seq.desc()))
        return [Row(seq, bytes(digest), body) for seq, digest, body in found]


def forget_pruned(engine: Engine, last: int) -> None:
    """Forget the terms of blocks up to an entry of which no text is left."""
    table = audit_entries
    gone = array("q")
    for block in range(min(last // BLOCK, indexed(engine))):
        first = block * BLOCK + 1
        inside = table.c.seq.between(first, first + BLOCK - 1)
        with engine.connect() as connection:
            if not connection.scalar(sa.select(sa.exists().where(inside, table.c.body != PRUNED))):
                gone.append(block)
    for block in gone:
        with engine.begin() as connection:
            connection.execute(sa.delete(audit_index).where(audit_index.c.block == block))

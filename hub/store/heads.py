"""Signed heads of the audit log's tree in the Hub's own database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from hub.store.appending import Algorithm
from hub.store.tables import audit_heads as table


class StoredHead(msgspec.Struct, frozen=True, kw_only=True):
    """One head. Units: `ts` Unix seconds. Shape: `root` hexadecimal, `signature` base64url."""

    size: int
    root: str
    ts: int
    hash_alg: Algorithm
    key_id: str
    signature: str


def add_head(engine: Engine, head: StoredHead) -> bool:
    """Keep a head; whether there was none of its size. Raises: ``SQLAlchemyError``."""
    told = msgspec.structs.asdict(head)
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(algorithm=told.pop("hash_alg"), **told))
    except IntegrityError:
        return False  # another worker's
    return True


def heads_from(
    engine: Engine, algorithm: Algorithm, *, least: int = 0, most: int = 100
) -> Sequence[StoredHead]:
    """Heads of at least a size, the smallest first. Raises: ``SQLAlchemyError``."""
    found = (
        sa.select(table)
        .where(table.c.algorithm == algorithm, table.c.size >= least)
        .order_by(table.c.size)
        .limit(most)
    )
    return _read(engine, found)


def newest_head(engine: Engine, algorithm: Algorithm) -> StoredHead | None:
    """The largest one. Raises: ``SQLAlchemyError``."""
    found = sa.select(table).where(table.c.algorithm == algorithm).order_by(table.c.size.desc())
    return next(iter(_read(engine, found.limit(1))), None)


def _read(engine: Engine, query: sa.Select[tuple[object, ...]]) -> Sequence[StoredHead]:
    with engine.connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]
    return [StoredHead(hash_alg=row.pop("algorithm"), **row) for row in rows]

"""Recorded operations in the Hub's own database: counted by all workers, kept within bounds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from hub.store.tables import recorded_operations as table

_CHUNK = 100
"""Rows of one transaction: a longer one would hold up the audit log in the same file."""
_DAY_S = 86_400


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as callers with the same attributes asked it. Units: Unix seconds.

    `operation` is without values, `caller` its attributes as JSON.
    """

    operation: str
    name: str | None
    caller: str
    purpose: str | None
    network_zone: str | None
    acr: str | None
    case_stated: bool
    epoch: int
    first_seen: float
    last_seen: float
    asked: int

    @property
    def key(self) -> str:
        """What one row stands for."""
        told = (
            self.operation, self.caller, self.purpose, self.network_zone, self.acr,
            self.case_stated, self.epoch,
        )  # fmt: skip
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


_FIELDS = Recorded.__struct_fields__


class StoredOperations:
    """The table, blocking. Kept: `days` after an operation was last asked, and `most` in all."""

    def __init__(self, engine: Engine, *, days: int, most: int) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._days = days
        self._most = most

    def add(self, rows: Iterable[Recorded]) -> None:
        """Count operations, those that are known already with what was counted before."""
        together: dict[str, Recorded] = {}
        for row in rows:
            key = row.key
            held = together.get(key)
            together[key] = row if held is None else _both(held, row)
        # always in one order, so that no two transactions wait for each other
        ordered = sorted(together.items())
        for start in range(0, len(ordered), _CHUNK):
            with self._engine.begin() as connection:
                for key, row in ordered[start : start + _CHUNK]:
                    connection.execute(self._counted(key, row))

    def _counted(self, key: str, row: Recorded) -> sa.Insert:
        fresh = self._insert(table).values(key=key, **msgspec.structs.asdict(row))
        new = fresh.excluded
        first, last = table.c.first_seen, table.c.last_seen
        return fresh.on_conflict_do_update(
            index_elements=[table.c.key],
            set_={
                "asked": table.c.asked + new.asked,
                "name": sa.func.coalesce(new.name, table.c.name),
                "first_seen": sa.case((new.first_seen < first, new.first_seen), else_=first),
                "last_seen": sa.case((new.last_seen > last, new.last_seen), else_=last),
            },
        )

    def purge(self, now: float) -> None:
        """Forget what was not asked for long, and what is beyond the number: the oldest first."""
        with self._engine.begin() as connection:
            old = table.c.last_seen < now - self._days * _DAY_S
            connection.execute(sa.delete(table).where(old))
            count = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            if count > self._most:
                surplus = (
                    sa.select(table.c.key)
                    .order_by(table.c.last_seen, table.c.key)
                    .limit(count - self._most)
                )
                connection.execute(sa.delete(table).where(table.c.key.in_(surplus)))


def read_recorded(engine: Engine, since: float = 0.0) -> Sequence[Recorded]:
    """What was asked since then at least once, the latest first."""
    query = (
        sa.select(*(table.c[name] for name in _FIELDS))
        .where(table.c.last_seen >= since)
        .order_by(table.c.last_seen.desc(), table.c.key)
    )
    with engine.connect() as connection:
        return list(_rows(connection.execute(query)))


def _rows(found: Iterable[sa.Row[tuple[object, ...]]]) -> Iterator[Recorded]:
    for row in found:
        yield Recorded(**dict(row._mapping))


def _both(first: Recorded, second: Recorded) -> Recorded:
    return msgspec.structs.replace(
        first,
        name=second.name or first.name,
        first_seen=min(first.first_seen, second.first_seen),
        last_seen=max(first.last_seen, second.last_seen),
        asked=first.asked + second.asked,
    )

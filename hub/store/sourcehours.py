"""How sources fared, by hours: whether they answered, and were as fresh as they promise."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.converted import converted
from hub.store.warning_tables import source_hours as table

_HOUR_S = 3_600
KEPT_S = 800 * 86_400


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a source. Units: seconds; ``None`` where its age or promise is not known."""

    source: str
    department: str
    at: float
    answered: bool
    age_s: float | None
    expect_s: float | None

    @property
    def judged(self) -> bool:
        """Whether it can be told how fresh it is against what it promises."""
        return self.age_s is not None and self.expect_s is not None

    @property
    def fresh(self) -> bool:
        """Whether it keeps its promise."""
        return self.age_s is not None and self.expect_s is not None and self.age_s <= self.expect_s


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """The looks of one hour."""

    source: str
    starts: int
    department: str
    looks: int
    answered: int
    judged: int
    """Looks that told how fresh it was against a promise."""
    fresh: int
    last_at: float
    age_s: float | None
    """At the last look."""
    expect_s: float | None


class SourceHours:
    """The table, blocking; raises ``SQLAlchemyError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def add(self, looks: Sequence[Look]) -> None:
        """Count looks, and forget what is long past."""
        with self._engine.begin() as connection:
            for look in sorted(looks, key=lambda one: one.source):
                fresh = self._insert(table).values(
                    source=look.source, starts=int(look.at) - int(look.at) % _HOUR_S,
                    department=look.department, looks=1, answered=int(look.answered),
                    judged=int(look.judged), fresh=int(look.fresh), last_at=look.at,
                    age_s=look.age_s, expect_s=look.expect_s,
                )  # fmt: skip
                new = fresh.excluded
                changes = {
                    name: table.c[name] + new[name]
                    for name in ("looks", "answered", "judged", "fresh")
                }
                changes |= {
                    name: new[name] for name in ("department", "last_at", "age_s", "expect_s")
                }
                connection.execute(
                    fresh.on_conflict_do_update(
                        index_elements=list(table.primary_key.columns), set_=changes
                    )
                )
            if looks:
                old = table.c.starts < max(look.at for look in looks) - KEPT_S
                connection.execute(sa.delete(table).where(old))

    def between(self, start: float, end: float) -> tuple[Hour, ...]:
        """The hours that begin from `start` to before `end`, by source and time."""
        query = (
            sa.select(table)
            .where(table.c.starts >= start, table.c.starts < end)
            .order_by(table.c.source, table.c.starts)
        )
        with self._engine.connect() as connection:
            return converted(connection.execute(query), Hour)

    def last(self, since: float) -> tuple[Hour, ...]:
        """The last hour of each source that was looked at since a moment."""
        return tuple({hour.source: hour for hour in self.between(since - _HOUR_S, 2**53)}.values())

"""What is counted of the record for early warning: position and counts in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.converted import converted
from hub.store.warning_tables import warning_counts, warning_positions, warning_uses

COUNTED = "counted"
JUDGED = "judged"
_ROWS = 200
"""Rows of one INSERT."""


class Series(msgspec.Struct, frozen=True, order=True):
    """What one count is of. `starts`: Unix seconds; `span`: how many it lasts."""

    span: int
    measure: str
    starts: int
    app: str
    what: str


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """An application and an element of the catalogue. Units: Unix seconds."""

    app: str
    element: str
    department: str
    first_at: float
    last_at: float
    amount: int


class Counts:
    """The tables, blocking; raises ``SQLAlchemyError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def position(self, name: str) -> int | None:
        """How far one thing has come; ``None`` before it has begun."""
        table = warning_positions
        with self._engine.connect() as connection:
            found: int | None = connection.scalar(
                sa.select(table.c.number).where(table.c.name == name)
            )
        return found

    def begin(self, counted: int, judged: int) -> None:
        """Where counting and judging begin, if they have not."""
        with self._engine.begin() as connection:
            for name, number in ((COUNTED, counted), (JUDGED, judged)):
                fresh = self._insert(warning_positions).values(name=name, number=number)
                connection.execute(fresh.on_conflict_do_nothing())

    def add(
        self, before: int, after: int, counts: Mapping[Series, int], uses: Sequence[Used]
    ) -> bool:
        """Count what stands between two positions; ``False`` where somebody else has."""
        with self._engine.begin() as connection:
            if not moved(connection, COUNTED, before, after):
                return False
            # always in one order, so that no two transactions wait for each other
            ordered = sorted(counts.items())
            for start in range(0, len(ordered), _ROWS):
                self._count(connection, ordered[start : start + _ROWS])
            named = sorted(uses, key=lambda use: (use.app, use.element))
            for start in range(0, len(named), _ROWS):
                self._use(connection, named[start : start + _ROWS])
        return True

    def _count(self, connection: Connection, some: Sequence[tuple[Series, int]]) -> None:
        table = warning_counts
        rows = [{**msgspec.structs.asdict(series), "amount": n} for series, n in some]
        fresh = self._insert(table).values(rows)
        connection.execute(
            fresh.on_conflict_do_update(
                index_elements=list(table.primary_key.columns),
                set_={"amount": table.c.amount + fresh.excluded.amount},
            )
        )

    def _use(self, connection: Connection, some: Sequence[Used]) -> None:
        table = warning_uses
        fresh = self._insert(table).values([msgspec.structs.asdict(use) for use in some])
        new, first, last = fresh.excluded, table.c.first_at, table.c.last_at
        connection.execute(
            fresh.on_conflict_do_update(
                index_elements=list(table.primary_key.columns),
                set_={
                    "amount": table.c.amount + new.amount,
                    "department": new.department,
                    "first_at": sa.case((new.first_at < first, new.first_at), else_=first),
                    "last_at": sa.case((new.last_at > last, new.last_at), else_=last),
                },
            )
        )

    def sums(
        self, span: int, measure: str, start: float, end: float, *, least: int = 1
    ) -> dict[tuple[str, str], int]:
        """(application, what) -> the sum of the stretches that begin from `start` to before `end`,
        where it is not below `least`."""
        table = warning_counts
        total = sa.func.sum(table.c.amount)
        query = (
            sa.select(table.c.app, table.c.what, total)
            .where(table.c.span == span, table.c.measure == measure)
            .where(table.c.starts >= start, table.c.starts < end)
            .group_by(table.c.app, table.c.what)
            .having(total >= least)
        )
        with self._engine.connect() as connection:
            return {(app, what): int(n) for app, what, n in connection.execute(query)}

    def active(self, span: int, measure: str, start: float, end: float) -> tuple[int, ...]:
        """When stretches begin in which anything was counted, ascending."""
        table = warning_counts
        query = (
            sa.select(table.c.starts)
            .where(table.c.span == span, table.c.measure == measure)
            .where(table.c.starts >= start, table.c.starts < end)
            .distinct()
            .order_by(table.c.starts)
        )
        with self._engine.connect() as connection:
            return tuple(connection.scalars(query))

    def uses(
        self,
        *,
        first: tuple[float, float] | None = None,
        app: str | None = None,
        element: str | None = None,
    ) -> tuple[Used, ...]:
        """Uses by application and element; `first`: that began from then to before then."""
        table = warning_uses
        query = sa.select(table).order_by(table.c.app, table.c.element)
        if first is not None:
            query = query.where(table.c.first_at >= first[0], table.c.first_at < first[1])
        if app is not None:
            query = query.where(table.c.app == app)
        if element is not None:
            query = query.where(table.c.element == element)
        with self._engine.connect() as connection:
            return converted(connection.execute(query), Used)

    def purge(self, ends: Iterable[tuple[int, float]], most: int) -> None:
        """Forget stretches of a span that began before a moment, and the oldest beyond `most`."""
        table = warning_counts
        with self._engine.begin() as connection:
            for span, end in ends:
                old = sa.and_(table.c.span == span, table.c.starts < end)
                connection.execute(sa.delete(table).where(old))
            count = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            if count > most:
                starts = sa.select(table.c.starts).order_by(table.c.starts)
                edge = connection.scalar(starts.offset(count - most - 1).limit(1))
                connection.execute(sa.delete(table).where(table.c.starts <= edge))


def moved(connection: Connection, name: str, before: int, after: int) -> bool:
    """Move a position on; ``False`` where it is not at `before` any more."""
    table = warning_positions
    there = sa.and_(table.c.name == name, table.c.number == before)
    return connection.execute(sa.update(table).where(there).values(number=after)).rowcount == 1

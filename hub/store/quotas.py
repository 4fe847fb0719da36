"""Counters of quotas in the Hub's own database, shared by its workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from hub.store.tables import quota_counters, quota_persons
from schema.errors import HubError

log = structlog.get_logger("hub.store")

_CHUNK = 500
_PRUNE_S = 60.0
_GRACE_S = 300
"""How long a window is kept after its end: workers' clocks may differ so much."""
_PRUNED = 50


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be added to one counter.

    Units: `starts` and `ends` in Unix seconds. Shape: `persons` are hashes without repeats.
    """

    counter: str
    starts: int
    ends: int
    most: int
    add: int = 0
    persons: tuple[bytes, ...] = ()


class StoredCounters:
    """Counts in one thread; what is counted is durable when `charge` returns."""

    def __init__(
        self, engine: Engine, *, wait_s: float = 5.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._wait_s = wait_s
        self._clock = clock
        self._pruned_at = 0.0
        self._thread = ThreadPoolExecutor(1, "hub-quotas")

    async def charge(self, charges: Sequence[Charge]) -> bool:
        """Add to counters in one transaction; whether each is within its limit then.

        Raises: `HubError` QUOTA_UNAVAILABLE.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._wait_s):
                return await loop.run_in_executor(self._thread, self._charge, charges)
        except (TimeoutError, sa.exc.SQLAlchemyError, OSError, RuntimeError) as error:
            # fails closed: what cannot be counted is not told
            log.error("quotas.unavailable", kind=type(error).__name__)
            raise HubError("QUOTA_UNAVAILABLE", "the quotas cannot be counted") from None

    def close(self) -> None:
        """Wait for what is being counted, and end; blocking."""
        self._thread.shutdown(cancel_futures=True)

    def _charge(self, charges: Sequence[Charge]) -> bool:
        self._prune()
        with self._engine.begin() as connection:
            # always in one order, so that no two transactions wait for each other
            ordered = sorted(charges, key=lambda one: (one.counter, one.starts))
            used = [self._count(connection, one) for one in ordered]
            return all(count <= one.most for count, one in zip(used, ordered, strict=True))

    def _count(self, connection: Connection, charge: Charge) -> int:
        """Add to one counter; what it comes to."""
        if charge.persons:
            return self._count_persons(connection, charge)
        if charge.add:
            return self._add(connection, charge, charge.add)
        held = connection.scalar(sa.select(quota_counters.c.used).where(_row(charge)))
        return int(held or 0)

    def _add(self, connection: Connection, charge: Charge, count: int) -> int:
        """Add, and hold the counter against others until the transaction ends."""
        fresh = self._insert(quota_counters).values(
            counter=charge.counter, starts=charge.starts, ends=charge.ends, used=count
        )
        statement = fresh.on_conflict_do_update(
            index_elements=[quota_counters.c.counter, quota_counters.c.starts],
            set_={"used": quota_counters.c.used + count},
        ).returning(quota_counters.c.used)
        return int(connection.execute(statement).scalar_one())

    def _count_persons(self, connection: Connection, charge: Charge) -> int:
        """Add the persons whom the window has not counted; past the limit nobody is looked for."""
        used = self._add(connection, charge, 0)
        if used > charge.most:
            return used
        known: set[bytes] = set()
        mine = sa.and_(
            quota_persons.c.counter == charge.counter, quota_persons.c.starts == charge.starts
        )
        for chunk in _chunks(charge.persons):
            query = sa.select(quota_persons.c.person).where(mine, quota_persons.c.person.in_(chunk))
            known.update(bytes(one) for one in connection.scalars(query))
        fresh = [one for one in charge.persons if one not in known]
        # one more than the limit closes the window: to keep further ones would change nothing
        for chunk in _chunks(fresh[: charge.most - used + 1]):
            rows = [
                {"counter": charge.counter, "starts": charge.starts, "person": one} for one in chunk
            ]
            connection.execute(sa.insert(quota_persons), rows)
        return self._add(connection, charge, len(fresh)) if fresh else used

    def _prune(self) -> None:
        """Forget windows that have ended, a few at a time."""
        now = self._clock()
        if now < self._pruned_at + _PRUNE_S:
            return
        ended = (
            sa.select(quota_counters.c.counter, quota_counters.c.starts)
            .where(quota_counters.c.ends <= int(now) - _GRACE_S)
            .order_by(quota_counters.c.counter, quota_counters.c.starts)
            .limit(_PRUNED)
        )
        with self._engine.begin() as connection:
            gone = connection.execute(ended).all()
            for counter, starts in gone:
                for table in (quota_persons, quota_counters):
                    connection.execute(
                        sa.delete(table).where(table.c.counter == counter, table.c.starts == starts)
                    )
        if len(gone) < _PRUNED:
            self._pruned_at = now


def _row(charge: Charge) -> sa.ColumnElement[bool]:
    return sa.and_(
        quota_counters.c.counter == charge.counter, quota_counters.c.starts == charge.starts
    )


def _chunks(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]

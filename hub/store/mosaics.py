"""Which parts of a mosaic each holder has used lately, kept for all workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from hub.store.tables import mosaic_parts
from schema.errors import HubError

log = structlog.get_logger("hub.store")

_LOCK = ""
"""No part's name: the row that transactions about one counter wait for."""
_PRUNE_S = 60.0
_GRACE_S = 300
"""How long a part is kept after it counts no more: workers' clocks may differ so much."""


class PartsUsed(msgspec.Struct, frozen=True, kw_only=True):
    """What one operation uses of one set. Units: `per_s` seconds."""

    counter: str
    parts: tuple[str, ...]
    most: int
    per_s: int


class _TooMany(Exception):
    """Ends a transaction that would fill a set."""


class StoredMosaics:
    """Counts in one thread; what is used is durable when `use` returns."""

    def __init__(
        self, engine: Engine, *, wait_s: float = 5.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._wait_s = wait_s
        self._clock = clock
        self._pruned_at = 0.0
        self._thread = ThreadPoolExecutor(1, "hub-mosaics")

    async def use(self, uses: Sequence[PartsUsed]) -> bool:
        """Note parts as used now, all or none; whether each set stays within its limit.

        A refused operation leaves no trace: nothing of it was told.
        Raises: `HubError` QUOTA_UNAVAILABLE.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._wait_s):
                return await loop.run_in_executor(self._thread, self._use, uses)
        except (TimeoutError, sa.exc.SQLAlchemyError, OSError, RuntimeError) as error:
            # fails closed: what cannot be counted is not told
            log.error("mosaics.unavailable", kind=type(error).__name__)
            message = "what is used together cannot be counted"
            raise HubError("QUOTA_UNAVAILABLE", message) from None

    def close(self) -> None:
        """Wait for what is being counted, and end; blocking."""
        self._thread.shutdown(cancel_futures=True)

    def _use(self, uses: Sequence[PartsUsed]) -> bool:
        now = int(self._clock())
        self._prune(now)
        try:
            with self._engine.begin() as connection:
                # always in one order, so that no two transactions wait for each other
                for one in sorted(uses, key=lambda one: one.counter):
                    self._count(connection, one, now)
        except _TooMany:
            return False
        return True

    def _count(self, connection: Connection, used: PartsUsed, now: int) -> None:
        ends = now + used.per_s
        self._put(connection, used.counter, _LOCK, ends)
        mine = mosaic_parts.c.counter == used.counter
        living = sa.select(mosaic_parts.c.part).where(
            mine, mosaic_parts.c.ends > now, mosaic_parts.c.part != _LOCK
        )
        if len({*connection.scalars(living), *used.parts}) > used.most:
            raise _TooMany
        for part in sorted(used.parts):
            self._put(connection, used.counter, part, ends)

    def _put(self, connection: Connection, counter: str, part: str, ends: int) -> None:
        """Write one row and hold it until the transaction ends; no clock shortens a count."""
        fresh = self._insert(mosaic_parts).values(counter=counter, part=part, ends=ends)
        later = sa.case(
            (mosaic_parts.c.ends > fresh.excluded.ends, mosaic_parts.c.ends),
            else_=fresh.excluded.ends,
        )
        connection.execute(
            fresh.on_conflict_do_update(
                index_elements=[mosaic_parts.c.counter, mosaic_parts.c.part], set_={"ends": later}
            )
        )

    def _prune(self, now: int) -> None:
        """Forget what counts no more."""
        if now < self._pruned_at + _PRUNE_S:
            return
        with self._engine.begin() as connection:
            connection.execute(sa.delete(mosaic_parts).where(mosaic_parts.c.ends <= now - _GRACE_S))
        self._pruned_at = now

"""Which tokens of links were used, kept for all workers: each is good once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from hub.store.tables import link_tokens
from schema.errors import HubError

log = structlog.get_logger("hub.store")

_PRUNE_S = 60.0
_GRACE_S = 300
"""How long an id is kept after its end: workers' clocks may differ so much."""


class StoredOnce:
    """Notes ids in one thread; what is noted is durable when `first` returns."""

    def __init__(
        self, engine: Engine, *, wait_s: float = 5.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._wait_s = wait_s
        self._clock = clock
        self._pruned_at = 0.0
        self._thread = ThreadPoolExecutor(1, "hub-once")

    async def first(self, ident: str, ends: float) -> bool:
        """Whether the id was never seen before; it is now. Units: `ends` in Unix seconds.

        Raises: `HubError` OVERLOADED when it cannot be noted.
        """
        loop = asyncio.get_running_loop()
        key = hashlib.sha256(ident.encode()).hexdigest()
        try:
            async with asyncio.timeout(self._wait_s):
                return await loop.run_in_executor(self._thread, self._note, key, int(ends) + 1)
        except (TimeoutError, sa.exc.SQLAlchemyError, OSError, RuntimeError) as error:
            # fails closed: a token that cannot be noted could be used again
            log.error("links.unavailable", kind=type(error).__name__)
            message = "tokens of links cannot be noted"
            raise HubError("OVERLOADED", message) from None

    def close(self) -> None:
        """Wait for what is being noted, and end; blocking."""
        self._thread.shutdown(cancel_futures=True)

    def _note(self, key: str, ends: int) -> bool:
        now = int(self._clock())
        self._prune(now)
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(link_tokens).values(id=key, ends=ends))
        except sa.exc.IntegrityError:
            return False
        return True

    def _prune(self, now: int) -> None:
        """Forget what has ended long ago."""
        if now < self._pruned_at + _PRUNE_S:
            return
        with self._engine.begin() as connection:
            connection.execute(sa.delete(link_tokens).where(link_tokens.c.ends <= now - _GRACE_S))
        self._pruned_at = now

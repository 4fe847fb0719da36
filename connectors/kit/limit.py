"""A polite limit on what is in flight towards one source."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from schema.errors import SourceError


class InFlight:
    """At most `limit` at once; others wait in order of arrival, no longer than their deadline.

    Cost: an integer while there is room. For one event loop.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        if limit < 1:
            raise ValueError("a limit is at least 1")
        self._free = limit
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def free(self) -> int:
        """How many may enter now."""
        return self._free

    def enter_now(self) -> bool:
        """Enter if there is room; never waits."""
        if self._free > 0:
            self._free -= 1
            return True
        return False

    async def enter(self, deadline: float = float("inf")) -> None:
        """Enter, waiting until `deadline` (of the clock); raises `SourceError` SOURCE_BUSY."""
        if self.enter_now():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        left = None if deadline == float("inf") else max(0.0, deadline - self._clock())
        try:
            async with asyncio.timeout(left):
                await turn
        except TimeoutError:
            self._give_up(turn)
            raise SourceError("SOURCE_BUSY", "too many requests in flight to the source") from None
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.leave()  # it was this one's turn in the same moment
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def leave(self) -> None:
        """Make room: the next in line enters."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    @asynccontextmanager
    async def hold(self, deadline: float = float("inf")) -> AsyncIterator[None]:
        """Enter for the length of a block."""
        await self.enter(deadline)
        try:
            yield
        finally:
            self.leave()

"""Trying again, politely: back-off by kind of error, and a breaker that rests a failing source."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from schema.errors import SourceError

T = TypeVar("T")

AGAIN = frozenset({"SOURCE_UNAVAILABLE", "SOURCE_BUSY"})
"""Worth another try of an idempotent read. A time-out is not: the source is slow as it is."""
FAILURES = frozenset({"SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT"})
"""What counts against a source's health."""


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how soon. Each wait is drawn from the upper half of a doubling range."""

    tries: int = 3
    first_s: float = 0.05
    most_s: float = 1.0
    busy: float = 4.0
    """Times longer when the source said that it is busy."""

    def wait(self, tried: int, code: str, chance: float) -> float:
        """Seconds before the next try; `tried` from 1, `chance` from 0 to 1."""
        longest = min(self.most_s, math.ldexp(self.first_s, tried - 1))
        spread = longest / 2 + longest / 2 * chance
        return spread * self.busy if code == "SOURCE_BUSY" else spread


class Breaker:
    """Open after `failures` in a row: calls fail at once. After `rest_s` one call is let through;
    it closes the breaker or opens it again."""

    def __init__(
        self,
        *,
        failures: int = 5,
        rest_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failed = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once now."""
        until = self._open_until
        return until is not None and (self._probing or self._clock() < until)

    def enter(self) -> None:
        """Before a call, to be followed by `succeeded`, `failed` or `gave_up`.

        Raises: `SourceError` SOURCE_UNAVAILABLE while open.
        """
        if self._open_until is None:
            return
        if self.is_open:
            raise SourceError(
                "SOURCE_UNAVAILABLE", "the source did not answer", hint="it is left to recover"
            )
        self._probing = True

    def succeeded(self) -> None:
        """The call brought an answer."""
        self._failed = 0
        self._open_until = None
        self._probing = False

    def failed(self) -> None:
        """The call failed for a reason that speaks against the source."""
        self._failed += 1
        if self._probing or self._failed >= self._most:
            self._open_until = self._clock() + self._rest_s
        self._probing = False

    def gave_up(self) -> None:
        """The call ended and says nothing about the source: the next one may probe."""
        self._probing = False


async def steadily(
    read: Callable[[], Awaitable[T]],
    *,
    backoff: Backoff,
    breaker: Breaker,
    deadline: float = float("inf"),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    chance: Callable[[], float] = random.random,
) -> T:
    """An idempotent read, tried again while that can help and the deadline allows.

    Raises: `SourceError` of the last try.
    """
    tried = 0
    while True:
        tried += 1
        breaker.enter()
        try:
            made = await read()
        except SourceError as error:
            if error.code in FAILURES:
                breaker.failed()
            else:
                breaker.succeeded()  # bad data or a full queue: the source is there
            wait = backoff.wait(tried, error.code, chance())
            late = clock() + wait >= deadline
            if error.code not in AGAIN or tried >= backoff.tries or late or breaker.is_open:
                raise
        except BaseException:
            breaker.gave_up()
            raise
        else:
            breaker.succeeded()
            return made
        await sleep(wait)

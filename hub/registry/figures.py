"""How a source has done lately: calls, failures and their times, minute by minute."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable

import msgspec

_BUCKET_S = 60
_BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5,
    10.0, 15.0, 30.0,
)  # fmt: skip


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures of a window come to."""

    calls: int = 0
    failed: int = 0
    slowest_s: float | None = None
    """What 95 of 100 calls did not exceed, rounded up to a bound; ``None`` without calls."""

    @property
    def failing(self) -> float:
        """The share of calls that failed."""
        return self.failed / self.calls if self.calls else 0.0


class Figures:
    """One source's window of `window_s` seconds.

    Cost of `record`: a comparison, three additions and a search among a few bounds.
    """

    __slots__ = ("_buckets", "_clock", "_window_s")

    def __init__(self, *, window_s: float, clock: Callable[[], float] = time.time) -> None:
        self._window_s = window_s
        self._clock = clock
        self._buckets: deque[_Minute] = deque()

    def record(self, seconds: float, *, ok: bool) -> None:
        """Count one call."""
        number = int(self._clock() // _BUCKET_S)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets.append(_Minute(number))
            self._forget()
        bucket = self._buckets[-1]
        bucket.failed += not ok
        bucket.counts[bisect_left(_BOUNDS, seconds)] += 1

    def seen(self) -> Seen:
        """The figures of the window that ends now."""
        self._forget()
        counts = [sum(held) for held in zip(*(b.counts for b in self._buckets), strict=True)]
        calls = sum(counts)
        if not calls:
            return Seen()
        failed = sum(bucket.failed for bucket in self._buckets)
        reached = 0
        for bound, count in zip((*_BOUNDS, float("inf")), counts, strict=True):
            reached += count
            if reached * 100 >= calls * 95:
                return Seen(calls=calls, failed=failed, slowest_s=bound)
        raise AssertionError  # invariant: the last bound reaches every call

    def _forget(self) -> None:
        oldest = (self._clock() - self._window_s) // _BUCKET_S
        while self._buckets and self._buckets[0].number < oldest:
            self._buckets.popleft()


class _Minute:
    __slots__ = ("counts", "failed", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.failed = 0
        self.counts = [0] * (len(_BOUNDS) + 1)

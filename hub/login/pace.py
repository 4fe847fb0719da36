"""How often a door may be tried in vain from one address."""

from __future__ import annotations

from collections.abc import Callable

from schema.errors import HubError

_WINDOW_S = 60.0
_KEPT = 10_000


class Pace:
    """One worker's count; full, it forgets those longest not seen."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._tried: dict[str, tuple[float, int]] = {}

    def check(self, address: str) -> None:
        """Raises: `HubError` OVERLOADED for an address that has tried too often."""
        began, count = self._tried.get(address, (0.0, 0))
        if count >= self._most and self._clock() < began + _WINDOW_S:
            raise HubError("OVERLOADED", "too many tries")

    def failed(self, address: str) -> None:
        """One more in vain."""
        now = self._clock()
        began, count = self._tried.pop(address, (now, 0))
        if now >= began + _WINDOW_S:
            began, count = now, 0
        if len(self._tried) >= _KEPT:
            self._tried.pop(next(iter(self._tried)))
        self._tried[address] = (began, count + 1)

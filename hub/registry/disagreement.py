"""Where sources have different values of one field: counted, told to both owners once a day."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

TELL_S = 86_400.0
"""Seconds until the same field and sources are told again."""
KEYS = 10
"""Keyed hashes of rows that are told."""


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """How often two sources differed in a field since `since`; never a value or a key.

    `keys`: keyed hashes of some of the rows, the same for both owners. Units: Unix seconds.
    """

    field: str
    sources: tuple[str, str]
    """The authoritative one first."""
    departments: tuple[str, str]
    count: int
    keys: tuple[str, ...]
    since: float


class Disagreements:
    """The counts of one worker; operations count, the watch takes what is due."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._held: dict[tuple[str, str, str], Disagreement] = {}
        self._told: dict[tuple[str, str, str], float] = {}

    def add(
        self,
        field: str,
        sources: tuple[str, str],
        departments: tuple[str, str],
        count: int,
        keys: Sequence[str],
    ) -> None:
        """Count rows that differ. Names are the catalogue's, so there are not many."""
        key = (field, *sources)
        held = self._held.get(key)
        before = () if held is None else held.keys
        self._held[key] = Disagreement(
            field=field,
            sources=sources,
            departments=departments,
            count=count + (0 if held is None else held.count),
            keys=tuple(dict.fromkeys((*before, *keys)))[:KEYS],
            since=self._clock() if held is None else held.since,
        )

    def due(self) -> list[Disagreement]:
        """What is to be told now; it is counted anew from here on."""
        now = self._clock()
        ready = [k for k in self._held if now - self._told.get(k, float("-inf")) >= TELL_S]
        self._told.update(dict.fromkeys(ready, now))
        return [self._held.pop(key) for key in ready]

"""Values outside their field's norm: counted by field, told to the owner once a day at most."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

TELL_S = 86_400.0
"""Seconds until the same field's count is told again."""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """How many values of a field were outside its norm since `since`; never a value itself.

    `state`: ``unknown``, ``retired``, ``divided``, ``unread``. Units: Unix seconds.
    """

    source: str
    department: str
    field: str
    state: str
    count: int
    since: float


class Counted:
    """The counts of one worker; operations count, the watch takes what is due."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._held: dict[tuple[str, str, str, str], tuple[int, float]] = {}
        self._told: dict[tuple[str, str, str, str], float] = {}

    def add(self, source: str, department: str, field: str, state: str, count: int) -> None:
        """Count values of a field. Its names are the catalogue's, so there are not many."""
        key = (source, department, field, state)
        held, since = self._held.get(key, (0, self._clock()))
        self._held[key] = (held + count, since)

    def due(self) -> list[Outside]:
        """What is to be told now; it is counted anew from here on."""
        now, found = self._clock(), []
        for key in list(self._held):
            if now - self._told.get(key, float("-inf")) < TELL_S:
                continue
            count, since = self._held.pop(key)
            self._told[key] = now
            source, department, field, state = key
            found.append(
                Outside(
                    source=source, department=department, field=field, state=state,
                    count=count, since=since,
                )
            )  # fmt: skip
        return found

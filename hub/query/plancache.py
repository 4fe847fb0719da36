"""Bounded stores, by number or by weight, least recently used out first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def kept_bytes(length: int) -> int:
    """About what a document of this length takes with its plan: measured, from short operations
    to a hundred aliases. Comments take less."""
    return 20_000 + 80 * length


class BoundedStore(Generic[Key, Value]):
    """A mapping that keeps the most recently used entries.

    Cost: two dictionary operations per look-up. Not for several threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value, now the most recently used."""
        value = self._held.pop(key, None)
        if value is not None:
            self._held[key] = value
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; the least recently used goes when there are too many."""
        self._held.pop(key, None)
        self._held[key] = value
        if len(self._held) > self._size:
            del self._held[next(iter(self._held))]

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()

    def __len__(self) -> int:
        return len(self._held)


class WeighedStore(Generic[Key, Value]):
    """A mapping that keeps the most recently used entries up to a sum of weights.

    Cost: two dictionary operations per look-up. Not for several threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Key, tuple[Value, int]] = {}
        self.weight = 0

    def get(self, key: Key) -> Value | None:
        """The value, now the most recently used."""
        found = self._held.pop(key, None)
        if found is None:
            return None
        self._held[key] = found
        return found[0]

    def put(self, key: Key, value: Value, weight: int) -> None:
        """Keep a value, or keep it under another weight; the least recently used go."""
        self.weight += weight - self._held.pop(key, (value, 0))[1]
        self._held[key] = (value, weight)
        while self.weight > self._most:
            self.weight -= self._held.pop(next(iter(self._held)))[1]

    def __len__(self) -> int:
        return len(self._held)

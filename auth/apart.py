"""Duties that no identity holds two of."""

from __future__ import annotations

from collections.abc import Set

import msgspec


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """Separated duties: each group is one of them, by all the words that mean it."""

    groups: tuple[frozenset[str], ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """All words of all of them."""
        return frozenset().union(*self.groups)

    def clash(self, duties: Set[str]) -> tuple[str, ...]:
        """The words of separated duties that meet in these; empty where at most one is held."""
        held = [group & duties for group in self.groups if group & duties]
        return tuple(sorted(frozenset().union(*held))) if len(held) > 1 else ()

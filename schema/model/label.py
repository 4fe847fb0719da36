"""Labels: ladders of levels, categories and compartments, with join and dominance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

PERSONAL = "pi"
"""The category of personal data: packs place theirs below it."""


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """One chain of levels from lowest to highest, e.g. ``G1 < G2 < ... < CORE``."""

    id: str
    levels: tuple[str, ...]
    title: Mapping[str, str] = {}

    def rank(self, level: str) -> int:
        """The level's place, 0 for the lowest; raises ``ValueError`` for an unknown level."""
        return self.levels.index(level)


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """How sensitive a field or row is; a product of ladders, categories and compartments."""

    levels: tuple[tuple[str, str], ...] = ()
    """(ladder id, level) pairs, sorted by ladder id."""
    categories: frozenset[str] = frozenset()
    compartments: frozenset[str] = frozenset()

    def level(self, ladder: str) -> str | None:
        """The level on one ladder, ``None`` if the label does not say."""
        return dict(self.levels).get(ladder)


class LabelScheme(msgspec.Struct, frozen=True, kw_only=True):
    """The ladders and categories in force, the product of the loaded rule packs."""

    ladders: tuple[Ladder, ...]
    categories: Mapping[str, str | None] = {}
    """category -> parent category or ``None``."""
    compartments: frozenset[str] = frozenset()
    registrable: Mapping[str, str] = {}
    """ladder id -> the highest level that a field may be registered with, whatever the ceiling."""

    def ladder_of(self, level: str) -> Ladder | None:
        """The only ladder that knows this level name; ``None`` if none or several do."""
        found = [ladder for ladder in self.ladders if level in ladder.levels]
        return found[0] if len(found) == 1 else None

    def ladder(self, ladder_id: str) -> Ladder | None:
        """The ladder with this id."""
        return next((ladder for ladder in self.ladders if ladder.id == ladder_id), None)

    def is_personal(self, label: Label) -> bool:
        """Whether a category of the label is personal data, or lies within it."""
        return any(self._within(category, PERSONAL) for category in label.categories)

    def _within(self, category: str, ancestor: str) -> bool:
        seen: set[str] = set()
        held: str | None = category
        while held is not None and held not in seen:
            if held == ancestor or held.startswith(f"{ancestor}."):
                return True
            seen.add(held)
            held = self.categories.get(held)
        return False

    def join(self, labels: Iterable[Label]) -> Label:
        """The least upper bound of the labels."""
        levels: dict[str, str] = {}
        categories: frozenset[str] = frozenset()
        compartments: frozenset[str] = frozenset()
        for label in labels:
            categories |= label.categories
            compartments |= label.compartments
            for ladder_id, level in label.levels:
                ladder = self.ladder(ladder_id)
                held = levels.get(ladder_id)
                if ladder is None or held is None or ladder.rank(level) > ladder.rank(held):
                    levels[ladder_id] = level
        return Label(
            levels=tuple(sorted(levels.items())), categories=categories, compartments=compartments
        )

    def dominates(self, clearance: Mapping[str, str], level_of: Label) -> bool:
        """Whether a clearance reaches the label's level on every ladder the label names.

        A ladder or level that the scheme or the clearance does not know is incomparable: ``False``.
        """
        for ladder_id, level in level_of.levels:
            ladder = self.ladder(ladder_id)
            held = clearance.get(ladder_id)
            if ladder is None or held not in ladder.levels or level not in ladder.levels:
                return False
            if ladder.rank(held) < ladder.rank(level):
                return False
        return True

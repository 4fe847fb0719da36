"""Rules about several fields at once, as frozen values: combinations and mosaics."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from policies.condition import Condition
from policies.obligation import QuotaHolder
from policies.positions import Place


class Part(msgspec.Struct, frozen=True):
    """One part of a set: used when any of its fields is, or any field of its categories."""

    fields: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What the part is known by, in counts and in words."""
        return ", ".join(sorted((*self.fields, *self.categories)))


class JointRule(msgspec.Struct, frozen=True, kw_only=True):
    """What combinations and mosaics have in common."""

    name: str
    version: int = 1
    owner: str = ""
    about: Mapping[str, str] = {}
    parts: tuple[Part, ...]
    """Sorted by name."""
    when: Condition
    """Subjects, `when`, not `unless`: the rule holds unless this is FALSE."""
    path: str
    places: Mapping[str, Place]

    @property
    def id(self) -> str:
        """``name@version``: what the audit names."""
        return f"{self.name}@{self.version}"

    def place(self, *keys: str) -> Place:
        """Where the first of the keys that is written stands."""
        return next((self.places[key] for key in keys if key in self.places), Place(1, 1))


class Combination(JointRule, frozen=True, kw_only=True):
    """Uses of every part, each by another field, raise the answer to a level."""

    raises: tuple[str, str]
    """(ladder, level) as written; the ladder is empty if only one has to know the level."""


class Mosaic(JointRule, frozen=True, kw_only=True):
    """At most so many of the parts may be used together."""

    most: int
    per_s: int | None = None
    """Over any stretch of so many seconds; ``None``: in one operation."""
    by: QuotaHolder = "app"


Joint = Combination | Mosaic

"""Rules of early warning as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from policies.positions import Place
from schema.model.names import coordinate
from schema.model.subject import Subject
from schema.model.use import FieldUse

Kind = Literal["volume", "first_use", "hours", "enumeration", "probing", "lapse", "late"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Severity = Literal["low", "medium", "high"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose rule it is: staff with a duty, who may be told of every application, or one
    application, which is told of itself and of what it may filter by."""

    duty: str | None = None
    subject: Subject | None = None
    purpose: str | None = None

    @property
    def app(self) -> str | None:
        """The one application that it is told of; ``None`` for all."""
        return None if self.subject is None else self.subject.app

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"duty:{self.duty}" if self.subject is None else f"app:{self.subject.app}"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; what a kind does not know keeps its default. Units: seconds."""

    name: str
    kind: Kind
    title: Mapping[str, str]
    owner: Owner
    severity: Severity = "medium"
    tell: tuple[str, ...] = ()
    quiet_s: int = 6 * 3_600
    apps: frozenset[str] = frozenset()
    """The applications it is about; none = all that its owner may be told of."""
    types: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    of: str = "operations"
    """What is counted."""
    window_s: int = 3_600
    least: int = 1
    """Below it nothing is said."""
    most: int | None = None
    """Above it there is a warning whatever was usual."""
    weeks: int = 8
    spread: float = 3.5
    learn_s: int = 14 * 86_400
    calendar: str = ""
    start: int = 0
    end: int = 1_440
    """Minutes after midnight in the calendar's zone."""
    codes: frozenset[str] = frozenset()
    days: int = 30
    sources: frozenset[str] = frozenset()
    grace_s: int = 0
    path: str = ""
    places: Mapping[str, Place] = {}

    @property
    def titles(self) -> tuple[str, str]:
        """English and Chinese; each stands in for the other."""
        other = next(iter(self.title.values()))
        return self.title.get("en", other), self.title.get("zh", other)

    def about(self, element: str) -> bool:
        """Whether an element of the catalogue is among those that it speaks of."""
        if not self.types and not self.fields:
            return True
        return element in self.fields or element.partition(".")[0] in self.types


def filter_use(element: str) -> FieldUse:
    """What an owner must be permitted to be warned of an element: a condition on a field tells
    what a number of uses tells, and one on a type what its count tells."""
    name, dot, field = element.partition(".")
    if dot:
        return FieldUse(coordinate(name, field), "filter_eq")
    return FieldUse(coordinate(name), "count")

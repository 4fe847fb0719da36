"""What would open a denied use: another network zone, a stronger log-in, a stated case."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import structs

from policies.compile import Tables
from policies.condition import (
    Attribute,
    Compares,
    Condition,
    Literally,
    OneOf,
    Present,
    leaves_of,
    needs_purpose,
    terms_of,
)
from policies.granted import LiveGrant
from schema.model.subject import CIRCUMSTANCES, Context

CODES = {"network_zone": "NETWORK_ZONE", "acr": "STEP_UP_REQUIRED", "case_id": "CASE_REQUIRED"}
"""Attribute of the context -> the code that names it, in the order they are tried."""
_TIMES = ("window", "grant")
_MOST = 16
_ANOTHER = "\0another"
"""A value that no rule knows: what is denied in a named zone may be open in another."""


class Remedy(msgspec.Struct, frozen=True):
    """One circumstance to try."""

    code: str
    attribute: str
    value: str

    def applied(self, context: Context) -> Context | None:
        """The context with it; ``None`` if it says so already."""
        if getattr(context, self.attribute) == self.value:
            return None
        return structs.replace(context, **{self.attribute: self.value})


def reading(tables: Tables) -> dict[str, frozenset[int]]:
    """The variants that read an attribute of the context, a ``window`` or a ``grant``: those that
    may stand otherwise when it is another."""
    found: dict[str, set[int]] = {name: set() for name in (*CIRCUMSTANCES, "purpose", *_TIMES)}
    for number, variant in enumerate(tables.variants):
        if variant.rule.window is not None:
            found["window"].add(number)
        for condition in (variant.when, variant.rows):
            if condition is None:
                continue
            leaves = leaves_of(condition)
            if any(isinstance(leaf, LiveGrant) for leaf in leaves):
                found["grant"].add(number)
            if needs_purpose(condition):
                found["purpose"].add(number)
            for leaf in leaves:
                for term in terms_of(leaf):
                    if isinstance(term, Attribute) and term.space == "context":
                        found.setdefault(term.name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


def remedies(tables: Tables) -> tuple[Remedy, ...]:
    """The circumstances that rules ask for, a bounded number of each kind."""
    found: dict[str, dict[str, None]] = {attribute: {} for attribute in CODES}
    for variant in tables.variants:
        for condition in (variant.when, variant.rows):
            for leaf in leaves_of(condition) if condition is not None else ():
                for attribute, value in _asked(leaf):
                    found[attribute][value] = None
    return tuple(
        Remedy(CODES[attribute], attribute, value)
        for attribute, values in found.items()
        for value in sorted(values)[:_MOST]
    )


def _asked(leaf: Condition) -> Iterable[tuple[str, str]]:
    match leaf:
        case Compares(left=Attribute(space="context", name=name), right=Literally(value=value)):
            values = [str(value), _ANOTHER]
        case OneOf(left=Attribute(space="context", name=name), among=tuple() as among):
            values = [*map(str, among), _ANOTHER]
        case Present(term=Attribute(space="context", name=name)):
            values = [_ANOTHER]
        case _:
            return []
    return [(name, value) for value in values] if name in CODES else []

"""Whoever acts for another: what its principal has, within its own limits.

A caller that acts is looked at three times: as the *principal*, with what the delegation knows of
it; as the principal with what is the caller's own lent to it (person, roles, clearance,
compartments); and as itself. A permit must hold for the first two; a prohibition or requirement on
any of the three applies, and so does a label that is out of reach of any. So nobody who acts has
more than either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from policies.attributes import SET_ATTRIBUTES, TEXT_ATTRIBUTES
from policies.compile import Tables
from policies.condition import (
    FALSE,
    TRUE,
    All,
    Any_,
    Attribute,
    Circumstances,
    Compares,
    Condition,
    Not,
    OneOf,
    RegionWithin,
    Space,
    Term,
    Truth,
    either,
    every,
    opposite,
)
from policies.delegation import Delegation
from policies.packs import Packs
from policies.residue import PREFIXES
from policies.standing import Standing
from schema.model.subject import Subject

Decision = TypeVar("Decision")
_LENDING = 2
"""Of the sides: the principal, and it with what is lent to it."""


def principal_of(of: Delegation, caller: Subject, packs: Packs) -> Subject:
    """Whom a caller acts for, in the purposes that the two have in common."""
    common = frozenset(one for one in caller.purposes if of.live.serves(one, packs))
    return structs.replace(of.principal, purposes=common)


def lent_to(principal: Subject, caller: Subject) -> Subject:
    """The principal, with what no delegation lends: the caller's own."""
    return structs.replace(
        principal,
        user=caller.user,
        roles=caller.roles,
        clearance=caller.clearance,
        compartments=caller.compartments,
        acting_for=caller.acting_for,
        acr=caller.acr,
        link=caller.link,
    )


def sides(of: Delegation, caller: Subject, packs: Packs) -> dict[Space, Subject]:
    """Everybody as whom a caller is looked at; the principal first."""
    principal = principal_of(of, caller, packs)
    return {"subject": principal, "lent": lent_to(principal, caller), "delegate": caller}


def params_of(of: Mapping[Space, Subject]) -> dict[str, Subject]:
    """Prefix of params -> whose attributes they are."""
    return {PREFIXES[space]: who for space, who in of.items()}


class StandingActing(Standing[Decision]):
    """How everything stands for a caller who acts under a delegation."""

    delegated = True
    __slots__ = ("_sides",)

    def __init__(
        self,
        tables: Tables,
        held: Circumstances,
        of: Delegation,
        *,
        ceiling: Mapping[str, str],
        open_windows: bool,
    ) -> None:
        super().__init__(tables, held, ceiling=ceiling, open_windows=open_windows)
        looked_at = sides(of, held.subject, held.packs)
        principal = looked_at["subject"]
        self._sides: list[tuple[Standing[Decision], dict[Attribute, Attribute]]] = []
        for space, who in looked_at.items():
            seen = structs.replace(held, subject=who, rights=principal, acting=of.id)
            side = Standing[Decision](tables, seen, ceiling=ceiling, open_windows=open_windows)
            self._sides.append((side, _swaps(space, who, principal)))

    def truth(self, number: int) -> Condition:
        found = self._truths.get(number)
        if found is None:
            said = self._said(number)
            helping = self._tables.variants[number].rule.effect == "permit"
            found = self._truths[number] = every(*said[:_LENDING]) if helping else either(*said)
        return found

    @property
    def lenders(self) -> Sequence[Standing[Decision]]:
        return [side for side, _ in self._sides[:_LENDING]]

    def _said(self, number: int) -> list[Condition]:
        return [_swapped(side.truth(number), swaps) for side, swaps in self._sides]

    def rows(self, number: int) -> Condition | None:
        if self._tables.variants[number].rows is None:
            return None
        found = self._rows.get(number)
        if found is None:
            # of a require: the row filters of those whom it is about; of a permit: the rows whose
            # labels all can reach
            helping = self._tables.variants[number].rule.effect == "permit"
            found = self._rows[number] = every(*(
                _swapped(rows, swaps)
                for side, swaps in self._sides
                if (rows := side.rows(number)) is not None
                and (helping or side.truth(number) != FALSE)
            ))  # fmt: skip
        return found

    def bar(self, label: int) -> str | None:
        bars = (side.bar(label) for side, _ in self._sides)
        return next((bar for bar in bars if bar is not None), None)

    def owns(self, pair: tuple[str, str | None]) -> bool:
        return self._sides[0][0].owns(pair)


class StandingNobody(Standing[Decision]):
    """How everything stands for a caller who acts for somebody without a delegation."""

    delegated = True
    __slots__ = ()

    def truth(self, number: int) -> Condition:
        return FALSE if self._tables.variants[number].rule.effect == "permit" else TRUE

    def rows(self, number: int) -> Condition | None:
        return None if self._tables.variants[number].rows is None else FALSE

    def bar(self, _label: int) -> str | None:
        return "delegation"

    def owns(self, _pair: tuple[str, str | None]) -> bool:
        return False


def _swaps(space: Space, who: Subject, principal: Subject) -> dict[Attribute, Attribute]:
    """The attributes that differ from the principal's: they are named apart."""
    return {
        Attribute("subject", name): Attribute(space, name)
        for attributes in (TEXT_ATTRIBUTES, SET_ATTRIBUTES)
        for name, value in attributes.items()
        if value(who) != value(principal)
    }


def _swapped(condition: Condition, swaps: Mapping[Attribute, Attribute]) -> Condition:
    if not swaps or isinstance(condition, Truth):
        return condition

    def term(of: Term) -> Term:
        return swaps.get(of, of) if isinstance(of, Attribute) else of

    match condition:
        case All(parts=parts):
            return every(*(_swapped(part, swaps) for part in parts))
        case Any_(parts=parts):
            return either(*(_swapped(part, swaps) for part in parts))
        case Not(part=part):
            return opposite(_swapped(part, swaps))
        case Compares(op=op, left=left, right=right):
            return Compares(op, term(left), term(right))
        case OneOf(left=left, among=Attribute() as among):
            return OneOf(term(left), swaps.get(among, among))
        case RegionWithin(inner=inner, outer=outer):
            return RegionWithin(term(inner), term(outer))
        case _:
            return condition

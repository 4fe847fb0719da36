"""Every caller, circumstance and row at once: z3 variables over the values rules tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import z3

from policies.attributes import SET_ATTRIBUTES
from policies.condition import (
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    OneOf,
    Owned,
    Present,
    PurposeWithin,
    RegionWithin,
    Term,
    Truth,
    YoungerThan,
    leaves_of,
    terms_of,
)
from policies.granted import Acting, LiveGrant
from policies.packs import Packs
from policies.prove.logic import Formula, some
from policies.prove.periods import Period, ended, moment
from policies.prove.values import age_values, is_text, row_values, text_values
from policies.residue import row_field
from schema.errors import HubError
from schema.model.entity import EntityType
from schema.model.scalar import canonical

Key = tuple[str, ...]
"""``("subject", "region")``, ``("context", "purpose")``, ``("set", "roles")`` or
``("row", "Person", "district")``."""


class Variable(msgspec.Struct, frozen=True):
    """One attribute: 0 is missing, n the n-th of its values."""

    term: Any
    values: tuple[Any, ...]

    @property
    def missing(self) -> Formula:
        """Whether the attribute is missing."""
        return self.term == 0

    @property
    def present(self) -> Formula:
        """Whether the attribute is there."""
        return self.term != 0

    def among(self, wanted: Callable[[Any], bool]) -> Formula:
        """Whether it is there with one of some values."""
        return some(self.term == n for n, value in enumerate(self.values, 1) if wanted(value))


def unsupported(leaf: Condition) -> HubError:
    """The error for a comparison that proofs do not know."""
    return HubError(
        "INTERNAL",
        f"proofs do not know the condition `{type(leaf).__name__}`",
        hint="teach it to `policies/prove/conditions.py` before rules use it",
    )


def key_of(term: Term, entity: EntityType | None) -> Key | None:
    """The variable that a term reads; ``None`` for a stated value and what does not exist."""
    if not isinstance(term, Attribute):
        return None
    if term.space == "row":
        field = None if entity is None else row_field(entity, term)
        return None if field is None or entity is None else ("row", entity.name, field.name)
    if term.space == "subject" and term.name in SET_ATTRIBUTES:
        return ("set", term.name)
    return (term.space, term.name)


class World:
    """Gathers what conditions speak of; after `close` it has variables for it."""

    def __init__(self, packs: Packs, begin: float = 0.0) -> None:
        """`begin`: what ended before, in Unix seconds, is not looked at."""
        self.packs = packs
        self.begin = begin
        self.rules: list[Any] = []
        """What holds of every caller, circumstance and row."""
        self._constants: dict[Key, dict[Any, None]] = {}
        self._group: dict[Key, Key] = {}
        self._nested: set[Key] = set()
        self._ordered: set[Key] = set()
        self._kinds: dict[Key, Any] = {}
        self.variables: dict[Key, Variable] = {}
        self.members: dict[str, dict[str, Any]] = {}
        """Set-valued attribute -> value -> whether it is in."""
        self.clearance: dict[str, Variable] = {}
        self.periods: dict[Period, Any] = {}
        self.ages: dict[Key, set[int]] = {}
        """Dates of rows that are compared with ages, in years."""
        self.clock = z3.Bool("the time is known")
        for ladder in packs.scheme.ladders:
            self.clearance[ladder.id] = self._variable(f"clearance {ladder.id}", ladder.levels)

    def speaks_of(self, condition: Condition, entity: EntityType | None) -> None:
        """Take up the attributes and constants of a condition on rows of a type."""
        for leaf in leaves_of(condition):
            keys = [key for term in terms_of(leaf) if (key := self._key(term, entity))]
            for key in keys[1:]:
                self._join(keys[0], key)
            match leaf:
                case Compares(op=op, left=left, right=right):
                    self._literals(keys, [left, right])
                    if op not in ("eq", "ne"):
                        self._ordered.update(keys)
                case OneOf(left=left, among=tuple() as among):
                    self._literals(keys, [left, *(Literally(value) for value in among)])
                case OneOf(left=left):
                    self._literals(keys, [left])
                case RegionWithin(inner=inner, outer=outer):
                    self._literals(keys, [inner, outer])
                    self._nested.update(keys)
                case PurposeWithin(purposes=purposes):
                    self.constants("context", "purpose", purposes)
                    self.constants("context", "purpose", self.packs.purposes)
                case Owned(owner=owner, region=region):
                    self.owner(owner, region)
                case LiveGrant():
                    self._grant(leaf)
                case YoungerThan(years=years):
                    for key in keys:
                        self.ages.setdefault(key, set()).add(years)
                case Present() | Cleared() | Truth() | Acting():
                    pass
                case _:
                    raise unsupported(leaf)

    def constants(self, space: str, name: str, values: Iterable[Any]) -> None:
        """Values of an attribute that are to be told apart."""
        key = (space, name)
        self._touch(key)
        self._constants[key] |= dict.fromkeys(values)

    def owner(self, department: str, region: str | None) -> None:
        """An owner that callers may be."""
        self.constants("subject", "department", [department])
        self.constants("subject", "region", [] if region is None else [region])

    def period(self, period: Period) -> None:
        """A window or grant that may be open or not."""
        if period not in self.periods:
            flag = z3.Bool(f"period {len(self.periods)} is open")
            self.periods[period] = flag
            if ended(period, self.begin):
                self.rules.append(z3.Not(flag))

    def _grant(self, grant: LiveGrant) -> None:
        self.period(grant)
        self.constants("context", "purpose", [*grant.purposes, *self.packs.purposes])
        self.constants("subject", "app", [] if grant.app is None else [grant.app])
        self.constants("subject", "department", filter(None, [grant.department]))

    def close(self) -> None:
        """Make the variables."""
        purpose = ("context", "purpose")
        if purpose in self._constants:
            self._touch(("set", "purposes"))
            self._join(purpose, ("set", "purposes"))
        groups: dict[Key, list[Key]] = {}
        for key in sorted(self._constants):
            groups.setdefault(self._root(key), []).append(key)
        for keys in groups.values():
            values = self._values(keys)
            for key in keys:
                if key[0] == "set":
                    self.members[key[1]] = {
                        value: z3.Bool(f"{key[1]} has {value}") for value in values
                    }
                else:
                    self.variables[key] = self._variable(".".join(key), values)
        stated = self.variables.get(purpose)
        if stated is not None:
            for number, value in enumerate(stated.values, 1):
                allowed = self.members["purposes"][value]
                self.rules.append(z3.Implies(stated.term == number, allowed))

    @property
    def today(self) -> float:
        """The moment whose day ages are counted on."""
        return moment({}, self.begin) or self.begin

    def member(self, name: str, value: Any) -> Formula:
        """Whether a set-valued attribute has a value."""
        return self.members.get(name, {}).get(value, False)

    def moved(self, formula: Formula, place: int = 1) -> Formula:
        """A formula in another circumstance and row of the same caller; 0 is here."""
        if place == 0 or isinstance(formula, bool):
            return formula
        own = [of.term for key, of in self.variables.items() if key[0] in ("context", "row")]
        own += [self.clock, *self.periods.values()]
        pairs = [(term, z3.Const(f"{term} at place {place}", term.sort())) for term in own]
        return z3.substitute(formula, *pairs)

    def _values(self, keys: list[Key]) -> tuple[Any, ...]:
        constants = [value for key in keys for value in self._constants[key]]
        constants += age_values({of for key in keys for of in self.ages.get(key, ())}, self.today)
        kind = next((self._kinds[key] for key in keys if key in self._kinds), None)
        if kind is not None and not is_text(kind):
            return row_values(kind, constants)
        texts = [value for value in constants if isinstance(value, str)]
        return text_values(
            texts,
            compared=_compared(keys),
            nested=not self._nested.isdisjoint(keys),
            ordered=not self._ordered.isdisjoint(keys),
        )

    def _variable(self, name: str, values: tuple[Any, ...]) -> Variable:
        term = z3.BitVec(name, max(1, len(values).bit_length()))
        self.rules.append(z3.ULE(term, len(values)))
        return Variable(term, tuple(values))

    def _key(self, term: Term, entity: EntityType | None) -> Key | None:
        key = key_of(term, entity)
        if key is not None and key[0] != "resource":
            self._touch(key)
            field = None if entity is None else row_field(entity, term)
            if field is not None:
                self._kinds[key] = field.kind
            return key
        return None

    def _literals(self, keys: list[Key], terms: Iterable[Term]) -> None:
        for term in terms:
            if not isinstance(term, Literally) or not keys:
                continue
            for key in keys:
                value: Any = term.value
                if key in self._kinds:
                    try:
                        value = canonical(self._kinds[key], value)
                    except ValueError:
                        continue
                self._constants[key][value if key in self._kinds else str(value)] = None

    def _touch(self, key: Key) -> None:
        self._constants.setdefault(key, {})
        self._group.setdefault(key, key)

    def _root(self, key: Key) -> Key:
        while self._group[key] != key:
            key = self._group[key]
        return key

    def _join(self, first: Key, second: Key) -> None:
        kinds = [self._kinds.get(key) for key in (first, second)]
        if all(kind is None or is_text(kind) for kind in kinds):
            self._group[self._root(second)] = self._root(first)


def _compared(keys: Iterable[Key]) -> int:
    """How many of some attributes are compared at once: rows of two types never are."""
    rows: dict[str, int] = {}
    others = 0
    for key in keys:
        if key[0] == "row":
            rows[key[1]] = rows.get(key[1], 0) + 1
        else:
            others += 1
    return others + max(rows.values(), default=0)

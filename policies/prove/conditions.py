"""Conditions as formulas: two bits each, for TRUE and for FALSE; neither is UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from policies.age import born_after
from policies.attributes import SET_ATTRIBUTES
from policies.condition import (
    All,
    Any_,
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    Not,
    OneOf,
    Owned,
    Present,
    PurposeWithin,
    RegionWithin,
    Term,
    Truth,
    YoungerThan,
    reads_row,
    terms_of,
)
from policies.granted import Acting, LiveGrant
from policies.prove.logic import (
    Bits,
    Formula,
    both,
    by_row,
    kleene,
    neither,
    one,
    opposite,
    same_in_all_rows,
    some,
)
from policies.prove.periods import Period
from policies.prove.values import is_text
from policies.prove.world import Variable, World, key_of, unsupported
from policies.residue import row_field
from policies.window import Window
from schema.model.entity import EntityType
from schema.model.predicate import compare
from schema.model.scalar import canonical

Test = Callable[[Any, Any], bool]
_UNASKED = Bits(False, False, False, True, False, True)
"""What cannot be asked of a row: UNKNOWN in all rows."""


class Conditions:
    """Formulas of conditions, each made once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: dict[tuple[Condition, str | None], Bits] = {}

    def bits(self, condition: Condition, entity: EntityType | None = None) -> Bits:
        """The condition in the row of a type."""
        key = (condition, entity.name if entity is not None and reads_row(condition) else None)
        held = self._made.get(key)
        if held is None:
            held = self._made[key] = self._encode(condition, entity)
        return held

    def in_force(self, window: Window | None) -> Bits:
        """Whether a rule's window is open; UNKNOWN if the time is not known."""
        return same_in_all_rows(True, False) if window is None else self._timed(window)

    def _timed(self, period: Period) -> Bits:
        opened, clock = self.world.periods[period], self.world.clock
        return same_in_all_rows(both(clock, opened), both(clock, neither(opened)))

    def _encode(self, condition: Condition, entity: EntityType | None) -> Bits:
        match condition:
            case Truth(value=value):
                return same_in_all_rows(value is True, value is False)
            case All(parts=parts):
                return kleene((self.bits(part, entity) for part in parts), False)
            case Any_(parts=parts):
                return kleene((self.bits(part, entity) for part in parts), True)
            case Not(part=part):
                return opposite(self.bits(part, entity))
            case _:
                spaces = {of.space for of in terms_of(condition) if isinstance(of, Attribute)}
                if "row" in spaces:
                    return self._of_row(condition, entity)
                return self._of_caller(condition)

    def _variable(self, term: Term) -> Variable | None:
        key = key_of(term, None)
        return None if key is None else self.world.variables.get(key)

    def _of_caller(self, leaf: Condition) -> Bits:
        match leaf:
            case Compares(op=op, left=left, right=right):
                if op not in ("eq", "ne"):
                    return _UNASKED
                bits = self._pair(left, right, lambda ours, theirs: bool(ours == theirs))
                return bits if op == "eq" else opposite(bits)
            case OneOf(left=left, among=among):
                if isinstance(among, Attribute):
                    return self._in_set(left, among)
                return self._pair(left, Literally(""), lambda ours, _: ours in among)
            case RegionWithin(inner=inner, outer=outer):
                return self._pair(inner, outer, lambda a, b: str(a).startswith(str(b)))
            case PurposeWithin(purposes=purposes, below=below):
                within = self.world.packs.within
                stated = self.world.variables[("context", "purpose")]
                true = stated.among(
                    lambda of: any(within(of, one) if below else of == one for one in purposes)
                )
                return same_in_all_rows(true, both(stated.present, neither(true)))
            case Cleared(ladder=ladder, level=level):
                return self._cleared(ladder, level)
            case Present(term=term):
                true = self._is_there(term)
                return same_in_all_rows(true, neither(true))
            case Owned(owner=owner, region=region):
                return self.owned(owner, region)
            case LiveGrant():
                return self._live(leaf)
            case Acting():
                return same_in_all_rows(False, True)
            case _:
                raise unsupported(leaf)

    def owned(self, owner: str, region: str | None) -> Bits:
        """Whether the caller is a department of a region."""
        key = (Owned(owner, region), None)
        if key not in self._made:
            self._made[key] = self._owned(owner, region)
        return self._made[key]

    def _owned(self, owner: str, region: str | None) -> Bits:
        department = self.world.variables[("subject", "department")]
        ours = department.among(lambda of: of == owner)
        other = both(department.present, neither(ours))
        if region is None:
            return same_in_all_rows(ours, other)
        place = self.world.variables[("subject", "region")]
        here = place.among(lambda of: of == region)
        elsewhere = both(place.present, neither(here))
        return same_in_all_rows(both(ours, here), one(other, both(ours, elsewhere)))

    def _live(self, grant: LiveGrant) -> Bits:
        """Whether a grant is live: for this application and department, this purpose, now."""
        parts = [self._timed(grant)]
        purposes = PurposeWithin(grant.purposes, grant.below)
        parts.append(self._of_caller(purposes))
        if grant.app is not None:
            # an application is never unknown to a grant
            same = self.world.variables[("subject", "app")].among(lambda of: of == grant.app)
            parts.append(same_in_all_rows(same, neither(same)))
        if grant.department is not None:
            of = Compares("eq", Attribute("subject", "department"), Literally(grant.department))
            parts.append(self._of_caller(of))
        return kleene(parts, False)

    def reaches(self, ladder_id: str, level: str) -> Formula:
        """Whether the clearance dominates a level."""
        ladder = self.world.packs.scheme.ladder(ladder_id)
        if ladder is None or level not in ladder.levels:
            return False
        held, least = self.world.clearance[ladder_id], ladder.rank(level)
        return held.among(lambda of: ladder.rank(of) >= least)

    def _cleared(self, ladder_id: str, level: str) -> Bits:
        scheme = self.world.packs.scheme
        ladder = scheme.ladder(ladder_id) if ladder_id else scheme.ladder_of(level)
        if ladder is None or level not in ladder.levels:
            return _UNASKED
        true = self.reaches(ladder.id, level)
        return same_in_all_rows(true, both(self.world.clearance[ladder.id].present, neither(true)))

    def _is_there(self, term: Attribute) -> Formula:
        if term.space == "subject" and term.name in SET_ATTRIBUTES:
            return some(self.world.members.get(term.name, {}).values())
        held = self._variable(term)
        return False if held is None else held.present

    def _pair(self, left: Term, right: Term, test: Test) -> Bits:
        """A comparison of two terms that both have to be there."""
        sides = []
        for term in (left, right):
            held = self._variable(term)
            if held is not None:
                sides.append([(held.term == n, value) for n, value in enumerate(held.values, 1)])
            elif isinstance(term, Literally):
                sides.append([(True, term.value)])
            else:
                return _UNASKED
        known = both(*(some(at for at, _ in side) for side in sides))
        if left == right and isinstance(left, Attribute):
            return same_in_all_rows(known, False)
        true = some(
            both(here, there) for here, ours in sides[0] for there, of in sides[1] if test(ours, of)
        )
        return same_in_all_rows(true, both(known, neither(true)))

    def _in_set(self, left: Term, among: Attribute) -> Bits:
        member, name = self.world.member, among.name
        if isinstance(left, Literally):
            true = member(name, left.value)
            return same_in_all_rows(true, neither(true))
        held = self._variable(left)
        if held is None:
            return _UNASKED
        true = self._some_member(held, name)
        return same_in_all_rows(true, both(held.present, neither(true)))

    def _some_member(self, held: Variable, name: str) -> Formula:
        return some(
            both(held.term == number, self.world.member(name, value))
            for number, value in enumerate(held.values, 1)
        )

    def _of_row(self, leaf: Condition, entity: EntityType | None) -> Bits:
        """A comparison with a field of the row; whatever cannot be asked of it is UNKNOWN."""
        left = terms_of(leaf)[0]
        field = None if entity is None else row_field(entity, left)
        if entity is None or field is None:
            return _UNASKED
        held = self.world.variables[("row", entity.name, field.name)]
        kind = field.kind
        match leaf:
            case Present():
                return by_row(held.present, held.missing, False)
            case YoungerThan(years=years):
                return self._younger(held, years) if kind == "Date" else _UNASKED
            case OneOf(among=Attribute(name=name)):
                if not is_text(kind) or name not in SET_ATTRIBUTES:
                    return _UNASKED
                true = self._some_member(held, name)
                return by_row(true, both(held.present, neither(true)), False)
            case OneOf(among=tuple() as among):
                try:
                    stated = [canonical(kind, value) for value in among]
                except ValueError:
                    return _UNASKED
                true = held.among(
                    lambda of: any(compare("eq", kind, of, value) for value in stated)
                )
                return by_row(true, both(held.present, neither(true)), False)
            case Compares(op=op, right=right):
                return self._with_row(
                    held, right, kind, lambda ours, theirs: compare(op, kind, ours, theirs)
                )
            case RegionWithin(outer=outer):
                if not is_text(kind):
                    return _UNASKED
                return self._with_row(held, outer, kind, lambda a, b: a.startswith(b))
            case _:
                raise unsupported(leaf)

    def _younger(self, held: Variable, years: int) -> Bits:
        """Ages are those of one day, the day of the proof."""
        day, clock = born_after(self.world.today, years), self.world.clock
        true = held.among(lambda of: day is not None and of > day)
        return by_row(true, both(held.present, neither(true)), neither(clock))

    def _with_row(self, held: Variable, right: Term, kind: Any, test: Test) -> Bits:
        if isinstance(right, Literally):
            try:
                stated = canonical(kind, right.value)
            except ValueError:
                return _UNASKED
            true = held.among(lambda of: test(of, stated))
            return by_row(true, both(held.present, neither(true)), False)
        other = self._variable(right) if right.space == "subject" and is_text(kind) else None
        if other is None:
            return _UNASKED
        true = some(
            both(
                other.term == number,
                held.among(lambda of, value=value: test(of, value)),  # type: ignore[misc]
            )
            for number, value in enumerate(other.values, 1)
        )
        false = both(held.present, other.present, neither(true))
        return by_row(true, false, other.missing)

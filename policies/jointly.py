"""Deciding the uses of one operation together: what combinations raise, what mosaics refuse.

Nothing depends on the order or the names of rules, nor on the order in which fields are asked.
A rule holds unless its conditions are FALSE, as a prohibition does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import structs

from policies.acting import lent_to
from policies.condition import (
    FALSE,
    Attribute,
    Circumstances,
    Facts,
    leaves_of,
    reduce,
    specialise,
    terms_of,
)
from policies.grant import Grant
from policies.joint import Combination, Joint, Mosaic, Part
from policies.packs import Packs
from policies.ruling import Allow, Masked, Outcome, Reject, Rowwise, Ruling
from policies.standing import under_ceiling
from policies.together import MosaicUse, Raised, Refused, Together
from schema.model.catalogue import Catalogue
from schema.model.label import Label
from schema.model.names import Coordinate, TypeName, coordinate
from schema.model.subject import CIRCUMSTANCES, Context, Subject
from schema.model.use import FieldUse

_UNSEEN = frozenset({"null", "redact"})
"""Masks that leave nothing of a value."""
Sentence = tuple[str, str]
"""English and Chinese."""


class _Touch(msgspec.Struct, frozen=True):
    """A use of one element touches a part of a rule by a field."""

    rule: int
    part: int
    field: Coordinate


class _Found:
    """What uses touch: rule -> part -> field -> the coordinates that the caller named."""

    def __init__(self) -> None:
        self.held: dict[int, dict[int, dict[Coordinate, set[Coordinate]]]] = {}

    def add(self, touch: _Touch, asked: Coordinate) -> None:
        parts = self.held.setdefault(touch.rule, {})
        parts.setdefault(touch.part, {}).setdefault(touch.field, set()).add(asked)

    def fields(self, rule: int) -> set[Coordinate]:
        return {field for part in self.held.get(rule, {}).values() for field in part}

    def asked(self, rule: int) -> set[Coordinate]:
        parts = self.held.get(rule, {}).values()
        return {one for part in parts for asked in part.values() for one in asked}


class Jointly:
    """The rules about several fields, compiled. Cost: a look-up per use for whom none is about."""

    def __init__(
        self,
        rules: Iterable[Joint],
        catalogue: Catalogue,
        packs: Packs,
        ceiling: Mapping[str, str],
        grants: Sequence[Grant],
        *,
        counted: bool,
    ) -> None:
        """`counted`: whoever asks keeps count of what is used over time; otherwise rules that
        need it deny their fields."""
        self._packs = packs
        self._ceiling = dict(ceiling)
        self._counted = counted
        self._catalogue = catalogue
        self._touches: dict[Coordinate, list[_Touch]] = {}
        self._rules: list[Joint] = []
        for rule in sorted(rules, key=lambda one: one.id):
            self._compile(rule, grants)
        self.reads = frozenset(_circumstances(self._rules))
        """The circumstances that a condition speaks of, the purpose aside."""
        self.said = frozenset(_said(rule) for rule in self._rules)
        """What the rules come to, whatever they are called."""
        self.conditions = tuple(rule.when for rule in self._rules)

    def _compile(self, rule: Joint, grants: Sequence[Grant]) -> None:
        number = len(self._rules)
        fields: set[Coordinate] = set()
        for place, part in enumerate(rule.parts):
            for field in self._members(part):
                fields.add(field)
                self._touches.setdefault(field, []).append(_Touch(number, place, field))
        for element, keys in self._joins():
            for key in keys & fields:
                found = [one for one in self._touches[key] if one.rule == number]
                self._touches.setdefault(element, []).extend(found)
        # only a grant of the whole set was given with its combination in mind
        covering = [grant for grant in grants if fields <= grant.fields.keys()]
        held = tuple((grant.covers, grant.condition) for grant in covering)
        when = specialise(rule.when, Facts("", "", "", None, held))
        self._rules.append(structs.replace(rule, when=when))

    def _members(self, part: Part) -> Iterator[Coordinate]:
        for name, entity in self._catalogue.types.items():
            for field in entity.fields.values():
                at = coordinate(name, field.name)
                if at in part.fields or any(
                    self._packs.category_within(held, other)
                    for held in field.label.categories
                    for other in part.categories
                ):
                    yield at

    def _joins(self) -> Iterator[tuple[Coordinate, set[Coordinate]]]:
        """Every relation with the keys at both ends: who follows it uses them."""
        for name, entity in self._catalogue.types.items():
            for relation in entity.relations.values():
                ends: list[tuple[TypeName, int]] = [(name, 0), (relation.to, 1)]
                keys = {coordinate(end, pair[i]) for pair in relation.match for end, i in ends}
                yield coordinate(name, relation.name), keys

    def bind(
        self,
        ruling: Ruling,
        subject: Subject,
        uses: Iterable[FieldUse],
        implied: Iterable[FieldUse],
        context: Context,
    ) -> Ruling:
        """The ruling with what holds of its uses together.

        What the hub only implied is given up where it would touch a mosaic or complete a
        combination: then the hub orders rows another way.
        """
        found, more = self._found(ruling, uses), self._found(ruling, implied)
        touched = sorted({*found.held, *more.held})
        if not touched:
            return ruling
        who = [subject]
        if ruling.principal is not None:
            # what binds whoever acts, and whom it acts for, binds both together
            who += [ruling.principal, lent_to(ruling.principal, subject)]
        applied = [one for one in touched if any(self._holds(one, each, context) for each in who)]
        given_up: set[Coordinate] = set()
        raised: list[Raised] = []
        refused: set[str] = set()
        named: set[Coordinate] = set()
        windows: list[MosaicUse] = []
        for number in applied:
            rule = self._rules[number]
            if self._needless(number, found, more):
                given_up |= more.asked(number)
            complete = self._complete(number, found)
            if isinstance(rule, Combination):
                level = self._level(rule)
                if complete and level is not None:
                    raised.append(Raised(rule.id, level))
                if complete and (
                    level is None or not all(self._reaches(each, level) for each in who)
                ):
                    refused.add(rule.id)
                    named |= found.asked(number)
            elif complete:
                refused.add(rule.id)
                named |= found.asked(number)
            elif rule.per_s is not None and number in found.held:
                windows.append(_window(rule, found.held[number], found.asked(number)))
        dropped = {use for use in implied if use.coordinate in given_up} - set(uses)
        return structs.replace(
            ruling,
            outcomes={**ruling.outcomes, **dict.fromkeys(dropped, Reject())},
            together=Together(
                raised=tuple(raised),
                refused=Refused(tuple(sorted(refused)), tuple(sorted(named))) if refused else None,
                windows=tuple(windows),
            ),
        )

    def beyond(self, other: Jointly) -> tuple[Sentence, ...]:
        """The rules that say what none of the other ones says."""
        return tuple(_told(rule) for rule in self._rules if _said(rule) not in other.said)

    def about(self, at: Coordinate, subject: Subject, context: Context) -> tuple[Sentence, ...]:
        """What rules for this caller say of one element together with others."""
        numbers = sorted({touch.rule for touch in self._touches.get(at, ())})
        held = (number for number in numbers if self._holds(number, subject, context))
        return tuple(_told(self._rules[number]) for number in held)

    def _holds(self, number: int, subject: Subject, context: Context) -> bool:
        seen = Circumstances(subject=subject, context=context, packs=self._packs)
        return reduce(self._rules[number].when, seen) != FALSE

    def _found(self, ruling: Ruling, uses: Iterable[FieldUse]) -> _Found:
        found = _Found()
        for use in uses:
            touches = self._touches.get(use.coordinate)
            if touches is not None and _is_used(ruling.outcomes.get(use)):
                for touch in touches:
                    found.add(touch, use.coordinate)
        return found

    def _needless(self, number: int, found: _Found, more: _Found) -> bool:
        """Whether what the hub implied would use up, or complete, what the caller did not."""
        if number not in more.held or more.fields(number) <= found.fields(number):
            return False
        rule = self._rules[number]
        if isinstance(rule, Mosaic) and rule.per_s is not None:
            return True
        whole = _Found()
        for one in (found, more):
            for part, fields in one.held.get(number, {}).items():
                for field, asked in fields.items():
                    for coordinate_asked in asked:
                        whole.add(_Touch(number, part, field), coordinate_asked)
        return self._complete(number, whole) and not self._complete(number, found)

    def _complete(self, number: int, found: _Found) -> bool:
        rule, parts = self._rules[number], found.held.get(number, {})
        if isinstance(rule, Combination):
            return len(parts) == len(rule.parts) and _matched(list(parts.values()))
        if rule.per_s is not None and not self._counted:
            # fails closed: what nobody counts may not be used at all
            return bool(parts)
        return len(parts) > rule.most

    def _level(self, rule: Combination) -> tuple[str, str] | None:
        name, level = rule.raises
        scheme = self._packs.scheme
        ladder = scheme.ladder(name) if name else scheme.ladder_of(level)
        return None if ladder is None or level not in ladder.levels else (ladder.id, level)

    def _reaches(self, subject: Subject, level: tuple[str, str]) -> bool:
        label = Label(levels=(level,))
        cleared = self._packs.scheme.dominates(subject.clearance, label)
        return cleared and under_ceiling(label, self._packs, self._ceiling)


def _is_used(outcome: Outcome | None) -> bool:
    match outcome:
        case Allow():
            return True
        case Masked(mask=mask):
            return mask not in _UNSEEN
        case Rowwise(cases=cases):
            return any(_is_used(seen) for _, seen in cases)
        case _:
            return False


def _matched(parts: Sequence[Iterable[Coordinate]]) -> bool:
    """Whether every part has a field of its own: one field completes no combination alone."""
    owner: dict[Coordinate, int] = {}

    def place(part: int, tried: set[Coordinate]) -> bool:
        for field in parts[part]:
            if field in tried:
                continue
            tried.add(field)
            if field not in owner or place(owner[field], tried):
                owner[field] = part
                return True
        return False

    return all(place(part, set()) for part in range(len(parts)))


def _window(rule: Mosaic, parts: Iterable[int], asked: Iterable[Coordinate]) -> MosaicUse:
    return MosaicUse(
        rule=rule.id,
        parts=tuple(sorted(rule.parts[part].name for part in parts)),
        most=rule.most,
        per_s=rule.per_s or 0,
        by=rule.by,
        coordinates=tuple(sorted(asked)),
    )


def _circumstances(rules: Iterable[Joint]) -> Iterator[str]:
    terms = (term for rule in rules for leaf in leaves_of(rule.when) for term in terms_of(leaf))
    for term in terms:
        if isinstance(term, Attribute) and term.space == "context" and term.name in CIRCUMSTANCES:
            yield term.name


def _said(rule: Joint) -> object:
    limit: object
    if isinstance(rule, Combination):
        limit = rule.raises
    elif rule.per_s is None:
        limit = rule.most
    else:
        # what is used over time is counted by the name: another one begins a count anew
        limit = (rule.most, rule.per_s, rule.by, rule.name)
    return (type(rule).__name__, rule.parts, rule.when, limit)


def _told(rule: Joint) -> Sentence:
    parts = " + ".join(f"({part.name})" for part in rule.parts)
    if isinstance(rule, Combination):
        level = rule.raises[1]
        return (
            f"`{rule.id}`: all of {parts} in one operation raise the answer to {level}",
            f"`{rule.id}`：同一操作中同时使用 {parts}，结果级别升为 {level}",
        )
    english, chinese = "one operation", "同一操作"
    if rule.per_s is not None:
        english = f"any {rule.per_s} seconds of one {rule.by}"
        chinese = f"同一{_BY[rule.by]}任意 {rule.per_s} 秒内"
    return (
        f"`{rule.id}`: at most {rule.most} of {parts} in {english}",
        f"`{rule.id}`：{chinese}至多使用 {parts} 中的 {rule.most} 项",
    )


_BY = {"app": "应用", "user": "用户", "department": "部门"}

"""Owners' floors: what a department asks at least of everybody else, as rules none can remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from policies.condition import (
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    PurposeWithin,
    every,
    opposite,
)
from policies.meet import fits
from policies.outcome_syntax import OUTCOMES, read_outcome
from policies.packs import Packs
from policies.positions import Place, did_you_mean, parse, shown
from policies.reading import Reader
from policies.rule import Effect, Rule, RuleOutcome, Selector
from policies.ruling import Masked
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.entity import Floor
from schema.model.names import Coordinate, coordinate
from schema.model.use import UseMode

_OTHERS = opposite(Compares("eq", Attribute("resource", "owned"), Literally(True)))
_ALL: frozenset[UseMode] = frozenset(get_args(UseMode))
_TAKEN = "an owner's floor asks for this"


def floor_rules(catalogue: Catalogue) -> tuple[Rule, ...]:
    """Every floor of a catalogue as ``floor.<source>.<Type>[.field]:what``.

    They hold for everybody but the owner, in every mode, and add to all other rules.
    Raises: `ManyErrors` POLICY_INVALID for outcomes that are none.
    """
    held = _floors(catalogue)
    outcomes = _outcomes(held, {})
    return tuple(
        rule
        for name, (floor, fields, owner) in held.items()
        for rule in _rules(name, floor, fields, owner, outcomes)
    )


def check_floors(catalogue: Catalogue, packs: Packs, places: Mapping[str, str]) -> None:
    """Whether every floor can be meant.

    `places`: a floor's name -> where it is written.
    Raises: `ManyErrors` POLICY_INVALID with every problem.
    """
    held = _floors(catalogue)
    problems: list[HubError] = []

    def wrong(name: str, message: str, hint: str) -> None:
        where = places.get(name, name)
        problems.append(HubError("POLICY_INVALID", message, where=where, hint=hint))

    outcomes: dict[str, RuleOutcome] = {}
    try:
        outcomes = _outcomes(held, places)
    except ManyErrors as error:
        problems += error.problems
    for name, (floor, fields, _) in held.items():
        outcome = outcomes.get(name)
        if isinstance(outcome, Masked):
            for message in _unfit(outcome, fields, catalogue):
                wrong(name, message, "ask for `redact`, or write a floor for each such field")
        for purpose in floor.purposes:
            if purpose not in packs.purposes:
                hint = did_you_mean(purpose, packs.purposes)
                wrong(name, f"there is no purpose `{shown(purpose)}`", hint)
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)


def floor_outcome(name: str, outcome: str) -> RuleOutcome:
    """The outcome that a floor's JSON means. Raises: `ManyErrors` POLICY_INVALID."""
    return _outcomes({name: (Floor(name=name, outcome=outcome), frozenset(), "")}, {})[name]


def _unfit(outcome: Masked, fields: frozenset[str], catalogue: Catalogue) -> Iterator[str]:
    for name in sorted(fields):
        field = catalogue.field(Coordinate(name))
        said = None if field is None else fits(outcome, field.kind)
        if said is not None:
            yield f"the floor's mask `{outcome.mask}` does not fit `{name}`: {said}"


_Held = Mapping[str, tuple[Floor, frozenset[str], str]]


def _floors(catalogue: Catalogue) -> _Held:
    """Name -> the floor, the fields that it is about, and their owner."""
    found: dict[str, tuple[Floor, frozenset[str], str]] = {}
    for type_name in sorted(catalogue.types):
        for field in catalogue.types[type_name].fields.values():
            for floor in field.floors:
                name = floor.name
                _, fields, _ = found.get(name, (floor, frozenset[str](), ""))
                found[name] = (floor, fields | {coordinate(type_name, field.name)}, field.owner)
    return found


def _outcomes(held: _Held, places: Mapping[str, str]) -> dict[str, RuleOutcome]:
    found: dict[str, RuleOutcome] = {}
    problems: list[HubError] = []
    for name, (floor, _, _) in held.items():
        if floor.outcome is None:
            continue
        where = places.get(name, name)
        reader = Reader(where)
        trees = parse(floor.outcome, reader.report)
        outcome = read_outcome(reader, trees[0], "the floor's `outcome`") if trees else None
        if outcome is not None and not isinstance(outcome, OUTCOMES["require"]):
            hint = "write a mask, `redact` or `null`"
            reader.wrong(Place(1, 1), "a floor cannot have this outcome", hint)
        problems += [
            HubError(one.code, one.message, where=where, hint=one.hint)
            for one in reader.report.problems
        ]
        if outcome is not None:
            found[name] = outcome
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return found


def _rules(
    name: str,
    floor: Floor,
    fields: frozenset[str],
    owner: str,
    outcomes: Mapping[str, RuleOutcome],
) -> list[Rule]:
    def rule(what: str, effect: Effect, when: Condition, outcome: RuleOutcome | None) -> Rule:
        return Rule(
            name=f"{name}:{what}",
            version=1,
            effect=effect,
            owner=owner,
            about={"en": _TAKEN},
            selector=Selector(fields=fields),
            modes=_ALL,
            when=every(_OTHERS, when),
            outcome=outcome,
            path=name,
            places={},
        )

    found = []
    if name in outcomes:
        found.append(rule("outcome", "require", every(), outcomes[name]))
    if floor.purposes:
        stated = PurposeWithin(floor.purposes, True)
        found.append(rule("purposes", "forbid", opposite(stated), None))
    found += [
        rule(f"level-{ladder}", "forbid", opposite(Cleared(ladder, level)), None)
        for ladder, level in floor.min_level
    ]
    return found

"""Row conditions as predicates: TRUE where the condition is TRUE, and nowhere else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.condition import (
    FALSE,
    TRUE,
    UNKNOWN,
    All,
    Any_,
    Attribute,
    Circumstances,
    Compares,
    Condition,
    Literally,
    Not,
    OneOf,
    Present,
    RegionWithin,
    Truth,
    reduce,
)
from policies.residue import bound_params, conjunction, disjunction, implies, residue
from schema.model.predicate import Always, Param, Predicate, evaluate, params_in
from schema.model.subject import Context
from tests.policies.fixture import PACKS, entity, field, label, subject

THING = entity("Thing", field("key", label("G1")), field("place", label("G1")), region="place")
PLACELESS = entity("Thing", field("key", label("G1")))
ROWS = [
    {"key": key, "place": place}
    for key, place in itertools.product(["a", "b", None], ["3301", "330102", "3302", None])
]
WHO = subject("one", "G4", region="3301", roles=frozenset({"a", "c"}))
PARAMS = bound_params(WHO, frozenset({"s.region", "s.roles"}), 0.0)
KEY, PLACE, REGION = (
    Attribute("row", "key"),
    Attribute("row", "region"),
    Attribute("subject", "region"),
)

leaves: st.SearchStrategy[Condition] = st.sampled_from(
    [
        TRUE,
        FALSE,
        UNKNOWN,
        Compares("eq", KEY, Literally("a")),
        Compares("ne", KEY, Literally("b")),
        Compares("lt", KEY, Literally("b")),
        Compares("eq", PLACE, REGION),
        OneOf(KEY, ("a", "c")),
        OneOf(KEY, Attribute("subject", "roles")),
        RegionWithin(PLACE, REGION),
        RegionWithin(PLACE, Literally("3302")),
        Present(KEY),
    ]
)
conditions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: Any_(tuple(parts)))
    ),
    max_leaves=8,
)


def kleene(condition: Condition, row: dict[str, str | None]) -> bool | None:
    """The meaning, written once more and plainly."""
    key, place = row["key"], row["place"]
    match condition:
        case Truth(value=value):
            return value
        case Not(part=part):
            inner = kleene(part, row)
            return None if inner is None else not inner
        case All(parts=parts):
            found = [kleene(part, row) for part in parts]
            return False if False in found else None if None in found else True
        case Any_(parts=parts):
            found = [kleene(part, row) for part in parts]
            return True if True in found else None if None in found else False
        case Present():
            return key is not None
        case Compares(op="eq", left=Attribute(name="region")):
            return None if place is None else place == "3301"
        case Compares(op=op, right=Literally(value=value)):
            if key is None:
                return None
            return {"eq": key == value, "ne": key != value, "lt": key < str(value)}[op]
        case OneOf():
            return None if key is None else key in ("a", "c")
        case RegionWithin(outer=Literally(value=value)):
            return None if place is None else place.startswith(str(value))
        case RegionWithin():
            return None if place is None else place.startswith("3301")
        case _:
            raise AssertionError


def held(condition: Condition) -> Condition:
    return reduce(condition, Circumstances(subject=WHO, context=Context(), packs=PACKS))


@settings(max_examples=300)
@given(conditions)
def test_true_and_false_rows(condition: Condition) -> None:
    true = residue(held(condition), THING)
    false = residue(held(condition), THING, positive=False)
    for row in ROWS:
        meant = kleene(condition, row)
        assert (evaluate(true, row, PARAMS) is True) is (meant is True)
        assert (evaluate(false, row, PARAMS) is True) is (meant is False)


@settings(max_examples=300)
@given(conditions, conditions)
def test_implication_is_sound(first: Condition, second: Condition) -> None:
    ours, theirs = residue(held(first), THING), residue(held(second), THING)
    joined: list[Predicate] = [ours, theirs]
    assert implies(conjunction(joined), ours)
    assert implies(ours, disjunction(joined))
    for one, other in itertools.permutations([ours, theirs]):
        if implies(one, other):
            for row in ROWS:
                assert evaluate(one, row, PARAMS) is not True or evaluate(other, row, PARAMS)


@given(st.lists(conditions, max_size=4), st.randoms(use_true_random=False))
def test_order_leaves_no_trace(parts: list[Condition], chance: object) -> None:
    found = [residue(held(part), THING) for part in parts]
    shuffled = list(reversed(found))
    assert conjunction(found) == conjunction(shuffled)
    assert disjunction(found) == disjunction(shuffled)


def test_a_type_without_a_region_has_no_such_rows() -> None:
    condition = RegionWithin(PLACE, REGION)
    assert residue(condition, PLACELESS) == Always(False)
    assert residue(condition, PLACELESS, positive=False) == Always(False)


def test_a_missing_attribute_is_unknown() -> None:
    lost = subject("one", region=None)
    held_for = Circumstances(subject=lost, context=Context(), packs=PACKS)
    assert reduce(RegionWithin(PLACE, REGION), held_for) == UNKNOWN


@pytest.mark.parametrize("value", ["not a date", 5])
def test_a_value_of_another_kind_is_unknown(value: str | int) -> None:
    dated = entity("Thing", field("key", label("G1")), field("day", label("G1"), kind="Date"))
    condition = Compares("eq", Attribute("row", "day"), Literally(value))
    assert residue(condition, dated) == residue(Not(condition), dated) == Always(False)


def test_values_of_the_subject_stay_params() -> None:
    found = residue(held(RegionWithin(PLACE, REGION)), THING)
    assert params_in(found) == {"s.region"}
    assert "3301" not in repr(found)
    assert Param("s.region").name in PARAMS

"""Rulings compared: a gain one way is a loss the other way, and nothing changes of itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from policies.meet import NOTHING, meet
from policies.obligation import NoStore, Notify, Obligation, Quota, Retain
from policies.replay import compare_rulings, direction, outcome_told, persons_named, reads_person
from policies.ruling import (
    Allow,
    Declassified,
    FieldError,
    Hidden,
    Masked,
    Null,
    Outcome,
    Reject,
    Rowwise,
    Ruling,
)
from schema.model.names import Coordinate, TypeName
from schema.model.predicate import FALSE, TRUE, And, Compare, Const, Predicate
from schema.model.subject import Context
from schema.model.use import FieldUse
from tests.policies.fixture import NOON, RULES, A, engine

YEAR, MONTH = (Masked("generalise", (("to", unit),)) for unit in ("year", "month"))
LAST, REDACT = Masked("partial", (("keep_last", 4),)), Masked("redact", (("kind", "String"),))
BIG: Predicate = Compare("size", "gt", Const(3), "Int")
NEAR: Predicate = Compare("region", "eq", Const("a"), "String")
SHOWN = [Allow(), YEAR, MONTH, LAST, REDACT]
OUTCOMES: list[Outcome] = [
    *SHOWN, NOTHING, Null(), Null("NO_GRANT"), FieldError(), Reject(), Hidden(),
    Rowwise(((BIG, Allow()),)), Rowwise(((And((BIG, NEAR)), Allow()),)),
    Rowwise(((BIG, YEAR), (NEAR, Allow()))),
]  # fmt: skip
BACK = {"gain": "loss", "loss": "gain", "differs": "differs", None: None}
USE = FieldUse(Coordinate("Person.name"), "project")


@given(first=st.sampled_from(OUTCOMES), second=st.sampled_from(OUTCOMES))
def test_a_gain_one_way_is_a_loss_the_other_way(first: Outcome, second: Outcome) -> None:
    assert direction(second, first) == BACK[direction(first, second)]
    assert (direction(first, second) is None) is (first == second)


@given(first=st.sampled_from(SHOWN), second=st.sampled_from(SHOWN))
def test_what_is_met_with_more_is_no_gain(first: Allow | Masked, second: Allow | Masked) -> None:
    assert direction(first, meet(first, second)) in (None, "loss")


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (Null(), Allow(), "gain"),
        (Allow(), YEAR, "loss"),
        (YEAR, MONTH, "gain"),
        (REDACT, LAST, "gain"),
        (YEAR, LAST, "differs"),
        (NOTHING, REDACT, "gain"),
        (Null(), Null("NO_GRANT"), "differs"),
        (Hidden(), Rowwise(((BIG, Allow()),)), "gain"),
        (Rowwise(((BIG, Allow()),)), Allow(), "gain"),
        (Rowwise(((BIG, Allow()),)), Rowwise(((NEAR, Allow()),)), "differs"),
        (Rowwise(((BIG, Allow()),)), YEAR, "differs"),
    ],
)
def test_directions(before: Outcome, after: Outcome, way: str) -> None:
    assert direction(before, after) == way


def ruling(rows: Predicate | None = None, *duties: Obligation) -> Ruling:
    return Ruling(
        epoch=1,
        outcomes={USE: Allow()},
        row_filters={} if rows is None else {TypeName("Person"): rows},
        params={},
        reasons={USE: ("r@1",)},
        obligations={USE: duties} if duties else {},
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (TRUE, TRUE, []),
        (TRUE, BIG, [("loss", "all rows", "fewer rows")]),
        (None, BIG, [("gain", "no rows", "more rows")]),
        (FALSE, None, []),
        (And((BIG, NEAR)), BIG, [("gain", "some rows", "more rows")]),
        (NEAR, BIG, [("differs", "some rows", "other rows")]),
    ],
)
def test_rows(
    before: Predicate | None, after: Predicate | None, told: list[tuple[str, str, str]]
) -> None:
    found = compare_rulings(ruling(before), ruling(after), [USE])
    assert [(one.direction, one.before, one.after) for one in found] == told
    assert all(one.what == "rows" and one.use == "Person" for one in found)
    assert all(one.rules_before == one.rules_after == ("r@1",) for one in found)


def test_obligations() -> None:
    many, few = (
        Quota(unit="rows", most=most, per_s=60, rule=rule)
        for most, rule in ((9, "r@1"), (5, "r@2"))
    )
    before = ruling(None, Retain(10), NoStore(), many)
    after = ruling(None, Retain(5), Notify("owner"), few)
    found = compare_rulings(before, after, [USE])
    assert [(one.use, one.direction, one.before, one.after) for one in found] == [
        ("NoStore", "gain", "asked", "none"),
        ("Notify", "loss", "none", "whom owner"),
        ("Quota", "loss", "unit rows, most 9, per_s 60, by app, rule r",
         "unit rows, most 5, per_s 60, by app, rule r"),
        ("Retain", "gain", "days 10", "days 5"),
    ]  # fmt: skip


def test_outcomes_in_words() -> None:
    assert outcome_told(REDACT) == "redact"
    assert outcome_told(LAST) == "partial (keep_last 4)"
    assert outcome_told(Rowwise(((BIG, YEAR), (NEAR, Allow())))) == (
        "by row: generalise (to year) or allow, else null"
    )


PERSON = """
policy: one
effect: permit
subjects: {user: [zhang, li]}
resources: {types: [Person]}
---
policy: two
effect: forbid
resources: {types: [Person]}
when: {eq: [subject.user, wang]}
"""


def test_whom_rules_name() -> None:
    named = engine(PERSON)
    assert reads_person(named)
    assert persons_named(named) == {"zhang", "li", "wang"}
    other = engine(PERSON.replace("user: [zhang, li]", "app: a").replace("user, wang", "app, b"))
    assert not reads_person(other)
    assert persons_named(other) == frozenset()


MOSAIC = """---
mosaic: little
fields: [Person.name, Person.district]
most: 1
within: day
by: user
"""
RAISES = """---
combination: both
of: [{fields: [Person.name]}, {fields: [Person.district]}]
raises: G3
"""
UNRELATED = """---
mosaic: other
fields: [Aid.status, Aid.number]
most: 1
"""


@pytest.mark.parametrize(
    ("rule", "uses"),
    [(MOSAIC, [USE]), (RAISES, [USE, FieldUse(Coordinate("Person.district"), "project")])],
)
def test_rules_about_fields_together_that_are_gone_are_a_gain(
    rule: str, uses: list[FieldUse]
) -> None:
    context = Context(purpose="benefits.eligibility", now=NOON)
    without, held = (engine(RULES + more).rule(A, uses, context) for more in (UNRELATED, rule))
    (gone,) = compare_rulings(held, without, uses)
    assert (gone.direction, gone.use, gone.after) == ("gain", "together", "none")
    (come,) = compare_rulings(without, held, uses)
    assert (come.direction, come.after, come.rules_after) == (
        "loss", gone.before, gone.rules_before,
    )  # fmt: skip
    newer = engine(
        RULES + rule.replace("\n", "\nversion: 2\n", 2).replace("---\nversion: 2", "---")
    )
    assert compare_rulings(held, newer.rule(A, uses, context), uses) == []


def test_a_rule_about_fields_together_may_read_the_person() -> None:
    of = engine(RULES + MOSAIC + "when: {eq: [subject.user, zhang]}\n")
    assert reads_person(of)
    assert persons_named(of) == {"zhang"}


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ((), ("G1", 10), "gain"),
        (("G1", 10), (), "loss"),
        (("G1", 10), ("G1", 5), "differs"),
        (("G1", 10), ("G2", 10), "differs"),
    ],
)
def test_what_is_declared_of_masked_values(before: Any, after: Any, way: str) -> None:
    old, new = (
        structs.replace(
            ruling(),
            declassified={USE: (Declassified("", side[0], "why", side[1]),)} if side else {},
        )
        for side in (before, after)
    )
    (found,) = compare_rulings(old, new, [USE])
    assert (found.what, found.direction, found.use) == ("label", way, "Person.name")
    told = [f"{side[0]} where {side[1]} persons share it" if side else "the field's own label"
            for side in (before, after)]  # fmt: skip
    assert [found.before, found.after] == told
    assert compare_rulings(new, new, [USE]) == []
    same = {USE: tuple(structs.replace(one, reason="x") for one in new.declassified.get(USE, ()))}
    assert compare_rulings(new, structs.replace(new, declassified=same), [USE]) == []

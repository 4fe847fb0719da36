"""A prohibition takes the rows it is about away from every mode, also where these are all rows."""

from __future__ import annotations

import pytest
from msgspec import structs

from policies.delegation import Delegation
from policies.engine import Engine
from policies.granted import LiveGrant
from policies.prove.change import compare
from policies.ruling import Allow, Hidden, Null, Reject, Ruling
from schema.model.names import DepartmentName, TypeName
from schema.model.predicate import Compare, Param
from schema.model.subject import Context
from tests.policies.fixture import (
    CEILING,
    CITY,
    NOON,
    PACKS,
    bundle,
    engine,
    outcome,
    ruled,
    subject,
    use,
)

FIGURES = """
policy: figures
effect: permit
subjects: {tier: city}
resources: {fields: [Person.district, Person.name]}
modes: [group, aggregate, count]
"""
ELSEWHERE = """---
policy: elsewhere
effect: forbid
resources: {types: [Person]}
modes: [read, filter]
when: {not: {region_within: [row.region, subject.region]}}
"""
BY_DISTRICT = use("Person.district", "group")
NAMES = use("Person.name", "aggregate", "count")
HOME = subject("numbers", "G3", region="3301")
LOST = subject("numbers", "G3", region=None)
NOTHING = Reject("USE_FORBIDDEN")


def test_the_rows_are_taken_from_modes_that_it_does_not_list() -> None:
    ruling = ruled(engine(FIGURES + ELSEWHERE), HOME, BY_DISTRICT, NAMES)
    assert set(ruling.outcomes.values()) == {Allow()}
    assert ruling.row_filters == {
        TypeName("Person"): Compare("district", "prefix", Param("s.region"), "String")
    }


@pytest.mark.parametrize("modes", ["[read, filter]", "[list, open, count]", "read", "all"])
def test_where_no_row_is_clear_of_it_nothing_is_left_of_the_type(modes: str) -> None:
    rules = FIGURES.replace("count]", "count, read, join]") + ELSEWHERE
    by = engine(rules.replace("modes: [read, filter]", f"modes: {modes}"))
    uses = (BY_DISTRICT, NAMES, use("Person", "count"), use("Person.name", "join"))
    ruling = ruled(by, LOST, *uses)
    assert set(ruling.outcomes.values()) == {NOTHING}
    assert ruling.row_filters == {}
    assert set(ruling.reasons.values()) == {("elsewhere@1",)}
    assert outcome(by, LOST, use("Person.name")) == Hidden()
    assert BY_DISTRICT not in by.visible(LOST).uses
    assert BY_DISTRICT in by.visible(HOME).uses
    assert "elsewhere@1" in by.explain(LOST, BY_DISTRICT, Context(now=NOON))


def test_what_cannot_be_asked_of_a_row_takes_every_row() -> None:
    unknown = ELSEWHERE.replace("{not: {region_within: [row.region, subject.region]}}",
                                "{eq: [row.district, subject.user]}")  # fmt: skip
    assert outcome(engine(FIGURES + unknown), HOME, BY_DISTRICT) == NOTHING


def test_one_that_does_not_speak_of_rows_closes_its_modes_alone() -> None:
    whole = ELSEWHERE.replace("{not: {region_within: [row.region, subject.region]}}",
                              "{eq: [subject.user, x]}")  # fmt: skip
    by = engine(FIGURES + whole)
    assert outcome(by, HOME, BY_DISTRICT) == Allow()
    assert outcome(by, HOME, use("Person", "count")) == NOTHING


def acting(lent_region: str | None) -> Ruling:
    caller = subject("builder", "G3", "benefits.eligibility", region=lent_region)
    principal = subject("numbers", "G3", department="civil", region="3301")
    live = LiveGrant(
        id="d1", app="builder", department=None, purposes=("benefits",), below=True,
        since=1.0, until=NOON + 1, revoked=None,
    )  # fmt: skip
    held = Delegation(live=live, principal=principal, fields=frozenset())
    by = Engine(
        CITY, [bundle(FIGURES + ELSEWHERE)], PACKS, epoch=1, ceiling=CEILING, delegations=[held]
    )
    who = structs.replace(caller, acting_for=DepartmentName("civil"))
    return by.rule(who, [BY_DISTRICT], Context(purpose="benefits.eligibility", now=NOON))


def test_whoever_acts_has_no_figures_over_rows_that_its_principal_has_not() -> None:
    ours = acting("3301")
    assert ours.delegation == "d1"
    assert ours.outcomes[BY_DISTRICT] == Allow()
    assert set(ours.row_filters) == {"Person"}
    lost = acting(None)
    assert lost.delegation == "d1"
    assert lost.outcomes[BY_DISTRICT] == NOTHING
    assert lost.row_filters == {}


def test_a_proof_finds_that_one_of_all_rows_closes_every_mode() -> None:
    closed = ELSEWHERE.replace("[read, filter]", "all")
    old, new = engine(FIGURES + ELSEWHERE), engine(FIGURES + closed)
    assert compare(old, new, begin=NOON).kind == "equal"
    assert compare(engine(FIGURES), old, begin=NOON).kind == "tightening"


OWN = """
policy: reads
effect: permit
subjects: {tier: city}
resources: {fields: [Firm.creditCode, Firm.arrears]}
---
policy: not-these
effect: forbid
resources: {types: [Firm]}
when: {ne: [row.creditCode, x]}
unless: resource.owned
---
policy: unread
effect: forbid
resources: {fields: [Firm.creditCode]}
outcome: "null"
"""


def test_rows_that_it_leaves_are_not_told_apart_by_fields_of_others() -> None:
    # the market owns the type but not the arrears: its rows stay, so nulls in some would tell
    by, market = engine(OWN), subject("market", "G3", department="market")
    assert ruled(by, market, use("Firm", "list")).outcomes == {use("Firm", "list"): Allow()}
    assert outcome(by, market, use("Firm.creditCode")) == Null()
    assert outcome(by, market, use("Firm.arrears")) == Null()

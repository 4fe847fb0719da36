"""Rows: which exist for whom, what is seen in which, and nothing of a subject in the plan."""

from __future__ import annotations

from policies.ruling import Allow, Masked, Reject, Rowwise
from schema.model.names import TypeName
from schema.model.predicate import And, Compare, Param
from tests.policies.fixture import (
    RULES,
    B,
    T,
    engine,
    outcome,
    ruled,
    subject,
    use,
)

CITY_ENGINE = engine()
BENEFIT = "benefits.eligibility"
FORBIDDEN = Reject("USE_FORBIDDEN")


def test_16_and_17_a_clerk_has_the_rows_of_its_township() -> None:
    ruling = ruled(CITY_ENGINE, T, use("Aid.status"), use("Aid", "count"))
    assert set(ruling.outcomes.values()) == {Allow()}
    assert ruling.row_filters == {
        TypeName("Aid"): Compare("district", "prefix", Param("s.region"), "String")
    }
    assert ruling.params == {"s.region": "330102001"}
    assert outcome(CITY_ENGINE, T, use("Person.idNo")) == Masked("partial", (("keep_last", 4),))


def test_subjects_of_a_class_share_plans() -> None:
    other = subject(
        "desk", "G3", "grassroots", department="town", tier="township", region="330105002"
    )
    uses = (use("Aid.status"), use("Aid", "list"), use("Person.idNo"))
    ours, theirs = ruled(CITY_ENGINE, T, *uses), ruled(CITY_ENGINE, other, *uses)
    assert ours.policy_class == theirs.policy_class
    assert ours.params != theirs.params
    assert CITY_ENGINE.visible(T) is CITY_ENGINE.visible(other)


def test_a_clerk_without_a_region_has_no_rows() -> None:
    for region in (None, ""):
        lost = subject("desk", "G3", tier="township", region=region, department="town")
        assert outcome(CITY_ENGINE, lost, use("Aid", "list")) == FORBIDDEN
        assert ruled(CITY_ENGINE, lost, use("Aid", "list")).row_filters == {}


def test_rows_of_one_permit_make_its_fields_rowwise() -> None:
    rules = """
policy: names
effect: permit
subjects: {app: desk}
resources: {fields: [Person.name, Person.district]}
modes: [read, filter]
---
policy: phones-at-home
effect: permit
subjects: {app: desk}
resources: {fields: [Person.phone]}
modes: [read, filter]
rows: {region_within: [row.region, subject.region]}
"""
    by = engine(rules)
    asked = use("Person.phone")
    home = Compare("district", "prefix", Param("s.region"), "String")
    ruling = ruled(by, T, asked, use("Person.name"))
    assert ruling.outcomes == {asked: Rowwise(((home, Allow()),)), use("Person.name"): Allow()}
    assert ruling.params == {"s.region": "330102001"}
    assert outcome(by, T, use("Person.phone", "filter_eq")) == FORBIDDEN
    assert outcome(by, T, use("Person.name", "filter_eq")) == Allow()
    both = rules.replace("resources: {fields: [Person.name, Person.district]}",
                         "resources: {fields: [Person.name]}\n"
                         "rows: {region_within: [row.region, subject.region]}")  # fmt: skip
    assert outcome(engine(both), T, asked) == Allow()
    assert outcome(engine(both), T, use("Person.phone", "filter_eq")) == Allow()


def test_a_better_outcome_in_some_rows_comes_first() -> None:
    rules = """
policy: masked-everywhere
effect: permit
subjects: {app: desk}
resources: {fields: [Person.phone]}
outcome: {mask: {partial: {keep_last: 2}}}
---
policy: raw-at-home
effect: permit
subjects: {app: desk}
resources: {fields: [Person.phone]}
rows: {region_within: [row.region, subject.region]}
"""
    found = outcome(engine(rules), T, use("Person.phone"))
    assert isinstance(found, Rowwise)
    assert [seen for _, seen in found.cases] == [Allow(), Masked("partial", (("keep_last", 2),))]


def test_a_forbid_takes_rows_away() -> None:
    rules = (
        RULES
        + """
---
policy: not-here
effect: forbid
subjects: {tier: township}
resources: {types: [Aid]}
rows: {eq: [row.status, sealed]}
"""
    )
    ruling = ruled(engine(rules), T, use("Aid.status"), use("Aid", "list"))
    assert set(ruling.outcomes.values()) == {Allow()}
    assert isinstance(ruling.row_filters[TypeName("Aid")], And)
    assert "sealed" in repr(ruling.row_filters)


def test_a_require_filters_rows() -> None:
    rules = (
        RULES
        + """
---
policy: at-home-only
effect: require
subjects: {app: tax}
resources: {types: [Aid]}
rows: {region_within: [row.region, subject.region]}
"""
    )
    by = engine(rules)
    ruling = ruled(by, B, use("Aid.status"), purpose="tax.audit")
    assert ruling.row_filters == {
        TypeName("Aid"): Compare("district", "prefix", Param("s.region"), "String")
    }
    lost = subject("tax", "G3", "tax.audit", department="tax", region=None)
    found = ruled(by, lost, use("Aid", "list"), purpose="tax.audit")
    assert "Always(value=False)" in repr(found.row_filters) or not found.row_filters

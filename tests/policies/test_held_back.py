"""What each part of a decision holds back by itself, with everything else open."""

from __future__ import annotations

from msgspec import structs

from policies.engine import Engine
from policies.ruling import Allow, Hidden, Masked, Null, Reject
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.policies.fixture import (
    CEILING,
    CITY,
    NOON,
    PACKS,
    A,
    B,
    N,
    bundle,
    catalogue,
    engine,
    entity,
    field,
    label,
    outcome,
    ruled,
    use,
)

CODE, NAME = use("Firm.creditCode"), use("Person.name")
OPEN = """
policy: firms
effect: permit
subjects: {app: tax}
resources: {types: [Firm]}
modes: [read, filter, sort]
"""


def seen(by: Engine, who: Subject, *asked: FieldUse) -> list[bool]:
    found = ruled(by, who, *asked).outcomes
    return [isinstance(found[one], Allow) for one in asked]


def test_a_permit_opens_the_modes_that_it_lists() -> None:
    asked = (CODE, use("Firm.creditCode", "filter_eq"), use("Firm.creditCode", "sort"))
    assert seen(engine(OPEN), B, *asked) == [True, True, True]
    reading = engine(OPEN.replace("read, filter, sort", "read"))
    assert seen(reading, B, *asked) == [True, False, False]
    listing = engine(OPEN.replace("read, filter, sort", "project, list"))
    assert seen(listing, B, CODE, use("Firm", "list"), use("Firm", "count")) == [True, True, False]


def test_a_permit_for_sums_opens_no_other_figure() -> None:
    by = engine(
        "policy: sums\neffect: permit\nsubjects: {role: analyst}\n"
        "resources: {fields: [Income.amount]}\nmodes: [group, aggregate, count]\n"
        "functions: [sum]\n"
    )
    asked = [use("Income.amount", "aggregate", function) for function in ("sum", "avg")]  # type: ignore[arg-type]
    assert seen(by, N, *asked) == [True, False]


def test_a_requirement_that_cannot_be_decided_applies() -> None:
    rule = "---\npolicy: hidden\neffect: require\nresources: {types: [Firm]}\n"
    rule += "when: {eq: [subject.user, nobody]}\noutcome: redact\n"
    by = engine(OPEN + rule)
    assert isinstance(outcome(by, B, CODE), Masked)
    assert outcome(by, structs.replace(B, user="somebody"), CODE) == Allow()


def test_a_prohibition_of_filtering_leaves_reading() -> None:
    forbid = "---\npolicy: no-search\neffect: forbid\nresources: {types: [Firm]}\nmodes: [filter]\n"
    asked = (CODE, use("Firm.creditCode", "filter_eq"), use("Firm.creditCode", "sort"))
    assert seen(engine(OPEN + forbid), B, *asked) == [True, False, True]


def test_a_prohibition_of_counting_leaves_lists() -> None:
    forbid = "---\npolicy: no-count\neffect: forbid\nresources: {types: [Firm]}\nmodes: [count]\n"
    asked = (use("Firm", "list"), use("Firm", "count"))
    assert seen(engine(OPEN), B, *asked) == [True, True]
    assert seen(engine(OPEN + forbid), B, *asked) == [True, False]


def test_a_permit_for_everything_leaves_out_what_is_conditional() -> None:
    rule = "policy: all\neffect: permit\nsubjects: {app: tax}\nresources: {types: ['*']}\n"
    by = engine(rule)
    assert outcome(by, B, NAME) == Allow()
    assert outcome(by, B, use("Person.phone")) == Null("NO_GRANT")
    said = engine(rule.replace("['*']", "['*'], share: conditional"))
    assert outcome(said, B, use("Person.phone")) == Allow()


def test_a_rule_for_a_purpose_holds_for_no_other() -> None:
    rule = "policy: names\neffect: permit\nresources: {fields: [Person.name]}\n"
    by = engine(rule + "subjects: {purpose: {descendant_of: benefits}}\n")
    both = structs.replace(A, purposes=frozenset({"benefits.eligibility", "statistics"}))
    assert outcome(by, both, NAME, "benefits.eligibility") == Allow()
    assert outcome(by, both, NAME, "statistics") != Allow()


def test_no_permit_filters_by_what_is_not_shown_in_every_row() -> None:
    """Though the permit lists the mode itself."""
    of = catalogue(
        entity("Case", field("number", label("G1")), field("file", label("G1"), kind="Int"))
    )
    rules = """
policy: cases
effect: permit
subjects: {app: tax}
resources: {types: [Case]}
rows: {ne: [row.number, secret]}
modes: [project]
---
policy: all-cases
effect: permit
subjects: {app: tax}
resources: {types: [Case]}
modes: [list, filter, sort, aggregate]
"""
    by = Engine(of, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING)
    for mode, function in (("filter_eq", None), ("sort", None), ("aggregate", "sum")):
        assert outcome(by, B, use("Case.file", mode, function)) == Reject()  # type: ignore[arg-type]


def test_no_sums_of_what_is_masked_for_reading_alone() -> None:
    mask = "---\npolicy: buckets\neffect: require\nresources: {fields: [Income.amount]}\n"
    mask += "modes: [project]\noutcome: {mask: {bucket: {width: 1000}}}\n"
    figures = "policy: sums\neffect: permit\nsubjects: {role: analyst}\n"
    figures += "resources: {fields: [Income.amount]}\nmodes: [aggregate, count]\n"
    asked = use("Income.amount", "aggregate", "sum")
    assert outcome(engine(figures), N, asked) == Allow()
    assert outcome(engine(figures + mask), N, asked) == Reject()


def test_what_is_hidden_does_not_exist() -> None:
    """Another department's withheld field, its type open to the caller."""
    rule = "policy: persons\neffect: permit\nsubjects: {app: tax}\nresources: {types: [Person]}\n"
    by = engine(rule)
    assert outcome(by, B, use("Person.keyWatch")) == Hidden()
    assert outcome(by, B, use("Person.track")) == Null()
    visible = by.visible(B).selectable
    assert "Person.track" in visible
    assert "Person.keyWatch" not in visible


def test_another_epoch_is_another_policy_class() -> None:
    first, second = (
        Engine(CITY, [bundle(OPEN)], PACKS, epoch=epoch, ceiling=CEILING).rule(
            B, [CODE], Context(now=NOON)
        )
        for epoch in (1, 2)
    )
    assert first.outcomes == second.outcomes
    assert first.policy_class != second.policy_class

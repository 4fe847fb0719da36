"""A mask that depends on the row does not tell of the row what may not be read of it."""

from __future__ import annotations

import pytest

from policies.ruling import Allow, Masked, Null, Outcome, Rowwise
from tests.policies.fixture import H, engine, outcome, use

READS = """
policy: reads
effect: permit
subjects: {app: health}
resources: {fields: [Person.name, Person.phone, Person.birthDate, Person.district]}
"""
MINORS = """---
policy: minors
effect: require
resources: {fields: [Person.phone]}
when: {gt: [row.birthDate, 2012-09-21]}
outcome: redact
"""
YEARS = """---
policy: years
effect: require
resources: {fields: [Person.birthDate]}
outcome: {mask: {generalise: {to: year}}}
"""
REDACTED = Masked("redact", (("kind", "String"),))


def phone(rules: str) -> Outcome:
    return outcome(engine(rules), H, use("Person.phone"))


def test_where_the_caller_reads_what_tells_rows_apart_it_differs_by_row() -> None:
    found = phone(READS + MINORS)
    assert isinstance(found, Rowwise)
    assert {seen for _, seen in found.cases} == {Allow(), REDACTED}


@pytest.mark.parametrize(
    "hides",
    [
        YEARS,
        YEARS.replace("{mask: {generalise: {to: year}}}", '"null"'),
        YEARS.replace("require", "forbid").replace("{mask: {generalise: {to: year}}}", "hidden"),
    ],
)
def test_else_all_rows_are_masked_alike(hides: str) -> None:
    assert phone(READS + MINORS + hides) == REDACTED
    assert phone(READS + hides) == Allow()


def test_a_prohibition_in_some_rows_is_one_in_all() -> None:
    forbid = MINORS.replace("effect: require", "effect: forbid").replace("redact", '"null"')
    assert isinstance(phone(READS + forbid), Rowwise)
    assert phone(READS + forbid + YEARS) == Null()


def test_rows_that_are_taken_away_whole_tell_nothing() -> None:
    whole = MINORS.replace("fields: [Person.phone]", "types: [Person]")
    forbid = whole.replace("effect: require", "effect: forbid").replace("redact", '"null"')
    assert phone(READS + forbid + YEARS) == Allow()
    rows = whole.replace("when:", "rows:").replace("outcome: redact\n", "")
    assert phone(READS + rows + YEARS) == Allow()


def test_a_rule_on_the_value_itself_masks_every_value() -> None:
    own = MINORS.replace("{gt: [row.birthDate, 2012-09-21]}", '{eq: [row.phone, "110"]}')
    assert phone(READS + own) == REDACTED


def test_rules_that_hang_on_one_another() -> None:
    circle = """---
policy: one
effect: require
resources: {fields: [Person.phone]}
when: {eq: [row.name, An]}
outcome: redact
---
policy: two
effect: require
resources: {fields: [Person.name]}
when: {eq: [row.phone, "110"]}
outcome: redact
"""
    by = engine(READS + circle)
    assert outcome(by, H, use("Person.phone")) == REDACTED
    assert outcome(by, H, use("Person.name")) == REDACTED

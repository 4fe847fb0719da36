"""Labels of some rows on keys that relations hang on."""

from __future__ import annotations

from policies.ruling import Allow, Reject
from schema.model.subject import Context
from tests.policies.fixture import NOON, use
from tests.policies.test_row_label import DESK, HIGH, engine, raised

NAMED = """
policy: names
effect: permit
subjects: {app: desk}
resources: {fields: [Person.name, Person.district, Person.incomes, Income.amount]}
modes: all
"""
WHEN = {"eq": ["row.district", "x"]}
FOLLOW = use("Person.incomes", "traverse")


def test_no_name_opens_a_key_that_carries_a_label_beyond_the_caller_in_some_rows() -> None:
    for city in (raised(WHEN, "idNo", level="G4"), raised(WHEN, "idNo", compartments=("c",))):
        ruling = engine(city, NAMED).rule(DESK, [FOLLOW], Context(now=NOON))
        assert isinstance(ruling.outcomes[FOLLOW], Reject)
        assert ruling.reasons[FOLLOW][0].startswith("label.Person.1:")
    high = engine(raised(WHEN, "idNo", level="G4"), NAMED).rule(HIGH, [FOLLOW], Context(now=NOON))
    assert high.outcomes[FOLLOW] == Allow()


def test_rows_that_are_left_out_bar_nothing() -> None:
    gone = raised(WHEN, "idNo", level="G4", existence=True)
    rows = NAMED.replace("modes: all", "rows: {not: {eq: [row.district, x]}}\nmodes: all")
    rows = rows.replace(", Income.amount", "") + NAMED.replace("policy: names", "---\npolicy: two")
    rows = rows.replace("[Person.name, Person.district, Person.incomes, Income", "[Income")
    for city, rules in ((gone, NAMED), (raised(WHEN, "idNo", level="G4"), rows)):
        ruling = engine(city, rules).rule(DESK, [FOLLOW], Context(now=NOON))
        assert ruling.outcomes[FOLLOW] == Allow()

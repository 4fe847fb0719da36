"""What a delegation leaves out opens nothing: not that rows are listed either."""

from __future__ import annotations

from policies.ruling import Allow, Reject
from tests.policies.fixture import use
from tests.policies.test_delegation import D1, PRINCIPAL, engine, seen

RULES = """
policy: figures
effect: permit
subjects: {department: civil}
resources: {fields: [Person.name]}
modes: [group, aggregate, count]
obligations: [{aggregate_only: {k: 10}}]
---
policy: phones
effect: permit
subjects: {department: civil}
resources: {fields: [Person.phone]}
"""
LIST, COUNT = use("Person", "list"), use("Person", "count")


def test_a_permit_for_fields_that_are_not_lent_lists_no_rows() -> None:
    by = engine(D1 + "fields: [Person.name]\n", RULES)
    assert seen(by, LIST, PRINCIPAL) == Allow()
    assert seen(by, COUNT) == Allow()
    assert isinstance(seen(by, LIST), Reject)
    assert isinstance(seen(by, use("Person", "open")), Reject)
    whole = engine(D1, RULES)
    assert seen(whole, LIST) == Allow()

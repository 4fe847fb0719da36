"""Bounds hold whatever rules about fields together say, and for callers who act for others."""

from __future__ import annotations

import pytest
from msgspec import structs

from hub.query.approval import agreed
from hub.query.limits import Limits
from hub.query.reveal import Bound
from policies.engine import Engine
from policies.grant_syntax import read_approved
from schema.model.names import DepartmentName
from schema.model.subject import Subject
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, bundle, subject

READS = """
policy: reads
effect: permit
subjects: {department: civil}
resources: {fields: [Person.name, Person.phone, Person.district]}
modes: [read, filter, sort]
"""
MOSAIC = """---
mosaic: name-and-phone
fields: [Person.name, Person.phone]
most: 1
"""
BOTH = "{ persons { nodes { name phone } } }"
WHO = subject("office", "G4", "case", department="civil")
ACTS = structs.replace(
    subject("builder", "G4", "case", department="soft"), acting_for=DepartmentName("civil")
)
LENT = """
delegation: d1
to: {app: builder}
for: {app: office, department: civil, clearance: {cn-gbt43697: G4}}
purpose: case
from: 2027-03-01
expires: 2027-03-31
"""


def bound(text: str, rules: str, who: Subject = WHO, lent: str = "") -> Bound:
    engine = Engine(
        CITY, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING,
        delegations=read_approved(lent, "grants.yaml").delegations if lent else (),
    )  # fmt: skip
    (found,) = agreed([text], [who], (), engine=engine, limits=Limits(), begin=NOON).operations
    return found


def shown(of: Bound) -> set[str]:
    return {str(one.coordinate) for one in of.uses if one.shown and one.mode == "project"}


def test_what_variables_may_leave_out_is_not_taken_to_be_asked_together() -> None:
    text = "query($f: PersonFilter) { persons(filter: $f) { nodes { name } } }"
    found = bound(text, READS + MOSAIC)
    assert found.open
    assert shown(found) == {"Person.name"}
    both = bound(BOTH, READS + MOSAIC)
    assert (both.open, both.refused) == (False, ("COMBINATION_FORBIDDEN",))


@pytest.mark.parametrize(
    "when", ["{eq: [context.network_zone, outside]}", "{eq: [context.purpose, benefits.payment]}"]
)
def test_circumstances_that_only_rules_about_fields_together_read(when: str) -> None:
    found = bound(BOTH, f"{READS}{MOSAIC}when: {when}\n")
    assert found.open
    assert shown(found) == {"Person.name", "Person.phone"}


def test_a_delegation_that_is_still_to_begin() -> None:
    found = bound(BOTH, READS, ACTS, LENT)
    assert shown(found) == {"Person.name", "Person.phone"}
    ended = LENT.replace("2027-03", "2026-03")
    assert not bound(BOTH, READS, ACTS, ended).open

"""Loosening and tightening: what new rules change, confirmed by both engines."""

from __future__ import annotations

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from policies.engine import Engine
from policies.grant_syntax import read_approved
from policies.prove.change import compare
from policies.prove.told import comparison_told
from policies.prove.witness import ruled
from policies.visibility import Elements
from schema.errors import HubError
from schema.model.use import FieldUse
from tests.policies.fixture import (
    CEILING,
    CITY,
    PACKS,
    RULES,
    bundle,
    catalogue,
    engine,
    entity,
    field,
)
from tests.policies.fixture import label as labelled
from tests.policies.prove.bundles import THING, WORLD, Proof, bundles, engine_of
from tests.policies.prove.test_equal_decisions import USES

CLERKS = """
policy: clerks
effect: permit
subjects: {role: clerk}
resources: {fields: [Person.idNo, Person.name]}
modes: [read, filter]
rows: {region_within: [row.region, subject.region]}
---
policy: masks
effect: require
subjects: {role: clerk}
resources: {fields: [Person.idNo]}
outcome: {mask: {partial: {keep_last: 4}}}
"""


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("role: clerk", "role: clerk", "equal"),
        ("policy: clerks", "policy: other-name", "equal"),
        ("keep_last: 4", "keep_last: 2", "tightening"),
        ("keep_last: 4", "keep_last: 5", "loosening"),
        ("partial: {keep_last: 4}", "partial: {keep_first: 4}", "both"),
        ("{role: clerk}\nresources: {fields: [Person.idNo]}", "{role: x}\nresources: {fields: "
         "[Person.idNo]}", "loosening"),
        ("{role: clerk}\nresources: {fields: [Person.idNo, ", "{role: [clerk, x]}\nresources: "
         "{fields: [Person.idNo, ", "loosening"),
        ("modes: [read, filter]", "modes: [read]", "tightening"),
        ("[read, filter]", "[read, sort]", "both"),
        ("rows: {region_within: [row.region, subject.region]}", "", "loosening"),
        ("{region_within: [row.region, subject.region]}", "{eq: [row.region, subject.region]}",
         "tightening"),
        ("rows: {region_within", "window: {from: '08:00', to: '20:00'}\nrows: {region_within",
         "tightening"),
    ],
)  # fmt: skip
def test_kinds(old: str, new: str, kind: str) -> None:
    assert old in CLERKS
    before, after = engine(CLERKS), engine(CLERKS.replace(old, new, 1))
    found = compare(before, after)
    assert found.kind == kind, comparison_told(found, "en")
    for change in found.changes:
        ours, theirs = (ruled(by, change.witness, change.use)[0] for by in (before, after))
        assert ours != theirs
    back = compare(after, before).kind
    mirrored = {"tightening": "loosening", "loosening": "tightening"}
    assert back == mirrored.get(kind, kind)


def test_a_change_names_field_mode_and_caller() -> None:
    found = compare(engine(CLERKS), engine(CLERKS.replace("[read, filter]", "[read]")))
    # the key is masked and could not be filtered by before
    assert {change.use.coordinate for change in found.changes} == {"Person.name"}
    assert {change.use.mode for change in found.changes} == {"filter_eq", "filter_text"} | {
        "filter_range"
    }
    told = comparison_told(found, "en")
    assert "roles clerk" in told[1]
    assert comparison_told(found, "zh")[0].startswith("收紧")


def test_other_obligations_are_not_taken_for_equal() -> None:
    tied = CLERKS.replace("modes: [read, filter]", "obligations: [no_store]\nmodes: [read, filter]")
    found = compare(engine(tied), engine(CLERKS))
    assert (found.kind, found.duties_differ) == ("undecided", True)


def test_what_is_not_decided_in_time_is_no_tightening() -> None:
    found = compare(engine(CLERKS), engine(RULES), seconds=1e-9)
    assert found.kind == "undecided"


def test_other_catalogues_are_not_compared() -> None:
    other = catalogue(entity("Person", field("idNo", labelled("G1"))))
    text = "policy: a\neffect: permit\nsubjects: {app: a}\nresources: {types: [Person]}"
    with pytest.raises(HubError, match="different catalogues"):
        compare(
            engine(text, CITY),
            Engine(other, [bundle(text)], PACKS, epoch=1, ceiling={}),
        )


def _offered(asked: FieldUse) -> bool:
    """Whether the kind of a field has the use at all: nobody averages text."""
    field = THING.fields.get(asked.coordinate.partition(".")[2])  # type: ignore[call-overload]
    uses = Elements(WORLD).uses(field.kind) if field is not None else ()
    return field is None or asked.mode == "project" or (asked.mode, asked.function) in uses


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=30, deadline=None, phases=[Phase.generate])
@given(bundles, bundles, st.integers(0, 2**32))
def test_nothing_random_requests_find_is_missed(
    old: list[str], new: list[str], number: int
) -> None:
    """What a request has more of by new rules, the comparison has found."""
    before, after = engine_of(old), engine_of([*old, *new])
    found = compare(before, after, seconds=5)
    if not found.complete:
        return  # not decided in time: it says so, and blocks
    told = {(one.use.coordinate, one.use.mode, one.use.function) for one in found.changes}
    covered = told | {
        (f"Thing.{name}", one.use.mode, one.use.function)
        for one in found.changes
        for name in one.like
    }
    proof, chance = Proof(after), random.Random(number)
    for _ in range(10):
        witness = proof.request(chance)
        for asked in filter(_offered, USES) if witness is not None else ():
            assert witness is not None
            ours, theirs = (ruled(by, witness, asked)[0] for by in (before, after))
            if ours != theirs and (ours is None or theirs is None):
                seen = [one for one in (ours, theirs) if one is not None]
                if getattr(seen[0], "mask", "") != "null":
                    assert (asked.coordinate, asked.mode, asked.function) in covered


LENT = """
delegation: d1
to: {app: builder}
for: {app: numbers, department: civil, clearance: {cn-gbt43697: G4}, roles: [clerk]}
purpose: {descendant_of: benefits}
from: 2026-01-01
expires: 2026-12-31
"""
BUILDERS = """
---
policy: builders
effect: forbid
subjects: {app: builder}
resources: {fields: [Person.idNo, Person.name]}
"""


def test_what_is_none_for_any_caller_alone_may_be_one_for_two() -> None:
    held = read_approved(LENT, "g.yaml").delegations

    def by(rules: str) -> Engine:
        return Engine(CITY, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING, delegations=held)

    named = "subjects: {app: numbers, role: clerk}\nresources: {fields: [Person.idNo, "
    rules = CLERKS.replace("subjects: {role: clerk}\nresources: {fields: [Person.idNo, ", named)
    assert rules != CLERKS
    # builders have no permit of their own: alone they lose and win nothing
    assert compare(engine(rules + BUILDERS), engine(rules)).kind == "equal"
    found = compare(by(rules + BUILDERS), by(rules), begin=1.79e9)
    assert found.kind == "undecided"
    assert "by delegation may have more" in str(comparison_told(found, "en"))
    assert compare(by(rules), by(rules + BUILDERS), begin=1.79e9).kind == "equal"
    assert compare(by(rules + BUILDERS), by(rules), begin=1.9e9).kind == "equal"
    assert compare(by(rules), by(rules.replace("keep_last: 4", "keep_last: 2"))).kind == "undecided"

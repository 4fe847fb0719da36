"""Three values: what is missing is unknown, and unknown neither permits nor lets through."""

from __future__ import annotations

import msgspec
import pytest

from policies.condition import Circumstances, Condition, Facts, Truth, reduce, specialise
from policies.syntax import read_bundle
from schema.model.subject import Context
from tests.policies.fixture import PACKS, Subject, subject

WHO = subject("desk", "G3", "benefits.payment", department="civil", roles=frozenset({"clerk"}))
STATED = Context(purpose="benefits.payment", network_zone="extranet", now=1.0)


def condition(text: str) -> Condition:
    rule = f"policy: x\neffect: forbid\nresources: {{types: [Person]}}\nwhen: {text}\n"
    return read_bundle(rule, "a.yaml").rules[0].when


def value(text: str, who: Subject = WHO, context: Context = STATED) -> bool | None:
    facts = Facts("civil", "conditional", "civil-db", "3301")
    held = Circumstances(subject=who, context=context, packs=PACKS)
    found = reduce(specialise(condition(text), facts), held)
    assert isinstance(found, Truth)
    return found.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{eq: [subject.app, desk]}", True),
        ("{eq: [desk, subject.app]}", True),
        ("{ne: [subject.app, desk]}", False),
        ("{eq: [subject.user, zhang]}", None),
        ("{not: {eq: [subject.user, zhang]}}", None),
        ("{present: subject.user}", False),
        ("{in: [subject.department, [civil, tax]]}", True),
        ("{in: [clerk, subject.roles]}", True),
        ("{in: [officer, subject.roles]}", False),
        ("{in: [subject.acting_for, [a]]}", None),
        ("{eq: [subject.department, resource.owner]}", True),
        ("{eq: [resource.share, conditional]}", True),
        ("{in: [resource.source, [civil-db]]}", True),
        ("resource.owned", True),
        ("{not: resource.owned}", False),
        ("{eq: [resource.owned, false]}", False),
        ("{region_within: [subject.region, 33]}", True),
        ('{region_within: [subject.region, "330102"]}', False),
        ("{purpose: benefits.payment}", True),
        ("{purpose: benefits}", False),
        ("{purpose: {descendant_of: benefits}}", True),
        ("{purpose: {descendant_of: tax}}", False),
        ("{clearance: G3}", True),
        ("{clearance: {at_least: G4}}", False),
        ("{clearance: {at_least: {cn-secrecy: SECRET}}}", None),
        ("{eq: [context.network_zone, extranet]}", True),
        ("{eq: [context.case_id, C-1]}", None),
        ("{all: [{eq: [subject.app, desk]}, {eq: [subject.user, a]}]}", None),
        ("{all: [{eq: [subject.app, other]}, {eq: [subject.user, a]}]}", False),
        ("{any: [{eq: [subject.app, desk]}, {eq: [subject.user, a]}]}", True),
        ("{any: [{eq: [subject.app, other]}, {eq: [subject.user, a]}]}", None),
        ("[{eq: [subject.app, desk]}, {clearance: G1}]", True),
        ("{eq: [subject.app, desk], clearance: G1}", True),
    ],
)
def test_leaves_and_connectives(text: str, expected: bool | None) -> None:
    assert value(text) is expected


def test_without_a_purpose_purposes_are_unknown() -> None:
    assert value("{purpose: {descendant_of: benefits}}", context=Context()) is None
    assert value("{eq: [context.purpose, x]}", context=Context()) is None


def test_an_owner_elsewhere_or_nowhere() -> None:
    assert value("resource.owned", msgspec.structs.replace(WHO, region="330102")) is False
    assert value("resource.owned", msgspec.structs.replace(WHO, region=None)) is None
    assert value("resource.owned", msgspec.structs.replace(WHO, department=None)) is None
    assert value("resource.owned", msgspec.structs.replace(WHO, department="tax")) is False


@pytest.mark.parametrize(("foresee", "expected"), [(True, True), (False, False), (None, None)])
def test_what_a_case_may_bring_can_be_foreseen(foresee: bool | None, expected: bool | None) -> None:
    held = Circumstances(subject=WHO, context=Context(), packs=PACKS, foresee=foresee)
    for text in ("{eq: [context.case_id, x]}", "{not: {not: {eq: [context.case_id, x]}}}",
                 "{not: {eq: [context.case_id, x]}}"):  # fmt: skip
        assert reduce(condition(text), held) == Truth(expected)

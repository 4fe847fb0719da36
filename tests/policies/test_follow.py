"""Relations hang on keys: following one tells the key, so both ends must be shown alike."""

from __future__ import annotations

import pytest
from msgspec import structs

from policies.engine import Engine
from policies.ruling import Allow, Outcome, Reject
from schema.model.entity import Relation, Share
from schema.model.label import Label
from schema.model.names import DepartmentName, FieldName, TypeName
from schema.model.subject import Context
from tests.policies.fixture import CEILING, PACKS, bundle, catalogue, entity, field, label, subject
from tests.policies.fixture import use as used

HEAD = Relation(
    name=FieldName("head"), of=TypeName("Firm"), to=TypeName("Person"), many=False,
    match=((FieldName("headId"), FieldName("number")),), owner=DepartmentName("market"),
)  # fmt: skip
FIRM = entity("Firm", field("code", label("G1")), field("headId", label("G1")), relations=(HEAD,))
PERSON = entity("Person", field("number", label("G1")), field("name", label("G1")))
OF = catalogue(FIRM, PERSON)
ALL = """policy: all
effect: permit
subjects: {app: desk}
resources: {types: [Firm, Person]}
modes: all
"""
NOT_THE_HEAD = """---
policy: not-the-head
effect: forbid
resources: {fields: [Firm.headId]}
modes: [project]
"""
NOT_THE_NUMBER = """---
policy: not-the-number
effect: forbid
resources: {fields: [Person.number]}
modes: [project]
"""
FOUR_OF_HEAD = """---
policy: four-of-head
effect: require
resources: {fields: [Firm.headId]}
outcome: {mask: {partial: {keep_last: 4}}}
"""
FOUR_OF_NUMBER = """---
policy: four-of-number
effect: require
resources: {fields: [Person.number]}
outcome: {mask: {partial: {keep_last: 4}}}
"""
TWO_OF_NUMBER = FOUR_OF_NUMBER.replace("keep_last: 4", "keep_last: 2")
TOKEN_OF_HEAD = FOUR_OF_HEAD.replace("partial: {keep_last: 4}", "tokenise: {key_scope: app}")
TOKEN_OF_NUMBER = FOUR_OF_NUMBER.replace("partial: {keep_last: 4}", "tokenise: {key_scope: app}")
NAMED = """---
policy: heads-on-purpose
effect: permit
subjects: {app: desk}
resources: {fields: [Firm.head]}
modes: [traverse]
"""


def in_domain(rule: str) -> str:
    """A token by which both fields are seen to hold the same person."""
    return rule.replace("key_scope: app", "key_scope: app, domain: person")


def following(rules: str) -> tuple[Outcome, bool]:
    engine = Engine(OF, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING)
    who, asked = subject("desk"), used("Firm.head", "traverse")
    outcome = engine.rule(who, [asked], Context(purpose=None, now=0.0)).outcomes[asked]
    return outcome, engine.visible(who).may("Firm.head", "traverse")


@pytest.mark.parametrize(
    ("rules", "open_"),
    [
        (ALL, True),
        (ALL + NOT_THE_HEAD, False),
        (ALL + NOT_THE_NUMBER, False),
        (ALL + FOUR_OF_HEAD, False),
        (ALL + FOUR_OF_NUMBER, False),
        (ALL + FOUR_OF_HEAD + FOUR_OF_NUMBER, True),
        (ALL + FOUR_OF_HEAD + TWO_OF_NUMBER, False),
        (ALL + TOKEN_OF_HEAD + TOKEN_OF_NUMBER, False),
        (ALL + in_domain(TOKEN_OF_HEAD) + in_domain(TOKEN_OF_NUMBER), True),
        (ALL + in_domain(TOKEN_OF_HEAD) + TOKEN_OF_NUMBER, False),
        (ALL + TOKEN_OF_HEAD + TOKEN_OF_NUMBER + NAMED, True),
        (ALL + NOT_THE_HEAD + NAMED, True),
        (ALL + FOUR_OF_NUMBER + NAMED, True),
    ],
)
def test_both_ends_alike_or_named(rules: str, open_: bool) -> None:
    assert following(rules) == (Allow() if open_ else Reject(), open_)


@pytest.mark.parametrize("barred", ["Firm.headId", "Person.number"])
@pytest.mark.parametrize(
    ("held", "share"),
    [
        (label("G4"), "unconditional"),
        (label("CORE"), "unconditional"),
        (label("G1", compartments=("case-9",)), "unconditional"),
        (label("G1"), "withheld"),
    ],
    ids=["dominance", "ceiling", "compartment", "withheld"],
)
def test_no_name_opens_what_a_mandatory_check_bars(barred: str, held: Label, share: Share) -> None:
    types = [
        structs.replace(
            of,
            fields={
                name: structs.replace(one, label=held, share=share)
                if f"{of.name}.{name}" == barred
                else one
                for name, one in of.fields.items()
            },
        )
        for of in (FIRM, PERSON)
    ]
    outside = {"department": "market"} if barred == "Person.number" else {"department": "tax"}
    engine = Engine(catalogue(*types), [bundle(ALL + NAMED)], PACKS, epoch=1, ceiling=CEILING)
    who, asked = subject("desk", "G2", **outside), used("Firm.head", "traverse")
    ruling = engine.rule(who, [asked], Context(purpose=None, now=0.0))
    assert ruling.outcomes[asked] == Reject()
    assert not engine.visible(who).may("Firm.head", "traverse")


def test_the_explanation_says_what_it_hangs_on() -> None:
    engine = Engine(OF, [bundle(ALL + NOT_THE_HEAD)], PACKS, epoch=1, ceiling=CEILING)
    told = engine.explain(
        subject("desk"), used("Firm.head", "traverse"), Context(purpose=None, now=0.0)
    )
    assert "a key that is not shown" in told
    assert "关联键" in told

"""Masks as they are written: read, and told with their place where they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import policies
from policies.engine import Engine
from policies.grant_syntax import read_grants
from policies.lint import lint
from policies.ruling import Masked
from policies.syntax import read_bundle
from schema.errors import ManyErrors
from tests.policies.fixture import CEILING, CITY, PACKS, A, bundle, engine, outcome, subject, use

SCHEMA = json.loads(
    Path(policies.__file__).with_name("bundle.schema.json").read_text(encoding="utf-8")
)
RULE = """policy: masked
effect: require
resources: {fields: [FIELD]}
outcome: {mask: MASK}
"""


def rule(mask: str, field: str = "Person.idNo") -> str:
    return RULE.replace("MASK", mask).replace("FIELD", field)


GOOD = [
    ("hash", Masked("hash")),
    ("{hash: {}}", Masked("hash")),
    (
        "{hash: {version: 2, domain: person}}",
        Masked("hash", (("domain", "person"), ("version", 2))),
    ),
    ("{tokenise: {key_scope: grant}}", Masked("tokenise", (("key_scope", "grant"),))),
    (
        "{tokenise: {key_scope: app, domain: person, version: 3}}",
        Masked("tokenise", (("domain", "person"), ("key_scope", "app"), ("version", 3))),
    ),
    ("{generalise: {region: city}}", Masked("generalise", (("region", "city"),))),
    ("{generalise: {parent: 2}}", Masked("generalise", (("parent", 2),))),
    (
        "{noise: {epsilon: 0.001, bound: 5000}}",
        Masked("noise", (("bound", "5000"), ("epsilon", "0.001"))),
    ),
    (
        "{noise: {epsilon: 1, bound: 5, key_scope: hub}}",
        Masked("noise", (("bound", "5"), ("epsilon", "1"), ("key_scope", "hub"))),
    ),
]


@pytest.mark.parametrize(("text", "read"), GOOD)
def test_what_is_written_is_read(text: str, read: Masked) -> None:
    assert read_bundle(rule(text), "a.yaml").rules[0].outcome == read
    jsonschema.validate(yaml.safe_load(rule(text)), SCHEMA)


@pytest.mark.parametrize(
    ("text", "at", "said", "hint"),
    [
        ("tokenise", "tokenise", "is not complete: it needs `key_scope`", "key_scope: app"),
        ("{tokenise: {}}", "tokenise", "it needs `key_scope`", "say within what"),
        ("{tokenise: {key_scope: dept}}", "dept", "`key_scope` of the mask `tokenise` cannot be",
         "department"),
        ("{tokenise: {key_scope: hub}}", "hub", "cannot be `hub`", "grant"),
        ("{tokenise: {key_scope: app, alg: sm3}}", "alg", "has no parameter `alg`",
         "crypto_profile"),
        ("{tokenise: {key_scope: app, version: 0}}", "0", "not a whole number from 1", "digits"),
        ("{hash: {alg: sha256}}", "alg", "has no parameter `alg`", "without a key"),
        ("{hash: {keyed: false}}", "keyed", "has no parameter `keyed`", "without a key"),
        ("{hash: {salt: abc}}", "salt", "has no parameter `salt`", "without a key"),
        ("{hash: {key_scope: app}}", "key_scope", "has no parameter `key_scope`", "tokenise"),
        ("sha256", "sha256", "there is no mask `sha256`", "without a key"),
        ("{md5: {}}", "md5", "there is no mask `md5`", "without a key"),
        ("{noise: {epsilon: 1}}", "noise", "`epsilon` and `bound` are numbers", "mend it"),
        ("{noise: {epsilon: 0, bound: 1}}", "noise", "`epsilon` and `bound` are", "mend it"),
        ("{noise: {epsilon: 1, bound: 1, key_scope: grant}}", "grant", "cannot be `grant`", "hub"),
        ("{generalise: {region: town}}", "town", "cannot be `town`", "township"),
        ("{generalise: {parent: 0}}", "0", "not a whole number from 1", "digits"),
        ("{generalise: {region: city, to: year}}", "generalise", "it needs one of", "mend it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, at: str, said: str, hint: str) -> None:
    with pytest.raises(ManyErrors) as caught:
        read_bundle(rule(text), "a.yaml")
    (problem,) = caught.value.problems
    assert problem.where == f"a.yaml:4:{len('outcome: {mask: ') + text.index(at) + 1}", problem
    assert said in problem.message
    assert hint in (problem.hint or "")
    document = yaml.safe_load(rule(text))
    lenient = "{generalise: {region: city, to: year}}"
    assert text == lenient or not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    ("mask", "field"),
    [
        ("{tokenise: {key_scope: app}}", "Income.amount"),
        ("hash", "Person.birthDate"),
        ("{noise: {epsilon: 1, bound: 5}}", "Person.name"),
        ("{generalise: {region: city}}", "Person.birthDate"),
    ],
)
def test_a_mask_that_does_not_fit_its_field_is_a_mistake(mask: str, field: str) -> None:
    with pytest.raises(ManyErrors) as caught:
        lint([read_bundle(rule(mask, field), "a.yaml")], CITY, PACKS)
    (problem,) = caught.value.problems
    assert f"does not fit `{field}`" in problem.message
    assert problem.where == "a.yaml:3:22"


def test_where_a_rule_reaches_many_fields_those_unfit_are_redacted() -> None:
    everyone = (
        "policy: all\neffect: permit\nsubjects: {app: tax}\nresources: {types: [Income]}\n---\n"
    )
    masks = rule("{tokenise: {key_scope: app}}").replace("fields: [Person.idNo]", "types: [Income]")
    by = engine(everyone + masks)
    who = subject("tax", "G4", department="tax")
    assert outcome(by, who, use("Income.idNo")) == Masked("tokenise", (("key_scope", "app"),))
    assert outcome(by, who, use("Income.amount")) == Masked("redact", (("kind", "Decimal"),))


def test_a_token_of_a_grant_outside_grants_is_told() -> None:
    found = lint([read_bundle(rule("{tokenise: {key_scope: grant}}"), "a.yaml")], CITY, PACKS)
    (finding,) = [one for one in found if one.sort == "no-grant"]
    assert finding.where == "a.yaml:4:1"
    assert finding.rule == "masked@1"
    app = lint([read_bundle(rule("{tokenise: {key_scope: app}}"), "a.yaml")], CITY, PACKS)
    assert not [one for one in app if one.sort == "no-grant"]


def test_a_token_of_a_grant_knows_its_grant() -> None:
    grants = """
grant: GRANT
grantee: {app: benefits}
purpose: benefits.eligibility
fields: {Person.idNo: {mask: {tokenise: {key_scope: grant, domain: person}}}}
from: 2026-01-01
expires: 2026-12-31
zone: Asia/Shanghai
"""
    shown = []
    for name in ("g1", "g2"):
        read = read_grants(grants.replace("GRANT", name), "g.yaml")
        by = Engine(CITY, [bundle("")], PACKS, epoch=1, ceiling=CEILING, grants=read)
        shown.append(outcome(by, A, use("Person.idNo"), "benefits.eligibility"))
    scope = (("key_scope", "grant"),)
    assert shown == [
        Masked("tokenise", (("domain", "person"), ("grant", name), *scope)) for name in ("g1", "g2")
    ]

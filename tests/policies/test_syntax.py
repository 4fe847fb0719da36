"""Bundles: what is written becomes rules; what is wrong is told with its place and a mend."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import policies
from policies.attributes import SET_ATTRIBUTES
from policies.check import check
from policies.condition import (
    All,
    Attribute,
    Compares,
    Literally,
    OneOf,
    PurposeWithin,
    RegionWithin,
)
from policies.condition_syntax import WORDS
from policies.joint_syntax import COMBINATION_KEYS, MOSAIC_KEYS
from policies.obligation_syntax import WAYS as OBLIGATIONS
from policies.outcome_syntax import MASK_KEYS
from policies.outcome_syntax import WORDS as OUTCOME_WORDS
from policies.positions import Place
from policies.ruling import Allow, Masked, Null
from policies.subject_syntax import SUBJECT_KEYS
from policies.syntax import MODE_WORDS, RESOURCE_KEYS, RULE_KEYS, WINDOW_KEYS, read_bundle
from schema.errors import ManyErrors
from tests.policies.fixture import CITY, PACKS, RULES, bundle

SCHEMA: dict[str, Any] = json.loads(
    Path(policies.__file__).with_name("bundle.schema.json").read_text(encoding="utf-8")
)
OPEN = "{share: unconditional, categories: [pi]}"
CASE = "{present: context.case_id}"
WHOLE = """
policy: everything
version: 3
owner: civil
about: {en: All keys, zh: 所有键}
effect: permit
subjects:
  app: [benefits, desk]
  user: zhang
  department: civil
  tier: city
  org_kind: government
  acting_for: civil
  role: clerk
  duty: D-1
  compartment: LE
  region_within: ["3301", "3302"]
  network_zone: extranet
  purpose: {descendant_of: benefits}
  clearance: {at_least: {cn-gbt43697: G3}}
resources:
  types: [Person]
  fields: [Person.idNo, Aid.*]
  categories: [pi]
  level: {at_most: G3}
  share: conditional
  owner: [psb, civil]
modes: [read, filter, aggregate]
functions: [sum, avg]
when:
  all:
    - any:
        - {in: [context.network_zone, [a, b]]}
        - {in: [clerk, subject.roles]}
        - {ne: [resource.owner, subject.department]}
    - not: {present: subject.acting_for}
    - {clearance: G3}
    - {purpose: [benefits, tax]}
    - resource.owned
unless: {region_within: [subject.region, 3302]}
rows: {all: [{region_within: [row.region, subject.region]}]}
outcome: {mask: {partial: {keep_last: 4}}}
window: {days: [mon, fri], from: "08:00", to: "20:00", zone: "+08:00",
  first: 2026-01-01, last: 2026-12-31}
"""


def problems(text: str, *, checked: bool = False) -> list[str]:
    found = read_bundle(text, "a.yaml") if checked else None
    with pytest.raises(ManyErrors) as caught:
        read_bundle(text, "a.yaml") if found is None else check(found, CITY, PACKS)
    assert caught.value.code == "POLICY_INVALID"
    for problem in caught.value.problems:
        assert problem.hint, problem
        assert problem.message == problem.message.strip()
        assert "\n" not in problem.message
    return [f"{problem.where}: {problem.message}" for problem in caught.value.problems]


def test_every_key_is_read() -> None:
    (rule,) = read_bundle(WHOLE, "a.yaml").rules
    assert rule.id == "everything@3"
    assert rule.selector.owners == {"psb", "civil"}
    assert rule.functions == {"sum", "avg"}
    assert "filter_text" in rule.modes
    assert "project" in rule.modes
    assert rule.outcome == Masked("partial", (("keep_last", 4),))
    assert rule.window is not None
    assert (rule.window.start, rule.window.end, rule.window.days) == (480, 1200, {0, 4})
    assert rule.place("policy") == Place(2, 1)
    assert isinstance(rule.when, All)
    assert (
        RegionWithin(Attribute("row", "region"), Attribute("subject", "region")) in rule.when.parts
    )
    assert PurposeWithin(("benefits",), True) in rule.when.parts
    assert PurposeWithin(("benefits", "tax"), False) in rule.when.parts
    assert OneOf(Attribute("subject", "user"), ("zhang",)) in rule.when.parts
    owned = Compares("eq", Attribute("resource", "owned"), Literally(True))
    assert owned in rule.when.parts


def test_several_rules_in_a_file() -> None:
    found = bundle()
    assert len(found.rules) == len(RULES.split("---"))
    assert found.rules[0].outcome == Allow()
    assert found.digest == bundle().digest
    assert read_bundle("", "a.yaml").rules == ()


def test_null_is_an_outcome() -> None:
    text = "policy: x\neffect: require\nresources: {types: [Person]}\noutcome: null\n"
    assert read_bundle(text, "a.yaml").rules[0].outcome == Null()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("policy: benefits-persons", "policy: Benefits Persons"),
         "2:9: `Benefits Persons` cannot"),
        (("effect: permit\nsubjects: {app: ben", "efect: permit\nsubjects: {app: ben"),
         "3:1: a rule has no key"),
        (("app: benefits, purpose", "ap: benefits, purpose"), "no key `ap`"),
        (("modes: [read, filter_eq]", "modes: [red]"), "6:8: `modes` of a rule cannot be `red`"),
        (("Person.idNo, Person.name", "Person, Person.name"), "5:22: `Person` is not a field"),
        (("{to: year}", "{to: century}"), "the mask `generalise` is not complete"),
        (("{to: year}", "{too: year}"), "has no parameter `too`"),
        (("generalise", "generalize"), "there is no mask `generalize`"),
        (("outcome: allow", "outcome: hidden"), "a permit cannot have this outcome"),
        (("[row.region, subject.region]", "[subject.region, row.region]"), "the other way round"),
        (("[row.region, subject.region]", "[row.region, subject.regoin]"), "no attribute `regoin`"),
        ((CASE, "{eq: [a, b]}"), "two values are compared"),
        ((CASE, "{lt: [subject.app, b]}"), "`lt` is for fields of a row"),
        ((CASE, "{eq: [subject.roles, b]}"), "is a set"),
        ((CASE, "{exists: a}"), "no condition `exists`"),
        ((CASE, "{}"), "`when` of a rule is empty"),
        ((OPEN, "{categories: [pi]}"), "does not say what it covers"),
        ((OPEN, "{types: [Firm], level: {at_least: G1}}"), "cannot say `at_least`"),
        (("policy: benefits-income", "policy: benefits-persons"), "two rules are named"),
        (("subjects: {app: tax}\n", ""), "does not say whom it is for"),
        (("---", "--- &a"), "anchors and aliases"),
        (("---", "--- {"), "this is not YAML"),
        (("modes: [group, aggregate, count]", "modes: [group]\nfunctions: [sum]"),
         "`functions` without"),
        (("subjects: {tier: township}\n", "subjects: {tier: township}\nsubjects: {}\n"),
         "is given twice"),
        (("resources: {fields: [Health.diagnosis]}", "resources: {fields: []}"), "is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(change: tuple[str, str], said: str) -> None:
    assert change[0] in RULES
    found = problems(RULES.replace(change[0], change[1], 1))
    assert any(said in problem for problem in found), found
    assert all(re.match(r"a\.yaml:\d+:\d+: ", problem) for problem in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("Person.birthDate, Person.inc", "Person.birthday, Person.inc"),
         "has no field `birthday`"),
        (("[Income.amount, Income.idNo]", "[Incom.amount]"), "there is no type `Incom`"),
        (("types: [Aid, Person]", "types: [Aid, Human]"), "there is no type `Human`"),
        (("descendant_of: benefits}, region", "descendant_of: benefit}, region"),
         "no purpose `benefit`"),
        (("categories: [pi]", "categories: [pii]"), "there is no category `pii`"),
        ((OPEN, "{types: [Firm], level: {at_most: G9}}"), "is on no ladder"),
        ((OPEN, "{types: [Firm], level: {at_most: {x: G1}}}"), "there is no ladder `x`"),
        (("types: [Aid, Person]", "types: [Aid, Firm]"), "does not place its rows in a region"),
        (("[row.region, subject.region]", "[row.county, subject.region]"), "has no field `county`"),
        (("{mask: {bucket: {width: 1000}}}", "{mask: {partial: {keep_last: 2}}}"),
         "does not fit `Income.amount`"),
        ((OPEN, "{owner: nobody}"), "there is no department `nobody`"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_catalogue_is_told(change: tuple[str, str], said: str) -> None:
    assert change[0] in RULES
    found = problems(RULES.replace(change[0], change[1], 1), checked=True)
    assert any(said in problem for problem in found), found


def test_all_problems_at_once() -> None:
    text = RULES.replace("effect: permit", "effect: grant")
    assert len(problems(text)) == RULES.count("effect: permit")


@given(st.text(max_size=80) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ManyErrors):
        read_bundle(text, "a.yaml")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(0, 9)
        | st.sampled_from(["permit", "subject.app", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*RULE_KEYS, *WORDS, *SUBJECT_KEYS]), inner, max_size=3
            )
        ),
        max_leaves=12,
    )
)
def test_any_tree_is_read_or_refused(tree: object) -> None:
    with contextlib.suppress(ManyErrors):
        read_bundle(yaml.safe_dump(tree), "a.yaml")


def test_deep_nesting_is_refused() -> None:
    assert "nested deeper" in problems("when: " + "[" * 100)[0]


def properties_of(*path: str) -> set[str]:
    node: Any = SCHEMA
    for step in path:
        node = node[step]
    return set(node["properties"])


def test_the_json_schema_has_the_same_words() -> None:
    rule = ("$defs", "rule", "properties")
    assert properties_of("$defs", "rule") == set(RULE_KEYS)
    assert properties_of(*rule, "subjects") == set(SUBJECT_KEYS)
    assert properties_of(*rule, "resources") == set(RESOURCE_KEYS)
    assert properties_of(*rule, "window") == set(WINDOW_KEYS)
    assert properties_of("$defs", "mosaic") == set(MOSAIC_KEYS)
    assert properties_of("$defs", "combination") == set(COMBINATION_KEYS)
    assert properties_of("$defs", "condition", "oneOf", 2) == set(WORDS)  # type: ignore[arg-type]
    assert properties_of("$defs", "obligation", "oneOf", 1) == set(OBLIGATIONS)  # type: ignore[arg-type]
    assert properties_of("$defs", "mask") == set(MASK_KEYS)
    for name, params in MASK_KEYS.items():
        held = SCHEMA["$defs"]["mask"]["properties"][name]
        assert set(held.get("properties", {})) == set(params)
    assert set(SCHEMA["$defs"]["mode"]["enum"]) == set(MODE_WORDS)
    assert set(SCHEMA["$defs"]["rule"]["properties"]["outcome"]["oneOf"][0]["enum"]) == set(
        OUTCOME_WORDS
    )
    assert {"roles", "duties", "compartments", "purposes"} == set(SET_ATTRIBUTES)


def plain(text: str) -> list[object]:
    return json.loads(json.dumps(list(yaml.safe_load_all(text)), default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize("text", [WHOLE, RULES])
def test_the_json_schema_takes_what_the_reader_takes(text: str) -> None:
    read_bundle(text, "a.yaml")
    for document in plain(text):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        ("effect: permit", "effect: grant"),
        ("modes: [read, filter_eq]", "modes: [red]"),
        ("app: benefits", "ap: benefits"),
        ("{to: year}", "{to: century}"),
        ("Person.idNo, Person.name", "Person, Person.name"),
        ("present:", "exists:"),
    ],
)
def test_the_json_schema_refuses_what_the_reader_refuses(change: tuple[str, str]) -> None:
    text = RULES.replace(*change, 1)
    with pytest.raises(ManyErrors):
        read_bundle(text, "a.yaml")
    checker = jsonschema.Draft202012Validator(SCHEMA)
    assert not all(checker.is_valid(document) for document in plain(text))

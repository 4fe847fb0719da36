"""Rules about several fields: how they are written, and what they decide of uses together."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import policies
from policies.engine import Engine
from policies.grant_syntax import read_approved
from policies.obligation import EVERY
from policies.prove.change import compare
from policies.ruling import Allow, Reject, Rowwise, Ruling
from policies.syntax import read_bundle
from policies.together import MosaicUse, Raised, Refused
from schema.errors import ManyErrors
from schema.model.names import Coordinate
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, engine, subject, use

ALL = """
policy: everything
effect: permit
subjects: {org_kind: government}
resources: {fields: [Person.idNo, Person.name, Person.birthDate, Person.phone, Person.track,
  Person.district, Person.incomes, Person.health, Income.idNo, Income.amount, Health.idNo,
  Health.diagnosis]}
modes: all
"""
MOSAIC = """
---
mosaic: who-where-what
fields: [Person.name, Person.birthDate, Person.phone]
most: 2
"""
WINDOWED = MOSAIC + "within: day\nby: user\n"
COMBINED = """
---
combination: identity-health-place
version: 3
of:
  - {fields: [Person.name, Person.idNo, Health.idNo]}
  - {categories: [pi.sensitive.health]}
  - {categories: [pi.sensitive.location]}
raises: IMPORTANT
"""
WHO = subject("office", "G4", "benefits.eligibility", "statistics", department="civil")
HIGH = subject("office", "IMPORTANT", department="civil")
NAME, BIRTH, PHONE = (use(f"Person.{name}") for name in ("name", "birthDate", "phone"))
TOXIC = (NAME, use("Person.track"), use("Person.health", "traverse"), use("Health.diagnosis"))
SCHEMA = json.loads(
    Path(policies.__file__).with_name("bundle.schema.json").read_text(encoding="utf-8")
)


def asked(
    by: Engine,
    *uses: FieldUse,
    who: Subject = WHO,
    implied: Sequence[FieldUse] = (),
    purpose: str | None = None,
) -> Ruling:
    return by.rule(who, uses, Context(purpose=purpose, now=NOON), implied)


def refused(ruling: Ruling) -> Refused | None:
    return None if ruling.together is None else ruling.together.refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mosaic: a\nfields: [Person.name, Person.phone]", "1:1: the mosaic has no `most`"),
        ("mosaic: a\nfields: [Person.name]\nmost: 1", "2:1: the set has too few parts"),
        ("mosaic: a\nfields: [Person.name, Person.phone]\nmost: 2", "3:1: the mosaic never"),
        ("mosaic: a\nfields: [Person.*, Person.name]\nmost: 1", "2:10: `Person.*` is not a field"),
        ("mosaic: a\nfields: [A.b, A.c]\nmost: 1\nby: app", "4:1: `by` without `within`"),
        ("mosaic: a\nfields: [A.b, A.c]\nmost: 1\nwithin: year", "4:9: `within` of a mosaic"),
        ("mosaic: a\nfields: [A.b, A.c]\nmost: 1\nunless: resource.owned", "`resource.owned`"),
        ("mosaic: a\nfields: [A.b, A.c]\nmost: 1\nwhen: {eq: [row.a, x]}", "`row.a`"),
        ("mosaic: A b\nfields: [A.b, A.c]\nmost: 1", "1:9: `A b` cannot be a name"),
        ("mosaic: pack.a\nfields: [A.b, A.c]\nmost: 1", "rule cannot be `pack.a`"),
        ("combination: a\nof: [{}, {fields: A.b}]\nraises: G4", "2:6: the part is empty"),
        ("combination: a\nof: x\nraises: G4", "2:5: `of` of a combination is not a list"),
        ("combination: a\nof: [{fields: A.b}, {types: A}]\nraises: G4", "no key `types`"),
        ("combination: a\nof: [{fields: A.b}, {fields: A.c}]", "has no `raises`"),
    ],
)
def test_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(ManyErrors) as told:
        read_bundle(text, "a.yaml")
    (problem,) = told.value.problems
    assert said in f"{problem.where}: {problem.message}".removeprefix("a.yaml:")
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MOSAIC.replace("Person.phone", "Person.fone"), "has no field `fone`"),
        (MOSAIC.replace("Person.phone", "Person.incomes"), "`Person.incomes` is a relation"),
        (COMBINED.replace("pi.sensitive.health", "pi.helth"), "no category `pi.helth`"),
        (COMBINED.replace("IMPORTANT", "G9"), "the level `G9` is on no ladder"),
        (MOSAIC + "subjects: {purpose: benefit}", "no purpose `benefit`"),
        (MOSAIC + MOSAIC.replace("who-where-what", "everything"), "two rules are named"),
    ],
)
def test_what_does_not_fit_the_catalogue(text: str, said: str) -> None:
    with pytest.raises(ManyErrors) as told:
        engine(ALL + text)
    assert [said in problem.message for problem in told.value.problems] == [True]


@pytest.mark.parametrize("text", [MOSAIC, WINDOWED, COMBINED])
def test_the_json_schema_takes_them_too(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), SCHEMA)
    checker = jsonschema.Draft202012Validator(SCHEMA)
    assert not checker.is_valid({**yaml.safe_load(text), "effect": "forbid"})


@pytest.mark.parametrize(
    "third",
    [
        PHONE, use("Person.phone", "filter_eq"), use("Person.phone", "filter_text"),
        use("Person.phone", "sort"), use("Person.phone", "group"),
        use("Person.phone", "aggregate", "countDistinct"),
    ],
)  # fmt: skip
def test_every_use_counts(third: FieldUse) -> None:
    by = engine(ALL + MOSAIC)
    assert asked(by, NAME, BIRTH).together is not None
    assert refused(asked(by, NAME, BIRTH)) is None
    found = refused(asked(by, NAME, third, BIRTH, use("Person.district")))
    names = (Coordinate("Person.birthDate"), Coordinate("Person.name"), Coordinate("Person.phone"))
    assert found == Refused(("who-where-what@1",), names)
    assert asked(by, use("Person.district")).together is None


def test_following_a_relation_uses_its_keys() -> None:
    text = MOSAIC.replace("Person.birthDate, Person.phone", "Income.idNo").replace("2", "1")
    follow = use("Person.incomes", "traverse")
    assert refused(asked(engine(ALL + text), NAME)) is None
    found = refused(asked(engine(ALL + text), NAME, follow))
    # the key's name is not told to who did not name it
    assert found is not None
    assert found.coordinates == ("Person.incomes", "Person.name")


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        ("redact", False), ("null", False), ("{mask: null}", False),
        ("{mask: {partial: {keep_last: 2}}}", True), ("{mask: hash}", True),
    ],
)  # fmt: skip
def test_a_mask_counts_unless_it_leaves_nothing(mask: str, counts: bool) -> None:
    limit = "\n---\npolicy: mask\neffect: require\nresources: {fields: [Person.phone]}\n"
    by = engine(ALL + MOSAIC + limit + f"outcome: {mask}")
    assert (refused(asked(by, NAME, BIRTH, PHONE)) is not None) is counts


def test_what_is_shown_in_some_rows_counts() -> None:
    some = "\n---\npolicy: some\neffect: forbid\nresources: {fields: [Person.phone]}\n"
    by = engine(f"{ALL}{MOSAIC}{some}when: {{eq: [row.district, d]}}\n")
    found = asked(by, NAME, BIRTH, PHONE)
    assert isinstance(found.outcomes[PHONE], Rowwise)
    assert refused(found) is not None


@pytest.mark.parametrize(("fields", "spared"), [
    ("Person.name", False), ("Person.name, Person.phone", False),
    ("Person.name, Person.phone, Person.birthDate", True),
])  # fmt: skip
def test_only_a_grant_of_the_whole_set_spares_it(fields: str, spared: bool) -> None:
    granted = ", ".join(f"{field}: allow" for field in fields.split(", "))
    grant = (
        f"grant: g\ngrantee: {{app: office}}\npurpose: statistics\nfields: {{{granted}}}\n"
        "from: 2026-01-01\nexpires: 2026-12-31\n"
    )
    rules = [read_bundle(ALL + MOSAIC + "unless: grant.live\n", "a.yaml")]
    held = read_approved(grant, "grants.yaml").grants
    by = Engine(CITY, rules, PACKS, epoch=1, ceiling=CEILING, grants=held)
    found = asked(by, NAME, BIRTH, PHONE, purpose="statistics")
    assert (refused(found) is None) is spared


def test_what_is_denied_does_not_count() -> None:
    by = engine(ALL.replace("Person.phone, ", "") + MOSAIC)
    assert refused(asked(by, NAME, BIRTH, PHONE)) is None


def test_categories_are_parts() -> None:
    text = "\n---\nmosaic: kinds\ncategories: [pi.sensitive.location, pi.sensitive.health]\nmost: 1"
    by = engine(ALL + text)
    assert refused(asked(by, use("Person.track"))) is None
    assert refused(asked(by, use("Person.track"), use("Health.diagnosis"))) is not None


@pytest.mark.parametrize(
    ("more", "spared"),
    [
        ("subjects: {app: other}", True),
        ("subjects: {app: office}", False),
        ("unless: {purpose: statistics}", True),
        ("unless: {eq: [subject.user, x]}", False),  # unknown: it holds
        ("when: {clearance: IMPORTANT}", True),
    ],
)
def test_whom_it_is_for(more: str, spared: bool) -> None:
    found = asked(engine(ALL + MOSAIC + more), NAME, BIRTH, PHONE, purpose="statistics")
    assert (refused(found) is None) is spared


def test_a_mosaic_over_time_is_told_to_whoever_counts() -> None:
    by = engine(ALL + WINDOWED)
    together = asked(by, PHONE, NAME).together
    assert together is not None
    assert together.windows[0] == MosaicUse(
        rule="who-where-what@1", parts=("Person.name", "Person.phone"), most=2, per_s=86_400,
        by="user", coordinates=(Coordinate("Person.name"), Coordinate("Person.phone")),
    )  # fmt: skip
    assert refused(asked(by, NAME, BIRTH, PHONE)) is not None


def test_what_nobody_counts_may_not_be_used() -> None:
    rules = [read_bundle(ALL + WINDOWED, "a.yaml")]
    by = Engine(CITY, rules, PACKS, epoch=1, ceiling=CEILING, enforced=frozenset(list(EVERY)[:1]))
    assert refused(asked(by, NAME)) == Refused(("who-where-what@1",), (NAME.coordinate,))
    assert refused(asked(by, use("Person.district"))) is None


def test_a_combination_raises_what_its_reader_must_be_cleared_for() -> None:
    by = engine(ALL + COMBINED)
    found = asked(by, *TOXIC, who=HIGH).together
    assert found is not None
    assert found.raised == (Raised("identity-health-place@3", ("cn-gbt43697", "IMPORTANT")),)
    assert found.refused is None
    assert refused(asked(by, *TOXIC)) is not None
    for left in range(len(TOXIC)):
        fewer = [one for number, one in enumerate(TOXIC) if number != left]
        # the key of the relation is an identity too
        assert (refused(asked(by, *fewer)) is None) is (left not in (0, 2))


def test_a_combination_above_the_ceiling_is_for_nobody() -> None:
    rules = [read_bundle(ALL + COMBINED, "a.yaml")]
    by = Engine(CITY, rules, PACKS, epoch=1, ceiling={**CEILING, "cn-gbt43697": "G4"})
    assert refused(asked(by, *TOXIC, who=HIGH)) is not None


def test_one_field_completes_no_combination_alone() -> None:
    text = COMBINED.replace("pi.sensitive.location", "pi")
    text = text.replace("fields: [Person.name, Person.idNo, Health.idNo]", "categories: [pi]")
    by, health = engine(ALL + text), use("Health.diagnosis")
    assert refused(asked(by, health, NAME)) is None
    assert refused(asked(by, health, NAME, PHONE)) is not None


def test_an_order_that_the_hub_chose_is_given_up() -> None:
    key = use("Person.idNo", "sort")
    text = MOSAIC.replace("Person.birthDate, Person.phone", "Person.idNo").replace("2", "1")
    found = asked(engine(ALL + text), NAME, implied=[key])
    assert (found.outcomes[key], refused(found)) == (Reject(), None)
    assert asked(engine(ALL + text), BIRTH, implied=[key]).outcomes[key] == Allow()
    over_time = asked(engine(ALL + text + "within: hour"), BIRTH, implied=[key])
    assert over_time.outcomes[key] == Reject()
    assert over_time.together is not None
    assert over_time.together.windows == ()


def test_explained_to_officers_alone() -> None:
    by = engine(ALL + WINDOWED + COMBINED)
    told = by.explain(WHO, NAME, Context(now=NOON))
    assert "at most 2 of (Person.birthDate) + (Person.name) + (Person.phone)" in told
    assert "同一用户任意 86400 秒内" in told
    assert "raise the answer to IMPORTANT" in told
    assert "who-where" not in by.explain(WHO, NAME, Context(now=NOON), redacted=True)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (MOSAIC, MOSAIC, "equal"),
        (MOSAIC, MOSAIC.replace("who-where-what", "other"), "equal"),
        (MOSAIC, "", "undecided"),
        (MOSAIC, WINDOWED, "undecided"),
        (COMBINED, COMBINED.replace("IMPORTANT", "G4"), "undecided"),
    ],
)
def test_a_difference_is_never_called_equal(old: str, new: str, kind: str) -> None:
    assert compare(engine(ALL + old), engine(ALL + new)).kind == kind


FIELDS = ("name", "birthDate", "phone", "track", "district")
sets = st.lists(st.sampled_from(FIELDS), min_size=2, max_size=4, unique=True)
chosen = st.lists(
    st.builds(
        lambda name, mode: use(f"Person.{name}", mode),
        st.sampled_from(FIELDS),
        st.sampled_from(["project", "filter_eq", "sort"]),
    ),
    max_size=5,
    unique=True,
)


@st.composite
def joint(draw: st.DrawFn) -> str:
    names = draw(sets)
    if draw(st.booleans()):
        listed = ", ".join(f"Person.{name}" for name in names)
        within = draw(st.sampled_from(["", "within: day\n"]))
        return f"fields: [{listed}]\nmost: {draw(st.integers(1, len(names) - 1))}\n{within}"
    parts = ", ".join(f"{{fields: Person.{name}}}" for name in names)
    return f"of: [{parts}]\nraises: {draw(st.sampled_from(['G2', 'G4', 'IMPORTANT']))}\n"


def written(rules: Sequence[str], names: Sequence[str]) -> str:
    found = [
        f"{'mosaic' if 'most' in text else 'combination'}: {name}\n{text}"
        for text, name in zip(rules, names, strict=False)
    ]
    return "\n---\n".join([ALL, *found])


@settings(max_examples=40, deadline=None)
@given(st.lists(joint(), max_size=3), joint(), chosen)
def test_another_rule_never_discloses_more_and_no_order_matters(
    rules: list[str], added: str, uses: list[FieldUse]
) -> None:
    less = asked(engine(written([*rules, added], "abcd")), *uses)
    more = asked(engine(written(rules, "abcd")), *uses)
    assert less.outcomes == more.outcomes
    assert refused(more) is None or refused(less) is not None
    for order, names in itertools.product(([*rules, added], [added, *rules]), ("abcd", "zyxw")):
        for asking in (uses, uses[::-1]):
            other = asked(engine(written(order, names)), *asking)
            said, same = refused(other), refused(less)
            assert (said and said.coordinates) == (same and same.coordinates)
            assert other.outcomes == less.outcomes

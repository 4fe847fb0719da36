"""Owners' floors: minimum rules of a department that no bundle can remove."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine import Engine
from policies.floor import check_floors, floor_rules
from policies.packs import load
from policies.ruling import Allow, Masked, Null, Outcome, Reject
from policies.syntax import read_bundle
from schema.compose.evolve import compare
from schema.compose.floor import floor_places
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.errors import ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.names import Coordinate, DepartmentName
from schema.model.subject import Context, Subject
from schema.model.use import UseMode
from tests.policies.fixture import use

PACKS = load(["cn"])
LADDER = "cn-gbt43697"
CIVIL = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql}
types:
  Person:
    key: [number]
    from: {table: residents}
    label: G1
    share: unconditional
    fields:
      number: {type: String}
      name: {type: String, floor: {outcome: {mask: {partial: {keep_first: 1}}}}}
      phone: {type: String, floor: {purposes: [benefits], min_level: G3}}
      note: {type: String, floor: {outcome: null}}
"""
TALENT = """\
hub: 1
source: {name: talent, department: talent-office, kind: sql}
types:
  Person:
    extend: true
    key: [number]
    from: {table: talents}
    label: G1
    share: unconditional
    floor: {outcome: redact, min_level: {cn-gbt43697: G2}}
    fields:
      number: {}
      grade: {type: String}
      title: {type: String, floor: {purposes: talent}}
"""
OPEN = "policy: open\neffect: permit\nsubjects: {app: desk}\nmodes: [read, filter, sort]\n"
OPEN += "resources: {types: ['*']}\n"
FIRST = Masked("partial", (("keep_first", 1),))
REDACT = Masked("redact", (("kind", "String"),))


def composed(*texts: str) -> Catalogue:
    fragments = [read_fragment(text, f"f{number}.yaml") for number, text in enumerate(texts)]
    catalogue = compose(fragments, PACKS.scheme)
    check_floors(catalogue, PACKS, floor_places(fragments))
    return catalogue


CITY = composed(CIVIL, TALENT)


def who(department: str = "tax", level: str = "G4") -> Subject:
    return Subject(
        id="app:desk",
        app="desk",
        department=DepartmentName(department),
        clearance={LADDER: level},
        purposes=frozenset({"benefits.payment", "talent", "tax"}),
    )


def outcome(
    coordinate: str,
    subject: Subject,
    purpose: str | None = None,
    mode: UseMode = "project",
    rules: str = OPEN,
) -> Outcome:
    by = Engine(CITY, [read_bundle(rules, "r.yaml")], PACKS, epoch=1, ceiling={})
    asked = use(coordinate, mode)
    return by.rule(subject, [asked], Context(purpose=purpose, now=1.0e9)).outcomes[asked]


def test_the_rules_are_named_by_where_they_stand() -> None:
    assert [(rule.name, rule.effect) for rule in floor_rules(CITY)] == [
        ("floor.civil.Person.name:outcome", "require"),
        ("floor.civil.Person.phone:purposes", "forbid"),
        ("floor.civil.Person.phone:level-cn-gbt43697", "forbid"),
        ("floor.civil.Person.note:outcome", "require"),
        ("floor.talent.Person:outcome", "require"),
        ("floor.talent.Person:level-cn-gbt43697", "forbid"),
        ("floor.talent.Person.title:purposes", "forbid"),
    ]


def test_a_mask_for_everybody_but_the_owner() -> None:
    assert outcome("Person.name", who()) == FIRST
    assert outcome("Person.name", who("civil-affairs")) == Allow()
    assert outcome("Person.name", who("talent-office")) == FIRST
    assert isinstance(outcome("Person.name", who(), mode="filter_eq"), Reject)
    assert outcome("Person.number", who()) == Allow()
    assert outcome("Person.note", who()) == Masked("null")


def test_purposes_and_level() -> None:
    assert outcome("Person.phone", who(), "benefits.payment") == Allow()
    assert outcome("Person.phone", who(), "tax") == Null()
    assert outcome("Person.phone", who()) == Reject("PURPOSE_REQUIRED")
    assert outcome("Person.phone", who(level="G2"), "benefits.payment") == Null()
    assert outcome("Person.phone", who("civil-affairs", "G1")) == Allow()


def test_the_floor_of_a_type_is_for_the_fields_that_its_source_gives() -> None:
    assert outcome("Person.grade", who()) == REDACT
    assert outcome("Person.grade", who(level="G1")) == Null()
    assert outcome("Person.grade", who("talent-office", "G1")) == Allow()
    assert outcome("Person.title", who(), "talent") == REDACT
    assert outcome("Person.title", who(), "tax") == Null()
    assert outcome("Person.number", who(level="G1")) == Allow()


WORK = """\
hub: 1
source: {name: work, department: human-resources, kind: sql}
types:
  Job:
    key: [code]
    from: {table: jobs}
    label: G1
    share: unconditional
    fields:
      code: {type: String}
      holder: {type: String}
relations:
  Person.jobs: {to: "[Job]", match: {number: holder}}
  Job.person: {to: Person, match: {holder: number}}
"""
NAMED = (
    OPEN
    + """---
policy: named
effect: permit
subjects: {app: desk}
resources: {fields: [Person.jobs, Job.person]}
modes: [traverse]
"""
)
HOLDER = """---
policy: holder
effect: %s
resources: {fields: [Job.holder]}
outcome: %s
"""


@pytest.mark.parametrize("relation", ["Person.jobs", "Job.person"])
@pytest.mark.parametrize(
    ("floor", "rules", "department", "open_"),
    [
        ("", NAMED, "tax", True),
        ("floor: {outcome: redact}", OPEN, "tax", False),
        # the job's holder would tell the number that the owner wants covered
        ("floor: {outcome: redact}", NAMED, "tax", False),
        ("floor: {min_level: CORE}", NAMED, "tax", False),
        ("floor: {outcome: redact}", NAMED, "civil-affairs", True),
        ("floor: {outcome: redact}", NAMED + HOLDER % ("require", "redact"), "tax", True),
        ("floor: {outcome: redact}", NAMED + HOLDER % ("forbid", "error"), "tax", True),
    ],
)
def test_no_permit_goes_around_a_floor_by_a_relation(
    relation: str, floor: str, rules: str, department: str, open_: bool
) -> None:
    text = CIVIL.replace("number: {type: String}", f"number: {{type: String, {floor}}}")
    by = Engine(composed(text, WORK), [read_bundle(rules, "r.yaml")], PACKS, epoch=1, ceiling={})
    asked = use(relation, "traverse")
    found = by.rule(who(department), [asked], Context(now=1.0e9)).outcomes[asked]
    assert isinstance(found, Allow if open_ else Reject)


@given(
    st.lists(
        st.sampled_from(
            [
                "resources: {fields: [Person.name]}",
                "resources: {fields: [Person.name]}\noutcome: {mask: {partial: {keep_first: 4}}}",
                "resources: {types: [Person]}\noutcome: redact",
                "resources: {fields: ['Person.*']}\nmodes: [all]",
            ]
        ),
        max_size=4,
    )
)
def test_no_permit_loosens_a_floor(more: list[str]) -> None:
    rules = [OPEN]
    for number, rest in enumerate(more):
        rules.append(f"policy: p{number}\neffect: permit\nsubjects: {{app: desk}}\n{rest}\n")
    assert outcome("Person.name", who(), rules="---\n".join(rules)) == FIRST


def test_a_bundle_may_tighten() -> None:
    tight = "---\npolicy: tight\neffect: require\nresources: {fields: [Person.name]}\n"
    assert outcome("Person.name", who(), rules=OPEN + tight + "outcome: redact\n") == REDACT


def test_floors_are_part_of_the_catalogue() -> None:
    loose = composed(CIVIL.replace(", floor: {outcome: null}", ""), TALENT)
    assert loose.version != CITY.version
    (change,) = compare(CITY, loose)
    assert change.coordinate == Coordinate("Person.note")
    assert change.kind == "dangerous"


@pytest.mark.parametrize(
    ("old", "new", "said", "where"),
    [
        ("partial: {keep_first: 1}", "partail: {keep_first: 1}", "no mask `partail`", "11:35"),
        ("partial: {keep_first: 1}", "partial: {keep_frist: 1}", "no parameter", "11:35"),
        ("mask: {partial: {keep_first: 1}}", "mask: {generalise: {to: year}}", "not fit", "11:35"),
        ("outcome: null", "outcome: allow", "cannot have this outcome", "13:35"),
        ("outcome: null", "outcome: shown", "cannot be `shown`", "13:35"),
        ("outcome: null", "outcome: []", "not one `word: value`", "13:35"),
        ("purposes: [benefits]", "purposes: [benefit]", "no purpose `benefit`", "12:36"),
    ],
)
def test_floors_that_cannot_be_meant(old: str, new: str, said: str, where: str) -> None:
    assert old in CIVIL
    with pytest.raises(ManyErrors, match=said) as caught:
        composed(CIVIL.replace(old, new))
    first = caught.value.problems[0]
    assert first.code == "POLICY_INVALID"
    assert first.where == f"f0.yaml:{where}"
    assert first.hint


def test_the_engine_checks_floors_by_itself() -> None:
    text = CIVIL.replace("outcome: null", "outcome: shown")
    catalogue = compose([read_fragment(text, "f.yaml")], PACKS.scheme)
    with pytest.raises(ManyErrors, match="cannot be `shown`"):
        Engine(catalogue, [], PACKS, epoch=1, ceiling={})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("min_level: G3", "min_level: G9", "knows the level `G9`"),
        ("min_level: G3", "min_level: {cn-gbt: G3}", "knows the ladder `cn-gbt`"),
        ("{outcome: null}", "{}", "asks for nothing"),
        ("{outcome: null}", "{outcome: }", "is not a text"),
        ("{outcome: null}", "{outcom: redact}", "no key `outcom`"),
        ("{outcome: null}", "redact", "is not a mapping"),
    ],
)
def test_floors_that_are_not_understood(old: str, new: str, said: str) -> None:
    assert old in CIVIL
    with pytest.raises(ManyErrors) as caught:
        composed(CIVIL.replace(old, new))
    assert any(said in problem.message for problem in caught.value.problems)
    assert all("f0.yaml:1" in (problem.where or "") for problem in caught.value.problems)


def test_a_department_signs_for_its_own_fields_only() -> None:
    text = TALENT.replace("number: {}", "number: {floor: {outcome: redact}}")
    with pytest.raises(ManyErrors, match="cannot write a floor for it") as caught:
        composed(CIVIL, text)
    assert (caught.value.problems[0].where or "").startswith("f1.yaml:12:")

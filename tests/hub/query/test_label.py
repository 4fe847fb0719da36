"""The label of an answer: of data and control, told to the caller, put on record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hub.query.label import AnswerLabel, label_of
from hub.query.operation import Operation
from policies.obligation import AggregateOnly, meet_obligations
from policies.syntax import read_bundle
from schema.errors import ManyErrors
from schema.model.entity import RowLabel
from schema.model.label import Label
from schema.model.names import FieldName, TypeName
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.policies.fixture import CITY, LADDER, NOON, engine, label, subject, use

ALL = """
policy: everything
effect: permit
subjects: {app: [office, police]}
resources: {types: [Person, Income, Health, Aid, Firm], share: conditional,
  categories: [pi, pi.sensitive, pi.sensitive.location, pi.sensitive.health,
  pi.sensitive.finance, business]}
modes: all
"""
WHO = subject("office", "G4", department="civil")
LOW = subject("office", "G2", department="civil")


def labelled(
    *uses: FieldUse, who: Subject = WHO, more: str = "", implied: tuple[FieldUse, ...] = ()
) -> AnswerLabel:
    ruling = engine(ALL + more).rule(who, uses, Context(now=NOON), implied)
    operation = Operation(
        name=None, digest="", text_digest="", roots=(), uses=uses, implied=implied
    )
    return label_of(operation, ruling, CITY, who)


def level(found: AnswerLabel) -> str | None:
    told: str | None = found.told.get("levels", {}).get(LADDER)
    return told


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ([use("Person.district")], "G1"),
        ([use("Person.district"), use("Person.name")], "G2"),
        ([use("Person.name"), use("Person.phone", "filter_eq")], "G3"),
        ([use("Person.name"), use("Person.track", "sort")], "G4"),
        ([use("Person.track", "group"), use("Person", "count")], "G4"),
        ([use("Person.district"), use("Person.incomes", "traverse")], "G3"),
        ([use("Person.district"), use("Person", "open")], "G3"),
        ([use("Person", "count")], None),
        ([use("Income.amount", "aggregate", "sum")], "G3"),
    ],
)
def test_data_and_control_both_count(uses: list[FieldUse], expected: str | None) -> None:
    assert level(labelled(*uses)) == expected


def test_categories_add_up_and_ways_of_ordering_count() -> None:
    found = labelled(use("Person.track"), use("Income.amount"), use("Person.district"))
    both = ["pi.sensitive.finance", "pi.sensitive.location"]
    assert found.told == {"levels": {LADDER: "G4"}, "categories": both}
    assert found.recorded == found.told
    assert level(labelled(use("Person.name"), implied=(use("Person.idNo", "sort"),))) == "G3"


def test_a_field_without_a_level_is_said_to_be_there() -> None:
    fields = CITY.types[TypeName("Aid")].fields
    bare = structs.replace(fields[FieldName("status")], label=Label())
    aid = structs.replace(CITY.types[TypeName("Aid")], fields={**fields, bare.name: bare})
    city = structs.replace(CITY, types={**CITY.types, aid.name: aid})
    owner = subject("office", "G4", department="civil")
    uses = (use("Aid.status"), use("Aid.number"))
    rules = ALL.replace("share: conditional,", "owner: [civil],")
    ruling = engine(rules, city).rule(owner, uses, Context(now=NOON))
    operation = Operation(name=None, digest="", text_digest="", roots=(), uses=uses)
    told = label_of(operation, ruling, city, owner).told
    assert told == {"unlabelled": True, "levels": {LADDER: "G1"}}


MASK = """
---
policy: mask
effect: require
resources: {fields: [Person.phone]}
outcome: """


def test_masks_lower_nothing_but_what_is_always_null_has_no_label() -> None:
    asked = use("Person.name"), use("Person.phone")
    assert level(labelled(*asked, more=MASK + "{mask: {partial: {keep_last: 1}}}")) == "G3"
    assert level(labelled(*asked, more=MASK + "redact")) == "G3"
    assert level(labelled(*asked, more=MASK + "null")) == "G2"
    born = use("Person.birthDate"), use("Income.amount")
    redacted = MASK.replace("Person.phone", "Income.amount") + "redact"
    assert level(labelled(*born, more=redacted)) == "G2", "null in every row"
    assert level(labelled(*asked, use("Person.keyWatch"), who=LOW)) == "G2"


def test_a_mask_that_a_rule_declassifies_lowers_levels_alone() -> None:
    phone, said = use("Person.phone"), "\ndeclassify: {level: G1, reason: shared}"
    four = MASK + "{mask: {partial: {keep_last: 4}}}"
    found = labelled(phone, more=four + said)
    assert found.told == {"levels": {LADDER: "G1"}, "categories": ["pi"]}
    assert level(labelled(phone, more=four + said.replace("G1", "CORE"))) == "G3", "never up"
    assert level(labelled(phone, use("Person.idNo"), more=four + said)) == "G3"
    # another use of the field, and the values of some other caller, keep their label
    assert level(labelled(phone, use("Person.incomes", "traverse"), more=four + said)) == "G3"
    other = (four + said).replace("effect", "subjects: {app: x}\neffect")
    assert level(labelled(phone, more=other)) == "G3"
    highest = four + said + (four + said).replace("mask\neffect", "two\neffect").replace("G1", "G2")
    assert level(labelled(phone, more=highest)) == "G2"


def test_rows_that_policy_chooses_by_a_field_are_labelled_by_it() -> None:
    rows = """
---
policy: chosen
effect: forbid
resources: {types: [Person]}
rows: {eq: [row.track, x]}
"""
    high, low = (labelled(use("Person.name"), who=who, more=rows) for who in (WHO, LOW))
    assert (level(high), high.recorded) == ("G4", high.told)
    # what the caller may not read is on record, and not told
    assert level(low) == "G2"
    assert low.recorded["levels"] == {LADDER: "G4"}


FIGURES = """
---
policy: figures
effect: require
subjects: {app: office}
resources: {fields: [Income.amount]}
modes: [aggregate]
obligations: [{aggregate_only: {k: 10, declassify: G1}}]
"""
SUM = use("Income.amount", "aggregate", "sum")


def test_only_a_declared_rule_lowers_a_figure() -> None:
    assert level(labelled(SUM, more=FIGURES.replace(", declassify: G1", ""))) == "G3"
    lowered = labelled(SUM, more=FIGURES)
    assert lowered.told == {"levels": {LADDER: "G1"}, "categories": ["pi.sensitive.finance"]}
    # it never raises, and speaks of its own field, of no key and of no single value
    assert level(labelled(SUM, more=FIGURES.replace("G1", "G4"))) == "G3"
    for other in (
        use("Income.amount", "filter_eq"), use("Income.amount", "aggregate", "max"),
        use("Income.idNo", "group"), use("Income.idNo", "aggregate", "count"),
    ):  # fmt: skip
        assert level(labelled(SUM, other, more=FIGURES)) == "G3"


def test_a_rule_that_does_not_lower_keeps_the_label() -> None:
    second = FIGURES.replace("figures", "other").replace("k: 10, declassify: G1", "k: 3")
    assert level(labelled(SUM, more=FIGURES + second)) == "G3"
    higher = FIGURES.replace("figures", "other").replace("G1", "G2")
    assert level(labelled(SUM, more=FIGURES + higher)) == "G2"


def test_no_label_goes_down_without_k() -> None:
    with pytest.raises(ManyErrors, match="has no `k`"):
        read_bundle(FIGURES.replace("k: 10, ", ""), "a.yaml")


def test_a_level_that_no_pack_has_is_a_mistake() -> None:
    with pytest.raises(ManyErrors) as told:
        engine(ALL + FIGURES.replace("G1", "G0"))
    assert [problem.message for problem in told.value.problems] == [
        "the level `G0` is on no ladder"
    ]
    assert read_bundle(FIGURES, "a.yaml").rules[0].obligations == (
        AggregateOnly(10, declassify=(("", "G1"),)),
    )


bounds = st.builds(
    AggregateOnly,
    st.integers(2, 5),
    declassify=st.sampled_from([(), (("", "G1"),), (("", "G2"),), (("x", "y"),)]),
)


@given(st.lists(bounds, min_size=1, max_size=4))
def test_meeting_lowers_only_where_all_do(held: list[Any]) -> None:
    (met,) = meet_obligations(held)
    assert isinstance(met, AggregateOnly)
    assert meet_obligations([*held[::-1], met]) == (met,)
    said = {level for one in held for level in one.declassify}
    assert set(met.declassify) == (said if all(one.declassify for one in held) else set())


def test_what_some_rows_carry_on_top_counts_where_it_is_within_reach() -> None:
    person = CITY.types[TypeName("Person")]
    when = '{"eq": ["row.district", "x"]}'
    on_top = RowLabel(
        name="label.Person.1", when=when, fields=frozenset({FieldName("name"), FieldName("idNo")}),
        label=Label(levels=((LADDER, "G4"),), categories=frozenset({"pi.sensitive.minor"})),
    )  # fmt: skip
    sealed = structs.replace(on_top, name="label.Person.2", label=label("IMPORTANT", "le"))
    person = structs.replace(person, row_labels=(on_top, sealed))
    city = structs.replace(CITY, types={**CITY.types, person.name: person})
    rules = ALL.replace("[pi,", "[pi, pi.sensitive.minor, le,")

    def told(who: Subject, *uses: FieldUse) -> Any:
        ruling = engine(rules, city).rule(who, uses, Context(now=NOON))
        operation = Operation(name=None, digest="", text_digest="", roots=(), uses=uses)
        found = label_of(operation, ruling, city, who)
        assert found.recorded == found.told
        return found.told

    minor = {"levels": {LADDER: "G4"}, "categories": ["pi", "pi.sensitive.minor"]}
    assert told(WHO, use("Person.name")) == minor
    assert told(WHO, use("Person.district"), use("Person", "open")) == minor
    assert told(WHO, use("Person.phone"))["levels"] == {LADDER: "G3"}
    low = structs.replace(WHO, clearance={LADDER: "G3"})
    assert told(low, use("Person.name")) == {"levels": {LADDER: "G2"}, "categories": ["pi"]}


def test_what_is_declared_of_a_mask_lowers_no_label_of_rows() -> None:
    person = CITY.types[TypeName("Person")]
    on_top = RowLabel(
        name="label.Person.1", when='{"eq": ["row.district", "x"]}', label=label("G4"),
        fields=frozenset({FieldName("phone")}),
    )  # fmt: skip
    city = structs.replace(
        CITY, types={**CITY.types, person.name: structs.replace(person, row_labels=(on_top,))}
    )
    said = "{mask: {partial: {keep_last: 4}}}\ndeclassify: {level: G1, reason: shared}"
    uses = (use("Person.phone"),)
    for catalogue, found in ((CITY, "G1"), (city, "G4")):
        ruling = engine(f"{ALL}{MASK}{said}", catalogue).rule(WHO, uses, Context(now=NOON))
        operation = Operation(name=None, digest="", text_digest="", roots=(), uses=uses)
        assert level(label_of(operation, ruling, catalogue, WHO)) == found


def test_who_acts_is_told_no_label_that_its_principal_does_not_reach() -> None:
    rows = (
        "---\npolicy: r\neffect: forbid\nresources: {types: [Person]}\nrows: {eq: [row.track, x]}"
    )
    uses = (use("Person.name"),)
    ruling = engine(f"{ALL}{rows}").rule(WHO, uses, Context(now=NOON))
    operation = Operation(name=None, digest="", text_digest="", roots=(), uses=uses)
    own, lent = (
        label_of(operation, structs.replace(ruling, principal=whose), CITY, WHO)
        for whose in (None, LOW)
    )
    assert (level(own), level(lent), own.recorded) == ("G4", "G2", lent.recorded)

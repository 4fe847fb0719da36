"""Bounds of operations over the small world: uses, rows, masks, and what counts as grown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hub.query.grown import at_most, growth
from hub.query.limits import Limits
from hub.query.parse import read_document
from hub.query.reveal import Asked, Bound, UseBound, bound_of
from hub.query.widest import widest
from policies.obligation import AggregateOnly, Retain
from policies.ruling import Allow, Declassified, Masked, Null, Reject, Rowwise, Ruling
from schema.errors import HubError
from schema.graph.build import build_face
from schema.model.entity import RowLabel
from schema.model.label import Label
from schema.model.names import FieldName, TypeName
from schema.model.predicate import TRUE, Compare, Const, Or, Param, Predicate
from schema.model.subject import Context
from tests.hub.query.small import CATALOGUE, SUBJECT, PlainEngine

ADULT = Compare("age", "ge", Const(18), "Int")
MINE = Compare("homeCode", "prefix", Param("s.region"), "String")


def bound(text: str, engine: PlainEngine | None = None, limits: Limits | None = None) -> Bound:
    by, limits = engine or PlainEngine(), limits or Limits()
    face = build_face(by.catalogue, by.visible(SUBJECT))
    found = widest(read_document(text, face, limits), None, text)
    asked = Asked(subject=SUBJECT, contexts=[Context(purpose="p")], widest=found)
    return bound_of("d" * 64, None, [asked], by, groups=limits.max_groups)


def used(of: Bound, coordinate: str, mode: str = "project") -> UseBound:
    (found,) = [one for one in of.uses if (one.coordinate, one.mode) == (coordinate, mode)]
    return found


def modes(of: Bound, coordinate: str) -> set[str]:
    return {one.mode for one in of.uses if one.coordinate == coordinate and one.shown}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("{ persons { nodes { name } } }", 50),
        ("{ persons(first: 3) { nodes { name } edges { node { number } } } }", 3),
        ("{ persons(first: 3) { totalCount } }", 0),
        ("query($n: Int!) { persons(first: $n) { nodes { name } } }", 1_000),
        ("query($n: Int = 2) { persons(last: $n) { nodes { name } } }", 1_000),
        ("query($a: Int, $b: Int) { persons(first: $a, last: $b) { nodes { name } } }", 1_000),
        ("{ persons(first: 3) { nodes { jobs(first: 4) { nodes { pay } } home { code } } } }",
         3 + 12 + 3),
        ('{ person(number: "1") { name jobs { nodes { pay } } } }', 51),
        ("query($id: ID!) { node(id: $id) { ... on Person { name } ... on Job { pay } } }", 1),
        ("{ personsAggregate { count } }", 1),
        ("query($g: [PersonGroup!]) { personsAggregate(groupBy: $g) { count } }", 1_000),
        ("query($on: Boolean!) { a: persons(first: 2) @include(if: $on) { nodes { name } } "
         "b: persons(first: 3) @skip(if: $on) { nodes { name } } }", 5),
    ],
)  # fmt: skip
def test_rows(text: str, rows: int) -> None:
    assert bound(text).rows == rows


def test_rows_by_type_and_field() -> None:
    found = bound("{ persons(first: 3) { nodes { jobs(first: 4) { nodes { pay } } } } }")
    assert {one.type: one.rows for one in found.types if one.rows} == {"Person": 3, "Job": 12}
    assert used(found, "Job.pay").rows == 12


def test_a_filter_from_a_variable_may_use_whatever_the_caller_may() -> None:
    found = bound("query($f: PersonFilter) { persons(filter: $f) { nodes { name } } }")
    assert modes(found, "Person.age") == {"filter_eq", "filter_range"}
    assert modes(found, "Person.name") == {"project", "filter_eq", "filter_range", "filter_text"}
    assert modes(found, "Person.jobs") == {"traverse"}
    assert modes(found, "Home.street") == {"filter_eq", "filter_range", "filter_text"}


def test_an_order_from_a_variable() -> None:
    whole = bound("query($o: [PersonOrder!]) { persons(orderBy: $o) { totalCount } }")
    single = bound("query($o: PersonOrder!) { persons(orderBy: [$o]) { totalCount } }")
    for found in (whole, single):
        assert {"sort"} == modes(found, "Person.age") == modes(found, "Person.born")


def test_what_is_skipped_counts() -> None:
    found = bound("{ persons { nodes { name @skip(if: true) ... @include(if: false) { age } } } }")
    assert used(found, "Person.name").rows == used(found, "Person.age").rows == 50


def test_a_use_that_all_variables_make_refuses_all_of_it() -> None:
    engine = PlainEngine(outcomes={("Person.age", "filter_eq"): Reject()})
    text = "query($a: Int!) { persons(filter: {age: {eq: $a}}) { nodes { name } } }"
    found = bound(text, engine)
    assert not found.open
    assert found.refused == ("USE_FORBIDDEN",)
    assert not any(one.shown for one in found.uses)


@pytest.mark.parametrize(
    "text",
    [
        "query($a: Int) { persons(filter: {age: {eq: $a}}) { nodes { name } } }",
        "query($a: IntFilter!) { persons(filter: {age: $a}) { nodes { name } } }",
        "query($a: PersonFilter!) { persons(filter: {and: [$a]}) { nodes { name } } }",
    ],
)
def test_a_use_that_some_variables_leave_out_refuses_only_itself(text: str) -> None:
    found = bound(text, PlainEngine(outcomes={("Person.age", "filter_eq"): Reject()}))
    assert found.open
    assert used(found, "Person.age", "filter_eq").codes == ("USE_FORBIDDEN",)
    assert used(found, "Person.name").rows == 50


def test_masks_conditions_and_duties() -> None:
    partial = Masked("partial", (("keep_last", 4),))
    engine = PlainEngine(
        outcomes={
            ("Person.number", "project"): partial,
            ("Person.name", "project"): Rowwise(((ADULT, Allow()),)),
            ("Person.born", "project"): Null("NO_GRANT"),
        },
        rows={"Person": MINE},
        obligations={("Person.name", "project"): (Retain(30), AggregateOnly(10))},
    )
    found = bound("{ persons { nodes { number name born } } }", engine)
    (shown,) = used(found, "Person.number").shown
    assert (shown.outcome, shown.en, shown.zh) == (
        partial, "masked by partial (keep_last 4)", "以 partial (keep_last 4) 脱敏"
    )  # fmt: skip
    name = used(found, "Person.name")
    assert name.shown[0].where == ADULT
    assert name.shown[0].en == "as it is, in rows where `age` is at least `18`"
    assert (name.k, name.obligations) == (10, (Retain(30),))
    assert used(found, "Person.born").shown == ()
    assert used(found, "Person.born").codes == ("NO_GRANT",)
    (person,) = [one for one in found.types if one.type == "Person"]
    assert person.en == "rows where `homeCode` begins with the caller's region"
    assert person.zh == "符合以下条件的数据行：`homeCode`开头为调用方所在区域"


def test_labels_of_some_rows_count() -> None:
    person = CATALOGUE.types[TypeName("Person")]
    held = RowLabel(
        name="label.Person.1",
        when='{"younger_than": ["row.born", 14]}',
        label=Label(levels=(("l", "high"),), categories=frozenset({"c"})),
        fields=frozenset({FieldName("name")}),
    )
    labelled = msgspec.structs.replace(person, row_labels=(held,))
    types = {**CATALOGUE.types, person.name: labelled}
    engine = PlainEngine(msgspec.structs.replace(CATALOGUE, types=types))
    found = bound("{ persons { nodes { name number } } }", engine)
    name, number = used(found, "Person.name"), used(found, "Person.number")
    assert (name.levels, name.categories) == ((("l", "high"),), ("c",))
    assert number.levels == (("l", "low"),)


def test_introspection_reveals_no_data() -> None:
    assert bound("{ __schema { queryType { name } } }").uses == ()


def test_an_operation_that_no_variables_make_right_has_no_bound() -> None:
    with pytest.raises(HubError, match="over the limit"):
        bound("{ persons(first: 5000) { nodes { name } } }")


TEXT = "{ persons(first: 5) { nodes { name number } } }"


def told(before: PlainEngine, after: PlainEngine, **limits: Any) -> list[str]:
    small = Limits(**limits) if limits else None
    return [one.what[0] for one in growth([bound(TEXT, before)], [bound(TEXT, after, small)])]


def masked(mask: str, **params: str | int) -> PlainEngine:
    outcome = Masked(mask, tuple(sorted(params.items())))
    return PlainEngine(outcomes={("Person.name", "project"): outcome})


def rows(where: Predicate) -> PlainEngine:
    return PlainEngine(rows={"Person": where})


def test_what_is_the_same_or_less_has_not_grown() -> None:
    plain = PlainEngine()
    assert told(plain, plain) == []
    assert told(plain, masked("partial", keep_last=4)) == []
    assert told(masked("partial", keep_last=4), masked("partial", keep_last=2)) == []
    assert told(masked("partial", keep_last=4), masked("redact", kind="String")) == []
    assert told(plain, rows(ADULT)) == []
    assert told(rows(Or((ADULT, MINE))), rows(MINE)) == []


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (masked("partial", keep_last=4), PlainEngine(), "it is shown as it is"),
        (masked("partial", keep_last=4), masked("partial", keep_last=6), "it is shown masked"),
        (masked("partial", keep_last=4), masked("tokenise"), "it is shown masked by tokenise"),
        (PlainEngine(outcomes={("Person.name", "project"): Null()}), PlainEngine(),
         "it was not open"),
        (rows(MINE), PlainEngine(), "the row condition is wider: every row"),
        (rows(MINE), rows(Or((ADULT, MINE))), "the row condition is wider"),
        (rows(MINE), rows(ADULT), "the row condition is different, perhaps wider"),
        (PlainEngine(outcomes={("Person.name", "project"): Rowwise(((MINE, Allow()),))}),
         PlainEngine(), "it is shown in rows that are wider"),
        (PlainEngine(obligations={("Person.name", "project"): (Retain(9),)}), PlainEngine(),
         "an obligation has fallen away"),
        (PlainEngine(obligations={("Person.name", "project"): (AggregateOnly(9),)}),
         PlainEngine(obligations={("Person.name", "project"): (AggregateOnly(5),)}),
         "figures are over at least 5 persons, not 9"),
    ],
)  # fmt: skip
def test_what_has_grown(before: PlainEngine, after: PlainEngine, what: str) -> None:
    (found,) = told(before, after)
    assert found.startswith(what)


def test_more_rows_and_other_operations_have_grown() -> None:
    approved = bound("{ persons { nodes { name } } }")
    present = bound("{ persons { nodes { name } } }", limits=Limits(default_page=60))
    assert "up to 60 instead of 50 in one answer" in {
        one.what[0] for one in growth([approved], [present])
    }
    other = msgspec.structs.replace(approved, document="e" * 64)
    (found,) = growth([approved], [other])
    assert found.what[0] == "the operation was not approved"


def test_masks_are_ordered_by_what_they_show() -> None:
    null, redact = Masked("null"), Masked("redact", (("kind", "String"),))
    year, month = (Masked("generalise", (("to", unit),)) for unit in ("year", "month"))
    assert at_most(null, redact)
    assert not at_most(redact, null)
    assert at_most(year, month)
    assert not at_most(month, year)
    assert not at_most(Masked("tokenise"), Masked("hash"))


def test_a_bound_is_the_same_once_written_and_read() -> None:
    found = bound("query($f: PersonFilter) { persons(filter: $f) { nodes { name } } }", rows(MINE))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Bound) == found
    assert found.types[0].where == TRUE or found.types[1].where == MINE


class Declaring(PlainEngine):
    """Declares what it is told of a masked name."""

    def __init__(self, *said: Declassified) -> None:
        super().__init__(outcomes={("Person.name", "project"): Masked("partial")})
        self.said = said

    def rule(self, *asked: Any) -> Ruling:
        ruling = super().rule(*asked)
        names = (use for use in ruling.outcomes if use.coordinate == "Person.name")
        held = {use: self.said for use in names if self.said}
        return msgspec.structs.replace(ruling, declassified=held)


LOW = Declassified("", "low", "shared")


def test_what_is_declared_of_masks_is_in_the_bound_and_more_of_it_is_growth() -> None:
    found = bound(TEXT, Declaring(LOW))
    assert used(found, "Person.name").declassified == (LOW,)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Bound) == found
    said = "the masked value is declassified to `low` where 10 persons or more share it (shared)"
    assert told(Declaring(), Declaring(LOW)) == [said]
    fewer = msgspec.structs.replace(LOW, k=5)
    assert told(Declaring(LOW), Declaring(fewer)) == [said.replace("10", "5")]
    for before, after in ((LOW, None), (fewer, LOW), (LOW, LOW)):
        assert told(Declaring(before), Declaring(*([after] if after else []))) == []
    reason = msgspec.structs.replace(LOW, reason="another")
    assert told(Declaring(LOW), Declaring(reason)) == []


def test_a_bound_without_declarations_is_written_as_ever() -> None:
    """So that what officers have signed before is still read."""
    assert b"declassified" not in msgspec.json.encode(bound(TEXT))

"""What the query path does with what the engine leaves out, and with whom it keeps apart."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest
from msgspec import structs

from hub.query.request import Request
from policies.ruling import Allow, Hidden, Masked, Reject, Rowwise, Ruling
from schema.model.label import Label
from schema.model.names import FieldName, TypeName
from schema.model.predicate import FALSE, TRUE, Compare, Const
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.hub.query.small import CATALOGUE, OTHER, SUBJECT, PlainEngine, Small

pytestmark = pytest.mark.asyncio
NAMES = "{ persons { nodes { number name } } }"


class Partial(PlainEngine):
    """Leaves one use out of its rulings."""

    def __init__(self, coordinate: str, mode: str) -> None:
        super().__init__()
        self.left_out = (coordinate, mode)

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        ruling = super().rule(subject, uses, context, implied)
        kept = {
            use: held
            for use, held in ruling.outcomes.items()
            if (use.coordinate, use.mode) != self.left_out
        }
        return structs.replace(ruling, outcomes=kept)


async def test_what_the_engine_does_not_rule_on_is_refused() -> None:
    small = Small(Partial("Person.age", "sort"))
    code = await small.code("{ persons(orderBy: AGE_ASC) { nodes { number } } }")
    assert code == "USE_FORBIDDEN"
    assert "data" in await small.ask("{ persons(orderBy: NAME_ASC) { nodes { number } } }")


@pytest.mark.parametrize("selection", ["name", "n: name", "...F"])
async def test_a_hidden_field_is_not_shown_though_the_schema_holds_it(selection: str) -> None:
    """A schema that was made before the ruling may hold it still."""
    small = Small(PlainEngine(outcomes={("Person.name", "project"): Hidden()}))
    text = f"{{ persons {{ nodes {{ number {selection} }} }} }}"
    told = await small.ask(text + (" fragment F on Person { name }" if "F" in selection else ""))
    assert "Ann" not in str(told)
    assert "Cid" not in str(told)


async def test_a_field_that_differs_by_row() -> None:
    young = Compare("age", "eq", Const(20), "Int")  # type: ignore[arg-type]
    old = Compare("age", "eq", Const(31), "Int")  # type: ignore[arg-type]
    masked = Masked("partial", (("keep_first", 1),))
    seen = Rowwise(((young, Allow()), (old, masked)))
    small = Small(PlainEngine(outcomes={("Person.name", "project"): seen}))
    told = await small.ask(NAMES)
    names = {row["number"]: row["name"] for row in told["data"]["persons"]["nodes"]}
    assert names == {"1": "A****", "2": None, "3": "Cid", "4": "A****", "5": None}


class ByCaller(PlainEngine):
    """Shows names to one caller alone, and rows to the same one."""

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        ruling = super().rule(subject, uses, context, implied)
        if subject.id != OTHER.id:
            return ruling
        outcomes = dict(ruling.outcomes)
        outcomes |= {use: Masked("redact") for use in outcomes if use.coordinate == "Person.name"}
        rows = {name: FALSE if name == "Job" else TRUE for name in ruling.row_filters}
        return structs.replace(ruling, outcomes=outcomes, row_filters=rows)


async def test_no_plan_is_used_for_whom_it_was_not_made() -> None:
    small = Small(ByCaller())
    text = '{ persons(filter: {number: {eq: "1"}}) { nodes { name } } jobs { totalCount } }'
    for _ in range(2):
        mine = (await small.ask(text))["data"]
        assert mine == {"persons": {"nodes": [{"name": "Ann"}]}, "jobs": {"totalCount": 3}}
        theirs = (await small.ask(text, subject=OTHER))["data"]
        assert theirs["persons"]["nodes"] != [{"name": "Ann"}]
        assert theirs["jobs"] == {"totalCount": 0}


async def test_a_kept_ruling_is_not_used_after_its_end() -> None:
    now = [1_000.0]
    engine = PlainEngine()
    engine.valid_until = 1_010.0
    small = Small(engine, clock=lambda: now[0])
    assert "data" in await small.ask("{ persons { totalCount } }")
    engine.outcomes["Person", "count"] = Reject("GRANT_EXPIRED")
    now[0] = 1_010.0
    told = await small.ask("{ persons { totalCount } }")
    assert "data" not in told
    # by the ruling of now, before anything is fetched, not as something that ended meanwhile
    assert told["errors"][0]["extensions"]["code"] == "GRANT_EXPIRED"


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (("Person.age", "filter_eq"), "{ persons(filter: {age: {in: [1]}}) { totalCount } }"),
        (("Person.age", "filter_eq"), "{ persons(filter: {age: {ne: 1}}) { totalCount } }"),
        (("Person.age", "filter_range"), "{ persons(filter: {age: {lt: 1}}) { totalCount } }"),
        (("Person.age", "filter_range"), "{ persons(filter: {age: {ge: 1}}) { totalCount } }"),
        (("Person.name", "filter_text"),
         '{ personsAggregate(filter: {name: {contains: "A"}}) { count } }'),
        (("Person", "open"), '{ node(id: "x") { ... on Person { name } } }'),
        (("Person", "open"), '{ node(id: "x") { id } }'),
        (("Person", "open"), '{ person(number: "1") { name } }'),
        (("Person", "open"), "{ persons { nodes { id } } }"),
        (("Home.people", "traverse"), '{ homes(filter: {people: {none: {}}}) { totalCount } }'),
        (("Person.age", "group"), "{ personsAggregate { group { age } } }"),
        (("Person.age", "aggregate"), "{ personsAggregate { countDistinct { age } } }"),
        (("Person", "count"), "{ homes { nodes { people { totalCount } } } }"),
    ],
)  # fmt: skip
async def test_every_further_way_to_ask_is_asked_about(use: tuple[str, str], text: str) -> None:
    small = Small(PlainEngine(outcomes={use: Reject()}))
    assert await small.code(text) == "USE_FORBIDDEN"
    assert "errors" not in await Small().ask(text)


async def test_reading_the_schema_leaves_an_entry() -> None:
    small = Small()
    assert "data" in await small.ask("{ __schema { queryType { name } } }")
    assert len(small.recorder.entries) == 1


async def test_no_plan_tells_of_fields_that_only_another_may_read() -> None:
    """Of two who are decided alike, one is not cleared for a field that policy tells rows by."""
    person = CATALOGUE.types[TypeName("Person")]
    age = structs.replace(person.fields[FieldName("age")], label=Label(levels=(("l", "high"),)))
    person = structs.replace(person, fields={**person.fields, age.name: age})
    world = structs.replace(CATALOGUE, types={**CATALOGUE.types, person.name: person})
    rows = {"Person": Compare(age.name, "ge", Const(0), "Int")}
    small = Small(PlainEngine(world, rows=rows))
    cleared = structs.replace(SUBJECT, clearance={"l": "high"})
    said = []
    for who in (cleared, SUBJECT):
        request = Request(text="{ persons { totalCount } }", subject=who, purpose="p")
        said.append(orjson.loads((await small.pipeline.answer(request)).body))
    assert said[0]["data"] == said[1]["data"]
    assert said[0]["extensions"]["governance"]["label"] == {"levels": {"l": "high"}}
    assert said[1]["extensions"]["governance"]["label"] == {"levels": {"l": "low"}}

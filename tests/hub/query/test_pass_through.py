"""Pass-through: sources write rows where fragment, policy and connector allow it; the hub splices
them in undecoded, and nothing else about an answer changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from random import Random
from typing import Any

import orjson
import pytest
from msgspec import structs

from connectors.memory import EVERYTHING
from connectors.spi import DOCUMENT, Batch, Call
from hub.query.answer import Request
from hub.query.show import plan_text
from hub.query.steps import ListPlan
from policies.ruling import FieldError, Masked, Null, Outcome, Rowwise
from schema.model.predicate import FALSE, Compare, Const, IsNull, Predicate
from tests.hub.query.small import CATALOGUE, SUBJECT, PlainEngine, Recording, Small
from tests.hub.query.test_paging import WALK, persons, walk

PASSING = structs.replace(
    CATALOGUE,
    bindings={
        name: {
            source: structs.replace(binding, pass_through=True) for source, binding in held.items()
        }
        for name, held in CATALOGUE.bindings.items()
    },
)
FAMILY = """
query($count: Int!) {
  homes { pageInfo { hasNextPage endCursor } nodes {
    kind: __typename street
    people(last: $count) { __typename all: nodes { nick: name score home { street } } }
  } }
}"""
MASKED: Outcome = Masked("partial", (("keep_last", 1),))


def passing(engine: PlainEngine | None = None, **made: Any) -> Small:
    """A world whose fragments all allow pass-through."""
    held = engine or PlainEngine()
    return Small(PlainEngine(PASSING, held.outcomes, held.rows), **made)


def both(**made: Any) -> tuple[Small, Small]:
    """The same world in row mode and with pass-through allowed."""
    return Small(**made), passing(**made)


async def same(
    text: str, variables: Mapping[str, Any] | None = None, *, passed: bool, **made: Any
) -> dict[str, Any]:
    """The answer, after seeing that row mode answers alike and leaves the same on record."""
    by_rows, passed_on = both(**made)
    shown = passed_on.pipeline.plan_text(
        Request(text=text, variables=variables or {}, subject=SUBJECT, purpose="p")
    )
    assert ("pass-through" in shown) == passed, shown
    told, wanted = await passed_on.ask(text, variables), await by_rows.ask(text, variables)
    assert orjson.dumps(told) == orjson.dumps(wanted)
    assert passed_on.recorder.entries[-1].rows == by_rows.recorder.entries[-1].rows
    return told


@pytest.mark.asyncio
async def test_nested_rows_are_written_by_the_source() -> None:
    told = await same(FAMILY, {"count": 1}, passed=True)
    assert told["data"]["homes"]["nodes"][0] == {
        "kind": "Home",
        "street": "East",
        "people": {
            "__typename": "PersonConnection",
            "all": [{"nick": "Bob", "score": "-2.00", "home": {"street": "East"}}],
        },
    }


def test_the_plan_tells(golden: Callable[[str, str], None]) -> None:
    small = passing(PlainEngine(rows={"Person": IsNull("born")}))
    text = (
        "{ homes(first: 2) { nodes { street people { nodes { name } } } }"
        ' jobs { nodes { title person { name } } } person(number: "1") { name income } }'
    )
    plan = small.pipeline.plan(Request(text=text, subject=SUBJECT, purpose="p"))
    golden("plans/pass-through.txt", plan_text(plan).split("\n", 1)[1])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("at", "outcome", "passed"),
    [
        ("Home.street", MASKED, False),
        ("Person.name", MASKED, False),
        ("Person.name", Rowwise(((IsNull("age"), MASKED),)), False),
        ("Person.name", Null(), True),
        ("Person.name", FieldError("FIELD_FORBIDDEN"), True),
        ("Person.age", MASKED, True),  # not asked for
    ],
)
async def test_masks_are_carried_out_by_the_hub(at: str, outcome: Outcome, passed: bool) -> None:
    engine = PlainEngine(outcomes={(at, "project"): outcome})
    told = await same(FAMILY, {"count": 5}, passed=passed, engine=engine)
    names = [
        person["nick"]
        for home in told["data"]["homes"]["nodes"]
        for person in home["people"]["all"]
    ]
    if at == "Person.name":
        assert "Ann" not in names
    assert ("errors" in told) == isinstance(outcome, FieldError)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ({"Person": Compare("name", "eq", Const("Ann"), "String")}, True),
        ({"Home": Compare("code", "eq", Const("h2"), "String")}, True),
        ({"Person": FALSE}, True),
        ({"Home": FALSE}, False),  # no source is called at all
    ],
)
async def test_row_filters_hold_inside(rows: Mapping[str, Predicate], passed: bool) -> None:
    told = await same(FAMILY, {"count": 5}, passed=passed, engine=PlainEngine(rows=rows))
    text = orjson.dumps(told["data"]).decode()
    assert ("Bob" if "Person" in rows else "East") not in text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("{ persons { nodes { name } } }", True),
        ("{ persons { edges { cursor node { name } } nodes { name } totalCount } }", True),
        ('{ person(number: "1") { name home { street } } }', True),
        ('{ person(number: "none") { name home { street } } }', True),
        ("{ persons { nodes { id name } } }", False),  # sealed for one subject
        ("{ persons { nodes { name home { id } } } }", False),
        ("{ persons { nodes { name } edges { node { age } } } }", False),
        ("{ persons { nodes { name income } } }", False),  # from another source
        ("{ persons { totalCount } }", False),
        ("{ homes { nodes { people { totalCount nodes { name } } } } }", False),
        ("{ homes { nodes { people { pageInfo { hasNextPage } nodes { name } } } } }", False),
        ("{ homes { nodes { people { __typename } } } }", False),
        ("{ homes { nodes { people { nodes { name } } again: people(first: 1) {"
         " nodes { age } } } } }", True),
        ("{ persons { nodes { name jobs { nodes { title } totalCount } } } }", True),  # those of hr
        ("{ jobs { nodes { title person { name home { street } } } } }", True),  # those of civil
    ],
)  # fmt: skip
async def test_what_can_be_passed_through(text: str, passed: bool) -> None:
    await same(text, passed=passed)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("less", "passed"),
    [
        ({"documents": False}, False),
        ({"joins": False}, True),  # only the homes, which are fetched last, by key
        ({"orders": False}, False),
        ({"limits": False, "key_limits": False}, False),
        ({"limits": False}, True),  # only the people of each home
    ],
)
async def test_what_a_source_leaves_to_the_hub_is_written_by_it(less: Any, passed: bool) -> None:
    able = structs.replace(EVERYTHING, **less)
    await same(FAMILY, {"count": 2}, passed=passed, capabilities=able)


@pytest.mark.asyncio
async def test_pages_are_those_of_row_mode() -> None:
    rows = persons(Random(3), 17)
    by_rows, passed_on = both(tables={"civil": {"persons": rows, "homes": []}, "hr": {"jobs": []},
                                    "tax": {"persons": []}})  # fmt: skip
    shown = passed_on.pipeline.plan_text(
        Request(text=WALK, variables={"first": 3}, subject=SUBJECT, purpose="p")
    )
    assert "pass-through" in shown
    for backward in (False, True):
        order = ["NAME_DESC", "AGE_ASC"]
        found = await walk(passed_on, order, 3, backward=backward)
        assert found == await walk(by_rows, order, 3, backward=backward)
        assert len(found) == 17


class Seen(Recording):
    """Keeps its batches."""

    batches: list[Batch]

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        async for batch in super().fetch(handle, call):
            self.batches.append(batch)
            yield batch


@pytest.mark.asyncio
async def test_only_what_is_shown_is_in_the_text() -> None:
    """Columns that are joined, ordered or filtered by stay out of it, and of the batch."""
    small = passing()
    source = Seen("civil", small.sources["civil"]._tables)
    source.batches = []
    small.pipeline.world.reach["civil"].connector = source  # type: ignore[index]
    told = await small.ask("{ homes { nodes { street people(orderBy: [AGE_ASC]) {"
                           " nodes { name } } } } }")  # fmt: skip
    (batch,) = source.batches
    texts = [orjson.loads(text) for text in batch.columns[DOCUMENT]]
    assert texts == told["data"]["homes"]["nodes"]
    assert {name for name in batch.columns if "\0" not in name} == set()
    assert not batch.nested


def test_the_plan_keeps_what_paging_reads() -> None:
    small = passing()
    text = "{ persons(orderBy: [AGE_ASC]) { nodes { name } pageInfo { endCursor } } }"
    (root,) = small.pipeline.plan(Request(text=text, subject=SUBJECT, purpose="p")).roots
    assert isinstance(root, ListPlan)
    assert root.fetch is not None
    assert root.fetch.ask.document is not None
    assert set(root.fetch.ask.document.keeps) == {"age", "number"}

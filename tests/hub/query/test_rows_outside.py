"""Rows outside policy's row filter do not exist, whichever way an operation takes to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from policies.ruling import Ruling
from schema.model.names import TypeName
from schema.model.predicate import Compare, Const, Predicate
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.hub.query.small import PlainEngine, Small

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.parametrize(
        "able", [EVERYTHING, Capabilities(max_keys=1)], ids=["able source", "plain source"]
    ),
]
YOUNG: Mapping[str, Predicate] = {"Person": Compare("age", "eq", Const(20), "Int")}  # type: ignore[arg-type]
"""Cid and the one without a name; Ann, who lives with Bob in the first home, is outside."""


def small(able: Capabilities, rows: Mapping[str, Predicate] = YOUNG) -> Small:
    return Small(PlainEngine(rows=rows), capabilities=able)


async def data(small: Small, text: str) -> Any:
    told = await small.ask(text)
    assert "errors" not in told
    return told["data"]


async def test_a_list_and_its_pages(able: Capabilities) -> None:
    text = "{ persons(first: 1%s) { nodes { number } pageInfo { hasNextPage endCursor } } }"
    world = small(able)
    first = (await data(world, text % ""))["persons"]
    assert first["nodes"] == [{"number": "3"}]
    assert first["pageInfo"]["hasNextPage"] is True
    after = f', after: "{first["pageInfo"]["endCursor"]}"'
    second = (await data(world, text % after))["persons"]
    assert second["nodes"] == [{"number": "5"}]
    assert second["pageInfo"]["hasNextPage"] is False


async def test_a_look_up_by_key(able: Capabilities) -> None:
    text = '{ out: person(number: "1") { name } none: person(number: "9") { name } }'
    assert await data(small(able), text) == {"out": None, "none": None}
    assert await data(small(able), '{ person(number: "3") { name } }') == {
        "person": {"name": "Cid"}
    }


async def test_a_look_up_by_id(able: Capabilities) -> None:
    """An id made before the row went outside opens it no more."""
    before = (await data(small(able, {}), '{ person(number: "1") { id } }'))["person"]["id"]
    text = f'{{ node(id: "{before}") {{ __typename ... on Person {{ name }} }} }}'
    assert (await data(small(able, {}), text))["node"] == {"__typename": "Person", "name": "Ann"}
    assert await data(small(able), text) == {"node": None}


async def test_relations_inside_one_source(able: Capabilities) -> None:
    text = '{ home(code: "h1") { people { nodes { name } } } persons { nodes { home { code } } } }'
    found = await data(small(able), text)
    assert found["home"] == {"people": {"nodes": []}}
    closed: Mapping[str, Predicate] = {"Home": Compare("code", "eq", Const("h2"), "String")}  # type: ignore[arg-type]
    found = await data(small(able, closed), "{ persons { nodes { number home { code } } } }")
    homes = {row["number"]: row["home"] for row in found["persons"]["nodes"]}
    assert homes == {"1": None, "2": None, "3": None, "4": {"code": "h2"}, "5": None}


async def test_relations_between_sources(able: Capabilities) -> None:
    found = await data(small(able), "{ jobs { nodes { person { name } } } }")
    assert found["jobs"]["nodes"] == [{"person": None}] * 3


async def test_filters_on_related_rows(able: Capabilities) -> None:
    world = small(able)
    some = '{ homes(filter: {people: {some: {name: {eq: "Ann"}}}}) { nodes { code } } }'
    assert await data(world, some) == {"homes": {"nodes": []}}
    one = '{ jobs(filter: {person: {name: {eq: "Ann"}}}) { nodes { jobId } } }'
    assert await data(world, one) == {"jobs": {"nodes": []}}
    none = '{ homes(filter: {people: {none: {name: {eq: "Ann"}}}}) { nodes { code } } }'
    assert len((await data(world, none))["homes"]["nodes"]) == 2


async def test_totals(able: Capabilities) -> None:
    found = await data(
        small(able), '{ persons { totalCount } home(code: "h1") { people { totalCount } } }'
    )
    assert found == {"persons": {"totalCount": 2}, "home": {"people": {"totalCount": 0}}}


async def test_figures(able: Capabilities) -> None:
    text = "{ personsAggregate(groupBy: NAME) { count group { name } max { age } } }"
    found = await data(small(able), text)
    assert sorted(str(group["group"]["name"]) for group in found["personsAggregate"]) == [
        "Cid", "None"
    ]  # fmt: skip
    assert {group["max"]["age"] for group in found["personsAggregate"]} == {20}


class Silent(PlainEngine):
    """Rules on every use and forgets the rows of a type."""

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        ruling = super().rule(subject, uses, context, implied)
        kept = {name: held for name, held in ruling.row_filters.items() if name != "Person"}
        return Ruling(
            epoch=ruling.epoch, outcomes=ruling.outcomes, params={}, reasons={},
            row_filters={TypeName(name): held for name, held in kept.items()},
        )  # fmt: skip


async def test_a_type_without_a_filter_has_no_row(able: Capabilities) -> None:
    world = Small(Silent(), capabilities=able)
    text = "{ persons { totalCount nodes { name } } jobs { nodes { person { name } } } }"
    found = await data(world, text)
    assert found["persons"] == {"totalCount": 0, "nodes": []}
    assert found["jobs"]["nodes"] == [{"person": None}] * 3

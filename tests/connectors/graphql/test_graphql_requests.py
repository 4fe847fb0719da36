"""What is asked of a server: no more than is needed, in few requests, values as variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.spi import Column
from schema.model.predicate import And, Compare, Const, In
from tests.connectors.graphql.asking import opened, read
from tests.connectors.graphql.saying import SDL, Asked, Wire, saying

pytestmark = pytest.mark.asyncio
ID = Column("id", "ID")
NAME = Column("name", "String")
PRICE = Column("price", "Decimal")
AT = Column("at", "DateTime")
HEIGHT = Column("/size/height", "Int")
SHAPE = Column("shape", "String")


@pytest.fixture
def schema(tmp_path: Path) -> str:
    """A file that holds the schema, so that nothing but the rows is asked for."""
    file = tmp_path / "schema.graphql"
    file.write_text(SDL, encoding="utf-8")
    return str(file)


def at(wire: Wire, schema: str, **more: Any) -> dict[str, Any]:
    return {"url": wire.url, "schema": schema, **more}


async def test_exactly_the_columns_that_are_needed(schema: str) -> None:
    rows = [
        {"size": {"height": 3}, "price": "12.50", "at": "2020-01-02T03:04:05.123456+01:00"},
        {"size": None, "price": 0.10, "at": None},
    ]
    async with saying(lambda _: {"data": {"r0": rows}}) as wire:
        tables = {"things": {"list": {"field": "things", "args": {"state": "OPEN"}}}}
        async with opened(at(wire, schema), tables) as held:
            got = await read(held, HEIGHT, PRICE, AT, known=(NAME, SHAPE))
    assert got == [(3, "12.50", "2020-01-02T02:04:05.123456Z"), (None, "0.1", None)]
    (asked,) = wire.asked
    assert asked.query == (
        "query($v0: String) { r0: things(state: $v0) { at price size { height } } }"
    )
    assert asked.variables == {"v0": "OPEN"}


async def test_a_field_of_a_field(schema: str) -> None:
    async with saying(lambda _: {"data": {"r0": {"things": [{"id": "1"}]}}}) as wire:
        tables = {"things": {"list": {"field": "shop.things"}}}
        async with opened(at(wire, schema), tables) as held:
            assert await read(held, ID) == [("1",)]
    assert wire.asked[0].query == "query { r0: shop { things { id } } }"


async def test_conditions_lie_in_input_objects_and_are_checked_again(schema: str) -> None:
    rows = [{"id": "1", "shape": "ROUND"}, {"id": "2", "shape": "FLAT"}]
    filters = {"shape": {"eq": "where.shape"}, "id": {"in": "where.ids"}}
    wish = And((Compare("shape", "eq", Const("ROUND"), "String"),
                In("id", (Const("1"), Const("2")), "ID")))  # fmt: skip
    async with saying(lambda _: {"data": {"r0": rows}}) as wire:
        tables = {"things": {"list": {"field": "things", "filters": filters}}}
        async with opened(at(wire, schema), tables) as held:
            assert await read(held, ID, known=(SHAPE,), wish=wish) == [("1",)]
            nowhere = Compare("shape", "eq", Const("SQUARE"), "String")
            assert await read(held, ID, known=(SHAPE,), wish=nowhere) == []
    (asked,) = wire.asked  # an enum has no other values: nothing is asked for one
    assert "things(where: {shape: $v0, ids: $v1})" in asked.query
    assert asked.variables == {"v0": "ROUND", "v1": ["1", "2"]}


async def test_keys_go_into_one_request_under_aliases(schema: str) -> None:
    def say(asked: Asked) -> Any:
        given = list(asked.variables.values())
        return {"data": {
            f"r{n}": None if key == "2" else {"id": key, "name": f"n{key}"}
            for n, key in enumerate(given)
        }}  # fmt: skip

    async with saying(say) as wire:
        tables = {"things": {"get": {"field": "thing", "args": {"id": "id"}, "max": 2}}}
        async with opened(at(wire, schema), tables) as held:
            got = await read(held, NAME, known=(ID,), key_columns=("id",), keys=["1", "2", "3"])
    assert sorted(got) == [("n1",), ("n3",)]
    assert sorted(len(asked.variables) for asked in wire.asked) == [1, 2]


async def test_lists_of_one_key_each_go_into_one_request(schema: str) -> None:
    def say(asked: Asked) -> Any:
        given = enumerate(asked.variables.values())
        return {"data": {f"r{n}": [{"id": name, "name": name}] for n, name in given}}

    async with saying(say) as wire:
        listed = {"field": "things", "filters": {"name": {"eq": "state"}}}
        async with opened(at(wire, schema), {"things": {"list": listed}}) as held:
            got = await read(held, ID, known=(NAME,), key_columns=("name",), keys=["a", "b"])
    assert got == [("a",), ("b",)]
    assert len(wire.asked) == 1


async def test_many_keys_by_a_list_a_bounded_number_at_once(schema: str) -> None:
    def say(asked: Asked) -> Any:
        (ids,) = asked.variables.values()
        return {"data": {"r0": [None, *({"id": key} for key in ids[1:]), {"id": "other"}]}}

    async with saying(say) as wire:
        many = {"field": "thingsBy", "arg": "ids", "key": "id", "max": 2}
        async with opened(at(wire, schema), {"things": {"get_many": many}}) as held:
            got = await read(held, ID, key_columns=("id",), keys=["1", "2", "3", "4"])
    assert sorted(got) == [("2",), ("4",)]  # and no row that nobody asked for
    assert len(wire.asked) == 2


@pytest.mark.parametrize(("count", "method"), [(2, "GET"), (900, "POST")])
async def test_by_get_unless_the_address_grew_too_long(
    schema: str, count: int, method: str
) -> None:
    keys = [f"key-{number}" for number in range(count)]
    async with saying(lambda asked: {"data": {"r0": [{"id": keys[0]}]}}) as wire:
        many = {"field": "thingsBy", "arg": "ids", "key": "id", "max": 1000}
        tables = {"things": {"get_many": many}}
        async with opened(at(wire, schema, method="GET"), tables) as held:
            assert await read(held, ID, key_columns=("id",), keys=keys) == [(keys[0],)]
    assert [asked.method for asked in wire.asked] == [method]
    assert wire.asked[0].headers["apollo-require-preflight"] == "true"


async def test_values_never_stand_in_the_text(schema: str) -> None:
    odd = '"}) { id } x: things { id } #'
    async with saying(lambda asked: {"data": {"r0": []}}) as wire:
        listed = {"field": "things", "filters": {"name": {"eq": "state"}}}
        async with opened(at(wire, schema), {"things": {"list": listed}}) as held:
            await read(held, ID, known=(NAME,), wish=Compare("name", "eq", Const(odd), "String"))
    assert odd not in wire.asked[0].query
    assert wire.asked[0].variables == {"v0": odd}


async def test_entities_by_several_fields_and_by_what_they_require(schema: str) -> None:
    rows = [{"id": "1", "size": {"height": 3}, "name": "a"}, None]
    async with saying(lambda _: {"data": {"r0": rows}}) as wire:
        entity = {"type": "Thing", "keys": [["id", "/size/height"]], "requires": ["price"]}
        async with opened(at(wire, schema), {"things": {"entity": entity}}) as held:
            got = await read(
                held, NAME, PRICE, known=(ID, HEIGHT),
                key_columns=("/size/height", "price", "id"),
                keys=[(3, "0.10", "1"), (4, "7", "2")],
            )  # fmt: skip
    assert got == [("a", "0.10")]
    (asked,) = wire.asked
    assert asked.query == (
        "query($v0: [_Any!]!) { r0: _entities(representations: $v0) "
        "{ ... on Thing { id name size { height } } } }"
    )
    assert asked.variables == {"v0": [
        {"__typename": "Thing", "size": {"height": 3}, "price": "0.10", "id": "1"},
        {"__typename": "Thing", "size": {"height": 4}, "price": "7", "id": "2"},
    ]}  # fmt: skip


async def test_rows_that_entities_list_have_the_key_they_were_asked_by(schema: str) -> None:
    entities = [
        {"parts": [{"code": "a"}, {"code": "b"}]},
        {"parts": []},
        {"parts": [{"code": "c"}]},
    ]
    of = Column("thing", "ID")
    code = Column("code", "String")
    async with saying(lambda _: {"data": {"r0": entities}}) as wire:
        through = {"type": "Thing", "key": {"id": "thing"}, "field": "parts"}
        async with opened(at(wire, schema), {"parts": {"through": [through]}}) as held:
            got = await read(
                held, of, code, table="parts", key_columns=("thing",), keys=["1", "2", "3"]
            )
            assert not held.capabilities.scans
    assert got == [("1", "a"), ("1", "b"), ("3", "c")]
    assert len(wire.asked) == 1

"""A Strawberry server read in many ways: the connector keeps every law in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec
import pytest

from connectors import contract
from connectors.graphql.connector import GraphqlConnector
from connectors.kit.sample import VALUES, TableData
from schema.model.scalar import ScalarKind
from tests.connectors.graphql.asking import SECRET, Sample, connector, loader

FEW = frozenset({"ID", "String", "Int", "Decimal", "Boolean"})
BY_ID = {"type": "Thing", "keys": [["id"]], "max": 40}
WHERE = {
    "id": {"in": "where.id", "eq": "where.sameId", "max": 30},
    "name": {
        "eq": "where.name.eq", "in": "where.name.in", "prefix": "where.name.startsWith",
        "contains": "where.name.contains",
    },
    "amount": {
        "eq": "where.amount.eq", "range": {"ge": "where.amount.gte", "le": "where.amount.lte"}
    },
    "flag": {"eq": "where.flag"},
}  # fmt: skip


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One way to read a server."""

    door: str = "plain"
    connect: Mapping[str, Any] = {}
    secret: str | None = None
    tables: Mapping[str, Any]
    kinds: frozenset[str] = FEW


RELAY = {
    "items": "/edges", "row": "/node",
    "paging": {"kind": "cursor", "size": "first", "max": 60},
}  # fmt: skip
FAST = {
    "a subgraph: entities, Relay cursors, conditions in input objects, bearer": Variant(
        door="subgraph",
        connect={"auth": {"bearer": "${secret}"}},
        secret=SECRET,
        tables={
            "things": {
                "list": {"field": "thingsConnection", **RELAY, "filters": WHERE},
                "entity": BY_ID,
            },
            "children": {"list": {"field": "childrenConnection", **RELAY}},
        },
        kinds=frozenset({"String", "Int", "Decimal"}),
    ),
}
SLOW = {
    "lists that come whole, every kind": Variant(
        tables={
            "things": {"list": {"field": "allThings"}},
            "children": {"list": {"field": "allChildren"}},
        },
        kinds=frozenset(VALUES),
    ),
    "offsets and a cap, look-ups under aliases": Variant(
        tables={
            "things": {
                "list": {
                    "field": "things", "filters": WHERE,
                    "paging": {"kind": "offset", "size": "limit", "max": 100},
                },
                "get": {"field": "thingsById", "args": {"id": "id"}, "max": 20},
            },
            "children": {
                "list": {"field": "children", "paging": {"kind": "offset", "size": "limit"}}
            },
        },
        kinds=frozenset({"String", "Int", "Decimal"}),
    ),
    "pages with a total, many by a list, by GET": Variant(
        connect={"method": "GET"},
        tables={
            name: {
                "list": {
                    "field": f"{name}Page", "items": "/items",
                    "paging": {"kind": "page", "size": "size", "max": 80, "total": "/total"},
                },
                "get_many": {"field": f"{name}ByIds", "arg": "ids", "key": "id", "max": 30},
            }
            for name in ("things", "children")
        },
        kinds=frozenset({"Int", "Date", "DateTime", "LocalDateTime", "Time"}),
    ),
}  # fmt: skip


NODE = {
    "things": {
        "list": {
            "field": "things",
            "paging": {"kind": "offset", "size": "limit", "max": 30},
            "filters": {
                "id": {"in": "ids", "eq": "is"}, "name": {"in": "names", "eq": "name"},
                "flag": {"eq": "flag"},
            },
        },
        "entity": BY_ID,
    },
    "children": {"list": {"field": "children"}},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "kinds"),
    [("POST", {"Int", "ID", "Decimal", "BigInt"}), ("GET", {"Int", "String", "Float", "Boolean"})],
)
async def test_the_laws_over_apollo(
    shop: Mapping[str, str], method: str, kinds: set[ScalarKind]
) -> None:
    url = shop["contract"]

    async def make(data: Sequence[TableData]) -> GraphqlConnector:
        rows = {table.name: table.rows for table in data}
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(f"{url}rows", json=rows)).raise_for_status()
        made = connector({"url": url, "method": method}, NODE)
        await made.open()
        return made

    held = contract.Setting(kinds=frozenset(kinds), asks=15, secret=(url,))
    report = await contract.check(make, held)
    wrong = [one for one in report.failures if one.check != "discovered"]
    assert not wrong, wrong


async def _holds(url: str, held: Variant, asks: int) -> None:
    sample = Sample(url, held.door, held.secret)
    report = await contract.check(
        loader(sample, held.connect, held.tables),
        contract.Setting(
            kinds=held.kinds,
            asks=asks,
            secret=(SECRET, "127.0.0.1", sample.url),
            fail=sample.gone,
        ),
    )
    # tables are named by types in what is discovered, and both have one type
    wrong = [one for one in report.failures if one.check != "discovered"]
    assert not wrong, wrong


@pytest.mark.asyncio
@pytest.mark.parametrize("name", FAST)
async def test_the_laws(graphql_url: str, name: str) -> None:
    await _holds(graphql_url, FAST[name], 10)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("name", SLOW)
async def test_the_laws_in_every_way(graphql_url: str, name: str) -> None:
    await _holds(graphql_url, SLOW[name], 15)

"""The gateway over the shop's real subgraphs, on Node and on Strawberry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.gateway import Gateway
from hub.gateway.run.transport import HttpTransport
from tests.connectors.graphql.test_graphql_shop import counts

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


@asynccontextmanager
async def gateway(shop: Mapping[str, str]) -> AsyncIterator[Gateway]:
    """The gateway over what the subgraphs say of themselves."""
    graphs = []
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, url in shop.items():
            told = await client.post(url, json={"query": "{ _service { sdl } }"})
            graphs.append(Subgraph(name, url, told.json()["data"]["_service"]["sdl"]))
    transport = HttpTransport()
    try:
        yield Gateway(compose(graphs), transport)
    finally:
        await transport.close()


async def test_one_operation_over_four_subgraphs(shop: Mapping[str, str]) -> None:
    async with gateway({n: u for n, u in shop.items() if n != "contract"}) as held:
        await counts(shop)
        told = await held.answer(
            """query Shop($first: Int!) { topProducts(first: $first) {
              upc title size { height } shape inStock shippingEstimate
              reviews { stars product { t: price } author { name } } } }""",
            variables={"first": 2},
        )
        asked = await counts(shop)
    assert asked == {"products": 2, "inventory": 1, "reviews": 1, "accounts": 1}
    assert told == {"data": {"topProducts": [
        {
            "upc": "p1", "title": "Lamp", "size": {"height": 10}, "shape": "ROUND", "inStock": 7,
            "shippingEstimate": 6,
            "reviews": [
                {"stars": 5, "product": {"t": 40}, "author": {"name": "Ada"}},
                {"stars": 2, "product": {"t": 40}, "author": {"name": "Ben"}},
            ],
        },
        {
            "upc": "p2", "title": "Chair", "size": {"height": 90}, "shape": "FLAT", "inStock": 0,
            "shippingEstimate": 0,
            "reviews": [{"stars": 4, "product": {"t": 120}, "author": {"name": "Ada"}}],
        },
    ]}}  # fmt: skip


async def test_errors_keep_their_message_and_get_the_whole_path(shop: Mapping[str, str]) -> None:
    async with gateway({n: u for n, u in shop.items() if n != "contract"}) as held:
        told = await held.answer("{ users { name all: reviews { stars text: body } } }")
    assert [user["name"] for user in told["data"]["users"]] == ["Ada", "Ben"]
    assert told["data"]["users"][0]["all"][1] == {"stars": 4, "text": None}
    (error,) = told["errors"]
    assert error["path"] == ["users", 0, "all", 1, "text"]
    assert error["message"] == "the reviews database at 10.0.0.7 is down"
    assert error["extensions"]["serviceName"] == "reviews"


async def test_the_schema_that_clients_see(shop: Mapping[str, str]) -> None:
    async with gateway({n: u for n, u in shop.items() if n != "contract"}) as held:
        told = await held.answer('{ __type(name: "Product") { fields { name } } }')
    names = [field["name"] for field in told["data"]["__type"]["fields"]]
    assert "costPrice" not in names
    assert {"upc", "title", "reviews", "inStock", "shippingEstimate"} <= set(names)

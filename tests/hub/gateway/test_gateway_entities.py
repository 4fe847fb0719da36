"""Entities joined across subgraphs: keys of every form, shared fields, what others require."""

from __future__ import annotations

import pytest

from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio

PRODUCTS = Service(
    """type Query { products: [Product!]! first: Product }
       type Product @key(fields: "id") { id: ID! title: String price: Int }""",
    {
        "products": [
            {"id": "1", "title": "Lamp", "price": 40},
            {"id": "2", "title": "Desk", "price": 300},
        ],
        "first": {"id": "1", "title": "Lamp", "price": 40},
    },
    {"Product": [{"id": "1", "title": "Lamp", "price": 40},
                 {"id": "2", "title": "Desk", "price": 300}]},
)  # fmt: skip
REVIEWS = Service(
    """type Query { reviews: [Review!]! }
       type Review { stars: Int product: Product }
       type Product @key(fields: "id") { id: ID! reviews: [Review!]! }""",
    {"reviews": [{"stars": 5, "product": {"id": "1"}}, {"stars": 3, "product": {"id": "2"}}]},
    {"Product": [{"id": "1", "reviews": [{"stars": 5, "product": {"id": "1"}}]},
                 {"id": "2", "reviews": [{"stars": 3, "product": {"id": "2"}}]}]},
)  # fmt: skip


async def test_a_field_of_another_subgraph_is_joined_by_key() -> None:
    async with world(products=PRODUCTS, reviews=REVIEWS) as held:
        told = await held.data("{ products { title reviews { stars } } }")
        assert held.requests == {"products": 1, "reviews": 1}
    assert told == {"products": [
        {"title": "Lamp", "reviews": [{"stars": 5}]}, {"title": "Desk", "reviews": [{"stars": 3}]},
    ]}  # fmt: skip


async def test_back_and_forth() -> None:
    async with world(products=PRODUCTS, reviews=REVIEWS) as held:
        told = await held.data(
            "{ first { reviews { p: product { title id reviews { stars } } } } }"
        )
        assert held.requests == {"products": 2, "reviews": 1}
    assert told == {
        "first": {"reviews": [{"p": {"title": "Lamp", "id": "1", "reviews": [{"stars": 5}]}}]}
    }

"""Objects that lack one of a subgraph's keys are asked about by another; by-names of one type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


def sent(service: Service) -> list[Any]:
    """The representations of the one request."""
    (body,) = service.asked
    return list(body["variables"]["representations"])


async def test_each_object_by_a_key_that_it_has() -> None:
    rows = [
        {"id": "1", "upc": "a"}, {"id": None, "upc": "b"}, {"id": "3", "upc": None},
        {"id": None, "upc": None},
    ]  # fmt: skip
    a = Service(
        """type Query { all: [Product!]! }
           type Product @key(fields: "id") @key(fields: "upc") { id: ID upc: ID }""",
        {"all": rows},
        {"Product": rows},
    )
    b = Service(
        """type Product @key(fields: "id") @key(fields: "upc") { id: ID upc: ID name: String }""",
        {},
        {"Product": [{"id": "1", "upc": "a", "name": "one"},
                     {"id": None, "upc": "b", "name": "two"}, {"id": "3", "name": "three"}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ all { name } }") == {
            "all": [{"name": "one"}, {"name": "two"}, {"name": "three"}, {"name": None}]
        }
        assert held.requests == {"a": 1, "b": 1}
        assert sent(held.services["b"]) == [
            {"__typename": "Product", "id": "1"},
            {"__typename": "Product", "upc": "b"},
            {"__typename": "Product", "id": "3"},
        ]
        assert await held.data("{ all { upc name } }") == {
            "all": [
                {"upc": "a", "name": "one"},
                {"upc": "b", "name": "two"},
                {"upc": None, "name": "three"},
                {"upc": None, "name": None},
            ]
        }


async def test_nested_keys_with_nulls_and_requirements_beside() -> None:
    rows = [
        {"org": {"code": "x"}, "tags": ["t"], "w": 1},
        {"org": None, "tags": ["u", "v"], "w": 2},
        {"org": {"code": None}, "tags": ["z"], "w": 3},
        {"org": None, "tags": None, "w": 4},
    ]
    key = """type Unit @key(fields: "org { code }") @key(fields: "tags") { org: Org tags: [String!]
      %s } type Org @shareable { code: String }"""
    a = Service("type Query { all: [Unit] }" + key % "w: Int", {"all": rows}, {"Unit": rows})
    more = """w: Int @external cost: Int @requires(fields: "w") floor: Int"""
    cost = {"cost": lambda me, _: me["w"] * 10}
    known = [{**row, **cost, "floor": row["w"]} for row in rows[:3]]
    b = Service(key % more, {}, {"Unit": [{k: v for k, v in one.items() if k != "w"}
                                          for one in known]})  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ all { floor cost } }") == {
            "all": [{"floor": 1, "cost": 10}, {"floor": 2, "cost": 20}, {"floor": 3, "cost": 30},
                    {"floor": None, "cost": None}]
        }  # fmt: skip
        assert held.requests == {"a": 1, "b": 1}


async def test_another_key_by_way_of_a_third_subgraph() -> None:
    a = Service(
        """type Query { all: [P] } type P @key(fields: "id") { id: ID! }""",
        {"all": [{"id": "1"}, {"id": "2"}, {"id": "3"}]},
    )
    b = Service(
        """type P @key(fields: "id") @key(fields: "x") @key(fields: "y") { id: ID! x: ID y: ID }""",
        {},
        {"P": [{"id": "1", "x": "x1", "y": None}, {"id": "2", "x": None, "y": "y2"}]},
    )
    c = Service(
        """type P @key(fields: "x") @key(fields: "y") { x: ID y: ID n: Int }""",
        {},
        {"P": [{"x": "x1", "y": None, "n": 1}, {"x": None, "y": "y2", "n": 2}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ all { n } }") == {"all": [{"n": 1}, {"n": 2}, {"n": None}]}
        assert held.requests == {"a": 1, "b": 1, "c": 1}


async def test_objects_by_the_names_of_two_interfaces() -> None:
    rows = [{"__typename": "Book", "id": "1"}, {"__typename": "Film", "id": "2"}]
    a = Service(
        """type Query { media: [Media!]! sold: [Sold!]! book: Book }
           interface Media @key(fields: "id") { id: ID! }
           interface Sold @key(fields: "id") { id: ID! }
           type Book implements Media & Sold @key(fields: "id") { id: ID! }
           type Film implements Media & Sold @key(fields: "id") { id: ID! }""",
        {"media": rows, "sold": rows, "book": rows[0]},
        {"Media": rows, "Sold": rows, "Book": [{"id": "1"}], "Film": [{"id": "2"}]},
    )
    b = Service(
        """type Query { some: [Media!]! }
           type Media @interfaceObject @key(fields: "id") { id: ID! title: String }
           type Sold @interfaceObject @key(fields: "id") { id: ID! price: Int next: Sold }""",
        {"some": [{"id": "2", "title": "t2"}]},
        {"Media": [{"id": "1", "title": "t1"}, {"id": "2", "title": "t2"}],
         "Sold": [{"id": "1", "price": 10, "next": {"id": "2"}}, {"id": "2", "price": 20}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ media { title ... on Book { price } } }") == {
            "media": [{"title": "t1", "price": 10}, {"title": "t2"}]
        }
        assert await held.data("{ sold { price ... on Media { title } __typename } }") == {
            "sold": [{"price": 10, "title": "t1", "__typename": "Book"},
                     {"price": 20, "title": "t2", "__typename": "Film"}]
        }  # fmt: skip
        assert await held.data("{ book { title price next { price ... on Film { title } } } }") == {
            "book": {"title": "t1", "price": 10, "next": {"price": 20, "title": "t2"}}
        }
        assert await held.data("{ some { title ... on Film { price } ... on Book { id } } }") == {
            "some": [{"title": "t2", "price": 20}]
        }
        assert await held.data("{ some { ... on Sold { price next { id } } } }") == {
            "some": [{"price": 20, "next": None}]
        }

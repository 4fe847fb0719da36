"""Ways from one subgraph to another: several keys, through a third, by the parent, null keys."""

from __future__ import annotations

import pytest

from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


async def test_a_third_subgraph_knows_the_other_key() -> None:
    a = Service(
        """type Query { one: Product } type Product @key(fields: "id") { id: ID! }""",
        {"one": {"id": "1"}},
        {"Product": [{"id": "1"}]},
    )
    b = Service(
        """type Product @key(fields: "id") @key(fields: "upc") { id: ID! upc: ID! }""",
        {},
        {"Product": [{"id": "1", "upc": "u1"}]},
    )
    c = Service(
        """type Product @key(fields: "upc") { upc: ID! price: Int }""",
        {},
        {"Product": [{"upc": "u1", "price": 7}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ one { price } }") == {"one": {"price": 7}}
        assert held.requests == {"a": 1, "b": 1, "c": 1}
        assert await held.data("{ one { price upc id } }") == {
            "one": {"price": 7, "upc": "u1", "id": "1"}
        }
        assert held.requests == {"a": 1, "b": 1, "c": 1}


async def test_composite_and_nested_keys() -> None:
    a = Service(
        """type Query { units: [Unit!]! }
           type Unit @key(fields: "number org { code }") { number: Int! org: Org! }
           type Org { code: String! @shareable }""",
        {"units": [{"number": 1, "org": {"code": "x"}}, {"number": 1, "org": {"code": "y"}}]},
        {"Unit": []},
    )
    b = Service(
        """type Unit @key(fields: "number org { code }") { number: Int! org: Org! floor: Int }
           type Org { code: String! @shareable }""",
        {},
        {"Unit": [{"number": 1, "org": {"code": "x"}, "floor": 10},
                  {"number": 1, "org": {"code": "y"}, "floor": 20}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ units { floor o: org { c: code } } }") == {
            "units": [{"floor": 10, "o": {"c": "x"}}, {"floor": 20, "o": {"c": "y"}}]
        }
        assert held.requests == {"a": 1, "b": 1}


async def test_a_null_key_is_not_asked_about() -> None:
    a = Service(
        """type Query { all: [Box] } type Box { product: Product }
           type Product @key(fields: "upc") { upc: ID }""",
        {"all": [{"product": {"upc": "1"}}, {"product": {"upc": None}}, None, {"product": None}]},
        {"Product": []},
    )
    b = Service(
        """type Product @key(fields: "upc") { upc: ID name: String }""",
        {},
        {"Product": [{"upc": "1", "name": "Lamp"}]},
    )
    async with world(a=a, b=b) as held:
        told = await held.data("{ all { product { name } } }")
        assert told == {"all": [
            {"product": {"name": "Lamp"}}, {"product": {"name": None}}, None, {"product": None},
        ]}  # fmt: skip
        assert held.services["b"].asked[0]["variables"] == {
            "representations": [{"__typename": "Product", "upc": "1"}]
        }


async def test_equal_objects_are_asked_about_once() -> None:
    a = Service(
        """type Query { all: [Product!]! } type Product @key(fields: "id") { id: ID! }""",
        {"all": [{"id": "1"}, {"id": "2"}, {"id": "1"}]},
        {"Product": []},
    )
    b = Service(
        """type Product @key(fields: "id") { id: ID! name: String }""",
        {},
        {"Product": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]},
    )
    async with world(a=a, b=b) as held:
        told = await held.data("{ all { name } }")
        assert told == {"all": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}
        assert len(held.services["b"].asked[0]["variables"]["representations"]) == 2


async def test_a_part_without_key_is_reached_by_its_parent() -> None:
    a = Service(
        """type Query { one: Product } type Product @key(fields: "id") { id: ID! size: Size }
           type Size @shareable { height: Int }""",
        {"one": {"id": "1", "size": {"height": 3}}},
        {"Product": []},
    )
    b = Service(
        """type Product @key(fields: "id") { id: ID! size: Size @shareable }
           type Size @shareable { width: Int }""",
        {},
        {"Product": [{"id": "1", "size": {"width": 4}}]},
    )
    a.sdl = a.sdl.replace("size: Size }", "size: Size @shareable }")
    async with world(a=a, b=b) as held:
        assert await held.data("{ one { size { width height } } }") == {
            "one": {"size": {"width": 4, "height": 3}}
        }
        assert await held.data("{ one { size { width } } }") == {"one": {"size": {"width": 4}}}


async def test_shared_root_fields_are_merged_with_their_lists() -> None:
    a = Service(
        """type Query { rows: [[V]] @shareable one: V @shareable }
           type V @shareable { x: Int n: N } type N { p: Int @shareable }""",
        {"rows": [[{"x": 1, "n": {"p": 5}}], [{"x": 2, "n": None}]], "one": {"x": 9}},
    )
    b = Service(
        """type Query { rows: [[V]] @shareable one: V @shareable }
           type V @shareable { y: Int n: N } type N { q: Int @shareable }""",
        {"rows": [[{"y": 1, "n": {"q": 6}}], [{"y": 2, "n": None}]], "one": {"y": 8}},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ rows { x y n { p q } } one { y } }") == {
            "rows": [[{"x": 1, "y": 1, "n": {"p": 5, "q": 6}}], [{"x": 2, "y": 2, "n": None}]],
            "one": {"y": 8},
        }
        assert held.requests == {"a": 1, "b": 1}
        assert await held.data("{ one { x } }") == {"one": {"x": 9}}
        assert held.requests == {"a": 1}


async def test_a_key_that_cannot_be_resolved_is_no_way() -> None:
    a = Service(
        """type Query { one: User } type User @key(fields: "id") { id: ID! name: String }""",
        {"one": {"id": "1", "name": "Ada"}},
        {"User": [{"id": "1", "name": "Ada"}]},
    )
    b = Service(
        """type Query { posts: [Post!]! } type Post { author: User! text: String }
           type User @key(fields: "id", resolvable: false) { id: ID! }""",
        {"posts": [{"author": {"id": "1"}, "text": "hi"}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ posts { text author { name } } }") == {
            "posts": [{"text": "hi", "author": {"name": "Ada"}}]
        }


async def test_root_types_of_any_name() -> None:
    a = Service("""schema { query: Root } type Root { a: Int }""", {"a": 1})
    b = Service("""type Query { b: Int c: Query }""", {"b": 2, "c": {"b": 2}})
    async with world(a=a, b=b) as held:
        assert await held.data("{ a b c { a b __typename } __typename }") == {
            "a": 1, "b": 2, "c": {"a": 1, "b": 2, "__typename": "Query"}, "__typename": "Query",
        }  # fmt: skip


async def test_an_overridden_field_comes_from_whom_took_it() -> None:
    a = Service(
        """type Query { one: User }
           type User @key(fields: "id") { id: ID! name: String }""",
        {"one": {"id": "1", "name": "old"}},
        {"User": [{"id": "1", "name": "old"}]},
    )
    b = Service(
        """type User @key(fields: "id") { id: ID! name: String @override(from: "a") }""",
        {},
        {"User": [{"id": "1", "name": "new"}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ one { name } }") == {"one": {"name": "new"}}


async def test_keys_made_of_lists_that_others_complete() -> None:
    a = Service(
        """type Query { basket: Basket }
           type Basket @key(fields: "items { id }") { items: [Item!]! @shareable }
           type Item @key(fields: "id") { id: ID! }""",
        {"basket": {"items": [{"id": "1"}, {"id": "2"}]}},
        {"Basket": [], "Item": [{"id": "1"}, {"id": "2"}]},
    )
    b = Service(
        """type Item @key(fields: "id") { id: ID! kind: Kind } type Kind @key(fields: "tag")
             { tag: String! }""",
        {},
        {"Item": [{"id": "1", "kind": {"tag": "x"}}, {"id": "2", "kind": {"tag": "y"}}],
         "Kind": []},
    )  # fmt: skip
    c = Service(
        """type Basket @key(fields: "items { id kind { tag } }") {
             items: [Item!]! @shareable total: Int first: Item }
           type Item @key(fields: "id") { id: ID! kind: Kind @external price: Int }
           type Kind { tag: String! @external }""",
        {},
        {"Basket": [{"total": lambda o, _: len(o["items"]), "first": {"id": "1"},
                     "items": [{"id": "1", "kind": {"tag": "x"}},
                               {"id": "2", "kind": {"tag": "y"}}]}],
         "Item": [{"id": "1", "price": 5}, {"id": "2", "price": 6}]},
    )  # fmt: skip
    d = Service(
        """type Basket @key(fields: "items { id }") { items: [Item!]! @shareable name: String }
           type Item @key(fields: "id") { id: ID! }""",
        {},
        {"Basket": [{"name": "mine", "items": [{"id": "1"}, {"id": "2"}]}], "Item": []},
    )
    async with world(a=a, b=b, d=d) as held:
        told = await held.data("{ basket { name items { kind { tag } } } }")
        assert told == {
            "basket": {"name": "mine", "items": [{"kind": {"tag": "x"}}, {"kind": {"tag": "y"}}]}
        }
        assert held.services["d"].asked[0]["variables"]["representations"] == [
            {"__typename": "Basket", "items": [{"id": "1"}, {"id": "2"}]}
        ]
    async with world(a=a, b=b, c=c) as held:
        told = await held.data("{ basket { total first { price kind { tag } } items { price } } }")
        assert told == {
            "basket": {
                "total": 2, "first": {"price": 5, "kind": {"tag": "x"}},
                "items": [{"price": 5}, {"price": 6}],
            }
        }  # fmt: skip

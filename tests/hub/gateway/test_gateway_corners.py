"""Rare forms: stand-ins of stand-ins, parts of parts, types that only some subgraphs know."""

from __future__ import annotations

import pytest

from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


async def test_two_stand_ins_for_one_interface() -> None:
    a = Service(
        """type Query { accounts: [Account!]! }
           interface Account @key(fields: "id") { id: ID! }
           type Admin implements Account @key(fields: "id") { id: ID! rank: Int }
           type Guest implements Account @key(fields: "id") { id: ID! until: Int }""",
        {"accounts": [{"__typename": "Admin", "id": "1", "rank": 1},
                      {"__typename": "Guest", "id": "2", "until": 9}]},
        {"Account": [{"__typename": "Admin", "id": "1", "rank": 1},
                     {"__typename": "Guest", "id": "2", "until": 9}],
         "Admin": [{"id": "1", "rank": 1}], "Guest": [{"id": "2", "until": 9}]},
    )  # fmt: skip
    b = Service(
        """type Query { some: [Account!]! }
           type Account @interfaceObject @key(fields: "id") { id: ID! name: String }""",
        {"some": [{"id": "2", "name": "b"}]},
        {"Account": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]},
    )
    c = Service(
        """type Account @interfaceObject @key(fields: "id") { id: ID! age: Int
             friends: [Account!]! }""",
        {},
        {"Account": [{"id": "1", "age": 10, "friends": [{"id": "2"}]},
                     {"id": "2", "age": 20, "friends": []}]},
    )  # fmt: skip
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ some { name age } }") == {"some": [{"name": "b", "age": 20}]}
        assert held.requests == {"b": 1, "c": 1}
        assert await held.data(
            "{ accounts { name age friends { age name ... on Guest { until } } } }"
        ) == {
            "accounts": [
                {"name": "a", "age": 10, "friends": [{"age": 20, "name": "b", "until": 9}]},
                {"name": "b", "age": 20, "friends": []},
            ]
        }
        assert await held.data(
            "{ some { age ... on Admin { rank } ... on Guest { until name } } }"
        ) == {"some": [{"age": 20, "until": 9, "name": "b"}]}
        assert await held.data("{ accounts { friends { __typename friends { id } } } }") == {
            "accounts": [{"friends": [{"__typename": "Guest", "friends": []}]}, {"friends": []}]
        }


async def test_a_stand_in_that_cannot_be_asked() -> None:
    a = Service(
        """type Query { product: Product }
           interface Product @key(fields: "id") { id: ID! name: String }
           type Bread implements Product @key(fields: "id") { id: ID! name: String }""",
        {"product": {"__typename": "Bread", "id": "1", "name": "rye"}},
        {"Product": [{"__typename": "Bread", "id": "1", "name": "rye"}]},
    )
    b = Service(
        """type Query { best: Product }
           type Product @interfaceObject @key(fields: "id", resolvable: false) { id: ID! }""",
        {"best": {"id": "1"}},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ best { id } }") == {"best": {"id": "1"}}
        assert held.requests == {"b": 1}
        assert await held.data("{ best { id name __typename } }") == {
            "best": {"id": "1", "name": "rye", "__typename": "Bread"}
        }
        assert await held.data("{ product { ... on Bread { id } } }") == {"product": {"id": "1"}}


async def test_parts_of_parts_by_the_parents_key() -> None:
    a = Service(
        """type Query { product: Product }
           type Product @key(fields: "id") { id: ID! category: Category @shareable }
           type Category @shareable { details: Details } type Details @shareable { a: Int }""",
        {"product": {"id": "1", "category": {"details": {"a": 1}}}},
        {"Product": [{"id": "1", "category": {"details": {"a": 1}}}]},
    )
    b = Service(
        """type Product @key(fields: "id") @key(fields: "pid") { id: ID! pid: ID! }""",
        {},
        {"Product": [{"id": "1", "pid": "p"}]},
    )
    c = Service(
        """type Product @key(fields: "pid") { pid: ID! category: Category @shareable }
           type Category @shareable { details: Details n: Int }
           type Details @shareable { b: Int list: [Deep] }
           type Deep { x: Int }""",
        {},
        {"Product": [{"pid": "p", "category": {"n": 3, "details": {"b": 2, "list": [{"x": 4}]}}}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ product { category { n details { a b list { x } } } } }") == {
            "product": {"category": {"n": 3, "details": {"a": 1, "b": 2, "list": [{"x": 4}]}}}
        }


async def test_an_interface_field_that_one_member_has_elsewhere() -> None:
    a = Service(
        """type Query { feed: [Post] } interface Post { id: ID! at: String! }
           type Image implements Post @key(fields: "id") { id: ID! at: String! }
           type Text implements Post @key(fields: "id") { id: ID! at: String! }""",
        {"feed": [{"__typename": "Image", "id": "i", "at": "old"},
                  {"__typename": "Text", "id": "t", "at": "t-at"}]},
        {"Image": [{"id": "i", "at": "old"}], "Text": []},
    )  # fmt: skip
    b = Service(
        """type Query { other: [Other] } interface Other { id: ID! at: String! }
           type Image implements Other @key(fields: "id") {
             id: ID! at: String! @override(from: "a") }""",
        {"other": [{"__typename": "Image", "id": "i", "at": "new"}]},
        {"Image": [{"id": "i", "at": "new"}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ feed { id at } other { at id } }") == {
            "feed": [{"id": "i", "at": "new"}, {"id": "t", "at": "t-at"}],
            "other": [{"at": "new", "id": "i"}],
        }


async def test_interfaces_that_refer_to_themselves() -> None:
    a = Service(
        """type Query { product: Product } interface Product { samePriceProduct: Product }
           type Book implements Product @key(fields: "id") { id: ID! samePriceProduct: Book
             @provides(fields: "price") price: Float @external }""",
        {"product": {"__typename": "Book", "id": "1",
                     "samePriceProduct": {"__typename": "Book", "id": "3", "price": 1.5}}},
        {"Book": [{"id": "1", "samePriceProduct": {"__typename": "Book", "id": "3", "price": 1.5}},
                  {"id": "3", "samePriceProduct": {"__typename": "Book", "id": "1"}}]},
    )  # fmt: skip
    b = Service(
        """interface Product { price: Float }
           type Book implements Product @key(fields: "id") { id: ID! price: Float @shareable }""",
        {},
        {"Book": [{"id": "1", "price": 1.5}, {"id": "3", "price": 1.5}]},
    )
    async with world(a=a, b=b) as held:
        text = """{ product { samePriceProduct { ... on Book { id price }
          samePriceProduct { __typename ... on Book { id } } } price } }"""
        assert await held.data(text) == {
            "product": {
                "samePriceProduct": {
                    "id": "3", "price": 1.5,
                    "samePriceProduct": {"__typename": "Book", "id": "1"},
                },
                "price": 1.5,
            }
        }  # fmt: skip


async def test_requirements_that_cross_back_and_forth() -> None:
    a = Service(
        """type Query { feed: [Post] } type Post @key(fields: "id") { id: ID!
             byNovice: Boolean! @external byExpert: Boolean! @requires(fields: "byNovice") }""",
        {"feed": [{"id": "1"}]},
        {"Post": [{"id": "1", "byExpert": lambda o, _: not o["byNovice"]}]},
    )
    b = Service(
        """type Post @key(fields: "id") { id: ID! author: Author! @external
             byNovice: Boolean! @requires(fields: "author { yearsOfExperience }") }
           type Author @key(fields: "id") { id: ID! yearsOfExperience: Int! @external }""",
        {},
        {"Post": [{"id": "1", "byNovice": lambda o, _: o["author"]["yearsOfExperience"] < 10}]},
    )
    c = Service(
        """type Post @key(fields: "id") { id: ID! author: Author! }
           type Author @key(fields: "id") { id: ID! name: String! yearsOfExperience: Int! }""",
        {},
        {"Post": [{"id": "1", "author": {"id": "a", "name": "A", "yearsOfExperience": 12}}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ feed { byNovice } }") == {"feed": [{"byNovice": False}]}
        assert await held.data("{ feed { byExpert author { name } } }") == {
            "feed": [{"byExpert": True, "author": {"name": "A"}}]
        }


async def test_requirements_on_interface_fields() -> None:
    a = Service(
        """type Query { me: User } type User @key(fields: "id") { id: ID! address: Address }
           interface Address { id: ID! } type Home implements Address @key(fields: "id") { id: ID!
             city: String } type Work implements Address @key(fields: "id") { id: ID! }""",
        {"me": {"id": "1", "address": {"__typename": "Home", "id": "h", "city": "Oslo"}}},
        {"User": [], "Home": [], "Work": []},
    )
    b = Service(
        """type User @key(fields: "id") { id: ID! address: Address @external
             told: String @requires(fields: "address { id ... on Home { city } }")
             plain: String @requires(fields: "address { id }") }
           interface Address { id: ID! }
           type Home implements Address { id: ID! @external city: String @external }
           type Work implements Address { id: ID! @external }""",
        {},
        {"User": [{"id": "1", "told": lambda o, _: o["address"]["id"] + o["address"]["city"],
                   "plain": lambda o, _: o["address"]["__typename"] + o["address"]["id"]}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ me { told plain } }") == {
            "me": {"told": "hOslo", "plain": "Homeh"}
        }


async def test_an_alias_that_is_the_name_of_a_key() -> None:
    a = Service(
        """type Query { one: P } type P @key(fields: "id") { id: ID! t: String }""",
        {"one": {"id": "1", "t": "title"}},
        {"P": [{"id": "1", "t": "title"}]},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! name(x: Int): String o: P }""",
        {},
        {"P": [{"id": "1", "name": lambda o, a: f"n{a.get('x')}", "o": {"id": "1"}}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ one { id: t t: id name: name(x: 1) n: name o { id: t } } }") == {
            "one": {"id": "title", "t": "1", "name": "n1", "n": "nNone", "o": {"id": "title"}}
        }


async def test_inputs_are_what_all_subgraphs_take() -> None:
    a = Service(
        """type Query { a(f: F, k: K): String } input F { first: Int second: Int }
           enum K { ONE TWO }""",
        {"a": lambda _, a: str(a)},
    )
    b = Service(
        """type Query { b(f: F, k: K): String } input F { first: Int! } enum K { ONE }""",
        {"b": lambda _, a: str(a)},
    )
    async with world(a=a, b=b) as held:
        text = "query($f: F) { a(f: $f, k: ONE) b(f: {first: 2}) }"
        assert await held.data(text, {"f": {"first": 1}}) == {
            "a": "{'f': {'first': 1}, 'k': 'ONE'}", "b": "{'f': {'first': 2}}",
        }  # fmt: skip


async def test_a_shared_field_goes_where_most_is_answered() -> None:
    sdl = """type Query { user: User @shareable }
             type User @key(fields: "id") { id: ID! %s: Int }"""
    a = Service(sdl % "a", {"user": {"id": "1", "a": 1}}, {"User": [{"id": "1", "a": 1}]})
    b = Service(sdl % "b", {"user": {"id": "1", "b": 2}}, {"User": [{"id": "1", "b": 2}]})
    async with world(a=a, b=b) as held:
        assert await held.data("{ user { b } }") == {"user": {"b": 2}}
        assert held.requests == {"b": 1}
        assert await held.data("{ user { a b } }") == {"user": {"a": 1, "b": 2}}
        assert sum(held.requests.values()) == 2


async def test_members_of_a_shared_union_that_only_one_subgraph_has() -> None:
    sdl = """type Query { it: It @shareable } union It = Both | %s
             type Both @key(fields: "id") { id: ID! %s: Int } type %s { x: Part }
             type Part @shareable { %s: Int }"""
    a = Service(sdl % ("A", "a", "A", "p"), {"it": {"__typename": "Both", "id": "1", "a": 1}},
                {"Both": [{"id": "1", "a": 1}]})  # fmt: skip
    b = Service(sdl % ("B", "b", "B", "q"), {"it": {"__typename": "Both", "id": "1", "b": 2}},
                {"Both": [{"id": "1", "b": 2}]})  # fmt: skip
    async with world(a=a, b=b) as held:
        text = (
            "{ it { __typename ... on Both { a b } ... on A { x { p q } } ... on B { x { q } } } }"
        )
        assert await held.data(text) == {"it": {"__typename": "Both", "a": 1, "b": 2}}

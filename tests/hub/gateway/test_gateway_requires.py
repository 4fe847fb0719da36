"""What fields need from elsewhere: `@requires` in all its forms, and `@provides`."""

from __future__ import annotations

import pytest

from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


async def test_a_required_field_of_another_subgraph() -> None:
    a = Service(
        """type Query { all: [Product!]! }
           type Product @key(fields: "id") { id: ID! price: Int weight: Int }""",
        {"all": [{"id": "1", "price": 5, "weight": 2}, {"id": "2", "price": 9, "weight": 1}]},
        {"Product": [{"id": "1", "price": 5, "weight": 2}]},
    )
    b = Service(
        """type Product @key(fields: "id") { id: ID! price: Int @external weight: Int @external
             stock: Int cost: Int @requires(fields: "price weight") }""",
        {},
        {"Product": [{"id": i, "stock": 3, "cost": lambda o, _: o["price"] * o["weight"]}
                     for i in "12"]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ all { cost stock price } }") == {
            "all": [{"cost": 10, "stock": 3, "price": 5}, {"cost": 9, "stock": 3, "price": 9}]
        }
        assert held.requests == {"a": 1, "b": 1}


async def test_required_fields_with_arguments_beside_the_clients_own() -> None:
    def price(held: dict, args: dict) -> str:
        return f"{args.get('currency')}{held['id']}"

    a = Service(
        """type Query { one: Product }
           type Product @key(fields: "id") { id: ID! price(currency: String = "X"): String }""",
        {"one": {"id": "1", "price": price}},
        {"Product": [{"id": "1", "price": price}]},
    )
    b = Service(
        """type Product @key(fields: "id") { id: ID!
             price(currency: String = "X"): String @external
             told: String @requires(fields: "price(currency: \\"EUR\\")") }""",
        {},
        {"Product": [{"id": "1", "told": lambda o, _: "told " + o["price"]}]},
    )
    async with world(a=a, b=b) as held:
        told = await held.data('{ one { price(currency: "USD") told p: price } }')
        assert told == {"one": {"price": "USD1", "told": "told EUR1", "p": "X1"}}


async def test_requirements_of_requirements() -> None:
    a = Service(
        """type Query { one: P } type P @key(fields: "id") { id: ID! a: Int }""",
        {"one": {"id": "1", "a": 1}},
        {"P": [{"id": "1", "a": 1}]},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! a: Int @external d: Int @external
             b: Int @requires(fields: "a") e: Int @requires(fields: "d") }""",
        {},
        {"P": [{"id": "1", "b": lambda o, _: o["a"] + 1, "e": lambda o, _: o["d"] + 1}]},
    )
    c = Service(
        """type P @key(fields: "id") { id: ID! b: Int @external
             c: Int @requires(fields: "b") d: Int @requires(fields: "b") }""",
        {},
        {"P": [{"id": "1", "c": lambda o, _: o["b"] + 1, "d": lambda o, _: o["b"] * 10}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ one { c } }") == {"one": {"c": 3}}
        assert held.requests == {"a": 1, "b": 1, "c": 1}
        assert await held.data("{ one { e c b } }") == {"one": {"e": 21, "c": 3, "b": 2}}
        assert held.requests == {"a": 1, "b": 2, "c": 1}


async def test_nested_requirements_through_another_entity() -> None:
    a = Service(
        """type Query { posts: [Post!]! }
           type Post @key(fields: "id") { id: ID! author: User }
           type User @key(fields: "id") { id: ID! }""",
        {"posts": [{"id": "p", "author": {"id": "u"}}, {"id": "q", "author": None}]},
        {"Post": [{"id": "p", "author": {"id": "u"}}], "User": [{"id": "u"}]},
    )
    b = Service(
        """type User @key(fields: "id") { id: ID! name: String email: String }""",
        {},
        {"User": [{"id": "u", "name": "Ada", "email": "a@b"}]},
    )
    c = Service(
        """type Post @key(fields: "id") { id: ID! author: User @external
             line: String @requires(fields: "author { name }") }
           type User @key(fields: "id") { id: ID! name: String @external }""",
        {},
        {"Post": [{"id": i, "line": lambda o, _: "by " + (o["author"] or {"name": "?"})["name"]}
                  for i in "pq"]},
    )  # fmt: skip
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ posts { line author { email } } }") == {"posts": [
            {"line": "by Ada", "author": {"email": "a@b"}}, {"line": "by ?", "author": None},
        ]}  # fmt: skip
        assert held.requests == {"a": 1, "b": 1, "c": 1}


async def test_requirements_on_unions_and_interfaces() -> None:
    item = {"__typename": "Book", "pages": 3}
    disc = {"__typename": "Disc", "tracks": 7}
    a = Service(
        """type Query { boxes: [Box!]! } type Box @key(fields: "id") { id: ID! item: Item }
           union Item = Book | Disc type Book { pages: Int @shareable }
           type Disc { tracks: Int @shareable }""",
        {"boxes": [{"id": "1", "item": item}, {"id": "2", "item": disc}, {"id": "3"}]},
        {"Box": []},
    )
    b = Service(
        """type Box @key(fields: "id") { id: ID! item: Item @external
             size: Int @requires(fields: "item { ... on Book { pages } ... on Disc { tracks } }") }
           union Item = Book | Disc type Book { pages: Int @external }
           type Disc { tracks: Int @external }""",
        {},
        {"Box": [{"id": i, "size": lambda o, _: sum(v for v in (o["item"] or {}).values()
                                                      if isinstance(v, int))} for i in "123"]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ boxes { size } }") == {
            "boxes": [{"size": 3}, {"size": 7}, {"size": 0}]
        }


async def test_provided_fields_come_along_only_where_they_are_provided() -> None:
    a = Service(
        """type Query { plain: [Product!]! rich: [Product!]! @provides(fields: "name cat { id }") }
           type Product @key(fields: "id") { id: ID! name: String @external cat: Cat @external }
           type Cat @key(fields: "id") { id: ID! @external }""",
        {"plain": [{"id": "1"}], "rich": [{"id": "1", "name": "Lamp", "cat": {"id": "c"}}]},
        {"Product": [{"id": "1"}], "Cat": []},
    )
    b = Service(
        """type Product @key(fields: "id") { id: ID! name: String @shareable cat: Cat @shareable }
           type Cat @key(fields: "id") { id: ID! label: String }""",
        {},
        {"Product": [{"id": "1", "name": "Lamp", "cat": {"id": "c"}}],
         "Cat": [{"id": "c", "label": "light"}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ rich { name cat { id } } }") == {
            "rich": [{"name": "Lamp", "cat": {"id": "c"}}]
        }
        assert held.requests == {"a": 1}
        assert await held.data("{ plain { name } }") == {"plain": [{"name": "Lamp"}]}
        assert held.requests == {"a": 1, "b": 1}
        assert await held.data("{ rich { cat { label } } }") == {
            "rich": [{"cat": {"label": "light"}}]
        }


async def test_provided_on_members_of_an_interface() -> None:
    a = Service(
        """type Query { media: [Media!]! @provides(fields: "... on Book { title }") }
           interface Media { id: ID! }
           type Book implements Media @key(fields: "id") { id: ID! title: String @external }
           type Film implements Media @key(fields: "id") { id: ID! }""",
        {"media": [{"__typename": "Book", "id": "b", "title": "B"},
                   {"__typename": "Film", "id": "f"}]},
        {"Book": [], "Film": []},
    )  # fmt: skip
    b = Service(
        """type Book @key(fields: "id") { id: ID! title: String @shareable }
           type Film @key(fields: "id") { id: ID! title: String }""",
        {},
        {"Book": [{"id": "b", "title": "B"}], "Film": [{"id": "f", "title": "F"}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ media { ... on Book { title } ... on Film { title } } }") == {
            "media": [{"title": "B"}, {"title": "F"}]
        }
        assert held.requests == {"a": 1, "b": 1}
        assert await held.data("{ media { __typename ... on Book { title } } }") == {
            "media": [{"__typename": "Book", "title": "B"}, {"__typename": "Film"}]
        }
        assert held.requests == {"a": 1}


async def test_requirements_that_differ_in_arguments_or_parts() -> None:
    def price(held: dict, args: dict) -> int:
        return 100 if args["in"] == "a@b~" else 200

    size = {"w": 2, "h": 3}
    a = Service(
        """type Query { one: P } type P @key(fields: "id") { id: ID! price(in: String): Int
             size: Size } type Size { w: Int h: Int }""",
        {"one": {"id": "1", "price": price, "size": size}},
        {"P": [{"id": "1", "price": price, "size": size}]},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! price(in: String): Int @external
             x: String @requires(fields: "price(in: \\"a@b~\\")")
             y: String @requires(fields: "price(in: \\"other\\") size { w }")
             z: String @requires(fields: "size { h }") size: Size @external }
           type Size { w: Int @external h: Int @external }""",
        {},
        {"P": [{"id": "1", "x": lambda o, _: f"x{o['price']}",
                "y": lambda o, _: f"y{o['price']}{o['size']['w']}",
                "z": lambda o, _: f"z{o['size']['h']}"}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data('{ one { x y z price(in: "q") } }') == {
            "one": {"x": "x100", "y": "y2002", "z": "z3", "price": 200}
        }
        assert held.requests == {"a": 1, "b": 2}


async def test_provided_through_a_field_that_answers_an_interface() -> None:
    sdl = """interface Media { id: ID! animals: [Animal] } interface Animal { id: ID! name: String }
      type Book implements Media @key(fields: "id") { id: ID! animals: [Animal] %s }
      type Dog implements Animal @key(fields: "id") { id: ID! name: String %s %s }
      type Cat implements Animal @key(fields: "id") { id: ID! name: String %s }"""
    book = {
        "__typename": "Book", "id": "m",
        "animals": [{"__typename": "Dog", "id": "d", "name": "Fido", "age": 3},
                    {"__typename": "Cat", "id": "c", "name": "Kit"}],
    }  # fmt: skip
    a = Service(
        'type Query { media: Media @provides(fields: "animals { id name }") }'
        + sdl % ("@external", "@external", "", "@external"),
        {"media": book},
        {"Book": [], "Dog": [], "Cat": []},
    )
    b = Service(
        sdl % ("@shareable", "@shareable", "age: Int", "@shareable"),
        {},
        {"Book": [book], "Dog": [{"id": "d", "name": "Fido", "age": 3}], "Cat": []},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ media { animals { id name } } }") == {
            "media": {"animals": [{"id": "d", "name": "Fido"}, {"id": "c", "name": "Kit"}]}
        }
        assert held.requests == {"a": 1}
        told = await held.data("{ media { animals { name ... on Dog { age } } } }")
        assert told == {"media": {"animals": [{"name": "Fido", "age": 3}, {"name": "Kit"}]}}
        assert held.requests == {"a": 1, "b": 1}

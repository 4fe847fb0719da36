"""Interfaces, unions and objects that stand for interfaces, known here more and there less."""

from __future__ import annotations

import pytest

from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


async def test_interface_fields_of_members_that_others_hold() -> None:
    a = Service(
        """type Query { nodes: [Node!]! } interface Node { id: ID! }
           type User implements Node @key(fields: "id") { id: ID! }
           type Post implements Node @key(fields: "id") { id: ID! text: String }""",
        {"nodes": [{"__typename": "User", "id": "u"},
                   {"__typename": "Post", "id": "p", "text": "t"}]},
        {"User": [], "Post": []},
    )  # fmt: skip
    b = Service(
        """interface Node { id: ID! name: String }
           type User implements Node @key(fields: "id") { id: ID! name: String }
           type Post implements Node @key(fields: "id") { id: ID! name: String }""",
        {},
        {"User": [{"id": "u", "name": "Ada"}], "Post": [{"id": "p", "name": "Hello"}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ nodes { __typename id name ... on Post { text } } }") == {
            "nodes": [
                {"__typename": "User", "id": "u", "name": "Ada"},
                {"__typename": "Post", "id": "p", "name": "Hello", "text": "t"},
            ]
        }
        assert held.requests == {"a": 1, "b": 1}
        assert await held.data("{ nodes { id __typename } }")
        assert held.services["a"].asked[0]["query"] == "{ nodes { __typename id } }"


async def test_members_that_are_known_only_elsewhere() -> None:
    a = Service(
        """type Query { a: [Any] } union Any = X | Y
           type X @key(fields: "id") { id: ID! } type Y { y: Int @shareable }""",
        {"a": [{"__typename": "X", "id": "1"}, {"__typename": "Y", "y": 3}]},
        {"X": []},
    )
    b = Service(
        """type Query { b: [Any] } union Any = Y | Z type Y { y: Int @shareable }
           type Z { z: Int }""",
        {"b": [{"__typename": "Z", "z": 4}, {"__typename": "Y", "y": 5}]},
    )
    c = Service(
        """type X @key(fields: "id") { id: ID! x: Int }""", {}, {"X": [{"id": "1", "x": 2}]}
    )
    text = "{ %s { ... on X { x } ... on Y { y } ... on Z { v: z } t: __typename } }"
    async with world(a=a, b=b, c=c) as held:
        assert await held.data(text % "a") == {"a": [{"x": 2, "t": "X"}, {"y": 3, "t": "Y"}]}
        assert await held.data(text % "b") == {"b": [{"v": 4, "t": "Z"}, {"y": 5, "t": "Y"}]}


async def test_equal_keys_of_different_fields_on_members() -> None:
    a = Service(
        """type Query { all: [Pet!]! } interface Pet { id: ID! }
           type Cat implements Pet @key(fields: "id") { id: ID! name: String! @shareable
             lives: Int }
           type Dog implements Pet @key(fields: "id") { id: ID! name: String tricks: [Int!]! }""",
        {"all": [{"__typename": "Cat", "id": "c", "name": "Tom", "lives": 9},
                 {"__typename": "Dog", "id": "d", "name": "Rex", "tricks": [1]}]},
        {"Cat": [], "Dog": []},
    )  # fmt: skip
    b = Service(
        """type Cat @key(fields: "id") { id: ID! v: Int @shareable name: String @shareable }
           type Dog @key(fields: "id") { id: ID! v: Int }""",
        {},
        {"Cat": [{"id": "c", "v": 1}], "Dog": [{"id": "d", "v": 2}]},
    )
    async with world(a=a, b=b) as held:
        text = "{ all { ... on Cat { x: lives v name } ... on Dog { x: v name } } }"
        assert await held.data(text) == {
            "all": [{"x": 9, "v": 1, "name": "Tom"}, {"x": 2, "name": "Rex"}]
        }


MEDIA = Service(
    """type Query { media: [Media!]! }
       interface Media @key(fields: "id") { id: ID! title: String }
       type Book implements Media @key(fields: "id") { id: ID! title: String pages: Int }
       type Film implements Media @key(fields: "id") { id: ID! title: String length: Int }""",
    {"media": [{"__typename": "Book", "id": "b", "title": "B", "pages": 3},
               {"__typename": "Film", "id": "f", "title": "F", "length": 90}]},
    {"Media": [{"__typename": "Book", "id": "b", "title": "B", "pages": 3},
               {"__typename": "Film", "id": "f", "title": "F", "length": 90}],
     "Book": [{"id": "b", "title": "B", "pages": 3}],
     "Film": [{"id": "f", "title": "F", "length": 90}]},
)  # fmt: skip
STARS = Service(
    """type Query { best: [Media!]! }
       type Media @interfaceObject @key(fields: "id") { id: ID! stars: Int
         title: String @external label: String @requires(fields: "title") }""",
    {"best": [{"id": "f", "stars": 5}, {"id": "b", "stars": 4}]},
    {"Media": [{"id": "b", "stars": 4, "label": lambda o, _: "a " + o["title"]},
               {"id": "f", "stars": 5, "label": lambda o, _: "a " + o["title"]}]},
)  # fmt: skip


async def test_fields_of_an_object_that_stands_for_an_interface() -> None:
    async with world(media=MEDIA, stars=STARS) as held:
        assert await held.data("{ media { __typename stars title } }") == {
            "media": [
                {"__typename": "Book", "stars": 4, "title": "B"},
                {"__typename": "Film", "stars": 5, "title": "F"},
            ]
        }
        assert held.requests == {"media": 1, "stars": 1}
        assert await held.data("{ media { ... on Film { stars length } } }") == {
            "media": [{}, {"stars": 5, "length": 90}]
        }


async def test_from_an_object_that_stands_for_an_interface() -> None:
    async with world(media=MEDIA, stars=STARS) as held:
        assert await held.data("{ best { id stars } }") == {
            "best": [{"id": "f", "stars": 5}, {"id": "b", "stars": 4}]
        }
        assert held.requests == {"stars": 1}
        assert await held.data("{ best { title stars } }") == {
            "best": [{"title": "F", "stars": 5}, {"title": "B", "stars": 4}]
        }
        assert held.requests == {"stars": 1, "media": 1}
        assert await held.data("{ best { __typename stars } }") == {
            "best": [{"__typename": "Film", "stars": 5}, {"__typename": "Book", "stars": 4}]
        }
        assert await held.data(
            "{ best { ... on Book { x: pages } ... on Film { x: stars } } }"
        ) == {"best": [{"x": 5}, {"x": 3}]}


async def test_requirements_of_an_object_that_stands_for_an_interface() -> None:
    async with world(media=MEDIA, stars=STARS) as held:
        assert await held.data("{ media { label } }") == {
            "media": [{"label": "a B"}, {"label": "a F"}]
        }
        assert await held.data("{ best { label } }") == {
            "best": [{"label": "a F"}, {"label": "a B"}]
        }


async def test_a_deep_interface_is_not_spelt_out() -> None:
    sdl = "interface N { id: ID! up: N } " + " ".join(
        f"type T{n} implements N {{ id: ID! up: N }}" for n in range(8)
    )
    top = {"__typename": "T1", "id": "1", "up": {"__typename": "T2", "id": "2", "up": None}}
    async with world(a=Service("type Query { n: N } " + sdl, {"n": top})) as held:
        text = "{ n { " + "up { " * 12 + "id" + " }" * 12 + " } }"
        assert await held.data(text) == {"n": {"up": {"up": None}}}
        assert await held.data("{ n { id up { __typename id } } }") == {
            "n": {"id": "1", "up": {"__typename": "T2", "id": "2"}}
        }


async def test_many_members_with_fields_elsewhere_are_not_spelt_out_again_and_again() -> None:
    names = [f"T{n}" for n in range(12)]
    sdl = "type Query { n: N } interface N { id: ID! up: N } " + " ".join(
        f'type {n} implements N @key(fields: "id") {{ id: ID! up: N }}' for n in names
    )
    deep = {"__typename": "T1", "id": "1", "up": {"__typename": "T2", "id": "2", "up": None}}
    a = Service(sdl, {"n": deep}, {name: [] for name in names})
    b = Service(
        "interface N { id: ID! label: String } "
        + " ".join(
            f'type {n} implements N @key(fields: "id") {{ id: ID! label: String }}' for n in names
        ),
        {},
        {name: [{"id": "1", "label": "one"}, {"id": "2", "label": "two"}] for name in names},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ n { label up { label up { label up { label } } } } }") == {
            "n": {"label": "one", "up": {"label": "two", "up": None}}
        }
        assert held.services["a"].asked[0]["query"] == (
            "{ n { __typename " + "up { __typename " * 3 + "id }" + " id }" * 3 + " }"
        )
        assert held.requests == {"a": 1, "b": 2}

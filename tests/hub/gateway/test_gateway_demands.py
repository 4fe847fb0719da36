"""Requirements of every form: through interfaces, with arguments, in chains, of hidden fields."""

from __future__ import annotations

from typing import Any

import pytest

from hub.query.parse import RequestError
from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


async def test_requirements_over_an_interface_with_fragments() -> None:
    owners = [
        {"__typename": "Person", "id": "p1", "name": "Ann", "age": 40},
        {"__typename": "Firm", "id": "f1", "name": "Acme", "code": "AC", "boss": {
            "__typename": "Person", "id": "p2", "name": "Bob", "age": 50}},
        None,
    ]  # fmt: skip
    cars = [{"id": str(n), "owner": one} for n, one in enumerate(owners)]
    a = Service(
        """type Query { cars: [Car!]! } type Car @key(fields: "id") { id: ID! owner: Owner }
           interface Owner { name: String! }
           type Person implements Owner { id: ID! name: String! age: Int! }
           type Firm implements Owner { id: ID! name: String! code: String! boss: Owner }""",
        {"cars": cars},
        {"Car": cars},
    )

    def tax(me: dict[str, Any], _: object) -> str:
        owner = me["owner"]
        if owner is None:
            return "none"
        if owner["__typename"] == "Person":
            return f"{owner['name']}/{owner['age']}"
        return f"{owner['name']}/{owner['code']}/{owner['boss']['name']}/{owner['boss']['age']}"

    b = Service(
        '''type Car @key(fields: "id") { id: ID! owner: Owner @external
             tax: String @requires(fields: """owner { name ... on Person { age }
               ... on Firm { code boss { name ... on Person { age } } } }""") }
           interface Owner { name: String! }
           type Person implements Owner { name: String! @external age: Int! @external }
           type Firm implements Owner { name: String! @external code: String! @external
             boss: Owner @external }''',
        {},
        {"Car": [{"id": str(n), "tax": tax} for n in range(3)]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ cars { tax } }") == {
            "cars": [{"tax": "Ann/40"}, {"tax": "Acme/AC/Bob/50"}, {"tax": "none"}]
        }
        assert await held.data(
            """{ cars { tax owner { n: name ... on Firm { age: code }
                 ... on Person { code: age } } } }"""
        ) == {
            "cars": [
                {"tax": "Ann/40", "owner": {"n": "Ann", "code": 40}},
                {"tax": "Acme/AC/Bob/50", "owner": {"n": "Acme", "age": "AC"}},
                {"tax": "none", "owner": None},
            ]
        }


async def test_requirements_with_arguments_beside_the_clients_own() -> None:
    price = {"price": lambda _, args: {"EUR": 10, "USD": 12, "GBP": 8}[args["in"]]}
    rows = [{"id": "1", **price}]
    a = Service(
        """type Query { one: P } type P @key(fields: "id") { id: ID!
             price(in: Cur = GBP): Int! } enum Cur { EUR USD GBP }""",
        {"one": rows[0]},
        {"P": rows},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! price(in: Cur = GBP): Int! @external
             a: Int @requires(fields: "price(in: EUR)") b: Int @requires(fields: "price(in: USD)")
             c: Int @requires(fields: "price") } enum Cur { EUR USD GBP }""",
        {},
        {"P": [{"id": "1", **{k: (lambda me, _: me["price"] + 1) for k in "abc"}}]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data(
            """query ($c: Cur!) { one { price(in: $c) usd: price(in: USD) plain: price
                 a b c again: a } }""",
            {"c": "EUR"},
        ) == {"one": {"price": 10, "usd": 12, "plain": 8, "a": 11, "b": 13, "c": 9, "again": 11}}
        assert await held.data("{ one { a: price(in: USD) price: a b: id id: b } }") == {
            "one": {"a": 12, "price": 11, "b": "1", "id": 13}
        }
        assert await held.data("{ one { b } }") == {"one": {"b": 13}}


async def test_requirements_in_a_chain_over_three_subgraphs_and_back() -> None:
    a = Service(
        """type Query { one: P } type P @key(fields: "id") { id: ID! base: Int
             d: Int @external total: Int @requires(fields: "d") }""",
        {"one": {"id": "1", "base": 1}},
        {"P": [{"id": "1", "base": 1, "total": lambda me, _: me["d"] + 1000}]},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! base: Int @external c: Int @external
             b: Int @requires(fields: "base") d: Int @requires(fields: "c") }""",
        {},
        {"P": [{"id": "1", "b": lambda me, _: me["base"] + 10,
                "d": lambda me, _: me["c"] + 200}]},
    )  # fmt: skip
    c = Service(
        """type P @key(fields: "id") { id: ID! b: Int @external c: Int @requires(fields: "b") }""",
        {},
        {"P": [{"id": "1", "c": lambda me, _: me["b"] + 100}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ one { total } }") == {"one": {"total": 1311}}
        assert await held.data("{ one { total c d b base } }") == {
            "one": {"total": 1311, "c": 111, "d": 311, "b": 11, "base": 1}
        }


async def test_hidden_fields_may_be_required_and_be_keys() -> None:
    a = Service(
        """type Query { all: [P] } type P @key(fields: "id") { id: ID! @inaccessible
             w: W @inaccessible n: String } type W @inaccessible { kg: Int }""",
        {"all": [{"id": "1", "w": {"kg": 3}, "n": "x"}, None, {"id": "2", "w": None, "n": "y"}]},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! w: W @external
             cost: Int @requires(fields: "w { kg }") } type W { kg: Int @external }""",
        {},
        {"P": [{"id": n, "cost": lambda me, _: (me["w"] or {"kg": 0})["kg"] * 2} for n in "12"]},
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ all { n cost __typename } }") == {
            "all": [{"n": "x", "cost": 6, "__typename": "P"}, None,
                    {"n": "y", "cost": 0, "__typename": "P"}]
        }  # fmt: skip
        with pytest.raises(RequestError, match="Cannot query field 'id'"):
            await held.ask("{ all { id } }")


async def test_requirements_of_a_list_of_entities_that_a_third_completes() -> None:
    a = Service(
        """type Query { one: Order } type Order @key(fields: "id") { id: ID! lines: [[Line!]!] }
           type Line @key(fields: "sku") { sku: ID! }""",
        {"one": {"id": "1", "lines": [[{"sku": "a"}, {"sku": "b"}], [], [{"sku": "a"}]]}},
    )
    b = Service(
        """type Line @key(fields: "sku") { sku: ID! price: Int! }""",
        {},
        {"Line": [{"sku": "a", "price": 5}, {"sku": "b", "price": 7}]},
    )
    c = Service(
        """type Order @key(fields: "id") { id: ID! lines: [[Line!]!] @external
             total: Int @requires(fields: "lines { price }") }
           type Line @key(fields: "sku", resolvable: false) { sku: ID! price: Int! @external }""",
        {},
        {"Order": [{"id": "1", "total": lambda me, _: sum(
            line["price"] for some in me["lines"] for line in some)}]},
    )  # fmt: skip
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ one { total } }") == {"one": {"total": 17}}
        assert await held.data("{ one { total lines { sku price } } }") == {
            "one": {"total": 17, "lines": [
                [{"sku": "a", "price": 5}, {"sku": "b", "price": 7}], [],
                [{"sku": "a", "price": 5}],
            ]}
        }  # fmt: skip


async def test_a_field_taken_over_that_requires_and_is_required() -> None:
    a = Service(
        """type Query { one: Thing } interface Thing { id: ID! size: Int }
           type P implements Thing @key(fields: "id") { id: ID! size: Int w: Int label: String }""",
        {"one": {"__typename": "P", "id": "1", "size": 1, "w": 4, "label": "old"}},
        {"P": [{"id": "1", "size": 1, "w": 4, "label": "old"}]},
    )
    b = Service(
        """type P @key(fields: "id") { id: ID! size: Int @override(from: "a") w: Int @external
             cost: Int @requires(fields: "w") }""",
        {},
        {"P": [{"id": "1", "size": 2, "cost": lambda me, _: me["w"] * 2}]},
    )
    c = Service(
        """type P @key(fields: "id") { id: ID! size: Int @external label: String
             @override(from: "a") sized: Int @requires(fields: "size") }""",
        {},
        {"P": [{"id": "1", "label": "new", "sized": lambda me, _: me["size"] + 100}]},
    )
    async with world(a=a, b=b, c=c) as held:
        assert await held.data("{ one { size ... on P { sized cost label } } }") == {
            "one": {"size": 2, "sized": 102, "cost": 8, "label": "new"}
        }
        assert await held.data("{ one { ... on P { sized } } }") == {"one": {"sized": 102}}
        assert await held.data("{ one { __typename size } }") == {
            "one": {"__typename": "P", "size": 2}
        }


async def test_requirements_of_a_stand_in() -> None:
    rows = [{"__typename": "Cat", "id": "c", "kg": 4}, {"__typename": "Dog", "id": "d", "kg": 20}]
    a = Service(
        """type Query { pets: [Pet!] dog: Dog }
           interface Pet @key(fields: "id") { id: ID! kg: Int }
           type Cat implements Pet @key(fields: "id") { id: ID! kg: Int }
           type Dog implements Pet @key(fields: "id") { id: ID! kg: Int }""",
        {"pets": rows, "dog": rows[1]},
        {"Pet": rows, "Cat": rows[:1], "Dog": rows[1:]},
    )
    food = {"food": lambda me, _: me["kg"] * 3}
    b = Service(
        """type Query { hungry: Pet } type Pet @interfaceObject @key(fields: "id") { id: ID!
             kg: Int @external food: Int @requires(fields: "kg") friend: Pet }""",
        {"hungry": {"id": "d"}},
        {"Pet": [{"id": "c", "friend": {"id": "d"}, **food},
                 {"id": "d", "friend": {"id": "c"}, **food}]},
    )  # fmt: skip
    async with world(a=a, b=b) as held:
        assert await held.data("{ pets { food } dog { food } }") == {
            "pets": [{"food": 12}, {"food": 60}], "dog": {"food": 60}
        }  # fmt: skip
        assert await held.data("{ hungry { food friend { food __typename } } }") == {
            "hungry": {"food": 60, "friend": {"food": 12, "__typename": "Cat"}}
        }
        assert await held.data("{ hungry { ... on Dog { food } ... on Cat { id } } }") == {
            "hungry": {"food": 60}
        }

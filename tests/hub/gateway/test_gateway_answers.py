"""Operations as clients write them: aliases, conditions, variables, mutations; and failures."""

from __future__ import annotations

import pytest

from schema.errors import HubError
from tests.hub.gateway.subgraphs import Service, world

pytestmark = pytest.mark.asyncio


def shop() -> dict[str, Service]:
    """Products and their reviews."""
    reviews = [{"stars": 5, "text": "good"}, {"stars": 1, "text": None}]
    return {
        "products": Service(
            """type Query { product(id: ID!, kind: Kind = BIG, w: Where): Product }
               enum Kind { BIG SMALL SECRET @inaccessible } input Where { kinds: [Kind!] n: Int }
               type Product @key(fields: "id") { id: ID! title(lang: String = "en"): String!
                 kind: Kind again: Product }""",
            {"product": lambda _, a: {"id": a["id"], "kind": a["kind"],
                                      "title": lambda _, b: f"{a['id']} {b.get('lang')}",
                                      "n": a.get("w")}},
            {"Product": []},
        ),
        "reviews": Service(
            """type Product @key(fields: "id") { id: ID! reviews(first: Int): [Review!]!
                 must: Int! }
               type Review { stars: Int! text: String! }""",
            {},
            {"Product": [{"id": "1", "must": 1, "reviews": lambda _, a: reviews[: a.get("first")]},
                         {"id": "2", "must": None, "reviews": []}]},
        ),
    }  # fmt: skip


async def test_aliases_fragments_and_variables() -> None:
    async with world(**shop()) as held:
        told = await held.data(
            """query Q($id: ID!, $n: Int = 1, $lang: String, $k: Kind) {
                 a: product(id: $id, kind: $k) { ...F }
                 b: product(id: "1", kind: SMALL, w: {kinds: [BIG], n: $n}) { ...F kind }
               }
               fragment F on Product { id title(lang: $lang) en: title(lang: "xx")
                 reviews(first: $n) { stars } }""",
            {"id": "1", "k": "BIG"},
        )
        one = {"id": "1", "title": "1 en", "en": "1 xx", "reviews": [{"stars": 5}]}
        assert told == {"a": one, "b": {**one, "kind": "SMALL"}}
        assert held.services["products"].asked[0]["variables"] == {"id": "1", "k": "BIG", "n": 1}
        assert held.services["products"].asked[0]["operationName"].startswith("Q__products")
        assert held.services["reviews"].asked[0]["variables"].keys() == {"representations", "n"}


@pytest.mark.parametrize("on", [True, False])
async def test_conditions_decide_whether_a_subgraph_is_asked(on: bool) -> None:
    async with world(**shop()) as held:
        text = """query($on: Boolean!) { product(id: "1") { id
          reviews(first: 1) @include(if: $on) { stars } ... @skip(if: $on) { title } } }"""
        told = await held.data(text, {"on": on})
        if on:
            assert told == {"product": {"id": "1", "reviews": [{"stars": 5}]}}
            assert held.requests == {"products": 1, "reviews": 1}
        else:
            assert told == {"product": {"id": "1", "title": "1 en"}}
            assert held.requests == {"products": 1}
        nothing = await held.data(
            'query($no: Boolean!) { product(id: "1") @include(if: $no) { id } }', {"no": False}
        )
        assert nothing == {}
        assert held.requests == {}


async def test_the_schema_beside_data() -> None:
    async with world(**shop()) as held:
        told = await held.data(
            """query($n: String!) { __typename product(id: "1") { __typename id }
               s: __schema { queryType { name } } __type(name: $n) { name kind } }""",
            {"n": "Kind"},
        )
        assert list(told) == ["__typename", "product", "s", "__type"]
        assert told["__type"] == {"name": "Kind", "kind": "ENUM"}
        assert told["product"]["__typename"] == "Product"
        assert await held.data("{ __typename }") == {"__typename": "Query"}
        assert held.requests == {}
        kind = await held.data('{ __type(name: "Kind") { enumValues { name } } }')
        assert kind == {"__type": {"enumValues": [{"name": "BIG"}, {"name": "SMALL"}]}}


async def test_a_null_that_must_not_be_is_carried_up() -> None:
    async with world(**shop()) as held:
        told = await held.ask('{ product(id: "2") { id must } }')
        assert told["data"] == {"product": None}
        assert [error["path"] for error in told["errors"]] == [["product", "must"]]
        told = await held.ask('{ product(id: "1") { id reviews { stars text } } }')
        assert told["data"] == {"product": None}
        (error,) = told["errors"]
        assert error["path"] == ["product", "reviews", 1, "text"]
        assert error["extensions"]["serviceName"] == "reviews"
        told = await held.ask('{ product(id: "3") { id must } }')
        assert told["data"] == {"product": None}
        assert told["errors"]


async def test_a_subgraph_that_is_down_costs_only_its_own_fields() -> None:
    async with world(**shop()) as held:
        held.services["reviews"].broken = True
        told = await held.ask('{ product(id: "1") { id title } b: product(id: "1") { must } }')
        assert told["data"] == {"product": {"id": "1", "title": "1 en"}, "b": None}
        assert told["errors"][0]["extensions"] == {
            "code": "DOWNSTREAM_SERVICE_ERROR", "serviceName": "reviews",
        }  # fmt: skip


async def test_a_value_that_the_schema_does_not_show() -> None:
    services = shop()
    services["products"].data = {"product": {"id": "1", "kind": "SECRET"}}
    async with world(**services) as held:
        told = await held.ask('{ product(id: "1") { id kind } }')
        assert told["data"] == {"product": {"id": "1", "kind": None}}
        assert told["errors"][0]["path"] == ["product", "kind"]


@pytest.mark.parametrize(
    ("text", "variables", "code"),
    [
        ("{ product(id: 1) { nope } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ product(id: 1, kind: SECRET) { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($k: Kind) { product(id: 1, kind: $k) { id } }", {"k": "SECRET"}, "BAD_USER_INPUT"),
        ("query($i: ID!) { product(id: $i) { id } }", {}, "BAD_USER_INPUT"),
        ("{ product(id: 1) { id }", {}, "GRAPHQL_PARSE_FAILED"),
        ("query A { __typename } query B { __typename }", {}, "OPERATION_NOT_FOUND"),
        ("{ product(id: 1) { id " + "again { " * 90 + "id" + "}" * 92, {}, "TOO_DEEP"),
    ],
)
async def test_what_cannot_be_carried_out(text: str, variables: dict, code: str) -> None:
    async with world(**shop()) as held:
        with pytest.raises(HubError) as refused:
            await held.ask(text, variables)
        assert refused.value.code == code
        assert held.requests == {}


async def test_mutations_run_in_order() -> None:
    log: list[str] = []

    def note(name: str) -> object:
        def run(_held: object, args: dict) -> dict:
            log.append(name)
            return {"id": "1", "n": len(log)}

        return run

    a = Service(
        """type Query { q: Int } type Mutation { a1: T a2: T }
           type T @key(fields: "id") { id: ID! n: Int @shareable }""",
        {"a1": note("a1"), "a2": note("a2")},
        {"T": [{"id": "1", "n": 0}]},
    )
    b = Service(
        """type Mutation { b1: T } type T @key(fields: "id") { id: ID! n: Int @shareable
             late: Int }""",
        {"b1": note("b1")},
        {"T": [{"id": "1", "late": lambda _o, _a: log.append("late") or len(log)}]},
    )
    async with world(a=a, b=b) as held:
        told = await held.data(
            "mutation { x: a1 { n late } y: b1 { n } a2 { n } z: a1 { n } __typename }"
        )
        assert log == ["a1", "late", "b1", "a2", "a1"]
        assert told == {
            "x": {"n": 1, "late": 2}, "y": {"n": 3}, "a2": {"n": 4}, "z": {"n": 5},
            "__typename": "Mutation",
        }  # fmt: skip
        assert held.requests == {"a": 2, "b": 2}


async def test_the_first_version_of_federation() -> None:
    a = Service(
        """type Query { me: User } extend type User @key(fields: "id") { id: ID! @external
             posts: [String] }""",
        {"me": {"id": "1", "posts": ["p"]}},
        {"User": [{"id": "1", "posts": ["p"]}]},
        link=False,
    )
    b = Service(
        """type User @key(fields: "id") { id: ID! name: String }
           extend type Query { users: [User] }""",
        {"users": [{"id": "1", "name": "Ada"}]},
        {"User": [{"id": "1", "name": "Ada"}]},
        link=False,
    )
    async with world(a=a, b=b) as held:
        assert await held.data("{ me { id name posts } users { posts } }") == {
            "me": {"id": "1", "name": "Ada", "posts": ["p"]}, "users": [{"posts": ["p"]}],
        }  # fmt: skip


async def test_a_default_lets_a_variable_stand_where_null_must_not() -> None:
    a = Service(
        "type Query { many(n: Int!, on: Boolean! = true): [Int!] }",
        {"many": lambda _, a: list(range(a["n"] + a["on"]))},
    )
    async with world(a=a) as held:
        text = "query($n: Int = 1, $on: Boolean) { many(n: $n, on: $on) }"
        assert await held.data(text) == {"many": [0, 1]}
        assert await held.data(text, {"n": 2, "on": False}) == {"many": [0, 1]}
        told = await held.ask(text, {"n": None})
        assert told["data"] == {"many": None}
        assert told["errors"]

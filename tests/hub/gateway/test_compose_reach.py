"""What can be fetched from composed subgraphs, and what is refused since it cannot."""

from __future__ import annotations

import pytest

from hub.gateway.compose.compose import Subgraph, compose
from tests.hub.gateway.composing import LINK, composed, problems

_T = 'type Query { t: T } type T @key(fields: "id") { id: ID } '

FETCHED = [
    ("by a key", [_T, 'type T @key(fields: "id") { id: ID y: Int }']),
    (
        "by a key that only another subgraph has",
        [
            'type Query { t: T } type T @key(fields: "a") { a: ID }',
            'type T @key(fields: "a") @key(fields: "b") { a: ID b: ID }',
            'type T @key(fields: "b") { b: ID y: Int }',
        ],
    ),
    (
        "by a key of several fields from several subgraphs",
        [
            'type Query { t: T } type T @key(fields: "a") { a: ID }',
            'type T @key(fields: "a") { a: ID b: ID @shareable }',
            'type T @key(fields: "a b") { a: ID b: ID y: Int }',
        ],
    ),
    (
        "by a key with fields of another object",
        [
            'type Query { t: T } type T @key(fields: "o { id }") { o: O } type O { id: ID }',
            'type T @key(fields: "o { id }") { o: O y: Int } type O { id: ID }',
        ],
    ),
    (
        "from a stub",
        [
            'type Query { t: T } type T @key(fields: "id", resolvable: false) { id: ID }',
            'type T @key(fields: "id") { id: ID y: Int }',
        ],
    ),
    (
        "from roots of several subgraphs",
        [
            "type Query { t: T @shareable } type T @shareable { x: Int }",
            "type Query { t: T @shareable } type T @shareable { x: Int y: Int }",
        ],
    ),
    (
        "in a circle",
        [
            'type Query { a: A } type A @key(fields: "id") { id: ID b: B } '
            'type B @key(fields: "id") { id: ID }',
            'type B @key(fields: "id") { id: ID a: A } type A @key(fields: "id") { id: ID z: Int }',
        ],
    ),
    (
        "with what a field requires, and what that requires",
        [
            _T,
            'type T @key(fields: "id") { id: ID n: Int }',
            'type T @key(fields: "id") { id: ID n: Int @external r: Int @requires(fields: "n") }',
            'type T @key(fields: "id") { id: ID r: Int @external s: Int @requires(fields: "r") }',
        ],
    ),
    (
        "what is provided on the way, and nowhere else",
        [
            'type Query { t: T @provides(fields: "v { w }") } '
            'type T @key(fields: "id") { id: ID v: V @external } type V @shareable { w: Int }',
            'type T @key(fields: "id") { id: ID v: V @shareable } type V @shareable { w: Int }',
        ],
    ),
    (
        "what an interface object gives, and from it what the object has",
        [
            'type Query { t: I } interface I @key(fields: "id") { id: ID } '
            'type T implements I @key(fields: "id") { id: ID n: Int }',
            'type Query { u: [I] } type I @interfaceObject @key(fields: "id") { id: ID z: Int }',
        ],
    ),
    (
        "members of a shared union that all know",
        [
            "type Query { u: U @shareable } union U = A | B "
            "type A @shareable { x: Int } type B { y: Int }",
            "type Query { u: U @shareable } union U = A | C "
            "type A @shareable { x: Int } type C { z: Int }",
        ],
    ),
    (
        "queries behind another field",
        ["type Query { t: T } type T { q: Query }", "type Query { z: Int }"],
    ),
]


@pytest.mark.parametrize("texts", [each[1] for each in FETCHED], ids=[e[0] for e in FETCHED])
def test_what_can_be_fetched_is_composed(texts: list[str]) -> None:
    assert composed(*texts).graphs


REFUSED = [
    (
        "no key",
        [_T, "type T { y: Int }"],
        ["`{ t { y } }`", "no way to `b`, where `T` has no resolvable @key"],
    ),
    (
        "no resolvable key",
        [_T, 'type T @key(fields: "id", resolvable: false) { id: ID y: Int }'],
        ["`{ t { y } }`", "no resolvable @key"],
    ),
    (
        "a key that is not had",
        [_T, 'type T @key(fields: "k") { k: ID y: Int }'],
        ["`{ t { y } }`", '@key(fields: "k") of `T` is not had', "from `a`: no field `T.y`"],
    ),
    (
        "a requirement that is not had",
        [
            'type Query { t: T } type T @key(fields: "id") '
            '{ id: ID n: Int @external r: Int @requires(fields: "n") }',
            'type T @key(fields: "k") { k: ID n: Int }',
        ],
        ["`{ t { r } }`", "what `T.r` requires is not had", "`T.n` is @external"],
    ),
    (
        "requirements of each other",
        [
            'type Query { t: T } type T @key(fields: "id") '
            '{ id: ID b: Int @external a: Int @requires(fields: "b") }',
            'type T @key(fields: "id") { id: ID a: Int @external b: Int @requires(fields: "a") }',
        ],
        ["`{ t { a } }`", "`{ t { b } }`"],
    ),
    (
        "below a mutation and a list of a union",
        [
            "type Query { x: Int } type Mutation { m: [U!]! } union U = A | B "
            "type A { x: Int } type B { x: Int }",
            "type B { y: C } type C { z: Int }",
        ],
        ["`mutation { m { ... on B { y { ... } } } }`"],
    ),
    (
        "an interface object of which nobody knows what it is",
        [
            'type Query { t: I } interface I @key(fields: "id", resolvable: false) { id: ID } '
            'type T implements I @key(fields: "id") { id: ID }',
            'type Query { u: I } type I @interfaceObject @key(fields: "id") { id: ID z: Int }',
        ],
        ["`{ u { ... on T { __typename } } }`", "no subgraph that knows `T` can be reached"],
    ),
    (
        "what is provided elsewhere only",
        [
            'type Query { t: T @provides(fields: "v") s: T } '
            'type T @key(fields: "id") { id: ID v: Int @external }',
            'type T @key(fields: "id", resolvable: false) { id: ID v: Int @shareable }',
        ],
        ["`{ s { v } }`"],
    ),
]


@pytest.mark.parametrize(
    ("texts", "said"), [each[1:] for each in REFUSED], ids=[e[0] for e in REFUSED]
)
def test_what_cannot_be_fetched_is_refused_with_an_operation(
    texts: list[str], said: list[str]
) -> None:
    found = problems(*texts)
    assert {each.code for each in found} == {"SATISFIABILITY_ERROR"}
    message = "\n".join(each.message for each in found)
    for each in said:
        assert each in message


def test_a_large_set_of_subgraphs_is_composed() -> None:
    texts = []
    for graph in range(20):
        types = "".join(
            f'type T{i} @key(fields: "id") {{ id: ID! f{graph}: Int '
            f"n{graph}: [T{(i * 5 + graph) % 20}!]! }} "
            for i in range(20)
        )
        texts.append(f"type Query {{ q{graph}: T{graph} }} {types}")
    supergraph = compose(
        [Subgraph(f"g{i}", f"http://g{i}.test/", LINK + text) for i, text in enumerate(texts)]
    )
    assert len(supergraph.types) == 21
    assert len(supergraph.types["T3"].fields) == 41

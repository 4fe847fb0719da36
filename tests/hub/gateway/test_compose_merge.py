"""What composition makes of subgraphs that fit together: the schema that clients see."""

from __future__ import annotations

import itertools

import pytest
from graphql import lexicographic_sort_schema, print_schema

from hub.gateway.compose.compose import compose
from hub.gateway.model import Chosen, HeldField, Supergraph
from tests.hub.gateway.composing import LINK, api, composed, problems, subgraphs

_I = (
    'type Query { t: I } interface I @key(fields: "id") { id: ID } '
    'type T implements I @key(fields: "id") { id: ID } '
)

MERGED = [
    (
        "what one subgraph lacks the other gives",
        [
            'type Query { t: T } type T @key(fields: "id") { id: ID a: Int }',
            'type T @key(fields: "id") { id: ID b: Int }',
        ],
        ["type T {\n  a: Int\n  b: Int\n  id: ID\n}"],
    ),
    (
        "the wider type of a field",
        [
            "type Query { x: Int! @shareable y: [Int!]! @shareable }",
            "type Query { x: Int @shareable y: [Int] @shareable }",
        ],
        ["  x: Int\n", "  y: [Int]\n"],
    ),
    (
        "an interface is wider than what implements it",
        [
            "type Query { x: I @shareable } interface I { a: Int } "
            "type A implements I @shareable { a: Int }",
            "type Query { x: A! @shareable } type A @shareable { a: Int }",
        ],
        ["  x: I\n"],
    ),
    (
        "a union is wider than its members",
        [
            "type Query { x: U @shareable } union U = A type A @shareable { a: Int }",
            "type Query { x: A @shareable } type A @shareable { a: Int }",
        ],
        ["  x: U\n"],
    ),
    (
        "arguments of all, as narrow as any wants them",
        [
            "type Query { x(a: Int b: Int): Int @shareable }",
            "type Query { x(a: Int! c: Int): Int @shareable }",
        ],
        ["  x(a: Int!): Int\n"],
    ),
    (
        "a default that all give, whatever it looks like",
        [
            "type Query { x(a: [Int] = [1, 2] b: Int = 1): Int @shareable }",
            "type Query { x(a: [Int] = [1,2] b: Int): Int @shareable }",
        ],
        ["  x(a: [Int] = [1, 2], b: Int): Int\n"],
    ),
    (
        "fields of inputs that all have",
        [
            "type Query { q(i: I): Int } input I { x: Int y: Int }",
            "input I { x: Int! z: Int }",
        ],
        ["input I {\n  x: Int!\n}"],
    ),
    (
        "all members of unions",
        [
            "type Query { u: U } union U = A type A { x: Int }",
            "union U = B type B { x: Int }",
        ],
        ["union U = A | B"],
    ),
    (
        "values of enums that are answered",
        ["type Query { e: E } enum E { A B }", "enum E { B C }"],
        ["enum E {\n  A\n  B\n  C\n}"],
    ),
    (
        "values of enums that are asked for",
        ["type Query { q(e: E): Int } enum E { A B }", "enum E { B C }"],
        ["enum E {\n  B\n}"],
    ),
    (
        "a hidden value of an enum need not be everywhere",
        ["type Query { q(e: E): E } enum E { A @inaccessible B }", "enum E { B }"],
        ["enum E {\n  B\n}"],
    ),
    (
        "what is inaccessible is not shown",
        [
            "type Query { x: T @inaccessible y(a: Int @inaccessible b: Int): Int u: U } "
            "type T @inaccessible { z: Int } union U = T | V type V { w: Int }"
        ],
        ["type Query {\n  u: U\n  y(b: Int): Int\n}\n\nunion U = V\n"],
    ),
    (
        "an interface object gives its fields to all implementations",
        [_I, 'type I @interfaceObject @key(fields: "id") { id: ID z: Int }'],
        ["interface I {\n  id: ID\n  z: Int\n}", "type T implements I {\n  id: ID\n  z: Int\n}"],
    ),
    (
        "renamed roots",
        ["schema { query: Q } type Q { x: Int q: Q }", "type Query { y: Int }"],
        ["type Query {\n  q: Query\n  x: Int\n  y: Int\n}"],
    ),
    (
        "descriptions that most give, and deprecations",
        [
            '"one" type Query { x: Int @shareable @deprecated(reason: "old") }',
            '"two" type Query { x: Int @shareable }',
            '"two" type Query { x: Int @shareable }',
        ],
        ['"""two"""\ntype Query {\n  x: Int @deprecated(reason: "old")\n}'],
    ),
    (
        "directives for operations that all define",
        [
            "type Query { x: Int } directive @a(b: Int c: Int) on FIELD | QUERY "
            "directive @d on FIELD directive @s on OBJECT",
            "type Query { y: Int } directive @a(b: Int) on FIELD",
        ],
        ["directive @a(b: Int) on FIELD\n\ntype Query"],
    ),
    (
        "machinery is left out",
        [
            "1:type Query { x: T _service: _Service! "
            "_entities(representations: [_Any!]!): [_Entity]! } "
            "type _Service { sdl: String } scalar _Any union _Entity = T scalar _FieldSet "
            "directive @key(fields: _FieldSet!) repeatable on OBJECT | INTERFACE "
            'type T @key(fields: "id") { id: ID }'
        ],
        ["type Query {\n  x: T\n}\n\ntype T {\n  id: ID\n}"],
    ),
    (
        "what scalars and inputs say of themselves",
        ['type Query { d(i: J): D } scalar D @specifiedBy(url: "http://d") input J { x: Int }'],
        ['scalar D @specifiedBy(url: "http://d")'],
    ),
    (
        "arguments that a context fills in are not a client's",
        [
            '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: '
            '["@context", "@fromContext", "@key"]) type Query { t: T } '
            'type T @key(fields: "id") @context(name: "c") { id: ID! p: String! u: U! } '
            'type U @key(fields: "id") { id: ID! '
            'f(a: String @fromContext(field: "$c { p }")): Int }'
        ],
        ["  f: Int\n"],
    ),
    (
        "names as the document has them",
        [
            '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", as: "fed", '
            'import: [{name: "@key", as: "@pk"}]) type Query { t: T @fed__shareable } '
            'type T @pk(fields: "id") { id: ID }',
            '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.0") '
            "type Query { t: T @federation__shareable } "
            'type T @federation__key(fields: "id") { id: ID }',
        ],
        ["type Query {\n  t: T\n}"],
    ),
]


@pytest.mark.parametrize(
    ("texts", "shown"), [each[1:] for each in MERGED], ids=[e[0] for e in MERGED]
)
def test_subgraphs_are_merged(texts: list[str], shown: list[str]) -> None:
    whole = api(*texts)
    for each in shown:
        assert each in whole + "\n"
    assert "federation" not in whole
    assert "_Entity" not in whole


@pytest.mark.parametrize("texts", [each[1] for each in MERGED], ids=[e[0] for e in MERGED])
def test_the_order_of_subgraphs_does_not_matter(texts: list[str]) -> None:
    shown = set()
    for order in itertools.permutations(subgraphs(*texts)):
        supergraph = compose(order)
        shown.add(print_schema(lexicographic_sort_schema(supergraph.whole)))
    assert len(shown) == 1


def _held(supergraph: Supergraph, type_: str, field: str) -> dict[str, HeldField]:
    return {each.graph: each for each in supergraph.types[type_].fields[field].held}


def test_an_overridden_field_is_held_by_who_takes_it_over() -> None:
    taken = 'type T @key(fields: "id") { id: ID x: Int @override(from: "a") }'
    own = 'type Query { t: T } type T @key(fields: "id") { id: ID x: Int }'
    assert set(_held(composed(own, taken), "T", "x")) == {"b"}
    # of a subgraph that is not there, nothing is taken
    assert set(_held(composed(own.replace("x: Int", ""), taken), "T", "x")) == {"b"}
    for label, holder in (("percent(100)", "b"), ("percent(5)", "a"), ("later", "a")):
        progressive = taken.replace('from: "a"', f'from: "a", label: "{label}"')
        assert set(_held(composed(own, progressive), "T", "x")) == {holder}


def test_an_overridden_field_stays_as_a_foreign_one_where_a_key_names_it() -> None:
    held = _held(
        composed(
            'type Query { t: T } type T @key(fields: "id") @key(fields: "k") { id: ID k: ID }',
            'type T @key(fields: "id") { id: ID k: ID @override(from: "a") }',
        ),
        "T",
        "k",
    )
    assert {graph: each.external for graph, each in held.items()} == {"a": True, "b": False}


def test_fields_of_interface_objects_are_held_through_the_interface() -> None:
    supergraph = composed(
        _I, 'type I @interfaceObject @key(fields: "id") { id: ID z(a: Int): Int }'
    )
    assert _held(supergraph, "T", "z") == {
        "b": HeldField(graph="b", type="Int", arguments=frozenset({"a"}), through="I")
    }
    assert supergraph.types["I"].held["b"].interface_object
    assert supergraph.types["I"].held["a"].members == {"T"}
    assert "b" not in supergraph.types["T"].held


def test_requirements_and_provisions_are_read() -> None:
    supergraph = composed(
        'type Query { t: T @provides(fields: "o { ... on O { y } }") } '
        'type T @key(fields: "id") { id: ID n(c: String): Int @external o: O @external '
        'r: Int @requires(fields: "n(c: \\"EUR\\") o { y }") } type O @shareable { y: Int }',
        'type T @key(fields: "id") { id: ID n(c: String): Int o: O @shareable } '
        "type O @shareable { y: Int }",
    )
    assert _held(supergraph, "T", "r")["a"].requires == (
        Chosen("n", 'c: "EUR"'),
        Chosen("o", "", (Chosen("y"),)),
    )
    assert _held(supergraph, "T", "n")["a"].external
    assert _held(supergraph, "Query", "t")["a"].provides


def test_root_types_keep_the_names_that_subgraphs_give_them() -> None:
    supergraph = composed("schema { query: Q } type Q { x: Int }", "type Query { y: Int }")
    held = supergraph.types["Query"].held
    assert {graph: each.name for graph, each in held.items()} == {"a": "Q", "b": "Query"}


FIRST = [
    (
        "key fields of extensions are real",
        [
            '1:type Query { t: T } type T @key(fields: "id") { id: ID n: Int }',
            '1:extend type T @key(fields: "id") { id: ID @external n: Int @external '
            'r: Int @requires(fields: "n") }',
        ],
        {("T", "id", "b"): False, ("T", "n", "b"): True},
    ),
    (
        "externals that nothing names are left out",
        [
            '1:type Query { t: T } type T @key(fields: "id") { id: ID n: Int }',
            '1:type T @extends @key(fields: "id") { id: ID @external n: Int @external r: Int }',
        ],
        {("T", "n", "b"): None, ("T", "r", "b"): False},
    ),
    (
        "value types may be shared",
        ["1:type Query { t: T } type T { x: Int }", "1:type Query { s: T } type T { x: Int }"],
        {("T", "x", "a"): False, ("T", "x", "b"): False},
    ),
    (
        "and with the second version, which says so",
        [
            "1:type Query { t: T } type T { x: Int }",
            "type Query { s: T } type T @shareable { x: Int }",
        ],
        {("T", "x", "a"): False, ("T", "x", "b"): False},
    ),
    (
        "an extension without a key has others' keys for its own",
        [
            "1:type Query { t: T } extend type T { id: ID @external n: Int @external }",
            '1:type T @key(fields: "id") { id: ID n: Int }',
        ],
        {("T", "id", "a"): False, ("T", "n", "a"): None},
    ),
    (
        "external on a whole type says nothing",
        [
            '1:type Query { t: T } type T @key(fields: "id") { id: ID n: Int }',
            '1:extend type T @key(fields: "id") @external { id: ID n: Int r: Int }',
        ],
        {("T", "n", "b"): False, ("T", "r", "b"): False},
    ),
    (
        "external on fields of interfaces says nothing",
        ["1:type Query { i: I } interface I { x: Int @external } type T implements I { x: Int }"],
        {("I", "x", "a"): False},
    ),
    (
        "keys may be lists of names",
        ['1:type Query { t: T } type T @key(fields: ["id", "n"]) { id: ID n: Int }'],
        {("T", "id", "a"): False},
    ),
]


@pytest.mark.parametrize(
    ("texts", "external"), [each[1:] for each in FIRST], ids=[e[0] for e in FIRST]
)
def test_the_first_version_is_understood(
    texts: list[str], external: dict[tuple[str, str, str], bool | None]
) -> None:
    supergraph = composed(*texts)
    for (type_, field, graph), said in external.items():
        held = _held(supergraph, type_, field).get(graph)
        assert (None if held is None else held.external) is said


def test_requirements_that_the_first_version_resolves_itself_are_none() -> None:
    supergraph = composed(
        '1:type Query { t: T @provides(fields: "n") } type T @key(fields: "id") '
        '{ id: ID n: Int r: Int @requires(fields: "n") }'
    )
    assert _held(supergraph, "T", "r")["a"].requires == ()
    assert _held(supergraph, "Query", "t")["a"].provides == ()


def test_a_second_version_does_not_share_by_itself() -> None:
    found = problems("1:type Query { t: T } type T { x: Int }", "type T { x: Int }")
    assert [each.code for each in found] == ["INVALID_FIELD_SHARING"]
    assert LINK.startswith("extend schema")

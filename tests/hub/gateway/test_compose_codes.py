"""Every code of composition, each by subgraphs that are wrong in one way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.compose.problems import CompositionError
from tests.hub.gateway.composing import problems

_Q = "type Query { x: Int } "
_T = 'type T @key(fields: "id") { id: ID } '
_V3 = '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) '
_I = (
    'type Query { t: I } interface I @key(fields: "id") { id: ID } '
    'type T implements I @key(fields: "id") { id: ID } '
)

WRONG = [
    ("INVALID_GRAPHQL", "Query", ["type Query {"]),
    ("INVALID_GRAPHQL", "Query", ["type Query { a: Int } type Query { b: Int }"]),
    ("INVALID_GRAPHQL", "Query.a", ["type Query { a: Int a: Int }"]),
    ("INVALID_GRAPHQL", "Query.a", ["type Query { a: Foo }"]),
    ("INVALID_GRAPHQL", "Query.a", ["type Query { a: I } input I { x: Int }"]),
    ("INVALID_GRAPHQL", "Query.a(i:)", ["type Query { a(i: Query): Int }"]),
    ("INVALID_GRAPHQL", "T.y", [_Q + "interface I { y: Int } type T implements I { x: Int }"]),
    ("INVALID_GRAPHQL", "T.y", [_Q + "interface I { y: Int } type T implements I { y: ID }"]),
    (
        "INVALID_GRAPHQL",
        "T.y",
        [_Q + "interface I { y: Int } type T implements I { y(a: Int!): Int }"],
    ),
    (
        "INVALID_GRAPHQL",
        "T",
        [
            _Q + "interface I implements J { y: Int } interface J { y: Int } "
            "type T implements I { y: Int }"
        ],
    ),
    ("INVALID_GRAPHQL", "T", [_Q + "type T implements Query { x: Int }"]),
    ("INVALID_GRAPHQL", "U", [_Q + "union U = Int"]),
    ("INVALID_GRAPHQL", "U", [_Q + "union U = Query | Query"]),
    ("INVALID_GRAPHQL", "T", [_Q + "type T"]),
    ("INVALID_GRAPHQL", "__x", ["type Query { __x: Int }"]),
    ("INVALID_GRAPHQL", "Query.x", ["type Query { x: Int @foo }"]),
    ("INVALID_GRAPHQL", "Query.x", ["1:type Query { x: Int @shareable }"]),
    ("INVALID_GRAPHQL", "Query.x", [_V3 + "type Query { x: Int @shareable }"]),
    ("INVALID_GRAPHQL", "Query.x", ['type Query { x: Int @key(fields: "x") }']),
    ("INVALID_GRAPHQL", "T", [_Q + "type T @key { id: ID }"]),
    ("INVALID_GRAPHQL", "T", [_Q + 'type T @key(fields: "id", foo: 1) { id: ID }']),
    ("INVALID_GRAPHQL", "Query.x", ["type Query { x: Int @tag(name: 1) }"]),
    ("INVALID_GRAPHQL", "Query.x", ["type Query { x: Int @inaccessible @inaccessible y: Int }"]),
    ("INVALID_GRAPHQL", "Query.x(a:)", ['type Query { x(a: Int = "x"): Int }']),
    (
        "INVALID_GRAPHQL",
        "Query.x(e:)",
        ["type Query { x(e: E = A): Int } enum E { A B }", "enum E { B }"],
    ),
    ("ROOT_QUERY_USED", "Query", ["schema { query: Q } type Q { x: Int } type Query { y: Int }"]),
    (
        "UNKNOWN_FEDERATION_LINK_VERSION",
        None,
        ['1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.99") ' + _Q],
    ),
    (
        "UNKNOWN_LINK_VERSION",
        None,
        [
            '1:extend schema @link(url: "https://specs.apollo.dev/link/v9.0") '
            '@link(url: "https://specs.apollo.dev/federation/v2.0") ' + _Q
        ],
    ),
    (
        "INVALID_LINK_DIRECTIVE_USAGE",
        None,
        [
            '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", '
            'import: ["@interfaceObject"]) ' + _Q
        ],
    ),
    ("DIRECTIVE_DEFINITION_INVALID", "@key", [_V3 + "directive @key(fields: Int) on OBJECT " + _Q]),
    ("DIRECTIVE_DEFINITION_INVALID", "@key", [_V3 + "directive @key on OBJECT " + _Q]),
    ("DIRECTIVE_DEFINITION_INVALID", "@external", ["1:directive @external on ENUM " + _Q]),
    ("TYPE_DEFINITION_INVALID", "_FieldSet", ["1:type _FieldSet { x: Int } " + _Q]),
    ("KEY_INVALID_FIELDS", "T", [_Q + 'type T @key(fields: "nope") { id: ID }']),
    ("KEY_INVALID_FIELDS", "T", [_Q + 'type T @key(fields: "id {") { id: ID }']),
    ("KEY_INVALID_FIELDS", "T", [_Q + 'type T @key(fields: "") { id: ID }']),
    ("KEY_INVALID_FIELDS", "T", [_Q + 'type T @key(fields: "a: id") { id: ID }']),
    ("KEY_INVALID_FIELDS", "T", [_Q + 'type T @key(fields: "i") { i: Query }']),
    ("KEY_INVALID_FIELDS_TYPE", "T", [_Q + "type T @key(fields: 1) { id: ID }"]),
    ("KEY_FIELDS_HAS_ARGS", "T", [_Q + 'type T @key(fields: "id") { id(a: Int): ID }']),
    (
        "KEY_FIELDS_SELECT_INVALID_TYPE",
        "T",
        [_Q + 'type T @key(fields: "i { id }") { i: I } interface I { id: ID }'],
    ),
    (
        "KEY_UNSUPPORTED_ON_INTERFACE",
        "I",
        [
            '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", '
            'import: ["@key"]) interface I @key(fields: "id") { id: ID } ' + _Q
        ],
    ),
    ("PROVIDES_INVALID_FIELDS", "Query.t", [_T + 'type Query { t: T @provides(fields: "no") }']),
    ("PROVIDES_INVALID_FIELDS_TYPE", "Query.t", [_T + "type Query { t: T @provides(fields: 1) }"]),
    (
        "PROVIDES_FIELDS_MISSING_EXTERNAL",
        "Query.t",
        ['type Query { t: T @provides(fields: "n") } type T @key(fields: "id") { id: ID n: Int }'],
    ),
    ("PROVIDES_ON_NON_OBJECT_FIELD", "Query.t", ['type Query { t: Int @provides(fields: "n") }']),
    (
        "PROVIDES_FIELDS_HAS_ARGS",
        "Query.t",
        [
            'type Query { t: T @provides(fields: "n(a: 1)") } '
            'type T @key(fields: "id") { id: ID n(a: Int): Int @external }',
            'type T @key(fields: "id") { id: ID n(a: Int): Int @shareable }',
        ],
    ),
    (
        "REQUIRES_INVALID_FIELDS",
        "T.r",
        [_Q + 'type T @key(fields: "id") { id: ID r: Int @requires(fields: "no") }'],
    ),
    (
        "REQUIRES_INVALID_FIELDS",
        "T.r",
        [
            _Q + 'type T @key(fields: "id") { id: ID n(a: Int!): Int @external '
            'r: Int @requires(fields: "n") }',
            'type T @key(fields: "id") { id: ID n(a: Int!): Int }',
        ],
    ),
    (
        "REQUIRES_INVALID_FIELDS_TYPE",
        "T.r",
        [_Q + 'type T @key(fields: "id") { id: ID n: Int r: Int @requires(fields: ["n"]) }'],
    ),
    (
        "REQUIRES_FIELDS_MISSING_EXTERNAL",
        "T.r",
        [_Q + 'type T @key(fields: "id") { id: ID n: Int r: Int @requires(fields: "n") }'],
    ),
    (
        "REQUIRES_UNSUPPORTED_ON_INTERFACE",
        "I.y",
        [
            _Q + "interface I { t: T } type T { x: Int @external } "
            'extend interface I { y: Int @requires(fields: "t { x }") }',
            "type T { x: Int }",
        ],
    ),
    (
        "EXTERNAL_UNUSED",
        "T.n",
        [
            _Q + 'type T @key(fields: "id") { id: ID n: Int @external }',
            'type T @key(fields: "id") { id: ID n: Int }',
        ],
    ),
    (
        "EXTERNAL_MISSING_ON_BASE",
        "T.n",
        [
            _Q + 'type T @key(fields: "id") { id: ID n: Int @external '
            'r: Int @requires(fields: "n") }'
        ],
    ),
    (
        "EXTERNAL_TYPE_MISMATCH",
        "T.n",
        [
            _Q + 'type T @key(fields: "id") { id: ID n: String @external '
            'r: Int @requires(fields: "n") }',
            'type T @key(fields: "id") { id: ID n: Int }',
        ],
    ),
    *[
        (
            code,
            "T.n(a:)",
            [
                _Q + f'type T @key(fields: "id") {{ id: ID n{arguments}: Int @external '
                'r: Int @requires(fields: "n") }',
                'type T @key(fields: "id") { id: ID n(a: Int = 2): Int }',
            ],
        )
        for code, arguments in (
            ("EXTERNAL_ARGUMENT_MISSING", ""),
            ("EXTERNAL_ARGUMENT_TYPE_MISMATCH", "(a: String)"),
            ("EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", "(a: Int = 1)"),
        )
    ],
    (
        "EXTERNAL_ON_INTERFACE EXTERNAL_UNUSED",
        "I.n",
        [_Q + "interface I { n: Int @external m: Int }"],
    ),
    ("INVALID_SHAREABLE_USAGE", "I.n", [_Q + "interface I { n: Int @shareable }"]),
    ("INVALID_SHAREABLE_USAGE", "Query.x", ["type Query { x: Int @shareable @shareable }"]),
    ("TYPE_KIND_MISMATCH", "T", [_Q + "type T { x: Int }", "interface T { x: Int }"]),
    (
        "FIELD_TYPE_MISMATCH",
        "Query.x",
        ["type Query { x: Int @shareable }", "type Query { x: String @shareable }"],
    ),
    (
        "FIELD_TYPE_MISMATCH",
        "Query.x",
        ["type Query { x: [Int!] @shareable }", "type Query { x: [Int]! @shareable }"],
    ),
    (
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "Query.x(a:)",
        ["type Query { x(a: Int): Int @shareable }", "type Query { x(a: ID): Int @shareable }"],
    ),
    (
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "Query.x(a:)",
        [
            "type Query { x(a: Int = 1): Int @shareable }",
            "type Query { x(a: Int = 2): Int @shareable }",
        ],
    ),
    (
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        "Query.x(a:)",
        ["type Query { x(a: Int!): Int @shareable }", "type Query { x: Int @shareable }"],
    ),
    *[
        (code, "I.x", ["type Query { q(i: I): Int } input I { y: Int x: Int = 1 }", f"input {two}"])
        for code, two in (
            ("INPUT_FIELD_DEFAULT_MISMATCH", "I { y: Int x: Int = 2 }"),
            ("FIELD_TYPE_MISMATCH", "I { y: Int x: ID = 1 }"),
        )
    ],
    (
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
        "I.x",
        ["type Query { q(i: I): Int } input I { y: Int x: Int! }", "input I { y: Int }"],
    ),
    (
        "EMPTY_MERGED_INPUT_TYPE",
        "I",
        ["type Query { q(i: I): Int } input I { y: Int }", "input I { x: Int }"],
    ),
    ("EMPTY_MERGED_ENUM_TYPE", "E", ["type Query { q(e: E): Int } enum E { A }", "enum E { B }"]),
    ("ENUM_VALUE_MISMATCH", "E.A", ["type Query { q(e: E): E } enum E { A B }", "enum E { B }"]),
    ("INVALID_FIELD_SHARING", "Query.x", ["type Query { x: Int }", "type Query { x: Int }"]),
    (
        "INVALID_FIELD_SHARING",
        "T.z",
        [
            _I.replace(
                'implements I @key(fields: "id") { id: ID }',
                'implements I @key(fields: "id") { id: ID z: Int }',
            ),
            'type I @interfaceObject @key(fields: "id") { id: ID z: Int }',
        ],
    ),
    ("INVALID_FIELD_SHARING", "Subscription.s", [_Q + "type Subscription { s: Int @shareable }"]),
    (
        "INTERFACE_FIELD_NO_IMPLEM",
        "T.y",
        [
            _Q + "interface I { x: Int } type T implements I { x: Int }",
            "interface I { x: Int y: Int } type S implements I { x: Int y: Int }",
        ],
    ),
    ("INTERFACE_OBJECT_USAGE_ERROR", "I", [_I, "type I @interfaceObject { id: ID z: Int }"]),
    (
        "INTERFACE_OBJECT_USAGE_ERROR",
        "I",
        [_I, 'type I @interfaceObject @key(fields: "id") { id: ID z: Int } ' + _T],
    ),
    (
        "INTERFACE_OBJECT_USAGE_ERROR",
        "I",
        [_Q + 'type I @interfaceObject @key(fields: "id") { id: ID z: Int }'],
    ),
    (
        "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
        "T",
        [_Q + 'interface I @key(fields: "id") { id: ID } type T implements I { id: ID }'],
    ),
    (
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
        "I",
        [_I, 'interface I { id: ID } type S implements I @key(fields: "id") { id: ID }'],
    ),
    (
        "OVERRIDE_FROM_SELF_ERROR",
        "T.x",
        [_Q + 'type T @key(fields: "id") { id: ID x: Int @override(from: "a") }'],
    ),
    (
        "OVERRIDE_SOURCE_HAS_OVERRIDE INVALID_FIELD_SHARING",
        "T.x",
        [
            _Q + 'type T @key(fields: "id") { id: ID x: Int @override(from: "b") }',
            'type T @key(fields: "id") { id: ID x: Int @override(from: "c") }',
            'type T @key(fields: "id") { id: ID x: Int }',
        ],
    ),
    (
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE INVALID_FIELD_SHARING",
        "T.x",
        [
            _Q + 'type T @key(fields: "id") { id: ID x: Int @override(from: "b") }',
            'type T @key(fields: "id") { id: ID z: Int @external x: Int @requires(fields: "z") }',
            'type T @key(fields: "id") { id: ID z: Int }',
        ],
    ),
    (
        "OVERRIDE_ON_INTERFACE",
        "I.x",
        [_Q + 'interface I { x: Int @override(from: "b") }', "interface I { x: Int }"],
    ),
    (
        "OVERRIDE_LABEL_INVALID",
        "T.x",
        [
            _Q + 'type T @key(fields: "id") { id: ID x: Int }',
            'type T @key(fields: "id") { id: ID x: Int @override(from: "a", label: "#$") }',
        ],
    ),
    ("EXTENSION_WITH_NO_BASE", "T", [_Q + "extend " + _T]),
    ("NO_QUERIES", None, ["type T { x: Int }"]),
    ("QUERY_ROOT_TYPE_INACCESSIBLE", "Query", ["type Query @inaccessible { x: Int }"]),
    ("ONLY_INACCESSIBLE_CHILDREN", "T", [_Q + "type T { y: Int @inaccessible }"]),
    ("ONLY_INACCESSIBLE_CHILDREN", "E", [_Q + "enum E { A @inaccessible }"]),
    ("ONLY_INACCESSIBLE_CHILDREN", "U", [_Q + "union U = A type A @inaccessible { x: Int }"]),
    ("REFERENCED_INACCESSIBLE", "Query.t", ["type Query { t: T } type T @inaccessible { y: Int }"]),
    (
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        "Query.x(e:)",
        ["type Query { x(e: E = A): Int } enum E { A @inaccessible B }"],
    ),
    (
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        "Query.x(i:)",
        ["type Query { x(i: [I] = [{a: 1}]): Int } input I { a: Int @inaccessible b: Int }"],
    ),
    ("REQUIRED_INACCESSIBLE", "Query.x(e:)", ["type Query { x(e: Int! @inaccessible): Int }"]),
    (
        "REQUIRED_INACCESSIBLE",
        "I.a",
        ["type Query { x(i: I): Int } input I { a: Int! @inaccessible b: Int }"],
    ),
    (
        "IMPLEMENTED_BY_INACCESSIBLE",
        "T.b",
        [_Q + "interface I { b: Int } type T implements I { a: Int b: Int @inaccessible }"],
    ),
    (
        "SATISFIABILITY_ERROR",
        "T.y",
        ['type Query { t: T } type T @key(fields: "id") { id: ID }', "type T { y: Int }"],
    ),
    (
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
        "Query.u",
        [
            "type Query { u: U @shareable } union U = A type A { x: Int }",
            "type Query { u: U @shareable } union U = B type B { x: Int }",
        ],
    ),
]


@pytest.mark.parametrize(
    ("code", "coordinate", "texts"), WRONG, ids=[f"{i}-{each[0]}" for i, each in enumerate(WRONG)]
)
def test_wrong_subgraphs_are_refused_with_the_code_and_where(
    code: str, coordinate: str | None, texts: list[str]
) -> None:
    found = problems(*texts)
    assert {each.code for each in found} == set(code.split())
    if coordinate is not None and "{" in texts[0] and texts[0].count("{") == texts[0].count("}"):
        assert coordinate in {one for each in found for one in each.coordinates}
    assert all(each.message for each in found)


@pytest.mark.parametrize("names", [["a", "a"], [""], ["_"]])
def test_subgraphs_have_names_of_their_own(names: list[str]) -> None:
    with pytest.raises(CompositionError) as caught:
        compose([Subgraph(each, "http://x.test/", "type Query { x: Int }") for each in names])
    assert "INVALID_SUBGRAPH_NAME" in {each.code for each in caught.value.problems}


def test_all_problems_of_all_subgraphs_are_told_at_once() -> None:
    found = problems(
        _Q + 'type T @key(fields: "nope") { id: ID }',
        'type S @key(fields: "id") { id: ID r: Int @requires(fields: "no") }',
        "type R {",
    )
    assert [(each.code, each.subgraphs) for each in found] == [
        ("KEY_INVALID_FIELDS", ("a",)),
        ("REQUIRES_INVALID_FIELDS", ("b",)),
        ("INVALID_GRAPHQL", ("c",)),
    ]


def test_the_page_describes_every_code_and_no_other() -> None:
    page = Path("docs/gateway-composition.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))
    known = {code for codes, _, _ in WRONG for code in codes.split()} | {"INVALID_SUBGRAPH_NAME"}
    source = "".join(
        each.read_text(encoding="utf-8") for each in Path("hub/gateway/compose").glob("*.py")
    )
    written = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    assert known <= described
    assert described - known <= {
        f"{one}_{two}"
        for one in ("KEY", "PROVIDES", "REQUIRES", "ROOT")
        for two in ("UNSUPPORTED_ON_INTERFACE", "MUTATION_USED", "SUBSCRIPTION_USED")
    }
    assert {each for each in written if each not in _NO_CODES} <= described


_NO_CODES = {
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INPUT_FIELD_DEFINITION",
    "INPUT_OBJECT",
    "ENUM_VALUE",
    "COMPOSITION_FAILED",
}

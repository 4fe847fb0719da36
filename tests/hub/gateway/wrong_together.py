"""Subgraphs that are wrong together: codes, a coordinate, documents."""

from __future__ import annotations

_Q = "type Query { x: Int } "
_T = 'type T @key(fields: "id") { id: ID } '
_V3 = '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) '
_I = (
    'type Query { t: I } interface I @key(fields: "id") { id: ID } '
    'type T implements I @key(fields: "id") { id: ID } '
)

TOGETHER = [
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
    ("NO_QUERIES", None, []),
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

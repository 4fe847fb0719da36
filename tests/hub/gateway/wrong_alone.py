"""Subgraphs that are wrong by themselves: codes, a coordinate, documents."""

from __future__ import annotations

_Q = "type Query { x: Int } "
_T = 'type T @key(fields: "id") { id: ID } '
_V3 = '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) '
_I = (
    'type Query { t: I } interface I @key(fields: "id") { id: ID } '
    'type T implements I @key(fields: "id") { id: ID } '
)

ALONE = [
    ("INVALID_GRAPHQL", "Query", ["type Query {"]),
    ("INVALID_GRAPHQL", "Query", ["type Query { x: " + "[" * 5_000]),
    ("KEY_INVALID_FIELDS", "T", [_Q + f'type T @key(fields: "{"a {" * 5_000}") {{ a: T }}']),
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
    ("INVALID_GRAPHQL", "Query.a(n:)", ['type Query { a(n: Int = "x"): Int }']),
    ("INVALID_GRAPHQL", "Query.a(n:)", ["type Query { a(n: Int = 2147483648): Int }"]),
    ("INVALID_GRAPHQL", "Query.a(e:)", ["type Query { a(e: [E!] = [X, Z]): Int } enum E { X Y }"]),
    ("INVALID_GRAPHQL", "Query.a(i:)", ["type Query { a(i: I = {}): Int } input I { n: Int! }"]),
    ("INVALID_GRAPHQL", "I.n", [_Q + "input I { n: Int! = null }"]),
    (
        "INVALID_GRAPHQL",
        "Query.a",
        [
            '1:extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", '
            'import: ["@override"]) '
            'type Query { a: Int @override(from: "b", label: "percent(1)") }'
        ],
    ),
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
    *(
        (
            "REQUIRES_INVALID_FIELDS",
            "T.r",
            [
                _Q + "enum E { X } input I { a: [E] n: Int! = 1 } "
                'type T @key(fields: "id") { id: ID n(i: I!): Int @external '
                f'r: Int @requires(fields: "n(i: {value})") }}',
            ],
        )
        for value in ("{a: [Y]}", "{b: 1}", "null", "{n: null}", "X", "{a: 1}", "{n: $x}")
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
        "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
        "T.n",
        [
            _Q + 'type T @key(fields: "id") { id: ID n: Int @external @inaccessible '
            'r: Int @requires(fields: "n") }',
            'type T @key(fields: "id") { id: ID n: Int }',
        ],
    ),
    (
        "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
        "T",
        ["1:type Query { x: Int t: T } type T { n: Int @external }", "1:type T { n: Int }"],
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
]

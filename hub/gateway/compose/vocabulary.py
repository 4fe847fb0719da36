"""The directives that schemas may use: where, with which arguments, how often."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Version = tuple[int, int]


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One directive; `arguments` are types by name, `since` the version of federation with it.

    `later`: arguments that a later version brought.
    """

    at: frozenset[str]
    arguments: Mapping[str, str] = {}
    later: Mapping[str, Version] = {}
    repeatable: bool = False
    since: Version = (2, 0)


def _at(places: str) -> frozenset[str]:
    return frozenset(places.split())


_ANY = _at(
    "FIELD_DEFINITION OBJECT INTERFACE UNION ARGUMENT_DEFINITION SCALAR ENUM ENUM_VALUE "
    "INPUT_OBJECT INPUT_FIELD_DEFINITION"
)
_GUARDED = _at("FIELD_DEFINITION OBJECT INTERFACE SCALAR ENUM")
_SET = {"fields": "FieldSet!"}

FEDERATION: Mapping[str, Word] = {
    "key": Word(
        at=_at("OBJECT INTERFACE"), arguments=_SET | {"resolvable": "Boolean"}, repeatable=True
    ),
    "requires": Word(at=_at("FIELD_DEFINITION"), arguments=_SET),
    "provides": Word(at=_at("FIELD_DEFINITION"), arguments=_SET),
    "external": Word(at=_at("OBJECT FIELD_DEFINITION"), arguments={"reason": "String"}),
    "shareable": Word(at=_at("OBJECT FIELD_DEFINITION"), repeatable=True),
    "extends": Word(at=_at("OBJECT INTERFACE")),
    "override": Word(
        at=_at("FIELD_DEFINITION"),
        arguments={"from": "String!", "label": "String"},
        later={"label": (2, 7)},
    ),
    "tag": Word(at=_ANY | {"SCHEMA"}, arguments={"name": "String!"}, repeatable=True),
    "inaccessible": Word(at=_ANY),
    "composeDirective": Word(
        at=_at("SCHEMA"), arguments={"name": "String"}, repeatable=True, since=(2, 1)
    ),
    "interfaceObject": Word(at=_at("OBJECT"), since=(2, 3)),
    "authenticated": Word(at=_GUARDED, since=(2, 5)),
    "requiresScopes": Word(at=_GUARDED, arguments={"scopes": "[[Scope!]!]!"}, since=(2, 5)),
    "policy": Word(at=_GUARDED, arguments={"policies": "[[Policy!]!]!"}, since=(2, 6)),
    "context": Word(
        at=_at("INTERFACE OBJECT UNION"),
        arguments={"name": "String!"},
        repeatable=True,
        since=(2, 8),
    ),
    "fromContext": Word(
        at=_at("ARGUMENT_DEFINITION"), arguments={"field": "ContextFieldValue"}, since=(2, 8)
    ),
    "cost": Word(
        at=_at("ARGUMENT_DEFINITION ENUM FIELD_DEFINITION INPUT_FIELD_DEFINITION OBJECT SCALAR"),
        arguments={"weight": "Int!"},
        since=(2, 9),
    ),
    "listSize": Word(
        at=_at("FIELD_DEFINITION"),
        arguments={
            "assumedSize": "Int",
            "slicingArguments": "[String!]",
            "sizedFields": "[String!]",
            "requireOneSlicingArgument": "Boolean",
        },
        since=(2, 9),
    ),
    "cacheTag": Word(
        at=_at("OBJECT FIELD_DEFINITION"),
        arguments={"format": "String!"},
        repeatable=True,
        since=(2, 12),
    ),
}
"""Federation's own, by canonical name."""

SCALARS: Mapping[str, Version] = {
    "FieldSet": (2, 0),
    "Scope": (2, 5),
    "Policy": (2, 6),
    "ContextFieldValue": (2, 8),
}
"""Federation's own scalars, each with the version that brought it."""

BUILT_IN_WORDS: Mapping[str, Word] = {
    "link": Word(
        at=_at("SCHEMA"),
        arguments={"url": "String", "as": "String", "for": "Purpose", "import": "[Import]"},
        repeatable=True,
    ),
    "deprecated": Word(
        at=_at("FIELD_DEFINITION ARGUMENT_DEFINITION INPUT_FIELD_DEFINITION ENUM_VALUE"),
        arguments={"reason": "String"},
    ),
    "specifiedBy": Word(at=_at("SCALAR"), arguments={"url": "String!"}),
    "oneOf": Word(at=_at("INPUT_OBJECT")),
}
"""Those of GraphQL itself, and the one that links."""

FIRST = frozenset({"key", "requires", "provides", "external", "extends", "tag"})
"""Those that a document of the first version may use."""

LATEST: Version = (2, 14)

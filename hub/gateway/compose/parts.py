"""What one subgraph's document says, in canonical words: federation's directives as properties.

Root types are called ``Query``, ``Mutation`` and ``Subscription`` here, whatever their names are
in the document (`Type.called`). Types are GraphQL text such as ``[Review!]!``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hub.gateway.model import TypeKind

ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
BUILT_IN = frozenset({"ID", "String", "Int", "Float", "Boolean"})


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """An argument or an input field; `default` is GraphQL text.

    `context`: an argument that the gateway would fill in (``@fromContext``), so not a client's.
    """

    name: str
    type: str
    default: str | None = None
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False
    context: bool = False

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        return self.type.endswith("!") and self.default is None and not self.context


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an object or interface; field sets are still text, `None` where not given.

    `moved`: taken over by another subgraph, and `external` here where field sets still name it.
    """

    name: str
    type: str
    arguments: Mapping[str, Input] = {}
    external: bool = False
    shareable: bool = False
    requires: str | None = None
    provides: str | None = None
    override: str | None = None
    label: str | None = None
    moved: bool = False
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value of an enum."""

    name: str
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False


class KeyText(msgspec.Struct, frozen=True):
    """A ``@key``: its text and whether it is an entrance."""

    fields: str
    resolvable: bool = True


class Type(msgspec.Struct, frozen=True, kw_only=True):
    """A type with all its definitions and extensions put together.

    `extension`: no definition of it is an ordinary one (``extend type``, ``@extends``).
    `base`: others may extend it (which ``@extends`` forbids in the first version only).
    `specified_by`: of a scalar; `one_of`: of an input.
    """

    name: str
    called: str
    kind: TypeKind
    fields: Mapping[str, Field] = {}
    inputs: Mapping[str, Input] = {}
    values: Mapping[str, Value] = {}
    interfaces: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    keys: tuple[KeyText, ...] = ()
    interface_object: bool = False
    extension: bool = False
    base: bool = True
    specified_by: str | None = None
    one_of: bool = False
    description: str | None = None
    inaccessible: bool = False


class Executable(msgspec.Struct, frozen=True, kw_only=True):
    """A directive that operations may use."""

    name: str
    arguments: Mapping[str, Input]
    locations: frozenset[str]
    repeatable: bool = False
    description: str | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One subgraph; `version` is ``(1, 0)`` where it links to no federation version."""

    name: str
    url: str
    version: tuple[int, int]
    types: Mapping[str, Type]
    directives: Mapping[str, Executable] = {}

    @property
    def first(self) -> bool:
        """Whether it is written for the first version of federation."""
        return self.version[0] == 1

    def objects(self, name: str) -> tuple[str, ...]:
        """The object types that `name` may be in this subgraph."""
        held = self.types.get(name)
        if held is None:
            return ()
        if held.kind == "union":
            return held.members
        if held.kind == "interface":
            return tuple(
                each.name
                for each in self.types.values()
                if each.kind == "object" and name in each.interfaces
            )
        return (name,)


def named(type_: str) -> str:
    """The name inside the text of a type."""
    return type_.strip("[]!")

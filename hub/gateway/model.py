"""What a composed supergraph says: which subgraph holds which field, and how entities are found.

Made by composition of subgraphs' documents or read from a supergraph's document (join v0.3);
planning reads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from graphql import GraphQLSchema

TypeKind = Literal["object", "interface", "union", "enum", "scalar", "input"]


class Graph(msgspec.Struct, frozen=True):
    """One subgraph; `url` takes ``POST``ed operations."""

    name: str
    url: str


class Chosen(msgspec.Struct, frozen=True):
    """One field of a field set; `arguments` is GraphQL text (``currency: "EUR"``), or empty."""

    name: str
    arguments: str = ""
    selections: tuple[Piece, ...] = ()


class OnType(msgspec.Struct, frozen=True):
    """An inline fragment of a field set."""

    type: str
    selections: tuple[Piece, ...] = ()


Piece = Chosen | OnType
FieldSet = tuple[Piece, ...]
"""The parsed argument of ``@key``, ``@requires`` or ``@provides``."""


class Key(msgspec.Struct, frozen=True):
    """One ``@key`` of a type in one subgraph; a resolvable one is an entrance (``_entities``)."""

    fields: FieldSet
    resolvable: bool = True


class HeldField(msgspec.Struct, frozen=True, kw_only=True):
    """A field as one subgraph has it.

    `external`: only there for keys, requirements and provisions; the subgraph answers it where it
    is part of a key of its own that was read from it, or where a path provides it.
    `through`: the interface by whose name the subgraph holds it (``@interfaceObject``), where the
    field's own type is an implementation that the subgraph does not know.
    `type` and `arguments` are as written there; a field taken over by ``@override`` is not held
    any more by the one it was taken from (unless `external` there).
    """

    graph: str
    type: str
    arguments: frozenset[str] = frozenset()
    external: bool = False
    requires: FieldSet = ()
    provides: FieldSet = ()
    through: str = ""


class FieldEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an object or interface type; `type` as merged, such as ``[Review!]!``."""

    name: str
    type: str
    held: tuple[HeldField, ...]


class TypeHeld(msgspec.Struct, frozen=True, kw_only=True):
    """A type as one subgraph has it: entrances, what it implements there, its possible types.

    `interfaces`: of an object or interface. `members`: object types of a union or interface that
    this subgraph knows (for an interface: its implementations there). `name` is how the subgraph
    calls it: differs for root types only.
    """

    graph: str
    name: str
    keys: tuple[Key, ...] = ()
    interface_object: bool = False
    interfaces: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


class TypeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One type of the supergraph; root types are called ``Query``, ``Mutation``, ``Subscription``.

    `values`: of an enum, each with the subgraphs that have it.
    """

    name: str
    kind: TypeKind
    held: Mapping[str, TypeHeld]
    fields: Mapping[str, FieldEntry] = {}
    values: Mapping[str, frozenset[str]] = {}


class Supergraph(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known: `whole` with what is ``@inaccessible``, `api` without; complete schemas.

    Clients' operations are validated against `api`; requirements may name fields of `whole` only.
    `graphs` by name.
    """

    graphs: Mapping[str, Graph]
    types: Mapping[str, TypeEntry]
    whole: GraphQLSchema
    api: GraphQLSchema

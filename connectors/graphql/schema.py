"""The schema of a server: from a file, from ``_service``, or by introspection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    parse,
)

from connectors.graphql.exchange import Exchange
from connectors.graphql.federation import Facts, facts_of
from connectors.http.body import MAX_BYTES
from connectors.http.rows import bad
from schema.errors import HubError, SourceError

MAX_TOKENS = 1_000_000
_OURS = """
scalar _Any
scalar _FieldSet
scalar FieldSet
scalar federation__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
"""
Composite = GraphQLObjectType | GraphQLInterfaceType


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What a server offers."""

    schema: GraphQLSchema
    facts: Facts = Facts()
    subgraph: bool = False

    @property
    def query(self) -> GraphQLObjectType | None:
        """The query type."""
        return self.schema.query_type

    def composite(self, name: str) -> Composite | None:
        """An object or interface type by name."""
        held = self.schema.type_map.get(name)
        return held if isinstance(held, Composite) else None

    def below(self, start: Composite, path: tuple[str, ...]) -> Any:
        """The type that lies at the end of a path, wrapped as it is; raises ``KeyError``."""
        held: Any = start
        for name in path:
            inner = get_named_type(held)
            if not isinstance(inner, Composite):
                raise KeyError(name)
            held = inner.fields[name].type
        return held

    def argument(self, field: tuple[str, ...], argument: str) -> Any:
        """The type of an argument of a query field, also of one in input objects.

        Raises: ``KeyError`` where there is none.
        """
        if self.query is None:
            raise KeyError(argument)
        holder = get_named_type(self.below(self.query, field[:-1]))
        if not isinstance(holder, Composite):
            raise KeyError(argument)
        first, *others = argument.split(".")
        held: Any = holder.fields[field[-1]].args[first].type
        for name in others:
            inner = get_named_type(held)
            if not isinstance(inner, GraphQLInputObjectType):
                raise KeyError(argument)
            held = inner.fields[name].type
        return held


async def read_schema(exchange: Exchange, place: str | None, deadline: float) -> Served:
    """From the file at `place`, else from the server; raises ``CONFIG_INVALID`` or `SourceError`.

    A subgraph is asked for its own text first: it holds the directives, and is there even where
    introspection is switched off.
    """
    if place is not None:
        return from_text(_from_file(Path(place)))
    try:
        data = await exchange.ask("{ _service { sdl } }", {}, deadline)
        service = data.get("_service")
        text = service.get("sdl") if isinstance(service, Mapping) else None
        if isinstance(text, str):
            return from_text(text, subgraph=True)
    except SourceError as error:
        # servers refuse an unknown field in many ways; one that is down says so again below
        if error.code not in ("SOURCE_BAD_DATA", "SOURCE_UNAVAILABLE"):
            raise
    text = get_introspection_query(descriptions=True)
    try:
        held = build_client_schema(await exchange.ask(text, {}, deadline))  # type: ignore[arg-type]
    except (SourceError, GraphQLError, TypeError, KeyError, ValueError) as error:
        if isinstance(error, SourceError) and error.code != "SOURCE_BAD_DATA":
            raise
        raise bad(
            "the server does not tell its schema",
            "name a file that holds it in `connect.schema`, or let it answer introspection",
        ) from None
    return Served(schema=held)


def _from_file(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise HubError("CONFIG_INVALID", "the schema file is too large", where=str(path))
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise HubError(
            "CONFIG_INVALID", "the schema file cannot be read", where=str(path),
            hint="`connect.schema` names a file in GraphQL's schema language",
        ) from None  # fmt: skip


def from_text(text: str, *, subgraph: bool | None = None) -> Served:
    """A schema from text in the schema language; of a subgraph if it has a ``@key``.

    Raises: ``SOURCE_BAD_DATA``.
    """
    try:
        document = parse(text, no_location=True, max_tokens=MAX_TOKENS)
        facts = facts_of(document)
        schema = build_ast_schema(_whole(document), assume_valid=True, assume_valid_sdl=True)
    except (GraphQLError, TypeError, KeyError, ValueError, RecursionError):
        raise bad("the text of the schema cannot be read") from None
    keyed = any(one.keys for one in facts.types.values())
    return Served(schema=schema, facts=facts, subgraph=keyed if subgraph is None else subgraph)


def _whole(document: DocumentNode) -> DocumentNode:
    """Without directives' definitions; extensions of what is nowhere defined as definitions."""
    kept: list[DefinitionNode] = []
    parts: dict[tuple[type[Any], str], list[Any]] = {}
    for node in (*parse(_OURS, no_location=True).definitions, *document.definitions):
        made = _MADE.get(node.kind.removesuffix("_extension").removesuffix("_definition"))
        if made is not None:
            parts.setdefault((made, node.name.value), []).append(node)  # type: ignore[attr-defined]
        elif node.kind == "schema_definition":
            kept.append(node)
    return DocumentNode(
        definitions=(*kept, *(_one(made, held) for (made, _), held in parts.items()))
    )


def _one(made: type[Any], held: list[Any]) -> Any:
    """All that is said of one type as one definition."""
    merged = {
        name: tuple(one for node in held for one in getattr(node, name) or ())
        for name in ("fields", "interfaces", "values", "types")
        if name in made.keys
    }
    return made(name=held[0].name, description=getattr(held[0], "description", None), **merged)


_MADE: Mapping[str, type[Any]] = {
    "object_type": ObjectTypeDefinitionNode,
    "interface_type": InterfaceTypeDefinitionNode,
    "input_object_type": InputObjectTypeDefinitionNode,
    "enum_type": EnumTypeDefinitionNode,
    "union_type": UnionTypeDefinitionNode,
    "scalar_type": ScalarTypeDefinitionNode,
}

"""Read a composed supergraph's document (join v0.1 to v0.5) into a `Supergraph`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    GraphQLSyntaxError,
    TypeDefinitionNode,
    TypeExtensionNode,
    parse,
)
from msgspec.structs import replace

from hub.gateway.compose.fieldsets import FieldSetError, read_field_set
from hub.gateway.compose.links import Links, read_links
from hub.gateway.compose.override import whole_share
from hub.gateway.compose.parts import BUILT_IN, Part, Type
from hub.gateway.compose.problems import CompositionError, Problem
from hub.gateway.compose.read import Directives, read_document
from hub.gateway.compose.schemas import build_both, check_schema
from hub.gateway.model import (
    FieldEntry,
    FieldSet,
    Graph,
    HeldField,
    Key,
    Supergraph,
    TypeEntry,
    TypeHeld,
)


def read_supergraph(sdl: str) -> Supergraph:
    """Read the document of a supergraph.

    Raises: `CompositionError` with INVALID_GRAPHQL where it is not one.
    """
    try:
        document = parse(sdl, no_location=True)
    except GraphQLSyntaxError as error:
        raise CompositionError([_invalid(error.message)]) from error
    except RecursionError as error:
        raise CompositionError([_invalid("the document is nested too deep")]) from error
    links = _links(document)
    problems: list[Problem] = []
    part = read_document(
        Part(name="supergraph", url="", version=(2, 0), types={}), document, links, problems
    )
    if problems:
        raise CompositionError(problems)
    machinery = tuple(f"{each}__" for each in {*links.features, "join", "link", "core"})
    types = {name: held for name, held in part.types.items() if not name.startswith(machinery)}
    directives = {
        name: one for name, one in part.directives.items() if not name.startswith(machinery)
    }
    try:
        whole, api = build_both(types, directives)
        problems += check_schema(whole)
        reader = _Reader(document, links, types)
        entries = {name: reader.entry(held) for name, held in types.items() if name not in BUILT_IN}
    except (TypeError, KeyError, FieldSetError) as error:
        raise CompositionError([_invalid(str(error))]) from error
    if not reader.graphs:
        problems.append(_invalid("no subgraphs: `join__Graph` has no values with @join__graph"))
    if problems:
        raise CompositionError(problems)
    return Supergraph(
        graphs={each.name: each for each in reader.graphs.values()},
        types=entries,
        whole=whole,
        api=api,
    )


def _links(document: DocumentNode) -> Links:
    """Names that matter in a supergraph: its own features may be linked under other names."""
    found = read_links(document, "supergraph")
    names = dict(found.directives)
    return replace(found, directives={**names, "inaccessible": "inaccessible"})


def _invalid(message: str) -> Problem:
    return Problem(code="INVALID_GRAPHQL", message=f"the supergraph: {message}")


class _Joined(msgspec.Struct, frozen=True, kw_only=True):
    """What the join directives of one type say."""

    held: Mapping[str, TypeHeld]
    fields: Mapping[str, tuple[Mapping[str, Any], ...]]
    values: Mapping[str, frozenset[str]]
    owner: str | None


class _Reader:
    def __init__(self, document: DocumentNode, links: Links, types: Mapping[str, Type]) -> None:
        self._links = links
        self._types = types
        self._nodes: dict[str, list[Any]] = {}
        for node in document.definitions:
            if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
                self._nodes.setdefault(node.name.value, []).append(node)
        self.graphs: dict[str, Graph] = dict(self._read_graphs())
        self._joined = {name: self._join(held) for name, held in types.items()}

    def _read_graphs(self) -> Iterator[tuple[str, Graph]]:
        for node in self._nodes.get("join__Graph", ()):
            for value in node.values or ():
                for given in self._given(value, "join__graph"):
                    yield value.name.value, Graph(str(given["name"]), str(given.get("url", "")))

    def _given(self, node: Any, name: str) -> Sequence[Mapping[str, Any]]:
        return Directives(node.directives or (), self._links).uses(name)

    def _of_type(self, name: str, directive: str) -> list[Mapping[str, Any]]:
        return [each for node in self._nodes[name] for each in self._given(node, directive)]

    def _graph(self, value: object) -> str:
        return self.graphs[str(value)].name

    def _join(self, held: Type) -> _Joined:
        name = held.name
        joins = self._of_type(name, "join__type")
        owner = next((each["graph"] for each in self._of_type(name, "join__owner")), None)
        # without a word of where a type is (as the first join said of value types), everywhere
        graphs = dict.fromkeys(
            self._graph(each["graph"])
            for each in (joins or [{"graph": one} for one in self.graphs])
        )
        return _Joined(
            held={graph: self._type_held(held, graph, joins) for graph in graphs},
            fields=self._fields(name),
            values=self._values(name, frozenset(graphs)) if held.kind == "enum" else {},
            owner=None if owner is None else self._graph(owner),
        )

    def _type_held(self, held: Type, graph: str, joins: Sequence[Mapping[str, Any]]) -> TypeHeld:
        own = [each for each in joins if self._graph(each["graph"]) == graph]
        return TypeHeld(
            graph=graph,
            name=held.name,
            keys=tuple(
                Key(read_field_set(each["key"]), each.get("resolvable") is not False)
                for each in own
                if each.get("key") is not None
            ),
            interface_object=any(each.get("isInterfaceObject") is True for each in own),
            interfaces=self._interfaces(held, graph),
            members=frozenset(self._members(held, graph)),
        )

    def _interfaces(self, held: Type, graph: str) -> frozenset[str]:
        said = self._of_type(held.name, "join__implements")
        if not said:
            return frozenset(held.interfaces)
        return frozenset(
            str(each["interface"]) for each in said if self._graph(each["graph"]) == graph
        )

    def _there(self, name: str, graph: str) -> bool:
        joins = self._of_type(name, "join__type")
        return not joins or any(self._graph(each["graph"]) == graph for each in joins)

    def _members(self, held: Type, graph: str) -> Iterator[str]:
        if held.kind == "union":
            said = self._of_type(held.name, "join__unionMember")
            for each in said:
                if self._graph(each["graph"]) == graph:
                    yield str(each["member"])
            if not said:
                yield from (name for name in held.members if self._there(name, graph))
        elif held.kind == "interface":
            for other in self._types.values():
                if (
                    other.kind == "object"
                    and self._there(other.name, graph)
                    and held.name in self._interfaces(other, graph)
                ):
                    yield other.name

    def _fields(self, name: str) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
        return {
            one.name.value: tuple(self._given(one, "join__field"))
            for node in self._nodes[name]
            for one in getattr(node, "fields", None) or ()
        }

    def _values(self, name: str, graphs: frozenset[str]) -> Mapping[str, frozenset[str]]:
        values = {}
        for one in (one for node in self._nodes[name] for one in node.values or ()):
            said = self._given(one, "join__enumValue")
            values[one.name.value] = (
                frozenset(self._graph(each["graph"]) for each in said) if said else graphs
            )
        return values

    def entry(self, held: Type) -> TypeEntry:
        """The entry of a type."""
        joined = self._joined[held.name]
        return TypeEntry(
            name=held.name,
            kind=held.kind,
            held=joined.held,
            fields={
                name: FieldEntry(
                    name=name,
                    type=field.type,
                    held=(*self._own(held, name), *self._through(held, name)),
                )
                for name, field in held.fields.items()
            },
            values=joined.values,
        )

    def _own(self, held: Type, field: str) -> Iterator[HeldField]:
        """The field where subgraphs have it under the type's own name."""
        joined = self._joined[held.name]
        said = joined.fields[field]
        if not said:
            if joined.owner is not None:
                yield self._held(held, field, joined.owner, {})
                for graph in set(joined.held) - {joined.owner}:
                    keys = joined.held[graph].keys
                    if any(_names(key.fields, field) for key in keys):
                        yield self._held(held, field, graph, {})
                return
            for graph in joined.held:
                yield self._held(held, field, graph, {})
            return
        lost = self._lost(said)
        for each in said:
            if each.get("graph") is not None:
                graph = self._graph(each["graph"])
                if graph not in lost:
                    yield self._held(held, field, graph, each)

    def _lost(self, said: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """Subgraphs that do not answer the field: the losers of progressive overrides."""
        lost = set()
        for each in said:
            label = each.get("overrideLabel")
            if each.get("override") is not None and label is not None:
                whole = whole_share(str(label))
                lost.add(str(each["override"]) if whole else self._graph(each["graph"]))
        return frozenset(lost)

    def _through(self, held: Type, field: str) -> Iterator[HeldField]:
        """The field where subgraphs have it under the name of an interface object."""
        if held.kind != "object":
            return
        for name in held.interfaces:
            interface = self._types.get(name)
            if interface is None or field not in interface.fields:
                continue
            objects = self._joined[name].held
            for each in self._own(interface, field):
                if objects[each.graph].interface_object and not each.external:
                    yield replace(each, through=name)

    def _held(self, held: Type, field: str, graph: str, said: Mapping[str, Any]) -> HeldField:
        own = held.fields[field]
        return HeldField(
            graph=graph,
            type=str(said.get("type") or own.type),
            arguments=frozenset(own.arguments),
            external=said.get("external") is True or said.get("usedOverridden") is True,
            requires=_field_set(said.get("requires")),
            provides=_field_set(said.get("provides")),
        )


def _field_set(text: object) -> FieldSet:
    return read_field_set(text) if isinstance(text, str) else ()


def _names(fields: FieldSet, name: str) -> bool:
    return any(getattr(each, "name", None) == name for each in fields)

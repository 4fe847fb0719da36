"""What a supergraph says, asked in the planner's words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_abstract_type,
)

from hub.gateway.model import Chosen, FieldSet, HeldField, Key, Supergraph
from hub.gateway.plan.asked import TYPENAME, Arguments

VIA = "\x02"
"""Stands between a subgraph and one of the interfaces by whose names it has the same objects."""


def graph_of(door: str) -> str:
    """The subgraph behind a door: itself, or one with the interface by whose name it is asked."""
    return door.split(VIA)[0]


class Entry(msgspec.Struct, frozen=True, cache_hash=True):
    """A subgraph's answer in one place: as which type it has the objects, what it provides there.

    `type` is the supergraph's name for it, abstract where the subgraph's field is.
    """

    graph: str
    type: str
    provided: FieldSet = ()
    shared: frozenset[str] | None = None
    """The concrete types that all subgraphs with the field may answer, if there are several."""


class Local(msgspec.Struct, frozen=True):
    """How an entry answers a field itself, and what it provides below."""

    held: HeldField
    provided: FieldSet


class Known:
    """Look-ups in one supergraph."""

    def __init__(self, supergraph: Supergraph) -> None:
        self.supergraph = supergraph
        self.types = supergraph.types
        self.roots = frozenset(("Query", "Mutation", "Subscription"))
        self._renamed = {
            (graph, held.name): name
            for name, entry in self.types.items()
            if name in self.roots
            for graph, held in entry.held.items()
        }
        whole = supergraph.whole
        self._possible: dict[str, frozenset[str]] = {}
        for name, held_type in whole.type_map.items():
            if is_abstract_type(held_type):
                self._possible[name] = frozenset(
                    one.name for one in whole.get_possible_types(held_type)
                )
        self.named = cache(self._named)
        self.concrete = cache(self._concrete)
        self.interfaces = cache(self._interfaces)
        self.doors = cache(self._doors)
        self.nullable = cache(self._nullable)
        self.shown = frozenset(
            name
            for name, held_type in supergraph.api.type_map.items()
            if isinstance(held_type, GraphQLObjectType)
        )

    # -- types

    def _named(self, graph: str, text: str) -> str:
        """The supergraph's name of the type that a subgraph's type text wraps."""
        name = text.strip("[]! ")
        return self._renamed.get((graph, name), name)

    def composite(self, name: str) -> bool:
        """Whether a field of this type has selections."""
        entry = self.types.get(name)
        return entry is not None and entry.kind in ("object", "interface", "union")

    def through(self, entry: Entry) -> bool:
        """Whether the subgraph knows only an interface's name for these objects."""
        held = self.types[entry.type].held.get(entry.graph)
        return held is not None and held.interface_object

    def _doors(self, graph: str, concrete: str) -> tuple[str, ...]:
        """The names under which a subgraph is reached for objects of a type.

        One, unless it has them by several interfaces' names alone (``@interfaceObject``).
        """
        names = [name for name in self.interfaces(concrete)
                 if (held := self.types[name].held.get(graph)) and held.interface_object
                 ]  # fmt: skip
        more = [f"{graph}{VIA}{name}" for name in names] if len(names) > 1 else []
        return (graph, *more)

    def door(self, concrete: str, entry: Entry) -> str:
        """The name under which a subgraph is reached as an entry of objects of a type."""
        named = f"{entry.graph}{VIA}{entry.type}"
        return named if named in self.doors(entry.graph, concrete) else entry.graph

    def _nullable(self, concrete: str, fields: FieldSet) -> bool:
        """Whether some part of a key of a type's objects may be null."""
        for piece in self.pieces(concrete, fields):
            field = self.types[concrete].fields.get(piece.name)
            text = field.type if field is not None else ""
            while text.endswith("!]!"):
                text = text[1:-2]
            if not text.endswith("!") or text.startswith("["):
                return True
            if piece.selections and self.nullable(text[:-1], piece.selections):
                return True
        return False

    def _concrete(self, graph: str, name: str) -> tuple[str, ...]:
        """The object types that a subgraph may mean by a type, sorted."""
        entry = self.types[name]
        if entry.kind == "object":
            return (name,)
        held = entry.held.get(graph)
        if held is not None and held.interface_object:
            return tuple(sorted(self._possible.get(name, ())))
        return tuple(sorted(held.members)) if held is not None else ()

    def applies(self, condition: str, concrete: str) -> bool:
        """Whether objects of a type meet a type condition."""
        if condition == concrete:
            return True
        found = self._possible.get(condition)
        if found is None:
            return False
        if self.types[concrete].kind == "interface":
            return found >= self._possible.get(concrete, frozenset())
        return concrete in found

    def within(self, interface: str, other: str) -> bool:
        """Whether all objects of an interface are of another one too."""
        none: frozenset[str] = frozenset()
        return self._possible.get(interface, none) <= self._possible.get(other, none)

    def _interfaces(self, concrete: str) -> Sequence[str]:
        """The interfaces of an object type anywhere, sorted."""
        return sorted(name for name, found in self._possible.items()
                      if concrete in found and self.types[name].kind == "interface")  # fmt: skip

    def is_interface(self, name: str) -> bool:
        """Whether the supergraph has an interface of this name."""
        return isinstance(self.supergraph.whole.type_map.get(name), GraphQLInterfaceType)

    def is_union(self, name: str) -> bool:
        """Whether the supergraph has a union of this name."""
        return isinstance(self.supergraph.whole.type_map.get(name), GraphQLUnionType)

    # -- fields

    def held(self, concrete: str, name: str, entry: Entry) -> HeldField | None:
        """A field of an object type as the entry's subgraph has it."""
        field = self.types[concrete].fields.get(name)
        if entry.type != concrete and self.through(entry):
            for one in field.held if field else ():
                if one.graph == entry.graph and one.through == entry.type:
                    return one
            field = self.types[entry.type].fields.get(name)
        for one in field.held if field else ():
            if one.graph == entry.graph and not one.through:
                return one
        return None

    def shared(self, concrete: str, name: str) -> frozenset[str] | None:
        """The concrete types that all who answer a field may mean; none where only one does."""
        field = self.types[concrete].fields.get(name)
        held = [one for one in field.held if not one.external] if field else []
        if len(held) < 2:
            return None
        types = [self.concrete(one.graph, self.named(one.graph, one.type)) for one in held]
        return frozenset(types[0]).intersection(*types[1:])

    def keys(self, concrete: str, entry: Entry) -> tuple[Key, ...]:
        """The keys that the entry's subgraph declares for its objects."""
        name = entry.type if entry.type != concrete and self.through(entry) else concrete
        held = self.types[name].held.get(entry.graph)
        return held.keys if held is not None else ()

    def local(self, concrete: str, name: str, arguments: Arguments, entry: Entry) -> Local | None:
        """Whether the entry's subgraph answers a field from where it is."""
        held = self.held(concrete, name, entry)
        if held is None or not arguments.names <= held.arguments:
            return None
        provided: list[FieldSet] = []
        given = False
        for piece in self.pieces(concrete, entry.provided):
            if piece.name == name:
                given = True
                provided.append(piece.selections)
        in_key = False
        for key in self.keys(concrete, entry):
            for piece in self.pieces(concrete, key.fields):
                if piece.name == name:
                    in_key = True
                    provided.append(piece.selections)
        if held.external and not given and not in_key:
            return None
        if held.requires and not given:
            return None
        provided.append(held.provides)
        return Local(held, tuple(piece for some in provided for piece in some))

    def pieces(self, concrete: str, fields: FieldSet) -> list[Chosen]:
        """The fields of a field set for one object type."""
        made: list[Chosen] = []
        for piece in fields:
            if isinstance(piece, Chosen):
                if piece.name != TYPENAME:
                    made.append(piece)
            elif self.applies(piece.type, concrete):
                made.extend(self.pieces(concrete, piece.selections))
        return made

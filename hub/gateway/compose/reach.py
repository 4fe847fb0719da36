"""Where a gateway can get from where: from objects in subgraphs to fields and other subgraphs."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hub.gateway.compose.fieldsets import ordered
from hub.gateway.compose.parts import ROOTS, named
from hub.gateway.model import Chosen, FieldSet, HeldField, Key, Supergraph

_ROOTS = frozenset(ROOTS.values())


class Place(msgspec.Struct, frozen=True, cache_hash=True):
    """An object in a subgraph, called `type` there, with what a path provides of it.

    `type` is the object's own, or an interface that is an ``@interfaceObject`` there.
    """

    graph: str
    type: str
    provided: FieldSet = ()


Places = frozenset[Place]


class Entrance(msgspec.Struct, frozen=True):
    """A resolvable key that leads to a place; `type` is the one whose key it is."""

    to: Place
    type: str
    key: Key


class Reach:
    """Answers what can be reached in a supergraph; remembers what it has found."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._types = supergraph.types
        self._entrances: dict[str, tuple[Entrance, ...]] = {}
        self._closures: dict[tuple[str, Places], Places] = {}
        self._by_place: dict[tuple[str, str], dict[tuple[str, str], list[HeldField]]] = {}
        self._indices: dict[Places, dict[tuple[str, str], list[Place]]] = {}
        self._closing: set[tuple[str, Places]] = set()
        self._asking: set[tuple[str, str, Places]] = set()
        self._over: dict[str, tuple[str, ...]] = {}
        for name, entry in supergraph.types.items():
            for held in entry.held.values():
                for each in held.interfaces:
                    if each not in self._over.get(name, ()):
                        self._over[name] = (*self._over.get(name, ()), each)

    def entrances(self, type_: str) -> tuple[Entrance, ...]:
        """Every way into a subgraph with an object of the type."""
        if type_ not in self._entrances:
            self._entrances[type_] = tuple(self._ways(type_))
        return self._entrances[type_]

    def _ways(self, type_: str) -> Iterator[Entrance]:
        for graph, held in self._types[type_].held.items():
            for key in held.keys:
                if key.resolvable:
                    yield Entrance(Place(graph, type_), type_, key)
        for name in self._over.get(type_, ()):
            interface = self._types.get(name)
            for graph, held in interface.held.items() if interface else ():
                if not held.interface_object and type_ not in held.members:
                    continue
                called = name if held.interface_object else type_
                for key in held.keys:
                    if key.resolvable:
                        yield Entrance(Place(graph, called), name, key)

    def closure(self, type_: str, places: Places) -> Places:
        """All places of an object that can be reached from some of them."""
        if type_ in _ROOTS:
            held = self._types[type_].held
            return places | {Place(graph, type_) for graph in held}
        at = (type_, places)
        if at in self._closures:
            return self._closures[at]
        if at in self._closing:
            return places
        self._closing.add(at)
        found = set(places)
        waiting = self._by_key(type_)
        grown = True
        while grown and waiting:
            grown = False
            for key, ways in list(waiting.items()):
                if self.enters(type_, frozenset(found), key):
                    del waiting[key]
                    for each in ways:
                        grown = grown or each.to not in found
                        # what is known to follow from a place need not be found again
                        found |= self._closures.get((type_, frozenset((each.to,))), {each.to})
        self._closing.discard(at)
        self._closures[at] = frozenset(found)
        return self._closures[at]

    def _by_key(self, type_: str) -> dict[tuple[str, FieldSet], list[Entrance]]:
        """Entrances with the same key, which can be used from the same places."""
        found: dict[tuple[str, FieldSet], list[Entrance]] = {}
        for each in self.entrances(type_):
            found.setdefault((each.type, each.key.fields), []).append(each)
        return found

    def enters(self, type_: str, places: Places, key: tuple[str, FieldSet]) -> bool:
        """Whether a key, given with the type whose key it is, can be had in some places."""
        of, fields = key
        if of == type_ and not self.known(type_, places):
            return False
        return self.selects(type_, places, fields)

    def known(self, type_: str, places: Places) -> bool:
        """Whether some place knows the object's own type, not an interface object's only."""
        return any(each.type == type_ for each in places)

    def held(self, type_: str, field: str) -> tuple[HeldField, ...]:
        """The field as subgraphs have it."""
        entry = self._types[type_].fields.get(field)
        return entry.held if entry else ()

    def follow(self, type_: str, places: Places, field: str) -> Iterator[Place]:
        """Where a field leads, by each subgraph that can answer it from these places.

        The places are of the type that the field has in the subgraph, which may be abstract.
        """
        for held, place in self._meeting(type_, places, field):
            provided = self._provided(place.provided, type_, field)
            if provided is None:
                if held.external or not self._required(type_, place, held, field):
                    continue
                provided = ()
            given = ordered((*provided, *held.provides)) if held.provides else provided
            yield Place(held.graph, named(held.type), given)

    def _meeting(self, type_: str, places: Places, field: str) -> Iterator[tuple[HeldField, Place]]:
        """Each way that a subgraph holds the field, with each place where that counts."""
        by_place = self._by_place.get((type_, field))
        if by_place is None:
            by_place = {}
            for held in self.held(type_, field):
                by_place.setdefault((held.graph, held.through or type_), []).append(held)
            self._by_place[(type_, field)] = by_place
        if len(by_place) < len(places):  # of many places few count for the field
            at = self._at(places)
            for key, every in by_place.items():
                for place in at.get(key, ()):
                    for held in every:
                        yield held, place
            return
        for place in places:
            for held in by_place.get((place.graph, place.type), ()):
                yield held, place

    def _at(self, places: Places) -> dict[tuple[str, str], list[Place]]:
        """Places by their subgraphs and types."""
        found = self._indices.get(places)
        if found is None:
            found = {}
            for each in places:
                found.setdefault((each.graph, each.type), []).append(each)
            self._indices[places] = found
        return found

    def _required(self, type_: str, place: Place, held: HeldField, field: str) -> bool:
        """Whether what a field requires can be had, starting from where the field is."""
        if not held.requires:
            return True
        places = frozenset((place,))
        at = (type_, f"{held.graph}.{field}", places)
        if at in self._asking:
            return False
        self._asking.add(at)
        found = self.selects(type_, self.closure(type_, places), held.requires)
        self._asking.discard(at)
        return found

    def _provided(self, provided: FieldSet, type_: str, field: str) -> FieldSet | None:
        found: FieldSet | None = None
        for each in provided:
            if isinstance(each, Chosen):
                inner = each.selections if each.name == field else None
            elif self.is_a(type_, each.type):
                inner = self._provided(each.selections, type_, field)
            else:
                inner = None
            if inner is not None:
                found = (*(found or ()), *inner)
        return found

    def is_a(self, type_: str, of: str) -> bool:
        """Whether an object type is of another: itself, an interface or a union."""
        if type_ == of or of in self._over.get(type_, ()):
            return True
        entry = self._types.get(of)
        return entry is not None and any(type_ in each.members for each in entry.held.values())

    def objects(self, places: Places, *, loose: bool = False) -> dict[str, Places]:
        """The object types that places of perhaps abstract types may be, with places of each.

        Subgraphs that share a field answer the same, so only what is possible for all of them;
        with `loose`, what is possible for one of them.
        """
        possible: set[str] | None = None
        found: dict[str, set[Place]] = {}
        for place in places:
            names = dict(self._possible(place))
            possible = set(names) if possible is None else possible & set(names)
            for name, at in names.items():
                found.setdefault(name, set()).add(at)
        return {
            name: frozenset(at) for name, at in found.items() if loose or name in (possible or ())
        }

    def _possible(self, place: Place) -> Iterator[tuple[str, Place]]:
        entry = self._types.get(place.type)
        held = entry.held.get(place.graph) if entry else None
        if entry is None or held is None:
            return
        if held.interface_object:
            for name in self._below(place.type):
                yield name, place
        elif entry.kind in {"interface", "union"}:
            for name in held.members:
                provided = self._narrowed(place.provided, name)
                yield name, Place(place.graph, name, provided)
        elif entry.kind == "object":
            yield place.type, place

    def _below(self, interface: str) -> tuple[str, ...]:
        return tuple(
            name
            for name, over in self._over.items()
            if interface in over and self._types[name].kind == "object"
        )

    def _narrowed(self, provided: FieldSet, type_: str) -> FieldSet:
        """What of a provision may be of a type."""
        return tuple(
            each for each in provided if isinstance(each, Chosen) or self.is_a(type_, each.type)
        )

    def selects(self, type_: str, places: Places, fields: FieldSet) -> bool:
        """Whether a field set can be had of an object, from these places and where they lead."""
        for each in fields:
            if not isinstance(each, Chosen):
                if self.is_a(type_, each.type) and not self.selects(type_, places, each.selections):
                    return False
                continue
            if each.name == "__typename":
                continue
            follow = self.follow(type_, places, each.name)
            if not each.selections:
                if next(follow, None) is None:
                    return False
                continue
            led = frozenset(follow)
            if not led:
                return False
            if each.selections:
                for name, of_type in self.objects(led).items():
                    if not self.selects(name, self.closure(name, of_type), each.selections):
                        return False
        return True

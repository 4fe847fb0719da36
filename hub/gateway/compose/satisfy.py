"""Satisfiability: whatever the API schema lets clients ask for can be fetched."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set

import msgspec
from graphql import GraphQLObjectType

from hub.gateway.compose.fieldsets import print_field_set
from hub.gateway.compose.parts import ROOTS, named
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.reach import Entrance, Place, Places, Reach
from hub.gateway.compose.uses import Coordinate
from hub.gateway.model import Supergraph

_MOST = 50


class _State(msgspec.Struct, frozen=True):
    """An object type reached in some places; `path` are fields, each after ``on`` a type."""

    type: str
    places: Places
    root: str
    path: tuple[tuple[str, str | None], ...] = ()


def check_satisfiable(supergraph: Supergraph, loose: Set[Coordinate]) -> Iterator[Problem]:
    """Fields that no sequence of requests can fetch, each with a shortest operation for it.

    `loose` are fields whose subgraphs have not said that they share them, and may answer
    differently.

    Order: breadth first, so that the first operation found for a field is a shortest one.
    """
    yield from _Search(supergraph, loose).run()


class _Search:
    def __init__(self, supergraph: Supergraph, loose: Set[Coordinate]) -> None:
        self._supergraph = supergraph
        self._loose = loose
        self._reach = Reach(supergraph)
        self._seen: dict[str, list[Places]] = {}
        self._failed: set[tuple[str, str]] = set()

    def run(self) -> Iterator[Problem]:
        """Walk from the root fields to all that can be asked for."""
        waiting: deque[_State] = deque()
        for operation, root in ROOTS.items():
            if root in self._supergraph.types:
                held = self._supergraph.types[root].held
                places = frozenset(Place(graph, root) for graph in held)
                waiting.append(_State(root, places, operation))
        while waiting and len(self._failed) < _MOST:
            state = waiting.popleft()
            places = self._reach.closure(state.type, state.places)
            if any(places >= seen for seen in self._seen.get(state.type, ())):
                continue
            self._seen.setdefault(state.type, []).append(places)
            if not self._reach.known(state.type, places):
                yield self._unknown(state)
                continue
            yield from self._fields(state, places, waiting)

    def _fields(self, state: _State, places: Places, waiting: deque[_State]) -> Iterator[Problem]:
        shown = self._supergraph.api.get_type(state.type)
        if not isinstance(shown, GraphQLObjectType):
            return
        for name in shown.fields:
            led = frozenset(self._reach.follow(state.type, places, name))
            if not led:
                if (state.type, name) not in self._failed:
                    self._failed.add((state.type, name))
                    yield self._unreachable(state, places, name)
                continue
            child = named(self._supergraph.types[state.type].fields[name].type)
            loose = (state.type, name) in self._loose
            objects = self._reach.objects(led, loose=loose)
            if not objects and len(led) > 1 and child in self._supergraph.types:
                yield from self._disagreeing(state, name, led)
            for type_, at in objects.items():
                on = type_ if type_ != child else None
                path = (*state.path, (name, on))
                waiting.append(_State(type_, at, state.root, path))

    def _disagreeing(self, state: _State, field: str, led: Places) -> Iterator[Problem]:
        """Subgraphs share a field of an abstract type, and no object is possible for all."""
        possible = [(each.graph, sorted(self._reach.objects(frozenset((each,))))) for each in led]
        if (state.type, field) in self._failed or not any(names for _, names in possible):
            return
        self._failed.add((state.type, field))
        shown = ", but ".join(f"{' or '.join(names)} in `{at}`" for at, names in sorted(possible))
        yield Problem(
            code="SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
            message=f"`{state.type}.{field}` is shared, and what it answers is {shown}",
            subgraphs=tuple(sorted(at for at, _ in possible)),
            coordinates=(f"{state.type}.{field}",),
        )

    def _unknown(self, state: _State) -> Problem:
        """An interface object is all that is there, and nobody says what it is."""
        self._failed.add((state.type, ""))
        return self._problem(
            state,
            "__typename",
            [f"no subgraph that knows `{state.type}` can be reached"],
        )

    def _unreachable(self, state: _State, places: Places, field: str) -> Problem:
        reasons = []
        held = self._reach.held(state.type, field)
        here = {place.graph for place in places}
        for graph in sorted(here):
            own = [each for each in held if each.graph == graph]
            if not own:
                reasons.append(f"from `{graph}`: no field `{state.type}.{field}`")
            elif all(each.external for each in own):
                reasons.append(f"from `{graph}`: `{state.type}.{field}` is @external")
            else:
                reasons.append(f"from `{graph}`: what `{state.type}.{field}` requires is not had")
        others = sorted({each.graph for each in held} - here)
        reasons += [self._why_not(state.type, graph) for graph in others]
        return self._problem(state, field, reasons)

    def _why_not(self, type_: str, graph: str) -> str:
        ways = [each for each in self._reach.entrances(type_) if each.to.graph == graph]
        if not ways:
            return f"no way to `{graph}`, where `{type_}` has no resolvable @key"
        return f"no way to `{graph}`: " + "; ".join(self._missing(each) for each in ways)

    def _missing(self, entrance: Entrance) -> str:
        fields = print_field_set(entrance.key.fields)
        return f'@key(fields: "{fields}") of `{entrance.type}` is not had'

    def _problem(self, state: _State, field: str, reasons: list[str]) -> Problem:
        text = ""
        for name, on in reversed((*state.path, (field, None))):
            inner = text or (" { ... }" if self._composite(state, name, field) else "")
            if on is not None:
                inner = f" {{ ... on {on}{text} }}"
            text = f" {{ {name}{inner} }}"
        operation = "" if state.root == "query" else state.root
        graphs = sorted({place.graph for place in state.places})
        return Problem(
            code="SATISFIABILITY_ERROR",
            message=f"`{(operation + text).strip()}` cannot be fetched: {'; '.join(reasons)}",
            subgraphs=tuple(graphs),
            coordinates=(f"{state.type}.{field}",),
        )

    def _composite(self, state: _State, name: str, field: str) -> bool:
        """Whether the last field of a path has fields itself."""
        entry = self._supergraph.types[state.type].fields.get(field)
        if name != field or entry is None:
            return False
        child = self._supergraph.types.get(named(entry.type))
        return child is not None and child.kind in {"object", "interface", "union"}

"""From a solution to fetches: what waits for what, and what is asked together.

Everything that one subgraph is asked about the objects of one place, and that can be asked at the
same time, is one fetch. A fetch comes later than all it reads, so none waits for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from hub.gateway.plan.asked import PIN, TYPENAME, Asked, Selection, fits, flat, of_fields
from hub.gateway.plan.known import Entry, Known, graph_of
from hub.gateway.plan.solution import TYPE, Item, PlaceSolution, Unit, VariantSolution, sure
from hub.gateway.plan.steps import Step
from schema.errors import HubError

FetchKey = tuple[int, str, int, str]
"""The place, the subgraph, the wave, and for which of the types that must be kept apart."""


class Placed:
    """A place of the answer with the fetches that end there."""

    def __init__(
        self,
        index: int,
        solution: PlaceSolution,
        entered: Mapping[str, FetchKey],
        above: tuple[Placed, str] | None = None,
    ) -> None:
        self.index = index
        self.solution = solution
        self.entered = entered
        self.above = above
        """The place above and the tree's key there."""
        self.children: dict[tuple[str, str], Placed] = {}
        """By concrete type and the tree's key."""
        self.types: set[str] = set()
        """The concrete types above that have the field; none: whatever the type."""

    def steps(self) -> tuple[Step, ...]:
        """The way down the tree to here."""
        if self.above is None:
            return ()
        place, tree = self.above
        every = self.types >= set(place.solution.variants)
        return (*place.steps(), Step(tree, frozenset() if every else frozenset(self.types)))


class Asking:
    """One fetch in the making: by concrete type the tree's keys of what it asks."""

    def __init__(self, place: Placed, graph: str, wave: int) -> None:
        self.place = place
        self.graph = graph
        self.wave = wave
        self.parts: dict[str, list[str]] = {}
        self.after: set[FetchKey] = set()


class Waves:
    """The fetches of one solution."""

    def __init__(self, known: Known, root: PlaceSolution) -> None:
        self._known = known
        self._count = 0
        self._times: dict[tuple[int, str, str, str], FetchKey] = {}
        self._open: set[tuple[int, str, str, str]] = set()
        self._shared: dict[tuple[int, str, int, tuple[FetchKey, ...]], Placed] = {}
        self._lanes: dict[tuple[int, str, str], list[list[Selection]]] = {}
        self.fetches: dict[FetchKey, Asking] = {}
        self.root = Placed(0, root, {})
        self._visit(self.root)
        self._gather()

    def _visit(self, place: Placed) -> None:
        todo = [place]
        seen: set[int] = set()
        while todo:
            at = todo.pop(0)
            if at.index in seen:
                continue
            seen.add(at.index)
            for name, variant in at.solution.variants.items():
                for key, item in variant.items.items():
                    for unit in item.units:
                        self._fetch(at, name, key, unit)
                    if item.inner is not None and item.units:
                        todo.append(self.child(at, name, key, item))

    def child(self, place: Placed, name: str, key: str, item: Item) -> Placed:
        """The place below a field; one for all types whose fields are fetched alike."""
        found = place.children.get((name, key))
        if found is not None:
            return found
        inner = sure(item.inner)
        entered = {graph_of(unit.graph): self._fetch(place, name, key, unit) for unit in item.units}
        shared = (place.index, key, id(inner), tuple(sorted(entered.values())))
        found = self._shared.get(shared)
        if found is None:
            self._count += 1
            found = self._shared[shared] = Placed(self._count, inner, entered, (place, key))
        found.types.add(name)
        place.children[name, key] = found
        return found

    def _fetch(self, place: Placed, name: str, key: str, unit: Unit) -> FetchKey:
        """The fetch that answers a unit."""
        if unit.local:
            return place.entered[graph_of(unit.graph)]
        mark = (place.index, name, key, unit.graph)
        found = self._times.get(mark)
        if found is not None:
            return found
        if mark in self._open:
            raise HubError("INTERNAL", "the plan's fetches wait for one another")
        self._open.add(mark)
        variant = place.solution.variants[name]
        after = self._inputs(place, variant, unit.graph)
        needs = variant.needs.get((key, unit.graph))
        if needs is not None:
            after |= self._needed(place, variant, of_fields(needs))
        wave = 1 + max((one[2] for one in after), default=0)
        apart = self._apart(place.solution, variant, unit.graph)
        if needs is not None:
            apart += self._lane((place.index, name, unit.graph), of_fields(needs))
        made = (place.index, unit.graph, wave, apart)
        asking = self.fetches.get(made)
        if asking is None:
            asking = self.fetches[made] = Asking(place, unit.graph, wave)
        asking.after |= after
        asking.parts.setdefault(name, []).append(key)
        self._open.discard(mark)
        self._times[mark] = made
        return made

    def _apart(self, place: PlaceSolution, variant: VariantSolution, graph: str) -> str:
        """Types are kept apart where the subgraph cannot: it knows their interface's name alone."""
        hop = variant.hops[graph]
        if hop.type == variant.type or not self._known.through(Entry(graph_of(graph), hop.type)):
            return ""
        mine = _ways(variant)
        return next(name for name, one in place.variants.items() if _ways(one) == mine)

    def _lane(self, which: tuple[int, str, str], needs: tuple[Selection, ...]) -> str:
        """Requirements that give one field several values go to fetches of their own."""
        lanes = self._lanes.setdefault(which, [])
        for number, held in enumerate(lanes):
            if fits(held, needs):
                held.extend(needs)
                return f"/{number}" if number else ""
        lanes.append(list(needs))
        return f"/{len(lanes) - 1}" if len(lanes) > 1 else ""

    def _inputs(self, place: Placed, variant: VariantSolution, graph: str) -> set[FetchKey]:
        made: set[FetchKey] = set()
        for one in chain(*variant.inputs[graph]):
            item = variant.items[one.tree]
            unit = next(unit for unit in item.units if unit.graph == one.graph)
            made.add(self._fetch(place, variant.type, one.tree, unit))
            if item.inner is not None:
                made |= self._all(self.child(place, variant.type, one.tree, item))
        if not made:
            made |= set(place.entered.values())
        return made

    def _all(self, place: Placed) -> set[FetchKey]:
        """Every fetch below a place."""
        made: set[FetchKey] = set()
        for name, variant in place.solution.variants.items():
            for key, item in variant.items.items():
                made |= {self._fetch(place, name, key, unit) for unit in item.units}
                if item.inner is not None:
                    made |= self._all(self.child(place, name, key, item))
        return made

    def _needed(
        self, place: Placed, variant: VariantSolution, needs: Sequence[Selection]
    ) -> set[FetchKey]:
        """The fetches that answer a field set for one type, whole."""
        made: set[FetchKey] = set()
        for asked in self.asked(variant.type, needs):
            key, item = find(variant, asked)
            made |= {self._fetch(place, variant.type, key, unit) for unit in item.units}
            if item.inner is not None:
                child = self.child(place, variant.type, key, item)
                for inner in child.solution.variants.values():
                    made |= self._needed(child, inner, asked.below)
                if not child.solution.typed:
                    made |= self._type(child)
        return made

    def _type(self, place: Placed) -> set[FetchKey]:
        return {
            self._fetch(place, name, TYPE, unit)
            for name, variant in place.solution.variants.items()
            if TYPE in variant.items
            for unit in variant.items[TYPE].units
        }

    def asked(self, name: str, needs: Sequence[Selection]) -> list[Asked]:
        """The fields of a field set for one type."""
        applies = self._known.applies
        made = flat(needs, lambda condition: applies(condition, name))
        return [one for one in made if one.name != TYPENAME]

    def _gather(self) -> None:
        """Ask with a later fetch what no other waits for: the same place, the same subgraph."""
        waited = {key for asking in self.fetches.values() for key in asking.after}
        for key in sorted(self.fetches):
            index, graph, wave, apart = key
            later = min(
                (
                    k
                    for k in self.fetches
                    if (k[0], k[1], k[3]) == (index, graph, apart) and k[2] > wave
                ),
                default=None,
            )
            if later is None or key in waited or index == self.root.index:
                continue
            early, late = self.fetches.pop(key), self.fetches[later]
            for name, keys in early.parts.items():
                late.parts[name] = keys + late.parts.get(name, [])
            late.after |= early.after
            for mark, made in self._times.items():
                if made == key:
                    self._times[mark] = later


def _ways(variant: VariantSolution) -> tuple[object, ...]:
    """All that decides what is asked of whom, and when; equal for types that are treated alike."""
    items = [
        (key, item.wanted, [(unit.graph, unit.local) for unit in item.units], id(item.inner))
        for key, item in variant.items.items()
    ]
    keys = {graph: hop.key for graph, hop in variant.hops.items()}
    return items, keys, variant.inputs, variant.needs


def find(variant: VariantSolution, asked: Asked) -> tuple[str, Item]:
    """The item of a variant that answers a field of a field set."""
    for key, item in variant.items.items():
        if item.wanted.identity == (asked.name, asked.arguments) and PIN not in key:
            return key, item
    raise HubError("INTERNAL", "the plan lacks a field that another needs")


def ordered(fetches: Iterable[FetchKey]) -> list[FetchKey]:
    """By wave, then place, then subgraph."""
    return sorted(fetches, key=lambda key: (key[2], key[0], key[1], key[3]))

"""The search: for every place the subgraphs that answer its fields, in few waves and fetches.

A place is where objects stand in the answer; its entries are the subgraphs whose fetches end
there. Solutions are values, found once for the same selections and entries.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.gateway.model import Chosen
from hub.gateway.plan.asked import (
    NO_ARGUMENTS,
    TYPENAME,
    Asked,
    Selection,
    Wanted,
    flat,
    merged,
    of_piece,
)
from hub.gateway.plan.known import Entry, Known
from hub.gateway.plan.solution import (
    OWN,
    TYPE,
    Item,
    PlaceSolution,
    Unit,
    VariantSolution,
)
from hub.gateway.plan.variant import Variant
from schema.errors import HubError

MAX_PLACES = 20_000
"""Places looked at for one operation."""
MAX_DEPTH = 80


class Search:
    """The search for one operation."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self._places: dict[tuple[tuple[Selection, ...], tuple[Entry, ...]], PlaceSolution] = {}
        self._answers: dict[tuple[str, Chosen, Entry], int | None] = {}
        self._open: set[tuple[tuple[Selection, ...], tuple[Entry, ...]]] = set()

    def place(self, selections: tuple[Selection, ...], entries: tuple[Entry, ...]) -> PlaceSolution:
        """The best found for these selections; `left` says what nobody answers."""
        key = (selections, entries)
        found = self._places.get(key)
        if found is None:
            if key in self._open:  # a requirement that needs itself: no answer this way
                return PlaceSolution(entries=entries, variants={}, typed=True, left=1)
            if len(self._places) >= MAX_PLACES or len(self._open) >= MAX_DEPTH:
                raise HubError("TOO_COSTLY", "the operation takes too long to plan")
            self._open.add(key)
            try:
                found = self._places[key] = self._solve(selections, entries)
            finally:
                self._open.discard(key)
        return found

    def root(
        self, name: str, selections: tuple[Selection, ...], only: str | None = None
    ) -> PlaceSolution:
        """The solution of a root type; `only`: no other subgraph is asked first."""
        wanted = self._wanted(name, selections)
        variant = Variant(self, name, (), wanted, only=only).solve()
        return PlaceSolution(
            entries=(), variants={name: variant}, typed=True,
            left=variant.left, waves=variant.waves, fetches=variant.fetches,
        )  # fmt: skip

    def answers(self, concrete: str, piece: Chosen, entry: Entry) -> int | None:
        """How many waves more a whole piece of a field set takes from an entry; none: no way."""
        key = (concrete, piece, entry)
        if key not in self._answers:
            self._answers[key] = None  # a key that needs itself is no key
            self._answers[key] = self._answer(concrete, piece, entry)
        return self._answers[key]

    def _answer(self, concrete: str, piece: Chosen, entry: Entry) -> int | None:
        asked = of_piece(piece)
        local = self.known.local(concrete, asked.name, asked.arguments, entry)
        if local is None:
            return None
        name = self.known.named(entry.graph, local.held.type)
        if not self.known.composite(name):
            return 0
        below = Entry(entry.graph, name, local.provided)
        solution = self.place(asked.below, (below,))
        return solution.waves if solution.left == 0 else None

    # -- one place

    def _solve(
        self, selections: tuple[Selection, ...], entries: tuple[Entry, ...]
    ) -> PlaceSolution:
        known = self.known
        if len(entries) == 1:
            simple = self._uniform(selections, entries[0])
            if simple is not None:
                return simple
        homes: dict[str, list[Entry]] = {}
        for entry in entries:
            for name in known.concrete(entry.graph, entry.type):
                homes.setdefault(name, []).append(entry)
        typed = any(not known.through(entry) for entry in entries)
        wanted = {name: self._wanted(name, selections) for name in sorted(homes)}
        if not typed:
            wanted = _told_apart(wanted)
            wanted = {name: _own_keys(name, wanted) for name in wanted}
        variants: dict[str, VariantSolution] = {}
        for name, fields in wanted.items():
            variant = Variant(self, name, tuple(homes[name]), fields).solve()
            if all(one.shared is not None and name not in one.shared for one in homes[name]):
                # no promise of composition: what cannot be reached is null
                variant = msgspec.structs.replace(variant, left=0)
            variants[name] = variant
        asked = {graph for one in variants.values() for graph in one.hops}
        inner = sum(one.fetches - len(one.hops) for one in variants.values())
        return PlaceSolution(
            entries=entries,
            variants=variants,
            typed=typed,
            left=sum(one.left for one in variants.values()),
            waves=max((one.waves for one in variants.values()), default=0),
            fetches=len(asked) + inner,
        )

    def _wanted(self, name: str, selections: Sequence[Selection]) -> dict[str, Wanted]:
        known = self.known
        fields = flat(selections, lambda condition: known.applies(condition, name))
        if name not in known.shown:
            fields = [one for one in fields if not one.key]  # no client sees such an object
        return merged(fields)

    def _uniform(self, selections: tuple[Selection, ...], entry: Entry) -> PlaceSolution | None:
        """An interface's fields that one subgraph answers alike for all objects, else none."""
        known = self.known
        kind = known.types[entry.type].kind
        if kind != "interface" or known.through(entry):
            return None
        if not all(isinstance(one, Asked) for one in selections):
            return None
        members = known.concrete(entry.graph, entry.type)
        wanted = merged([one for one in selections if isinstance(one, Asked)])
        items: dict[str, Item] = {}
        for key, one in wanted.items():
            if one.name == TYPENAME:
                unit = Unit(graph=entry.graph, local=True, held=None)
                items[key] = Item(wanted=one, units=(unit,))
                continue
            local = known.local(entry.type, one.name, one.arguments, entry)
            if local is None or local.held.external:
                return None
            for name in members:
                at = known.local(name, one.name, one.arguments, entry)
                if at is None or at.held.external:
                    return None
            below = known.named(entry.graph, local.held.type)
            child, inner = None, None
            if known.composite(below):
                child = Entry(entry.graph, below, local.provided)
                inner = self.place(one.below, (child,))
                if inner.left or inner.fetches:
                    return None
            unit = Unit(graph=entry.graph, local=True, held=local.held, below=child)
            items[key] = Item(wanted=one, units=(unit,), inner=inner)
        variant = VariantSolution(
            type=entry.type, items=items, hops={}, inputs={}, needs={}, left=0, waves=0, fetches=0
        )
        return PlaceSolution(
            entries=(entry,), variants={entry.type: variant}, typed=True, uniform=True
        )


def _told_apart(wanted: dict[str, dict[str, Wanted]]) -> dict[str, dict[str, Wanted]]:
    """Where types differ in what is asked, or the type is asked for, it has to be found out."""
    first = next(iter(wanted.values()), {})
    same = all(fields == first for fields in wanted.values())
    if same and not any(one.name == TYPENAME for one in first.values()):
        return wanted
    kind = Wanted(TYPE, TYPENAME, NO_ARGUMENTS, (), False)
    return {name: {**fields, TYPE: kind} for name, fields in wanted.items()}


def _own_keys(name: str, wanted: dict[str, dict[str, Wanted]]) -> dict[str, Wanted]:
    """Of objects whose type is not known yet, one key of the tree holds one field of one type."""
    made: dict[str, Wanted] = {}
    for key, one in wanted[name].items():
        others = (fields[key].identity for fields in wanted.values() if key in fields)
        if any(other != one.identity for other in others):
            key = f"{key}{OWN}{name}"
            one = msgspec.structs.replace(one, tree=key)
        made[key] = one
    return made

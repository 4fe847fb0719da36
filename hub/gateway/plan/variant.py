"""The search for one concrete type in one place: a subgraph for each of its fields.

What is answered where the objects already are comes first. For the rest, subgraphs are chosen
together, so that few are asked; their keys and requirements join the fields in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from hub.gateway.model import Chosen, FieldSet
from hub.gateway.plan.asked import (
    NO_ARGUMENTS,
    PIN,
    TYPENAME,
    Selection,
    Wanted,
    hidden_key,
    of_piece,
    with_hidden,
)
from hub.gateway.plan.known import Entry
from hub.gateway.plan.options import Option, Options, Places
from hub.gateway.plan.reach import entered
from hub.gateway.plan.solution import (
    TYPE,
    Hop,
    Input,
    Item,
    PlaceSolution,
    Unit,
    VariantSolution,
    sure,
)

MAX_TOGETHER = 200
MAX_TRIES = 2_000
"""Combinations of subgraphs compared for the fields of one type in one place."""


class Variant:
    """One search; `solve` is called once."""

    def __init__(
        self,
        search: Places,
        concrete: str,
        entries: tuple[Entry, ...],
        wanted: Mapping[str, Wanted],
        *,
        only: str | None = None,
    ) -> None:
        self._search = search
        self._known = search.known
        self._concrete = concrete
        self._options = Options(search, concrete, entries, only)
        self._wanted = dict(wanted)
        self._units: dict[str, list[Unit]] = {}
        self._inner: dict[str, PlaceSolution] = {}
        self._rounds: dict[str, int] = {}
        self._hops: dict[str, Hop] = {}
        self._inputs: dict[str, tuple[tuple[Input, ...], ...]] = {}
        self._needs: dict[tuple[str, str], FieldSet] = {}
        self._left = 0

    def solve(self) -> VariantSolution:
        """Assign every field, and what that needs in turn."""
        pending = list(self._wanted)
        while pending:
            known = set(self._wanted.values())
            self._assign(pending)
            pending = [k for k, one in self._wanted.items()
                       if one not in known and self._stale(k)]  # fmt: skip
        items = {
            key: Item(wanted=one, units=tuple(self._units.get(key, ())), inner=self._inner.get(key))
            for key, one in self._wanted.items()
        }
        waves = max(
            (self._rounds.get(k, 0) + (i.inner.waves if i.inner else 0) for k, i in items.items()),
            default=0,
        )
        again = len({graph for _, graph in self._needs if graph in self._hops})
        below = sum(item.inner.fetches for item in items.values() if item.inner)
        return VariantSolution(
            type=self._concrete,
            items=items,
            hops=self._hops,
            inputs=self._inputs,
            needs=self._needs,
            left=self._left,
            waves=waves,
            fetches=len(self._hops) + again + below,
        )  # fmt: skip

    def _stale(self, key: str) -> bool:
        """Whether a field that is new, or has more below than before, needs another look."""
        units = self._units.get(key)
        if not units:
            return True
        one = self._wanted[key]
        if not one.below:
            return False
        entries = tuple(unit.below for unit in units if unit.below is not None)
        inner = self._search.place(one.below, entries)
        before = self._inner[key].left
        if inner.left > before:
            del self._units[key]
            self._left -= before
            return True
        self._inner[key] = inner
        return False

    # -- who answers

    def _assign(self, keys: Sequence[str]) -> None:
        rest: dict[str, list[Option]] = {}
        for key in keys:
            one = self._wanted[key]
            if one.name == TYPENAME and not self._options.blind:
                continue  # the entries tell it
            near = self._options.near(one)
            if near is not None:
                self._take(key, (near,), near.inner)
                continue
            options = self._options.all(one)
            if any(option.left == 0 for option in options):
                whole = [option for option in options if option.left == 0]
                rest[key] = sorted(whole, key=lambda o: (o.waves, o.rounds, o.below))
            else:
                self._together(key, options)
        if rest:
            for key, option in self._cheapest(rest).items():
                if key not in self._units or option.inner is not None:
                    self._take(key, (option,), option.inner)

    # -- choosing

    def _cheapest(self, rest: Mapping[str, list[Option]]) -> dict[str, Option]:
        """One option for each field: few waves, then few fetches; bounded, and always the same."""
        keys = list(rest)
        best: tuple[int, int, dict[str, Option]] | None = None
        tries = 0

        def walk(index: int, waves: int, asked: frozenset[str], below: int,
                 chosen: dict[str, Option]) -> None:  # fmt: skip
            nonlocal best, tries
            fetches = len(asked) + below
            if best is not None and (waves, fetches) >= best[:2]:
                return
            if index == len(keys):
                best = (waves, fetches, dict(chosen))
                return
            if best is not None and tries >= MAX_TRIES:
                return
            tries += 1
            ways = [
                (max(waves, o.waves), len(more := asked | self._asked_for(o)) + below + o.below, n,
                 more, o)
                for n, o in enumerate(rest[keys[index]])
            ]  # fmt: skip
            for most, _, _, more, option in sorted(ways, key=lambda way: way[:3]):
                chosen[keys[index]] = option
                walk(index + 1, most, more, below + option.below, chosen)
            del chosen[keys[index]]

        walk(0, 0, frozenset(self._hops), 0, {})
        return sure(best)[2]

    def _asked_for(self, option: Option) -> frozenset[str]:
        graph = option.unit.graph
        if option.rounds == 0:
            return frozenset()
        reached = self._options.reach.reached
        found = entered(graph, reached)
        if option.needs:
            found.add(f"{graph} again")
        return frozenset(found)

    def _together(self, key: str, options: Sequence[Option]) -> None:
        """Several subgraphs that each know a part of what is below; what is left is counted."""
        if not options:
            self._left += max(1, _leaves(self._wanted[key].below))
            return
        ordered = sorted(options, key=lambda o: (o.left, o.waves, o.below))
        best: tuple[tuple[int, int, int], tuple[Option, ...], PlaceSolution] | None = None
        tries = 0
        for size in range(1, len(ordered) + 1):
            for some in combinations(ordered, size):
                tries += 1
                entries = tuple(o.unit.below for o in some if o.unit.below is not None)
                inner = self._search.place(self._wanted[key].below, entries)
                rounds = max(option.rounds for option in some)
                cost = (inner.left, rounds + inner.waves, inner.fetches)
                if best is None or cost < best[0]:
                    best = (cost, some, inner)
            if (best is not None and best[0][0] == 0) or tries >= MAX_TOGETHER:
                break
        self._left += sure(best)[0][0]
        self._take(key, *sure(best)[1:])

    # -- what a choice brings with it

    def _take(self, key: str, options: Sequence[Option], inner: PlaceSolution | None) -> None:
        units = self._units.setdefault(key, [])
        for option in options:
            if all(unit.graph != option.unit.graph for unit in units):
                units.append(option.unit)
            if not option.unit.local:
                self._enter(option.unit.graph)
            if option.needs:
                self._needs[key, option.unit.graph] = option.needs
                for asked in self._options.asked(option.needs):
                    self._wanted, _, _ = with_hidden(self._wanted, asked)
        if inner is not None:
            self._inner[key] = inner
        self._rounds[key] = max((o.rounds for o in options), default=0)

    def _enter(self, graph: str) -> None:
        if graph in self._hops:
            return
        hop = self._options.reach.reached[graph].hop
        if hop is None:
            hop = sure(self._options.reach.hop(graph))[0]
        self._hops[graph] = hop
        made = self._read(hop.key, hop.suppliers)
        if hop.typer is not None and self._options.blind:
            self._pin_type(hop.typer)
            made.append(Input(TYPENAME, TYPE, hop.typer))
        self._inputs[graph] = (tuple(made), *self._others(graph, hop))

    def _others(self, graph: str, hop: Hop) -> Iterator[tuple[Input, ...]]:
        """Keys for objects of which the chosen one has null in it: what costs no more requests."""
        if hop.kind == "root" or not self._known.nullable(self._concrete, hop.key):
            return
        reached = self._options.reach.reached
        for key, suppliers in list(self._options.reach.others(graph, hop)):
            if all(name in self._hops or reached[name].hop is None for name in suppliers):
                yield tuple(self._read(key, suppliers))

    def _read(self, key: FieldSet, suppliers: Sequence[str]) -> list[Input]:
        """See that a key is there to be read."""
        pieces = self._known.pieces(self._concrete, key)
        return [
            Input(piece.name, self._pin(piece, supplier), supplier)
            for piece, supplier in zip(pieces, suppliers, strict=True)
        ]

    def _pin_type(self, graph: str) -> None:
        self._wanted.setdefault(TYPE, Wanted(TYPE, TYPENAME, NO_ARGUMENTS, (), False))
        self._supply(TYPE, Unit(graph=graph, local=False, held=None), None)

    def _pin(self, piece: Chosen, graph: str) -> str:
        """See that a subgraph answers a piece of a key; the piece's key in the tree."""
        asked = of_piece(piece)
        reached = self._options.reach.reached[graph]
        if asked.below:
            key = f"{hidden_key(asked.name, asked.arguments)}{PIN}{graph}"
            held = self._wanted.get(key)
            have = held.below if held else ()
            below = have + tuple(one for one in asked.below if one not in have)
            one = Wanted(key, asked.name, asked.arguments, below, False)
            self._wanted[key] = one
        else:
            self._wanted, key, _ = with_hidden(self._wanted, asked)
            one = self._wanted[key]
        option = sure(self._options.local(one, reached.entry, reached.rounds))
        self._supply(key, option.unit, option.inner)
        return key

    def _supply(self, key: str, unit: Unit, inner: PlaceSolution | None) -> None:
        units = self._units.setdefault(key, [])
        if all(one.graph != unit.graph for one in units):
            units.append(unit)
        if inner is not None:
            self._inner[key] = inner
        if not unit.local:
            self._rounds[key] = self._options.reach.reached[unit.graph].rounds
            self._enter(unit.graph)


def _leaves(below: Sequence[Selection]) -> int:
    return sum(_leaves(one.below) if one.below else 1 for one in below)

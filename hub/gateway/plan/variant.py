"""The search for one concrete type in one place: a subgraph for each of its fields.

What is answered where the objects already are comes first. For the rest, subgraphs are chosen
together, so that few are asked; their keys and requirements join the fields in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Protocol

import msgspec

from hub.gateway.model import Chosen, FieldSet, HeldField
from hub.gateway.plan.asked import (
    NO_ARGUMENTS,
    TYPENAME,
    Asked,
    Selection,
    Wanted,
    flat,
    of_fields,
    of_piece,
    with_hidden,
)
from hub.gateway.plan.known import Entry, Known
from hub.gateway.plan.reach import Reach, entered
from hub.gateway.plan.solution import (
    TYPE,
    Hop,
    Input,
    Item,
    PlaceSolution,
    Reached,
    Unit,
    VariantSolution,
    sure,
)

MAX_TRIES = 2_000
"""Combinations of subgraphs compared for the fields of one type in one place."""


class Places(Protocol):
    """The search around, for what is below."""

    known: Known

    def place(self, selections: tuple[Selection, ...], entries: tuple[Entry, ...]) -> PlaceSolution:
        """The solution of a place."""

    def answers(self, concrete: str, piece: Chosen, entry: Entry) -> bool:
        """Whether an entry answers a whole piece by itself."""


class _Option(msgspec.Struct, frozen=True):
    """One subgraph's answer to a field: after how many rounds, what is below, what it needs."""

    unit: Unit
    rounds: int
    inner: PlaceSolution | None = None
    needs: FieldSet = ()

    @property
    def left(self) -> int:
        return self.inner.left if self.inner else 0

    @property
    def waves(self) -> int:
        return self.rounds + (self.inner.waves if self.inner else 0)

    @property
    def below(self) -> int:
        """Fetches below."""
        return self.inner.fetches if self.inner else 0


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
        self._entries = entries
        self._only = only
        self._wanted = dict(wanted)
        self._units: dict[str, list[Unit]] = {}
        self._inner: dict[str, PlaceSolution] = {}
        self._rounds: dict[str, int] = {}
        self._hops: dict[str, Hop] = {}
        self._inputs: dict[str, tuple[Input, ...]] = {}
        self._needs: dict[tuple[str, str], FieldSet] = {}
        self._left = 0
        self._found: Reach | None = None
        self._asking: set[tuple[str, str]] = set()

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
        return VariantSolution(
            type=self._concrete,
            items=items,
            hops=self._hops,
            inputs=self._inputs,
            needs=self._needs,
            left=self._left,
            waves=waves,
            fetches=len(self._hops) + again + sum(i.inner.fetches for i in items.values() if i.inner),
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

    @property
    def _reach(self) -> Reach:
        if self._found is None:
            self._found = Reach(
                self._known,
                self._concrete,
                self._entries,
                lambda piece, entry: self._search.answers(self._concrete, piece, entry),
            )
            if self._only is not None:
                held = self._found.reached
                self._found.reached = {self._only: held[self._only]}
        return self._found

    def _assign(self, keys: Sequence[str]) -> None:
        rest: dict[str, list[_Option]] = {}
        for key in keys:
            one = self._wanted[key]
            if one.name == TYPENAME and not self._blind():
                continue  # the entries tell it
            near = self._near(one)
            if near is not None:
                self._take(key, (near,), near.inner)
                continue
            options = self._options(one)
            if any(option.left == 0 for option in options):
                whole = [option for option in options if option.left == 0]
                rest[key] = sorted(whole, key=lambda o: (o.waves, o.below, o.rounds))
            else:
                self._together(key, options)
        if rest:
            for key, option in self._cheapest(rest).items():
                if key not in self._units or option.inner is not None:
                    self._take(key, (option,), option.inner)

    def _near(self, one: Wanted) -> _Option | None:
        """Where the objects are, with nothing to fetch below."""
        for entry in self._entries:
            option = self._local(one, entry, 0)
            if option is not None and option.left == 0 and option.waves == 0:
                return option
        return None

    def _local(self, one: Wanted, entry: Entry, rounds: int) -> _Option | None:
        known = self._known
        blind = entry.type != self._concrete and known.through(entry)
        if one.name == TYPENAME:
            if blind:
                return None
            unit = Unit(graph=entry.graph, local=rounds == 0, held=None)
            return _Option(unit, rounds)
        local = known.local(self._concrete, one.name, one.arguments, entry)
        if local is None:
            return None
        return self._option(one, entry, local.held, local.provided, rounds)

    def _option(
        self,
        one: Wanted,
        entry: Entry,
        held: HeldField,
        provided: FieldSet,
        rounds: int,
        needs: FieldSet = (),
    ) -> _Option:
        name = self._known.named(entry.graph, held.type)
        below, inner = None, None
        if self._known.composite(name):
            below = Entry(entry.graph, name, provided)
            inner = self._search.place(one.below, (below,))
        unit = Unit(graph=entry.graph, local=rounds == 0, held=held, below=below)
        return _Option(unit, rounds, inner, needs)

    def _options(self, one: Wanted) -> list[_Option]:
        mark = (one.name, one.arguments.text)
        if mark in self._asking:
            return []  # a requirement that needs itself
        self._asking.add(mark)
        made: list[_Option] = []
        for reached in self._reach.reached.values():
            option = self._local(one, reached.entry, reached.rounds)
            if option is None and one.name != TYPENAME:
                option = self._with_needs(one, reached)
            if option is not None:
                made.append(option)
        self._asking.discard(mark)
        return made

    def _with_needs(self, one: Wanted, reached: Reached) -> _Option | None:
        entry = reached.entry
        held = self._known.held(self._concrete, one.name, entry)
        if held is None or not held.requires or held.external:
            return None
        if not one.arguments.names <= held.arguments:
            return None
        if reached.hop is None and self._reach.hop(entry.graph) is None:
            return None
        rounds = max(reached.rounds - 1, 0)
        for needed in self._fields(held.requires):
            options = [o for o in self._options(needed) if o.left == 0]
            if not options:
                return None
            rounds = max(rounds, min(option.waves for option in options))
        return self._option(one, entry, held, held.provides, rounds + 1, held.requires)

    def _fields(self, fields: FieldSet) -> list[Wanted]:
        return [Wanted("", a.name, a.arguments, a.below, False) for a in self._asked(fields)]

    def _asked(self, fields: FieldSet) -> list[Asked]:
        known, concrete = self._known, self._concrete
        found = flat(of_fields(fields), lambda condition: known.applies(condition, concrete))
        return [one for one in found if one.name != TYPENAME]

    # -- choosing

    def _cheapest(self, rest: Mapping[str, list[_Option]]) -> dict[str, _Option]:
        """One option for each field: few waves, then few fetches; bounded, and always the same."""
        keys = list(rest)
        best: tuple[int, int, dict[str, _Option]] | None = None
        tries = 0

        def walk(index: int, waves: int, asked: frozenset[str], below: int,
                 chosen: dict[str, _Option]) -> None:  # fmt: skip
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

    def _asked_for(self, option: _Option) -> frozenset[str]:
        graph = option.unit.graph
        if option.rounds == 0:
            return frozenset()
        reached = self._reach.reached
        found = entered(graph, reached)
        if option.needs:
            found.add(f"{graph} again")
        return frozenset(found)

    def _together(self, key: str, options: Sequence[_Option]) -> None:
        """Several subgraphs that each know a part of what is below; what is left is counted."""
        if not options:
            self._left += max(1, _leaves(self._wanted[key].below))
            return
        ordered = sorted(options, key=lambda o: (o.left, o.waves, o.below))
        best: tuple[int, tuple[_Option, ...], PlaceSolution | None] | None = None
        for size in range(1, len(ordered) + 1):
            for some in combinations(ordered, size):
                entries = tuple(o.unit.below for o in some if o.unit.below is not None)
                inner = self._search.place(self._wanted[key].below, entries)
                if best is None or inner.left < best[0]:
                    best = (inner.left, some, inner)
            if best is not None and best[0] == 0:
                break
        left, some, inner = sure(best)
        self._left += left
        self._take(key, some, inner)

    # -- what a choice brings with it

    def _take(self, key: str, options: Sequence[_Option], inner: PlaceSolution | None) -> None:
        units = self._units.setdefault(key, [])
        for option in options:
            if all(unit.graph != option.unit.graph for unit in units):
                units.append(option.unit)
            if not option.unit.local:
                self._enter(option.unit.graph)
            if option.needs:
                self._needs[key, option.unit.graph] = option.needs
                for asked in self._asked(option.needs):
                    self._wanted, _, _ = with_hidden(self._wanted, asked)
        if inner is not None:
            self._inner[key] = inner
        self._rounds[key] = max((o.rounds for o in options), default=0)

    def _enter(self, graph: str) -> None:
        if graph in self._hops:
            return
        hop = self._reach.reached[graph].hop
        if hop is None:
            hop = sure(self._reach.hop(graph))[0]
        self._hops[graph] = hop
        made = []
        pieces = self._known.pieces(self._concrete, hop.key)
        for piece, supplier in zip(pieces, hop.suppliers, strict=True):
            made.append(Input(piece.name, self._pin(piece, supplier), supplier))
        if hop.typer is not None and self._blind():
            self._pin_type(hop.typer)
            made.append(Input(TYPENAME, TYPE, hop.typer))
        self._inputs[graph] = tuple(made)

    def _blind(self) -> bool:
        return bool(self._entries) and all(
            entry.type != self._concrete and self._known.through(entry) for entry in self._entries
        )

    def _pin_type(self, graph: str) -> None:
        self._wanted.setdefault(TYPE, Wanted(TYPE, TYPENAME, NO_ARGUMENTS, (), False))
        self._supply(TYPE, Unit(graph=graph, local=False, held=None), None)

    def _pin(self, piece: Chosen, graph: str) -> str:
        """See that a subgraph answers a piece of a key; the piece's key in the tree."""
        asked = of_piece(piece)
        reached = self._reach.reached[graph]
        if asked.below:
            key = f"#{asked.name}({asked.arguments.text})@{graph}"
            held = self._wanted.get(key)
            have = held.below if held else ()
            below = have + tuple(one for one in asked.below if one not in have)
            one = Wanted(key, asked.name, asked.arguments, below, False)
            self._wanted[key] = one
        else:
            self._wanted, key, _ = with_hidden(self._wanted, asked)
            one = self._wanted[key]
        option = sure(self._local(one, reached.entry, reached.rounds))
        self._supply(key, option.unit, option.inner)
        return key

    def _supply(self, key: str, unit: Unit, inner: PlaceSolution | None) -> None:
        units = self._units.setdefault(key, [])
        if all(one.graph != unit.graph for one in units):
            units.append(unit)
        if inner is not None:
            self._inner[key] = inner
        if not unit.local:
            self._rounds[key] = self._reach.reached[unit.graph].rounds
            self._enter(unit.graph)


def _leaves(below: Sequence[Selection]) -> int:
    return sum(_leaves(one.below) if one.below else 1 for one in below)

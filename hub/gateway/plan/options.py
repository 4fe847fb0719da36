"""Who can answer a field of one concrete type in one place, after how many rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from hub.gateway.model import Chosen, FieldSet, HeldField
from hub.gateway.plan.asked import TYPENAME, Asked, Selection, Wanted, flat, of_fields
from hub.gateway.plan.known import Entry, Known
from hub.gateway.plan.reach import Reach
from hub.gateway.plan.solution import PlaceSolution, Reached, Unit


class Places(Protocol):
    """The search around, for what is below."""

    known: Known

    def place(self, selections: tuple[Selection, ...], entries: tuple[Entry, ...]) -> PlaceSolution:
        """The solution of a place."""

    def answers(self, concrete: str, piece: Chosen, entry: Entry) -> int | None:
        """How many waves more a whole piece takes from an entry; none: no way."""


class Option(msgspec.Struct, frozen=True):
    """One subgraph's answer to a field: after how many rounds, what is below, what it needs."""

    unit: Unit
    rounds: int
    inner: PlaceSolution | None = None
    needs: FieldSet = ()

    @property
    def left(self) -> int:
        """Fields below that nobody answers this way."""
        return self.inner.left if self.inner else 0

    @property
    def waves(self) -> int:
        """Waves until all that is below has come."""
        return self.rounds + (self.inner.waves if self.inner else 0)

    @property
    def below(self) -> int:
        """Fetches below."""
        return self.inner.fetches if self.inner else 0


class Options:
    """The options for one concrete type's fields."""

    def __init__(
        self, search: Places, concrete: str, entries: Sequence[Entry], only: str | None
    ) -> None:
        self._search = search
        self._known = search.known
        self._concrete = concrete
        self._entries = entries
        self._only = only
        self._found: Reach | None = None
        self._asking: set[tuple[str, str]] = set()

    @property
    def reach(self) -> Reach:
        """The subgraphs that can be reached; looked for when first asked."""
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

    @property
    def blind(self) -> bool:
        """Whether no entry tells the concrete type."""
        return bool(self._entries) and all(self._is_blind(entry) for entry in self._entries)

    def _is_blind(self, entry: Entry) -> bool:
        return entry.type != self._concrete and self._known.through(entry)

    def _door(self, entry: Entry) -> str:
        return self._known.door(self._concrete, entry)

    def near(self, one: Wanted) -> Option | None:
        """Where the objects are, with nothing to fetch below."""
        for entry in self._entries:
            option = self.local(one, entry, 0)
            if option is not None and option.left == 0 and option.waves == 0:
                return option
        return None

    def local(self, one: Wanted, entry: Entry, rounds: int) -> Option | None:
        """An entry's own answer, nothing being required for it."""
        if one.name == TYPENAME:
            if self._is_blind(entry):
                return None
            unit = Unit(graph=self._door(entry), local=rounds == 0, held=None)
            return Option(unit, rounds)
        local = self._known.local(self._concrete, one.name, one.arguments, entry)
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
    ) -> Option:
        name = self._known.named(entry.graph, held.type)
        below, inner = None, None
        if self._known.composite(name):
            below = Entry(entry.graph, name, provided, self._known.shared(self._concrete, one.name))
            inner = self._search.place(one.below, (below,))
        unit = Unit(graph=self._door(entry), local=rounds == 0, held=held, below=below)
        return Option(unit, rounds, inner, needs)

    def all(self, one: Wanted) -> list[Option]:
        """Every option, also those that leave something open below."""
        mark = (one.name, one.arguments.text)
        if mark in self._asking:
            return []  # a requirement that needs itself
        self._asking.add(mark)
        made: list[Option] = []
        for reached in self.reach.reached.values():
            option = self.local(one, reached.entry, reached.rounds)
            if option is None and one.name != TYPENAME:
                option = self._with_needs(one, reached)
            if option is not None:
                made.append(option)
        self._asking.discard(mark)
        return made

    def _with_needs(self, one: Wanted, reached: Reached) -> Option | None:
        entry = reached.entry
        held = self._known.held(self._concrete, one.name, entry)
        if held is None or not held.requires or held.external:
            return None
        if not one.arguments.names <= held.arguments:
            return None
        if reached.hop is None and self.reach.hop(self._door(entry)) is None:
            return None
        rounds = max(reached.rounds - 1, 0)
        for asked in self.asked(held.requires):
            needed = Wanted("", asked.name, asked.arguments, asked.below, False)
            options = [option for option in self.all(needed) if option.left == 0]
            if not options:
                return None
            rounds = max(rounds, min(option.waves for option in options))
        return self._option(one, entry, held, held.provides, rounds + 1, held.requires)

    def asked(self, fields: FieldSet) -> list[Asked]:
        """The fields of a field set for this type."""
        known, concrete = self._known, self._concrete
        found = flat(of_fields(fields), lambda condition: known.applies(condition, concrete))
        return [one for one in found if one.name != TYPENAME]

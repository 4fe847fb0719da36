"""Which subgraphs can be asked about the objects of one place, and in how many rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hub.gateway.model import Chosen, FieldSet, Key
from hub.gateway.plan.known import Entry, Known, graph_of
from hub.gateway.plan.solution import Hop, Reached

Answers = Callable[[Chosen, Entry], int | None]
"""How many waves more a whole piece of a key takes from an entry; none: no way."""


class Reach:
    """The subgraphs that can be reached for objects of one concrete type.

    Round by round: whoever has a key whose fields the subgraphs of earlier rounds answer.
    """

    def __init__(
        self, known: Known, concrete: str, entries: Sequence[Entry], answers: Answers
    ) -> None:
        self._known = known
        self._concrete = concrete
        self._answers = answers
        self.reached: dict[str, Reached] = {}
        self.typer: str | None = None
        """Who tells the concrete type."""
        self._through = ""
        for entry in entries:
            door = known.door(concrete, entry)
            self.reached[door] = Reached(entry=entry, rounds=0, hop=None)
            if known.through(entry) and entry.type != concrete:
                self._through = entry.type
            elif self.typer is None:
                self.typer = door
        if concrete in known.roots:
            self._root()
        else:
            self._rounds()

    def _root(self) -> None:
        for graph in self._known.types[self._concrete].held:
            if graph not in self.reached:
                self.reached[graph] = Reached(
                    entry=Entry(graph, self._concrete),
                    rounds=1,
                    hop=Hop(kind="root", type=self._concrete),
                )

    def _rounds(self) -> None:
        while True:
            found: dict[str, tuple[int, Hop, Entry]] = {}
            for graph in self._known.supergraph.graphs:
                for door in self._known.doors(graph, self._concrete):
                    way = self._way(door) if door not in self.reached else None
                    if way is not None:
                        found[door] = way
            if not found:
                return
            first = min(rounds for rounds, _, _ in found.values())
            for door, (rounds, hop, entry) in found.items():
                if rounds == first:
                    self.reached[door] = Reached(entry=entry, rounds=rounds, hop=hop)
                    if self.typer is None and not self._blind(entry):
                        self.typer = door

    def _blind(self, entry: Entry) -> bool:
        return entry.type != self._concrete and self._known.through(entry)

    def hop(self, door: str) -> tuple[Hop, Entry] | None:
        """How a subgraph is asked, from what is reached by now."""
        way = self._way(door)
        return None if way is None else way[1:]

    def others(self, door: str, hop: Hop) -> Iterator[tuple[FieldSet, tuple[str, ...]]]:
        """Further keys that are there as soon as a hop's, and the suppliers of their fields."""
        found = self._suppliers(hop.key)
        for name, _, key in self._doors(door):
            if name == hop.type and key.fields != hop.key and found is not None:
                other = self._suppliers(key.fields)
                if other is not None and other[0] <= found[0]:
                    yield key.fields, other[1]

    def _way(self, door: str) -> tuple[int, Hop, Entry] | None:
        """The cheapest of a subgraph's keys, and after how many rounds it is asked by it."""
        best: tuple[tuple[int, int], Hop, Entry] | None = None
        for name, entry, key in self._doors(door):
            needs_type = name == self._concrete or not self._sure_of(name)
            if needs_type and self.typer is None:
                continue
            found = self._suppliers(key.fields)
            if found is None:
                continue
            waves, suppliers = found
            if needs_type:
                waves = max(waves, self.reached[str(self.typer)].rounds)
            cost = (waves, len(suppliers))
            if best is None or cost < best[0]:
                hop = Hop(
                    kind="entity",
                    type=name,
                    key=key.fields,
                    suppliers=suppliers,
                    typer=self.typer if needs_type else None,
                )
                best = (cost, hop, entry)
        return None if best is None else (best[0][0] + 1, best[1], best[2])

    def _sure_of(self, name: str) -> bool:
        """Whether all objects of the interface that is known are of another one too."""
        return not self._through or self._known.within(self._through, name)

    def _doors(self, door: str) -> Iterator[tuple[str, Entry, Key]]:
        """The representation's type name, the entry behind it, the key."""
        for name, entry, key in self._ways(graph_of(door)):
            if self._known.door(self._concrete, entry) == door:
                yield name, entry, key

    def _ways(self, graph: str) -> Iterator[tuple[str, Entry, Key]]:
        types = self._known.types
        held = types[self._concrete].held.get(graph)
        for key in held.keys if held is not None else ():
            if key.resolvable:
                yield self._concrete, Entry(graph, self._concrete), key
        for name in self._known.interfaces(self._concrete):
            above = types[name].held.get(graph)
            if above is None:
                continue
            entry = Entry(graph, name)
            # by the interface's name where that is all that is known, here or there
            if above.interface_object or (
                self.typer is None
                and name == self._through
                and held is not None
                and self._concrete in above.members
            ):
                for key in above.keys:
                    if key.resolvable:
                        yield name, entry, key

    def _suppliers(self, fields: FieldSet) -> tuple[int, tuple[str, ...]] | None:
        """Who answers the fields of a key, and after how many rounds they are all there."""
        made = []
        rounds = 0
        for piece in self._known.pieces(self._concrete, fields):
            best: tuple[int, str] | None = None
            for graph, reached in self.reached.items():
                waves = self._answers(piece, reached.entry)
                if waves is not None and (best is None or reached.rounds + waves < best[0]):
                    best = (reached.rounds + waves, graph)
            if best is None:
                return None
            rounds = max(rounds, best[0])
            made.append(best[1])
        return rounds, tuple(made)


def entered(graph: str, hops: Mapping[str, Reached]) -> set[str]:
    """The subgraphs that are asked on the way to one, itself included, entries not."""
    found: set[str] = set()
    todo = [graph]
    while todo:
        name = todo.pop()
        hop = hops[name].hop
        if hop is None or name in found:
            continue
        found.add(name)
        todo.extend(hop.suppliers)
        if hop.typer is not None:
            todo.append(hop.typer)
    return found

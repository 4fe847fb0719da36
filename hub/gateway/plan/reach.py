"""Which subgraphs can be asked about the objects of one place, and in how many rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hub.gateway.model import Chosen, Key
from hub.gateway.plan.known import Entry, Known
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
            self.reached[entry.graph] = Reached(entry=entry, rounds=0, hop=None)
            if known.through(entry) and entry.type != concrete:
                self._through = entry.type
            elif self.typer is None:
                self.typer = entry.graph
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
                way = self._way(graph) if graph not in self.reached else None
                if way is not None:
                    found[graph] = way
            if not found:
                return
            first = min(rounds for rounds, _, _ in found.values())
            for graph, (rounds, hop, entry) in found.items():
                if rounds == first:
                    self.reached[graph] = Reached(entry=entry, rounds=rounds, hop=hop)
                    if self.typer is None and not self._blind(entry):
                        self.typer = graph

    def _blind(self, entry: Entry) -> bool:
        return entry.type != self._concrete and self._known.through(entry)

    def hop(self, graph: str) -> tuple[Hop, Entry] | None:
        """How a subgraph is asked, from what is reached by now."""
        way = self._way(graph)
        return None if way is None else way[1:]

    def _way(self, graph: str) -> tuple[int, Hop, Entry] | None:
        """The cheapest of a subgraph's keys, and after how many rounds it is asked by it."""
        best: tuple[tuple[int, int], Hop, Entry] | None = None
        for name, entry, key in self._doors(graph):
            needs_type = name == self._concrete
            if needs_type and self.typer is None:
                continue
            found = self._suppliers(key)
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

    def _doors(self, graph: str) -> Iterator[tuple[str, Entry, Key]]:
        """The representation's type name, the entry behind it, the key."""
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

    def _suppliers(self, key: Key) -> tuple[int, tuple[str, ...]] | None:
        """Who answers the fields of a key, and after how many rounds they are all there."""
        made = []
        rounds = 0
        for piece in self._known.pieces(self._concrete, key.fields):
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

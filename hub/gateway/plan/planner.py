"""Plans operations: one search, its fetches, the answer's outline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from hub.gateway.model import Supergraph
from hub.gateway.plan.asked import TYPENAME, Asked, Selection, flat, merged
from hub.gateway.plan.known import Known
from hub.gateway.plan.out import RAW, Outline
from hub.gateway.plan.render import Render
from hub.gateway.plan.solution import TYPE, PlaceSolution
from hub.gateway.plan.solve import Search
from hub.gateway.plan.steps import OutField, Plan, Section
from hub.gateway.plan.waves import Waves
from schema.errors import HubError

INTROSPECTION = frozenset(("__schema", "__type"))


class Planner:
    """Plans over one supergraph."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._supergraph = supergraph
        self._known = Known(supergraph)

    def plan(
        self,
        kind: Literal["query", "mutation"],
        selections: tuple[Selection, ...],
        *,
        name: str | None = None,
        declared: Mapping[str, str] | None = None,
    ) -> Plan:
        """The plan of an operation; `declared`: the types of its variables, as text.

        Raises: HubError: ``TOO_COSTLY``.
        """
        root = "Query" if kind == "query" else "Mutation"
        api = self._supergraph.api
        held = api.query_type if kind == "query" else api.mutation_type
        told = held.name if held is not None else root
        known = self._known
        fields = flat(selections, lambda name: name == told or known.applies(name, root))
        keys: dict[str, OutField | None] = {}
        asked: list[Asked] = []
        for one in fields:
            if one.name == TYPENAME:
                keys[one.key] = OutField(one.key, TYPE, "String!")
            elif one.name in INTROSPECTION:
                keys[one.key] = OutField(one.key, f"#{one.key}", RAW, plain=True)
            else:
                keys.setdefault(one.key, None)
                asked.append(one)
        solutions = self._solutions(kind, root, asked)
        sections = []
        count = 0
        for solution in solutions:
            waves = Waves(self._known, solution)
            fetches = Render(self._known, waves, kind, name, declared or {}).fetches(count)
            count += len(fetches)
            sections.append(Section(fetches=fetches))
        out = Outline(api).of_root(
            told, keys, [solution.variants[root] for solution in solutions], told
        )
        return Plan(
            kind=kind,
            sections=tuple(sections),
            out=out,
            root=told,
            whole=not any(solution.left for solution in solutions),
        )

    def _solutions(self, kind: str, root: str, asked: Sequence[Asked]) -> list[PlaceSolution]:
        if not asked:
            return []
        search = Search(self._known)
        if kind == "query":
            return [search.root(root, tuple(asked))]
        # fields of a mutation run in order; neighbours of one subgraph go there together
        groups: list[tuple[str, list[Selection]]] = []
        for one in merged(asked).values():
            field = Asked(one.tree, one.name, one.arguments, one.below)
            alone = search.root(root, (field,))
            units = alone.variants[root].items[one.tree].units
            if not units:
                raise HubError("INTERNAL", "no subgraph has a field of the mutation")
            if groups and groups[-1][0] == units[0].graph:
                groups[-1][1].append(field)
            else:
                groups.append((units[0].graph, [field]))
        return [search.root(root, tuple(some), only=graph) for graph, some in groups]

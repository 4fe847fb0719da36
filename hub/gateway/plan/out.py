"""The answer's outline: which fields in which order, of which types, from where in the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import GraphQLEnumType, GraphQLSchema, get_named_type, is_abstract_type

from hub.gateway.plan.asked import TYPENAME
from hub.gateway.plan.solution import OWN, TYPE, PlaceSolution, VariantSolution
from hub.gateway.plan.steps import Out, OutField

RAW = "#raw"
"""The type of what is told as it is: introspection."""


class Outline:
    """Makes outlines, each solution's once."""

    def __init__(self, api: GraphQLSchema) -> None:
        self._api = api
        self._made: dict[int, Out] = {}

    def of_root(self, name: str, keys: Mapping[str, OutField | None], parts: list[VariantSolution],
                told: str) -> Out:  # fmt: skip
        """The whole answer; `keys` in the client's order, with fields that no plan answers."""
        made = {f.key: f for part in parts for f in self._fields(part, name)}
        fields = tuple(one or made[key] for key, one in keys.items())
        return Out(fields={told: fields}, single=told)

    def of_place(self, solution: PlaceSolution, abstract: str) -> Out:
        """The objects of one place; `abstract` is their type in the schema."""
        found = self._made.get(id(solution))
        if found is None:
            fields = {
                name: self._fields(variant, name)
                for name, variant in solution.variants.items()
                if name in self._api.type_map
            }
            known = solution.typed or any(TYPE in v.items for v in solution.variants.values())
            single = next(iter(fields), None) if solution.uniform or not known else None
            types = self._types(abstract) if known else None
            if types is None and len(fields) == 1:
                single = next(iter(fields))
            untold = None if solution.typed else _common(list(fields.values()))
            found = self._made[id(solution)] = Out(
                fields=fields, single=single, types=types, untold=untold
            )
        return found

    def _types(self, name: str) -> frozenset[str] | None:
        """The concrete types of an abstract type."""
        held = self._api.type_map[name]
        if not is_abstract_type(held):
            return None
        return frozenset(one.name for one in self._api.get_possible_types(held))

    def _fields(self, variant: VariantSolution, name: str) -> tuple[OutField, ...]:
        made = []
        held = getattr(self._api.type_map[name], "fields", {})
        for tree, item in variant.items.items():
            one = item.wanted
            if not one.shown:
                continue
            key = tree.split(OWN)[0]
            if one.name == TYPENAME:
                made.append(OutField(key, TYPE, "String!"))
                continue
            kind = held[one.name].type
            named = get_named_type(kind)
            below = self.of_place(item.inner, named.name) if item.inner is not None else None
            values = frozenset(named.values) if isinstance(named, GraphQLEnumType) else None
            text = str(kind)
            plain = below is None and values is None and not text.endswith(("!", "]"))
            made.append(OutField(key, tree, text, below, values, plain))
        return tuple(made)


def _common(every: Sequence[tuple[OutField, ...]]) -> tuple[OutField, ...] | None:
    """The fields that all types have alike; none where the type itself is asked for."""
    first, *others = every or [()]
    common = tuple(one for one in first if all(one in other for other in others))
    return None if any(one.tree == TYPE for one in common) else common

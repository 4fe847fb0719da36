"""What an introspection may cost: it runs on graphql-core, which bounds nothing by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_introspection_query,
    parse,
)
from graphql.language import FragmentDefinitionNode, OperationDefinitionNode

from hub.query.bounds import Expansion, Fragments, Place, below_of
from hub.query.limits import Limits
from schema.errors import HubError

_TYPE_ALIASES = 5
"""Tools look at several types of the introspection itself to see what a server can do."""
_WRAPPED = 0.7
"""Share of types that have an ``ofType``."""


def check_introspection(
    operation: OperationDefinitionNode, fragments: Fragments, schema: GraphQLSchema, limits: Limits
) -> None:
    """Aliases of one field in one place, and the whole measured in standard introspections.

    Raises: `HubError`. How deep lists of types nest is for validation's own rule.
    """
    sizes = _Sizes(schema)
    wanted = _cost(operation, fragments, sizes, limits, bounded=True)
    standard, held = _standard()
    if wanted > limits.max_schema_reads * _cost(standard, held, sizes, limits, bounded=False):
        raise HubError(
            "TOO_COSTLY",
            "the introspection asks for too much of the schema",
            hint="use the standard introspection query, or `__type` for one type",
        )


class _Sizes:
    """How many entries the lists of an introspection have."""

    def __init__(self, schema: GraphQLSchema) -> None:
        kinds = list(schema.type_map.values())
        objects = [t for t in kinds if isinstance(t, GraphQLObjectType | GraphQLInterfaceType)]
        held: Mapping[str, Collection[int]] = {
            "fields": [len(t.fields) for t in objects],
            "interfaces": [len(t.interfaces) for t in objects],
            "inputFields": [len(t.fields) for t in kinds if isinstance(t, GraphQLInputObjectType)],
            "enumValues": [len(t.values) for t in kinds if isinstance(t, GraphQLEnumType)],
            "possibleTypes": [
                len(schema.get_possible_types(t))
                for t in objects
                if isinstance(t, GraphQLInterfaceType)
            ],
        }
        fields = [field for t in objects for field in t.fields.values()]
        self._most = {name: float(max(sizes, default=0)) for name, sizes in held.items()}
        self._mean = {name: sum(sizes) / len(kinds) for name, sizes in held.items()}
        self._flat = {
            "types": float(len(kinds)),
            "directives": float(len(schema.directives)),
            "args": sum(len(field.args) for field in fields) / max(1, len(fields)),
            "ofType": _WRAPPED,
        }

    def of(self, name: str, above: str) -> float:
        """Entries of a list below the field `above`: the mean for every type, else the most."""
        known = self._mean if above == "types" else self._most
        return known.get(name, self._flat.get(name, 1.0))


def _cost(
    operation: OperationDefinitionNode,
    fragments: Fragments,
    sizes: _Sizes,
    limits: Limits,
    *,
    bounded: bool,
) -> float:
    expansion = Expansion(fragments, limits)
    cost = 0.0
    todo: list[tuple[list[Place], float, str]] = [
        ([(operation.selection_set, frozenset())], 1.0, "")
    ]
    while todo:
        places, times, above = todo.pop()
        fields = expansion.level(places)
        if bounded:
            _check_aliases([nodes[0][0].name.value for nodes in fields.values()], limits)
        cost += times * len(fields)
        for nodes in fields.values():
            below, name = below_of(nodes), nodes[0][0].name.value
            if below:
                todo.append((below, times * sizes.of(name, above), name))
    return cost


def _check_aliases(names: Collection[str], limits: Limits) -> None:
    for name, count in Counter(names).items():
        most = limits.max_meta_aliases * (_TYPE_ALIASES if name == "__type" else 1)
        if count > most:
            raise HubError(
                "TOO_MANY_ALIASES",
                "a field of the introspection has too many aliases",
                hint=f"at most {most} in one place",
            )


@cache
def _standard() -> tuple[OperationDefinitionNode, Fragments]:
    """The query that tools send, with everything it can ask for."""
    text = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    definitions = parse(text, no_location=True).definitions
    (operation,) = (d for d in definitions if isinstance(d, OperationDefinitionNode))
    return operation, {
        d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)
    }

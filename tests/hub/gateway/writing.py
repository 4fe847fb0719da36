"""Writes random operations that are valid."""

from __future__ import annotations

from random import Random
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_leaf_type,
)


class Writer:
    """Writes random operations that are valid."""

    def __init__(self, schema: GraphQLSchema, rng: Random) -> None:
        self._schema = schema
        self._rng = rng

    def operation(self) -> str:
        """One query."""
        query = self._schema.query_type
        assert query is not None
        names = self._rng.sample(
            list(query.fields), self._rng.randint(1, min(3, len(query.fields)))
        )
        return "{ " + " ".join(self._field(query, name, 0) for name in names) + " }"

    def _set(self, kind: Any, depth: int) -> str:
        rng = self._rng
        pieces: list[str] = []
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            names = rng.sample(list(kind.fields), rng.randint(1, min(4, len(kind.fields))))
            for name in names:
                leaf = is_leaf_type(get_named_type(kind.fields[name].type))
                if leaf or depth < 4:
                    pieces.append(self._field(kind, name, depth))
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            members = list(self._schema.get_possible_types(kind))
            some = rng.sample(members, rng.randint(0, len(members)))
            pieces.extend(f"... on {one.name} {self._set(one, depth + 1)}" for one in some)
            if isinstance(kind, GraphQLUnionType) and rng.random() < 0.3:
                pieces.append("... on Node { id name }")
        if not pieces or rng.random() < 0.2:
            pieces.append("__typename")
        return "{ " + " ".join(pieces) + " }"

    def _field(self, kind: Any, name: str, depth: int) -> str:
        held = get_named_type(kind.fields[name].type)
        below = " " + self._set(held, depth + 1) if is_composite_type(held) else ""
        alias = ""
        if self._rng.random() < 0.2:
            alias = f"{self._rng.choice(['id', 'k', 'name', 's0', 'b', 'r0'])}: "
        told = ""
        if name == "a" and self._rng.random() < 0.7:
            told = self._rng.choice(["(n: 1)", '(t: "x")', "(n: null)", '(t: "y", n: 2)'])
        return f"{alias}{name}{told}{below}"

"""GraphQL scalars of the catalogue's kinds. Values are already canonical: nothing is converted."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from graphql.language import FloatValueNode, ValueNode
from graphql.utilities import value_from_ast_untyped

from schema.model.scalar import ScalarKind, canonical

BigInt = NewType("BigInt", str)
Decimal = NewType("Decimal", str)
Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
LocalDateTime = NewType("LocalDateTime", str)
Time = NewType("Time", str)
JSON = NewType("JSON", object)

PYTHON: Mapping[str, Any] = {
    "ID": strawberry.ID,
    "String": str,
    "Int": int,
    "BigInt": BigInt,
    "Float": float,
    "Decimal": Decimal,
    "Boolean": bool,
    "Date": Date,
    "DateTime": DateTime,
    "LocalDateTime": LocalDateTime,
    "Time": Time,
    "JSON": JSON,
}
"""Scalar kind -> the annotation that stands for it."""

_ABOUT = {
    "BigInt": "A 64-bit signed integer, as text: JSON numbers lose digits.",
    "Decimal": "A decimal number without loss, as text, e.g. `12.50`.",
    "Date": "A calendar date, `YYYY-MM-DD` (RFC 3339 full-date).",
    "DateTime": "An instant in UTC, e.g. `2026-01-31T08:00:00Z` (RFC 3339).",
    "LocalDateTime": "Date and time without a zone, `YYYY-MM-DDTHH:MM:SS`.",
    "Time": "A time of day, `HH:MM:SS`.",
    "JSON": "Any JSON value.",
}
_SPECIFIED = {
    "Date": "https://scalars.graphql.org/andimarek/local-date",
    "DateTime": "https://scalars.graphql.org/andimarek/date-time",
    "LocalDateTime": "https://scalars.graphql.org/apollographql/local-date-time",
}


def scalar_map() -> dict[object, Any]:
    """Strawberry's definitions, made afresh for each schema."""
    return {PYTHON[name]: _definition(name) for name in _ABOUT}


def _definition(name: str) -> Any:
    kind: ScalarKind = name  # type: ignore[assignment]

    def parse_value(value: Any) -> Any:
        try:
            return canonical(kind, value)
        except ValueError:
            raise GraphQLError(f"not a value of `{name}`") from None

    def parse_literal(node: ValueNode, variables: Any = None) -> Any:
        if isinstance(node, FloatValueNode):
            # not through a float, which loses digits
            return parse_value(decimal.Decimal(node.value))
        return parse_value(value_from_ast_untyped(node, variables))

    return strawberry.scalar(
        name=name,
        description=_ABOUT[name],
        specified_by_url=_SPECIFIED.get(name),
        serialize=lambda value: value,
        parse_value=parse_value,
        parse_literal=parse_literal,
    )

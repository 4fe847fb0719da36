"""The kinds that a server's scalars most likely have, for drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLEnumType, get_named_type, is_list_type, is_non_null_type

from schema.model.scalar import ScalarKind

_KINDS: Mapping[str, ScalarKind] = {
    "ID": "ID", "String": "String", "Int": "Int", "Float": "Float", "Boolean": "Boolean",
    "UUID": "ID", "uuid": "ID", "ObjectID": "ID",
    "Decimal": "Decimal", "BigDecimal": "Decimal", "Numeric": "Decimal", "numeric": "Decimal",
    "Money": "Decimal",
    "BigInt": "BigInt", "Long": "BigInt", "Int64": "BigInt", "bigint": "BigInt",
    "Date": "Date", "LocalDate": "Date", "date": "Date",
    "DateTime": "DateTime", "Timestamp": "DateTime", "Instant": "DateTime",
    "ISO8601DateTime": "DateTime", "OffsetDateTime": "DateTime", "timestamptz": "DateTime",
    "LocalDateTime": "LocalDateTime", "NaiveDateTime": "LocalDateTime",
    "timestamp": "LocalDateTime",
    "Time": "Time", "LocalTime": "Time", "time": "Time",
    "Byte": "Int", "Short": "Int",
    "URL": "String", "URI": "String", "EmailAddress": "String", "PhoneNumber": "String",
}  # fmt: skip


def kind_of(type_: Any) -> ScalarKind:
    """The kind of a leaf; JSON for lists, and for scalars that could be anything."""
    plain = type_.of_type if is_non_null_type(type_) else type_
    if is_list_type(plain):
        return "JSON"
    named = get_named_type(type_)
    if isinstance(named, GraphQLEnumType):
        return "String"
    return _KINDS.get(named.name, "JSON")

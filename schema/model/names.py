"""Names of schema elements: types, fields, sources and coordinates."""

from __future__ import annotations

import re
from typing import NewType

TypeName = NewType("TypeName", str)
FieldName = NewType("FieldName", str)
SourceName = NewType("SourceName", str)
DepartmentName = NewType("DepartmentName", str)
Coordinate = NewType("Coordinate", str)
"""``Type`` or ``Type.field`` (GraphQL schema coordinates, September 2025 edition, section 3.14)."""

GRAPHQL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
"""GraphQL's Name without a leading underscore: those are kept for the Hub and introspection."""
SOURCE_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def shout(name: str) -> str:
    """``birthDate`` -> ``BIRTH_DATE``: a field's name as a value of an enum."""
    return _HUMP.sub("_", name).upper()


def coordinate(type_name: str, field: str | None = None) -> Coordinate:
    """The coordinate of a type, or of one of its fields or relations."""
    return Coordinate(type_name if field is None else f"{type_name}.{field}")


def split_coordinate(of: str) -> tuple[TypeName, FieldName | None]:
    """A coordinate's type and field (``None`` for a type)."""
    type_name, dot, field = of.partition(".")
    return TypeName(type_name), FieldName(field) if dot else None

"""Bindings: which source column serves which field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from schema.model.names import DepartmentName, FieldName, SourceName, TypeName
from schema.model.norm import Conversion
from schema.model.scalar import ScalarKind


class ColumnBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A field's column in one source. `column` is a column name, or a JSON pointer for REST."""

    column: str
    kind: ScalarKind
    values: Mapping[str, str] = {}
    """Code conversion, source value -> canonical value; empty = none."""
    convert: Conversion | None = None
    """From what the source has to what the field gives; never together with `values`."""
    divided: tuple[str, ...] = ()
    """Codes of the source whose rows cannot be placed: what they stood for was divided."""


class TypeBinding(msgspec.Struct, frozen=True, kw_only=True):
    """How one source serves one entity type. Holds at least the primary key's fields."""

    type: TypeName
    source: SourceName
    table: str
    columns: Mapping[FieldName, ColumnBinding]
    pass_through: bool = False
    changed: str | None = None
    """The column that says when a row was changed last, a DateTime."""


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How old a source's data may become. Units: seconds."""

    expect_s: float
    table: str | None = None
    column: str | None = None
    """Where the source keeps when its data was last changed, as a DateTime; both or none."""


class SourceDecl(msgspec.Struct, frozen=True, kw_only=True):
    """One source as its fragment declares it; `connect` holds secret references, not secrets."""

    name: SourceName
    department: DepartmentName
    kind: str
    title: Mapping[str, str] = {}
    tier: str | None = None
    region: str | None = None
    connect: Mapping[str, Any] = {}
    tables: Mapping[str, Any] = {}
    """Kind-specific description of tables (REST endpoints, file names); keyed by table name."""
    freshness: Freshness | None = None
    deadline_s: float | None = None
    pass_through: bool = False

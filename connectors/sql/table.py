"""What the connector knows of a table before it compiles: native types, keys, indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from schema.errors import HubError

_CROWD = 100


class ColumnMeta(msgspec.Struct, frozen=True, kw_only=True):
    """A column as the database declares it."""

    name: str
    native: str
    """Base type name in lower case, domains resolved: ``int4``, ``varchar``, ``numeric(10,2)``."""
    nullable: bool = True
    by_code_point: bool = True
    """Text: whether the column's own collation orders by code point."""
    exact_equality: bool = True
    """Text: whether equal means equal code points."""
    collation: str = ""
    """PostgreSQL: its name; columns of different collations compare only when told how."""
    weighs_by: str = ""
    """MySQL: the collation of a text, by which its indexes compare."""
    rowid: bool = False
    """SQLite: an alias of the row id, so certainly an integer."""


class TableMeta(msgspec.Struct, frozen=True, kw_only=True):
    """A table or view as the database declares it."""

    name: str
    schema: str | None = None
    columns: dict[str, ColumnMeta]
    uniques: frozenset[frozenset[str]] = frozenset()
    """Column sets that hold no duplicates (null parts aside)."""
    indexes: tuple[tuple[str, ...], ...] = ()
    small: bool = False
    """Reading it whole costs no more than an index look-up."""
    rows: int | None = None
    per_value: dict[str, float] = {}
    """Rows that share one value of a column, on average, where the database has counted."""

    def column(self, name: str) -> ColumnMeta:
        """The column; raises `HubError` with code FRAGMENT_INVALID when it is not there."""
        found = self.columns.get(name)
        if found is None:
            raise HubError(
                "FRAGMENT_INVALID",
                f"table `{self.name}` has no column `{name}`",
                hint="check `column:` in the fragment",
            )
        return found

    def unique(self, names: frozenset[str]) -> bool:
        """Whether at most one row has given values of these columns."""
        return any(key <= names for key in self.uniques)

    def crowded(self, names: frozenset[str]) -> bool:
        """Whether one key may well have hundreds of rows."""
        counts = [self.per_value[name] for name in names if name in self.per_value]
        return not counts or min(counts) > _CROWD

    def indexed(self, names: frozenset[str]) -> bool:
        """Whether rows are found by values of these columns without reading the table."""
        return self.small or any(index[0] in names for index in self.indexes)


def named_tables(
    held: Mapping[tuple[str, str], TableMeta], schema: str, declared: Mapping[str, Any]
) -> dict[str, TableMeta]:
    """Tables by the names that Asks use: those of the schema, and what the fragment names.

    Raises: `HubError` with code FRAGMENT_INVALID for a declared table that is not there.
    """
    tables = {name: meta for (place, name), meta in held.items() if place == schema}
    for name, entry in declared.items():
        if not isinstance(entry, Mapping):
            continue
        place = (str(entry.get("schema", schema)), str(entry.get("name", name)))
        if place not in held:
            raise HubError(
                "FRAGMENT_INVALID",
                f"the source has no table `{place[1]}`",
                hint="check `tables:` in the fragment, and `connect.schema`",
            )
        tables[name] = held[place]
    return tables

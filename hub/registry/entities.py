"""Tables of a source as entity types: names, kinds and keys settled."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connectors.spi import ShapeColumn, ShapeTable, SourceShape
from hub.registry import naming
from schema.model.catalogue import Catalogue
from schema.model.scalar import ScalarKind

_WHOLE: frozenset[str] = frozenset({"Int", "BigInt"})
NO_KEYS: frozenset[str] = frozenset({"Float", "JSON"})


class DraftColumn(msgspec.Struct, frozen=True, kw_only=True):
    found: ShapeColumn
    field: str
    kind: ScalarKind


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its names settled; without keys it is only drafted as a comment."""

    table: ShapeTable
    name: str
    singular: str
    plural: str
    columns: Mapping[str, DraftColumn]
    keys: tuple[tuple[str, ...], ...]
    """Keys as column names."""


def entities_of(shape: SourceShape, catalogue: Catalogue | None = None) -> dict[str, Entity]:
    """Table name -> entity, in order of table names; new types meet no name of `catalogue`."""
    usable = (table for table in shape.tables if _writable(table.name))
    tables = sorted(usable, key=lambda table: table.name)
    kinds = _kinds(tables)
    entities: dict[str, Entity] = {}
    types: set[str] = set()
    roots: set[str] = set()
    held = () if catalogue is None else tuple(catalogue.types.values())
    known = {str(one.name) for one in held}
    known_roots = {
        str(root) for one in held for root in (one.singular, one.plural, f"{one.plural}Aggregate")
    }
    for number, table in enumerate(tables, 1):
        shared = table.extends or table.elsewhere  # such a table keeps the name of its type
        type_name = naming.type_name(table.name, number, types if shared else types | known)
        types.add(type_name)
        taken = roots if shared else roots | known_roots
        if table.roots is not None and type_name == table.name and taken.isdisjoint(table.roots):
            one, several = table.roots
        else:
            one, several = naming.root_names(type_name, taken)
        roots |= {one, several, f"{several}Aggregate"}
        columns: dict[str, DraftColumn] = {}
        fields: set[str] = set()
        for place, column in enumerate(table.columns, 1):
            if not _writable(column.name):
                continue
            field = naming.field_name(column.name, place, type_name, fields)
            fields.add(field)
            columns[column.name] = DraftColumn(
                found=column, field=field, kind=kinds[table.name, column.name]
            )
        entities[table.name] = Entity(
            table=table,
            name=type_name,
            singular=one,
            plural=several,
            columns=columns,
            keys=_keys(table, columns),
        )
    return entities


def _writable(name: str) -> bool:
    """Whether a fragment can hold the name: not blank, no lone half of a surrogate pair."""
    return bool(name.strip()) and not any("\ud800" <= char <= "\udfff" for char in name)


def _keys(table: ShapeTable, columns: Mapping[str, DraftColumn]) -> tuple[tuple[str, ...], ...]:
    kept: list[tuple[str, ...]] = []
    for key in table.keys:
        good = key and all(
            column in columns and columns[column].kind not in NO_KEYS for column in key
        )
        if good and frozenset(key) not in {frozenset(other) for other in kept}:
            kept.append(key)
    return tuple(kept)


def _kinds(tables: list[ShapeTable]) -> dict[tuple[str, str], ScalarKind]:
    """Each column's kind; whole numbers that refer to each other get the wider kind, because
    only values of one kind compare across tables."""
    kinds = {(table.name, column.name): column.kind for table in tables for column in table.columns}
    pairs = [
        ((table.name, ours), (key.to_table, theirs))
        for table in tables
        for key in table.foreign_keys
        for ours, theirs in zip(key.columns, key.to_columns, strict=False)
    ]
    widened = True
    while widened:
        widened = False
        for one, other in pairs:
            both = {kinds.get(one), kinds.get(other)}
            if both == _WHOLE:
                kinds[one] = kinds[other] = "BigInt"
                widened = True
    return kinds

"""What a DuckDB database says of its tables: columns, keys, references."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from connectors.sql.duck_access import DECIMAL, NARROW, nested
from connectors.sql.table import ColumnMeta, TableMeta
from schema.model.scalar import ScalarKind

Run = Callable[[str, Sequence[Any], float], Awaitable[Any]]
_COLUMNS = """
SELECT schema_name, table_name, column_name, data_type, is_nullable, comment
FROM duckdb_columns() WHERE NOT internal AND database_name = current_database()
ORDER BY schema_name, table_name, column_index
"""
_TABLES = """
SELECT schema_name, table_name, estimated_size, comment
FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()
"""
_CONSTRAINTS = """
SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table,
  referenced_column_names
FROM duckdb_constraints() WHERE database_name = current_database()
ORDER BY schema_name, table_name, constraint_index
"""
_KINDS: Mapping[str, ScalarKind] = {
    **dict.fromkeys(NARROW, "Int"),
    "bigint": "BigInt",
    "uinteger": "BigInt",
    "ubigint": "Decimal",
    "hugeint": "Decimal",
    "uhugeint": "Decimal",
    "float": "Float",
    "double": "Float",
    "boolean": "Boolean",
    "date": "Date",
    "timestamp": "LocalDateTime",
    "timestamp with time zone": "DateTime",
    "time": "Time",
    "json": "JSON",
}


async def read_tables(run: Run, deadline: float) -> dict[tuple[str, str], TableMeta]:
    """Tables and views by schema and name."""
    columns: dict[tuple[str, str], dict[str, ColumnMeta]] = {}
    for schema, table, name, native, nullable, _ in await run(_COLUMNS, (), deadline):
        columns.setdefault((schema, table), {})[name] = ColumnMeta(
            name=name, native=native.lower(), nullable=bool(nullable)
        )
    sizes = {(row[0], row[1]): int(row[2]) for row in await run(_TABLES, (), deadline)}
    uniques: dict[tuple[str, str], set[frozenset[str]]] = {}
    for schema, table, sort, names, *_ in await run(_CONSTRAINTS, (), deadline):
        if sort in ("PRIMARY KEY", "UNIQUE"):
            uniques.setdefault((schema, table), set()).add(frozenset(names))
    return {
        key: TableMeta(
            name=key[1],
            schema=key[0],
            columns=held,
            uniques=frozenset(uniques.get(key, ())),
            rows=sizes.get(key),
        )
        for key, held in columns.items()
    }


def _kind(native: str) -> ScalarKind:
    if DECIMAL.match(native):
        return "Decimal"
    return "JSON" if nested(native) else _KINDS.get(native, "String")


async def shape(run: Run, schema: str, deadline: float) -> SourceShape:
    """The tables and views of one schema."""
    held = await read_tables(run, deadline)
    constraints = await run(_CONSTRAINTS, (), deadline)
    told = {(row[0], row[1]): row[3] for row in await run(_TABLES, (), deadline)}
    natives = {(r[0], r[1], r[2]): (r[3], r[5]) for r in await run(_COLUMNS, (), deadline)}
    made = []
    for key, meta in held.items():
        if key[0] != schema:
            continue
        mine = [row[2:] for row in constraints if (row[0], row[1]) == key]
        made.append(
            ShapeTable(
                name=meta.name,
                columns=tuple(
                    ShapeColumn(
                        name=column.name,
                        kind=_kind(column.native),
                        nullable=column.nullable,
                        native=natives[(*key, column.name)][0],
                        comment=natives[(*key, column.name)][1],
                    )
                    for column in meta.columns.values()
                ),
                keys=_keys(meta, mine),
                foreign_keys=tuple(
                    ForeignKey(columns=tuple(names), to_table=to, to_columns=tuple(to_names))
                    for sort, names, to, to_names in mine
                    if sort == "FOREIGN KEY" and (schema, to) in held
                ),
                comment=told.get(key),
                rows=meta.rows,
            )
        )
    return SourceShape(tables=tuple(made))


def _keys(meta: TableMeta, constraints: Sequence[Sequence[Any]]) -> tuple[tuple[str, ...], ...]:
    primary = [tuple(names) for sort, names, *_ in constraints if sort == "PRIMARY KEY"]
    others = [
        tuple(names)
        for sort, names, *_ in constraints
        if sort == "UNIQUE" and not any(meta.columns[name].nullable for name in names)
    ]
    return (*primary, *others)

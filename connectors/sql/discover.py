"""Introspection: tables, columns, kinds, keys and references of a live database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from connectors.sql.postgres import Pool as PostgresPool
from connectors.sql.postgres_catalogue import Metadata
from connectors.sql.sqlite import Pool as SqlitePool
from connectors.sql.sqlite_access import affinity
from connectors.sql.table import TableMeta
from schema.model.scalar import ScalarKind

_POSTGRES: Mapping[str, ScalarKind] = {
    "int2": "Int",
    "int4": "Int",
    "int8": "BigInt",
    "numeric": "Decimal",
    "money": "Decimal",
    "float4": "Float",
    "float8": "Float",
    "bool": "Boolean",
    "date": "Date",
    "timestamptz": "DateTime",
    "timestamp": "LocalDateTime",
    "time": "Time",
    "json": "JSON",
    "jsonb": "JSON",
}
_REFERENCES = """
SELECT n.nspname AS schema, c.relname AS name, fn.nspname AS to_schema, f.relname AS to_name,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(num, pos)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
        ORDER BY u.pos) AS names,
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(num, pos)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num
        ORDER BY u.pos) AS to_names
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype = 'f' AND n.nspname = $1::text AND fn.nspname = $1::text
ORDER BY c.relname, k.conname
"""


def keys_of(meta: TableMeta, primary: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The primary key, then unique ones without nulls."""
    order = {name: place for place, name in enumerate(meta.columns)}
    found = [primary] if primary else []
    for unique in sorted(meta.uniques, key=lambda key: (len(key), sorted(key))):
        names = tuple(sorted(unique, key=order.__getitem__))
        nullable = any(meta.columns[name].nullable for name in unique)
        if unique != frozenset(primary) and not nullable:
            found.append(names)
    return tuple(found)


async def postgres_shape(pool: PostgresPool, held: Metadata, deadline: float) -> SourceShape:
    """The tables of the default schema."""
    references: dict[str, list[ForeignKey]] = {}
    for row in await pool.run(_REFERENCES, [held.default_schema], deadline):
        references.setdefault(row["name"], []).append(
            ForeignKey(
                columns=tuple(row["names"]),
                to_table=row["to_name"],
                to_columns=tuple(row["to_names"]),
            )
        )
    tables = []
    for key, meta in held.tables.items():
        schema, name = key
        if schema != held.default_schema:
            continue
        primary = held.primary.get(key, ())
        tables.append(
            ShapeTable(
                name=name,
                columns=tuple(
                    ShapeColumn(
                        name=column.name,
                        kind=_POSTGRES.get(column.native, "String"),
                        nullable=column.nullable,
                        native=held.native[(*key, column.name)],
                        comment=held.comments.get((*key, column.name)),
                    )
                    for column in meta.columns.values()
                ),
                keys=keys_of(meta, primary),
                foreign_keys=tuple(references.get(name, ())),
                comment=held.comments.get(key),
                rows=meta.rows,
            )
        )
    return SourceShape(tables=tuple(tables))


_DECLARED: tuple[tuple[str, ScalarKind], ...] = (
    ("bool", "Boolean"),
    ("timestamp with time zone", "DateTime"),
    ("timestamptz", "DateTime"),
    ("datetime", "LocalDateTime"),
    ("timestamp", "LocalDateTime"),
    ("date", "Date"),
    ("time", "Time"),
    ("json", "JSON"),
    ("bigint", "BigInt"),
    ("int8", "BigInt"),
    ("dec", "Decimal"),
    ("numeric", "Decimal"),
    ("money", "Decimal"),
)
_BY_AFFINITY: Mapping[str, ScalarKind] = {
    "text": "String",
    "integer": "Int",
    "real": "Float",
    "blob": "String",
    "numeric": "String",
}


def _declared_kind(native: str) -> ScalarKind:
    for word, kind in _DECLARED:
        if native.startswith(word):
            return kind
    return _BY_AFFINITY[affinity(native)]


async def _stored_kind(
    pool: SqlitePool, table: str, column: str, kind: ScalarKind, deadline: float
) -> ScalarKind:
    """The declared kind, unless the values at hand contradict it: then text, or a wider number."""
    quoted, of = _quote(column), _quote(table)
    values = await pool.run(
        f"SELECT DISTINCT typeof({quoted}) FROM (SELECT {quoted} FROM {of} "  # noqa: S608
        f"WHERE {quoted} IS NOT NULL LIMIT 2000)",
        (),
        deadline,
    )
    stored = {value for (value,) in values}
    match kind:
        case "Int" | "BigInt" if "text" in stored or "blob" in stored:
            return "String"
        case "Int" | "BigInt" if "real" in stored:
            return "Float"
        case "Int" if await _any(pool, f"abs({quoted}) >= 2147483648", of, deadline):
            return "BigInt"
        case "Float" | "Decimal" | "Boolean" if "text" in stored or "blob" in stored:
            return "String"
        case "Boolean" if await _any(pool, f"{quoted} NOT IN (0, 1)", of, deadline):
            return "Int"
        case "Date" | "DateTime" | "LocalDateTime" | "Time" if stored:
            name = f"hub_{kind.lower()}"
            odd = await _any(pool, f"{name}({quoted}) = '!'", of, deadline)
            if odd and kind == "Date":
                return await _stored_kind(pool, table, column, "LocalDateTime", deadline)
            return "String" if odd else kind
        case "JSON" if await _any(pool, f"NOT json_valid({quoted})", of, deadline):
            return "String"
        case _:
            return kind


async def _any(pool: SqlitePool, condition: str, of: str, deadline: float) -> bool:
    rows = await pool.run(
        f"SELECT 1 FROM (SELECT * FROM {of} LIMIT 2000) WHERE {condition} LIMIT 1",  # noqa: S608
        (),
        deadline,
    )
    return bool(rows)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def sqlite_shape(
    pool: SqlitePool, tables: Mapping[str, TableMeta], deadline: float
) -> SourceShape:
    """Every table and view."""
    made = []
    for name, meta in tables.items():
        primary = await pool.run(
            "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (name,), deadline
        )
        key = tuple(row[0] for row in primary)
        columns = []
        for column in meta.columns.values():
            declared = _declared_kind(column.native)
            kind = await _stored_kind(pool, name, column.name, declared, deadline)
            columns.append(
                ShapeColumn(
                    name=column.name,
                    kind=kind,
                    nullable=column.nullable and column.name not in key,
                    native=column.native.upper(),
                )
            )
        made.append(
            ShapeTable(
                name=name,
                columns=tuple(columns),
                keys=keys_of(meta, key),
                foreign_keys=await _references(pool, name, tables, deadline),
                rows=meta.rows,
            )
        )
    return SourceShape(tables=tuple(made))


async def _references(
    pool: SqlitePool, name: str, tables: Mapping[str, TableMeta], deadline: float
) -> tuple[ForeignKey, ...]:
    rows = await pool.run(
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq',
        (name,),
        deadline,
    )
    known = {table.lower(): table for table in tables}
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    found = []
    for parts in grouped.values():
        target = known.get(parts[0][1].lower())
        if target is None:
            continue
        to_columns = tuple(part[3] for part in parts)
        if None in to_columns:
            keys = await pool.run(
                "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk",
                (target,),
                deadline,
            )
            to_columns = tuple(key[0] for key in keys)
        if len(to_columns) == len(parts):
            found.append(
                ForeignKey(
                    columns=tuple(part[2] for part in parts),
                    to_table=target,
                    to_columns=to_columns,
                )
            )
    return tuple(sorted(found, key=lambda key: key.columns))

"""What MySQL's and MariaDB's information schema says of tables, columns, keys and references."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from connectors.sql.discover import keys_of
from connectors.sql.mysql_access import type_of
from connectors.sql.mysql_values import literal
from connectors.sql.table import ColumnMeta, TableMeta
from schema.model.scalar import ScalarKind

Asked = Callable[[str, float], Awaitable[Sequence[Sequence[Any]]]]
Place = tuple[str, str]
_SERVER = "SELECT VERSION(), @@lower_case_table_names"
_TABLES = """SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, TABLE_COMMENT
FROM information_schema.TABLES
WHERE TABLE_SCHEMA IN ({schemas}) AND TABLE_TYPE <> 'SEQUENCE'
ORDER BY TABLE_SCHEMA, TABLE_NAME"""
_COLUMNS = """SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE,
  COLLATION_NAME, COLUMN_COMMENT
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN ({schemas})
ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"""
_INDEXES = """SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA IN ({schemas}) AND INDEX_TYPE IN ('BTREE', 'HASH')
ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX"""
_CHECKS = """SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CHECK_CLAUSE
FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN ({schemas})"""
_REFERENCES = """SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME,
  REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA IN ({schemas}) AND REFERENCED_TABLE_SCHEMA = TABLE_SCHEMA
ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"""
_IS_JSON = re.compile(r"json_valid\(`((?:[^`]|``)+)`\)\Z")
_SMALL_ROWS = 500
_SAMPLE = 2000
_KINDS: Mapping[str, ScalarKind] = {
    "tinyint": "Int",
    "smallint": "Int",
    "mediumint": "Int",
    "int": "Int",
    "year": "Int",
    "bigint": "BigInt",
    "bit": "Decimal",
    "decimal": "Decimal",
    "float": "Float",
    "double": "Float",
    "date": "Date",
    "datetime": "LocalDateTime",
    "timestamp": "DateTime",
    "time": "Time",
    "json": "JSON",
}


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the information schema says of some schemas."""

    tables: Mapping[Place, TableMeta]
    comments: Mapping[tuple[str, ...], str]
    primary: Mapping[Place, tuple[str, ...]]


async def read_metadata(asked: Asked, schemas: Sequence[str], deadline: float) -> Metadata:
    """Tables and views with their columns, keys and indexes: five statements for all."""
    ((version, folded),) = await asked(_SERVER, deadline)
    wanted = {name.lower() for name in schemas} if folded else set(schemas)
    listed = ", ".join(literal(name) for name in sorted(wanted))

    async def rows(text: str) -> list[Sequence[Any]]:
        # names are compared without case there
        held = await asked(text.format(schemas=listed), deadline)
        return [row for row in held if row[0] in wanted]

    comments: dict[tuple[str, ...], str] = {}
    tables = {(row[0], row[1]): row[2:] for row in await rows(_TABLES)}
    as_json = set()
    if "mariadb" in version.lower():
        for schema, table, check in await rows(_CHECKS):
            if found := _IS_JSON.match(check):
                as_json.add((schema, table, found[1].replace("``", "`")))
    columns: dict[Place, dict[str, ColumnMeta]] = {place: {} for place in tables}
    for schema, table, name, native, nullable, collation, comment in await rows(_COLUMNS):
        json = (schema, table, name) in as_json and type_of(native.lower()).base == "longtext"
        if (schema, table) in columns:
            columns[schema, table][name] = ColumnMeta(
                name=name,
                native="json" if json else _lower(native),
                nullable=nullable == "YES",
                weighs_by=collation or "",
            )
        if comment:
            comments[schema, table, name] = comment
    indexes: dict[Place, dict[str, list[str | None]]] = {}
    uniques: dict[Place, set[str]] = {}
    for schema, table, index, repeats, name in await rows(_INDEXES):
        indexes.setdefault((schema, table), {}).setdefault(index, []).append(name)
        if not repeats:
            uniques.setdefault((schema, table), set()).add(index)
    made: dict[Place, TableMeta] = {}
    primary: dict[Place, tuple[str, ...]] = {}
    for place, (sort, count, comment) in tables.items():
        plain = {
            index: tuple(name for name in names if name is not None)
            for index, names in indexes.get(place, {}).items()
            if None not in names  # an index over an expression
        }
        if "PRIMARY" in plain:
            primary[place] = plain["PRIMARY"]
        if comment and sort != "VIEW":
            comments[place] = comment
        size = int(count) if count is not None and sort != "VIEW" else None
        made[place] = TableMeta(
            name=place[1],
            schema=place[0],
            columns=columns[place],
            uniques=frozenset(
                frozenset(plain[index]) for index in uniques.get(place, ()) if index in plain
            ),
            indexes=tuple(plain.values()),
            small=size is not None and size < _SMALL_ROWS,
            rows=size,
        )
    return Metadata(tables=made, comments=comments, primary=primary)


def _lower(native: str) -> str:
    """The type in lower case; the members of an enum keep theirs."""
    head, mark, rest = native.partition("(")
    return head.lower() + mark + rest


def _kind(native: str) -> ScalarKind:
    held = type_of(native)
    if held.base in ("tinyint", "bit") and held.sizes == (1,):
        return "Boolean"
    if held.unsigned and held.base in ("int", "bigint"):
        return "BigInt" if held.base == "int" else "Decimal"
    return _KINDS.get(held.base, "String")


async def _stored_kind(
    asked: Asked, meta: TableMeta, column: ColumnMeta, deadline: float
) -> ScalarKind:
    """The declared kind, unless the values at hand contradict it."""
    kind, name = _kind(column.native), _quote(column.name)
    match kind:
        case "Boolean":
            odd, other = f"{name} NOT IN (0, 1)", "Int"
        case "Date" | "LocalDateTime" | "DateTime":
            odd, other = f"MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0", "String"
        case "Time":
            odd, other = f"{name} < TIME'00:00:00' OR {name} >= TIME'24:00:00'", "String"
        case _:
            return kind
    of = f"{_quote(meta.schema or '')}.{_quote(meta.name)}"
    sample = f"SELECT {name} FROM {of} LIMIT {_SAMPLE}"  # noqa: S608 - quoted names of the server
    found = await asked(f"SELECT 1 FROM ({sample}) s WHERE {odd} LIMIT 1", deadline)  # noqa: S608
    return other if found else kind  # type: ignore[return-value]


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


async def shape(asked: Asked, held: Metadata, schema: str, deadline: float) -> SourceShape:
    """The tables and views of one schema."""
    references: dict[str, dict[str, list[Sequence[Any]]]] = {}
    text = _REFERENCES.format(schemas=literal(schema))
    for row in await asked(text, deadline):
        references.setdefault(row[0], {}).setdefault(row[1], []).append(row)
    mine = {place: meta for place, meta in held.tables.items() if place[0] == schema}
    names = [name for _, name in mine]
    # some servers tell references in lower case
    known = {**{name.lower(): name for name in names}, **{name: name for name in names}}

    def target(told: str) -> str | None:
        return known.get(told, known.get(told.lower()))

    tables = []
    for place, meta in mine.items():
        columns = [
            ShapeColumn(
                name=column.name,
                kind=await _stored_kind(asked, meta, column, deadline),
                nullable=column.nullable,
                native=column.native,
                comment=held.comments.get((*place, column.name)),
            )
            for column in meta.columns.values()
        ]
        tables.append(
            ShapeTable(
                name=meta.name,
                columns=tuple(columns),
                keys=keys_of(meta, held.primary.get(place, ())),
                foreign_keys=tuple(
                    ForeignKey(
                        columns=tuple(row[2] for row in rows),
                        to_table=to,
                        to_columns=tuple(row[4] for row in rows),
                    )
                    for rows in references.get(meta.name, {}).values()
                    if (to := target(rows[0][3])) is not None
                ),
                comment=held.comments.get(place),
                rows=meta.rows,
            )
        )
    return SourceShape(tables=tuple(tables))

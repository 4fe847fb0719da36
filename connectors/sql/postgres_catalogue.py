"""What PostgreSQL's own catalogue says of tables, columns and indexes: five statements for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.sql.postgres import Pool
from connectors.sql.table import ColumnMeta, TableMeta

_TABLES = """
SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       c.reltuples::float8 AS tuples,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) ELSE NULL END AS bytes,
       obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname = ANY($1::text[])
ORDER BY 2, 3
"""
_COLUMNS = """
SELECT a.attrelid::int8 AS oid, a.attname AS name, a.attnotnull AS required,
       coalesce(b.typname, t.typname) AS native,
       coalesce(b.typtype, t.typtype)::text AS sort,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS shown,
       CASE WHEN l.oid IS NULL THEN NULL ELSE l.collname END AS collation,
       l.collprovider::text AS provider, l.collisdeterministic AS exact,
       coalesce(l.collcollate, '') AS locale,
       col_description(a.attrelid, a.attnum) AS comment
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
  AND n.nspname = ANY($1::text[])
ORDER BY a.attrelid, a.attnum
"""
_INDEXES = """
SELECT i.indrelid::int8 AS oid, i.indisunique AS distinct_rows, i.indisprimary AS is_primary,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, pos)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
             WHERE k.pos <= i.indnkeyatts ORDER BY k.pos) AS names,
       i.indnkeyatts AS width
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND i.indpred IS NULL AND n.nspname = ANY($1::text[])
ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid
"""
_COUNTS = """
SELECT schemaname AS schema, tablename AS name, attname AS column_name, n_distinct::float8 AS kinds
FROM pg_catalog.pg_stats WHERE schemaname = ANY($1::text[]) AND n_distinct <> 0
"""
_DATABASE = """
SELECT datlocprovider::text AS provider, datcollate AS locale,
       current_schema() AS schema, current_setting('server_version_num')::int4 AS version,
       pg_encoding_to_char(encoding) = 'UTF8' AS utf8
FROM pg_catalog.pg_database WHERE datname = current_database()
"""
_SMALL_BYTES = 65_536


class Metadata:
    """What the catalogue of the database says of some schemas."""

    def __init__(
        self,
        default_schema: str,
        tables: Mapping[tuple[str, str], TableMeta],
        native: Mapping[tuple[str, str, str], str],
        comments: Mapping[tuple[str, ...], str],
        primary: Mapping[tuple[str, str], tuple[str, ...]],
        *,
        utf8: bool,
    ) -> None:
        self.default_schema = default_schema
        self.tables = tables
        self.native = native
        self.comments = comments
        self.primary = primary
        self.utf8 = utf8


def _in_code_points(provider: str | None, locale: str) -> bool:
    return provider == "b" or (provider == "c" and locale in ("C", "POSIX"))


async def read_metadata(
    pool: Pool, schemas: Sequence[str], deadline: float, *, trusted_collation: bool
) -> Metadata:
    """Read tables, columns, indexes and counts, five statements for everything."""
    (database,) = await pool.run(_DATABASE, [], deadline)
    default = str(database["schema"] or "public")
    wanted = list(dict.fromkeys([default, *schemas]))
    plain = trusted_collation or _in_code_points(database["provider"], database["locale"])
    tables = await pool.run(_TABLES, [wanted], deadline)
    names = {row["oid"]: (row["schema"], row["name"]) for row in tables}
    columns: dict[tuple[str, str], dict[str, ColumnMeta]] = {k: {} for k in names.values()}
    native: dict[tuple[str, str, str], str] = {}
    comments: dict[tuple[str, ...], str] = {}
    for row in await pool.run(_COLUMNS, [wanted], deadline):
        key = names.get(row["oid"])
        if key is None:
            continue
        by_default = row["collation"] == "default"
        columns[key][row["name"]] = ColumnMeta(
            name=row["name"],
            native=row["native"] if row["sort"] == "b" else f"{row['sort']}:{row['native']}",
            nullable=not row["required"],
            by_code_point=plain if by_default else _in_code_points(row["provider"], row["locale"]),
            exact_equality=row["exact"] is not False,
            collation=row["collation"] or "",
        )
        native[(*key, row["name"])] = row["shown"]
        if row["comment"]:
            comments[(*key, row["name"])] = row["comment"]
    uniques: dict[tuple[str, str], set[frozenset[str]]] = {}
    indexes: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    primary: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in await pool.run(_INDEXES, [wanted], deadline):
        key, index = names.get(row["oid"]), tuple(row["names"])
        if key is None or not index:
            continue
        indexes.setdefault(key, []).append(index)
        if row["distinct_rows"] and len(index) == row["width"]:
            uniques.setdefault(key, set()).add(frozenset(index))
        if row["is_primary"]:
            primary[key] = index
    counts: dict[tuple[str, str], dict[str, float]] = {}
    for row in await pool.run(_COUNTS, [wanted], deadline):
        counts.setdefault((row["schema"], row["name"]), {})[row["column_name"]] = row["kinds"]
    made = {}
    for row in tables:
        key = (row["schema"], row["name"])
        if row["comment"]:
            comments[key] = row["comment"]
        size = row["bytes"]
        made[key] = TableMeta(
            name=row["name"],
            schema=row["schema"],
            columns=columns[key],
            uniques=frozenset(uniques.get(key, ())),
            indexes=tuple(indexes.get(key, ())),
            small=size is not None and int(size) < _SMALL_BYTES,
            rows=int(row["tuples"]) if row["tuples"] >= 0 else None,
            per_value={
                column: row["tuples"] / distinct if distinct > 0 else -1 / distinct
                for column, distinct in counts.get(key, {}).items()
                if row["tuples"] >= 0
            },
        )
    return Metadata(default, made, native, comments, primary, utf8=bool(database["utf8"]))

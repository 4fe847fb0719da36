"""What the columns of a file most likely are, and which of them could be keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from connectors.files.formats import SUFFIXES, Table
from connectors.files.kinds import TEXT, kind_of
from connectors.files.statement import quoted
from connectors.spi import ShapeColumn, ShapeTable
from schema.model.scalar import ScalarKind

SAMPLE_ROWS = 1_000_000
"""Rows looked at; a larger file's kinds and keys come from this many."""
_CODE_DIGITS = 6
"""Digits from which on numbers of one length are taken for codes, not for quantities."""
_KEY_KINDS = frozenset({"ID", "String", "Int", "BigInt", "Date", "DateTime"})
_MOST_KEYS = 4
_PAIRED = 6

_DAY, _CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("whole", r"-?(0|[1-9][0-9]{0,18})"),
    ("decimal", r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?"),
    ("float", r"-?[0-9]{1,300}(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?"),
    ("Boolean", "(?i)true|false"),
    ("Date", _DAY),
    ("LocalDateTime", f"{_DAY}[ T]{_CLOCK}"),
    ("DateTime", rf"{_DAY}[ T]{_CLOCK}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})"),
    ("Time", _CLOCK),
)
_CASTS = {"Date": "DATE", "LocalDateTime": "TIMESTAMP", "DateTime": "TIMESTAMPTZ", "Time": "TIME"}


def shape_of(
    cursor: duckdb.DuckDBPyConnection, table: Table, natives: Sequence[tuple[str, str]]
) -> ShapeTable:
    """A table's columns, kinds and candidate keys; raises ``duckdb.Error``."""
    name = quoted(table.name)
    counted = _one(cursor, f"SELECT count(*) FROM {name}")[0]  # noqa: S608 - quoted identifier
    sample = f"(SELECT * FROM {name} LIMIT {SAMPLE_ROWS})"  # noqa: S608
    rows = min(counted, SAMPLE_ROWS)
    columns = []
    unique = []
    for column, native in natives:
        held = quoted(column)
        filled, distinct = _one(
            cursor,
            f"SELECT count({held}), count(DISTINCT {held}) FROM {sample}",  # noqa: S608
        )
        kind = _text_kind(cursor, sample, held) if native == TEXT else kind_of(native)
        columns.append(
            ShapeColumn(name=column, kind=kind, nullable=filled < rows, native=native.lower())
        )
        if rows and filled == distinct == rows and kind in _KEY_KINDS:
            unique.append((column,))
    keys = sorted(unique, key=_likely)[:_MOST_KEYS] or _pairs(cursor, sample, columns, rows)
    return ShapeTable(
        name=table.name, columns=tuple(columns), keys=tuple(keys), rows=counted,
        detail=_detail(table),
    )  # fmt: skip


def _detail(table: Table) -> dict[str, Any]:
    said: dict[str, Any] = {"path": table.pattern or Path(table.path).name}
    if table.format != SUFFIXES.get(Path(table.path).suffix.lower()):
        said["format"] = table.format
    if table.partitions:
        said["partitions"] = True
    if table.sheet is not None:
        said["sheet"] = table.sheet
    if table.format in ("csv", "json") and table.encoding != "utf-8":
        said["encoding"] = table.encoding
    if table.header != 1:
        said["header"] = table.header
    return said


def _one(cursor: duckdb.DuckDBPyConnection, text: str) -> tuple[Any, ...]:
    (row,) = cursor.execute(text).fetchall()
    return tuple(row)


def _likely(key: tuple[str, ...]) -> int:
    """Names that say "key" first; otherwise the file's own order."""
    name = key[0].lower()
    if name == "id" or name.endswith(("_id", " id", "编号", "代码", "号码")):
        return 0
    return 1 if name.endswith(("code", "number", "no", "key", "号")) else 2


def _pairs(
    cursor: duckdb.DuckDBPyConnection, sample: str, columns: Sequence[ShapeColumn], rows: int
) -> list[tuple[str, ...]]:
    """The first two columns that together are unique, among the first few that could be."""
    able = [c.name for c in columns if not c.nullable and c.kind in _KEY_KINDS][:_PAIRED]
    for place, first in enumerate(able):
        for second in able[place + 1 :]:
            both = f"({quoted(first)}, {quoted(second)})"
            found = _one(cursor, f"SELECT count(DISTINCT {both}) FROM {sample}")[0]  # noqa: S608
            if rows and found == rows:
                return [(first, second)]
    return []


def _text_kind(cursor: duckdb.DuckDBPyConnection, sample: str, held: str) -> ScalarKind:
    text = f"trim({held})"
    checks = [f"bool_and(regexp_full_match({text}, '{pattern}'))" for _, pattern in _PATTERNS]
    lengths = [f"min(length({text}))", f"max(length({text}))", "count(*)"]
    whole = f"TRY_CAST({text} AS HUGEINT)"
    found = _one(
        cursor,
        f"SELECT {', '.join((*checks, *lengths))}, max(abs({whole})) FROM {sample} "  # noqa: S608
        f"WHERE {text} <> ''",
    )
    fits = {kind for (kind, _), held_by_all in zip(_PATTERNS, found, strict=False) if held_by_all}
    shortest, longest, filled, largest = found[len(_PATTERNS) :]
    if not filled:
        return "String"
    if "whole" in fits:
        if filled > 1 and shortest == longest >= _CODE_DIGITS:
            return "String"
        return "Int" if largest < 2**31 else "BigInt" if largest < 2**63 else "String"
    if "decimal" in fits:
        return "Decimal"
    if "float" in fits and shortest != longest:
        return "Float"
    for kind in ("Boolean", "Date", "LocalDateTime", "DateTime", "Time"):
        if kind in fits and _valid(cursor, sample, text, kind):
            return kind
    return "String"


def _valid(cursor: duckdb.DuckDBPyConnection, sample: str, text: str, kind: str) -> bool:
    cast = _CASTS.get(kind)
    if cast is None:
        return True
    missing = f"count(*) FILTER (TRY_CAST({text} AS {cast}) IS NULL)"
    found = _one(cursor, f"SELECT {missing} FROM {sample} WHERE {text} <> ''")  # noqa: S608
    return found == (0,)

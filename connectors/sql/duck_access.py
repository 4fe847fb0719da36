"""DuckDB: how a column of a native type serves a scalar kind, exactly.

A column's own collation is not in the catalogue, so that all text is compared by code point
explicitly. Dates, timestamps and decimals come as text, for Python's objects lose some of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors.spi import Column
from connectors.sql import bind, finish
from connectors.sql.access import (
    TEXT,
    Access,
    Convert,
    Finish,
    Native,
    Side,
    coded,
    collated,
    least,
)
from connectors.sql.table import ColumnMeta

DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)\Z")
NARROW = frozenset({"tinyint", "smallint", "integer", "utinyint", "usmallint"})
WHOLE = NARROW | {"bigint", "uinteger"}
_NESTED = re.compile(r".*\]\Z|(?:struct|map|union)\(")
_DIGITS = 38
_C = "C"
_TIMES: dict[str, tuple[str, str, Convert, Finish]] = {
    "date": ("Date", "date", bind.date, finish.date),
    "timestamp with time zone": ("DateTime", "timestamptz", bind.moment, finish.datetime),
    "timestamp": ("LocalDateTime", "timestamp", bind.moment, finish.local),
    "time": ("Time", "time", bind.clock, finish.time),
}


def nested(native: str) -> bool:
    """Whether a native type is one of lists, structs or maps."""
    return _NESTED.match(native) is not None


def access(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access:
    """How to read, compare, order and add up one column; `zone` is that of local timestamps."""
    made: Access | None
    if column.values and column.kind in ("ID", "String"):
        made = coded(column, _textual(meta, raw), _as_text(raw), in_order=collated(_C))
    else:
        made = None if column.values else _plain(column, meta, raw, zone)
    return made or Access(
        raw=raw,
        shown=_as_text(raw),
        finish=finish.Conform(column.kind, column.values),
        nullable=meta.nullable,
    )


def _plain(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access | None:
    native = meta.native
    match column.kind:
        case "ID" | "String":
            return _textual(meta, raw)
        case "Int" | "BigInt" if native in WHOLE:
            side = Side(expression=raw, type=Native("int8"), convert=bind.int8, group="int")
            whole = finish.bigint_from_number
            shown = finish.int_from_number if column.kind == "Int" else whole
            return _ordered(meta, raw, raw, side, shown, total=(sa.func.sum(raw), whole))
        case "Decimal":
            return _decimal(meta, raw)
        case "Float" if native in ("float", "double"):
            wide = raw if native == "double" else sa.cast(raw, Native("double"))
            side = Side(expression=wide, type=Native("double"), convert=bind.real, group="float")
            return _ordered(meta, raw, wide, side, finish.number)
        case "Boolean" if native == "boolean":
            side = Side(expression=raw, type=Native("bool"), convert=bind.boolean, group="bool")
            return _ordered(meta, raw, raw, side, None)
        case "JSON" if native == "json":
            return Access(raw=raw, shown=_as_text(raw), finish=finish.json, nullable=meta.nullable)
        case "JSON" if nested(native):
            shown_text = _as_text(sa.func.to_json(raw))
            return Access(raw=raw, shown=shown_text, finish=finish.json, nullable=meta.nullable)
        case "Date" | "DateTime" | "LocalDateTime" | "Time":
            return _temporal(column.kind, meta, raw, zone)
        case _:
            return None


def _as_text(raw: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(raw, sa.Text()).collate(_C)


def _ordered(
    meta: ColumnMeta,
    raw: ColumnElement[Any],
    shown: ColumnElement[Any],
    side: Side,
    ending: Finish | None,
    *,
    total: tuple[ColumnElement[Any], Finish] | None = None,
    lowest: Callable[[str], ColumnElement[Any]] | None = None,
) -> Access:
    return Access(
        raw=raw,
        shown=shown,
        finish=ending,
        equal=side,
        range=side,
        total=None if total is None else total[0],
        total_finish=None if total is None else total[1],
        least=lowest or least(shown),
        nullable=meta.nullable,
    )


def _textual(meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
    held = _as_text(raw)
    side = Side(expression=held, type=TEXT, convert=bind.any_text, group="text")
    made = _ordered(meta, raw, held, side, finish.text)
    return msgspec.structs.replace(made, text=side)


def _decimal(meta: ColumnMeta, raw: ColumnElement[Any]) -> Access | None:
    found = DECIMAL.match(meta.native)
    if found is None or int(found[1]) >= _DIGITS:
        return None  # fails closed: no bound is certain to lie beyond such a column's values
    width, scale = int(found[1]), int(found[2])
    side = Side(
        expression=raw,
        type=Native(f"decimal({_DIGITS},{scale})"),
        convert=bind.Scaled(scale),
        up=bind.Scaled(scale, "up"),
        down=bind.Scaled(scale, "down"),
        group=f"decimal {scale}",
    )
    sums = (_as_text(sa.func.sum(raw)), finish.decimal) if width <= 26 else None
    return _ordered(
        meta,
        raw,
        _as_text(raw),
        side,
        finish.decimal,
        total=sums,
        lowest=lambda name: _as_text(least(raw)(name)),
    )


def _temporal(kind: str, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access | None:
    stored = _TIMES.get(meta.native)
    wanted = next((found for found in _TIMES.values() if found[0] == kind), None)
    if stored is None or wanted is None:
        return None
    held = raw
    if stored[0] != kind:
        if {stored[0], kind} != {"DateTime", "LocalDateTime"}:
            return None
        held = sa.func.timezone(sa.literal_column(f"'{zone}'"), raw)
    _, name, convert, ending = wanted
    side = Side(expression=held, type=Native(name), convert=convert, group=kind)
    return _ordered(
        meta, raw, _as_text(held), side, ending, lowest=lambda of: _as_text(least(held)(of))
    )

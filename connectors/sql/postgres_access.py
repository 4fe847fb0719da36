"""PostgreSQL: how a column of a native type serves a scalar kind, exactly.

Values come as text where the driver would make an object only to print it again (see
`connectors.sql.postgres`): dates, timestamps, numbers wider than 32 bits, UUIDs, JSON.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors.spi import Column
from connectors.sql import bind, finish
from connectors.sql.access import (
    Access,
    Convert,
    Finish,
    Native,
    Side,
    coded,
    collated,
    least,
    text_side,
)
from connectors.sql.table import ColumnMeta

_INTEGERS = {"int2": bind.int2, "int4": bind.int4, "int8": bind.int8_text}
_TEXTS = frozenset({"text", "varchar"})
_TIMES: dict[str, tuple[str, str, Convert, Finish]] = {
    "date": ("Date", "date", bind.date, finish.date),
    "timestamptz": ("DateTime", "timestamptz", bind.moment, finish.datetime),
    "timestamp": ("LocalDateTime", "timestamp", bind.moment, finish.local),
    "time": ("Time", "time", bind.clock, finish.time),
}
_NUMERIC = sa.Numeric()
_DOUBLE: sa.Double[float] = sa.Double()
_C = "C"


def access(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access:
    """How to read, compare, order and add up one column; `zone` is that of local timestamps."""
    made: Access | None
    if column.values and column.kind in ("ID", "String"):
        made = coded(column, _textual(meta, raw), _as_text(raw, meta), in_order=collated(_C))
    else:
        made = None if column.values else _plain(column, meta, raw, zone)
    return made or Access(
        raw=raw,
        shown=_as_text(raw, meta),
        finish=finish.Conform(column.kind, column.values),
        nullable=meta.nullable,
    )


def _plain(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access | None:
    match column.kind:
        case "ID" | "String":
            return _textual(meta, raw)
        case "Int" | "BigInt":
            return _integral(column.kind, meta, raw)
        case "Decimal":
            return _decimal(meta, raw)
        case "Float":
            return _float(meta, raw)
        case "Boolean" if meta.native == "bool":
            side = Side(expression=raw, type=Native("bool"), convert=bind.boolean, group="bool")
            return Access(
                raw=raw,
                shown=raw,
                equal=side,
                range=side,
                least=lambda name: (sa.func.bool_and if name == "min" else sa.func.bool_or)(raw),
                nullable=meta.nullable,
            )
        case "JSON" if meta.native in ("json", "jsonb"):
            return Access(raw=raw, shown=raw, finish=finish.json, nullable=meta.nullable)
        case "Date" | "DateTime" | "LocalDateTime" | "Time":
            return _temporal(column.kind, meta, raw, zone)
        case _:
            return None


def _as_text(raw: ColumnElement[Any], meta: ColumnMeta) -> ColumnElement[Any]:
    return raw if meta.native in _TEXTS else sa.cast(raw, sa.Text())


def _textual(meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
    shown = _as_text(raw, meta)
    in_order = shown if meta.by_code_point and meta.native in _TEXTS else shown.collate(_C)
    exact = text_side(shown if meta.exact_equality and meta.native in _TEXTS else in_order)
    equal = exact
    ending: Finish | None = finish.text
    if meta.native in _INTEGERS:
        equal = _whole_side(meta.native, raw)
        shown = sa.cast(raw, sa.BigInteger()) if meta.native != "int8" else raw
        ending = None
    elif meta.native == "uuid":
        shown, ending = raw, None
        equal = Side(expression=raw, type=Native("uuid"), convert=bind.uuid, group="uuid")
    elif meta.native == "bpchar":
        equal = Side(
            expression=raw, type=Native("bpchar"), convert=bind.padded_text, group="bpchar"
        )
    return Access(
        raw=raw,
        shown=shown,
        finish=ending,
        equal=equal,
        range=text_side(in_order),
        text=text_side(in_order),
        ranged_prefix=meta.by_code_point and meta.native in _TEXTS,
        least=least(in_order),
        nullable=meta.nullable,
    )


def _whole_side(native: str, raw: ColumnElement[Any]) -> Side:
    return Side(expression=raw, type=Native(native), convert=_INTEGERS[native], group="int")


def _integral(kind: str, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access | None:
    wanted = sa.Integer() if kind == "Int" else sa.BigInteger()
    if meta.native in _INTEGERS:
        equal = _whole_side(meta.native, raw)
        wide = Side(expression=raw, type=Native("int8"), convert=bind.int8_text, group="int")
        fits = meta.native == "int8" if kind == "BigInt" else meta.native != "int8"
        shown: ColumnElement[Any] = raw if fits else sa.cast(raw, wanted)
        return Access(
            raw=raw,
            shown=shown,
            equal=equal,
            range=wide,
            total=sa.cast(sa.func.sum(raw), _NUMERIC),
            least=least(shown),
            nullable=meta.nullable,
        )
    if meta.native == "numeric":
        side = _numeric_side(raw)
        ending = finish.int_from_number if kind == "Int" else finish.bigint_from_number
        return Access(
            raw=raw,
            shown=raw,
            finish=ending,
            equal=side,
            range=side,
            total=sa.func.sum(raw),
            total_finish=finish.bigint_from_number,
            least=least(raw),
            nullable=meta.nullable,
        )
    return None


def _numeric_side(expression: ColumnElement[Any]) -> Side:
    return Side(
        expression=expression, type=Native("numeric"), convert=bind.number_text, group="numeric"
    )


def _decimal(meta: ColumnMeta, raw: ColumnElement[Any]) -> Access | None:
    if meta.native not in (*_INTEGERS, "numeric", "float4", "float8", "money"):
        return None
    shown = raw if meta.native == "numeric" else sa.cast(raw, _NUMERIC)
    side = _numeric_side(shown)
    return Access(
        raw=raw,
        shown=shown,
        finish=finish.decimal,
        equal=side,
        range=side,
        total=sa.func.sum(shown),
        total_finish=finish.decimal,
        least=least(shown),
        nullable=meta.nullable,
    )


def _float(meta: ColumnMeta, raw: ColumnElement[Any]) -> Access | None:
    if meta.native not in (*_INTEGERS, "numeric", "float4", "float8"):
        return None
    shown = raw if meta.native == "float8" else sa.cast(raw, _DOUBLE)
    side = Side(expression=shown, type=Native("float8"), convert=bind.real, group="float")
    return Access(
        raw=raw,
        shown=shown,
        finish=finish.number,
        equal=side,
        range=side,
        total=sa.func.sum(shown),
        total_finish=finish.number,
        least=least(shown),
        nullable=meta.nullable,
    )


def _temporal(kind: str, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access | None:
    stored = _TIMES.get(meta.native)
    wanted = next((found for found in _TIMES.values() if found[0] == kind), None)
    if stored is None or wanted is None:
        return None
    expression = raw
    if stored[0] != kind:
        zoned = {stored[0], kind} == {"DateTime", "LocalDateTime"}
        if zoned:
            expression = sa.func.timezone(sa.literal_column(f"'{zone}'"), raw)
        elif "Time" in (stored[0], kind) or "DateTime" in (stored[0], kind):
            return None
        else:
            expression = sa.cast(raw, Native(wanted[1]))
    _, name, convert, ending = wanted
    side = Side(expression=expression, type=Native(name), convert=convert, group=kind)
    return Access(
        raw=raw,
        shown=expression,
        finish=ending,
        equal=side,
        range=side,
        least=least(expression),
        nullable=meta.nullable,
    )

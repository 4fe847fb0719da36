"""SQLite: how a column serves a scalar kind, exactly, although any row may hold any type.

A column's declared type only leans its values towards a storage class (affinity). Where the
affinity makes the stored form certain the column is used as it is, with its indexes; where it
does not, an expression brings the stored forms to one canonical form in SQL, the same expression
for reading, comparing and ordering. Decimals stored as binary numbers compare exactly by their
shortest text but do not add up exactly, so their ``sum`` is not taken on.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors.spi import Column
from connectors.sql import bind, finish
from connectors.sql.access import (
    TEXT,
    Access,
    Finish,
    Native,
    Side,
    coded,
    collated,
    least,
    text_side,
)
from connectors.sql.table import ColumnMeta
from schema.model.scalar import canonical

_NUMBERS = frozenset({"integer", "numeric", "real"})
_SCALE = re.compile(r"\(\s*\d+\s*,\s*(\d+)\s*\)")
_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
_CLOCK = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_ODD = "!"
"""What the conversion functions give for a value without a canonical form."""
_NUMBER = Native("numeric")


def affinity(declared: str) -> str:
    """The affinity of a declared type. Source: SQLite, "Datatypes", section 3.1."""
    held = declared.lower()
    if "int" in held:
        return "integer"
    if any(word in held for word in ("char", "clob", "text")):
        return "text"
    if not held or "blob" in held:
        return "blob"
    if any(word in held for word in ("real", "floa", "doub")):
        return "real"
    return "numeric"


def access(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access:
    """How to read, compare, order and add up one column; `zone` is that of local timestamps."""
    made: Access | None
    if column.values and column.kind in ("ID", "String"):
        held = raw if affinity(meta.native) == "text" else sa.cast(raw, sa.Text())
        made = coded(column, _textual(meta, raw), held, in_order=collated("BINARY"))
    else:
        made = None if column.values else _plain(column, meta, raw, zone)
    return made or Access(
        raw=raw,
        shown=raw,
        finish=finish.Conform(column.kind, column.values),
        nullable=meta.nullable,
    )


def _plain(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access | None:
    lean = affinity(meta.native)
    match column.kind:
        case "ID" | "String":
            return _textual(meta, raw)
        case "JSON":
            return Access(raw=raw, shown=raw, finish=finish.json, nullable=meta.nullable)
        case "Date" | "DateTime" | "LocalDateTime" | "Time":
            return _temporal(column.kind, meta, raw, zone)
        case "Int" if lean in _NUMBERS:
            side = Side(expression=raw, type=_NUMBER, convert=bind.int8, group="number")
            return _numeric(meta, raw, side, finish.int_from_number, finish.bigint_from_number)
        case "BigInt" if lean in _NUMBERS:
            side = Side(expression=raw, type=_NUMBER, convert=bind.int8, group="number")
            return _numeric(meta, raw, side, finish.bigint_from_number, finish.bigint_from_number)
        case "Float" if lean in _NUMBERS:
            side = Side(expression=raw, type=_NUMBER, convert=bind.real, group="number")
            return _numeric(meta, raw, side, finish.float_from_number, finish.float_from_number)
        case "Decimal" if lean in _NUMBERS:
            side = Side(
                expression=raw,
                type=_NUMBER,
                convert=bind.double,
                up=bind.double_up,
                down=bind.double_down,
                group="number",
            )
            scale = _SCALE.search(meta.native)
            scaled = finish.Scaled(int(scale[1]) if scale else 0)
            return _numeric(meta, raw, side, scaled, None)
        case "Boolean" if lean in _NUMBERS:
            side = Side(expression=raw, type=_NUMBER, convert=bind.bit, group="number")
            return _numeric(meta, raw, side, finish.boolean, None)
        case _:
            return None


def _numeric(
    meta: ColumnMeta,
    raw: ColumnElement[Any],
    side: Side,
    shown: Finish,
    total: Finish | None,
) -> Access:
    return Access(
        raw=raw,
        shown=raw,
        finish=shown,
        equal=side,
        range=side,
        total=sa.func.sum(raw) if total is not None else None,
        total_finish=total,
        least=least(raw),
        nullable=meta.nullable,
    )


def _textual(meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
    lean = affinity(meta.native)
    if lean == "text":
        held = raw if meta.by_code_point else raw.collate("BINARY")
        shown, equal, ending = raw, text_side(held), finish.text
    elif lean == "integer":
        held = sa.cast(raw, sa.Text())
        shown, ending = raw, finish.text_from_number
        equal = Side(expression=raw, type=_NUMBER, convert=bind.whole_or_text, group="number")
    else:
        held = sa.cast(raw, sa.Text())
        shown, equal, ending = held, text_side(held), finish.text
    return Access(
        raw=raw,
        shown=shown,
        finish=ending,
        equal=equal,
        range=text_side(held),
        text=text_side(held),
        ranged_prefix=lean == "text",
        least=least(held),
        nullable=meta.nullable,
    )


def _temporal(kind: str, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access:
    odd = getattr(sa.func, f"hub_{kind.lower()}")(raw)
    spaced = f"{_DAY} {_CLOCK}"
    joined: ColumnElement[Any] = (
        sa.func.substr(raw, sa.literal_column("1"), sa.literal_column("10"), type_=sa.Text())
        .concat(sa.literal_column("'T'"))
        .concat(sa.func.substr(raw, sa.literal_column("12"), type_=sa.Text()))
    )
    ordinary = {"Date": _DAY, "Time": _CLOCK}.get(kind, spaced)
    plain: ColumnElement[Any] = raw if kind in ("Date", "Time") else joined
    expression: ColumnElement[Any]
    if kind == "DateTime" and zone != "UTC":
        expression = odd
    else:
        expression = sa.case((raw.op("GLOB")(sa.literal_column(f"'{ordinary}'")), plain), else_=odd)
    convert, ending = _TIMES[kind]
    side = Side(expression=expression, type=TEXT, convert=convert, group=kind)
    return Access(
        raw=raw,
        shown=expression,
        finish=ending,
        equal=side,
        range=side,
        least=least(expression),
        nullable=meta.nullable,
    )


def _utc(value: Any) -> str | None:
    try:
        return str(canonical("DateTime", value))[:-1]
    except ValueError:
        return None


def _local(value: Any) -> str | None:
    try:
        return str(canonical("LocalDateTime", value))
    except ValueError:
        return None


def _time(value: Any) -> str | None:
    try:
        return str(canonical("Time", value))
    except ValueError:
        return None


def _even(column: Sequence[Any]) -> Sequence[Any]:
    if _ODD in column:
        raise ValueError
    return column


def _zoned(column: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else f"{value}Z" for value in _even(column)]


_TIMES: dict[str, tuple[Callable[[Any], str | None], Finish]] = {
    "Date": (bind.date, _even),
    "DateTime": (_utc, _zoned),
    "LocalDateTime": (_local, _even),
    "Time": (_time, _even),
}


def install(connection: sqlite3.Connection, zone: str) -> None:
    """Give a connection the functions that bring odd stored dates and times to one form."""
    here = ZoneInfo(zone)

    def moment(value: Any) -> dt.datetime:
        if isinstance(value, str):
            return dt.datetime.fromisoformat(value)
        if isinstance(value, float) and 0 < value < 5373484.5:
            days = dt.timedelta(days=value - 2440587.5)
            return dt.datetime.fromtimestamp(0, dt.UTC) + days
        seconds = value / 1000 if abs(value) > 100_000_000_000 else value
        return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(seconds=seconds)

    def date(value: Any) -> str:
        return str(canonical("Date", moment(value).replace(tzinfo=None)))

    def datetime(value: Any) -> str:
        held = moment(value)
        return str(canonical("DateTime", held if held.tzinfo else held.replace(tzinfo=here)))[:-1]

    def local(value: Any) -> str:
        held = moment(value)
        return str(canonical("LocalDateTime", held.astimezone(here).replace(tzinfo=None)
                             if held.tzinfo else held))  # fmt: skip

    def time(value: Any) -> str:
        return str(canonical("Time", value))

    made = {"date": date, "datetime": datetime, "localdatetime": local, "time": time}
    for name, function in made.items():
        connection.create_function(f"hub_{name}", 1, _guarded(function), deterministic=True)


def _guarded(function: Callable[[Any], str]) -> Callable[[Any], str | None]:
    def guarded(value: Any) -> str | None:
        if value is None:
            return None
        try:
            return function(value)
        except (TypeError, ValueError, OverflowError, AttributeError):
            return _ODD

    return guarded

"""PostgreSQL: a column's canonical value inside a JSON object, as `connectors.sql.finish` would
make it of the fetched column, and the condition under which it would not refuse it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors.spi import Column
from connectors.sql import finish
from connectors.sql.access import Access, Cell, Inexact
from connectors.sql.table import ColumnMeta

_NOTHING = "0"
_TOO_LONG = "1e4300"
"""Python prints no whole number with more digits."""
_FIRST = {
    "Date": "date '0001-01-01'",
    "DateTime": "timestamptz '0001-01-01 00:00:00+00'",
    "LocalDateTime": "timestamp '0001-01-01 00:00:00'",
}
_AFTER = {
    "Date": "date '10000-01-01'",
    "DateTime": "timestamptz '10000-01-01 00:00:00+00'",
    "LocalDateTime": "timestamp '10000-01-01 00:00:00'",
}


def cell(column: Column, meta: ColumnMeta, access: Access) -> Cell:
    """The cell of a column; raises `Inexact` for one that only the hub can conform.

    Text is put into NFC by the hub, all objects at once (`finish.document`).
    """
    if isinstance(access.finish, finish.Conform):
        raise Inexact
    shown = access.shown
    match column.kind:
        case "ID" | "String":
            return Cell(value=_text(shown))
        case "Boolean":
            return Cell(value=shown)
        case "Int" if meta.native == "int8":
            return Cell(value=access.raw, sound=_inside(access.raw))
        case "Int" if access.finish is None:
            return Cell(value=shown)
        case "BigInt" if access.finish is None:
            return Cell(value=_text(shown))
        case "Int":
            return Cell(value=sa.func.trunc(shown), sound=sa.and_(_whole(shown), _inside(shown)))
        case "BigInt":
            short = sa.func.abs(shown) < _literal(_TOO_LONG)
            return Cell(value=_text(sa.func.trunc(shown)), sound=sa.and_(_whole(shown), short))
        case "Decimal":
            # only of NaN and infinities the difference from themselves is not nothing
            return Cell(value=_text(shown), sound=(shown - shown) == _literal(_NOTHING))
        case "Float":
            finite = sa.func.abs(shown) < _literal("float8 'Infinity'")
            return Cell(value=shown, sound=finite)
        case "Date" | "DateTime" | "LocalDateTime":
            return _moment(column.kind, shown)
        case "Time":
            return Cell(value=_text(shown), sound=shown < _literal("time '24:00:00'"))
        case _:
            raise Inexact


def _moment(kind: str, shown: ColumnElement[Any]) -> Cell:
    value = _text(shown)
    if kind != "Date":
        value = sa.func.replace(value, _literal("' '"), _literal("'T'"))
    if kind == "DateTime":
        value = sa.func.replace(value, _literal("'+00'"), _literal("'Z'"))
    sound = sa.and_(shown >= _literal(_FIRST[kind]), shown < _literal(_AFTER[kind]))
    return Cell(value=value, sound=sound)


def _inside(shown: ColumnElement[Any]) -> ColumnElement[bool]:
    return sa.and_(shown >= _literal(str(-(2**31))), shown < _literal(str(2**31)))


def _whole(shown: ColumnElement[Any]) -> ColumnElement[bool]:
    return shown == sa.func.trunc(shown)


def _text(shown: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(shown, sa.Text())


def _literal(text: str) -> ColumnElement[Any]:
    """A constant of this module; never a value of a request."""
    return sa.literal_column(text)

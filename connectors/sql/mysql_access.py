"""MySQL and MariaDB: how a column of a native type serves a scalar kind, exactly.

Most collations take different letters for equal, and all but a few take blanks at the end for
nothing. So text is compared as its UTF-8 bytes, which stand in code-point order; beside an
equality of bytes goes one by the column's own collation, which an index serves and which holds
wherever the bytes are equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.elements import ColumnElement

from connectors.spi import Column
from connectors.sql import bind, finish, mysql_values
from connectors.sql.access import TEXT, Access, Convert, Finish, Native, Side, coded, least
from connectors.sql.table import ColumnMeta

SORTED_BYTES = 4096
"""How much of a text the server looks at when it sorts; longer text is put in order by the hub."""
TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
WHOLE = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
TIMES = frozenset({"date", "datetime", "timestamp", "time"})
_LISTED = frozenset({"enum", "set"})
_SHORT = TIMES | WHOLE | {"decimal", "float", "double", "year", "bit", "uuid", "inet4", "inet6"}
_EXACT = frozenset({"utf8mb4_nopad_bin", "utf8mb4_0900_bin"})
_DIGITS = 65
_SUMMED = _DIGITS - 22
"""The widest column whose sums have room."""
_TYPE = re.compile(r"([a-z0-9]+)(?:\(([^)]*)\))?")


class Type(msgspec.Struct, frozen=True):
    """A column's type as the server tells it: ``decimal(12,2) unsigned``."""

    base: str
    sizes: tuple[int, ...]
    unsigned: bool
    zerofill: bool


def type_of(native: str) -> Type:
    """The parts of a type."""
    found = _TYPE.match(native)
    base, inside = (found[1], found[2] or "") if found else (native, "")
    sizes = inside.split(",") if base not in _LISTED else []
    return Type(
        base=base,
        sizes=tuple(int(size) for size in sizes if size.isdigit()),
        unsigned=native.endswith("unsigned") or "unsigned zerofill" in native,
        zerofill=native.endswith("zerofill"),
    )


def access(column: Column, meta: ColumnMeta, raw: ColumnElement[Any], zone: str) -> Access:
    """How to read, compare, order and add up one column; `zone` is that of local timestamps."""
    held = type_of(meta.native)
    made: Access | None
    if column.values and column.kind in ("ID", "String"):
        made = _coded(column, held, meta, raw)
    else:
        made = None if column.values else _plain(column, held, meta, raw, zone)
    return made or Access(
        raw=raw,
        shown=_shown_text(held, raw),
        finish=finish.Conform(column.kind, column.values),
        nullable=meta.nullable,
    )


def _plain(
    column: Column, held: Type, meta: ColumnMeta, raw: ColumnElement[Any], zone: str
) -> Access | None:
    match column.kind:
        case "ID" | "String":
            return _textual(held, meta, raw)
        case "Int" | "BigInt" if _whole(held):
            return _integral(column.kind, held, meta, raw)
        case "Decimal" if held.base == "decimal" or _whole(held):
            return _decimal(held, meta, raw)
        case "Float" if held.base in ("float", "double"):
            # what is printed of a float is rounded
            wide = raw if held.base == "double" else _plus(raw, "0e0")
            side = Side(expression=wide, type=Native("double"), convert=bind.real, group="float")
            return _ordered(meta, raw, wide, side, finish.float_from_number)
        case "Boolean" if _whole(held):
            number = _number(held, raw)
            side = Side(expression=number, type=Native("int"), convert=bind.bit, group="int")
            return _ordered(meta, raw, number, side, finish.boolean)
        case "JSON" if held.base == "json" or held.base in TEXTS:
            shown = _shown_text(held, raw)
            return Access(raw=raw, shown=shown, finish=finish.json, nullable=meta.nullable)
        case "Date" | "DateTime" | "LocalDateTime" | "Time":
            return _temporal(column.kind, held, meta, raw, zone)
        case _:
            return None


def _whole(held: Type) -> bool:
    return held.base in WHOLE or held.base in ("bit", "year")


def _plus(raw: ColumnElement[Any], zero: str) -> ColumnElement[Any]:
    return raw.op("+")(sa.literal_column(zero))


def _number(held: Type, raw: ColumnElement[Any]) -> ColumnElement[Any]:
    """A number that prints and compares as such: no bits, no zeros before it, no short years."""
    odd = held.base in ("bit", "year") or held.zerofill
    return _plus(raw, "0") if odd else raw


def _ordered(
    meta: ColumnMeta,
    raw: ColumnElement[Any],
    shown: ColumnElement[Any],
    side: Side,
    ending: Finish | None,
    *,
    total: tuple[ColumnElement[Any], Finish] | None = None,
) -> Access:
    return Access(
        raw=raw,
        shown=shown,
        finish=ending,
        equal=side,
        range=side,
        total=None if total is None else total[0],
        total_finish=None if total is None else total[1],
        least=least(shown),
        nullable=meta.nullable,
    )


def _unicode(held: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.func.convert(held.op("USING")(sa.literal_column("utf8mb4")))


def _shown_text(held: Type, raw: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as text; those of text come in the connection's character set anyway."""
    if held.base in TEXTS or held.base in _LISTED:
        return raw
    if held.base in BINARY:
        return sa.func.lower(sa.func.hex(raw))
    return sa.cast(_number(held, raw), mysql.CHAR(charset="utf8mb4"))


def _bytes(held: Type, meta: ColumnMeta, raw: ColumnElement[Any]) -> ColumnElement[Any]:
    """The UTF-8 bytes of a column's text."""
    text = _shown_text(held, raw)
    wide = held.base in TEXTS and meta.weighs_by.startswith("utf8mb4_")
    return sa.cast(text if wide else _unicode(text), sa.BINARY())


def _sorts(held: Type, meta: ColumnMeta) -> bool:
    """Whether the server looks at the whole text when it sorts."""
    if held.base in ("char", "varchar"):
        return held.sizes[0] * 4 <= SORTED_BYTES
    if held.base in _LISTED:
        return len(meta.native) * 4 <= SORTED_BYTES
    if held.base in ("binary", "varbinary"):
        return held.sizes[0] * 2 <= SORTED_BYTES
    return held.base in _SHORT or held.base in ("tinytext", "tinyblob")


def _textual(held: Type, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
    shown, exact = _shown_text(held, raw), _bytes(held, meta, raw)
    side = Side(expression=exact, type=TEXT, convert=bind.any_text, group="text")
    equal, in_order, ending = side, side, finish.text
    if meta.weighs_by in _EXACT and held.base in TEXTS:
        equal = in_order = msgspec.structs.replace(side, expression=raw)
    elif held.base in TEXTS:
        side = equal = msgspec.structs.replace(side, seek=raw, seeks_by=meta.weighs_by)
    elif held.base in WHOLE:
        shown, ending = _number(held, raw), finish.text_from_number
        whole = mysql_values.unsigned if held.unsigned else bind.int8
        equal = Side(expression=shown, type=Native("int"), convert=whole, group="int")
    elif held.base == "uuid":
        equal = Side(expression=raw, type=Native("uuid"), convert=bind.uuid, group="uuid")
    return Access(
        raw=raw,
        shown=shown,
        finish=ending,
        equal=equal,
        range=in_order if _sorts(held, meta) else None,
        text=side,
        least=lambda name: _unicode(least(exact)(name)),
        nullable=meta.nullable,
    )


def _as_is(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    return expression


def _coded(column: Column, held: Type, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
    under = _textual(held, meta, raw)
    made = coded(column, under, _bytes(held, meta, raw), in_order=_as_is, show=_unicode)
    return made if under.range is not None else msgspec.structs.replace(made, range=None)


def _integral(kind: str, held: Type, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
    number = _number(held, raw)
    side = Side(expression=number, type=Native("int"), convert=bind.int8, group="int")
    shown = finish.int_from_number if kind == "Int" else _signed
    total = (sa.func.sum(number), finish.bigint_from_number)
    return _ordered(meta, raw, number, side, shown, total=total)


def _signed(column: Sequence[Any]) -> Sequence[Any]:
    """Whole numbers to BigInt; refuses those that only unsigned columns hold."""
    if max((value for value in column if value is not None), default=0) >= 2**63:
        raise ValueError
    return finish.bigint_from_number(column)


def _decimal(held: Type, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access | None:
    width, scale = (20, 0) if held.base != "decimal" else (*held.sizes, 10, 0)[:2]
    if width >= _DIGITS:
        return None  # fails closed: no bound is certain to lie beyond such a column's values
    number = _number(held, raw)
    if held.base != "decimal":
        number = sa.cast(number, sa.Numeric(width, scale))
    side = Side(
        expression=number,
        type=Native("decimal"),
        convert=mysql_values.Exact(bind.Scaled(scale, "", _DIGITS)),
        up=mysql_values.Exact(bind.Scaled(scale, "up", _DIGITS)),
        down=mysql_values.Exact(bind.Scaled(scale, "down", _DIGITS)),
        group="decimal",
    )
    total = (sa.func.sum(number), finish.decimal) if width <= _SUMMED else None
    return _ordered(meta, raw, number, side, finish.decimal, total=total)


_MOMENTS = frozenset({"datetime", "timestamp"})
_TIMES: dict[str, tuple[frozenset[str], Convert, Finish]] = {
    "Date": (frozenset({"date"}), mysql_values.date, mysql_values.date_text),
    "DateTime": (_MOMENTS, mysql_values.moment, mysql_values.utc_text),
    "LocalDateTime": (_MOMENTS, mysql_values.moment, mysql_values.local_text),
    "Time": (frozenset({"time"}), mysql_values.clock, mysql_values.time_text),
}


def _temporal(
    kind: Any, held: Type, meta: ColumnMeta, raw: ColumnElement[Any], zone: str
) -> Access | None:
    natives, convert, ending = _TIMES[kind]
    if held.base not in natives:
        return None
    own = "DateTime" if held.base == "timestamp" else "LocalDateTime"
    if held.base in _MOMENTS and kind != own and zone != "UTC":
        # the server need not know the zone: the hub converts, and compares
        zoned = mysql_values.Zoned(zone, kind)
        return Access(raw=raw, shown=raw, finish=zoned, nullable=meta.nullable)
    side = Side(expression=raw, type=Native(held.base), convert=convert, group=kind)
    return _ordered(meta, raw, raw, side, ending)

"""Scalar kinds: the canonical form a value has inside a Batch, and how values compare.

Canonical forms are chosen so that most columns need no Python object that is only printed again:

========  =====================================================================
kind      canonical form in a Batch and in JSON
========  =====================================================================
ID        str
String    str
Int       int, 32 bit signed
BigInt    str of decimal digits (JSON numbers lose 64-bit integers)
Float     float, finite
Decimal   str, plain notation, scale kept as the source gives it (``12.50``)
Boolean   bool
Date      str ``YYYY-MM-DD``
DateTime  str, RFC 3339 in UTC with ``Z``; fraction only if not zero
LocalDateTime  str ``YYYY-MM-DDTHH:MM:SS[.ffffff]`` without a zone
Time      str ``HH:MM:SS[.ffffff]``
JSON      any JSON value
========  =====================================================================
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args

ScalarKind = Literal[
    "ID", "String", "Int", "BigInt", "Float", "Decimal", "Boolean",
    "Date", "DateTime", "LocalDateTime", "Time", "JSON",
]  # fmt: skip
SCALAR_KINDS: frozenset[str] = frozenset(get_args(ScalarKind))
NUMERIC: frozenset[str] = frozenset({"Int", "BigInt", "Float", "Decimal"})
ORDERED: frozenset[str] = SCALAR_KINDS - {"JSON"}
TEXTUAL: frozenset[str] = frozenset({"ID", "String"})
PLAIN_ORDER: frozenset[str] = frozenset({"ID", "String", "Int", "Float", "Boolean", "Date"})
"""Kinds whose canonical form compares as it is."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""A number as text. Python's own constructors also take spaces, underscores and other digits."""
_INT_MAX = 2**31 - 1
_BIG_MAX = 2**63 - 1


def canonical(kind: ScalarKind, value: Any) -> Any:
    """The canonical form of a source's or a caller's value; ``None`` stays ``None``.

    Raises: ``ValueError`` (without the value in its text) when it is not one of ``kind``.
    Cost: a call per value; connectors convert by column and use this only for odd values.
    """
    if value is None:
        return None
    try:
        return _CANONICAL[kind](value)
    except (TypeError, ValueError, InvalidOperation, OverflowError):
        raise ValueError(f"not a value of kind `{kind}`") from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, bool | float | bytes | bytearray | list | dict):
        raise TypeError
    return str(value)


def _integer(limit: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool):
            raise TypeError
        if isinstance(value, str) and (len(value) > 40 or not _NUMBER.fullmatch(value)):
            raise ValueError
        if isinstance(value, Decimal) and value.adjusted() > 40:
            raise ValueError
        whole = int(value)
        if not isinstance(value, str) and whole != value:
            raise ValueError
        if not -limit - 1 <= whole <= limit:
            raise ValueError
        return whole

    return convert


_int32 = _integer(_INT_MAX)
_int64 = _integer(_BIG_MAX)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _decimal(value: Any) -> str:
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > 1000):
        raise TypeError
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise ValueError
    return format(number, "f")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    raise TypeError


def _date(value: Any) -> str:
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise ValueError
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if len(value) != 10:
        raise ValueError
    return dt.date.fromisoformat(value).isoformat()


def _moment(value: dt.datetime) -> str:
    text = value.strftime("%Y-%m-%dT%H:%M:%S") if value.year >= 1000 else value.isoformat()[:19]
    return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text


def _datetime(value: Any) -> str:
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return _moment(moment.astimezone(dt.UTC)) + "Z"


def _local(value: Any) -> str:
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        raise ValueError
    return _moment(moment)


def _time(value: Any) -> str:
    moment = value if isinstance(value, dt.time) else dt.time.fromisoformat(value)
    text = moment.strftime("%H:%M:%S")
    return f"{text}.{moment.microsecond:06d}".rstrip("0") if moment.microsecond else text


_CANONICAL: dict[str, Callable[[Any], Any]] = {
    "ID": _text,
    "String": _text,
    "Int": _int32,
    "BigInt": lambda value: str(_int64(value)),
    "Float": _float,
    "Decimal": _decimal,
    "Boolean": _boolean,
    "Date": _date,
    "DateTime": _datetime,
    "LocalDateTime": _local,
    "Time": _time,
    "JSON": lambda value: value,
}


def order_key(kind: ScalarKind) -> Callable[[Any], Any]:
    """A function from a canonical, non-null value to a Python value that compares rightly.

    Order: text by code point, times by instant, numbers by value.
    """
    match kind:
        case "BigInt":
            return int
        case "Decimal":
            return Decimal
        case "DateTime" | "LocalDateTime":
            return dt.datetime.fromisoformat
        case "Time":
            return dt.time.fromisoformat
        case _:
            return _same


def _same(value: Any) -> Any:
    return value

"""MySQL and MariaDB: values to literals, and fetched text to canonical values.

The protocol's text statements have no params, so that values become literals. Text goes as
hexadecimal digits and everything else is built of digits alone: no value can end its literal,
whatever the server's modes and character sets are.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from connectors.sql import bind
from connectors.sql.slots import Slot

_NUL = "\0"
_NO_ROW = "SELECT NULL FROM DUAL WHERE 1 = 0"
_UNSIGNED = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z")
_ROWS = frozenset({"rows", "heldrows"})


def literal(value: Any) -> str:
    """One value as SQL; raises ``ValueError`` for what is no text, number or time."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f"_utf8mb4 X'{value.encode().hex()}'"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):e}"  # with an exponent, and so a double
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP'{value.isoformat(' ')}'"
    if isinstance(value, dt.date):
        return f"DATE'{value.isoformat()}'"
    if isinstance(value, dt.time):
        return f"TIME'{value.isoformat()}'"
    raise ValueError("no text, number or time")


def _argument(slot: Slot, value: Any) -> str:
    if slot.how in _ROWS:
        rows = value or [[None] * len(slot.converts)]
        return f"({', '.join(_listed(row) for row in rows)})"
    if isinstance(value, list | tuple):
        return _listed(value) if value else f"({_NO_ROW})"
    return literal(value)


def _listed(values: Sequence[Any]) -> str:
    return f"({', '.join(map(literal, values))})"


def written(text: str, slots: Sequence[Slot], arguments: Sequence[Any]) -> str:
    """A statement with its arguments in their places; raises ``ValueError``."""
    return text % tuple(map(_argument, slots, arguments))


# canonical values to those that become literals; None where no row can have the value


def unsigned(value: Any) -> int | None:
    """A canonical whole number (or text of one) in 64 bits without a sign."""
    held = str(value)
    if not _UNSIGNED.match(held):
        return None
    number = int(held)
    return number if number < 2**64 else None


def date(value: Any) -> dt.date | None:
    """A date."""
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def moment(value: Any) -> dt.datetime | None:
    """A timestamp in UTC, or a local one, without its zone."""
    try:
        held = dt.datetime.fromisoformat(value)
        return held.astimezone(dt.UTC).replace(tzinfo=None) if held.tzinfo else held
    except (TypeError, ValueError, OverflowError):
        return None


def clock(value: Any) -> dt.time | None:
    """A time of day."""
    try:
        held = dt.time.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if held.tzinfo else held


def like(value: Any) -> str | None:
    """The pattern of texts that start with a value."""
    held = bind.any_text(value)
    if held is None:
        return None
    for wild in ("\\", "%", "_"):
        held = held.replace(wild, f"\\{wild}")
    return f"{held}%"


class Exact(msgspec.Struct, frozen=True):
    """A decimal with a column's digits: itself, or a bound among those that the column has."""

    scaled: bind.Scaled

    def __call__(self, value: Any) -> Decimal | None:
        held = self.scaled(value)
        return None if held is None else Decimal(held)


# fetched text to canonical values


def _present(column: Sequence[Any]) -> Sequence[str]:
    return [value for value in column if value is not None] if None in column else column


def _refuse_zeros(present: Sequence[str]) -> None:
    """Zero dates, and dates with a zero month or day, have no canonical form."""
    if any(v[:4] == "0000" or "-00" in v[4:10] for v in present):
        raise ValueError


def date_text(column: Sequence[Any]) -> Sequence[Any]:
    """``DATE``; refuses zero dates."""
    _refuse_zeros(_present(column))
    return column


def local_text(column: Sequence[Any]) -> Sequence[Any]:
    """``DATETIME``, or ``TIMESTAMP`` in a UTC session, to the canonical local form."""
    return _moments(column, "")


def utc_text(column: Sequence[Any]) -> Sequence[Any]:
    """The same of UTC, to RFC 3339."""
    return _moments(column, "Z")


def _moments(column: Sequence[Any], end: str) -> Sequence[Any]:
    present = _present(column)
    _refuse_zeros(present)
    whole = f"{end}{_NUL}".join(present).replace(" ", "T") + end
    made = whole.split(_NUL) if present else []
    if "." in whole:
        made = [_trimmed(value.removesuffix(end)) + end for value in made]
    if len(made) == len(column):
        return made
    held = iter(made)
    return [None if value is None else next(held) for value in column]


def _trimmed(value: str) -> str:
    return value.rstrip("0").rstrip(".") if "." in value else value


def time_text(column: Sequence[Any]) -> Sequence[Any]:
    """``TIME``; refuses what is no time of day."""
    present = _present(column)
    if any(value[2] != ":" or value[:2] > "23" for value in present):
        raise ValueError
    return [None if value is None else _trimmed(value) for value in column]


class Zoned(msgspec.Struct, frozen=True):
    """Timestamps of another zone: local ones to UTC, or those of UTC to local ones."""

    zone: str
    to: Literal["DateTime", "LocalDateTime"]

    def __call__(self, column: Sequence[Any]) -> Sequence[Any]:
        zone = ZoneInfo(self.zone)
        here, there = (zone, dt.UTC) if self.to == "DateTime" else (dt.UTC, zone)
        end = "Z" if self.to == "DateTime" else ""
        _refuse_zeros(_present(column))

        def one(value: str) -> str:
            held = dt.datetime.fromisoformat(value).replace(tzinfo=here)
            made = held.astimezone(there).replace(tzinfo=None).isoformat()
            return _trimmed(made) + end

        return [None if value is None else one(value) for value in column]

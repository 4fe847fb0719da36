"""Canonical values to driver values. ``None`` means that no row can hold such a value."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact, InvalidOperation
from typing import Any, Literal

import msgspec

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_WHOLE = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z")
_INT2, _INT4, _INT8 = 2**15, 2**31, 2**63
_LAST = "\U0010ffff"


def text(value: Any) -> str | None:
    """Text; a NUL stands in no text of these databases."""
    held = str(value)
    return None if "\0" in held else held


def any_text(value: Any) -> str | None:
    """Text, NUL and all, of which half a surrogate pair is none."""
    held = str(value)
    try:
        held.encode()
    except UnicodeEncodeError:
        return None
    return held


def text_up(value: Any) -> str:
    """The least text at or above `value` that has no NUL."""
    held, nul, _ = str(value).partition("\0")
    return f"{held}\x01" if nul else held


def text_down(value: Any) -> str:
    """The greatest text at or below `value` that has no NUL, among those without one after."""
    return str(value).partition("\0")[0]


def padded_text(value: Any) -> str | None:
    """Text of a blank-padded column, whose values never end in a blank."""
    held = text(value)
    return None if held is None or held.endswith(" ") else held


def after_prefix(value: Any) -> str | None:
    """The least text above every text that starts with `value`."""
    held = str(value).rstrip(_LAST)
    if "\0" in held:
        return None
    if not held:
        return _LAST * 64  # invariant: no text begins with 64 copies of a noncharacter
    code = ord(held[-1]) + 1
    return held[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)


def _whole(limit: int, value: Any) -> int | None:
    held = str(value)
    if not _WHOLE.match(held):
        return None
    number = int(held)
    return number if -limit <= number < limit else None


def int2(value: Any) -> int | None:
    """A canonical whole number (or text of one) in 16 bits."""
    return _whole(_INT2, value)


def int4(value: Any) -> int | None:
    """A canonical whole number (or text of one) in 32 bits."""
    return _whole(_INT4, value)


def int8(value: Any) -> int | None:
    """A canonical whole number (or text of one) in 64 bits."""
    return _whole(_INT8, value)


def _bulk_whole(limit: int, values: Sequence[Any]) -> list[int] | None:
    try:
        made = list(map(int, values))
    except (TypeError, ValueError):
        return None
    if list(map(str, made)) != values or not -limit <= min(made) <= max(made) < limit:
        return None
    return made


def int8_text(value: Any) -> str | None:
    """Like `int8`, as text."""
    held = _whole(_INT8, value)
    return None if held is None else str(held)


def number_text(value: Any) -> str | None:
    """Text of a decimal or whole number, for a ``numeric`` param."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return format(number, "f") if number.is_finite() else None


def real(value: Any) -> float | None:
    """A finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def boolean(value: Any) -> bool:
    """A truth value."""
    return bool(value)


def bit(value: Any) -> int:
    """A truth value as 0 or 1."""
    return 1 if value else 0


def uuid(value: Any) -> str | None:
    """Text of a UUID in canonical form."""
    held = str(value)
    return held if _UUID.match(held) else None


def date(value: Any) -> str | None:
    """Text of a date."""
    try:
        return dt.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return None


def moment(value: Any) -> str | None:
    """Text of a timestamp with or without zone, as it came."""
    try:
        dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return str(value)


def clock(value: Any) -> str | None:
    """Text of a time of day."""
    try:
        dt.time.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return str(value)


def _nearest(value: Any) -> tuple[Decimal, int | float] | None:
    try:
        wanted = Decimal(str(value))
    except InvalidOperation:
        return None
    if not wanted.is_finite():
        return None
    if wanted == wanted.to_integral_value() and abs(wanted) < _INT8:
        return wanted, int(wanted)
    return wanted, float(wanted)


def double(value: Any) -> int | float | None:
    """The number whose shortest text is this decimal, if there is one."""
    found = _nearest(value)
    if found is None or Decimal(repr(found[1])) != found[0]:
        return None
    return found[1]


def double_up(value: Any) -> int | float | None:
    """The least stored number at or above this decimal."""
    found = _nearest(value)
    if found is None:
        return None
    wanted, near = found
    return near if Decimal(repr(near)) >= wanted else math.nextafter(near, math.inf)


def double_down(value: Any) -> int | float | None:
    """The greatest stored number at or below this decimal."""
    found = _nearest(value)
    if found is None:
        return None
    wanted, near = found
    return near if Decimal(repr(near)) <= wanted else math.nextafter(near, -math.inf)


class Scaled(msgspec.Struct, frozen=True):
    """A decimal to text with this many digits after the point: itself, or the next that has."""

    scale: int
    towards: Literal["", "up", "down"] = ""
    digits: int = 38
    """The most that a decimal of the source can have."""

    def __call__(self, value: Any) -> str | None:
        """``None`` where no such decimal is equal; a bound beyond all columns is drawn in."""
        try:
            wanted = Decimal(str(value))
        except InvalidOperation:
            return None
        if not wanted.is_finite():
            return None
        most = Decimal((0, (9,) * self.digits, -self.scale))
        if abs(wanted) > most:
            return format(most.copy_sign(wanted), "f") if self.towards else None
        rounding = ROUND_CEILING if self.towards == "up" else ROUND_FLOOR
        traps = [InvalidOperation] if self.towards else [InvalidOperation, Inexact]
        try:
            step = Decimal((0, (1,), -self.scale))
            near = wanted.quantize(step, rounding, Context(prec=self.digits, traps=traps))
        except InvalidOperation:  # a bound that rounds beyond 38 digits
            return format(most.copy_sign(wanted), "f") if self.towards else None
        except Inexact:
            return None
        return format(near, "f")


def whole_or_text(value: Any) -> int | str | None:
    """What an INTEGER column may hold for this text: a whole number, else text that is none."""
    number = int8(value)
    if number is not None:
        return number
    held = text(value)
    if held is None or real(held) is not None:
        return None
    return held


def _bulk_text(values: Sequence[Any]) -> Sequence[Any] | None:
    try:
        return None if "\0" in "".join(values) else values
    except TypeError:
        return None


_BULK: dict[Any, Callable[[Sequence[Any]], Sequence[Any] | None]] = {
    text: _bulk_text,
    int2: lambda values: _bulk_whole(_INT2, values),
    int4: lambda values: _bulk_whole(_INT4, values),
    int8: lambda values: _bulk_whole(_INT8, values),
    int8_text: lambda values: values if _bulk_whole(_INT8, values) is not None else None,
}


def bulk(convert: Any, values: Sequence[Any]) -> Sequence[Any] | None:
    """All values converted in a few C-level passes; ``None`` when they need to be looked at."""
    quick = _BULK.get(convert) if values and not isinstance(convert, Coded) else None
    return None if quick is None else quick(values)


class Coded(msgspec.Struct, frozen=True):
    """Canonical values of a coded column to the source values that stand for them."""

    values: tuple[tuple[str, str], ...]
    convert: Any

    def sources(self, value: Any) -> Sequence[Any]:
        """Every driver value that reads as this canonical value."""
        found = [source for source, shown in self.values if shown == value]
        if value not in {source for source, _ in self.values}:
            found.append(value)
        converted = (self.convert(source) for source in found)
        return [one for one in converted if one is not None]

"""Fetched columns to canonical values, a column at a time and at C speed for ordinary values.

Each function takes a column and gives one back; the ordinary case is recognised on the joined
column with a few C-level passes, and only a column with odd values is gone through value by value.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from schema.model.scalar import ScalarKind, canonical

_NUL = "\0"
_NOTHING = type(None)
_EXACT = 10**9


def _each(convert: Callable[[Any], Any], column: Sequence[Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in column]


def _joined(column: Sequence[Any]) -> str | None:
    """The column's texts joined by NUL; ``None`` when it is not of texts alone."""
    try:
        return _NUL.join(column)
    except TypeError:
        return None


def text(column: Sequence[Any]) -> Sequence[Any]:
    """Text in NFC."""
    whole = _joined(column)
    if whole is None:
        present = [value for value in column if value is not None]
        whole = _joined(present)
        if whole is None:
            return [canonical("String", value) for value in column]
    if whole.isascii() or unicodedata.is_normalized("NFC", whole):
        return column
    return _each(lambda value: unicodedata.normalize("NFC", value), column)


def _refuse_odd(present: Sequence[str], whole: str, length: int) -> None:
    """Infinity, BC and years past 9999 have no canonical form. `length`: of a value without a
    fraction, which no other value without infinity undercuts."""
    if "i" in whole or "C" in whole:
        raise ValueError
    if len(whole) != (length + 1) * len(present) - 1 and any(v[4] != "-" for v in present):
        raise ValueError


def _present(column: Sequence[Any]) -> tuple[Sequence[str], str]:
    whole = _joined(column)
    if whole is not None:
        return column, whole
    present = [value for value in column if value is not None]
    return present, _NUL.join(present)


def date(column: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's ``date`` in ISO style."""
    present, whole = _present(column)
    if present:
        _refuse_odd(present, whole, 10)
    return column


def datetime(column: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's ``timestamptz`` in a UTC session to RFC 3339."""
    present, whole = _present(column)
    if not present:
        return column
    _refuse_odd(present, whole, 22)
    if present is column:
        # invariant: "+00" stands at each end and nowhere else; same-length replacing is quick
        made = (whole + _NUL).replace(" ", "T").replace("+", "Z").split("00" + _NUL)
        made.pop()
        return made
    return _each(lambda value: value.replace(" ", "T").replace("+00", "Z"), column)


def local(column: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's ``timestamp`` to the canonical local form."""
    present, whole = _present(column)
    if not present:
        return column
    _refuse_odd(present, whole, 19)
    if present is column:
        return whole.replace(" ", "T").split(_NUL)
    return _each(lambda value: value.replace(" ", "T"), column)


def time(column: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's ``time``; refuses 24:00."""
    if any(value is not None and value.startswith("24") for value in column):
        raise ValueError
    return column


def decimal(column: Sequence[Any]) -> Sequence[Any]:
    """PostgreSQL's ``numeric`` as text; refuses NaN and infinities."""
    whole = _joined(column)
    if whole is None:
        whole = "".join([value for value in column if value is not None])
    if "N" in whole or "I" in whole:
        raise ValueError
    return column


def number(column: Sequence[Any]) -> Sequence[Any]:
    """Floats, all finite."""
    try:
        total = sum(column)
    except TypeError:
        total = sum([value for value in column if value is not None])
    if not math.isfinite(total) and not all(
        math.isfinite(value) for value in column if value is not None
    ):
        raise ValueError
    return column


def json(column: Sequence[Any]) -> Sequence[Any]:
    """JSON text to values."""
    return _each(orjson.loads, column)


def document(column: Sequence[Any]) -> Sequence[Any]:
    """JSON objects as text, with their values in NFC; refuses a missing one, which stands for a
    value without canonical form.

    Parts of a text in NFC are in NFC, so that one look at the whole will do; an object that is
    not is taken apart, for a mark may follow an escape (`\\n` and an accent are no `ń`).
    """
    whole = _joined(column)
    if whole is None:
        raise ValueError
    if whole.isascii() or unicodedata.is_normalized("NFC", whole):
        return column
    return [one if unicodedata.is_normalized("NFC", one) else _rewritten(one) for one in column]


def _rewritten(text: str) -> str:
    return orjson.dumps(_normal(orjson.loads(text))).decode()


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return list(map(_normal, value))
    if isinstance(value, dict):
        return {key: _normal(held) for key, held in value.items()}
    return value


def _integral(value: Any) -> int:
    number = Decimal(str(value))
    whole = int(number)
    if whole != number:
        raise ValueError
    return whole


def int_from_number(column: Sequence[Any]) -> Sequence[Any]:
    """Numbers without a fraction, of any stored type, to Int."""
    types = set(map(type, column))
    if types <= {int, _NOTHING}:
        present = column if len(types) == 1 else [v for v in column if v is not None]
        if (
            types == {_NOTHING}
            or not present
            or (max(present) < 2**31 and min(present) >= -(2**31))
        ):
            return column
        raise ValueError
    return _each(lambda value: canonical("Int", _integral(value)), column)


def bigint_from_number(column: Sequence[Any]) -> Sequence[Any]:
    """Numbers without a fraction, of any stored type, to BigInt."""
    if set(map(type, column)) == {int}:
        return list(map(str, column))
    return _each(lambda value: str(_integral(value)), column)


def text_from_number(column: Sequence[Any]) -> Sequence[Any]:
    """Whole numbers to text; text stays text."""
    types = set(map(type, column))
    if types == {int}:
        return list(map(str, column))
    if types <= {int, str, _NOTHING}:
        return text(_each(str, column))
    raise ValueError


def float_from_number(column: Sequence[Any]) -> Sequence[Any]:
    """Numbers of any stored type to floats."""
    if set(map(type, column)) == {float}:
        return number(column)
    return _each(lambda value: canonical("Float", value), column)


def boolean(column: Sequence[Any]) -> Sequence[Any]:
    """0 and 1 to truth values."""
    return _each(lambda value: canonical("Boolean", value), column)


class Scaled(msgspec.Struct, frozen=True):
    """Numbers of any stored type to decimals with at least this many digits after the point."""

    scale: int

    def __call__(self, column: Sequence[Any]) -> Sequence[Any]:
        quick = self._all(column) if self.scale else None
        return _each(self._one, column) if quick is None else quick

    def _all(self, column: Sequence[Any]) -> list[str] | None:
        """All at once, where printing to the scale gives back the very number: below 15 digits
        two decimals are never the same number."""
        try:
            if not column or max(column) >= _EXACT or min(column) <= -_EXACT:
                return None
            made = list(map(f"%.{self.scale}f".__mod__, column))
            return made if list(map(float, made)) == list(column) else None
        except TypeError:
            return None

    def _one(self, value: Any) -> str:
        if type(value) is float:
            held = repr(value)
            if "e" in held or "n" in held:
                held = str(canonical("Decimal", value))
        elif type(value) is int:
            held = str(value)
        else:
            held = str(canonical("Decimal", value))
        if not self.scale:
            return held[:-2] if type(value) is float and held.endswith(".0") else held
        whole, _, fraction = held.partition(".")
        return f"{whole}.{fraction.ljust(self.scale, '0')}"


class Conform(msgspec.Struct, frozen=True):
    """Value by value, for whatever has no quicker way; then codes to canonical values."""

    kind: ScalarKind
    values: tuple[tuple[str, str], ...] = ()

    def __call__(self, column: Sequence[Any]) -> Sequence[Any]:
        if not self.values:
            return [canonical(self.kind, value) for value in column]
        codes = dict(self.values)
        shown = _each(lambda value: codes.get(str(value), value), column)
        return [canonical(self.kind, value) for value in shown]

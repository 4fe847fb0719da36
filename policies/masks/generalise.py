"""Generalisation: a date to its period, a code to its beginning, its region or its category."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policies.masks.graphemes import graphemes
from policies.masks.partial import FILL
from schema.model.scalar import TEXTUAL, ScalarKind

UNITS = ("day", "month", "quarter", "year", "decade")
"""From fine to coarse; each is a union of whole ones before it."""
REGIONS = {"province": 2, "city": 4, "county": 6, "township": 9}
"""Digits of a region code that name the region. Source: GB/T 2260, GB/T 10114."""
FORMS = ("to", "prefix", "region", "parent")
_LENGTHS = {"Date": 10, "LocalDateTime": 19, "DateTime": 20}
_MIDNIGHT = {"Date": "", "LocalDateTime": "T00:00:00", "DateTime": "T00:00:00Z"}


class Generalise:
    """One of: ``to`` (a unit) for dates and times; for codes ``prefix`` (so many characters),
    ``region`` (a tier) or ``parent`` (so many last parts of a dotted category go).

    A period is written as its first day, so the scalar kind stays; times are cut in UTC.
    """

    name = "generalise"

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        """The same kind; raises ``ValueError`` where it cannot be kept."""
        stated = [form for form in FORMS if params.get(form) is not None]
        if len(stated) != 1:
            raise ValueError("it needs one of `to`, `prefix`, `region` or `parent`")
        (form,) = stated
        value = params[form]
        match form:
            case "to" if value not in UNITS:
                raise ValueError(f"`to` is one of {', '.join(UNITS)}")
            case "to" if kind not in _LENGTHS:
                raise ValueError(f"a {kind} has no {value}")
            case "region" if value not in REGIONS:
                raise ValueError(f"`region` is one of {', '.join(REGIONS)}")
            case "prefix" | "parent" if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{form}` is a whole number from 1")
        if form != "to" and kind not in TEXTUAL:
            raise ValueError(f"a {kind} has no {form}")
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:
        """Mask a column; what is neither date nor text becomes null."""
        stated = [form for form in FORMS if params.get(form) is not None]
        form = stated[0] if len(stated) == 1 else ""
        cut = _cutter(form, params.get(form), str(params.get("kind", "Date")))
        if cut is None:
            return [None] * len(column)  # fails closed
        return [cut(value) if isinstance(value, str) else None for value in column]


def _cutter(form: str, value: Any, kind: str) -> Callable[[str], str | None] | None:
    """What is done with each text; ``None`` where the params do not say."""
    if form == "to" and value in _CUTS and kind in _LENGTHS:
        start, least, rest = _CUTS[value], _LENGTHS[kind], _MIDNIGHT[kind]
        return lambda text: None if (at := _start(text, start, least)) is None else f"{at}{rest}"
    if form == "region" and value in REGIONS:
        digits = REGIONS[value]
        # fails closed: of what is no region code nothing is known
        return lambda text: text[:digits] if text.isascii() and text.isdigit() else FILL
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        return None
    if form == "prefix":
        return lambda text: _prefix(text, value)
    # a category that is cut away whole shows nothing
    return (lambda text: ".".join(text.split(".")[:-value]) or FILL) if form == "parent" else None


def _start(value: str, cut: Callable[[str], str], least: int) -> str | None:
    """The first day of a date's period; ``None`` for what does not look like a date."""
    if len(value) < least or value[4:5] != "-":
        return None
    if not (value[:4].isdecimal() and value[5:7].isdecimal() and value.isascii()):
        return None
    return cut(value)


def _prefix(value: str, length: int) -> str:
    return value[:length] if value.isascii() else "".join(graphemes(value)[:length])


def _quarter(value: str) -> str:
    month = (int(value[5:7]) - 1) // 3 * 3 + 1
    return f"{value[:4]}-{month:02d}-01"


def _decade(value: str) -> str:
    # the proleptic calendar has no year 0
    return "0001-01-01" if value[:3] == "000" else f"{value[:3]}0-01-01"


_CUTS: dict[str, Callable[[str], str]] = {
    "day": lambda value: value[:10],
    "month": lambda value: f"{value[:7]}-01",
    "quarter": _quarter,
    "year": lambda value: f"{value[:4]}-01-01",
    "decade": _decade,
}

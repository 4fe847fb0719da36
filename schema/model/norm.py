"""Norms of values: code lists with their history, and exact conversions between forms."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any, Literal, assert_never

import msgspec

from schema.model.scalar import ScalarKind

CodeState = Literal["known", "retired", "unknown"]
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
DATE_TOKENS = ("yyyy", "mm", "dd")
_TOKEN = re.compile("yyyy|mm|dd")


class CodeChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one code: it stands for `to` from `date` on."""

    code: str
    to: tuple[str, ...]
    """Several: what it stood for was divided, and nobody can tell which part a row means."""
    date: dt.date
    by: bool = False
    """Whether only the year is known: `date` is its last day."""


class CodeList(msgspec.Struct, frozen=True, kw_only=True):
    """A list of codes that values are written in."""

    name: str
    title: Mapping[str, str] = {}
    source: str | None = None
    """What it was taken from."""
    date: dt.date | None = None
    """As of when."""
    codes: Mapping[str, Mapping[str, str]] = {}
    """Code -> its title by language."""
    changes: tuple[CodeChange, ...] = ()
    tree: int = 0
    """A longer code belongs to the one that its first `tree` digits are, a shorter one of whole
    pairs of digits stands for itself filled up with zeros; 0 = codes stand alone."""

    def state(self, value: str) -> CodeState:
        """Whether a value is a code of the list, was one, or is none."""
        held = self._whole(value)
        if held in self.codes:
            return "known"
        return "retired" if any(change.code == held for change in self.changes) else "unknown"

    def _whole(self, value: str) -> str:
        size = len(value)
        if not self.tree or not (value.isascii() and value.isdigit()) or size > 2 * self.tree:
            return value
        if size >= self.tree:
            return value[: self.tree]
        return value.ljust(self.tree, "0") if size % 2 == 0 else value

    def since(self, day: dt.date) -> tuple[dict[str, str], frozenset[str]]:
        """Codes as they were on a day, to those of today: what has one successor, and the codes
        whose rows nobody can place, since what they stood for was divided later."""
        later = sorted((c for c in self.changes if c.date > day), key=lambda c: c.date)
        made: dict[str, str] = {}
        divided: set[str] = set()
        for change in later:
            whole = change.to[0] if len(change.to) == 1 else None
            if whole is None:
                divided |= {change.code, *(old for old, to in made.items() if to == change.code)}
                continue
            for old in [old for old, to in made.items() if to == change.code]:
                made[old] = whole
            made[change.code] = whole
        for code in divided:
            made.pop(code, None)
        return {old: new for old, new in made.items() if old != new}, frozenset(divided)


class DateText(msgspec.Struct, frozen=True, tag=True):
    """A date as text of fixed width: ``yyyymmdd``, ``dd.mm.yyyy``; each part once."""

    form: str


class Scale(msgspec.Struct, frozen=True, tag=True):
    """A decimal times an exact factor above zero; `digits` after the point where it is rounded."""

    over: int
    under: int
    digits: int | None = None


Conversion = DateText | Scale
"""From what a source has to what a field gives. Values that have no counterpart become null."""


def is_date_form(form: str) -> bool:
    """Whether a form of dates is one: each part once, no other letter or digit."""
    found = _TOKEN.findall(form)
    rest = _TOKEN.sub("", form)
    return sorted(found) == sorted(DATE_TOKENS) and not any(
        c.isascii() and c.isalnum() for c in rest
    )


def told(conversion: Conversion) -> str:
    """A conversion in a word, another for each."""
    match conversion:
        case DateText(form=form):
            return form
        case Scale(over=over, under=under, digits=digits):
            factor = f"x{over}" if under == 1 else f"x{over}/{under}"
            return factor if digits is None else f"{factor}.{digits}"
        case _:
            assert_never(conversion)


def raw_kind(conversion: Conversion) -> ScalarKind:
    """The kind of the values that the source has."""
    match conversion:
        case DateText():
            return "String"
        case Scale():
            return "Decimal"
        case _:
            assert_never(conversion)


def is_exact(conversion: Conversion) -> bool:
    """Whether it loses nothing, keeps the order and leaves out no value, both ways."""
    if isinstance(conversion, DateText):
        return False  # a text may be no date
    factor = Fraction(conversion.over, conversion.under)
    return conversion.digits is None and all(map(_ends, (factor.numerator, factor.denominator)))


def is_single(conversion: Conversion) -> bool:
    """Whether a value of the field has one form in the source, and so can be asked for there."""
    return isinstance(conversion, DateText) or is_exact(conversion)


def in_order(conversion: Conversion) -> bool:
    """Whether the source's order is that of the field, as far as values have a counterpart."""
    match conversion:
        case DateText(form=form):
            return tuple(_TOKEN.findall(form)) == DATE_TOKENS
        case Scale():
            return is_exact(conversion)
        case _:
            assert_never(conversion)


def _ends(number: int) -> bool:
    """Whether one over the number is a decimal that ends."""
    for prime in (2, 5):
        while number % prime == 0:
            number //= prime
    return number == 1


def ends(factor: Fraction) -> bool:
    """Whether a factor is a decimal that ends."""
    return _ends(factor.denominator)


def converted(conversion: Conversion, value: Any) -> Any:
    """What a canonical value of the source is in the field; ``None`` where it has none."""
    if value is None:
        return None
    match conversion:
        case DateText(form=form):
            return _date(form, value)
        case Scale(over=over, under=under, digits=digits):
            return _times(Decimal(value), over, under, digits)
        case _:
            assert_never(conversion)


def inverted(conversion: Conversion, value: Any) -> Any:
    """What the source has for a canonical value of the field, where `is_single`."""
    if value is None:
        return None
    match conversion:
        case DateText(form=form):
            year, month, day = str(value).split("-")
            parts = {"yyyy": year, "mm": month, "dd": day}
            return _TOKEN.sub(lambda found: parts[found[0]], form)
        case Scale(over=over, under=under):
            return _times(Decimal(value), under, over, None)
        case _:
            assert_never(conversion)


def _date(form: str, value: str) -> str | None:
    if len(value) != len(form):
        return None
    parts: dict[str, str] = {}
    at = 0
    for found in _TOKEN.finditer(form):
        if value[at : found.start()] != form[at : found.start()]:
            return None
        parts[found[0]] = value[found.start() : found.end()]
        at = found.end()
    if value[at:] != form[at:] or not all(p.isascii() and p.isdigit() for p in parts.values()):
        return None
    try:
        day = dt.date(int(parts["yyyy"]), int(parts["mm"]), int(parts["dd"]))
    except ValueError:
        return None
    return day.isoformat()


def _times(value: Decimal, over: int, under: int, digits: int | None) -> str:
    factor = Fraction(over, under)
    if digits is None:
        # invariant: the factor's decimal ends, so nothing is rounded
        top = EXACT.multiply(value, Decimal(factor.numerator))
        twos = fives = 0
        rest = factor.denominator
        while rest % 2 == 0:
            rest, twos = rest // 2, twos + 1
        while rest % 5 == 0:
            rest, fives = rest // 5, fives + 1
        more = max(twos, fives)
        top = EXACT.multiply(top, Decimal(2 ** (more - twos) * 5 ** (more - fives)))
        return format(top.scaleb(-more, EXACT), "f")
    exact = Fraction(value) * factor
    scaled = exact * 10**digits
    whole = Decimal(_half_even(scaled))
    return format(whole.scaleb(-digits, EXACT), "f")


def _half_even(number: Fraction) -> int:
    return round(number)  # Python rounds halves to the even one

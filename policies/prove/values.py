"""The values that proofs tell apart: finitely many for each attribute, standing for all others.

Conditions compare for equality, by prefix (regions) and by order (fields of a row). Two values
that no constant of rules and catalogue tells apart are alike to every rule, so one of each sort
is enough; attributes that are compared with each other need as many of a sort as there are of them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from policies.age import born_after
from schema.model.scalar import TEXTUAL, ScalarKind, canonical, order_key

_FAR = dt.timedelta(days=5_000)
_NAMES = ("other", "another", "a-third", "a-fourth")
_SUFFIXES = ("99", "98", "97", "96", "x", "y", "z", "~")
_SAMPLES: dict[str, Any] = {
    "Int": 1,
    "BigInt": "1",
    "Float": 1.0,
    "Decimal": "1",
    "Date": "2000-01-01",
    "DateTime": "2000-01-01T00:00:00Z",
    "LocalDateTime": "2000-01-01T00:00:00",
    "Time": "00:00:00",
    "JSON": "other",
}


def text_values(
    constants: Iterable[str], *, compared: int, nested: bool, ordered: bool
) -> tuple[str, ...]:
    """One text for each sort. `compared`: how many attributes may be compared with each other;
    `nested`: by prefix, as regions are."""
    known = sorted(set(constants) - {""})
    found = dict.fromkeys(known)
    others = [name for name in _fresh(known) if name not in found][: max(1, compared)]
    found |= dict.fromkeys(others)
    if ordered:
        for constant in known:
            found |= dict.fromkeys((_just_below(constant), f"{constant} "))
    if nested:
        bases = [*known, *others]
        for start in bases:
            inner = _child(start, bases, _SUFFIXES)
            found[inner] = None
            if compared > 1:
                found |= dict.fromkeys((f"{inner}1", f"{inner}12", f"{inner}2"))
        if compared > 1:
            found |= dict.fromkeys(_above(known))
    found.pop("", None)
    return tuple(found)


def age_values(ages: Collection[int], now: float) -> tuple[str, ...]:
    """One date of birth for each place between ages, none of them near a birthday."""
    if not ages:
        return ()
    days = sorted(dt.date.fromisoformat(born_after(now, years) or "") for years in ages)
    between = [first + (second - first) / 2 for first, second in pairwise(days)]
    far = [days[0] - _FAR, *between, days[-1] + _FAR]
    return tuple(day.isoformat() for day in far)


def row_values(kind: ScalarKind, constants: Iterable[Any]) -> tuple[Any, ...]:
    """One value of a kind that is not text for each place between constants."""
    if kind == "Boolean":
        return (False, True)
    known: list[Any] = []
    for constant in constants:
        if constant not in known:
            known.append(constant)
    if kind == "JSON":
        return (*known, next(name for name in _fresh([]) if name not in known))
    if not known:
        return (_SAMPLES[kind],)
    key = order_key(kind)
    known.sort(key=key)
    found = list(known)
    for value in [near for one in known for near in _near(kind, one)]:
        try:
            held = canonical(kind, value)
        except (ValueError, OverflowError):
            continue
        if held is not None and all(key(held) != key(other) for other in found):
            found.append(held)
    if kind == "Decimal":
        middles = [(Decimal(a) + Decimal(b)) / 2 for a, b in pairwise(known)]
        found += [format(middle, "f") for middle in middles]
    return tuple(found)


def is_text(kind: ScalarKind) -> bool:
    """Whether a field's values are told apart as the caller's attributes are."""
    return kind in TEXTUAL


def _fresh(known: Iterable[str]) -> Iterator[str]:
    taken = tuple(known)
    for name in (*_NAMES, *(f"other-{number}" for number in range(5, 1000))):
        if not any(name.startswith(one) or one.startswith(name) for one in taken):
            yield name


def _child(start: str, bases: Iterable[str], suffixes: Iterable[str]) -> str:
    """A text below another that no longer constant lies on the way of."""
    longer = [one for one in bases if one != start and one.startswith(start)]
    for suffix in suffixes:
        inner = start + suffix
        if not any(one.startswith(inner) or inner.startswith(one) for one in longer):
            return inner
    return f"{start}~~{len(longer)}"


def _above(known: Iterable[str]) -> list[str]:
    """Proper prefixes of constants, at most two of each sort."""
    constants = tuple(known)
    kept: dict[tuple[tuple[bool, bool], ...], list[str]] = {}
    for constant in constants:
        for length in range(1, len(constant)):
            prefix = constant[:length]
            sort = tuple((one.startswith(prefix), prefix.startswith(one)) for one in constants)
            held = kept.setdefault(sort, [])
            if prefix not in held and prefix not in constants and len(held) < 2:
                held.append(prefix)
    return [prefix for held in kept.values() for prefix in held]


def _just_below(text: str) -> str:
    last = ord(text[-1])
    return text[:-1] + (chr(last - 1) + "~" if last > 33 else "")


def _near(kind: ScalarKind, value: Any) -> Iterator[Any]:
    """Values right below and above one, where there are such."""
    tick = dt.timedelta(microseconds=1)
    try:
        match kind:
            case "Int" | "BigInt":
                yield from (int(value) - 1, int(value) + 1)
            case "Float":
                yield from (math.nextafter(value, -math.inf), math.nextafter(value, math.inf))
            case "Decimal":
                yield from (format(Decimal(value) + step, "f") for step in (-1, 1))
            case "Date":
                day = dt.date.fromisoformat(value)
                yield from (day - dt.timedelta(days=1), day + dt.timedelta(days=1))
            case "DateTime" | "LocalDateTime":
                moment = dt.datetime.fromisoformat(value)
                yield from (moment - tick, moment + tick)
            case "Time":
                moment = dt.datetime.combine(dt.date(2000, 1, 2), dt.time.fromisoformat(value))
                yield from (
                    near.time()
                    for near in (moment - tick, moment + tick)
                    if near.date() == moment.date()
                )
    except OverflowError:
        return

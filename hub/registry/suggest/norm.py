"""Norms of values that columns seem to keep: code lists, forms of dates, units of money."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from connectors.spi import ShapeColumn, SourceShape
from hub.registry.naming import words_of
from hub.registry.suggest.detect import FEW
from hub.registry.suggest.sample import Samples
from schema.compose.codelist import built_in
from schema.model.scalar import TEXTUAL

_MOST = 0.95
"""Share of values that a list or form has to hold: a source has a few slips of the pen."""
_SHORT, _OWN = 20, 12
"""Characters of a code, and different values that a list of a source's own has at most."""
_OWN_ROWS = 20
"""Values below which few different ones say nothing."""
_SEX = (frozenset({"gender", "sex"}), frozenset({"xb", "xbdm", "xingbie"}), "性别")
_DIVISION = (
    frozenset({"district", "region", "division", "county", "area", "city", "province"}),
    frozenset({"xzqh", "xzqhdm", "qhdm", "qxdm"}),
    "区划",
)
_STATES = frozenset({"status", "state", "type", "kind", "category", "class", "grade", "level"})
_STATES_ZH = ("状态", "类型", "类别", "等级")
_FORMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "yyyymmdd": ("%Y%m%d", r"[0-9]{8}"),
        "yyyy/mm/dd": ("%Y/%m/%d", r"[0-9]{4}/[0-9]{2}/[0-9]{2}"),
        "yyyy.mm.dd": ("%Y.%m.%d", r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}"),
        "yyyy年mm月dd日": ("%Y年%m月%d日", r"[0-9]{4}年[0-9]{2}月[0-9]{2}日"),
        "dd/mm/yyyy": ("%d/%m/%Y", r"[0-9]{2}/[0-9]{2}/[0-9]{4}"),
        "mm/dd/yyyy": ("%m/%d/%Y", r"[0-9]{2}/[0-9]{2}/[0-9]{4}"),
        "dd.mm.yyyy": ("%d.%m.%Y", r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}"),
    }
)
_YEARS = range(1850, 2101)


class Normed(msgspec.Struct, frozen=True, kw_only=True):
    """What a field may say of its norm; no sampled value stands here."""

    title: str
    confidence: float
    """From 0 to 1."""
    reasons: tuple[str, ...]
    said: Mapping[str, Any] = {}
    """Words of the field, over those that the draft has; {} = a list that a person has to write."""


Normeds = Mapping[tuple[str, str], Normed]
"""(table, column) -> the norm that is suggested."""


def norms_of(shape: SourceShape, samples: Samples) -> Normeds:
    """The likeliest norm of each column that shows one.

    Columns of keys and foreign keys get known lists alone: they name rows.
    """
    found: dict[tuple[str, str], Normed] = {}
    for table in shape.tables:
        names = {name for key in table.keys for name in key}
        names |= {name for key in table.foreign_keys for name in key.columns}
        for column in table.columns:
            values = samples.get(table.name, {}).get(column.name, ())
            texts = [str(one).strip() for one in values if one is not None and one != ""]
            made = list(_norms(column, texts, refers=column.name in names))
            if made:
                best = max(made, key=lambda one: one.confidence)
                found[table.name, column.name] = best
    return found


def _norms(column: ShapeColumn, texts: Sequence[str], *, refers: bool) -> Iterator[Normed]:
    if column.kind in TEXTUAL:
        listed = list(_divisions(column, texts)) + list(_sexes(column, texts))
        yield from listed
        if not listed and not refers:
            yield from _own(column, texts)
    if refers:
        return  # another kind of value would not compare with the rows that it names
    if column.kind in TEXTUAL | {"Int"}:
        yield from _dates(texts)
    if column.kind in {"Int", "BigInt", "Decimal"}:
        yield from _money(column)


def _is(column: ShapeColumn, meant: tuple[frozenset[str], frozenset[str], str]) -> bool:
    words, alone, chinese = meant
    told = words_of(column.name)
    return (
        bool(words & set(told))
        or "".join(told) in alone
        or chinese in column.name
        or chinese in (column.comment or "")
    )


def _known(name: str, texts: Sequence[str]) -> tuple[int, int]:
    """How many of the texts are codes of the list, and how many were."""
    held = built_in(name)
    states = [held.state(one) for one in texts] if held is not None else []
    return states.count("known"), states.count("retired")


def _divisions(column: ShapeColumn, texts: Sequence[str]) -> Iterator[Normed]:
    digits = [one for one in texts if len(one) >= 6 and one.isascii() and one.isdigit()]
    now, past = _known("gb-t-2260", digits)
    if len(texts) < FEW or now + past < _MOST * len(texts):
        return
    part = (now + past) / len(texts)
    # six digits hit one of 3,000 codes by chance once in 300; few different ones are still little
    several = len(set(digits)) >= FEW
    named = _is(column, _DIVISION)
    if not (several or named):
        return
    left = (1 - 0.9 * part if several else 1 - 0.6 * part) * (0.4 if named else 1)
    reasons = [f"{now + past} of {len(texts)} sampled values are codes of GB/T 2260"]
    if past:
        reasons.append(f"{past} of them of an earlier day, so say of which with `from_codes`")
    if named:
        reasons.append("its name says so")
    yield Normed(
        title="divisions of China",
        confidence=round(1 - left, 2),
        reasons=tuple(reasons),
        said={"codes": "gb-t-2260"},
    )


def _sexes(column: ShapeColumn, texts: Sequence[str]) -> Iterator[Normed]:
    """By name and values: 0, 1, 2 and 9 alone are codes of anything."""
    now, _ = _known("gb-t-2261.1", texts)
    if len(texts) < FEW or now < _MOST * len(texts) or not _is(column, _SEX):
        return
    yield Normed(
        title="codes of the sexes",
        confidence=0.9,
        reasons=(
            "its name says so",
            f"{now} of {len(texts)} sampled values are codes of GB/T 2261.1",
        ),
        said={"codes": "gb-t-2261.1"},
    )


def _own(column: ShapeColumn, texts: Sequence[str]) -> Iterator[Normed]:
    different = set(texts)
    if len(texts) < _OWN_ROWS or not 2 <= len(different) <= _OWN:
        return
    if any(len(one) > _SHORT for one in different) or len(different) * 4 > len(texts):
        return
    named = bool(_STATES & set(words_of(column.name))) or any(
        one in f"{column.name}{column.comment or ''}" for one in _STATES_ZH
    )
    reasons = [f"{len(different)} different short values in {len(texts)} sampled"]
    if named:
        reasons.append("its name says so")
    yield Normed(
        title="code list of its own", confidence=0.7 if named else 0.4, reasons=tuple(reasons)
    )


def _dates(texts: Sequence[str]) -> Iterator[Normed]:
    fits = {form: sum(_is_date(one, *how) for one in texts) for form, how in _FORMS.items()}
    good = [form for form, count in fits.items() if count >= _MOST * len(texts)]
    if len(set(texts)) < FEW or not good:
        return
    form = max(good, key=lambda one: fits[one])
    reasons = [f"{fits[form]} of {len(texts)} sampled values are days in the form {form}"]
    sure = 0.9 * fits[form] / len(texts)
    others = [one for one in good if one != form]
    if others:
        sure /= 2
        reasons.append(f"they may as well be {others[0]}")
    yield Normed(
        title="date as text",
        confidence=round(sure, 2),
        reasons=tuple(reasons),
        said={"type": "Date", "from_format": form},
    )


def _is_date(text: str, how: str, form: str) -> bool:
    if re.fullmatch(form, text) is None:
        return False
    try:
        return dt.datetime.strptime(text, how).replace(tzinfo=dt.UTC).year in _YEARS
    except ValueError:
        return False


def _money(column: ShapeColumn) -> Iterator[Normed]:
    words = words_of(column.name)
    comment = column.comment or ""
    if (len(words) > 1 and words[-1] == "fen") or re.search(r"[(（]分[)）]", column.name + comment):
        yield Normed(
            title="money in fen",
            confidence=0.8,
            reasons=("its name or comment says so",),
            said={"type": "Decimal", "unit": "CNY", "from_unit": "fen"},
        )

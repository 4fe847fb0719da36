"""What a column most likely holds, from its name, comment and sampled values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from connectors.spi import SourceShape
from hub.registry.naming import words_of
from hub.registry.suggest.facts import FACTS, Fact
from hub.registry.suggest.sample import Samples
from hub.registry.suggest.values import CHECKS
from schema.model.scalar import TEXTUAL, ScalarKind

FEW = 5
"""Sampled values below which nothing is read from them."""
_MOST = 0.8
"""Share of values that have to show a fact."""
_CHINESE, _WORDS, _ALONE, _COMMENT = 0.85, 0.8, 0.6, 0.6
"""What names are worth: an abbreviation may stand for something else."""
_DATES: frozenset[str] = frozenset({"Date", "DateTime", "LocalDateTime", "Int", *TEXTUAL})
_NUMBERS: frozenset[str] = frozenset({"Int", "BigInt", "Float", "Decimal"})
_KINDS: dict[str, frozenset[str]] = {
    "person-name": TEXTUAL,
    "email": TEXTUAL | {"JSON"},
    "address": TEXTUAL,
    "birth-date": _DATES,
    "finance": _NUMBERS | TEXTUAL,
    "location": _NUMBERS | TEXTUAL | {"JSON"},
    "network": TEXTUAL,
    "secret": TEXTUAL,
    "plate": TEXTUAL,
    "credit-code": TEXTUAL,
}
"""Kinds that a fact has; others may have any."""


Suggestions = Mapping[tuple[str, str], "Suggestion"]
"""(table, column) -> what is suggested."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that a column is thought to hold; no value of it stands here."""

    fact: Fact
    confidence: float
    """From 0 to 1: what the reasons are worth together, as `docs/discovery.md` measures it."""
    reasons: tuple[str, ...]
    shown: bool = False
    """Whether values show it, and not names alone."""


def suggest(
    name: str, kind: ScalarKind, values: Sequence[Any] = (), comment: str | None = None
) -> Suggestion | None:
    """The best suggestion for a column; ``None`` where nothing tells.

    `values`: a sample, nulls among them. Cost: one pass for each check.
    """
    found = [
        one
        for fact in FACTS
        if kind in _KINDS.get(fact.name, frozenset({kind})) and kind != "Boolean"
        if (one := _weighed(fact, name, comment, values)).reasons
    ]
    return max(found, key=lambda one: one.confidence, default=None)


def suggestions(shape: SourceShape, samples: Samples) -> Suggestions:
    """What is suggested for the columns of a source."""
    found = {
        (table.name, column.name): suggest(
            column.name,
            column.kind,
            samples.get(table.name, {}).get(column.name, ()),
            column.comment,
        )
        for table in shape.tables
        for column in table.columns
    }
    return {at: one for at, one in found.items() if one is not None}


def category_of(fact: Fact, known: Collection[str]) -> str | None:
    """What the packs in use call it: the nearest category that they have."""
    return next((one for one in fact.categories if one in known), None)


def told_of(one: Suggestion, known: Collection[str]) -> str:
    """One line in words: what, how sure, why, and the category; no value stands in it."""
    category = category_of(one.fact, known)
    label = "" if category is None else f": category {category}"
    return f"{one.fact.title[0]}? {one.confidence:.2f}, {'; '.join(one.reasons)}{label}"


def _weighed(fact: Fact, name: str, comment: str | None, values: Sequence[Any]) -> Suggestion:
    """Reasons are taken as independent: what all of them leave open is left open."""
    named, shown = list(_named(fact, name, comment)), list(_shown(fact, values))
    left = 1.0
    for worth, _ in (*named, *shown):
        left *= 1 - worth
    reasons = tuple(reason for _, reason in (*named, *shown))
    return Suggestion(fact=fact, confidence=round(1 - left, 2), reasons=reasons, shown=bool(shown))


def _named(fact: Fact, name: str, comment: str | None) -> Iterator[tuple[float, str]]:
    words = words_of(name)
    spaced = f" {' '.join(words)} "
    if any(f" {word} " in spaced for word in fact.never):
        return
    if any(text in name for text in fact.chinese):
        yield _CHINESE, "its name says so"
    elif any(f" {phrase} " in spaced for phrase in fact.words):
        yield _WORDS, "its name says so"
    elif "".join(words) in fact.alone or (len(words) > 1 and words[-1] in _abbreviations(fact)):
        yield _ALONE, "its name may be an abbreviation of it"
    if comment and _said(fact, comment):
        yield _COMMENT, "its comment says so"


def _abbreviations(fact: Fact) -> frozenset[str]:
    """Those long enough to mean something behind another word."""
    return frozenset(one for one in fact.alone if len(one) > 3)


def _said(fact: Fact, comment: str) -> bool:
    spaced = f" {' '.join(re.findall(r'[a-z0-9]+', comment.lower()))} "
    return any(text in comment for text in fact.chinese) or any(
        f" {phrase} " in spaced for phrase in fact.words if len(phrase) > 3
    )


def _shown(fact: Fact, values: Sequence[Any]) -> Iterator[tuple[float, str]]:
    check = CHECKS.get(fact.name)
    texts = [str(value).strip() for value in values if value is not None and value != ""]
    if check is None or len(texts) < FEW:
        return
    passes, worth, told = check
    good = sum(map(passes, texts))
    if good >= _MOST * len(texts) and len(set(texts)) >= FEW:
        yield worth * good / len(texts), f"{good} of {len(texts)} sampled values {told}"

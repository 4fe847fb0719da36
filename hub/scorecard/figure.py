"""Figures of a scorecard as values: what they are, how they are made, what they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, get_args

import msgspec

FigureName = Literal[
    "availability", "freshness", "timeliness", "corrections", "collected_once", "used_by_others"
]
FIGURES: tuple[FigureName, ...] = get_args(FigureName)
Words = tuple[str, str]
"""English, Chinese."""

TITLES: Mapping[FigureName, Words] = {
    "availability": ("Sources answer", "数据源可用率"),
    "freshness": ("Data as fresh as promised", "数据及时率"),
    "timeliness": ("Requests answered in time", "按时答复率"),
    "corrections": ("Corrections resolved in time", "纠错按时办结率"),
    "collected_once": ("Collected once", "一数一源率"),
    "used_by_others": ("Used by others", "被共享使用率"),
}
FORMULAS: Mapping[FigureName, Words] = {
    "availability": (
        "100 × looks that a source answered / looks at the department's sources",
        "100 × 探测成功次数 / 对该部门数据源的探测次数",
    ),
    "freshness": (
        "100 × looks at which data was as fresh as promised / looks that could tell",
        "100 × 数据符合承诺时效的探测次数 / 可判断时效的探测次数",
    ),
    "timeliness": (
        "100 × steps done by their due time / steps due in the period",
        "100 × 期限内办结的步骤数 / 本期到期的步骤数",
    ),
    "corrections": (
        "100 × corrections resolved by their due time / corrections due in the period",
        "100 × 期限内办结的纠错数 / 本期到期的纠错数",
    ),
    "collected_once": (
        "100 × (1 − fields that another department is authoritative for or keeps too / fields)",
        "100 ×（1 − 与其他部门重复采集的字段数 / 字段总数）",
    ),
    "used_by_others": (
        "100 × fields that applications of other departments used / fields",
        "100 × 被其他部门应用使用过的字段数 / 字段总数",
    ),
}


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of whole days in UTC. Units: Unix seconds; `end` does not belong to it."""

    name: str
    start: int
    end: int


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, from 0 to 100; ``None`` = no data, which is not nought."""

    name: FigureName
    value: float | None
    weight: float
    title: Words
    formula: Words
    parts: Mapping[str, int]
    """The numbers that the formula was made with."""
    events: tuple[str, ...]
    """What they count, a line each, the first `MOST_EVENTS`."""


MOST_EVENTS = 1_000


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One department in one period."""

    department: str
    rank: int | None
    score: float | None
    """The mean of its figures that have data, by their weights."""
    figures: tuple[Figure, ...]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a department had to do by a time. Units: Unix seconds."""

    department: str
    reference: str
    """Its id, never a data value."""
    step: str
    due: float
    done_at: float | None


class Steps(Protocol):
    """Whoever keeps the clocks of requests, or of corrections."""

    def due_between(self, start: float, end: float) -> Sequence[Step]:
        """The steps whose time ran out from `start` to before `end`; blocking."""
        ...


def figure(
    name: FigureName,
    weight: float,
    *,
    good: int,
    of: int,
    parts: Mapping[str, int],
    events: Sequence[str],
) -> Figure:
    """A share of 100; nothing to divide by is no data."""
    return Figure(
        name=name,
        value=round(100 * good / of, 2) if of else None,
        weight=weight,
        title=TITLES[name],
        formula=FORMULAS[name],
        parts=parts,
        events=tuple(events[:MOST_EVENTS]),
    )


def ranked(cards: Mapping[str, Sequence[Figure]]) -> tuple[Card, ...]:
    """Departments by score, the best first; equal scores share a rank, and who has no data has
    none."""
    scores = {name: score(figures) for name, figures in cards.items()}
    known = sorted((held for held in scores.values() if held is not None), reverse=True)
    made = [
        Card(
            department=name,
            rank=None if held is None else known.index(held) + 1,
            score=held,
            figures=tuple(cards[name]),
        )
        for name, held in scores.items()
    ]
    return tuple(sorted(made, key=lambda card: (card.rank or len(made) + 1, card.department)))


def score(figures: Sequence[Figure]) -> float | None:
    """The weighted mean of those that have data; ``None`` where none has."""
    held = [(one.value, one.weight) for one in figures if one.value is not None and one.weight]
    if not held:
        return None
    total = sum(weight for _, weight in held)
    return round(sum(value * weight for value, weight in held) / total, 2)

"""Obligations: duties that a rule ties to what it allows. A closed vocabulary.

Each says where it is carried out. `StepUp` and `CaseRequired` are conditions in disguise: they
are decided with the rule (`policies.carried`) and never reach a ruling.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import lcm
from typing import Literal, get_args

import msgspec

QuotaUnit = Literal["rows", "persons", "calls"]
QuotaHolder = Literal["app", "user", "department"]
Told = Literal["owner", "officer"]


class AggregateOnly(msgspec.Struct, frozen=True, tag=True):
    """Figures over at least `k` distinct persons. Where: aggregates, before they are written.

    `round_to`: counts are rounded to multiples. `dimensions`: most fields to group by at once.
    `declassify`: (ladder, level) pairs as written, to which figures' labels go down; () = not.
    """

    k: int
    round_to: int = 1
    dimensions: int = 3
    declassify: tuple[tuple[str, str], ...] = ()


class Quota(msgspec.Struct, frozen=True, tag=True):
    """At most so many rows, distinct persons or calls per window. Where: before the answer leaves.

    Units: `per_s` seconds; windows begin at multiples of it since 1970. `rule` names the rule that
    it is of: each rule's quota is counted for itself.
    """

    unit: QuotaUnit
    most: int
    per_s: int
    by: QuotaHolder = "app"
    rule: str = ""


class StepUp(msgspec.Struct, frozen=True, tag=True):
    """The caller has logged in in one of these ways (`acr`)."""

    acr: tuple[str, ...]


class CaseRequired(msgspec.Struct, frozen=True, tag=True):
    """The caller states a case."""


class Watermark(msgspec.Struct, frozen=True, tag=True):
    """A caption that names the recipient. Where: ``extensions.governance``."""

    text: str


class Notify(msgspec.Struct, frozen=True, tag=True):
    """Somebody is told of the use. Where: the audit entry, which notices are made from."""

    whom: Told


class Retain(msgspec.Struct, frozen=True, tag=True):
    """The record of the use is kept this long. Where: the audit entry."""

    days: int


class NoStore(msgspec.Struct, frozen=True, tag=True):
    """The recipient may not keep the data. Where: told with the answer, and on record."""


class NoOnwardTransfer(msgspec.Struct, frozen=True, tag=True):
    """The recipient may not pass the data on. Where: told with the answer, and on record."""


Obligation = (
    AggregateOnly | Quota | StepUp | CaseRequired | Watermark | Notify | Retain | NoStore
    | NoOnwardTransfer
)  # fmt: skip
PRECONDITIONS = (StepUp, CaseRequired)
EVERY: frozenset[type] = frozenset(get_args(Obligation))


def meet_obligations(obligations: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """All of them at once, the strictest of each kind; the order they come in does not matter."""
    quotas: dict[tuple[str, str, int, str], Quota] = {}
    aggregate: AggregateOnly | None = None
    kept: set[Obligation] = set()
    retain = 0
    for one in obligations:
        match one:
            case AggregateOnly():
                aggregate = one if aggregate is None else _stricter(aggregate, one)
            case Quota(unit=unit, per_s=per_s, by=by, rule=rule):
                held = quotas.get((rule, unit, per_s, by))
                if held is None or one.most < held.most:
                    quotas[rule, unit, per_s, by] = one
            case Retain(days=days):
                retain = max(retain, days)
            case _:
                kept.add(one)
    found: list[Obligation] = [*kept, *quotas.values()]
    if aggregate is not None:
        found.append(aggregate)
    if retain:
        found.append(Retain(retain))
    return tuple(sorted(found, key=repr))


def _stricter(first: AggregateOnly, second: AggregateOnly) -> AggregateOnly:
    # fails closed: one rule that does not let labels go down keeps them
    lowered = first.declassify and second.declassify
    return AggregateOnly(
        declassify=tuple(sorted({*first.declassify, *second.declassify})) if lowered else (),
        k=max(first.k, second.k),
        # a common multiple: rounding to it tells no more than either
        round_to=lcm(first.round_to, second.round_to),
        dimensions=min(first.dimensions, second.dimensions),
    )

"""Windows and grants in time: a moment at which they are open or closed as asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from policies.granted import LiveGrant
from policies.window import Window

Period = Window | LiveGrant

_DAY = 86_400.0
_SEASONS = (0.0, 182 * _DAY)
_BEGIN = 1_789_956_000.0
"""Monday, 21 September 2026, 10:00 in Shanghai."""


def moment(states: Mapping[Period, bool], begin: float = 0.0) -> float | None:
    """A moment from `begin` on at which periods are as said; ``None`` if none is found."""
    now = max(begin, _BEGIN)
    if not states:
        return now
    starts = {now + season for season in _SEASONS}
    for period in states:
        # a week before, so that every day of the week is looked at on both sides
        starts |= {max(at - 8 * _DAY, begin, _DAY) for at in _turns(period)}
    for start in sorted(starts):
        now = start
        while now < start + 18 * _DAY:
            if all(_is_open(period, now) is said for period, said in states.items()):
                return now
            now = min(_next_change(period, now) for period in states)
    return None


def ended(period: Period, at: float) -> bool:
    """Whether a grant had ended, or was revoked, by a moment."""
    if isinstance(period, Window):
        return False
    return period.until <= at or (period.revoked is not None and period.revoked <= at)


def _turns(period: Period) -> list[float]:
    """When a period begins or ends for good."""
    if isinstance(period, LiveGrant):
        return list(period.moments())
    days = [day for day in (period.first, period.last) if day is not None]
    return [dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp() for day in days]


def _is_open(period: Period, now: float) -> bool | None:
    if isinstance(period, Window):
        return period.is_open(now)
    return period.since <= now and not ended(period, now)


def _next_change(period: Period, now: float) -> float:
    if isinstance(period, Window):
        return period.next_change(now)
    return min((at for at in period.moments() if at > now), default=float("inf"))

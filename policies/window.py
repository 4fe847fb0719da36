"""Time windows: days and hours in the rule's own time zone, first and last day."""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAY = 24 * 60
SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
"""Stretches of time that rules count over."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """When a rule is in force. Units: minutes after midnight; `end` is not in force any more."""

    days: frozenset[int] = frozenset(range(7))
    start: int = 0
    end: int = _ALL_DAY
    zone: str = "UTC"
    first: str | None = None
    """ISO date of the first day."""
    last: str | None = None
    """ISO date of the last day."""

    def is_open(self, now: float) -> bool | None:
        """Whether the rule is in force; ``None`` if the time is not known."""
        if not now > 0 or not math.isfinite(now):
            return None
        moment = dt.datetime.fromtimestamp(now, zone_of(self.zone))
        day, minute = moment.date().isoformat(), moment.hour * 60 + moment.minute
        if (self.first is not None and day < self.first) or (
            self.last is not None and day > self.last
        ):
            return False
        if self.start < self.end:
            return moment.weekday() in self.days and self.start <= minute < self.end
        # over midnight: the early hours belong to the day before
        if minute >= self.start:
            return moment.weekday() in self.days
        return minute < self.end and (moment.weekday() - 1) % 7 in self.days

    def next_change(self, now: float) -> float:
        """Unix seconds of the next moment at which `is_open` may change."""
        if not now > 0 or not math.isfinite(now):
            return now
        zone = zone_of(self.zone)
        today = dt.datetime.fromtimestamp(now, zone).date()
        moments = []
        for ahead in range(-1, 9):
            day = dt.datetime.combine(today, dt.time(), zone) + dt.timedelta(days=ahead)
            for minute in (0, self.start, self.end):
                moment = day + dt.timedelta(minutes=minute)
                moments += [moment.timestamp(), moment.replace(fold=1).timestamp()]
            if day.utcoffset() != (day + dt.timedelta(days=1)).utcoffset():
                # the clocks change: hours are left out or come twice, at some quarter of an hour
                moments += [day.timestamp() + 900.0 * quarter for quarter in range(120)]
        return min(one for one in moments if one > now)


class Hours:
    """Which of some windows are open, looked at again only when one may have changed."""

    def __init__(self, windows: Sequence[Window], moments: Sequence[float]) -> None:
        """`moments`: others that something depends on, ascending."""
        self._windows = windows
        self._moments = moments
        self.states: tuple[bool | None, ...] = ()
        self.since = math.inf
        self.until = -math.inf
        """The next moment at which something opens or ends."""

    def turn(self, now: float) -> bool:
        """Bring the states up to a time; whether it is another stretch than before."""
        if self.since <= now < self.until:
            return False
        passed = bisect_right(self._moments, now)
        changes = [window.next_change(now) for window in dict.fromkeys(self._windows)]
        self.states = tuple(window.is_open(now) for window in self._windows)
        self.since = now
        self.until = min([*self._moments[passed : passed + 1], *changes], default=math.inf)
        return True


def zone_of(name: str) -> dt.tzinfo:
    """A zone by IANA name or as ``+08:00``; raises ``ValueError`` for an unknown one."""
    if name[:1] in ("+", "-"):
        hours, _, minutes = name[1:].partition(":")
        if not (hours.isdecimal() and minutes.isdecimal()):
            raise ValueError("not a zone")
        offset = dt.timedelta(hours=int(hours), minutes=int(minutes))
        return dt.timezone(-offset if name[0] == "-" else offset)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        raise ValueError("not a zone") from None

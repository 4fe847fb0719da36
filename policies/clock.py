"""Statutory clocks: how many working days something may take, by a calendar that is data.

Nothing is ever permitted because a clock has run out: it can only alert or escalate.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Literal

import msgspec

from policies.window import DAYS, zone_of
from schema.errors import HubError

OnExpiry = Literal["alert", "escalate"]


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Which days are worked; it speaks of its own years only."""

    id: str
    zone: str = "UTC"
    weekend: frozenset[int] = frozenset({5, 6})
    """Days of the week, 0 = Monday."""
    holidays: frozenset[dt.date] = frozenset()
    working_days: frozenset[dt.date] = frozenset()
    """Days of a weekend that are worked all the same."""
    years: frozenset[int]
    source: str = ""
    verified: bool = False

    def works(self, day: dt.date) -> bool:
        """Whether a day is worked. Raises: `HubError` CONFIG_INVALID beyond its years."""
        if day.year not in self.years:
            # fails closed: holidays are decreed year by year, never guessed
            raise HubError(
                "CONFIG_INVALID",
                f"the calendar `{self.id}` does not cover the year {day.year}",
                hint="load a rule pack with that year's holidays and make-up working days",
            )
        if day in self.working_days:
            return True
        return day.weekday() not in self.weekend and day not in self.holidays


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """How much longer it may take, and who must agree."""

    days: int
    needs: str


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """How long one step may take."""

    id: str
    start_event: str
    days: int
    """Working days; the day of the event itself does not count."""
    calendar: str
    extension: Extension | None = None
    on_expiry: OnExpiry
    source: str = ""
    verified: bool = False


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When a clock runs out."""

    day: dt.date
    """The last day on which it may be done."""
    at: float
    """Unix seconds of that day's end in the calendar's zone."""


def due(clock: Clock, calendar: Calendar, start: float, *, extended: bool = False) -> Due:
    """When a clock that starts at an instant runs out; the day of the start does not count.

    Units: `start` in Unix seconds.
    Raises: `HubError` CONFIG_INVALID if the calendar does not cover a year that is needed;
    BAD_REQUEST for a start that is no instant or an extension that the clock does not have.
    """
    if not math.isfinite(start) or start <= 0:
        raise HubError("BAD_REQUEST", "the clock has no start", hint="give it in Unix seconds")
    days = clock.days
    if extended:
        if clock.extension is None:
            raise HubError("BAD_REQUEST", f"the clock `{clock.id}` has no extension")
        days += clock.extension.days
    zone = zone_of(calendar.zone)
    day = dt.datetime.fromtimestamp(start, zone).date()
    calendar.works(day)  # the year of the start must be covered too
    while days:
        day += dt.timedelta(days=1)
        days -= calendar.works(day)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)
    return Due(day=day, at=end.timestamp())


def weekend_of(days: tuple[str, ...]) -> frozenset[int]:
    """Days of the week as they are written. Raises: ``ValueError`` for an unknown one."""
    return frozenset(DAYS.index(day) for day in days)

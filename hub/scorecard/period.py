"""Periods as they are written: `2026-06`, `2026-Q2`, `2026`, or the last whole days."""

from __future__ import annotations

import datetime as dt
import re

from hub.scorecard.figure import Period
from policies.window import SECONDS
from schema.errors import HubError

DAY_S = SECONDS["day"]
LAST_DAYS = 30
_WRITTEN = re.compile(r"(20[0-9]{2})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?\Z")


def read_period(text: str | None, now: float) -> Period:
    """A period; without a text the last 30 whole days. Raises: `HubError` BAD_USER_INPUT."""
    if text is None:
        end = int(now) - int(now) % DAY_S
        return Period(name=f"{LAST_DAYS} days", start=end - LAST_DAYS * DAY_S, end=end)
    found = _WRITTEN.match(text)
    if found is None:
        hint = "write `2026-06`, `2026-Q2` or `2026`"
        raise HubError("BAD_USER_INPUT", "this is no period", hint=hint)
    year = int(found[1])
    first, months = 1, 12
    if found[2] is not None:
        first, months = int(found[2]), 1
    elif found[3] is not None:
        first, months = int(found[3]) * 3 - 2, 3
    after = year * 12 + first - 1 + months
    begins = dt.datetime(year, first, 1, tzinfo=dt.UTC)
    ends = dt.datetime(after // 12, after % 12 + 1, 1, tzinfo=dt.UTC)
    return Period(name=text, start=int(begins.timestamp()), end=int(ends.timestamp()))


def day(seconds: float) -> str:
    """The day of a moment, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()


def hour(seconds: float) -> str:
    """The hour of a moment, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%HZ")

"""Ages in conditions: whoever was born after a day is younger than so many years."""

from __future__ import annotations

import datetime as dt
import math

PREFIX = "born_after."
"""How the params of residues begin that stand for such a day."""
OLDEST = 150
_EARLIEST = dt.timedelta(hours=12)


def born_after(now: float, years: int) -> str | None:
    """Whoever was born after this day is younger; ``None`` if the time is not known.

    The day is the one that has come everywhere on earth (UTC-12): nobody counts as older before
    that is so in every time zone. A birthday on 29 February is, in other years, on 1 March.
    """
    if not is_known(now):
        return None
    today = (dt.datetime.fromtimestamp(now, dt.UTC) - _EARLIEST).date()
    try:
        return today.replace(year=today.year - years).isoformat()
    except ValueError:
        return dt.date(today.year - years, 2, 28).isoformat()


def is_known(now: float) -> bool:
    """Whether a time is one."""
    return now > 0 and math.isfinite(now)


def next_day(now: float) -> float:
    """Unix seconds of the moment at which `born_after` changes next."""
    if not is_known(now):
        return now
    shift = _EARLIEST.total_seconds()
    return (math.floor((now - shift) / 86_400.0) + 1) * 86_400.0 + shift

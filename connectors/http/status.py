"""Statuses of HTTP: which mean nothing there, which are worth another try, and after how long."""

from __future__ import annotations

import datetime as dt
import random
from email.utils import parsedate_to_datetime

import httpx

from schema.errors import SourceError

NOTHING = frozenset({204, 404, 410})
AGAIN = frozenset({408, 429, 502, 503, 504})
BROKEN = 599
"""A connection that broke."""
LONGEST_PAUSE_S = 5.0


def refusal(status: int) -> SourceError:
    """The error for a status that is none of success."""
    match status:
        case 429:
            return SourceError("SOURCE_BUSY", "the source asks for fewer requests")
        case 401 | 403:
            return SourceError(
                "SOURCE_UNAVAILABLE", "the source refused the hub's credentials",
                hint="compare `connect.auth` with what the service wants",
            )  # fmt: skip
        case _ if 300 <= status < 400:
            return SourceError(
                "SOURCE_BAD_DATA", "the source points elsewhere", hint="redirects are not followed"
            )
        case 204 | 404 | 410:
            return SourceError("SOURCE_BAD_DATA", "the source does not have what is declared")
        case 408:
            return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")
        case _ if 400 <= status < 500:
            return SourceError("SOURCE_BAD_DATA", "the source refused the request")
        case _:
            return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


def too_slow() -> SourceError:
    """The deadline came first."""
    return SourceError("SOURCE_TIMEOUT", "the source was too slow")


def pause(status: int, headers: httpx.Headers, *, safe: bool) -> float | None:
    """Seconds until the next try; ``None`` when there is none, or only after too long a wait.

    After a 500 only what is `safe` by its method is tried again.
    """
    if status not in AGAIN and status != BROKEN and not (status == 500 and safe):
        return None
    told = headers.get("retry-after", "").strip()
    if not told:
        return float(0.1 * (0.5 + random.random()))  # noqa: S311 - spreads tries
    if told.isascii() and told.isdigit():
        wait = float(told[:9])
    else:
        try:
            until = parsedate_to_datetime(told)
        except ValueError:
            return None
        until = until if until.tzinfo is not None else until.replace(tzinfo=dt.UTC)
        wait = max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())
    return wait if wait <= LONGEST_PAUSE_S else None

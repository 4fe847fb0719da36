"""What is usual of an application at a time of the week, by robust statistics.

Source: B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers (1993): the modified z-score
0.6745 (x - median) / MAD, above 3.5 labelled an outlier; the median and MAD of past weeks are not
moved by the few weeks that were unusual themselves.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

_NORMAL = 0.6745
"""The MAD of a normal distribution in standard deviations."""
LEAST_WEEKS = 3
"""Below this many past weeks nothing counts as usual."""


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What was usual, and above what a count is not."""

    median: float
    limit: float


def usual(past: Sequence[int], spread: float) -> Usual | None:
    """By the counts of the same hours in past weeks: median + spread * max(MAD / 0.6745,
    square root of the median). ``None`` where there are too few weeks.

    Independent events scatter at least by the square root of their number (Poisson): without it,
    one that always was the same could not grow by one.
    """
    if len(past) < LEAST_WEEKS:
        return None
    median = statistics.median(past)
    deviation = statistics.median(abs(one - median) for one in past) / _NORMAL
    return Usual(median=median, limit=median + spread * max(deviation, math.sqrt(median)))

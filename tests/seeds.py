"""Where a test's random worlds begin."""

from __future__ import annotations

import os
from random import Random


def first_seed(variable: str, bound: int) -> int:
    """The seed that an environment variable names, to repeat a failure; without one any below
    `bound`, and in continuous integration 0: there a failure is a change's and not of the day."""
    named = os.environ.get(variable)
    if named is not None:
        return int(named)
    return 0 if os.environ.get("CI") else Random().randrange(bound)

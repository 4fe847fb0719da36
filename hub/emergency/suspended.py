"""Which applications are suspended: those with an opening that nobody has reviewed in time."""

from __future__ import annotations

from collections.abc import Iterable

from hub.store.emergency import Opened


def suspended_apps(openings: Iterable[Opened], now: float) -> frozenset[str]:
    """It follows from time alone, so that no worker and no job can forget it."""
    return frozenset(one.app for one in openings if one.outcome is None and one.review_due <= now)

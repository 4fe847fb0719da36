"""Mosaics over time: which parts of a set a caller has used is counted before sources are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import orjson

from hub.query.envelope import combined
from hub.query.quota import holder
from hub.store.mosaics import PartsUsed
from policies.together import MosaicUse, Together
from schema.errors import HubError
from schema.model.subject import Subject


class PartCounts(Protocol):
    """Where it is kept, for all workers, which parts have been used."""

    async def use(self, uses: Sequence[PartsUsed]) -> bool:
        """Note parts as used now, all or, if one set would be too full, none; whether they are.

        Raises: `HubError` QUOTA_UNAVAILABLE.
        """
        ...


Work = Callable[[], Awaitable[Any]]


def kept_apart(
    counts: PartCounts | None, together: Together | None, whose: Sequence[Subject], work: Work
) -> Work:
    """The work, where mosaics over time are touched only once their parts are noted; `whose`:
    the caller, and for whom it acts: what one of them has used, both have.

    What comes back raises: `HubError` COMBINATION_FORBIDDEN, QUOTA_UNAVAILABLE.
    """
    if together is None or not together.windows:
        return work
    windows = together.windows

    async def counted() -> Any:
        if counts is None:
            # fails closed: what nobody counts is not told
            raise HubError("QUOTA_UNAVAILABLE", "what is used together cannot be counted")
        if not await counts.use(_noted_all(windows, whose)):
            raise combined({at for one in windows for at in one.coordinates}, over_time=True)
        return await work()

    return counted


def _noted_all(windows: Sequence[MosaicUse], whose: Sequence[Subject]) -> list[PartsUsed]:
    found = {one.counter: one for who in whose for one in (_noted(w, who) for w in windows)}
    return list(found.values())


def _noted(window: MosaicUse, subject: Subject) -> PartsUsed:
    # by the rule's name: a new version does not begin a count anew
    name = window.rule.rpartition("@")[0]
    named = orjson.dumps(["mosaic", name, *holder(window.by, subject)])
    return PartsUsed(
        counter=hashlib.sha256(named).hexdigest(),
        parts=tuple(hashlib.sha256(part.encode()).hexdigest() for part in window.parts),
        most=window.most,
        per_s=window.per_s,
    )

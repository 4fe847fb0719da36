"""Mosaics over time: nothing is asked of sources before parts are noted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.query.mosaic import PartCounts, kept_apart
from hub.store.mosaics import PartsUsed
from policies.together import MosaicUse, Together
from schema.errors import HubError
from schema.model.names import Coordinate
from tests.hub.query.small import OTHER, SUBJECT

pytestmark = pytest.mark.asyncio
WINDOW = MosaicUse(
    rule="who-where@1", parts=("Person.name",), most=1, per_s=60, by="app",
    coordinates=(Coordinate("Person.name"),),
)  # fmt: skip
TOGETHER = Together(windows=(WINDOW,))


class Full:
    """Counts that have no room."""

    def __init__(self) -> None:
        self.uses: list[PartsUsed] = []

    async def use(self, uses: Sequence[PartsUsed]) -> bool:
        self.uses += uses
        return False


async def carried_out(counts: PartCounts | None, together: Together | None) -> str:
    """What comes of some work, or the code of its refusal."""

    async def work() -> str:
        return "told"

    try:
        found: str = await kept_apart(counts, together, [SUBJECT, OTHER, SUBJECT], work)()
    except HubError as error:
        return error.code
    return found


async def test_what_nobody_counts_is_not_told() -> None:
    assert await carried_out(None, TOGETHER) == "QUOTA_UNAVAILABLE"
    assert await carried_out(None, Together()) == "told"
    assert await carried_out(None, None) == "told"


async def test_what_there_is_no_room_for_is_not_told() -> None:
    counts = Full()
    assert await carried_out(counts, TOGETHER) == "COMBINATION_FORBIDDEN"
    # whom it concerns, each once
    assert len(counts.uses) == len({one.counter for one in counts.uses}) == 2

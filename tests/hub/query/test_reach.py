"""A source that fails, hangs or is asked too much, seen from the query path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from connectors.kit.retry import Breaker
from connectors.memory import EVERYTHING, MemoryConnector
from connectors.spi import Batch, Call
from hub.query.reach import Reach
from schema.errors import SourceError
from schema.model.names import SourceName


class Shaky(MemoryConnector):
    """Fails as often as told, then answers; counts what is in flight."""

    def __init__(self, failures: Sequence[BaseException] = (), hang_s: float = 0.0) -> None:
        super().__init__(SourceName("shaky"), {}, EVERYTHING)
        self.failures = list(failures)
        self.hang_s = hang_s
        self.calls: list[Call] = []
        self.inside = self.most = 0

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        self.calls.append(call)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(self.hang_s)
            if self.failures:
                raise self.failures.pop(0)
            yield Batch({"a": (1, 2)}, 2)
        finally:
            self.inside -= 1


async def read(reach: Reach, *, within_s: float = 5.0, max_rows: int = 10) -> Batch:
    return await reach.fetch(
        None,
        keys=(),
        params={},
        deadline=time.monotonic() + within_s,
        operation_id="op",
        max_rows=max_rows,
    )


def away() -> SourceError:
    return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


@pytest.mark.asyncio
async def test_a_short_failure_is_not_seen() -> None:
    source = Shaky([away(), away()])
    assert (await read(Reach(source))).rows == 2
    assert len(source.calls) == 3


@pytest.mark.asyncio
async def test_a_source_that_stays_away_is_left_to_recover() -> None:
    source = Shaky([away() for _ in range(100)])
    now = [0.0]
    reach = Reach(source, breaker=Breaker(failures=5, rest_s=10, clock=lambda: now[0]))
    for _ in range(10):
        with pytest.raises(SourceError, match="did not answer"):
            await read(reach)
    assert len(source.calls) == 5
    source.failures.clear()
    now[0] = 11.0
    assert (await read(reach)).rows == 2


@pytest.mark.asyncio
async def test_bad_data_is_not_asked_for_again() -> None:
    source = Shaky([SourceError("SOURCE_BAD_DATA", "no")])
    with pytest.raises(SourceError) as raised:
        await read(Reach(source))
    assert raised.value.code == "SOURCE_BAD_DATA"
    assert len(source.calls) == 1


@pytest.mark.asyncio
async def test_the_fragments_deadline_ends_a_call_before_the_operations() -> None:
    source = Shaky(hang_s=30)
    began = time.monotonic()
    with pytest.raises(SourceError) as raised:
        await read(Reach(source, deadline_s=0.05), within_s=20)
    assert raised.value.code == "SOURCE_TIMEOUT"
    assert time.monotonic() - began < 5
    assert source.calls[0].deadline < began + 1


@pytest.mark.asyncio
async def test_no_more_calls_at_once_than_the_source_takes() -> None:
    source = Shaky(hang_s=0.01)
    reach = Reach(source)
    limit = source.capabilities.max_in_flight
    await asyncio.gather(*(read(reach) for _ in range(limit * 3)))
    assert source.most == limit


@pytest.mark.asyncio
async def test_waiting_for_room_ends_at_the_deadline() -> None:
    source = Shaky(hang_s=30)
    reach = Reach(source)
    holding = [asyncio.ensure_future(read(reach)) for _ in range(source.capabilities.max_in_flight)]
    await asyncio.sleep(0)
    with pytest.raises(SourceError) as raised:
        await read(reach, within_s=0.05)
    assert raised.value.code == "SOURCE_BUSY"
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    assert source.inside == 0


@pytest.mark.asyncio
async def test_what_a_source_sends_is_bounded() -> None:
    with pytest.raises(SourceError) as raised:
        await read(Reach(Shaky()), max_rows=1)
    assert raised.value.code == "SCAN_TOO_LARGE"

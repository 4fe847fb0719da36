"""The in-flight limit: order of arrival, deadlines, nothing lost."""

from __future__ import annotations

import asyncio
import time

import pytest

from connectors.kit.limit import InFlight
from schema.errors import SourceError


@pytest.mark.asyncio
async def test_never_more_at_once_and_everyone_gets_a_turn() -> None:
    limit, inside, most, order = InFlight(3), 0, 0, []

    async def work(number: int) -> None:
        nonlocal inside, most
        async with limit.hold():
            inside += 1
            most = max(most, inside)
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work(number) for number in range(20)))
    assert most == 3
    assert order == list(range(20))
    assert limit.free == 3


@pytest.mark.asyncio
async def test_waiting_ends_at_the_deadline() -> None:
    limit = InFlight(1)
    await limit.enter()
    with pytest.raises(SourceError) as raised:
        await limit.enter(time.monotonic() + 0.01)
    assert raised.value.code == "SOURCE_BUSY"
    limit.leave()
    assert limit.free == 1
    await limit.enter(time.monotonic() - 1)  # there is room: no need to wait


@pytest.mark.asyncio
async def test_whoever_is_cancelled_leaves_the_line() -> None:
    limit = InFlight(1)
    await limit.enter()
    waiting = [asyncio.ensure_future(limit.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    limit.leave()
    await waiting[1]
    limit.leave()
    await waiting[2]
    limit.leave()
    assert limit.free == 1


@pytest.mark.asyncio
async def test_a_turn_that_comes_with_the_cancellation_is_passed_on() -> None:
    limit = InFlight(1)
    await limit.enter()
    first, second = asyncio.ensure_future(limit.enter()), asyncio.ensure_future(limit.enter())
    await asyncio.sleep(0)
    limit.leave()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    limit.leave()
    assert limit.free == 1


def test_a_limit_lets_somebody_in() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        InFlight(0)

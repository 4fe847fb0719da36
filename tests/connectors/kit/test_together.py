"""Work done side by side."""

from __future__ import annotations

import asyncio

import pytest

from connectors.kit.together import ended, together
from schema.errors import HubError, SourceError


async def _value(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def _refuse() -> int:
    await asyncio.sleep(0)
    raise SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


@pytest.mark.asyncio
async def test_all_of_them_in_order() -> None:
    assert await together([]) == []
    assert await together([_value(1)]) == [1]
    assert await together([_value(1), _value(2)]) == [1, 2]


@pytest.mark.asyncio
@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_the_first_error_is_raised_itself(depth: int) -> None:
    """Not in a group, whatever this Python does with what `except*` raises."""
    work = _refuse()
    for _ in range(depth):
        work = _sum(work)
    ended = []

    async def long() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return 0

    with pytest.raises(HubError) as held:
        await together([long(), work])
    assert held.value.code == "SOURCE_UNAVAILABLE"
    assert ended == [True]


async def _sum(work: object) -> int:
    return sum(await together([_value(1), work]))  # type: ignore[list-item]


@pytest.mark.asyncio
async def test_an_error_of_ours_stays_in_its_group() -> None:
    async def broken() -> int:
        raise KeyError("x")

    with pytest.raises(BaseExceptionGroup):
        await together([_value(1), broken()])


@pytest.mark.asyncio
async def test_a_lost_cancellation_is_asked_for_again() -> None:
    lost = asyncio.Event()

    async def deaf() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(60)

    async def quick() -> None:
        """Over before it is ended."""

    tasks = [asyncio.create_task(work()) for work in (deaf, quick, deaf)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await ended(tasks)
    assert lost.is_set()
    assert [task.cancelled() for task in tasks] == [True, False, True]

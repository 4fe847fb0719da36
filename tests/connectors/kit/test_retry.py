"""Back-off and breaker, with an injected clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.kit.retry import Backoff, Breaker, steadily
from schema.errors import SourceError


class World:
    """A clock that sleeping moves on, and a source that fails as told."""

    def __init__(self, *codes: str | None) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.codes = list(codes)
        self.calls = 0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def read(self) -> str:
        self.calls += 1
        code = self.codes.pop(0) if self.codes else None
        if code is not None:
            raise SourceError(code, "no")
        return "rows"

    async def steadily(self, breaker: Breaker, deadline: float = float("inf")) -> str:
        return await steadily(
            self.read, backoff=Backoff(), breaker=breaker, deadline=deadline,
            clock=self.clock, sleep=self.sleep, chance=lambda: 1.0,
        )  # fmt: skip


def breaker(world: World) -> Breaker:
    return Breaker(failures=3, rest_s=10.0, clock=world.clock)


@pytest.mark.asyncio
async def test_an_unavailable_source_is_asked_again_later_and_later() -> None:
    world = World("SOURCE_UNAVAILABLE", "SOURCE_UNAVAILABLE")
    assert await world.steadily(breaker(world)) == "rows"
    assert world.slept == [0.05, 0.1]


@pytest.mark.asyncio
async def test_a_busy_source_is_given_more_time() -> None:
    world = World("SOURCE_BUSY")
    assert await world.steadily(breaker(world)) == "rows"
    assert world.slept == [0.2]


@pytest.mark.asyncio
@pytest.mark.parametrize("code", ["SOURCE_BAD_DATA", "SOURCE_TIMEOUT", "SCAN_TOO_LARGE"])
async def test_what_would_fail_again_is_not_tried_again(code: str) -> None:
    world = World(code)
    with pytest.raises(SourceError) as raised:
        await world.steadily(breaker(world))
    assert (raised.value.code, world.calls) == (code, 1)


@pytest.mark.asyncio
async def test_the_deadline_ends_the_trying() -> None:
    world = World("SOURCE_UNAVAILABLE", "SOURCE_UNAVAILABLE")
    with pytest.raises(SourceError):
        await world.steadily(breaker(world), deadline=100.06)
    assert world.calls == 2


@pytest.mark.asyncio
async def test_a_failing_source_is_rested_then_probed_once() -> None:
    world = World(*["SOURCE_TIMEOUT"] * 3)
    held = breaker(world)
    for _ in range(3):
        with pytest.raises(SourceError):
            await world.steadily(held)
    with pytest.raises(SourceError) as raised:
        await world.steadily(held)
    assert (raised.value.code, world.calls) == ("SOURCE_UNAVAILABLE", 3)
    world.now += 10
    held.enter()  # the probe
    with pytest.raises(SourceError):
        held.enter()
    held.failed()
    assert held.is_open
    world.now += 10
    assert await world.steadily(held) == "rows"
    assert not held.is_open


@pytest.mark.asyncio
async def test_bad_data_does_not_speak_against_the_source() -> None:
    world = World(*["SOURCE_BAD_DATA"] * 5)
    held = breaker(world)
    for _ in range(5):
        with pytest.raises(SourceError):
            await world.steadily(held)
    assert not held.is_open


@pytest.mark.asyncio
async def test_a_probe_that_is_cancelled_lets_the_next_one_probe() -> None:
    world = World(*["SOURCE_TIMEOUT"] * 3)
    held = breaker(world)
    for _ in range(3):
        with pytest.raises(SourceError):
            await world.steadily(held)
    world.now += 10

    async def cancelled() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await steadily(cancelled, backoff=Backoff(), breaker=held, clock=world.clock)
    held.enter()


@pytest.mark.parametrize(("chance", "wanted"), [(lambda: 0.0, 0.5), (lambda: 1.0, 1.0)])
def test_waits_are_spread_and_bounded(chance: Callable[[], float], wanted: float) -> None:
    assert Backoff().wait(50, "SOURCE_UNAVAILABLE", chance()) == wanted

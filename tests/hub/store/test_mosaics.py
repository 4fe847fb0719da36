"""Which parts of a set are used: by all workers together, all of an operation or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.store.engine import migrate, open_engine
from hub.store.mosaics import PartsUsed, StoredMosaics
from hub.store.tables import mosaic_parts
from schema.errors import HubError
from tests.postgres import postgres_url  # noqa: F401  # a fixture

DAY = 86_400


class Workers:
    """Several workers before one database; the clock stands still until it is moved."""

    def __init__(self, url: str, count: int) -> None:
        self.now = 10.0 * DAY
        self.engines = [open_engine(url) for _ in range(count)]
        migrate(self.engines[0])
        self.held = [StoredMosaics(one, clock=lambda: self.now) for one in self.engines]

    async def use(self, *parts: str, worker: int = 0, counter: str = "c", most: int = 2) -> bool:
        used = PartsUsed(counter=counter, parts=parts, most=most, per_s=DAY)
        return await self.held[worker].use([used])

    def close(self) -> None:
        for one in self.held:
            one.close()
        for engine in self.engines:
            engine.dispose()

    def rows(self) -> int:
        with self.engines[0].begin() as connection:
            found = connection.scalar(sa.select(sa.func.count()).select_from(mosaic_parts))
        return int(found or 0)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(f"sqlite:///{tmp_path / 'state.sqlite'}", 3)
    yield made
    made.close()


@pytest.mark.asyncio
async def test_splitting_does_not_get_around_it(workers: Workers) -> None:
    assert await workers.use("name")
    assert await workers.use("birth", worker=1)
    assert not await workers.use("place", worker=2)
    assert not await workers.use("place", "name")
    # what was refused left no trace, and what is counted already is free
    assert await workers.use("birth", "name", worker=2)
    assert await workers.use("place", counter="another")


@pytest.mark.asyncio
async def test_it_is_any_stretch_of_time_and_no_calendar_day(workers: Workers) -> None:
    workers.now = 10.0 * DAY - 1
    assert await workers.use("name", "birth")
    workers.now += 2
    assert not await workers.use("place")
    workers.now += DAY - 3
    assert await workers.use("name")  # so it is used again
    workers.now += 1
    assert await workers.use("place")
    assert not await workers.use("birth")
    workers.now += DAY
    assert await workers.use("birth", "place")


@pytest.mark.asyncio
async def test_a_clock_that_is_behind_shortens_nothing(workers: Workers) -> None:
    assert await workers.use("name", "birth")
    workers.now -= 3_600
    assert await workers.use("name", worker=1)
    workers.now += 3_600 + DAY - 1
    assert not await workers.use("place")


async def _at_once(workers: Workers) -> None:
    parts = [f"p{number}" for number in range(9)]
    told = await asyncio.gather(
        *(workers.use(part, worker=number % 3) for number, part in enumerate(parts))
    )
    assert sum(told) == 2


@pytest.mark.asyncio
async def test_at_once_from_several_workers(workers: Workers) -> None:
    await _at_once(workers)


@pytest.mark.asyncio
async def test_at_once_on_postgresql(postgres_url: str) -> None:  # noqa: F811
    workers = Workers(postgres_url, 3)
    try:
        await _at_once(workers)
        assert not await workers.use("another")
        workers.now += 2 * DAY
        assert await workers.use("another", worker=2)
    finally:
        workers.close()


@pytest.mark.asyncio
async def test_all_sets_of_an_operation_or_none(workers: Workers) -> None:
    both = [
        PartsUsed(counter="a", parts=("x",), most=1, per_s=DAY),
        PartsUsed(counter="b", parts=("x", "y"), most=1, per_s=DAY),
    ]
    assert not await workers.held[0].use(both)
    assert await workers.use("other", counter="a", most=1)


@pytest.mark.asyncio
async def test_what_counts_no_more_is_forgotten(workers: Workers) -> None:
    assert await workers.use("name", "birth")
    workers.now += 2 * DAY
    assert await workers.use("place", counter="d")
    assert workers.rows() == 2  # the part, and what its counter is held by


@pytest.mark.asyncio
async def test_without_the_store_nothing_is_told(workers: Workers) -> None:
    with workers.engines[0].begin() as connection:
        connection.execute(sa.text("DROP TABLE mosaic_parts"))
    with pytest.raises(HubError) as told:
        await workers.use("name")
    assert told.value.code == "QUOTA_UNAVAILABLE"


steps = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True),
        st.integers(0, 2),
        st.integers(0, DAY // 2),
    ),
    max_size=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps, st.integers(1, 3))
def test_no_stretch_of_time_holds_more(
    workers: Workers, series: list[tuple[list[str], int, int]], most: int
) -> None:
    """However operations are split over time and workers."""
    counter = f"c{id(series)}-{workers.now}"
    told: list[tuple[float, list[str]]] = []
    for parts, worker, waited in series:
        workers.now += waited
        before = {part for at, held in told if at > workers.now - DAY for part in held}
        used = asyncio.run(workers.use(*parts, worker=worker, counter=counter[:64], most=most))
        assert used is (len(before | set(parts)) <= most)
        if used:
            told.append((workers.now, parts))
    workers.now += 1

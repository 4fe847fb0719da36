"""Sources that are down, failing, slow or stale are warned of once, and told to be well again."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from connectors.files import connector as files
from connectors.spi import Connector
from connectors.sql import connector as sql
from hub.registry.figures import Figures
from hub.registry.health import SourceHealth, Warned, probed
from hub.registry.watching import SourceWatch
from hub.settings.declared import HealthSettings
from hub.store.engine import migrate, open_engine
from schema.model.binding import Freshness, SourceDecl
from schema.model.names import DepartmentName, SourceName

NAME = SourceName("civil")
DECL = SourceDecl(name=NAME, department=DepartmentName("civil-affairs"), kind="files")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watched(clock: Callable[[], float], **settings: float) -> tuple[SourceHealth, list[Warned]]:
    told: list[Warned] = []
    return SourceHealth(HealthSettings(**settings), told.append, clock), told  # type: ignore[arg-type]


def conditions(told: list[Warned]) -> list[tuple[str, bool]]:
    return [(warned.condition, warned.open) for warned in told]


async def looks(health: SourceHealth, decl: SourceDecl, held: Connector | None, n: int = 2) -> None:
    for _ in range(n):
        await health.look({decl.name: (decl, held)})


def held_file(folder: Path) -> Connector:
    (folder / "held.csv").write_text("n\n1\n")
    return files.connect(
        structs.replace(DECL, connect={"path": str(folder)}, tables={"held": {"path": "held.csv"}}),
        lambda text: text,
    )


@pytest.mark.asyncio
async def test_down_is_told_once_and_so_is_its_end(tmp_path: Path, clock: Clock) -> None:
    health, told = watched(clock)
    held = held_file(tmp_path)
    await held.open()
    try:
        await looks(health, DECL, held, 3)
        assert told == []
        (tmp_path / "held.csv").unlink()
        await looks(health, DECL, held, 1)
        assert told == []  # one look may be a hiccup
        first = clock.now
        clock.now += 30
        await looks(health, DECL, held, 3)
        assert conditions(told) == [("down", True)]
        assert (told[0].source, told[0].department) == ("civil", "civil-affairs")
        assert (told[0].since, told[0].at, health.warnings) == (first, clock.now, 1)
        (tmp_path / "held.csv").write_text("n\n1\n")
        clock.now += 30
        await looks(health, DECL, held, 3)
        assert conditions(told) == [("down", True), ("down", False)]
        assert (told[1].since, health.warnings) == (first, 0)
    finally:
        await held.close()
    await looks(health, DECL, None)
    assert conditions(told)[2:] == [("down", True)]
    await health.look({})
    assert health.warnings == 0


@pytest.mark.asyncio
async def test_old_files_are_stale(tmp_path: Path, clock: Clock) -> None:
    health, told = watched(clock)
    decl = structs.replace(DECL, freshness=Freshness(expect_s=3600))
    held = held_file(tmp_path)
    os.utime(tmp_path / "held.csv", (clock.now, clock.now - 3000))
    await held.open()
    try:
        await looks(health, decl, held)
        assert told == []
        clock.now += 700
        await looks(health, decl, held)
        assert conditions(told) == [("stale", True)]
        assert told[0].age_s == 3700
        await looks(health, DECL, held)  # a fragment that promises nothing
        assert conditions(told)[1:] == [("stale", False)]
    finally:
        await held.close()


@pytest.mark.asyncio
async def test_a_database_says_itself_how_old_its_data_is(tmp_path: Path) -> None:
    database = tmp_path / "civil.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE loads (done TIMESTAMP)")
        connection.executemany(
            "INSERT INTO loads VALUES (?)",
            [("2026-09-21 10:00:00Z",), ("2026-09-21 12:30:00Z",), (None,)],
        )
    decl = structs.replace(
        DECL,
        kind="sql",
        connect={"url": f"sqlite:///{database}"},
        freshness=Freshness(expect_s=60, table="loads", column="done"),
    )
    held = sql.connect(decl, lambda text: text)
    await held.open()
    try:
        assert (await probed(decl, held)).as_of == 1_790_000_000 - 6_200
        missing = structs.replace(
            decl, freshness=Freshness(expect_s=60, table="none", column="done")
        )
        assert not (await probed(missing, held)).ok
    finally:
        await held.close()


@pytest.mark.asyncio
async def test_failures_and_times_are_judged_over_a_window(tmp_path: Path, clock: Clock) -> None:
    health, told = watched(clock, error_budget=0.1, slow_s=1.0, window_s=600, least_calls=10)
    held = held_file(tmp_path)
    await held.open()
    try:
        for number in range(9):
            health.fetched(NAME, 0.01, number > 4)
        await looks(health, DECL, held)
        assert told == []  # too few to say
        health.fetched(NAME, 0.01, True)
        await looks(health, DECL, held)
        assert conditions(told) == [("failing", True)]
        assert (told[0].calls, told[0].failed, told[0].slowest_s) == (10, 5, 0.01)
        for _ in range(90):
            health.fetched(NAME, 4.0, True)
        await looks(health, DECL, held)
        assert conditions(told)[1:] == [("failing", False), ("slow", True)]
        assert told[2].slowest_s == 5.0
        clock.now += 700
        await looks(health, DECL, held)
        assert conditions(told)[3:] == [("slow", False)]
    finally:
        await held.close()


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.integers(0, 200)), max_size=60))
def test_a_window_forgets_what_lies_before_it(calls: list[tuple[float, bool, int]]) -> None:
    clock = Clock()
    figures = Figures(window_s=600, clock=clock)
    made: list[tuple[float, float, bool]] = []
    for seconds, ok, wait in calls:
        clock.now += wait
        figures.record(seconds, ok=ok)
        made.append((clock.now, seconds, ok))
    seen = figures.seen()
    # a whole minute is forgotten at a time
    surely = [call for call in made if call[0] > clock.now - 600]
    perhaps = [call for call in made if call[0] > clock.now - 720]
    assert len(surely) <= seen.calls <= len(perhaps)
    assert seen.failed >= sum(not ok for _, _, ok in surely)
    if seen.calls:
        assert seen.slowest_s is not None
        below = sum(seconds <= seen.slowest_s for _, seconds, _ in perhaps)
        assert below >= 0.95 * seen.calls - (len(perhaps) - seen.calls)
    else:
        assert seen.slowest_s is None


@pytest.mark.asyncio
async def test_one_worker_of_all_looks_and_another_takes_over(tmp_path: Path, clock: Clock) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/state.sqlite")
    migrate(engine)
    settings = HealthSettings(probe_s=10)
    one, two = SourceWatch(settings, engine, clock), SourceWatch(settings, engine, clock)
    held = {NAME: (DECL, None)}
    assert await one.look(lambda: held)
    assert not await two.look(lambda: held)
    clock.now += 20
    assert await one.look(lambda: held)
    clock.now += 20
    assert not await two.look(lambda: held)
    clock.now += 20
    assert await two.look(lambda: held)  # the first one has not looked for too long
    assert not await one.look(lambda: held)
    running = asyncio.ensure_future(two.run(lambda: held))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await one.look(lambda: held)  # given back at the end
    engine.dispose()


@pytest.mark.asyncio
async def test_a_look_that_is_cancelled_takes_no_lease_afterwards(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/state.sqlite")
    migrate(engine)
    settings = HealthSettings(probe_s=10)
    one, two = SourceWatch(settings, engine, clock), SourceWatch(settings, engine, clock)
    begun, going = threading.Event(), threading.Event()
    take = two._lease.take

    def late() -> bool:
        begun.set()
        going.wait(30)
        return take()

    monkeypatch.setattr(two._lease, "take", late)
    running = asyncio.ensure_future(two.run(dict))
    await asyncio.to_thread(begun.wait, 30)
    running.cancel()
    await asyncio.sleep(0)
    going.set()
    await asyncio.gather(running, return_exceptions=True)
    assert await one.look(dict)
    engine.dispose()

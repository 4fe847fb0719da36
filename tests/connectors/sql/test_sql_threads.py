"""The pool of blocking drivers: whatever fails, its connections and its threads are given back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.sql.threads import Failure, Pool, Rows
from schema.errors import SourceError


class Wrong(Exception):
    """What the driver below raises; the text says what it means."""


class Connection:
    """It knows whether it still is one."""

    def __init__(self) -> None:
        self.closed = False
        self.stopped = threading.Event()


class Scripted:
    """A driver that does what the statement says."""

    errors: tuple[type[Exception], ...] = (Wrong,)

    def __init__(self) -> None:
        self.made: list[Connection] = []
        self.began = threading.Semaphore(0)
        self.down = False
        self.lost = 0

    def connect(self) -> Connection:
        if self.down:
            raise Wrong("lost")
        self.made.append(Connection())
        return self.made[-1]

    def run(
        self, connection: Connection, text: str, arguments: Sequence[Any], within_s: float
    ) -> Rows:
        assert not connection.closed
        if text == "wait":
            self.began.release()
            assert connection.stopped.wait(60)
            raise Wrong("stopped")
        if text == "lose" and self.lost:
            self.lost -= 1
            raise Wrong("lost")
        if text == "fail":
            raise Wrong("bad")
        return ((1,),)

    def stop(self, connection: Connection) -> None:
        connection.stopped.set()

    def close(self, connection: Connection) -> None:
        assert not connection.closed
        connection.closed = True

    def failure(self, error: Exception) -> Failure:
        code = "SOURCE_BAD_DATA" if str(error) == "bad" else "SOURCE_UNAVAILABLE"
        return Failure(code=code, lost=str(error) == "lost")

    @property
    def open(self) -> int:
        return sum(not connection.closed for connection in self.made)


NEVER = float("inf")


def pool_of(driver: Scripted, *, size: int = 1) -> Pool:
    return Pool(driver, size=size, statement_timeout_s=60, thread_name="hub-scripted")


async def begun(driver: Scripted) -> None:
    assert await asyncio.to_thread(driver.began.acquire, timeout=60)


@pytest.mark.asyncio
async def test_a_connection_is_used_again_until_a_statement_fails() -> None:
    driver = Scripted()
    pool = pool_of(driver)
    for _ in range(3):
        assert await pool.run("one", (), NEVER) == ((1,),)
    assert len(driver.made) == 1
    with pytest.raises(SourceError) as caught:
        await pool.run("fail", (), NEVER)
    assert caught.value.code == "SOURCE_BAD_DATA"
    assert driver.open == 0
    assert await pool.run("one", (), NEVER) == ((1,),)
    assert len(driver.made) == 2
    await pool.close()
    assert driver.open == 0


@pytest.mark.asyncio
async def test_one_lost_connection_is_made_again_and_no_more() -> None:
    driver = Scripted()
    pool = pool_of(driver)
    await pool.run("one", (), NEVER)
    driver.lost = 1
    assert await pool.run("lose", (), NEVER) == ((1,),)
    driver.lost = 9
    with pytest.raises(SourceError):
        await pool.run("lose", (), NEVER)
    assert driver.lost == 7
    driver.down = True
    with pytest.raises(SourceError):
        await pool.run("one", (), NEVER)
    assert driver.lost == 7
    await pool.close()
    assert driver.open == 0


@pytest.mark.asyncio
async def test_a_full_pool_says_that_it_is_busy_and_a_deadline_ends_what_runs() -> None:
    driver = Scripted()
    pool = pool_of(driver)
    waiting = asyncio.create_task(pool.run("wait", (), NEVER))
    await begun(driver)
    for moment, code in ((-1.0, "SOURCE_TIMEOUT"), (0.05, "SOURCE_BUSY")):
        with pytest.raises(SourceError) as caught:
            await pool.run("one", (), time.monotonic() + moment)
        assert caught.value.code == code
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(SourceError) as caught:
        await pool.run("wait", (), time.monotonic() + 0.1)
    assert caught.value.code == "SOURCE_TIMEOUT"
    assert await pool.run("one", (), NEVER) == ((1,),)
    assert driver.open == 1
    await pool.close()
    assert driver.open == 0


@pytest.mark.asyncio
async def test_cancellation_and_closing_give_everything_back() -> None:
    driver = Scripted()
    pool = pool_of(driver, size=2)
    waiting = asyncio.create_task(pool.run("wait", (), NEVER))
    await begun(driver)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for _ in range(4):
        assert await pool.run("one", (), NEVER) == ((1,),)
    last = asyncio.create_task(pool.run("wait", (), NEVER))
    await begun(driver)
    await pool.close()
    with pytest.raises(SourceError):
        await last
    with pytest.raises(SourceError, match="the source is closed"):
        await pool.run("one", (), NEVER)
    assert driver.open == 0


@pytest.mark.asyncio
async def test_what_becomes_of_the_rows_happens_in_the_thread() -> None:
    driver = Scripted()
    pool = pool_of(driver)
    here = threading.get_ident()
    assert await pool.run("one", (), NEVER, lambda _: threading.get_ident()) != here

    def refuse(_: Rows) -> Any:
        raise SourceError("SOURCE_BAD_DATA", "no")

    with pytest.raises(SourceError, match="no"):
        await pool.run("one", (), NEVER, refuse)
    assert driver.open == 1
    await pool.close()

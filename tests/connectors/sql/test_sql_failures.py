"""What goes wrong in a source becomes one coded error, and the connector lives on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from connectors.spi import Ask, Call, Column
from connectors.sql.connector import PostgresEngine, SqlConnector, connect
from connectors.sql.mysql import MysqlEngine
from connectors.sql.sqlite import Pool
from connectors.sql.statement import Layout, Output, Statement
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName
from schema.model.predicate import Compare, Param

SLEEP = Statement(text="SELECT pg_sleep(20)::text", layout=Layout(outputs=(Output("x", 0),)))
NAP = Statement(text="SELECT SLEEP(20)", layout=Layout(outputs=(Output("x", 0),)))
ENDLESS = Statement(
    text="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    layout=Layout(outputs=(Output("x", 0),)),
)
THINGS = Ask(table="things", columns=(Column("id", "Int"),))


def made(url: str, **more: Any) -> SqlConnector:
    decl = SourceDecl(
        name=SourceName("made"),
        department=DepartmentName("test"),
        kind="sql",
        connect={"url": url, **more},
    )
    return connect(decl, lambda text: text)


def slow_of(source: SqlConnector) -> Statement:
    if isinstance(source._engine, MysqlEngine):
        return NAP
    return SLEEP if isinstance(source._engine, PostgresEngine) else ENDLESS


@pytest.mark.asyncio
async def test_a_deadline_ends_the_statement(source: SqlConnector) -> None:
    began = time.monotonic()
    with pytest.raises(SourceError) as caught:
        await source.fetch_all(slow_of(source), Call(deadline=began + 0.1))
    assert caught.value.code == "SOURCE_TIMEOUT"
    assert time.monotonic() - began < 20
    assert (await source.fetch_all(source.offer(THINGS).handle, Call())).rows == 60


@pytest.mark.asyncio
async def test_a_deadline_that_has_passed_reaches_no_source(source: SqlConnector) -> None:
    with pytest.raises(SourceError) as caught:
        await source.fetch_all(source.offer(THINGS).handle, Call(deadline=time.monotonic() - 1))
    assert caught.value.code in ("SOURCE_TIMEOUT", "SOURCE_BUSY")


@pytest.mark.asyncio
async def test_cancellation_frees_the_source_within_a_second(source: SqlConnector) -> None:
    task = asyncio.create_task(source.fetch_all(slow_of(source), Call()))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await source.fetch_all(source.offer(THINGS).handle, Call())).rows == 60
    assert time.monotonic() - began < 20


@pytest.mark.asyncio
async def test_waiting_for_a_connection_past_the_deadline_is_busy(
    postgres_url: str,
) -> None:
    source = made(postgres_url, pool=1)
    await source.open()
    task = asyncio.create_task(source.fetch_all(SLEEP, Call()))
    await asyncio.sleep(0.05)
    with pytest.raises(SourceError) as caught:
        await source.fetch_all(SLEEP, Call(deadline=time.monotonic() + 0.1))
    assert caught.value.code == "SOURCE_BUSY"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await source.probe()).ok
    await source.close()


@pytest.mark.asyncio
async def test_many_calls_share_few_connections(source: SqlConnector) -> None:
    handle = source.offer(THINGS).handle
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(source.fetch_all(handle, Call())) for _ in range(100)]
    assert {task.result().rows for task in tasks} == {60}


@pytest.mark.asyncio
async def test_a_lost_connection_is_made_again(postgres_url: str) -> None:
    source = made(postgres_url)
    await source.open()
    assert (await source.probe()).ok
    other = await asyncpg.connect(postgres_url)
    await other.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hub'"
    )
    await other.close()
    assert (await source.probe()).ok
    await source.close()


@pytest.mark.asyncio
async def test_a_changed_table_is_prepared_again(postgres_url: str) -> None:
    other = await asyncpg.connect(postgres_url)
    await other.execute("CREATE SCHEMA changing; CREATE TABLE changing.things (id int4)")
    source = made(postgres_url, schema="changing")
    await source.open()
    handle = source.offer(THINGS).handle
    assert (await source.fetch_all(handle, Call())).rows == 0
    await other.execute("ALTER TABLE changing.things ALTER id TYPE int8")
    await other.execute("INSERT INTO changing.things VALUES (1)")
    await other.close()
    assert (await source.fetch_all(handle, Call())).rows == 1
    await source.close()


@pytest.mark.asyncio
async def test_a_source_that_is_not_there_says_nothing_of_itself(tmp_path: Path) -> None:
    for url in ("postgresql://secret@127.0.0.1:1/secret", f"sqlite:///{tmp_path / 'secret.db'}"):
        source = made(url)
        with pytest.raises(SourceError) as caught:
            await source.open()
        assert caught.value.code == "SOURCE_UNAVAILABLE"
        assert "secret" not in str(caught.value)
        assert not (await source.probe()).ok
        await source.close()


@pytest.mark.asyncio
async def test_errors_of_the_source_do_not_leave_it(source: SqlConnector) -> None:
    bad = Statement(text="SELECT secret_column FROM nothing", layout=Layout(outputs=()))
    with pytest.raises(SourceError) as caught:
        await source.fetch_all(bad, Call())
    assert caught.value.code == "SOURCE_UNAVAILABLE"
    assert "secret" not in str(caught.value)
    assert (await source.fetch_all(source.offer(THINGS).handle, Call())).rows == 60


@pytest.mark.asyncio
async def test_nothing_can_be_written(source: SqlConnector) -> None:
    for text in ("DELETE FROM things", "CREATE TABLE made (id int)", "DROP TABLE things"):
        with pytest.raises(SourceError):
            await source.fetch_all(Statement(text=text, layout=Layout(outputs=())), Call())
    assert (await source.fetch_all(source.offer(THINGS).handle, Call())).rows == 60


@pytest.mark.asyncio
async def test_a_param_that_is_not_bound_fails_closed(source: SqlConnector) -> None:
    ask = Ask(
        table="things",
        columns=(Column("id", "Int"),),
        must=Compare("id", "eq", Param("s.region"), "Int"),
    )
    with pytest.raises(HubError) as caught:
        await source.fetch_all(source.offer(ask).handle, Call())
    assert caught.value.code == "INTERNAL"


@pytest.mark.asyncio
async def test_unknown_tables_and_columns_are_refused_when_planned(source: SqlConnector) -> None:
    for ask in (
        Ask(table="nothing", columns=(Column("id", "Int"),)),
        Ask(table="things", columns=(Column("nothing", "Int"),)),
    ):
        with pytest.raises(HubError) as caught:
            source.offer(ask)
        assert caught.value.code == "FRAGMENT_INVALID"


@pytest.mark.parametrize(
    "connect_with",
    [
        {},
        {"url": "not a url"},
        {"url": "oracle://host/name"},
        {"url": "sqlite://"},
        {"url": "sqlite:////tmp/x", "pool": 0},
        {"url": "sqlite:////tmp/x", "timezone": "'; DROP TABLE x"},
        {"url": "sqlite:////tmp/x", "speed": 9},
    ],
)
def test_wrong_connect_mappings_are_refused(connect_with: dict[str, Any]) -> None:
    decl = SourceDecl(
        name=SourceName("wrong"),
        department=DepartmentName("test"),
        kind="sql",
        connect=connect_with,
    )
    with pytest.raises(HubError) as caught:
        connect(decl, lambda text: text)
    assert caught.value.code == "FRAGMENT_INVALID"


@pytest.mark.asyncio
async def test_bad_data_is_a_coded_error(tmp_path: Path, postgres_url: str) -> None:
    path = tmp_path / "bad.sqlite"
    held = sqlite3.connect(path)
    held.executescript(
        "CREATE TABLE things (day DATE, number INTEGER, amount REAL);"
        "INSERT INTO things VALUES ('soon', 'many', 9e999);"
    )
    held.close()
    other = await asyncpg.connect(postgres_url)
    await other.execute(
        "CREATE SCHEMA bad; CREATE TABLE bad.things (day date, number int8, amount float8);"
        "INSERT INTO bad.things VALUES ('infinity', 3000000000, 'NaN')"
    )
    await other.close()
    for source in (made(f"sqlite:///{path}"), made(postgres_url, schema="bad")):
        await source.open()
        for column in (Column("day", "Date"), Column("number", "Int"), Column("amount", "Float")):
            ask = Ask(table="things", columns=(column,))
            with pytest.raises(SourceError) as caught:
                await source.fetch_all(source.offer(ask).handle, Call())
            assert caught.value.code == "SOURCE_BAD_DATA", column
        await source.close()


class SeenPool(Pool):
    """Remembers its connections."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), size=1, zone="UTC", statement_timeout_s=30)
        self.made: list[sqlite3.Connection] = []

    def _connect(self) -> sqlite3.Connection:
        self.made.append(super()._connect())
        return self.made[-1]


@pytest.mark.parametrize("ends", ["before the loop", "after the loop"])
def test_a_connection_in_use_is_closed_after_its_pool(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "held.db"
    path.touch()
    begun, gate = threading.Event(), threading.Event()

    def held(rows: Any) -> Any:
        begun.set()
        gate.wait(30)
        return rows

    async def used() -> SeenPool:
        pool = SeenPool(path)
        deadline = time.monotonic() + 30
        running = asyncio.ensure_future(pool.run("SELECT 1", (), deadline, held))
        waiting = asyncio.ensure_future(pool.run("SELECT 1", (), deadline))
        await asyncio.to_thread(begun.wait, 30)
        await pool.close()
        if ends == "before the loop":
            gate.set()
            assert await running == [(1,)]
            with pytest.raises(SourceError) as caught:
                await waiting
            assert caught.value.code == "SOURCE_UNAVAILABLE"
        return pool

    pool = asyncio.run(used())
    gate.set()
    pool._threads.shutdown(wait=True)
    assert len(pool.made) == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        pool.made[0].execute("SELECT 1")

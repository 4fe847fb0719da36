"""MariaDB is only read, within limits of its own; what goes wrong is one coded error."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
from sqlalchemy.engine import make_url

from connectors.spi import Ask, Call, Column
from connectors.sql.connector import SqlConnector
from connectors.sql.mysql import MysqlDriver, parameters_of
from connectors.sql.statement import Layout, Output, Statement
from schema.errors import HubError, SourceError
from tests.connectors.sql.test_sql_failures import made
from tests.mariadb import LocalMariadb

HELD = Ask(table="held", columns=(Column("id", "Int"),))
TABLE = "CREATE TABLE held (id INT);\nINSERT INTO held VALUES (1)"
NAP = Statement(text="SELECT SLEEP(300)", layout=Layout(outputs=(Output("x", 0),)))
WRITES = (
    "INSERT INTO held VALUES (2)",
    "UPDATE held SET id = 3",
    "DELETE FROM held",
    "CREATE TABLE more (id INT)",
    "DROP TABLE held",
    "CREATE OR REPLACE VIEW more AS SELECT 1",
    "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE held",
    "SELECT writing()",
)
PATIENCE_S = 60


def driver_of(url: str, **more: Any) -> MysqlDriver:
    parameters, _ = parameters_of(make_url(url), "here")
    return MysqlDriver(parameters, **{"statement_timeout_s": 300, **more})


def naps(server: LocalMariadb) -> int:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST "
            "WHERE INFO LIKE '%SLEEP(300)%' AND INFO NOT LIKE '%PROCESSLIST%'"
        )
        ((count,),) = cursor.fetchall()
        return int(count)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)


async def opened(server: LocalMariadb, **more: Any) -> SqlConnector:
    source = made(server.url(server.database(TABLE)), **more)
    await source.open()
    return source


def test_sessions_cannot_write(mariadb: LocalMariadb) -> None:
    name = mariadb.database(
        [*TABLE.split(";\n"),
         "CREATE FUNCTION writing() RETURNS INT BEGIN INSERT INTO held VALUES (9); RETURN 1; END"]
    )  # fmt: skip
    driver = driver_of(mariadb.url(name))
    connection = driver.connect()
    try:
        for text in WRITES:
            with connection.cursor() as cursor, pytest.raises(pymysql.err.Error) as caught:
                cursor.execute(text)
            assert caught.value.args[0] in (1792, 4166), (text, caught.value)
        assert driver.run(connection, "SELECT id FROM held", (), 30) == ((1,),)
    finally:
        driver.close(connection)


def test_the_server_itself_ends_a_statement(mariadb: LocalMariadb) -> None:
    driver = driver_of(mariadb.url("mysql"))
    connection = driver.connect()
    try:
        with pytest.raises(pymysql.err.Error) as caught:
            driver.run(connection, "SELECT COUNT(*) FROM (SELECT SLEEP(300)) x", (), 0.05)
        assert driver.failure(caught.value).code == "SOURCE_TIMEOUT"
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@max_statement_time, @@time_zone, @@sql_mode")
            assert cursor.fetchall() == ((300.0, "+00:00", ""),)
    finally:
        driver.close(connection)


@pytest.mark.asyncio
async def test_what_nobody_waits_for_is_ended_in_the_server(mariadb: LocalMariadb) -> None:
    source = await opened(mariadb, statement_timeout=300, pool=2)
    waiting = [asyncio.create_task(source.fetch_all(NAP, Call())) for _ in range(2)]
    await until(lambda: naps(mariadb) == 2)
    for task in waiting:
        task.cancel()
    for task in waiting:
        with pytest.raises(asyncio.CancelledError):
            await task
    await until(lambda: naps(mariadb) == 0)
    assert (await source.fetch_all(source.offer(HELD).handle, Call())).rows == 1
    last = asyncio.create_task(source.fetch_all(NAP, Call()))
    await until(lambda: naps(mariadb) == 1)
    await source.close()
    with pytest.raises(SourceError):
        await last
    await until(lambda: naps(mariadb) == 0)


@pytest.mark.asyncio
async def test_lost_connections_are_made_again(mariadb: LocalMariadb) -> None:
    source = await opened(mariadb)
    handle = source.offer(HELD).handle
    for _ in range(2):
        with mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = %s",
                (source._engine._schema,),  # type: ignore[attr-defined]
            )
            held = cursor.fetchall()
            assert held
            for (number,) in held:
                cursor.execute("KILL %s", (number,))
        assert (await source.fetch_all(handle, Call())).rows == 1
    await source.close()


@pytest.mark.asyncio
async def test_no_error_tells_what_the_server_says(
    mariadb: LocalMariadb, capsys: pytest.CaptureFixture[str]
) -> None:
    url = mariadb.url(mariadb.database(TABLE))
    denied = url.replace(mariadb.password, "pass-word-7")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"mysql://tester:pass-word-7@127.0.0.1:{closed.getsockname()[1]}/x"
    for wrong in (denied, gone, f"{url}x"):
        source = made(wrong)
        with pytest.raises(SourceError) as caught:
            await source.open()
        assert caught.value.code == "SOURCE_UNAVAILABLE"
        assert str(caught.value) == "the source did not answer"
        health = await source.probe()
        assert not health.ok
        await source.close()
    source = made(url)
    await source.open()
    for text in ("SELECT secret_7 FROM nowhere", "SELECT 1 + "):
        with pytest.raises(SourceError) as caught:
            await source.fetch_all(Statement(text=text, layout=Layout(outputs=())), Call())
        assert str(caught.value) == "the source did not answer"
    await source.close()
    told = capsys.readouterr()
    assert "fetch.failed" in told.err + told.out
    for secret in ("pass-word-7", "secret_7", "127.0.0.1", "nowhere"):
        assert secret not in told.err + told.out


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u@h/d?local_infile=1", "parameter that is not known, `local_infile`"),
        ("mysql://u@h/d?read_default_file=/etc/my.cnf", "`read_default_file`"),
        ("mysql://u@h", "names no database"),
        ("mariadb://u@h/", "names no database"),
        ("mysql://u@h/d?ssl_ca=/nowhere", "`ssl_ca` in `connect.url` is no file"),
        ("mysql://u@h/d?ssl=false", "`ssl` in `connect.url` is `true` or absent"),
        (f"mysql://u@h/d?ssl_ca={__file__}", "certificates of `connect.url` cannot be read"),
    ],
)
def test_urls_that_are_refused(url: str, told: str) -> None:
    with pytest.raises(HubError) as caught:
        made(url)
    assert caught.value.code == "FRAGMENT_INVALID"
    assert told in caught.value.message


class _Asks(socketserver.BaseRequestHandler):
    """A server that asks for the password in clear."""

    def handle(self) -> None:
        greeting = (
            b"\x0a8.0.0\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<H", 0xA20D)
            + b"\x2d\x02\x00" + struct.pack("<H", 0x0008) + b"\x15" + bytes(10)
            + b"123456789012\0mysql_native_password\0"
        )  # fmt: skip
        self._send(0, greeting)
        self._receive()
        self._send(2, b"\xfe" + self.server.asks + b"\0")  # type: ignore[attr-defined]
        self.server.heard += self._receive()  # type: ignore[attr-defined]

    def _send(self, number: int, body: bytes) -> None:
        self.request.sendall(struct.pack("<I", len(body))[:3] + bytes([number]) + body)

    def _receive(self) -> bytes:
        with contextlib.suppress(OSError):
            return bytes(self.request.recv(65536))
        return b""


@pytest.fixture
def rogue(request: pytest.FixtureRequest) -> Iterator[socketserver.TCPServer]:
    """It, on a port of its own."""
    with socketserver.TCPServer(("127.0.0.1", 0), _Asks) as server:
        server.asks, server.heard = request.param, b""  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.asyncio
@pytest.mark.parametrize("rogue", [b"mysql_clear_password", b"mysql_old_password"], indirect=True)
async def test_no_password_goes_in_clear(rogue: Any) -> None:
    source = made(f"mysql://u:pass-word-7@127.0.0.1:{rogue.server_address[1]}/d")
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert caught.value.code == "SOURCE_UNAVAILABLE"
    await source.close()
    rogue.shutdown()
    assert b"pass-word-7" not in rogue.heard
    assert rogue.heard == b""

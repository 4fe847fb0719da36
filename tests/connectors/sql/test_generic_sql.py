"""Databases without a dialect of the hub's own: real ones under other names, by their drivers."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.dialects import registry

from connectors import contract
from connectors.spi import Aggregate, Ask, Call, Column, Connector, Measure, OrderBy
from connectors.sql.connector import SqlConnector
from connectors.sql.generic_dialect import placed
from connectors.sql.statement import Layout, Output, Statement
from schema.errors import HubError, SourceError
from schema.model.predicate import And, Compare, Const, In, Not, Or, Param, Predicate
from tests.connectors.sql import test_mysql, test_sql_contract
from tests.connectors.sql.sample import of_mariadb
from tests.connectors.sql.test_mysql import rows_of
from tests.connectors.sql.test_sql_failures import made
from tests.mariadb import LocalMariadb, mariadb  # noqa: F401 - a fixture
from tests.postgres import postgres_url  # noqa: F401 - a fixture

ELSEWHERE = "sqlalchemy.dialects"
KINDS = {
    "ID": "TEXT", "String": "TEXT COLLATE NOCASE", "Int": "INTEGER", "BigInt": "BIGINT",
    "Float": "REAL", "Decimal": "NUMERIC(30,2)", "Boolean": "BOOLEAN", "Date": "DATE",
    "LocalDateTime": "DATETIME", "DateTime": "DATETIME", "Time": "TIME",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _names() -> None:
    """The same databases under names that the hub has no dialect for."""
    registry.register("lite", f"{ELSEWHERE}.sqlite.pysqlite", "SQLiteDialect_pysqlite")
    registry.register("elephant", f"{ELSEWHERE}.postgresql.psycopg", "PGDialect_psycopg")
    registry.register("seal", f"{ELSEWHERE}.mysql.pymysql", "MySQLDialect_pymysql")
    registry.register("later", f"{ELSEWHERE}.postgresql.asyncpg", "PGDialect_asyncpg")


def lite(path: Path, script: str) -> str:
    """A file with what a script makes; its URL."""
    held = sqlite3.connect(path)
    held.executescript(script)
    held.close()
    return f"lite:///{path}?check_same_thread=false"


async def elephant(url: str, tables: Sequence[contract.TableData]) -> str:
    schema = f"g{uuid.uuid4().hex}"
    source = await test_sql_contract.written(url, schema, tables)
    await source.close()
    return f"{url.replace('postgresql://', 'elephant://')}|{schema}"


def _script(tables: Sequence[contract.TableData]) -> str:
    lines = []
    for table in tables:
        columns = ", ".join(f'"{c.name}" {KINDS[c.kind]}' for c in table.columns)
        lines.append(f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY ("{table.key}"));')
        rows = ", ".join(
            "(" + ", ".join(_value(c.kind, row[c.name]) for c in table.columns) + ")"
            for row in table.rows
        )
        lines.append(f'INSERT INTO "{table.name}" VALUES {rows};')  # noqa: S608
    return "".join(lines)


def _value(kind: str, value: Any) -> str:
    held = of_mariadb(kind, value)
    if held is None:
        return "NULL"
    if isinstance(held, bool):
        return str(int(held))
    return "'" + str(held).replace("'", "''") + "'"


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["lite", "elephant", "seal"])
async def test_the_laws(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    async def loader(tables: Sequence[contract.TableData]) -> Connector:
        more = {}
        if name == "lite":
            url = lite(tmp_path / "laws.db", _script(tables))
        elif name == "elephant":
            server = request.getfixturevalue("postgres_url")
            url, _, more["schema"] = (await elephant(server, tables)).partition("|")
        else:
            other = request.getfixturevalue("mariadb")
            url = other.url(other.database(test_mysql.script(tables)))
            url = url.replace("mysql://", "seal://") + "?charset=utf8mb4"
        source = made(url, **more)
        await source.open()
        return source

    kinds = frozenset(KINDS) - ({"Time"} if name == "seal" else set())
    setting = contract.Setting(
        asks=60 if name == "lite" else 300,
        secret=("127.0.0.1", str(tmp_path)),
        kinds=kinds,
    )
    report = await contract.check(loader, setting)
    assert report.ok, report


SCRIPT = """
CREATE TABLE "or%der:x" (
  "sel""ect" INTEGER NOT NULL, "50%s %(x)s" VARCHAR(20), "姓名" VARCHAR(20), n BIGINT,
  PRIMARY KEY ("sel""ect"));
CREATE TABLE item (
  place INTEGER NOT NULL, number INTEGER NOT NULL, of INTEGER REFERENCES "or%der:x" ("sel""ect"),
  price NUMERIC(12,2), made DATE, at TIMESTAMP, code VARCHAR(9) NOT NULL,
  PRIMARY KEY (number, place), UNIQUE (code));
CREATE VIEW cheap AS SELECT place, price FROM item;
INSERT INTO "or%der:x" VALUES (1, 'M', '张三', 5), (2, 'm', 'a:b', NULL);
INSERT INTO item VALUES (1, 7, 1, 0.50, '2020-02-29', '2020-02-29 12:00:00', 'x'),
  (2, 7, 1, 12.50, NULL, NULL, 'X');
"""


@pytest_asyncio.fixture(params=["lite", "elephant"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The same tables in a file and in a server: URL and further options."""
    if request.param == "lite":
        yield lite(tmp_path / "held.db", SCRIPT), {}
        return
    url, schema = request.getfixturevalue("postgres_url"), f"g{uuid.uuid4().hex}"
    connection = await asyncpg.connect(url)
    await connection.execute(f'CREATE SCHEMA "{schema}"; SET search_path = "{schema}"; {SCRIPT}')
    await connection.close()
    yield url.replace("postgresql://", "elephant://"), {"schema": schema}


@pytest_asyncio.fixture
async def source(place: tuple[str, dict[str, str]]) -> AsyncIterator[SqlConnector]:
    """A connector to them, opened."""
    url, more = place
    opened = made(url, **more)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.asyncio
async def test_names_and_types(source: SqlConnector) -> None:
    number, name = Column('sel"ect', "Int"), Column("50%s %(x)s", "String")
    ask = Ask(
        table="or%der:x",
        columns=(number, name, Column("姓名", "String"), Column("n", "BigInt")),
        wish=Compare('sel"ect', "ge", Param("v"), "Int"),
        order=(OrderBy("n", True), OrderBy('sel"ect')),
    )
    assert await rows_of(source, ask, params={"v": 1}) == {
        "sel\"ect": [2, 1], "50%s %(x)s": ["m", "M"], "姓名": ["a:b", "张三"], "n": [None, "5"],
    }  # fmt: skip
    shown = {"price": "Decimal", "made": "Date", "at": "DateTime", "of": "ID"}
    columns = tuple(Column(name, kind) for name, kind in shown.items())  # type: ignore[arg-type]
    ask = Ask(table="item", columns=columns, known=(Column("place", "Int"),),
              order=(OrderBy("place"),))  # fmt: skip
    assert await rows_of(source, ask) == {
        "price": ["0.50", "12.50"], "made": ["2020-02-29", None],
        "at": ["2020-02-29T12:00:00Z", None], "of": ["1", "1"],
    }  # fmt: skip
    shape = {table.name: table for table in (await source.discover()).tables}
    assert set(shape) == {"or%der:x", "item", "cheap"}
    assert shape["item"].keys == (("number", "place"), ("code",))
    (reference,) = shape["item"].foreign_keys
    assert (reference.columns, reference.to_table) == (("of",), "or%der:x")
    kinds = {column.name: column.kind for column in shape["item"].columns}
    assert kinds == {
        "place": "Int", "number": "Int", "of": "Int", "price": "Decimal", "made": "Date",
        "at": "LocalDateTime", "code": "String",
    }  # fmt: skip


@pytest.mark.asyncio
async def test_keys_are_sought_in_the_source_and_picked_by_the_hub(source: SqlConnector) -> None:
    code, parts = Column("code", "String"), (Column("place", "Int"), Column("number", "Int"))
    by_text = source.offer(Ask(table="item", columns=(code,), key_columns=("code",)))
    assert " IN " in by_text.handle.text
    assert by_text.residual is not None
    got = await source.fetch_all(by_text.handle, Call(keys=[("x",), ("nowhere",)]))
    assert list(got.columns["code"]) == ["x"]
    by_parts = source.offer(
        Ask(table="item", columns=(code,), known=parts, key_columns=("place", "number"))
    )
    got = await source.fetch_all(by_parts.handle, Call(keys=[(2, 7), (7, 2)]))
    assert list(got.columns["code"]) == ["X"]


@pytest.mark.asyncio
async def test_what_is_not_alike_everywhere_is_left_to_the_hub(source: SqlConnector) -> None:
    columns = (Column("place", "Int"), Column("price", "Decimal"), Column("code", "String"))
    left: list[Predicate] = [
        Compare("code", "eq", Const("x"), "String"),
        Compare("price", "gt", Const("1"), "Decimal"),
        Compare("code", "prefix", Const("x"), "String"),
    ]
    for wish in left:
        residual = source.offer(Ask(table="item", columns=columns, wish=wish)).residual
        assert residual is not None
        assert residual.wish == wish
    ask = Ask(table="item", columns=columns, order=(OrderBy("code"),), limit=1)
    assert source.offer(ask).residual is not None
    whole = And((
        Compare("place", "ge", Const(1), "Int"),
        Not(In("place", Param("none"), "Int")),
        Or((Not(In("place", Param("few"), "Int")), Compare("place", "eq", Const(2), "Int"))),
    ))  # fmt: skip
    figures = Aggregate((), (Measure("n", "count"), Measure("m", "max", "place")))
    counted = Ask(table="item", columns=(), known=columns, wish=whole, aggregate=figures)
    params = {"none": [], "few": [1]}
    assert await rows_of(source, counted, params=params) == {"n": [1], "m": [2]}


@pytest.mark.asyncio
async def test_nothing_is_written(source: SqlConnector) -> None:
    schema = source._engine._schema  # type: ignore[attr-defined]
    of = f'"{schema}".item' if schema else "item"
    one = Layout(outputs=(Output("n", 0),))
    count = Statement(text=f"SELECT count(*) FROM {of}", layout=one)  # noqa: S608 - of this test
    writes = [f"DELETE FROM {of}", f"UPDATE {of} SET of = NULL"]  # noqa: S608 - as above
    if schema:
        writes.append(f"DELETE FROM {of} RETURNING place")  # noqa: S608 - as above
    for text in writes:
        with pytest.raises(SourceError):
            await source.fetch_all(Statement(text=text, layout=one), Call())
        assert list((await source.fetch_all(count, Call())).columns["n"]) == [2]


@pytest.mark.asyncio
async def test_what_nobody_waits_for_is_cancelled(postgres_url: str) -> None:  # noqa: F811
    source = made(postgres_url.replace("postgresql://", "elephant://"), pool=1)
    await source.open()
    other = await asyncpg.connect(postgres_url)
    mark = uuid.uuid4().hex
    nap = Statement(
        text=f"SELECT pg_sleep(300), '{mark}'", layout=Layout(outputs=(Output("x", 1),))
    )
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = $1"

    async def until(count: int) -> None:
        end = time.monotonic() + 60
        while await other.fetchval(running, nap.text) != count:
            assert time.monotonic() < end, "waited in vain"
            await asyncio.sleep(0.02)

    task = asyncio.create_task(source.fetch_all(nap, Call()))
    await until(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(0)
    with pytest.raises(SourceError) as caught:
        await source.fetch_all(nap, Call(deadline=time.monotonic() + 0.5))
    assert caught.value.code == "SOURCE_TIMEOUT"
    await until(0)
    await other.close()
    await source.close()


@pytest.mark.asyncio
async def test_a_lost_connection_is_made_again(postgres_url: str) -> None:  # noqa: F811
    source = made(postgres_url.replace("postgresql://", "elephant://"), pool=1)
    await source.open()
    who = Statement(text="SELECT pg_backend_pid()", layout=Layout(outputs=(Output("pid", 0),)))

    async def pid() -> int:
        return int((await source.fetch_all(who, Call())).columns["pid"][0])

    first = await pid()
    assert await pid() == first
    other = await asyncpg.connect(postgres_url)
    await other.execute("SELECT pg_terminate_backend($1, 60000)", first)
    await other.close()
    assert await pid() != first
    await source.close()


def test_params_in_every_style() -> None:
    text, arguments = '"50%%" = %s AND b IN %s AND c IN %s', [1, ["x", "y"], []]
    by_place = {
        "qmark": '"50%" = ? AND b IN (?, ?) AND c IN (NULL)',
        "format": '"50%%" = %s AND b IN (%s, %s) AND c IN (NULL)',
        "numeric": '"50%" = :1 AND b IN (:2, :3) AND c IN (NULL)',
        "numeric_dollar": '"50%" = $1 AND b IN ($2, $3) AND c IN (NULL)',
    }
    for style, wanted in by_place.items():
        assert placed(text, arguments, style) == (wanted, (1, "x", "y"))
    by_name = {
        "named": '"50%" = :p1 AND b IN (:p2, :p3) AND c IN (NULL)',
        "pyformat": '"50%%" = %(p1)s AND b IN (%(p2)s, %(p3)s) AND c IN (NULL)',
    }
    for style, wanted in by_name.items():
        assert placed(text, arguments, style) == (wanted, {"p1": 1, "p2": "x", "p3": "y"})


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nothing://u@h/d", "no driver for `nothing`"),
        ("oracle+cx_oracle://u:pass-word-7@h/d", "the dialect `oracle` needs is not installed"),
        ("later://h/d", "asynchronous"),
        ("lite:///x?plugin=any", "may name no plugin"),
        ("lite://u:pass-word-7@h/d", "does not take this `connect.url`"),
    ],
)
def test_urls_that_are_refused(url: str, told: str) -> None:
    with pytest.raises(HubError) as caught:
        made(url)
    assert caught.value.code == "FRAGMENT_INVALID"
    assert told in caught.value.message
    assert "pass-word-7" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.asyncio
async def test_no_error_tells_what_the_driver_says(
    tmp_path: Path,
    postgres_url: str,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, address = postgres_url.rpartition("@")
    for url in (
        f"elephant://nobody:pass-word-7@{address}",
        f"lite:///{tmp_path}/secret-folder-7/x.db?check_same_thread=false",
    ):
        source = made(url)
        with pytest.raises(SourceError) as caught:
            await source.open()
        assert caught.value.code == "SOURCE_UNAVAILABLE"
        assert str(caught.value) == "the source did not answer"
        assert not (await source.probe()).ok
        await source.close()
    told = capsys.readouterr()
    for secret in ("pass-word-7", "secret-folder-7", "nobody"):
        assert secret not in told.err + told.out

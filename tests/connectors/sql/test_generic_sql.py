"""Databases without a dialect of the hub's own: real ones under other names, by their drivers."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.dialects import registry

from connectors import contract
from connectors.spi import Ask, Call, Column, Connector, Measure, Aggregate, OrderBy
from connectors.sql.connector import SqlConnector
from connectors.sql.generic_dialect import placed
from connectors.sql.mysql_values import literal
from connectors.sql.slots import Slot
from connectors.sql.statement import Layout, Output, Statement
from connectors.sql import bind
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
    registry.register("later", f"{ELSEWHERE}.sqlite.aiosqlite", "SQLiteDialect_aiosqlite")


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


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name", ["lite", *(pytest.param(n, marks=pytest.mark.slow) for n in ("elephant", "seal"))]
)
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
    setting = contract.Setting(asks=60, secret=("127.0.0.1", str(tmp_path)), kinds=kinds)
    report = await contract.check(loader, setting)
    assert report.ok, report

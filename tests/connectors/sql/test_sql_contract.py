"""PostgreSQL keeps every law of the connector SPI, documents included."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from connectors import contract
from connectors.spi import Connector
from connectors.sql.connector import SqlConnector
from tests.connectors.sql.test_sql_failures import made
from tests.postgres import postgres_url  # noqa: F401 - a fixture

NATIVE = {
    "ID": "text", "String": "text", "Int": "int4", "BigInt": "int8", "Float": "float8",
    "Decimal": "numeric", "Boolean": "bool", "Date": "date", "LocalDateTime": "timestamp",
    "DateTime": "timestamptz", "Time": "time",
}  # fmt: skip


def _literal(kind: str, value: Any) -> str:
    if value is None:
        return "NULL"
    return f"CAST('{str(value).replace(chr(39), chr(39) * 2)}' AS {NATIVE[kind]})"


async def written(url: str, schema: str, tables: Sequence[contract.TableData]) -> SqlConnector:
    """The data set in a schema of its own, indexed, and a connector to it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'CREATE SCHEMA "{schema}"; SET search_path = "{schema}"')
        for table in tables:
            columns = ", ".join(f'"{c.name}" {NATIVE[c.kind]}' for c in table.columns)
            await connection.execute(
                f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY ("{table.key}"));'
                f'CREATE INDEX ON "{table.name}" (parent)'
            )
            rows = ", ".join(
                "(" + ", ".join(_literal(c.kind, row[c.name]) for c in table.columns) + ")"
                for row in table.rows
            )
            await connection.execute(f'INSERT INTO "{table.name}" VALUES {rows}')  # noqa: S608
    finally:
        await connection.close()
    source = made(url, schema=schema)
    await source.open()
    return source


@pytest.mark.asyncio
async def test_the_laws(postgres_url: str) -> None:  # noqa: F811
    async def loader(tables: Sequence[contract.TableData]) -> Connector:
        return await written(postgres_url, f"c{uuid.uuid4().hex}", tables)

    report = await contract.check(loader, contract.Setting(asks=300, secret=("127.0.0.1",)))
    assert report.ok, report

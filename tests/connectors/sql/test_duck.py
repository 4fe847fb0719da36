"""DuckDB files keep every law of the connector SPI, and are only read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import contract
from connectors.spi import Ask, Batch, Call, Column, Connector, OrderBy
from connectors.sql.connector import SqlConnector
from connectors.sql.statement import Layout, Output, Statement
from hub.cli.source import connect_of, kind_of
from schema.errors import HubError, SourceError
from schema.model.predicate import Compare, Const, Predicate
from tests.connectors.sql.test_sql_failures import made

NATIVE = {
    "ID": "VARCHAR", "String": "VARCHAR COLLATE NOCASE", "Int": "INTEGER", "BigInt": "BIGINT",
    "Float": "DOUBLE", "Decimal": "DECIMAL(30,2)", "Boolean": "BOOLEAN", "Date": "DATE",
    "LocalDateTime": "TIMESTAMP", "DateTime": "TIMESTAMPTZ", "Time": "TIME", "JSON": "JSON",
}  # fmt: skip
ODD = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE SCHEMA other;
CREATE TABLE other.elsewhere (id INTEGER PRIMARY KEY);
CREATE TABLE "order" (
  "select" INTEGER PRIMARY KEY, "Größe" VARCHAR COLLATE NOCASE, "größer" mood, big UBIGINT,
  huge HUGEINT, exact DECIMAL(38,10), price DECIMAL(12,2), tags VARCHAR[], more JSON, u UUID,
  "at" TIMESTAMP, tiny UTINYINT, "a""b" VARCHAR NOT NULL UNIQUE);
CREATE TABLE item (
  place INTEGER, number INTEGER, "order" INTEGER REFERENCES "order" ("select"),
  PRIMARY KEY (number, place));
CREATE VIEW cheap AS SELECT "select", price FROM "order";
INSERT INTO "order" VALUES
  (1, 'Ab', 'sad', 18446744073709551615, 170141183460469231731687303715884105727,
   9999999999999999999999999999.0000000001, 9999999999.99, ['x', NULL], '{"k": [1]}',
   '00000000-0000-0000-0000-00000000000a', '2024-07-01 12:00:00', 255, 'nul' || chr(0)),
  (2, 'aB', 'glad', 0, 0, 0, 0.10, NULL, NULL, NULL, '2024-01-01 12:00:00', 0, 'b'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, [], 'null', NULL, NULL, NULL, 'ß');
"""


def _native(column: Column, _: str = "") -> str:
    return NATIVE[column.kind]


def _literal(column: Column, value: Any) -> str:
    if value is None:
        return "NULL"
    return f"CAST('{str(value).replace(chr(39), chr(39) * 2)}' AS {NATIVE[column.kind].split()[0]})"


def written(path: Path, text: str, **more: Any) -> SqlConnector:
    held = duckdb.connect(str(path))
    held.execute(text)
    held.close()
    return made(f"duckdb:///{path}", **more)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_laws(tmp_path: Path) -> None:
    async def loader(tables: Sequence[contract.TableData]) -> Connector:
        lines = []
        for table in tables:
            columns = ", ".join(f'"{c.name}" {_native(c)}' for c in table.columns)
            lines.append(f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY ("{table.key}"));')
            rows = ", ".join(
                "(" + ", ".join(_literal(c, row[c.name]) for c in table.columns) + ")"
                for row in table.rows
            )
            lines.append(f'INSERT INTO "{table.name}" VALUES {rows};')  # noqa: S608
        source = written(tmp_path / "laws.duckdb", "".join(lines))
        await source.open()
        return source

    report = await contract.check(loader, contract.Setting(asks=150, secret=(str(tmp_path),)))
    assert report.ok, report


async def rows(source: SqlConnector, kinds: dict[str, str], **more: Any) -> Batch:
    columns = tuple(Column(name, kind) for name, kind in kinds.items())  # type: ignore[arg-type]
    more.setdefault("order", (OrderBy("select"),))
    known = (Column("select", "Int"),)
    offer = source.offer(Ask(table="order", columns=columns, known=known, **more))
    assert offer.residual is None
    return await source.fetch_all(offer.handle, Call())


@pytest.mark.asyncio
async def test_every_value_comes_without_loss(tmp_path: Path) -> None:
    source = written(tmp_path / "odd.duckdb", ODD, timezone="Europe/Berlin")
    await source.open()
    kinds = {
        "Größe": "String", "größer": "String", "big": "Decimal", "huge": "Decimal",
        "exact": "Decimal", "price": "Decimal", "tags": "JSON", "more": "JSON", "u": "ID",
        "at": "DateTime", "tiny": "Int", 'a"b': "String",
    }  # fmt: skip
    got = await rows(source, kinds)
    assert {name: next(iter(column)) for name, column in got.columns.items()} == {
        "Größe": "Ab", "größer": "sad", "big": "18446744073709551615",
        "huge": "170141183460469231731687303715884105727",
        "exact": "9999999999999999999999999999.0000000001", "price": "9999999999.99",
        "tags": ["x", None], "more": {"k": [1]}, "u": "00000000-0000-0000-0000-00000000000a",
        "at": "2024-07-01T10:00:00Z", "tiny": 255, 'a"b': "nul\0",
    }  # fmt: skip
    await source.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "kind", "op", "value", "found"),
    [
        ("Größe", "String", "eq", "ab", []),
        ("Größe", "String", "eq", "aB", [2]),
        ("Größe", "String", "prefix", "A", [1]),
        ("Größe", "String", "gt", "Zz", [2]),
        ("größer", "String", "lt", "h", [2]),
        ('a"b', "String", "eq", "nul\0", [1]),
        ("price", "Decimal", "eq", "0.100", [2]),
        ("price", "Decimal", "eq", "0.104", []),
        ("price", "Decimal", "lt", "0.104", [2]),
        ("price", "Decimal", "ge", "0.104", [1]),
        ("price", "Decimal", "lt", "1" + "0" * 60, [1, 2]),
        ("price", "Decimal", "gt", "-1" + "0" * 60, [1, 2]),
        ("tiny", "Int", "gt", -1, [1, 2]),
        ("at", "LocalDateTime", "lt", "2024-07-01T12:00:00", [2]),
    ],
)
async def test_the_source_compares_as_the_hub_does(
    tmp_path: Path, name: str, kind: str, op: Any, value: Any, found: list[int]
) -> None:
    source = written(tmp_path / "odd.duckdb", ODD)
    await source.open()
    wish: Predicate = Compare(name, op, Const(value), kind)  # type: ignore[arg-type]
    columns = (Column("select", "Int"),)
    known = (*columns, Column(name, kind))  # type: ignore[arg-type]
    ask = Ask(table="order", columns=columns, known=known, wish=wish, order=(OrderBy("select"),))
    offer = source.offer(ask)
    assert offer.residual is None
    got = await source.fetch_all(offer.handle, Call())
    assert list(got.columns["select"]) == found
    await source.close()


@pytest.mark.asyncio
async def test_types_keys_and_references(tmp_path: Path) -> None:
    source = written(tmp_path / "odd.duckdb", ODD)
    shape = {table.name: table for table in (await source.discover()).tables}
    await source.close()
    assert set(shape) == {"order", "item", "cheap"}
    assert shape["order"].keys == (("select",), ('a"b',))
    assert shape["item"].keys == (("number", "place"),)
    (reference,) = shape["item"].foreign_keys
    assert (reference.columns, reference.to_table) == (("order",), "order")
    assert reference.to_columns == ("select",)
    kinds = {column.name: column.kind for column in shape["order"].columns}
    assert kinds == {
        "select": "Int", "Größe": "String", "größer": "String", "big": "Decimal",
        "huge": "Decimal", "exact": "Decimal", "price": "Decimal", "tags": "JSON",
        "more": "JSON", "u": "String", "at": "LocalDateTime", "tiny": "Int", 'a"b': "String",
    }  # fmt: skip


def statement(text: str) -> Statement:
    return Statement(text=text, layout=Layout(outputs=(Output("c", 0),)))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO item VALUES (1, 1, 1)",
        "CREATE TABLE more (id INTEGER)",
        "SELECT content FROM read_text('/etc/hostname')",
        "ATTACH '/tmp/never.duckdb'",
        "SET enable_external_access=true",
        "SET TimeZone='Asia/Tokyo'",
    ],
)
async def test_nothing_is_written_and_nothing_else_is_reached(tmp_path: Path, text: str) -> None:
    source = written(tmp_path / "odd.duckdb", ODD)
    again = made(f"duckdb:///{tmp_path / 'odd.duckdb'}")  # as after a change of the fragment
    for one in (source, again):
        await one.open()
        with pytest.raises(SourceError):
            await one.fetch_all(statement(text), Call())
        assert (await one.probe()).ok
    await source.close()
    assert (await again.probe()).ok
    await again.close()
    assert (await again.probe()).code == "SOURCE_UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_long_statement_ends_in_the_source(tmp_path: Path) -> None:
    source = written(tmp_path / "odd.duckdb", ODD, pool=1, statement_timeout=1)
    await source.open()
    endless = statement("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")
    with pytest.raises(SourceError) as caught:
        await source.fetch_all(endless, Call())
    assert caught.value.code == "SOURCE_TIMEOUT"
    task = asyncio.create_task(source.fetch_all(endless, Call()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # the only slot is free again: the statements are gone, not only forgotten
    got = await source.fetch_all(statement("SELECT 1"), Call(deadline=time.monotonic() + 30))
    assert got.rows == 1
    await source.close()


def test_places_and_urls(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.touch()
    assert kind_of(str(path)) == "sql"
    assert kind_of("duckdb:////data/a.duckdb") == "sql"
    assert connect_of(str(path), "sql") == {"url": f"duckdb:///{path}"}
    with pytest.raises(HubError, match="names no database file"):
        made("duckdb:///:memory:")
    with pytest.raises(HubError) as caught:
        made("nothing://u@h/d")
    assert "duckdb" in (caught.value.hint or "")

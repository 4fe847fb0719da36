"""Names and values that would break carelessly written SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from connectors.spi import Aggregate, Ask, Call, Column, Join, Measure, OrderBy
from connectors.sql.connector import SqlConnector
from schema.errors import HubError
from schema.model.predicate import And, Compare, In, InKeys, Param
from tests.connectors.sql.test_sql_failures import made

COLUMNS = [
    "select",
    "Select",
    "a b",
    'quo"te',
    "semi;--",
    "人名",
    "%s",
    ":x",
    "?",
    "$1",
    "c0",
    "n",
    "x.y",
    "'",
]
TABLES = ["order", "Order", 'dro"p; --', "居民", "t", "p %s", "x"]
NASTY = [
    "' OR 1=1 --",
    '"; DROP TABLE x; --',
    "%",
    "_",
    "\\",
    "$1",
    "?",
    ":x",
    "{}",
    "\x00",
    "a\x00b",
    "\U0010ffff",
]


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def script() -> str:
    columns = ", ".join(f"{quote(name)} text" for name in COLUMNS)
    rows = "VALUES (" + ", ".join(["'v'"] * len(COLUMNS)) + ", 1)"
    return ";".join(
        f"CREATE TABLE {quote(table)} ({columns}, key int PRIMARY KEY);"
        f"INSERT INTO {quote(table)} {rows}"
        for table in TABLES
        if table != "Order"
    )


@pytest_asyncio.fixture(params=["postgres", "sqlite"])
async def named(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlConnector]:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        other = await asyncpg.connect(url)
        await other.execute(
            'DROP SCHEMA IF EXISTS "we""ird 名" CASCADE; CREATE SCHEMA "we""ird 名"'
        )
        await other.execute('SET search_path = "we""ird 名"')
        await other.execute(script())
        await other.execute('CREATE TABLE "Order" ("Select" text)')
        await other.close()
        source = made(url, schema='we"ird 名')
    else:
        held = sqlite3.connect(tmp_path / "na me?%.db")
        text = script().replace('"Select" text, ', "")
        held.executescript(text.replace(", 'v', 1)", ", 1)"))
        held.close()
        source = made(f"sqlite:///{tmp_path}/na me%3F%25.db")
    await source.open()
    yield source
    await source.close()


@pytest.mark.asyncio
async def test_any_identifier_is_taken_literally(named: SqlConnector) -> None:
    shape = await named.discover()
    assert {table.name for table in shape.tables} >= set(TABLES) - {"Order"}
    for table in shape.tables:
        if table.name == "Order":
            continue
        names = [column.name for column in table.columns if column.name != "key"]
        assert "人名" in names
        columns = tuple(Column(name, "String") for name in names)
        wish = And(tuple(Compare(name, "eq", Param("v"), "String") for name in names))
        ask = Ask(
            table=table.name,
            columns=columns,
            known=(Column("key", "Int"),),
            wish=wish,
            order=tuple(OrderBy(name, descending=True) for name in names),
            limit=5,
            joins=(
                Join(
                    name="j",
                    on=(("key", "key"),),
                    many=False,
                    ask=Ask(table="居民", columns=columns[:3]),
                ),
            ),
        )
        offer = named.offer(ask)
        assert offer.residual is None
        got = await named.fetch_all(offer.handle, Call(params={"v": "v"}))
        assert {name: list(got.columns[name]) for name in names} == {n: ["v"] for n in names}
        assert list(got.nested["j"].offsets) == [0, 1]
        grouped = Ask(
            table=table.name,
            columns=(),
            known=columns,
            aggregate=Aggregate(tuple(names[:3]), (Measure("c 0", "count", names[4]),)),
        )
        got = await named.fetch_all(named.offer(grouped).handle, Call())
        assert list(got.columns["c 0"]) == [1]


@pytest.mark.asyncio
async def test_values_never_reach_the_text(source: SqlConnector) -> None:
    for op in ("eq", "prefix", "contains"):
        wish = Compare("name", op, Param("v"), "String")  # type: ignore[arg-type]
        handle = source.offer(
            Ask(table="things", columns=(Column("name", "String"),), wish=wish)
        ).handle
        for value in NASTY:
            assert value not in repr(handle) or len(value) == 1 or value in ("$1",)
            got = await source.fetch_all(handle, Call(params={"v": value}))
            for name in got.columns["name"]:
                assert {"eq": name == value, "prefix": name.startswith(value)}.get(
                    op, value in name
                )
    keyed = Ask(
        table="things",
        columns=(Column("id", "Int"),),
        known=(Column("name", "String"), Column("code", "ID")),
        key_columns=("name", "code"),
    )
    got = await source.fetch_all(
        source.offer(keyed).handle, Call(keys=[(a, b) for a in NASTY for b in NASTY])
    )
    assert got.rows == 0
    for held in (
        In("name", Param("v"), "String"),
        InKeys(("name",), Param("k"), ("String",)),
    ):
        ask = Ask(table="things", columns=(Column("name", "String"),), wish=held)
        call = Call(params={"v": NASTY, "k": [(value,) for value in NASTY]})
        assert (await source.fetch_all(source.offer(ask).handle, call)).rows == 0


@pytest.mark.asyncio
async def test_thousands_of_keys_in_one_fetch(source: SqlConnector) -> None:
    count = source.capabilities.max_keys
    single = Ask(table="things", columns=(Column("id", "Int"),), key_columns=("id",))
    keys = [(number,) for number in range(count)]
    assert (await source.fetch_all(source.offer(single).handle, Call(keys=keys))).rows == 60
    double = Ask(
        table="things",
        columns=(Column("id", "Int"),),
        known=(Column("parent", "Int"),),
        key_columns=("id", "parent"),
        limit=1,
        order=(OrderBy("id"),),
    )
    pairs = [(number, number % 12) for number in range(count)]
    assert (await source.fetch_all(source.offer(double).handle, Call(keys=pairs))).rows <= 60


@pytest.mark.asyncio
async def test_a_table_name_that_looks_like_a_param_is_refused(tmp_path: Path) -> None:
    held = sqlite3.connect(tmp_path / "x.db")
    held.execute('CREATE TABLE "a%(hub_0)s" (id int)')
    held.close()
    source = made(f"sqlite:///{tmp_path}/x.db")
    await source.open()
    with pytest.raises(HubError):
        source.offer(Ask(table="a%(hub_0)s", columns=(Column("id", "Int"),)))
    await source.close()

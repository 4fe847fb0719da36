"""A sample database in three dialects: every kind, nulls, odd text; and its content as the Hub
has to see it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from connectors.memory import MemoryConnector
from connectors.spi import Column
from connectors.sql.connector import SqlConnector, connect
from connectors.sql.mysql_values import literal
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName
from tests.mariadb import LocalMariadb

TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b%",
    "a_b",
    "Z",
    "é",
    "é z",
    "张三",
    "李四",
    "😀",
    "\uffff",
    "a'b",
    'q"q',
]
DAYS = ["0999-12-31", "1970-01-01", "2020-02-29", "2020-03-01", "9999-12-31"]
MOMENTS = [
    "1970-01-01T00:00:00",
    "2020-02-29T12:00:00",
    "2020-02-29T12:00:00.5",
    "2020-02-29T12:00:00.000001",
    "2020-02-29T12:00:01",
]
KINDS: dict[str, str] = {
    "id": "Int",
    "code": "ID",
    "big": "BigInt",
    "name": "String",
    "amount": "Decimal",
    "ratio": "Float",
    "flag": "Boolean",
    "day": "Date",
    "at": "LocalDateTime",
    "stamp": "DateTime",
    "clock": "Time",
    "parent": "Int",
    "number": "ID",
}
COLUMNS = tuple(Column(name, kind) for name, kind in KINDS.items())  # type: ignore[arg-type]
_POSTGRES = """
CREATE TABLE things (
  id int4 PRIMARY KEY, code varchar(40), big int8, name text, amount numeric(12,2), ratio float8,
  flag bool, day date, at timestamp, stamp timestamptz, clock time, parent int4, number int8);
CREATE INDEX ON things (parent);
CREATE TABLE children (LIKE things INCLUDING ALL);
"""
_SQLITE = """
CREATE TABLE things (
  id INTEGER PRIMARY KEY, code VARCHAR(40), big BIGINT, name TEXT, amount NUMERIC(12,2), ratio REAL,
  flag BOOLEAN, day DATE, at DATETIME, stamp TIMESTAMPTZ, clock TIME, parent INTEGER,
  number INTEGER);
CREATE INDEX things_parent ON things (parent);
CREATE TABLE children (
  id INTEGER PRIMARY KEY, code VARCHAR(40), big BIGINT, name TEXT, amount NUMERIC(12,2), ratio REAL,
  flag BOOLEAN, day DATE, at DATETIME, stamp TIMESTAMPTZ, clock TIME, parent INTEGER,
  number INTEGER);
CREATE INDEX children_parent ON children (parent);
"""
_MARIADB = """
CREATE TABLE things (
  id INT PRIMARY KEY, code VARCHAR(40), big BIGINT, name VARCHAR(200), amount DECIMAL(12,2),
  ratio DOUBLE, flag BOOLEAN, day DATE, at DATETIME(6), stamp DATETIME(6), clock TIME(6),
  parent INT, number BIGINT, KEY (parent), KEY (code), KEY (name));
CREATE TABLE children LIKE things
"""


def rows_of(chance: Random, count: int, parents: int) -> list[dict[str, Any]]:
    """Random canonical rows with many equal values and nulls."""

    def one(values: list[Any]) -> Any:
        return None if chance.random() < 0.15 else chance.choice(values)

    return [
        {
            "id": number,
            "code": one(TEXTS),
            "big": one(["-9223372036854775808", "0", "7", "9223372036854775807"]),
            "name": one(TEXTS),
            "amount": one(["-1.50", "0.00", "0.10", "0.99", "12.50", "1000000.01"]),
            "ratio": one([-1.5, 0.0, 0.1, 1e300, 2.5]),
            "flag": one([True, False]),
            "day": one(DAYS),
            "at": one(MOMENTS),
            "stamp": one([f"{moment}Z" for moment in MOMENTS]),
            "clock": one(["00:00:00", "12:30:00", "12:30:00.25", "23:59:59"]),
            "parent": one(list(range(1, parents + 1))),
            "number": one(["-5", "7", "10", "9", "100"]),
        }
        for number in range(1, count + 1)
    ]


def tables(seed: int = 1) -> dict[str, list[dict[str, Any]]]:
    """What both databases hold."""
    chance = Random(seed)
    return {"things": rows_of(chance, 60, 12), "children": rows_of(chance, 150, 70)}


def memory() -> MemoryConnector:
    """The reference over the same rows."""
    return MemoryConnector(SourceName("memory"), tables())


def _connector(url: str, **more: Any) -> SqlConnector:
    decl = SourceDecl(
        name=SourceName("sample"),
        department=DepartmentName("test"),
        kind="sql",
        connect={"url": url, **more},
    )
    return connect(decl, lambda text: text)


def _literal(kind: str, value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind in ("Int", "BigInt", "Float", "Decimal"):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


async def postgres_source(
    url: str, schema: str, *, counted: bool = True, **more: Any
) -> SqlConnector:
    """The sample in a schema of its own, opened; `counted`: with statistics."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'CREATE SCHEMA "{schema}"; SET search_path = "{schema}"')
        await connection.execute(_POSTGRES)
        for name, rows in tables().items():
            lines = ", ".join(
                "(" + ", ".join(_literal(KINDS[c], row[c]) for c in KINDS) + ")" for row in rows
            )
            await connection.execute(f"INSERT INTO {name} VALUES {lines}")  # noqa: S608
        if counted:
            await connection.execute("ANALYZE things, children")
    finally:
        await connection.close()
    made = _connector(url, schema=schema, **more)
    await made.open()
    return made


async def mariadb_source(server: LocalMariadb, **more: Any) -> SqlConnector:
    """The sample in a database of its own whose collation ignores case and accents, opened."""
    made = _MARIADB.split(";\n")
    for name, rows in tables().items():
        lines = ", ".join(
            "(" + ", ".join(literal(of_mariadb(KINDS[c], row[c])) for c in KINDS) + ")"
            for row in rows
        )
        made.append(f"INSERT INTO {name} VALUES {lines}")  # noqa: S608
    source = _connector(server.url(server.database(made)), **more)
    await source.open()
    return source


def of_mariadb(kind: str, value: Any) -> Any:
    """A canonical value as one that is stored."""
    if value is None or kind not in ("DateTime", "LocalDateTime"):
        return value
    return str(value).replace("T", " ").removesuffix("Z")


def _stored(kind: str, value: Any, chance: Random) -> Any:
    """A stored form, one of those that SQLite applications really use."""
    if value is None or kind not in ("LocalDateTime", "DateTime", "BigInt", "Decimal"):
        return value
    if kind == "BigInt":
        return int(value)
    if kind == "Decimal":
        return float(value)
    bare = value.removesuffix("Z")
    spaced = bare.replace("T", " ")
    if kind == "LocalDateTime":
        return chance.choice([bare, spaced])
    return chance.choice([value, spaced, f"{bare}+00:00", f"{spaced}+00:00"])


async def sqlite_source(path: Path, **more: Any) -> SqlConnector:
    """The sample in a file, opened."""
    chance = Random(2)
    connection = sqlite3.connect(path)
    connection.executescript(_SQLITE)
    for name, rows in tables().items():
        marks = ", ".join("?" for _ in KINDS)
        values = [[_stored(KINDS[c], row[c], chance) for c in KINDS] for row in rows]
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)  # noqa: S608
    connection.commit()
    connection.close()
    made = _connector(f"sqlite:///{path}", **more)
    await made.open()
    return made

"""Digests made in a database are those that the Hub makes of the same values."""

from __future__ import annotations

import sqlite3
import unicodedata
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from connectors.kit.blind import LENGTH, digest_of, text_of
from connectors.kit.sample import SALT, digest_column
from connectors.spi import Ask, Call, Column, OrderBy
from connectors.sql.connector import SqlConnector, connect
from schema.errors import SourceError
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

SALTED = "a salt, it's secret: 王"
NATIVE: dict[str, tuple[str, Any]] = {
    "small": ("int2", "Int"), "id": ("int4", "Int"), "wide": ("int8", "BigInt"),
    "whole": ("numeric(12,2)", "Int"), "huge": ("numeric", "BigInt"),
    "money": ("numeric(14,4)", "Decimal"), "free": ("numeric", "Decimal"),
    "real": ("float8", "Decimal"), "count": ("int4", "Decimal"), "flag": ("bool", "Boolean"),
    "text": ("text", "String"), "short": ("varchar(60)", "ID"), "blank": ("char(60)", "String"),
    "number": ("int8", "ID"), "uuid": ("uuid", "ID"), "day": ("date", "Date"),
    "at": ("timestamp", "LocalDateTime"), "stamp": ("timestamptz", "DateTime"),
    "clock": ("time", "Time"), "zoned": ("timestamp", "DateTime"),
    "born": ("date", "LocalDateTime"), "sex": ("text", "String"),
}  # fmt: skip
LITE = {
    "small": "SMALLINT", "id": "INTEGER", "wide": "BIGINT", "whole": "NUMERIC(12,2)",
    "huge": "NUMERIC", "money": "NUMERIC(14,4)", "free": "NUMERIC", "real": "REAL",
    "count": "INTEGER", "flag": "BOOLEAN", "text": "TEXT", "short": "VARCHAR(60)",
    "blank": "CHAR(60)", "number": "INTEGER", "uuid": "BLOB", "day": "DATE", "at": "DATETIME",
    "stamp": "DATETIME", "clock": "TIME", "zoned": "DATETIME", "born": "DATETIME", "sex": "TEXT",
}  # fmt: skip
CODES = {"sex": (("1", "male"), ("2", "fémale"))}
COLUMNS = [Column(name, kind, CODES.get(name, ())) for name, (_, kind) in NATIVE.items()]
TEXTS = ["", "a", "-", "1:a", "a'b", "é", unicodedata.normalize("NFD", "é王ｶﾞ"), "\u212b", "😀",
         "가", unicodedata.normalize("NFD", "가나"), "İ", "\uffff", " x ", "a\nb", "%", "\\",
         "~"]  # fmt: skip


def rows() -> list[dict[str, Any]]:
    chance = Random(11)

    def moment() -> str:
        fraction = chance.choice(["", ".5", ".000001", ".120000", ".999999"])
        year = chance.choice([1, 999, 1970, 2024, 9999])
        return f"{year:04}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} 07:08:09{fraction}"

    def one(name: str) -> Any:
        match name:
            case "small" | "count":
                return chance.randint(-(2**15), 2**15 - 1)
            case "wide" | "number":
                return chance.choice([0, -1, 2**63 - 1, -(2**63), chance.randint(0, 10**9)])
            case "whole" | "huge":
                return chance.randint(-(10**9), 10**9)
            case "money" | "free":
                return chance.choice(["0", "-0.1", "1.5", "1.5000", "100", "-7.0300", "0.0000"])
            case "real":
                return chance.choice(["0.1", "1e15", "-2.5", "1e-7", "3", "0"])
            case "flag":
                return chance.random() < 0.5
            case "uuid":
                return str(uuid.UUID(int=chance.getrandbits(128)))
            case "day":
                return moment()[:10]
            case "born":
                return moment()[:10]
            case "clock":
                return moment()[11:]
            case "at" | "zoned":
                return moment()
            case "stamp":
                return f"{moment()}+00:00"
            case "sex":
                return chance.choice(["1", "2", "9"])
            case _:
                return chance.choice(TEXTS)

    made = []
    for number in range(1, 181):
        row = {name: None if chance.random() < 0.1 else one(name) for name in NATIVE}
        made.append({**row, "id": number})
    return made


def literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    return "'" + str(value).replace("'", "''") + "'"


def connector(url: str, **more: Any) -> SqlConnector:
    decl = SourceDecl(
        name=SourceName("keys"), department=DepartmentName("test"), kind="sql",
        connect={"url": url, "timezone": "Asia/Shanghai", **more},
    )  # fmt: skip
    return connect(decl, lambda text: text)


async def in_postgres(url: str) -> SqlConnector:
    schema = f"d{uuid.uuid4().hex}"
    connection = await asyncpg.connect(url)
    columns = ", ".join(f"{name} {native}" for name, (native, _) in NATIVE.items())
    try:
        await connection.execute(f'CREATE SCHEMA "{schema}"; SET search_path = "{schema}"')
        await connection.execute("SET timezone = 'UTC'")
        await connection.execute(f"CREATE TABLE keys ({columns}, PRIMARY KEY (id))")
        lines = ", ".join(f"({', '.join(map(literal, row.values()))})" for row in rows())
        await connection.execute(f"INSERT INTO keys ({', '.join(NATIVE)}) VALUES {lines}")  # noqa: S608
    finally:
        await connection.close()
    return connector(url, schema=schema)


def in_sqlite(path: Path) -> SqlConnector:
    connection = sqlite3.connect(path)
    columns = ", ".join(f"{name} {native}" for name, native in LITE.items())
    connection.execute(f"CREATE TABLE keys ({columns}, PRIMARY KEY (id))")
    marks = ", ".join("?" for _ in LITE)
    values = [[row[name] for name in LITE] for row in rows()]
    connection.executemany(f"INSERT INTO keys VALUES ({marks})", values)  # noqa: S608
    connection.commit()
    connection.close()
    return connector(f"sqlite:///{path}")


@pytest_asyncio.fixture(params=["postgres", "sqlite"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlConnector]:
    if request.param == "postgres":
        made = await in_postgres(request.getfixturevalue("postgres_url"))
    else:
        made = in_sqlite(tmp_path / "keys.sqlite")
    await made.open()
    yield made
    await made.close()


def by_the_hub(of: list[Column], columns: Any, count: int) -> list[str]:
    texts = []
    for column in of:
        turn = text_of(column.kind)
        texts.append([None if v is None else turn(v) for v in columns[column.name]])
    return [digest_of(SALTED, [held[row] for held in texts]) for row in range(count)]


async def agrees(source: SqlConnector, of: list[Column], *, inside: bool = True) -> None:
    made = digest_column(*of)
    ask = Ask(table="keys", columns=(*of, made), order=(OrderBy(made.name),))
    offer = source.offer(ask)
    assert (offer.residual is None) == inside, f"{offer.handle!r}"
    if not inside:
        return
    assert SALTED not in repr(offer.handle)
    batch = await source.fetch_all(offer.handle, Call(params={SALT: SALTED}))
    wanted = by_the_hub(of, batch.columns, batch.rows)
    assert list(batch.columns[made.name]) == wanted, made.name
    assert wanted == sorted(wanted)
    assert {len(one) for one in wanted} == {LENGTH}
    assert batch.rows == 180


@pytest.mark.asyncio
async def test_every_native_type_as_a_key(source: SqlConnector) -> None:
    for column in COLUMNS:
        await agrees(source, [column])


@pytest.mark.asyncio
async def test_keys_of_several_parts(source: SqlConnector) -> None:
    chance = Random(5)
    for _ in range(25):
        await agrees(source, chance.sample(COLUMNS, chance.randint(2, 5)))


@pytest.mark.asyncio
async def test_what_the_source_cannot_write_exactly_is_left_to_the_hub(
    postgres_url: str,
) -> None:
    source = await in_postgres(postgres_url)
    await source.open()
    real = Column("real", "Float")
    await agrees(source, [real], inside=False)
    await agrees(source, [COLUMNS[0], real], inside=False)
    source._engine.dialect.utf8 = False  # type: ignore[attr-defined] - a server of another encoding
    await agrees(source, [Column("text", "String")], inside=False)
    await agrees(source, [COLUMNS[0]])
    await source.close()


@pytest.mark.asyncio
async def test_a_key_that_cannot_be_read_is_bad_data(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE keys (day DATE); INSERT INTO keys VALUES ('soon')")
    connection.close()
    source = connector(f"sqlite:///{path}")
    await source.open()
    made = digest_column(Column("day", "Date"))
    offer = source.offer(Ask(table="keys", columns=(made,)))
    with pytest.raises(SourceError, match="not of the declared kind"):
        await source.fetch_all(offer.handle, Call(params={SALT: SALTED}))
    await source.close()


def test_no_two_keys_are_written_alike() -> None:
    keys = [["1", "2"], ["12", ""], ["", "12"], ["1:2"], ["12", None], [None, "12"], ["-", "12"],
            ["12"], ["12", "-"], [None], [None, None], ["-"], [""]]  # fmt: skip
    assert len({digest_of("s", key) for key in keys}) == len(keys)
    assert digest_of("s", ["1"]) != digest_of("t", ["1"])


def test_equal_values_have_equal_texts() -> None:
    decimal, real = text_of("Decimal"), text_of("Float")
    assert {decimal(v) for v in ("1.5", "1.50", "1.5000")} == {"1.5"}
    assert {decimal(v) for v in ("0", "0.00", "-0", "-0.0")} == {"0"}
    assert {decimal(v) for v in ("100", "100.0")} == {"100"}
    assert real(0.0) == real(-0.0)
    assert msgspec.json.decode(text_of("JSON")({"b": 1, "a": [2]})) == {"a": [2], "b": 1}

"""Documents that PostgreSQL builds hold what the hub would have made of the fetched columns: every
native type as every kind, with the values that sources get wrong."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from connectors.spi import (
    DOCUMENT,
    Ask,
    Call,
    Column,
    Constant,
    Document,
    FromColumn,
    FromJoin,
    Join,
    OrderBy,
    rows_column,
)
from connectors.sql import finish
from connectors.sql.connector import SqlConnector
from schema.errors import SourceError
from schema.model.predicate import Compare, Const, Param
from schema.model.scalar import SCALAR_KINDS, canonical
from tests.connectors.sql.test_sql_failures import made
from tests.postgres import postgres_url  # noqa: F401 - a fixture

ODD_TEXTS = [
    "", '"', "\\", "\\n", 'a"b\\c/d', "\b\f\n\r\t", "\x01\x1f\x7f", "</script>", "😀",
    "\u2028\u2029",
    "e\u0301", "\n\u0301", '"\u0301', "\\\u0301", "\x1f\u0307", "é", "\u0301", "張\ufa0c", "\ufeff",
    "null", "NaN", "{}", "%(x)s", "$1", ":x", "a\u0327\u0301", "\U0001f1e8\U0001f1f3", "\uffff",
]  # fmt: skip
NATIVES: dict[str, list[str]] = {
    "text": ODD_TEXTS,
    "varchar(40)": ODD_TEXTS[:6],
    "char(5)": ["ab", "", 'a"'],
    "int2": ["-32768", "0", "7"],
    "int4": ["-2147483648", "2147483647", "0"],
    "int8": ["9223372036854775807", "-1", "2147483648", "-2147483648", "-2147483649"],
    "numeric": ["1.50", "0.1", "NaN", "Infinity", "-Infinity", "7", "7.00", "1e30", "-0.000",
                "2147483648", "-2147483648", "1e4299", "1e4301", "0.00000000001"],
    "numeric(12,2)": ["12.5", "0", "-1.5"],
    "float4": ["0.1", "NaN", "Infinity", "1e20", "7"],
    "float8": ["0.1", "NaN", "Infinity", "-Infinity", "-0", "1e300", "5e-324", "2", "1e15", "1e22",
               "0.30000000000000004", "123456789012345680"],
    "money": ["12.5"],
    "bool": ["true", "false"],
    "date": ["2020-02-29", "0001-01-01", "9999-12-31", "infinity", "-infinity", "0044-03-15 BC",
             "10000-01-01"],
    "timestamp": ["2020-02-29 12:00:00", "2020-02-29 12:00:00.5", "0001-01-01 00:00:00",
                  "9999-12-31 23:59:59.999999", "infinity", "-infinity", "0044-03-15 00:00:00 BC",
                  "10000-01-01 00:00:00"],
    "timestamptz": ["2020-02-29 12:00:00+00", "2020-02-29 12:00:00.25+08", "infinity",
                    "0001-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC",
                    "10000-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"],
    "time": ["00:00:00", "12:30:00.25", "24:00:00", "23:59:59.999999"],
    "uuid": ["00000000-0000-0000-0000-00000000000A"],
    "jsonb": ['{"a": [1, null, "e\u0301"]}', "3"],
    "json": ['{"a": 1, "a": 2}', "123456789012345678901234567890"],
    "interval": ["1 day 2 hours"],
    "int4[]": ["{1,2}"],
    "inet": ["10.0.0.1"],
    "bytea": ["\\x00ff"],
}  # fmt: skip
CODES = (("ab", "alpha"), ("7", "se\u0301ven"), ("true", "yes"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def odd(postgres_url: str) -> AsyncIterator[SqlConnector]:  # noqa: F811
    """A table per native type with a row per value, and one of nothing."""
    connection = await asyncpg.connect(postgres_url)
    # a worker that takes tests over from another one may come back to this module
    await connection.execute(
        "DROP SCHEMA IF EXISTS odd CASCADE; CREATE SCHEMA odd; SET search_path = odd"
    )
    for number, (native, values) in enumerate(NATIVES.items()):
        await connection.execute(f"CREATE TABLE n{number} (id int4 PRIMARY KEY, v {native})")
        for place, value in enumerate([*values, None]):
            insert = f"INSERT INTO n{number} VALUES ($1, $2::text::{native})"  # noqa: S608
            await connection.execute(insert, place, value)
    await connection.close()
    source = made(postgres_url, schema="odd", timezone="Asia/Shanghai")
    await source.open()
    yield source
    await source.close()


async def told(source: SqlConnector, ask: Ask) -> Any:
    """The column's one value, or the code of the error."""
    offer = source.offer(ask)
    try:
        batch = await source.fetch_all(offer.handle, Call())
    except SourceError as error:
        return error
    if ask.document is None:
        return batch.columns["v"][0]
    return json.loads(batch.columns[DOCUMENT][0]).get("v", "not shown")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", sorted(SCALAR_KINDS))
@pytest.mark.parametrize("coded", [False, True])
async def test_values_are_those_of_rows(odd: SqlConnector, kind: Any, coded: bool) -> None:
    taken = 0
    column = Column("v", kind, CODES if coded else ())
    shown = Document(entries=(("v", FromColumn("v")),))
    unseen = Document(entries=(("x", Constant(None)),))
    for number, (native, values) in enumerate(NATIVES.items()):
        for place in range(len(values) + 1):
            ask = Ask(
                table=f"n{number}",
                columns=(column,),
                known=(Column("id", "Int"),),
                wish=Compare("id", "eq", Const(place), "Int"),
            )
            wanted = await told(odd, ask)
            for document in (shown, unseen):
                asked = Ask(
                    table=ask.table, columns=ask.columns, known=ask.known, wish=ask.wish,
                    document=document,
                )  # fmt: skip
                offer = odd.offer(asked)
                if offer.residual is not None:
                    continue
                taken += 1
                got = await told(odd, asked)
                where = (native, kind, [*values, None][place])
                if isinstance(wanted, SourceError):
                    assert isinstance(got, SourceError), where
                    assert (got.code, str(got)) == (wanted.code, str(wanted)), where
                elif document is unseen:
                    assert got == "not shown", where
                else:
                    assert got == wanted, where
                    assert isinstance(got, bool) == isinstance(wanted, bool), where
                    assert isinstance(got, str) == isinstance(wanted, str), where
    assert bool(taken) == (kind != "JSON" and (not coded or kind in ("ID", "String")))


@given(st.lists(st.text(alphabet='"\\\n\x1f/aefn\u0301\u0307\u0323é王😀\u2028', max_size=6)))
def test_objects_are_put_into_nfc_as_their_values_are(texts: list[str]) -> None:
    column = tuple(json.dumps({"a": t, "b": [t, 1.5, None]}, ensure_ascii=False) for t in texts)
    wanted = [canonical("String", t) for t in texts]
    assert [json.loads(t) for t in finish.document(column)] == [
        {"a": t, "b": [t, 1.5, None]} for t in wanted
    ]


def test_a_missing_object_is_bad_data() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        finish.document(("{}", None))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("key", ["a" * 63, "a" * 64, "object 1", "e\u0301", "a%(b)s", "p", "c0"])
async def test_a_key_is_itself_or_the_document_is_left(odd: SqlConnector, key: str) -> None:
    document = Document(entries=((key, FromColumn("v")), ("k", Constant('it\'s "so"'))))
    ask = Ask(table="n4", columns=(Column("v", "Int"),), document=document)
    offer = odd.offer(ask)
    assert (offer.residual is None) == (key in ("a" * 63, "p", "c0"))
    if offer.residual is None:
        batch = await odd.fetch_all(offer.handle, Call())
        assert json.loads(batch.columns[DOCUMENT][2]) == {key: 0, "k": 'it\'s "so"'}
    else:
        assert offer.residual.document == document


@pytest.mark.asyncio(loop_scope="module")
async def test_bad_values_of_rows_that_are_not_written_are_looked_at(
    odd: SqlConnector,
    postgres_url: str,  # noqa: F811
) -> None:
    """Row mode looks at every row that it fetched, the one past the page included."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        "SET search_path = odd; CREATE TABLE up (id int4 PRIMARY KEY);"
        "CREATE TABLE down (id int4 PRIMARY KEY, up int4, v numeric); CREATE INDEX ON down (up);"
        "INSERT INTO up VALUES (1), (2); INSERT INTO down VALUES"
        "(1, 1, 1), (2, 1, 'NaN'), (3, 1, 'NaN'), (4, 2, 2)"
    )
    await connection.close()
    source = made(postgres_url, schema="odd")
    await source.open()
    entry = FromJoin(
        join="d", form="list", show=Param("n"), document=Document(entries=(("v", FromColumn("v")),))
    )
    for limit, number, bad in ((1, 1, False), (2, 1, True), (2, 0, True)):
        inner = Ask(table="down", columns=(Column("v", "Decimal"), Column("id", "Int")),
                    order=(OrderBy("id"),), limit=limit)  # fmt: skip
        ask = Ask(
            table="up",
            columns=(Column("id", "Int"),),
            order=(OrderBy("id"),),
            joins=(Join(name="d", on=(("id", "up"),), many=True, ask=inner),),
            document=Document(entries=(("d", entry),)),
        )
        offer = source.offer(ask)
        assert offer.residual is None
        call = Call(params={"n": number})
        if bad:
            with pytest.raises(SourceError) as caught:
                await source.fetch_all(offer.handle, call)
            assert caught.value.code == "SOURCE_BAD_DATA"
        else:
            batch = await source.fetch_all(offer.handle, call)
            assert [json.loads(t) for t in batch.columns[DOCUMENT]] == [
                {"d": [{"v": "1"}]}, {"d": [{"v": "2"}]}
            ]  # fmt: skip
            assert list(batch.columns[rows_column(("d",))]) == [1, 1]
    await source.close()


def test_the_odd_texts_are_odd() -> None:
    assert any(not unicodedata.is_normalized("NFC", text) for text in ODD_TEXTS)

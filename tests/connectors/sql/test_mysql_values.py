"""Values become literals that are those values; statements are as each server wants them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from connectors.sql.mysql import MysqlDriver, flavour_of, parameters_of
from connectors.sql.mysql_values import literal
from schema.errors import SourceError
from tests.mariadb import LocalMariadb


@pytest.fixture(scope="module")
def session(mariadb: LocalMariadb) -> Iterator[pymysql.Connection[Any]]:
    """A session as the connector opens it."""
    parameters, _ = parameters_of(make_url(mariadb.url("mysql")), "here")
    driver = MysqlDriver(parameters, statement_timeout_s=30)
    connection = driver.connect()
    yield connection
    driver.close(connection)


@settings(max_examples=60)
@given(
    values=st.lists(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.integers(-(2**63), 2**64 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.decimals(allow_nan=False, allow_infinity=False, places=3).filter(
                lambda value: abs(value) < 10**60
            ),
            st.dates(),
            st.datetimes(),
            st.times(),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_literals_are_the_values(session: pymysql.Connection[Any], values: list[Any]) -> None:
    with session.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(map(literal, values)))
        (row,) = cursor.fetchall()
    for got, value in zip(row, values, strict=True):
        match value:
            case dt.datetime():
                assert dt.datetime.fromisoformat(got) == value
            case dt.time():
                assert dt.time.fromisoformat(got) == value
            case dt.date():
                assert dt.date.fromisoformat(got) == value
            case Decimal():
                assert Decimal(got) == value
            case _:
                assert got == value


def test_what_is_no_value_is_no_literal() -> None:
    for value in (b"x", [], Decimal("NaN"), object()):
        with pytest.raises(ValueError, match="no text, number or time"):
            literal(value)


def test_what_differs_in_mysql() -> None:
    mysql, mariadb = flavour_of("8.4.3"), flavour_of("5.5.5-10.11.6-MariaDB-0+deb12u1")
    assert (mysql.mariadb, mariadb.mariadb) == (False, True)
    assert mysql.limited("SELECT a FROM `SELECT`", 0.5) == (
        "SELECT /*+ MAX_EXECUTION_TIME(500) */ a FROM `SELECT`"
    )
    assert mariadb.limited("SELECT 1", 0.5) == "SET STATEMENT max_statement_time=0.500 FOR SELECT 1"
    assert "max_execution_time=30000" in mysql.settings(30)[0]
    for old in ("5.7.44-log", "10.3.39-MariaDB", "unknown"):
        with pytest.raises(SourceError, match="older than"):
            flavour_of(old)

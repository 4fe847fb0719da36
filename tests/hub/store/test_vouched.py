"""Signed statements in both databases: the newest counts, and no number is given twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store.engine import migrate, open_engine
from hub.store.vouched import Kind, Vouched, newest, put, serials
from schema.errors import HubError
from tests.postgres import postgres_url  # noqa: F401  # a fixture

_NUMBERS = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A fresh database of either kind."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgresql":
        server = sa.make_url(request.getfixturevalue("postgres_url"))
        name = f"vouched{next(_NUMBERS)}"
        opened = open_engine(server.render_as_string(hide_password=False))
        with opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        opened.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    made = open_engine(url)
    migrate(made)
    yield made
    made.dispose()


def row(about: str, serial: int, kind: Kind = "floor") -> Vouched:
    return Vouched(
        kind=kind, about=about, serial=serial, statement=f"{about} {serial}", recorded_at=1.0,
        recorded_by=about,
    )  # fmt: skip


def test_the_newest_of_each_counts(engine: sa.Engine) -> None:
    assert (serials(engine, "floor"), newest(engine, "floor")) == ({}, {})
    for one in (row("tax", 1), row("civil", 1), row("tax", 2), row("tax", 1, "bound")):
        put(engine, one)
    assert serials(engine, "floor") == {"tax": 2, "civil": 1}
    assert newest(engine, "floor") == {"tax": row("tax", 2), "civil": row("civil", 1)}
    assert newest(engine, "bound") == {"tax": row("tax", 1, "bound")}


@pytest.mark.parametrize("serial", [0, 1, 2])
def test_numbers_only_grow(engine: sa.Engine, serial: int) -> None:
    put(engine, row("tax", 2))
    with pytest.raises(HubError) as error:
        put(engine, row("tax", serial))
    assert error.value.code == "RELEASE_REFUSED"
    put(engine, row("tax", 4))  # 3 was seen, and is gone
    assert serials(engine, "floor") == {"tax": 4}


def test_of_many_at_once_one_has_the_number(engine: sa.Engine) -> None:
    def attempt(_: int) -> bool:
        try:
            put(engine, row("tax", 1))
        except HubError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


def test_a_database_that_does_not_answer_says_so(tmp_path: Path) -> None:
    opened = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    for look in (serials, newest):
        with pytest.raises(HubError) as error:
            look(opened, "floor")
        assert error.value.code == "RULES_UNAVAILABLE"
    opened.dispose()

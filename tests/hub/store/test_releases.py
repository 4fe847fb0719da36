"""Releases in both databases: which epoch is in force, and that two never follow one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from hub.store.engine import migrate, open_engine
from hub.store.epochs import epoch_of
from hub.store.releases import Stored, epoch_now, history, in_force, next_epoch, put
from schema.errors import HubError
from tests.postgres import postgres_url  # noqa: F401  # a fixture

ROW = Stored(
    epoch=1, digest="d", release="{}", rollback=None, kind="loosening", active_from=10.0,
    recorded_at=10.0, recorded_by="li", revokes_after=None, dropped=False,
)  # fmt: skip

_NUMBERS = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A fresh database of either kind."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgresql":
        server = sa.make_url(request.getfixturevalue("postgres_url"))
        name = f"releases{next(_NUMBERS)}"
        opened = open_engine(server.render_as_string(hide_password=False))
        with opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        opened.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    made = open_engine(url)
    migrate(made)
    yield made
    made.dispose()


def at(epoch: int, start: float) -> Stored:
    return msgspec.structs.replace(ROW, epoch=epoch, active_from=start)


def test_the_newest_whose_time_has_come(engine: sa.Engine) -> None:
    assert epoch_now(engine, 99.0) == 0
    put(engine, at(1, 10.0), base=0, now=10.0, content="one")
    put(engine, at(2, 30.0), base=1, now=20.0, content="two")
    assert [epoch_now(engine, now) for now in (9.0, 10.0, 29.0, 30.0)] == [0, 1, 1, 2]
    # another takes the place of what is yet to come
    put(engine, at(3, 40.0), base=1, now=25.0, content="three")
    assert [epoch_now(engine, now) for now in (25.0, 30.0, 40.0)] == [1, 1, 3]
    rows = history(engine)
    assert [(row.epoch, row.dropped) for row in rows] == [(1, False), (2, True), (3, False)]
    found = in_force(rows, 39.0)
    assert found is not None
    assert found.epoch == 1


def test_what_was_compared_with_something_else_is_refused(engine: sa.Engine) -> None:
    put(engine, at(1, 10.0), base=0, now=10.0, content="one")
    for row, base in ((at(2, 11.0), 0), (at(3, 11.0), 1), (at(1, 11.0), 1)):
        with pytest.raises(HubError) as error:
            put(engine, row, base=base, now=11.0, content="two")
        assert error.value.code == "RELEASE_REFUSED"
    assert len(history(engine)) == 1


def test_of_several_at_once_one_is_first(engine: sa.Engine) -> None:
    def attempt(number: int) -> bool:
        try:
            put(engine, at(1, 10.0), base=0, now=10.0, content=str(number))
        except HubError as error:
            return error.code != "RELEASE_REFUSED"
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]
    assert len(history(engine)) == 1


def test_epochs_of_files_and_of_releases_are_numbered_together(engine: sa.Engine) -> None:
    assert epoch_of(engine, "rules of files") == 1
    assert next_epoch(engine) == 2
    put(engine, at(2, 10.0), base=0, now=10.0, content="released")
    assert epoch_of(engine, "rules of files") == 3


def test_a_database_that_is_gone(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    for look in (lambda: epoch_now(engine, 1.0), lambda: history(engine)):
        with pytest.raises(HubError) as error:
            look()
        assert error.value.code == "RULES_UNAVAILABLE"
    engine.dispose()

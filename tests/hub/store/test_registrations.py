"""Registered sources in both databases: one step at a time, and nothing half done."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Engine

from hub.store.engine import migrate, open_engine
from hub.store.registrations import (
    NOTHING,
    Published,
    Step,
    Version,
    Write,
    in_force,
    number_now,
    put,
    steps,
    text_of,
    versions,
)
from schema.errors import HubError
from tests.postgres import postgres_url  # noqa: F401  # a fixture

_NUMBERS = itertools.count()
VERSION = Version(
    source="civil", version=1, state="draft", digest="d1", department="civil-affairs", follows=0,
    written_by='["zhang"]', changed_at=1.0, changed_by="zhang",
)  # fmt: skip
STEP = Step(
    source="civil", revision=1, version=1, act="edit", state="draft", digest="d1", by="zhang",
    at=1.0,
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh database of either kind."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgresql":
        server = sa.make_url(request.getfixturevalue("postgres_url"))
        name = f"registrations{next(_NUMBERS)}"
        opened = open_engine(server.render_as_string(hide_password=False))
        with opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        opened.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    made = open_engine(url)
    migrate(made)
    yield made
    made.dispose()


def step(number: int, **more: object) -> Write:
    return Write(
        step=replace(STEP, revision=number, **more), versions=(VERSION,), text="text of d1"
    )


def test_one_step_after_the_other(engine: Engine) -> None:
    assert in_force(engine) == (NOTHING, ())
    put(engine, step(1))
    checked = replace(VERSION, state="checked", report="{}")
    put(engine, replace(step(2, act="check"), versions=(checked,), text=None))
    assert versions(engine, "civil") == versions(engine) == (checked,)
    assert [one.act for one in steps(engine, "civil")] == ["edit", "check"]
    assert text_of(engine, "d1") == "text of d1"
    assert steps(engine, "other") == versions(engine, "other") == ()


def test_a_step_that_is_based_on_another_is_refused_whole(engine: Engine) -> None:
    put(engine, step(1))
    for number in (1, 3):
        late = replace(step(number), versions=(replace(VERSION, state="checked"),), text="other")
        with pytest.raises(HubError) as refused:
            put(engine, late)
        assert refused.value.code == "EDIT_CONFLICT"
    assert versions(engine) == (VERSION,)
    assert text_of(engine, "d1") == "text of d1"


def test_of_many_at_once_one_takes_the_step(engine: Engine) -> None:
    def tried(_: int) -> str:
        try:
            put(engine, step(1))
        except HubError as error:
            return error.code
        return "taken"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(tried, range(4))) == ["EDIT_CONFLICT"] * 3 + ["taken"]


def test_publications_are_numbered_one_by_one(engine: Engine) -> None:
    published = replace(VERSION, state="published")
    first = replace(
        step(1), versions=(published,), published=Published(number=1, sources={"civil": 1})
    )
    put(engine, first)
    assert number_now(engine) == 1
    found, held = in_force(engine)
    assert (found, held) == (first.published, ((published, "text of d1"),))
    other = replace(first, step=replace(STEP, source="tax"), versions=())
    with pytest.raises(HubError) as refused:
        put(engine, other)  # the number is taken
    assert refused.value.code == "EDIT_CONFLICT"
    assert steps(engine, "tax") == ()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM registration_texts",
        "DELETE FROM registration_versions",
        "UPDATE registration_versions SET state = 'best'",
        "UPDATE catalogue_versions SET fragments = '[]'",
        "DROP TABLE registration_versions",
    ],
)
def test_rows_that_nobody_wrote_are_told(engine: Engine, statement: str) -> None:
    put(
        engine,
        replace(step(1), published=Published(number=1, sources={"civil": 1})),
    )
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    with pytest.raises(HubError) as refused:
        in_force(engine)
    assert refused.value.code == "REGISTRY_UNAVAILABLE"

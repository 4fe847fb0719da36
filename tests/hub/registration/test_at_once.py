"""Several publish at once: each source comes into force, none of them is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.registration.actor import Actor
from hub.registration.history import unified
from hub.registration.publishing import Publisher
from hub.store.engine import open_engine
from hub.store.registrations import in_force
from schema.errors import HubError
from tests.hub.registration.bureau import Bureau, Captured

STAFF = Actor(name="account:hub", steward=True)


@pytest.fixture
def bureau(tmp_path: Path, capsys: Captured) -> Bureau:
    return Bureau(tmp_path, capsys)


@pytest.fixture
def engine(bureau: Bureau) -> Iterator[Engine]:
    made = open_engine(bureau.settings.state.database_url)
    yield made
    made.dispose()


def payers(bureau: Bureau) -> str:
    """A source with a type of its own."""
    text = bureau.tax().replace("    extend: true\n", "").replace("Person", "Payer")
    return text.replace(", authoritative: false", "")


def approved(bureau: Bureau, text: str, name: str) -> None:
    bureau.submitted(text, name)
    bureau.good("approve", name, *bureau.key("li"))


def test_two_sources_are_published_at_once(bureau: Bureau, engine: Engine) -> None:
    approved(bureau, bureau.civil(), "civil")
    approved(bureau, payers(bureau), "tax")

    def publish(name: str) -> str:
        return Publisher(engine, bureau.settings).publish(STAFF, name).state

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(publish, ["civil", "tax"])) == ["published", "published"]
    published, held = in_force(engine)
    assert published.number == 2
    assert published.sources == {"civil": 1, "tax": 1}
    assert [version.state for version, _ in held] == ["published", "published"]


def test_one_source_is_published_once(bureau: Bureau, engine: Engine) -> None:
    approved(bureau, bureau.civil(), "civil")

    def publish(_: int) -> str:
        try:
            return Publisher(engine, bureau.settings).publish(STAFF, "civil").state
        except HubError as error:
            return error.code

    with ThreadPoolExecutor(3) as pool:
        found = sorted(pool.map(publish, range(3)))
    assert found.count("published") == 1
    assert set(found) <= {"published", "EDIT_CONFLICT", "REGISTRATION_REFUSED"}
    assert in_force(engine)[0].number == 1


def test_very_long_texts_are_not_compared() -> None:
    assert unified("a\n", "a\n", "1", "2") == ""
    long = "".join(f"{n}\n" for n in range(6_000))
    assert "more than 5000 lines" in unified(long, "", "1", "2")


@pytest.mark.asyncio
async def test_a_check_that_came_too_late_is_on_record(bureau: Bureau, engine: Engine) -> None:
    bureau.register(bureau.civil())
    first, second = (Publisher(engine, bureau.settings) for _ in range(2))
    found = await asyncio.gather(
        first.check(STAFF, "civil"), second.check(STAFF, "civil"), return_exceptions=True
    )
    assert sum(isinstance(one, HubError) for one in found) == 1
    told = [(act, came) for act, _, came in bureau.acts() if act == "source.check"]
    assert told.count(("source.check", "EDIT_CONFLICT")) == 1

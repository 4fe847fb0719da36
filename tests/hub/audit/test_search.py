"""Searching: what the index finds is what reading everything finds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from hub.audit.choose import Chosen
from hub.audit.entry import Entry, encoder
from hub.audit.link import link
from hub.audit.search import grow_index, search
from hub.store.audit_index import BLOCK, begins, indexed, packed, unpacked
from hub.store.engine import migrate, open_engine
from hub.store.ledger import Ledger, open_ledger
from tests.hub.audit.chains import engine_at, entry
from tests.postgres import postgres_url  # noqa: F401

COUNT = 2 * BLOCK + 100
APPS = ("benefits", "tax", "rare")
BASE = 1_800_000_000.0


def entries() -> list[Entry]:
    return [
        entry(
            number,
            app="rare" if number % 1_999 == 7 else APPS[number % 2],
            case_id=f"case-{number // 50}",
            outcome="refused" if number % 5 == 0 else "ok",
            code="NO_GRANT" if number % 5 == 0 else None,
        )
        for number in range(COUNT)
    ]


def fill(ledger: Ledger) -> list[Entry]:
    held = entries()
    for at in range(0, COUNT, 1_000):
        ledger.append([encoder.encode(one).decode() for one in held[at : at + 1_000]], link)
    return held


WANTED = (
    Chosen(app="rare"),
    Chosen(app="tax", outcome="refused"),
    Chosen(case_id="case-90", code="NO_GRANT"),
    Chosen(department="civil", since=BASE + BLOCK - 3, until=BASE + BLOCK + 3),
    Chosen(coordinate="Person.name", purpose="benefit.eligibility", since=BASE + COUNT - 5),
    Chosen(subject="app:benefits|user:zhang", until=BASE + 4),
    Chosen(app="nobody"),
    Chosen(since=BASE + 10, until=BASE + 12),
)


def check(engine: Engine, ledger: Ledger) -> None:
    held = fill(ledger)
    for chosen in WANTED:
        wanted = [seq for seq, one in enumerate(held, 1) if chosen.takes(one)][::-1]
        found: list[int] = []
        before: int | None = None
        while True:
            page = search(engine, ledger, chosen, before=before, most=400)
            found += [one.seq for one in page.found]
            before = page.before
            if before is None:
                break
        assert found == wanted, chosen
    assert indexed(engine) == 2
    assert begins(engine, BASE + BLOCK) == BLOCK + 1
    assert begins(engine, BASE + COUNT) == 2 * BLOCK + 1


def test_the_index_finds_what_is_there(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    with closing(open_ledger(engine)) as ledger:
        check(engine, ledger)
        with engine.begin() as connection:  # as if another process were not yet done with it
            connection.execute(sa.text("DELETE FROM audit_blocks WHERE block = 1"))
        assert grow_index(engine, ledger, 1) == 1
        assert grow_index(engine, ledger) == 0
    engine.dispose()


@pytest.mark.slow
def test_the_index_in_postgresql(postgres_url: str) -> None:  # noqa: F811
    engine = open_engine(postgres_url)
    migrate(engine)
    with closing(open_ledger(engine)) as ledger:
        check(engine, ledger)
    engine.dispose()


@given(st.sets(st.integers(0, BLOCK - 1), max_size=400))
def test_places_come_back(places: set[int]) -> None:
    assert unpacked(packed(sorted(places))) == places

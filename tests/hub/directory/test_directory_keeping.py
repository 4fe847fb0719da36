"""Changes of the directory in both databases: one at a time, whole, on record."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Engine

from hub.audit.entry import Act, read_body
from hub.directory.apart import separated
from hub.directory.entry import App, Department, DutyItem, Person
from hub.directory.keeping import Directory, Wish, duty_item
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.settings.declared import ReleaseSettings
from hub.store.directory import number_now
from hub.store.engine import migrate, open_engine
from hub.store.ledger import open_ledger
from schema.errors import HubError, ManyErrors
from tests.postgres import postgres_url  # noqa: F401  # a fixture

_NUMBERS = itertools.count()
SETTINGS = Settings()
CIVIL = Department(id="civil", kind="government")
DESK = App(id="desk", department="civil")
ZHANG = Person(id="zhang", department="civil", duties=frozenset({"clerk"}))
RELIEF = DutyItem(
    id="relief",
    department="civil",
    legal_basis=("art. 3",),
    valid_from=dt.date(2026, 1, 1),
    valid_until=dt.date(2026, 12, 31),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh database of either kind."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgresql":
        server = sa.make_url(request.getfixturevalue("postgres_url"))
        name = f"directory{next(_NUMBERS)}"
        opened = open_engine(server.render_as_string(hide_password=False))
        with opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        opened.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    made = open_engine(url)
    migrate(made)
    yield made
    made.dispose()


def over(engine: Engine) -> Directory:
    acts = Acts(engine, SETTINGS, lambda: 1_000.0)
    return Directory(engine, separated(SETTINGS), acts, clock=lambda: 1_000.0)


def code_of(problem: pytest.ExceptionInfo[HubError]) -> str:
    return problem.value.code


def test_the_life_of_an_entry(engine: Engine) -> None:
    directory = over(engine)
    assert number_now(engine) == 0
    assert directory.set(CIVIL, by="wu", revision=0).revision == 1
    held = directory.set(ZHANG, by="wu")
    assert (held.revision, held.changed_by, held.suspended) == (1, "wu", False)
    assert held.confirmed["duties"].by == "hand"
    moved = replace(ZHANG, title=replace(ZHANG.title, zh="张"))
    assert directory.set(moved, by="wu", revision=1).revision == 2
    with pytest.raises(HubError) as late:
        directory.set(ZHANG, by="sun", revision=1)
    assert code_of(late) == "EDIT_CONFLICT"
    with pytest.raises(HubError) as full:
        directory.remove("department", "civil", by="wu")
    assert code_of(full) == "DIRECTORY_INVALID"
    directory.suspend("person", "zhang", by="wu", suspended=True, revision=2)
    assert directory.set(moved, by="wu").suspended, "an edit lets nobody in again"
    directory.remove("person", "zhang", by="wu", revision=4)
    with pytest.raises(HubError) as gone:
        directory.find("person", "zhang")
    assert code_of(gone) == "NOT_FOUND"
    with pytest.raises(HubError) as same:
        directory.set(ZHANG, by="wu", revision=4)
    assert code_of(same) == "EDIT_CONFLICT"
    assert directory.set(ZHANG, by="wu", revision=0).revision == 6
    assert number_now(engine) == 7
    with closing(open_ledger(engine)) as ledger:
        bodies = [read_body(row.body) for row in ledger.rows()]
    told = [(one.act, one.details["id"], one.code) for one in bodies if isinstance(one, Act)]
    assert told == [
        ("directory.set", "civil", None),
        ("directory.set", "zhang", None),
        ("directory.set", "zhang", None),
        ("directory.set", "zhang", "EDIT_CONFLICT"),
        ("directory.removed", "civil", "DIRECTORY_INVALID"),
        ("directory.suspended", "zhang", None),
        ("directory.set", "zhang", None),
        ("directory.removed", "zhang", None),
        ("directory.set", "zhang", "EDIT_CONFLICT"),
        ("directory.set", "zhang", None),
    ]


def test_what_is_wrong_is_refused(engine: Engine) -> None:
    directory = over(engine)
    directory.set(CIVIL, by="wu")
    directory.set(Department(id="relief", parent="civil"), by="wu")
    wrong = [
        App(id="desk", department="tax"),
        Person(id="zhang", duties=frozenset({"auditor", "security-officer"})),
        replace(CIVIL, parent="relief"),
        replace(RELIEF, valid_until=dt.date(2025, 1, 1)),
    ]
    for entry in wrong:
        with pytest.raises(HubError) as problem:
            directory.set(entry, by="wu")
        assert code_of(problem) == "DIRECTORY_INVALID"
    assert number_now(engine) == 2


def test_all_or_nothing(engine: Engine) -> None:
    directory = over(engine)
    bad = App(id="other", department="tax")
    wishes = [Wish(entry=ZHANG, where="a:1"), Wish(entry=bad, where="a:2"), Wish(entry=CIVIL)]
    with pytest.raises(HubError) as problem:
        directory.take(wishes, by="wu", source="import")
    assert problem.value.where == "a:2"
    both = frozenset({"auditor", "system-administrator"})
    worse = [*wishes, Wish(entry=replace(ZHANG, id="li", duties=both), where="a:3")]
    with pytest.raises(ManyErrors) as many:
        directory.take(worse, by="wu", source="import")
    assert {one.where for one in many.value.problems} == {"a:2", "a:3"}
    assert number_now(engine) == 0
    good = [wishes[0], wishes[2]]
    assert [one.act for one in directory.rehearse(good, source="import")] == ["added", "added"]
    assert number_now(engine) == 0
    directory.take(good, by="wu", source="import")
    changed = replace(ZHANG, duties=frozenset({"reporter"}))
    told = directory.take([Wish(entry=changed), Wish(entry=CIVIL)], by="wu", source="import")
    assert [(one.act, one.attributes) for one in told] == [
        ("changed", ("duties",)),
        ("confirmed", ()),
    ]


def test_one_of_two_at_once_is_told(engine: Engine) -> None:
    directory = over(engine)
    directory.set(CIVIL, by="wu")

    def edit(number: int) -> str:
        try:
            over(engine).set(replace(DESK, id=f"desk{number % 2}"), by="wu", revision=0)
        except HubError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(edit, range(8)))
    assert set(told) <= {"ok", "EDIT_CONFLICT"}
    assert 1 <= told.count("ok") <= 2
    assert number_now(engine) == 1 + told.count("ok")


def test_duty_items(engine: Engine) -> None:
    directory = over(engine)
    directory.set(CIVIL, by="wu")
    assert duty_item(engine, "relief") is None
    directory.set(RELIEF, by="wu")
    assert duty_item(engine, "relief") == RELIEF
    assert RELIEF.valid_on(dt.date(2026, 12, 31))
    assert not RELIEF.valid_on(dt.date(2027, 1, 1))
    directory.suspend("duty-item", "relief", by="wu", suspended=True)
    assert duty_item(engine, "relief") is None


def test_one_word_cannot_stand_for_two() -> None:
    twice = replace(SETTINGS, release=ReleaseSettings(auditor_duty="security-officer"))
    with pytest.raises(HubError) as problem:
        separated(twice)
    assert code_of(problem) == "CONFIG_INVALID"

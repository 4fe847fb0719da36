"""Emergencies and doubts in both databases: who is first, and nothing after an end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Engine

from hub.store import corrections, emergency
from hub.store.corrections import Correction
from hub.store.emergency import Emergency, Opened
from hub.store.engine import migrate, open_engine
from schema.errors import HubError
from tests.postgres import postgres_url  # noqa: F401  # a fixture

_NUMBERS = itertools.count()
FLOOD = Emergency(
    id="flood", title="Flood", region=None, opens='["rescue"]', since=100.0, until=1000.0,
    declared_by="han", declared_at=100.0,
)  # fmt: skip
OPENED = Opened(
    id="o1", emergency="flood", list="rescue", digest="d", app="desk", user="zhou", subject="s",
    department=None, region=None, acr="card", case_id="c1", reason="r", owners='["psb"]',
    since=200.0, until=400.0, review_due=900.0,
)  # fmt: skip
DOUBT = Correction(
    id="d1", element="Aid.status", department="civil", mark="m1", sealed=b"x", reporter="r",
    app="tax", reporter_department="tax", purpose=None, reported_at=1.0, due_at=50.0,
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh database of either kind."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgresql":
        server = sa.make_url(request.getfixturevalue("postgres_url"))
        name = f"emergencies{next(_NUMBERS)}"
        opened = open_engine(server.render_as_string(hide_password=False))
        with opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        opened.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    made = open_engine(url)
    migrate(made)
    yield made
    made.dispose()


def code(do: Callable[[], object]) -> str:
    try:
        do()
    except HubError as error:
        return error.code
    return "done"


def step(doubt: Correction, act: corrections.Act) -> corrections.Step:
    return corrections.Step(
        id=doubt.id, revision=doubt.revision, act=act, state=doubt.state, by="zhang", at=2.0
    )


def test_everything_that_is_kept_comes_back(engine: Engine) -> None:
    assert emergency.number_now(engine) == 0
    emergency.declare(engine, FLOOD)
    emergency.open_glass(engine, OPENED, 5)
    assert emergency.all_emergencies(engine) == (FLOOD,)
    assert emergency.openings(engine, of="flood") == (OPENED,)
    emergency.revoke(engine, "o1", "li", 300.0)
    emergency.review(engine, "o1", "justified", "fine", "li", 310.0)
    (held,) = emergency.openings(engine, only="o1")
    assert (held.over, held.outcome, held.reviewed_by) == (300.0, "justified", "li")
    assert emergency.openings(engine, concerning=500.0) == ()
    assert emergency.number_now(engine) == 4
    assert [one.act for one in emergency.untold(engine, 9)] == [
        "declare", "break", "revoke", "review",
    ]  # fmt: skip
    emergency.told(engine, [1, 2, 3, 4])
    assert emergency.untold(engine, 9) == ()
    assert code(lambda: emergency.revoke(engine, "o1", "li", 320.0)) == "EDIT_CONFLICT"
    assert code(lambda: emergency.review(engine, "o1", "justified", "x", "li", 1.0)) == (
        "EDIT_CONFLICT"
    )


def test_nothing_is_open_after_an_end_whoever_is_first(engine: Engine) -> None:
    emergency.declare(engine, FLOOD)

    def opens(number: int) -> str:
        made = replace(OPENED, id=f"o{number}")
        return code(lambda: emergency.open_glass(engine, made, 100))

    with ThreadPoolExecutor(4) as pool:
        opened = [pool.submit(opens, number) for number in range(6)]
        ended = pool.submit(lambda: code(lambda: emergency.end(engine, "flood", "han", 250.0)))
        opened += [pool.submit(opens, number) for number in range(6, 12)]
    assert ended.result() == "done"
    assert {one.result() for one in opened} <= {"done", "NO_EMERGENCY"}
    assert all(one.over <= 250.0 for one in emergency.openings(engine))
    assert opens(99) == "NO_EMERGENCY"
    assert code(lambda: emergency.end(engine, "flood", "han", 260.0)) == "EDIT_CONFLICT"


def test_no_more_than_may_be_open_at_once(engine: Engine) -> None:
    emergency.declare(engine, FLOOD)

    def opens(number: int) -> str:
        return code(lambda: emergency.open_glass(engine, replace(OPENED, id=f"o{number}"), 2))

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(opens, range(4)))
    assert ends.count("done") == 2
    assert len(emergency.openings(engine)) == 2
    numbers = [one.number for one in emergency.untold(engine, 99)]
    assert numbers == list(range(1, 4))  # a refused one leaves no step


def test_one_step_of_a_doubt_at_a_time(engine: Engine) -> None:
    corrections.report(engine, [DOUBT], [step(DOUBT, "report")], 5)
    after = replace(DOUBT, state="accepted", revision=2)

    def accept(_: int) -> str:
        return code(lambda: corrections.take(engine, DOUBT, after, step(after, "accept")))

    with ThreadPoolExecutor(4) as pool:
        ends = sorted(pool.map(accept, range(4)))
    assert ends == ["EDIT_CONFLICT"] * 3 + ["done"]
    assert corrections.found(engine, only="d1") == (after,)
    assert [one.act for one in corrections.steps_of(engine, "d1")] == ["report", "accept"]
    assert corrections.accepted_marks(engine, ["Aid.status"]) == {"m1"}
    assert corrections.accepted_marks(engine, ["Aid.district"]) == frozenset()
    (score,) = corrections.scores(engine, 60.0)
    assert (score.open, score.overdue, score.settled, score.late) == (1, 1, 0, 0)
    assert corrections.found(engine, overdue_at=60.0) == (after,)
    corrections.told(engine, corrections.untold(engine, 9))
    assert corrections.untold(engine, 9) == ()


def test_a_report_is_kept_whole_or_not_at_all(engine: Engine) -> None:
    two = [DOUBT, replace(DOUBT, id="d2", element="Aid.district")]
    steps = [step(one, "report") for one in two]
    assert code(lambda: corrections.report(engine, two, steps, 1)) == "CORRECTION_REFUSED"
    assert corrections.found(engine) == ()
    corrections.report(engine, two, steps, 2)
    assert len(corrections.found(engine, department="civil")) == 2

"""Quotas: what is asked counts, whoever asks it in whatever form, and none is told too much."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from hub.query.request import Request
from hub.query.show import plan_text
from hub.store.tables import quota_counters, quota_persons
from policies.obligation import Quota
from schema.errors import HubError
from schema.model.subject import Subject
from tests.hub.query.metered import (
    COUNTED,
    DAY,
    EVERYWHERE,
    Clock,
    Worker,
    page,
    persons,
    rows,
    sqlite,
)
from tests.hub.query.small import SUBJECT, PlainEngine, Small
from tests.hub.query.test_pass_through import PASSING
from tests.postgres import postgres_url  # noqa: F401  # a fixture

LOOK = '{{ person(number: "{0:02}") {{ name }} }}'


def looked(number: int) -> str:
    return LOOK.format(number)


@pytest.mark.asyncio
async def test_the_page_that_straddles_the_limit_is_refused_whole(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    first = await worker.said(page(3))
    assert [node["age"] for node in first["persons"]["nodes"]] == [0, 1, 2]
    told = await worker.ask(page(3, after=3))
    assert told == {
        "errors": [
            {
                "message": "the quota of this period is used up",
                "extensions": {"code": "QUOTA", "retryable": True},
            }
        ]
    }
    entry = worker.recorder.entries[-1]
    assert (entry.outcome, entry.code) == ("refused", "QUOTA")
    assert (entry.rows, len(entry.sources)) == ({}, 1)  # it was fetched, and nothing left
    worker.close()


@pytest.mark.asyncio
async def test_what_was_refused_counts_and_later_sources_are_spared(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    assert await worker.said(page(6)) == "QUOTA"
    calls = worker.calls
    for text in (page(1), page(1, after=29), looked(99), looked(0)):
        assert await worker.said(text) == "QUOTA"
    assert worker.calls == calls
    worker.close()


@pytest.mark.asyncio
async def test_persons_seen_before_cost_nothing(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    for text in (page(5), page(5), page(2, after=2), looked(4), page(5)):
        assert await worker.said(text) not in ("QUOTA", None)
    assert await worker.said(looked(5)) == "QUOTA"
    worker.close()


TWICE = "{ a: persons(first: 3) { nodes { name } } b: persons(first: 3) { nodes { name } } }"
NESTED = "{ homes(first: 3) { nodes { people(first: 2) { nodes { name } } } } }"
TO_ONE = "{ jobs(first: 2) { nodes { person { name } } } }"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "distinct", "counted"),
    [
        (page(4), 4, 4),
        (TWICE, 3, 6),
        ("{ persons(first: 3) { edges { node { name } } pageInfo { hasNextPage } } }", 3, 3),
        ("{ persons(first: 3) { a: nodes { name } b: nodes { name } } }", 3, 3),
        (NESTED, 6, 6),
        (looked(7), 1, 1),
        (looked(77), 1, 1),  # there is none: it was asked for all the same
        (f"{{ a: {looked(77)[1:-1]} b: {looked(77)[1:-1]} c: {looked(78)[1:-1]} }}", 2, 3),
        ("{ personsAggregate(groupBy: [HOME_CODE]) { group { homeCode } max { age } } }", 6, 3),
        ("{ personsAggregate { sum { age } count } }", 0, 1),
        ("{ persons(first: 1) { totalCount } }", 0, 0),
    ],
)  # fmt: skip
async def test_every_form_counts(tmp_path: Path, text: str, distinct: int, counted: int) -> None:
    uses = (*EVERYWHERE, ("Person.homeCode", "group"))
    number = 0
    for quota, needs in ((persons, distinct), (rows, counted)):
        for most in (needs, needs - 1):
            if most < 1:
                continue
            number += 1
            worker = Worker(sqlite(tmp_path / str(number)), quota(most), uses=uses)
            said = await worker.said(text)
            assert (said == "QUOTA") is (most < needs), (quota, most, said)
            worker.close()


@pytest.mark.asyncio
async def test_calls_are_operations(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), Quota("calls", 2, 60, rule="r"))
    assert await worker.said("{ a: persons { totalCount } b: persons { totalCount } }") != "QUOTA"
    assert await worker.said(page(1)) != "QUOTA"
    calls = worker.calls
    assert await worker.said(page(1)) == "QUOTA"
    assert worker.calls == calls
    worker.clock.now += 60
    assert await worker.said(page(1)) != "QUOTA"
    worker.close()


@pytest.mark.asyncio
async def test_a_new_window_begins_at_its_multiple(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    worker.clock.now += DAY - 1
    assert await worker.said(page(5)) != "QUOTA"
    assert await worker.said(page(6)) == "QUOTA"
    worker.clock.now += 1
    assert await worker.said(page(5, after=10)) != "QUOTA"
    assert await worker.said(page(1)) == "QUOTA"
    worker.close()


@pytest.mark.asyncio
async def test_a_restart_forgets_nothing_and_workers_share(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    assert await worker.said(page(4)) != "QUOTA"
    worker.close()
    again, other = (Worker(sqlite(tmp_path), persons(5)) for _ in range(2))
    assert await again.said(page(4)) != "QUOTA"
    assert await other.said(looked(4)) != "QUOTA"
    assert await again.said(looked(5)) == "QUOTA"
    assert await other.said(looked(0)) == "QUOTA"
    again.close()
    other.close()


@pytest.mark.asyncio
async def test_another_secret_counts_persons_anew_but_in_the_same_counter(tmp_path: Path) -> None:
    for secret, said in ((b"a" * 32, True), (b"b" * 32, False)):
        worker = Worker(sqlite(tmp_path), persons(5), secret=secret)
        assert (await worker.said(page(3)) != "QUOTA") is said
        worker.close()


def caller(app: str, user: str | None, department: Any) -> Subject:
    return structs.replace(
        SUBJECT, id=f"{app}/{user}", app=app, user=user, department=department
    )  # fmt: skip


A, B, C = caller("a", "x", "d"), caller("a", "y", "d"), caller("b", "x", "d")
NOBODY, NOBODY_TOO = caller("a", None, None), caller("b", None, None)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("by", "one", "shares", "apart"),
    [
        ("app", A, B, C),
        ("user", A, C, B),
        ("department", A, C, NOBODY),
        ("user", NOBODY, NOBODY, NOBODY_TOO),
        ("department", NOBODY, NOBODY, NOBODY_TOO),
    ],
)
async def test_whose_quota_it_is(
    tmp_path: Path, by: Any, one: Subject, shares: Subject, apart: Subject
) -> None:
    worker = Worker(sqlite(tmp_path), persons(5, by=by))
    assert await worker.said(page(5), subject=one) != "QUOTA"
    assert await worker.said(page(1, after=9), subject=apart) != "QUOTA"
    assert await worker.said(page(1, after=9), subject=shares) == "QUOTA"
    worker.close()


@pytest.mark.asyncio
async def test_each_rule_s_quota_is_counted_for_itself(tmp_path: Path) -> None:
    by_use = {
        ("Person.name", "project"): (persons(5, rule="names"),),
        ("Home.street", "project"): (Quota("rows", 2, DAY, rule="homes"),),
    }
    worker = Worker(sqlite(tmp_path), obligations=by_use)
    homes = "{ homes(first: 1) { nodes { street } } }"
    for text in (page(5), homes, homes):
        assert await worker.said(text) != "QUOTA"
    assert await worker.said(homes) == "QUOTA"
    assert await worker.said(page(5)) != "QUOTA"
    assert await worker.said("{ persons(first: 9) { nodes { age } } }") != "QUOTA"  # has none
    worker.close()


@pytest.mark.asyncio
async def test_an_answer_that_fails_has_counted(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    worker.recorder.broken = True
    assert await worker.said(page(5)) == "AUDIT_UNAVAILABLE"
    worker.recorder.broken = False
    assert await worker.said(looked(9)) == "QUOTA"
    worker.close()


@pytest.mark.asyncio
async def test_what_was_fetched_before_a_failure_counts(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    worker.sources["hr"].fails = HubError("INTERNAL", "an internal error")
    below = "{ persons(first: 6) { nodes { name jobs(first: 1) { nodes { title } } } } }"
    assert await worker.said(below) == "INTERNAL"
    worker.sources["hr"].fails = None
    assert await worker.said(looked(0)) == "QUOTA"
    worker.close()


@pytest.mark.asyncio
async def test_without_counters_nothing_is_told() -> None:
    small = Small(PlainEngine(COUNTED, obligations={("Person.name", "project"): (persons(5),)}))
    assert await small.code(page(1)) == "QUOTA_UNAVAILABLE"
    assert "data" in await small.ask("{ persons(first: 1) { nodes { age } } }")


@pytest.mark.asyncio
async def test_a_store_that_is_down_denies(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    with worker.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE quota_persons RENAME TO gone"))
    assert await worker.said(page(1)) == "QUOTA_UNAVAILABLE"
    entry = worker.recorder.entries[-1]
    assert (entry.outcome, entry.code) == ("refused", "QUOTA_UNAVAILABLE")
    with worker.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE gone RENAME TO quota_persons"))
    assert await worker.said(page(1)) != "QUOTA_UNAVAILABLE"
    with worker.database.begin() as connection:
        connection.execute(sa.text("DROP TABLE quota_counters"))
    calls = worker.calls
    assert await worker.said(page(1)) == "QUOTA_UNAVAILABLE"
    assert worker.calls == calls
    assert "data" in await worker.ask("{ homes(first: 1) { nodes { street } } }")
    worker.close()


def stored(worker: Worker, table: sa.Table) -> list[Any]:
    with worker.database.connect() as connection:
        return list(connection.execute(sa.select(table)))


@pytest.mark.asyncio
async def test_counters_name_nobody_and_end_with_their_window(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    await worker.said(page(2))
    first = {row.person for row in stored(worker, quota_persons)}
    assert len(first) == 2
    assert all(len(one) == 16 for one in first)
    worker.clock.now += DAY
    await worker.said(page(2))
    assert not first & {row.person for row in stored(worker, quota_persons)[2:]}
    worker.clock.now += 600
    await worker.said(page(2))
    assert len(stored(worker, quota_persons)) == 2
    assert [row.used for row in stored(worker, quota_counters)] == [2]
    worker.close()


@pytest.mark.asyncio
async def test_a_window_keeps_no_more_persons_than_close_it(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5))
    for text in (page(4), page(20, after=4), page(20, after=9)):
        await worker.said(text)
    assert len(stored(worker, quota_persons)) == 6
    worker.close()


@pytest.mark.asyncio
async def test_operations_without_quotas_count_nothing(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(5), uses=(("Person.name", "project"),))
    await worker.said("{ persons(first: 9) { nodes { age } } homes { nodes { street } } }")
    assert stored(worker, quota_counters) == []
    worker.close()


def test_rows_whose_persons_are_counted_are_not_passed_through() -> None:
    for quota, passed in ((persons(5), False), (rows(5), True)):
        types = structs.replace(COUNTED, bindings=PASSING.bindings)
        engine = PlainEngine(types, obligations={("Person.name", "project"): (quota,)})
        plan = Small(engine).pipeline.plan(
            Request(text="{ persons { nodes { name } } }", subject=SUBJECT, purpose="p")
        )
        shown = plan_text(plan)
        assert ("pass-through" in shown) is passed
        assert ("Count persons of Person by number" in shown) is not passed


async def _race(url: str, clock: Clock) -> None:
    """Two workers, each asking for thirty persons at once, in opposite order."""
    one, two = (Worker(url, persons(7), rows(1_000), clock=clock) for _ in range(2))
    asked = [(worker, n) for n in range(30) for worker in (one, two)]
    told = await asyncio.gather(*(worker.said(looked(n)) for worker, n in asked))
    delivered = {n for (_, n), said in zip(asked, told, strict=True) if said != "QUOTA"}
    assert len(delivered) == 7
    assert "QUOTA" in told
    clock.now += DAY
    pages = [(worker, n) for n in range(0, 30, 2) for worker in (one, two)]
    told = await asyncio.gather(*(worker.said(page(2, after=n)) for worker, n in pages))
    shown = [said["persons"]["nodes"] for said in told if said != "QUOTA"]
    assert len({node["age"] for nodes in shown for node in nodes}) == 6
    assert all(len(nodes) == 2 for nodes in shown)
    one.close()
    two.close()


@pytest.mark.asyncio
async def test_workers_at_once_stay_within_the_limit_on_sqlite(tmp_path: Path) -> None:
    await _race(sqlite(tmp_path), Clock())


@pytest.mark.asyncio
async def test_workers_at_once_stay_within_the_limit_on_postgresql(
    postgres_url: str,  # noqa: F811
) -> None:
    await _race(postgres_url, Clock())


pages = st.tuples(st.integers(1, 9), st.integers(0, 29)).map(lambda held: page(*held))
texts = st.one_of(
    pages,
    st.integers(0, 35).map(looked),
    st.integers(0, 9).map(
        lambda n: (
            f'{{ homes(filter: {{code: {{eq: "h{n % 3}"}}}}) {{ nodes {{ people(first: {n})'
            " { nodes { name age } } } } }"
        )
    ),
)


def test_no_series_of_pages_delivers_more_persons_than_the_quota(tmp_path: Path) -> None:
    clock = Clock()
    workers = {
        most: Worker(sqlite(tmp_path), persons(most, rule=f"r{most}"), clock=clock)
        for most in (1, 4, 12)
    }

    async def deliver(most: int, asked: list[str]) -> None:
        seen: set[Any] = set()
        refused = False
        for text in asked:
            said = await workers[most].said(text.replace("{ name }", "{ name age }"))
            if said == "QUOTA":
                refused = True
                continue
            assert not refused  # what was refused once is not opened by asking otherwise
            seen |= _ages(said)
        assert len(seen) <= most

    @given(st.sampled_from(sorted(workers)), st.lists(texts, min_size=1, max_size=12))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def check(most: int, asked: list[str]) -> None:
        clock.now += DAY
        runner.run(deliver(most, asked))

    with asyncio.Runner() as runner:
        check()
    for worker in workers.values():
        worker.close()


def _ages(told: Any) -> set[Any]:
    if isinstance(told, dict):
        inner = [_ages(value) for key, value in told.items() if key != "age"]
        return set().union({told["age"]} if "age" in told else set(), *inner)
    return set().union(*map(_ages, told)) if isinstance(told, list) else set()

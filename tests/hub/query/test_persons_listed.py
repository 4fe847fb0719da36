"""Entries list whose rows left, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.audit.entry import Entry
from hub.audit.persons import MANY, PersonHashes
from hub.query.limits import Limits
from tests.hub.query.metered import EVERYWHERE, Worker, page, persons, sqlite

HASHES = PersonHashes(b"s" * 48)
USES = (*EVERYWHERE, ("Job.title", "project"), ("Person.jobs", "traverse"))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    held = listing(tmp_path)
    yield held
    held.close()


def listing(tmp_path: Path, *quotas: Any) -> Worker:
    held = Worker(sqlite(tmp_path), *quotas, uses=USES, limits=Limits(lists_persons=True))
    held.pipeline.world.whose = HASHES
    return held


async def listed(worker: Worker, text: str, **more: Any) -> list[str]:
    await worker.ask(text, **more)
    entry: Entry = worker.recorder.entries[-1]
    return entry.persons


def of(*numbers: str) -> list[str]:
    return sorted(HASHES.of([number]) for number in numbers)


@pytest.mark.asyncio
async def test_whose_rows_left(worker: Worker) -> None:
    assert await listed(worker, page(3)) == of("00", "01", "02")
    assert await listed(worker, page(2, after=28)) == of("28", "29")


@pytest.mark.asyncio
async def test_whoever_was_looked_for_and_is_not_there_is_not_listed(worker: Worker) -> None:
    assert await listed(worker, '{ person(number: "77") { name } }') == []
    assert await listed(worker, '{ person(number: "07") { name } }') == of("07")


@pytest.mark.asyncio
async def test_types_without_personal_data_list_nobody(worker: Worker) -> None:
    assert await listed(worker, "{ homes { nodes { code } } }") == []


@pytest.mark.asyncio
async def test_rows_of_one_person_in_another_type(worker: Worker) -> None:
    ask = '{ jobs(filter: {jobId: {in: ["a", "b"]}}) { nodes { title } } }'
    assert len(await listed(worker, ask)) == 1


@pytest.mark.asyncio
async def test_figures_of_groups_are_of_many(worker: Worker) -> None:
    ask = "{ personsAggregate(groupBy: [AGE]) { count } }"
    assert await listed(worker, ask) == [MANY]


@pytest.mark.asyncio
async def test_what_is_refused_lists_nobody(tmp_path: Path) -> None:
    worker = listing(tmp_path, persons(2))
    assert await listed(worker, page(2)) == of("00", "01")
    assert await listed(worker, page(3)) == []
    worker.close()


@pytest.mark.asyncio
async def test_unasked_nobody_is_listed(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(9), uses=USES)
    assert await listed(worker, page(2)) == []
    worker.close()

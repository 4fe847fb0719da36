"""Whose data a row is decides what a quota of persons counts, also where figures are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.query.persons import person_of
from policies.obligation import AggregateOnly
from schema.model.names import TypeName
from tests.hub.query.metered import COUNTED, EVERYWHERE, Worker, persons, sqlite
from tests.hub.query.small import CATALOGUE


def test_a_data_subject_or_else_the_key_of_types_with_personal_data() -> None:
    person, home, job = (COUNTED.types[TypeName(name)] for name in ("Person", "Home", "Job"))
    assert person_of(person, COUNTED.scheme) == ("number",)
    assert person_of(home, COUNTED.scheme) == ()
    assert person_of(job, COUNTED.scheme) == ("personNumber",)
    assert person_of(CATALOGUE.types[TypeName("Person")], CATALOGUE.scheme) == ()


@pytest.mark.asyncio
async def test_several_rows_about_one_person_count_one(tmp_path: Path) -> None:
    worker = Worker(sqlite(tmp_path), persons(1), uses=(("Job.title", "project"),))
    ask = "{{ jobs(filter: {{jobId: {{in: {}}}}}) {{ nodes {{ title }} }} }}"
    told = await worker.said(ask.format('["a", "b"]'))
    assert len(told["jobs"]["nodes"]) == 2  # both of one
    assert await worker.said(ask.format('["c"]')) == "QUOTA"
    worker.close()


@pytest.mark.asyncio
async def test_groups_of_many_are_nobody(tmp_path: Path) -> None:
    text = "{ jobsAggregate(groupBy: [PERSON_NUMBER]) { count } }"
    uses = (*EVERYWHERE, ("Job", "count"), ("Job.personNumber", "group"))
    alone = Worker(sqlite(tmp_path / "alone"), persons(1), uses=uses)
    assert await alone.said(text) == "QUOTA"
    alone.close()
    guarded = Worker(sqlite(tmp_path / "guarded"), persons(1), AggregateOnly(2), uses=uses)
    assert await guarded.said(text) == {"jobsAggregate": []}
    guarded.close()

"""A check says which applications' operations of recent weeks break or change, without values."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.query.request import Request
from hub.store.engine import open_engine
from hub.store.recorded import StoredOperations, read_recorded
from hub.wiring import Hub
from tests.hub.registration.bureau import SALARY, Bureau, Captured
from tests.hub.registration.test_published_live import CALLER, worker

BY_NAME = 'query Named { persons(filter: {name: {eq: "N1"}}) { nodes { name } } }'
PAID = "query Paid { persons { nodes { salary } } }"


@pytest.fixture
def bureau(tmp_path: Path, capsys: Captured) -> Bureau:
    return Bureau(tmp_path, capsys)


async def recorded(hub: Hub, *texts: str) -> None:
    """Ask, and let the hub write what was asked."""
    for text in texts:
        answer = await hub.pipeline.answer(Request(text=text, subject=CALLER))
        assert answer.code is None, answer.body
    assert hub._recording is not None
    await hub._recording.flush()


@pytest.mark.asyncio
async def test_what_breaks_and_what_changes(bureau: Bureau) -> None:
    await asyncio.to_thread(bureau.published, bureau.civil(SALARY), "civil")
    async with worker(bureau) as hub:
        await recorded(hub, PAID, PAID, BY_NAME)
    text = bureau.civil().replace("name: {type: String}", "name: {type: String, label: restricted}")
    await asyncio.to_thread(bureau.register, text, "--based-on", "5")
    said = await asyncio.to_thread(bureau.good, "check", "civil")
    assert "recorded operations: 2 decided anew" in said
    assert "hr, benefits: 1 break, 1 change (asked 3 times)" in said
    assert "Paid, asked 2: refused (GRAPHQL_VALIDATION_FAILED)" in said
    assert "Named, asked 1: " in said
    assert "breaking: Person.salary: the field is gone" in said
    assert "raised: Person.name label: internal -> restricted" in said
    assert "gone: Person.salary label: internal -> -" in said
    assert "N1" not in said
    assert "id0" not in said


@pytest.mark.asyncio
async def test_what_was_asked_long_ago_does_not_count(bureau: Bureau) -> None:
    await asyncio.to_thread(bureau.published, bureau.civil(SALARY), "civil")
    async with worker(bureau) as hub:
        await recorded(hub, PAID)
    engine = open_engine(bureau.settings.state.database_url)
    (row,) = read_recorded(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM recorded_operations")
    old = row.last_seen - 29 * 86_400
    StoredOperations(engine, days=90, most=10).add([replace(row, first_seen=old, last_seen=old)])
    engine.dispose()
    await asyncio.to_thread(bureau.register, bureau.civil(), "--based-on", "5")
    said = await asyncio.to_thread(bureau.good, "check", "civil")
    assert "recorded operations: 0 decided anew" in said

"""Requests that are cancelled, at any moment: the next ones find room."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from connectors.http import connections
from connectors.rest.connector import IN_FLIGHT
from schema.errors import SourceError
from tests.connectors.rest.source import ID, opened, rows
from tests.connectors.rest.wire import Writer, reply, serving

TABLES: dict[str, Any] = {"things": {"list": {"path": "/things", "items": "/items"}}}
ONE = {"items": [{"id": 1}]}


async def _hang(_: Writer) -> None:
    await asyncio.Event().wait()


@pytest.mark.asyncio
async def test_interrupted_requests_take_up_no_room() -> None:
    """Wherever a request is when it is cancelled: httpcore's pool once kept its place."""
    async with serving(lambda _: ONE) as wire, opened({"base": wire.base}, TABLES) as held:
        for ticks in range(60):
            many = [asyncio.create_task(rows(held, ID)) for _ in range(IN_FLIGHT)]
            for _ in range(ticks):
                await asyncio.sleep(0)
            for task in many:
                task.cancel()
            await asyncio.gather(*many, return_exceptions=True)
        late = time.monotonic() + 5
        many = [asyncio.create_task(rows(held, ID, deadline=late)) for _ in range(IN_FLIGHT * 3)]
        assert await asyncio.gather(*many) == [[(1,)]] * len(many)


@pytest.mark.asyncio
async def test_a_request_under_way_outlives_many_that_are_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MOST_INTERRUPTED", 2)
    came, go_on = asyncio.Event(), asyncio.Event()

    async def wait(writer: Writer) -> None:
        came.set()
        await go_on.wait()
        writer.write(reply(json.dumps(ONE)))
        await writer.drain()

    said: list[Any] = [wait, _hang, _hang, _hang, ONE]
    async with serving(lambda _: said.pop(0)) as wire, opened({"base": wire.base}, TABLES) as held:
        patient = asyncio.create_task(rows(held, ID))
        await came.wait()
        for _ in range(3):
            with pytest.raises(SourceError):
                await rows(held, ID, deadline=time.monotonic() + 0.1)
        assert await rows(held, ID) == [(1,)]
        go_on.set()
        assert await patient == [(1,)]

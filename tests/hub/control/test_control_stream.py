"""Changes told at the control door as they happen, to those who may look at them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from hub.control.door import PATH
from hub.store.tables import registration_steps
from tests.auth import forge
from tests.hub.control.test_control_door import OFFICER, TAX, ZHANG, Control, control

__all__ = ["control"]
QUERY = "subscription { changes { area number } }"


class Events:
    """What a client receives, event by event."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.start: Mapping[str, Any] = {}
        self._asked = False
        self.body = b""

    async def receive(self) -> Mapping[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message.get("body"):
            self.queue.put_nowait(message["body"])

    async def next(self) -> tuple[str, Any]:
        """Kind and body of the next event."""
        async with asyncio.timeout(20):
            text = await self.queue.get()
        if text.startswith(b":"):
            return "ping", None
        kind, data = text.decode().strip().split("\n")
        told = data.removeprefix("data:").strip()
        return kind.removeprefix("event: "), orjson.loads(told) if told else None


@asynccontextmanager
async def subscribed(
    control: Control, claims: dict[str, Any], query: str = QUERY
) -> AsyncIterator[Events]:
    """A client that listens."""
    events = Events()
    events.body = orjson.dumps({"query": query})
    token = forge.token(forge.claims(**claims))
    headers = {
        "authorization": f"Bearer {token}",
        "accept": "text/event-stream",
        "content-type": "application/json",
    }
    scope = {
        "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(),
        "query_string": b"", "http_version": "1.1", "scheme": "http", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("hub", 80),
    }  # fmt: skip
    app = control.client._transport.app  # type: ignore[attr-defined]  # httpx buffers streams
    running = asyncio.get_running_loop().create_task(app(scope, events.receive, events.send))
    try:
        yield events
    finally:
        events.gone.set()
        async with asyncio.timeout(20):
            await asyncio.wait({running})


def looking(control: Control) -> bool:
    """Whether somebody looks at the marks."""
    changes = control.door._changes
    return changes is not None and changes._looking is not None


async def listening(control: Control) -> None:
    """Wait until somebody does."""
    for _ in range(2_000):
        if looking(control):
            return
        await asyncio.sleep(0.01)
    raise AssertionError


@pytest.mark.asyncio
async def test_changes_are_told_as_they_happen(control: Control) -> None:
    async with subscribed(control, ZHANG) as zhang, subscribed(control, OFFICER) as officer:
        await listening(control)
        await control.taken(ZHANG, "registerSource", text=control.bureau.civil(), basedOn=0)
        for one in (zhang, officer):
            kind, body = await one.next()
            assert kind == "next"
            assert body["data"]["changes"]["area"] == "sources"
            assert body["data"]["changes"]["number"].split("-")[0] == "1"
        headers = dict(zhang.start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert headers[b"cache-control"] == b"no-store"
    assert not looking(control)  # nobody listens


@pytest.mark.asyncio
async def test_a_stream_ends_with_its_callers_rights(control: Control) -> None:
    async with subscribed(control, TAX) as stream:
        await listening(control)
        control.hub.identifier.revoke(forge.token(forge.claims(**TAX)))
        kind, _ = await stream.next()
        assert kind == "complete"
        with control.hub.database.begin() as connection:
            connection.execute(sa.delete(registration_steps))
        assert stream.queue.empty()


@pytest.mark.asyncio
async def test_a_stream_ends_when_the_hub_does(control: Control) -> None:
    async with subscribed(control, OFFICER) as stream:
        await listening(control)
        assert await control.door.room.drain(1.0)
        assert (await stream.next())[0] == "complete"


@pytest.mark.asyncio
async def test_what_is_not_ones_own_is_not_told(control: Control) -> None:
    for query, code in (
        ('subscription { changes(areas: ["rules"]) { area } }', "FORBIDDEN"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ sources { name } }", "BAD_REQUEST"),
    ):
        async with subscribed(control, ZHANG, query) as stream:
            kind, body = await stream.next()
            assert kind == "next", kind
            assert body["errors"][0]["extensions"]["code"] == code, query
            assert (await stream.next())[0] == "complete"
    status, body = await control.post(ZHANG, QUERY)
    assert (status, body["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")

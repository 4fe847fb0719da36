"""One department's service goes wrong in every way: the others' part of the answer arrives, the
error names the department and nothing of its system, and the service is left to recover."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.kit.retry import Breaker
from hub.query.reach import Reach
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.settings import read_settings
from hub.wiring import Hub
from schema.model.names import SourceName
from tests.connectors.rest.wire import Asked, Wire, Writer, reply, serving

MARK = "zqmarked7"
SECRET = "s3cret-4711"
CIVIL = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{db}"}}}}
types:
  Person:
    key: [idNumber]
    from: {{table: residents}}
    label: public
    share: unconditional
    fields: {{idNumber: {{column: id_number, type: String}}, name: {{type: String}}}}
"""
MARKET = """\
hub: 1
source:
  name: market-tables
  department: market-office
  kind: rest
  deadline: PT3S
  connect: {{base: "{base}", auth: {{bearer: "${{env:FAULTS_SECRET}}"}}}}
  tables:
    shops: {{list: {{path: /zqmarked7/shops, items: /items}}}}
types:
  Shop:
    key: [number]
    from: {{table: shops}}
    label: public
    share: unconditional
    fields:
      number: {{type: Int}}
      owner: {{type: String}}
      income: {{type: Decimal}}
relations:
  Shop.person: {{to: Person, match: {{owner: idNumber}}}}
"""
RULES = """\
policy: everybody
effect: permit
subjects: {app: [office]}
resources: {types: [Person, Shop]}
modes: [all]
"""
CONFIG = """\
fragments: [civil.yaml, market.yaml]
policies: [rules.yaml]
packs: [plain]
ceiling: {plain: restricted}
instance: {mode: development}
state: {directory: state}
auth: {development_issuer: {directory: issuer}}
health: {probe_s: 3600}
"""
CLAIMS = {
    "sub": "office",
    "app": "office",
    "department": "bureau",
    "clearance": {"plain": "public"},
}
BOTH = """{
  people: persons(first: 10) { nodes { idNumber name } }
  shops(first: 10) { nodes { number income person { name } } }
}"""
GOOD = {"items": [{"number": 1, "owner": "p1", "income": "9.50"}]}


class City:
    """A hub before two departments, and how the second one's service is at the moment."""

    hub: Hub
    client: httpx.AsyncClient
    wire: Wire

    def __init__(self) -> None:
        self.next: list[Any] = []
        """What the service says to the next requests."""
        self.then: Any = GOOD
        """What it says to all others."""
        self.said: list[str] = []
        self.probed = asyncio.Event()

    def say(self, _: Asked) -> Any:
        self.probed.set()
        return self.next.pop(0) if self.next else self.then

    async def ask(self) -> dict[str, Any]:
        assert self.hub.issuer is not None
        sent = {"authorization": f"Bearer {self.hub.issuer.sign(CLAIMS)}"}
        answer = await self.client.post("/graphql", json={"query": BOTH}, headers=sent)
        assert answer.status_code == 200
        self.said.append(answer.text)
        told: dict[str, Any] = answer.json()
        return told

    async def part(self, code: str) -> None:
        """The first department's part is there, the second's is this error."""
        told = await self.ask()
        assert told["data"]["people"]["nodes"] == [{"idNumber": "p1", "name": "An"}]
        assert told["data"]["shops"] is None
        (error,) = told["errors"]
        extensions = error["extensions"]
        assert (extensions["code"], extensions["department"]) == (code, "market-office")
        assert error["path"] == ["shops"]

    async def whole(self) -> None:
        told = await self.ask()
        assert "errors" not in told, told
        assert told["data"]["shops"]["nodes"] == [
            {"number": 1, "income": "9.50", "person": {"name": "An"}}
        ]

    def rest(self, breaker: Breaker) -> None:
        """Another breaker before the service."""
        name = SourceName("market-tables")
        held: dict[SourceName, Reach] = self.hub.pipeline.world.reach
        held[name].breaker = breaker


@asynccontextmanager
async def city(home: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    held = City()
    patch.setenv("FAULTS_SECRET", SECRET)
    with closing(sqlite3.connect(home / "civil.sqlite")) as database:
        database.executescript(
            "CREATE TABLE residents (id_number TEXT PRIMARY KEY, name TEXT);"
            "INSERT INTO residents VALUES ('p1', 'An');"
        )
    async with serving(held.say) as held.wire:
        (home / "civil.yaml").write_text(CIVIL.format(db=home / "civil.sqlite"))
        (home / "market.yaml").write_text(MARKET.format(base=held.wire.base))
        (home / "rules.yaml").write_text(RULES)
        (home / "hub.yaml").write_text(CONFIG)
        settings = read_settings(home / "hub.yaml")
        held.hub = hub = Hub(settings)
        await hub.open()
        try:
            transport = httpx.ASGITransport(app=create_app(hub, door_options(settings)))
            async with (
                asyncio.timeout(60),
                httpx.AsyncClient(transport=transport, base_url="http://hub") as held.client,
            ):
                await held.probed.wait()  # once, in the background
                held.wire.asked.clear()
                yield held
        finally:
            await hub.close()


async def _killed(writer: Writer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    writer.write(head + f'{{"items": [{{"number": 1, "owner": "{MARK}"'.encode())
    await writer.drain()
    writer.transport.abort()


async def _hangs(writer: Writer) -> None:
    await asyncio.sleep(60)


async def _slow(writer: Writer) -> None:
    """Some minutes for what takes a moment."""
    for piece in reply(json.dumps(GOOD)).splitlines(keepends=True):
        await asyncio.sleep(10)
        writer.write(piece)
        await writer.drain()


FAULTS: dict[str, tuple[Any, str]] = {
    "killed mid-fetch": (_killed, "SOURCE_UNAVAILABLE"),
    "hangs": (_hangs, "SOURCE_TIMEOUT"),
    "slow": (_slow, "SOURCE_TIMEOUT"),
    "a wrong type": ({"items": [{"number": MARK, "owner": "p1"}]}, "SOURCE_BAD_DATA"),
    "a wrong shape": ({"items": {"number": 1, "owner": MARK}}, "SOURCE_BAD_DATA"),
    "half json": (reply('{"items": [{"number": 1, "owner": "' + MARK), "SOURCE_BAD_DATA"),
    "no json": (reply(f"<html>{MARK}</html>", kind="text/html"), "SOURCE_BAD_DATA"),
    "500": (reply(MARK, status="500 Internal Server Error"), "SOURCE_UNAVAILABLE"),
    "429": (reply(MARK, status="429 Too Many Requests"), "SOURCE_BUSY"),
    "another schema": ({"things": [{"id": 1, "who": MARK}]}, "SOURCE_BAD_DATA"),
    "another address": (reply(MARK, status="404 Not Found"), "SOURCE_BAD_DATA"),
    "another key": (reply(MARK, status="401 Unauthorized"), "SOURCE_UNAVAILABLE"),
}


@pytest.fixture(autouse=True)
def _nothing_told(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Any:
    """No log at its usual level holds what is the service's."""
    caplog.set_level(logging.WARNING)
    yield
    out, err = capsys.readouterr()
    for text in (MARK, SECRET, "Traceback"):
        assert text not in out + err + caplog.text


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.asyncio
async def test_the_others_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    said, code = FAULTS[fault]
    async with city(tmp_path, monkeypatch) as held:
        await held.whole()
        held.then = said
        await held.part(code)  # what hangs would do so for a minute
        held.then = GOOD
        await held.whole()
        for text in held.said:
            for told in (MARK, SECRET, "127.0.0.1", "market-tables", "/items", "Traceback"):
                assert told not in text


@pytest.mark.asyncio
async def test_500_then_429_then_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with city(tmp_path, monkeypatch) as held:
        held.next = [
            reply(MARK, status="500 Internal Server Error"),
            reply(MARK, "Retry-After: 0", status="429 Too Many Requests"),
        ]
        await held.whole()  # a short failure is not seen
        assert len(held.wire.asked) == 3


@pytest.mark.asyncio
async def test_breakers_open_and_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    async with city(tmp_path, monkeypatch) as held:
        held.then = reply(MARK, status="500 Internal Server Error")
        held.rest(Breaker(failures=3, rest_s=10, clock=lambda: now[0]))
        asked = held.wire.asked
        await held.part("SOURCE_UNAVAILABLE")
        opened = len(asked)
        for _ in range(5):
            await held.part("SOURCE_UNAVAILABLE")
        assert len(asked) == opened  # it is left alone
        now[0] = 11
        await held.part("SOURCE_UNAVAILABLE")
        tried = len(asked)
        assert opened < tried < 2 * opened  # one trial, which opens it again
        await held.part("SOURCE_UNAVAILABLE")
        assert len(asked) == tried
        now[0], held.then = 22, GOOD
        await held.whole()
        await held.whole()
        assert len(asked) == tried + 2  # the trial closed it

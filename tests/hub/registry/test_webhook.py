"""Early warnings reach who wants to know: signed, again until taken, never led elsewhere."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from hub.registry.watching import SourceWatch
from hub.registry.webhook import WAITS_S, Event, Sender, read_secret
from hub.settings import read_settings
from hub.settings.declared import HealthSettings
from hub.settings.steps import Webhook
from hub.store.engine import migrate, open_engine
from schema.errors import HubError, ManyErrors
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

KEY = bytes(range(32))
EVENT = Event(type="source.down", at=1_790_000_000.0, data={"source": "civil", "calls": 3})


class Receiver:
    """A web server that answers with the given statuses, then 204."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.url = ""


@contextmanager
def receiver(*statuses: int) -> Iterator[Receiver]:
    told = Receiver(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.taken.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(told.statuses.pop(0) if told.statuses else 204)
            self.send_header("location", f"{told.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/warnings"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "webhook.secret"
    file.write_text("whsec_" + base64.b64encode(KEY).decode() + "\n")
    return str(file)


async def sent(webhook: Webhook, *events: Event) -> list[float]:
    """Send events to the end; the waits between tries."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    sender = Sender(webhook, clock=lambda: 1_790_000_001.5, sleep=sleep)
    for event in events:
        sender.send(event)
    running = asyncio.ensure_future(sender.run())
    async with asyncio.timeout(30):
        await sender.settled()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return waits


@pytest.mark.asyncio
async def test_events_are_signed_and_come_in_order(secret: str) -> None:
    with receiver() as told:
        second = Event(type="source.down.cleared", at=1_790_000_060.0, data={})
        assert await sent(Webhook(url=told.url, secret=secret), EVENT, second) == []
    (headers, body), (other, _) = told.taken
    assert orjson.loads(body) == {
        "type": "source.down",
        "timestamp": "2026-09-21T14:13:20Z",
        "data": {"source": "civil", "calls": 3},
    }
    content = f"{headers['webhook-id']}.1790000001.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == "1790000001"
    assert other["webhook-id"] != headers["webhook-id"]


@pytest.mark.asyncio
async def test_an_event_is_sent_again_under_its_name_and_never_elsewhere(secret: str) -> None:
    with receiver(500, 302, 429) as told:
        waits = await sent(Webhook(url=told.url, secret=secret), EVENT)
    assert len(told.taken) == 4
    assert len({headers["webhook-id"] for headers, _ in told.taken}) == 1
    for wait, wanted in zip(waits, WAITS_S, strict=False):
        assert 0.75 * wanted <= wait <= 1.25 * wanted


@pytest.mark.asyncio
@pytest.mark.parametrize(("status", "tries"), [(410, 1), (503, len(WAITS_S) + 1)])
async def test_an_event_is_given_up_at_last(secret: str, status: int, tries: int) -> None:
    with receiver(*[status] * tries) as told:
        await sent(Webhook(url=told.url, secret=secret), EVENT, EVENT)
    assert len(told.taken) == tries + 1


@pytest.mark.asyncio
async def test_nobody_there_is_tried_again(secret: str) -> None:
    with receiver() as told:
        url = told.url
    assert len(await sent(Webhook(url=url, secret=secret), EVENT)) == len(WAITS_S)


@pytest.mark.asyncio
async def test_a_source_that_goes_down_is_told_by_webhook(tmp_path: Path, secret: str) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/state.sqlite")
    migrate(engine)
    decl = SourceDecl(
        name=SourceName("civil"), department=DepartmentName("civil-affairs"), kind="sql"
    )
    with receiver() as told:
        settings = HealthSettings(webhooks=(Webhook(url=told.url, secret=secret),), probe_s=1)
        watch = SourceWatch(settings, engine)
        running = asyncio.ensure_future(watch.run(lambda: {decl.name: (decl, None)}))
        async with asyncio.timeout(30):
            while not told.taken:  # noqa: ASYNC110  # the server is in a thread
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    engine.dispose()
    body = orjson.loads(told.taken[0][1])
    assert (body["type"], body["data"]["source"]) == ("source.down", "civil")
    assert body["data"]["department"] == "civil-affairs"


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!!!", "c2hvcnQ=", "whsec_c2hvcnQ=", "密"])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "held").write_text(text)
    webhook = Webhook(url="https://a.example/", secret=str(tmp_path / "held"))
    with pytest.raises(HubError) as refused:
        read_secret(webhook)
    assert refused.value.code == "CONFIG_INVALID"
    with pytest.raises(HubError):
        read_secret(Webhook(url="https://a.example/", secret=str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://a.example/warnings", True),
        ("http://localhost:9000/warnings", True),
        ("http://[::1]:9000/", True),
        ("http://a.example/warnings", False),
        ("https://user:word@a.example/", False),
        ("ftp://a.example/", False),
        ("https://", False),
        ("https://a.example:99999/", False),
        ("/warnings", False),
    ],
)
def test_warnings_go_only_where_nobody_reads_them(tmp_path: Path, url: str, fits: bool) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(f'health: {{webhooks: [{{url: "{url}", secret: held}}]}}')
    if fits:
        (webhook,) = read_settings(file, {}).health.webhooks
        assert webhook == Webhook(url=url, secret=str(tmp_path / "held"))
        return
    with pytest.raises((HubError, ManyErrors)) as refused:
        read_settings(file, {})
    assert "https://HOST" in str(refused.value.hint)

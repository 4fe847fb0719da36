"""The pages beside the door, the explorer, life span and reload."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.serve.app import App, create_app
from hub.serve.explorer import ASSETS
from hub.serve.options import DoorOptions
from hub.serve.reload import Reloader, stamp_files
from schema.errors import HubError
from tests.hub.serve.asgi import calling
from tests.hub.serve.fakes import FakeHub

pytestmark = pytest.mark.asyncio
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def test_health_and_readiness() -> None:
    async with calling() as call:
        assert (await call.client.get("/healthz")).text == "ok\n"
        got = await call.client.get("/readyz")
        assert (got.status_code, got.json()["ready"]) == (200, True)
        call.hub.checks = {"sources": False}
        got = await call.client.get("/readyz")
        assert got.status_code == 503
        assert got.json()["checks"] == {"sources": False, "accepting": True}


async def test_metrics_can_be_switched_off() -> None:
    async with calling() as call:
        got = await call.client.get("/metrics")
        assert (got.text, got.headers["content-type"]) == (
            "reloads 0\n",
            "text/plain; version=0.0.4",
        )
    async with calling(metrics=False) as call:
        assert (await call.client.get("/metrics")).status_code == 404


async def test_every_answer_is_counted() -> None:
    told: list[tuple[str, str | None]] = []
    app = create_app(FakeHub(), DoorOptions(), observe=lambda o, c, _: told.append((o, c)))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        headers = {"authorization": "Bearer good-token"}
        for text in ("{ hello }", "{ broken }", "{ nobody }", "{ __crash }"):
            await client.post("/graphql", json={"query": text}, headers=headers)
        await client.post("/graphql", json={"query": "{ hello }"})
    assert told == [
        ("data", None),
        ("partial", None),
        ("request_error", "GRAPHQL_VALIDATION_FAILED"),
        ("failed", "INTERNAL"),
        ("refused", "UNAUTHENTICATED"),
    ]


async def test_a_browser_gets_the_explorer_and_all_it_needs() -> None:
    async with calling() as call:
        for path in ("/graphql", "/graphiql"):
            page = await call.client.get(path, headers={"accept": BROWSER})
            assert page.status_code == 200
            assert page.headers["content-type"].startswith("text/html")
            policy = page.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
            assert "<script>" not in page.text
            assert not re.search(r"(src|href)=\"(https?:)?//", page.text)
            names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assert len(names) == 6
            for name in names:
                asset = await call.client.get(name)
                assert asset.status_code == 200
                kind = "css" if name.endswith(".css") else "javascript"
                assert kind in asset.headers["content-type"]
                assert asset.headers["x-content-type-options"] == "nosniff"


async def test_assets_come_plain_to_who_cannot_unpack() -> None:
    async with calling() as call:
        name = "/graphiql/assets/react-18.3.1.min.js"
        plain = await call.client.get(name, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        packed = await call.client.get(name, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert plain.content == packed.content


@pytest.mark.parametrize(
    "name", ["nothing.js", "ORIGIN.md", "../explorer.py", "%2e%2e/%2e%2e/app.py"]
)
async def test_nothing_else_is_served(name: str) -> None:
    async with calling() as call:
        assert (await call.client.get(f"/graphiql/assets/{name}")).status_code == 404


async def test_assets_are_those_of_the_packages() -> None:
    """The digests of the files as npm has them stand in ORIGIN.md."""
    page = (ASSETS / "ORIGIN.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", page, flags=re.MULTILINE)
    assert {f"{name}.gz" for name, _ in rows} == {path.name for path in ASSETS.glob("*.gz")}
    for name, digest in rows:
        data = gzip.decompress((ASSETS / f"{name}.gz").read_bytes())
        assert hashlib.sha256(data).hexdigest() == digest
    assert sum(path.stat().st_size for path in ASSETS.iterdir()) < 4_000_000


async def test_the_explorer_can_be_switched_off() -> None:
    async with calling(graphiql=False) as call:
        got = await call.client.get("/graphql", headers={"accept": BROWSER})
        assert got.status_code == 403
        assert (await call.client.get("/graphiql")).status_code == 404


async def test_life_span_opens_drains_and_closes() -> None:
    hub = FakeHub()
    app = create_app(hub, DoorOptions(), drain_s=2.0)
    async with living(app):
        assert hub.opened
        transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(transport=transport, base_url="http://hub")
        headers = {"authorization": "Bearer good-token"}
        body = {"query": "{ slow(ms: 200) }"}
        slow = asyncio.create_task(client.post("/graphql", json=body, headers=headers))
        await hub.pipeline.entered.wait()
        assert not hub.closed
    assert slow.done() or hub.closed
    assert (await slow).json() == {"data": {"slow": "done"}}
    got = await client.post("/graphql", json={"query": "{ hello }"}, headers=headers)
    assert (got.status_code, got.headers["connection"]) == (503, "close")
    assert got.json()["errors"][0]["extensions"]["code"] == "SHUTTING_DOWN"
    assert (await client.get("/readyz")).status_code == 503
    await client.aclose()


async def test_a_start_that_fails_says_why_in_one_line() -> None:
    class Failing(FakeHub):
        async def open(self) -> None:
            raise HubError("AUDIT_BROKEN", "the audit log does not verify")

    hub = Failing()
    sent: list[dict[str, Any]] = []
    asked = [{"type": "lifespan.startup"}]

    async def receive() -> dict[str, Any]:
        return asked.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await create_app(hub, DoorOptions())({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": "the audit log does not verify"}]
    assert not hub.closed


@asynccontextmanager
async def living(app: App) -> AsyncIterator[None]:
    """Run an application's life span around a block."""
    coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    done: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    span = asyncio.ensure_future(app({"type": "lifespan"}, coming.get, done.put))
    await coming.put({"type": "lifespan.startup"})
    assert (await done.get())["type"] == "lifespan.startup.complete"
    yield
    await coming.put({"type": "lifespan.shutdown"})
    assert (await done.get())["type"] == "lifespan.shutdown.complete"
    await span


class ReloadingHub(FakeHub):
    """Tells when it was asked to reload; refuses the first time."""

    def __init__(self, watched: tuple[Path, ...]) -> None:
        super().__init__(watched=watched)
        self.asked = asyncio.Event()

    async def reload(self) -> None:
        self.reloads += 1
        self.asked.set()
        if self.reloads == 1:
            raise HubError("FRAGMENT_INVALID", "a fragment is not valid")


async def test_a_changed_file_reloads_and_a_refused_reload_is_survived(tmp_path: Path) -> None:
    file = tmp_path / "civil.yaml"
    file.write_text("hub: 1")
    hub = ReloadingHub((tmp_path,))
    async with Reloader(hub, poll_s=0.01):
        for number in (1, 2):
            hub.asked.clear()
            await asyncio.sleep(0.05)
            file.write_text("hub: 1" + "#" * number)
            await asyncio.wait_for(hub.asked.wait(), 5)
    assert hub.reloads == 2


async def test_stamps_tell_new_changed_and_missing_files(tmp_path: Path) -> None:
    file, absent = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_text("1")
    before = stamp_files([tmp_path, absent])
    assert stamp_files([tmp_path, absent]) == before
    absent.write_text("2")
    after = stamp_files([tmp_path, absent])
    assert after != before
    absent.unlink()
    file.write_text("12")
    assert stamp_files([tmp_path, absent]) not in (before, after)

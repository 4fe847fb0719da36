"""A hub that is killed again and again under load: no answer without its entry, no torn log."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from hub.audit.entry import Entry
from hub.audit.export import picked
from hub.audit.link import link
from hub.audit.signing import plain_head
from hub.audit.verify import verify
from hub.store.engine import open_engine
from hub.store.heads import heads_from
from hub.store.ledger import open_ledger
from tests.hub.cli.test_serve import CONFIG, QUERY, home  # noqa: F401
from tests.hub.serve.live import free_port

KILLS = 12
CLIENTS = 12


async def load(port: int, token: str, seconds: float) -> set[str]:
    """The traces of whole answers that came before the hub was killed, or just then."""
    answered: set[str] = set()
    over = time.monotonic() + seconds

    async def ask(client: httpx.AsyncClient) -> None:
        while True:
            trace = secrets.token_hex(16)
            headers = {"authorization": f"ApiKey {token}",
                       "traceparent": f"00-{trace}-{'1' * 16}-01"}  # fmt: skip
            try:
                got = await client.post(
                    f"http://127.0.0.1:{port}/graphql", json={"query": QUERY}, headers=headers
                )
            except httpx.HTTPError:
                if time.monotonic() > over:
                    return
                await asyncio.sleep(0.01)
                continue
            if "data" in got.json():
                answered.add(trace)

    async with httpx.AsyncClient(trust_env=False) as client, asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(ask(client))
    return answered


async def killed(home: Path, port: int, seconds: float) -> set[str]:  # noqa: F811
    process = _started(home, port)
    try:
        await asyncio.to_thread(_ready, process, port)
        token = json.loads((home / "tokens.json").read_text())["app"]
        loading = asyncio.ensure_future(load(port, token, seconds))
        await asyncio.sleep(seconds)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
    return await loading


def _started(home: Path, port: int) -> subprocess.Popen[bytes]:  # noqa: F811
    words = [sys.executable, "-m", "hub", "serve", "--config", str(home / "hub.yaml")]
    return subprocess.Popen(
        [*words, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the hub did not start")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
@pytest.mark.asyncio
async def test_no_answer_leaves_without_its_entry(home: Path) -> None:  # noqa: F811
    more = "audit: {sign_s: 1, head: head.json}\nlisten: {workers: 2, reload_poll_s: 0}\n"
    (home / "hub.yaml").write_text(CONFIG.replace("listen: {reload_poll_s: 0.1}\n", more))
    answered: set[str] = set()
    for _ in range(KILLS):
        answered |= await killed(home, free_port(), random.uniform(0.1, 1.2))
    engine = open_engine(f"sqlite:///{home / 'hub-state' / 'state.sqlite'}")
    with closing(open_ledger(engine)) as ledger:
        assert not ledger.grow(link), "the tree is as long as the log"
        heads = [plain_head(head) for head in heads_from(engine, "sha256")]
        report = verify(ledger, signed=heads)
        entries = [one.entry for one in picked(ledger, link)]
    engine.dispose()
    assert (report.ok, report.entries) == (True, len(entries))
    assert heads
    traces = {entry.trace for entry in entries if isinstance(entry, Entry)}
    assert answered <= traces
    assert len(answered) > KILLS

"""Workers take up what is published, all of it or nothing, without a restart."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from hub.cli.main import run
from hub.query.request import Request
from hub.wiring import Hub
from schema.errors import HubError
from schema.model.names import DepartmentName
from schema.model.subject import Subject
from tests.hub.registration.bureau import SALARY, Bureau, Captured
from tests.hub.registration.test_source_refusals import altered
from tests.hub.serve.live import free_port
from tests.postgres import postgres_url  # noqa: F401  # a fixture

CALLER = Subject(
    id="app:benefits", app="benefits", department=DepartmentName("hr"),
    clearance={"plain": "restricted"},
)  # fmt: skip
WAIT_S = 60.0


@pytest.fixture
def bureau(tmp_path: Path, capsys: Captured) -> Bureau:
    return Bureau(tmp_path, capsys)


@asynccontextmanager
async def worker(bureau: Bureau) -> AsyncIterator[Hub]:
    hub = Hub(bureau.settings)
    await hub.open()
    try:
        yield hub
    finally:
        await hub.close()


async def asked(hub: Hub, fields: str) -> Any:
    """Persons, or the code of a refusal."""
    request = Request(text=f"{{ persons(first: 2) {{ nodes {{ {fields} }} }} }}", subject=CALLER)
    body = orjson.loads((await hub.pipeline.answer(request)).body)
    errors = body.get("errors")
    return errors[0]["extensions"]["code"] if errors else body["data"]["persons"]["nodes"]


async def comes(hub: Hub, fields: str, wanted: object) -> None:
    """Wait until a worker answers so."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await asked(hub, fields)
            if (found if isinstance(found, str) else len(found)) == wanted:
                return
            await asyncio.sleep(0.05)


@pytest.mark.asyncio
async def test_workers_follow_the_whole_life(bureau: Bureau) -> None:
    unknown = "GRAPHQL_VALIDATION_FAILED"
    async with worker(bureau) as one, worker(bureau) as two:
        assert await asked(one, "name") == unknown
        await asyncio.to_thread(bureau.published, bureau.civil(), "civil")
        for hub in (one, two):
            await comes(hub, "name", 2)
            assert await asked(hub, "salary") == unknown
        await asyncio.to_thread(bureau.published, bureau.civil(SALARY), "civil", "--based-on", "5")
        for hub in (one, two):
            await comes(hub, "salary", 2)
        assert one.catalogue.version == two.catalogue.version
        words = ("rollback", "civil", "--to", "1", *bureau.key("li"), "--reason", "x")
        await asyncio.to_thread(bureau.good, *words)
        for hub in (one, two):
            await comes(hub, "salary", unknown)
        await asyncio.to_thread(bureau.good, "withdraw", "civil", "--reason", "x")
        for hub in (one, two):
            await comes(hub, "name", unknown)


@pytest.mark.asyncio
async def test_what_cannot_be_taken_up_changes_nothing(bureau: Bureau) -> None:
    await asyncio.to_thread(bureau.published, bureau.civil(), "civil")
    async with worker(bureau) as hub:
        altered(bureau, "UPDATE registration_texts SET text = replace(text, 'internal', 'public')")
        altered(
            bureau,
            "INSERT INTO catalogue_versions SELECT 2, digest, fragments, published_at,"
            " published_by FROM catalogue_versions",
        )
        watch, served = hub._published, hub.catalogue.version
        assert watch is not None
        await watch.look(hub._database, hub.reload)
        assert hub.catalogue.version == served
        altered(bureau, "UPDATE registration_texts SET text = replace(text, 'public', 'internal')")
        altered(bureau, "UPDATE catalogue_versions SET number = number + 5")
        await watch.look(hub._database, hub.reload)
        altered(bureau, "DELETE FROM catalogue_versions")  # an older database was put back
        await watch.look(hub._database, hub.reload)
        assert hub.catalogue.version == served
        assert len(await asked(hub, "name")) == 2
    altered(bureau, "UPDATE registration_versions SET approval = NULL")
    async with worker(bureau):
        pass  # nothing is in force
    altered(
        bureau, "INSERT INTO catalogue_versions VALUES (9, 'x', '{\"civil\": 1}', 1.0, 'somebody')"
    )
    with pytest.raises(HubError) as refused:
        Hub(bureau.settings)
    assert refused.value.code == "REGISTRATION_INVALID"


@pytest.mark.asyncio
async def test_files_and_registered_sources_stand_together(bureau: Bureau) -> None:
    (bureau.home / "civil.yaml").write_text(bureau.civil())
    config = bureau.home / "hub.yaml"
    config.write_text(config.read_text().replace("fragments: []", 'fragments: ["civil.yaml"]'))
    async with worker(bureau) as hub:
        assert len(await asked(hub, "name")) == 2
        await asyncio.to_thread(bureau.published, bureau.tax(), "tax")
        await comes(hub, "arrears", 2)
        await hub.reload()
        assert len(await asked(hub, "arrears")) == 2
        twice = bureau.register(bureau.civil())
        assert twice[0] == 0
        checked = await asyncio.to_thread(bureau.run, "check", "civil")
        assert "is declared twice" in checked[1]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_database_may_be_postgresql(
    tmp_path: Path,
    capsys: Captured,
    postgres_url: str,  # noqa: F811
) -> None:
    bureau = Bureau(tmp_path, capsys, more=f'state: {{url: "{postgres_url}"}}')
    async with worker(bureau) as one, worker(bureau) as two:
        await asyncio.to_thread(bureau.published, bureau.civil(), "civil")
        for hub in (one, two):
            await comes(hub, "name", 2)
        await asyncio.to_thread(bureau.good, "withdraw", "civil", "--reason", "x")
        for hub in (one, two):
            await comes(hub, "name", "GRAPHQL_VALIDATION_FAILED")


def test_a_configuration_is_checked_with_what_is_registered(bureau: Bureau) -> None:
    config = ["check", "--config", str(bureau.home / "hub.yaml")]
    assert run(config) == 2
    bureau.published(bureau.civil(), "civil")
    assert run(config) == 0
    assert "good: 1 types of 1 departments from 1 sources" in bureau.printed()
    rules = bureau.home / "rules.yaml"
    rules.write_text(rules.read_text().replace("share: unconditional", "types: [Persons]"))
    assert run(config) == 1


@contextmanager
def served(bureau: Bureau) -> Iterator[str]:
    """`hub serve` with two workers; its address."""
    port = free_port()
    command = [sys.executable, "-m", "hub", "serve", "--config", str(bureau.home / "hub.yaml")]
    process = subprocess.Popen([*command, "--port", str(port), "--workers", "2"])
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and process.poll() is None:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.slow
def test_two_serving_workers_take_it_up_and_mix_nothing(bureau: Bureau) -> None:
    """Each answer is of one catalogue: both fields of a version are there, or neither."""
    config = str(bureau.home / "hub.yaml")
    words = ["keys", "new", "api", "--app", "benefits", "--department", "hr", "--config", config]
    assert run([*words, "--clearance", "plain=restricted"]) == 0
    key = bureau.printed().split()[-1]
    told: list[tuple[int, frozenset[str]]] = []
    stop = threading.Event()
    with served(bureau) as url:

        def ask() -> None:
            with httpx.Client(headers={"authorization": f"Bearer {key}"}) as client:
                while not stop.is_set():
                    body = {"query": '{ __type(name: "Person") { fields { name } } }'}
                    got = client.post(f"{url}/graphql", json=body).json()["data"]["__type"]
                    fields = [] if got is None else [one["name"] for one in got["fields"]]
                    told.append((0, frozenset(fields) & {"name", "salary", "bonus"}))

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        try:
            bureau.published(bureau.civil(), "civil")
            both = f"{SALARY}\n      bonus: {{column: salary, type: Int}}"
            bureau.published(bureau.civil(both), "civil", "--based-on", "5")
            end = time.monotonic() + WAIT_S
            whole = frozenset({"name", "salary", "bonus"})
            while time.monotonic() < end:
                if len(told) > 60 and all(held == whole for _, held in told[-60:]):
                    break
                time.sleep(0.1)
        finally:
            stop.set()
            for thread in asking:
                thread.join()
    assert told[-1][1] == whole
    assert {held for _, held in told} <= {frozenset(), frozenset({"name"}), whole}

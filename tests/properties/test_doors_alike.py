"""One operation has one answer, whichever way it comes in: posted, in the address, in a batch, by
its hash, by the id of a registered document. Random worlds and operations, from printed seeds."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schema.model.subject import Subject
from tests.hub.serve.asgi import Caller, calling
from tests.hub.serve.fakes import FakeHub
from tests.properties.cases import DOOR_MANY_WORLDS, DOOR_OPERATIONS, DOOR_WORLDS
from tests.properties.operations import Writer
from tests.properties.test_non_interference import Twin
from tests.properties.worlds import World

FIRST = int(os.environ.get("DOORS_SEED", "0"))
CHUNK = 20


class Known:
    """Whoever comes is the world's subject."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def known(self, token: str) -> Subject:
        return self.subject

    async def identify(self, scheme: str, token: str, certificate: str | None = None) -> Subject:
        return self.subject


async def answers(call: Caller, text: str, variables: dict[str, Any]) -> dict[str, bytes]:
    """The answer of every door."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    purpose = {"hub_purpose": "p"}
    hashed = {"variables": variables,
              "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}  # fmt: skip
    whole = {"query": text, "variables": variables}
    params = {"query": text, "variables": json.dumps(variables)}
    registered = {"documentId": f"sha256:{digest}", "variables": variables}
    batch = await call.post([whole], **purpose)
    return {
        "posted": (await call.post(whole, **purpose)).content,
        "purpose in the body": (await call.post({**whole, "extensions": {"purpose": "p"}})).content,
        "in the address": (await call.get(params, **purpose)).content,
        "batch": batch.content[1:-1],
        "sent with its hash": (await call.post({**hashed, "query": text}, **purpose)).content,
        "by its hash": (await call.post(hashed, **purpose)).content,
        "registered": (await call.post(registered, **purpose)).content,
    }


async def check(seed: int, folder: Path) -> int:
    """Compare all doors; gives how many answers held data."""
    world, good = World(seed), 0
    operations = [
        Writer(world, Random(f"doors {seed}/{number}")).operation()
        for number in range(DOOR_OPERATIONS)
    ]
    manifest = folder / f"{seed}.json"
    manifest.write_text(json.dumps({f"id-{text}": text for text, _ in operations}), "utf-8")
    hub = FakeHub()
    hub.pipeline = Twin(world, world.tables).pipeline  # type: ignore[assignment]
    hub.identifier = Known(world.subject)  # type: ignore[assignment]
    async with calling(hub=hub, manifests=(manifest,), batch_max=1, max_uri_bytes=10**6) as call:
        for text, variables in operations:
            told = await answers(call, text, variables)
            assert set(told.values()) == {told["posted"]}, f"seed {seed}\n{text}\n{told}"
            good += b'"data"' in told["posted"]
    return good


def run_seeds(start: int, folder: Path) -> None:
    print(f"seeds {start} to {start + CHUNK - 1}")  # noqa: T201 - a failure is repeated from it

    async def all_of_them() -> int:
        return sum([await check(seed, folder) for seed in range(start, start + CHUNK)])

    assert asyncio.run(all_of_them()) > CHUNK


@pytest.mark.parametrize("start", range(FIRST, FIRST + DOOR_WORLDS, CHUNK))
def test_the_doors_answer_alike(start: int, tmp_path: Path) -> None:
    run_seeds(start, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", range(FIRST + DOOR_WORLDS, FIRST + DOOR_WORLDS + DOOR_MANY_WORLDS, CHUNK)
)
def test_the_doors_answer_alike_in_many_worlds(start: int, tmp_path: Path) -> None:
    run_seeds(start, tmp_path)

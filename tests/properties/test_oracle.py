"""The hub's answer equals graphql-core executed over the masked view: random worlds, subjects,
rulings, capabilities and operations, from printed seeds."""

from __future__ import annotations

import asyncio
import os
import time
from random import Random
from typing import Any

import orjson
import pytest

from connectors.memory import MemoryConnector
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World as Sources
from schema.graph.build import build_face
from tests.properties.cases import ORACLE_MANY_WORLDS, ORACLE_OPERATIONS, ORACLE_WORLDS
from tests.properties.operations import Writer
from tests.properties.oracle import Oracle
from tests.properties.worlds import HideMask, World

MASKS = {"hide": HideMask()}
SECRET = b"s" * 32
FIRST = int(os.environ.get("ORACLE_SEED", "0"))
FAST, SLOW = ORACLE_WORLDS, ORACLE_MANY_WORLDS
CHUNK = 50
OPERATIONS_PER_WORLD = ORACLE_OPERATIONS


def pipeline_of(world: World) -> Pipeline:
    connectors: dict[Any, Any] = {
        name: MemoryConnector(name, world.tables[name], world.capabilities[name])  # type: ignore[arg-type]
        for name in world.sources
    }
    sources = Sources(connectors, MASKS, Seal(SECRET, time.time), on_failure=_raise)
    return Pipeline(
        catalogue=world.catalogue,
        engine=world.engine,
        world=sources,
        recorder=None,
        limits=Limits(max_cost=10_000_000),
        ids=lambda: "op",
    )


def _raise(source: str, cause: BaseException) -> None:
    raise AssertionError(source) from cause


async def check(seed: int) -> None:
    world = World(seed)
    face = build_face(world.catalogue, world.engine.visible(world.subject))
    oracle = Oracle(
        world.catalogue, world.tables, world.engine, MASKS, world.subject, face, secret=SECRET
    )
    pipeline = pipeline_of(world)
    for number in range(OPERATIONS_PER_WORLD):
        text, variables = Writer(world, Random(f"{seed}/{number}")).operation()
        if "caller" in text:
            continue
        answer = await pipeline.answer(
            Request(text=text, variables=variables, subject=world.subject, purpose="p")
        )
        told = orjson.loads(answer.body)
        assert "errors" not in told, f"seed {seed}\n{text}\n{variables}\n{told['errors']}"
        expected = orjson.loads(orjson.dumps(oracle.run(text, variables)))
        assert _same(told["data"], expected), (
            f"seed {seed}\n{text}\n{variables}\nhub    {told['data']}\noracle {expected}"
        )


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(_same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) < 1e-9
    return bool(ours == theirs)


def run_seeds(start: int) -> None:
    print(f"seeds {start} to {start + CHUNK - 1}")  # noqa: T201 - a failure is repeated from it

    async def all_of_them() -> None:
        for seed in range(start, start + CHUNK):
            await check(seed)

    asyncio.run(all_of_them())


@pytest.mark.parametrize("start", range(FIRST, FIRST + FAST, CHUNK))
def test_answer_equals_masked_view(start: int) -> None:
    run_seeds(start)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(FIRST + FAST, FIRST + FAST + SLOW, CHUNK))
def test_answer_equals_masked_view_in_many_worlds(start: int) -> None:
    run_seeds(start)

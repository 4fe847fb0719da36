"""The answer is that over the masked view, and what is not in it tells nothing, also under the
engine that serves: row labels, owners' floors, declarations of labels and obligations at random."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from random import Random

import orjson
import pytest

from connectors.memory import MemoryConnector
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World as Sources
from policies.masks import MASKS
from schema.graph.build import build_face
from tests.properties import test_non_interference as twins
from tests.properties.cases import (
    GOVERNED_MANY_WORLDS,
    GOVERNED_OPERATIONS,
    GOVERNED_TWIN_WORLDS,
    GOVERNED_WORLDS,
)
from tests.properties.governed import GovernedWorld
from tests.properties.oracle import Oracle
from tests.properties.test_oracle import SECRET, _same

FIRST = int(os.environ.get("ORACLE_SEED", "0"))
CHUNK = 50


def _pipeline(world: GovernedWorld) -> Pipeline:
    connectors = {
        name: MemoryConnector(name, world.tables[name], world.capabilities[name])  # type: ignore[arg-type]
        for name in world.sources
    }
    return Pipeline(
        catalogue=world.catalogue, engine=world.engine, recorder=None,
        world=Sources(connectors, MASKS, Seal(SECRET, time.time)),  # type: ignore[arg-type]
        limits=Limits(max_cost=10_000_000), ids=lambda: "op",
    )  # fmt: skip


async def equal(seed: int, tally: Counter[str]) -> None:
    world = GovernedWorld(seed)
    tally.update(world.counted)
    face = build_face(world.catalogue, world.engine.visible(world.subject))
    oracle = Oracle(
        world.catalogue, world.tables, world.engine, MASKS, world.subject, face, secret=SECRET
    )
    pipeline = _pipeline(world)
    for number in range(GOVERNED_OPERATIONS):
        text, variables = world.writer(number, seed).operation()
        if "caller" in text:
            continue
        answer = await pipeline.answer(
            Request(text=text, variables=variables, subject=world.subject, purpose="p")
        )
        told = orjson.loads(answer.body)
        where = f"seed {seed}\n{world.text}\n{text}\n{variables}\n{world.subject}"
        if "data" not in told and told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT":
            tally["beyond a source"] += 1  # such as an order by another source's field
            continue
        assert "errors" not in told, f"{where}\n{told['errors']}"
        expected = orjson.loads(orjson.dumps(oracle.run(text, variables)))
        assert _same(told["data"], expected), f"{where}\nhub    {told['data']}\noracle {expected}"
        tally["operations"] += 1
        tally["with data"] += any(told["data"].values())


async def alike(seed: int, tally: Counter[str]) -> None:
    world = GovernedWorld(seed)
    other, count = twins.changed(world, Random(f"change {seed}"), MASKS)
    tally["changed" if count else "nothing to change"] += 1
    if not count:
        return
    one, two = (twins.Twin(world, held, MASKS) for held in (world.tables, other))
    for number in range(GOVERNED_OPERATIONS):
        text, variables = world.writer(number, seed).operation()
        first, second = [await twin.told(world, text, variables) for twin in (one, two)]
        assert first[0] == second[0], f"seed {seed}\n{world.text}\n{text}\n{variables}\n{other}"
        tally["operations"] += 1


def _run(check: object, start: int) -> Counter[str]:
    print(f"seeds {start} to {start + CHUNK - 1}")  # noqa: T201 - a failure is repeated from it
    tally: Counter[str] = Counter()

    async def all_of_them() -> None:
        for seed in range(start, start + CHUNK):
            await check(seed, tally)  # type: ignore[operator]

    asyncio.run(all_of_them())
    print(dict(tally))  # noqa: T201 - how much was compared
    return tally


def _whole(tally: Counter[str]) -> None:
    assert tally["beyond a source"] < tally["operations"] / 2
    for drawn in ("row label", "floor", "declared", "obligation", "with data"):
        assert tally[drawn] > CHUNK / 4


@pytest.mark.parametrize("start", range(FIRST, FIRST + GOVERNED_WORLDS, CHUNK))
def test_answer_equals_masked_view(start: int) -> None:
    _whole(_run(equal, start))


@pytest.mark.parametrize("start", range(FIRST, FIRST + GOVERNED_TWIN_WORLDS, CHUNK))
def test_hidden_data_changes_nothing(start: int) -> None:
    assert _run(alike, start)["changed"] > CHUNK / 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", range(FIRST + GOVERNED_WORLDS, FIRST + GOVERNED_WORLDS + GOVERNED_MANY_WORLDS, CHUNK)
)
def test_both_in_many_worlds(start: int) -> None:
    _whole(_run(equal, start))
    assert _run(alike, start)["changed"] > CHUNK / 4

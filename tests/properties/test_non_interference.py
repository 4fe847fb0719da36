"""Two databases with equal masked views are told apart by nothing: the answers are equal byte by
byte, errors, notes and cursors included, and every source is called equally often.

Where a caller follows a relation whose keys it may not see, by a permit that names the relation,
how many calls it takes depends on how many keys there are: there only answers are compared."""

from __future__ import annotations

import asyncio
import copy
import os
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from connectors.memory import MemoryConnector
from connectors.spi import Batch, Call
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World as Sources
from policies.ruling import Allow
from schema.graph.build import build_face
from schema.model.catalogue import Catalogue
from tests.properties.cases import TWIN_MANY_WORLDS, TWIN_OPERATIONS, TWIN_WORLDS
from tests.properties.operations import Writer
from tests.properties.oracle import Oracle
from tests.properties.test_oracle import MASKS, SECRET
from tests.properties.worlds import KEYS, VALUES, World

FIRST = int(os.environ.get("ORACLE_SEED", "0"))
FAST, SLOW = TWIN_WORLDS, TWIN_MANY_WORLDS
CHUNK = 50
OPERATIONS_PER_WORLD = TWIN_OPERATIONS
CHANGES = 15


class Counting(MemoryConnector):
    """Counts its calls."""

    calls = 0

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        self.calls += 1
        async for batch in super().fetch(handle, call):
            yield batch


class Twin:
    """One of two hubs over the same world but for what the subject may not see."""

    def __init__(self, world: World, tables: Any, masks: Any = MASKS) -> None:
        self.sources = {
            name: Counting(name, tables[name], world.capabilities[name])  # type: ignore[arg-type]
            for name in world.sources
        }
        self.pipeline = Pipeline(
            catalogue=world.catalogue,
            engine=world.engine,
            world=Sources(self.sources, masks, Seal(SECRET, lambda: 1e9)),  # type: ignore[arg-type]
            recorder=None,
            limits=Limits(max_cost=10_000_000),
            clock=lambda: 1e9,
            ids=lambda: "op",
        )

    async def told(self, world: World, text: str, variables: dict[str, Any]) -> tuple[Any, ...]:
        """The answer's bytes, and how often each source was called."""
        for source in self.sources.values():
            source.calls = 0
        request = Request(text=text, variables=variables, subject=world.subject, purpose="p")
        answer = await self.pipeline.answer(request)
        return answer.body, {name: source.calls for name, source in self.sources.items()}


def masked_view(world: World, oracle: Oracle) -> Any:
    """All that the subject may know: rows by key as shown, and which rows they are related to."""
    view = {}
    for name, rows in oracle.view.items():
        entity = world.catalogue.types[name]  # type: ignore[index]
        view[name] = {
            row.raw["key"]: (
                row.shown,
                {
                    relation.name: sorted(
                        other.raw["key"] for other in oracle._matching(relation, row, oracle.view)
                    )
                    for relation in entity.relations.values()
                },
            )
            for row in rows
        }
    return view


def changed(world: World, chance: Random, masks: Any = MASKS) -> tuple[Any, int]:
    """The world's tables with as much changed as the masked view lets pass unseen."""
    face = build_face(world.catalogue, world.engine.visible(world.subject))
    oracle = Oracle(
        world.catalogue, world.tables, world.engine, masks, world.subject, face, secret=SECRET
    )
    held, view = world.tables, masked_view(world, oracle)
    count = 0
    for _ in range(CHANGES):
        other = copy.deepcopy(held)
        if (
            not change(world.catalogue, other, chance)
            or masked_view(world, oracle.over(other)) != view
        ):
            continue
        held, count = other, count + 1
    return held, count


def change(catalogue: Catalogue, tables: Any, chance: Random) -> bool:
    """Change one cell, or add or delete one row; whether anything is different."""
    name = chance.choice(sorted(catalogue.types))
    source = chance.choice(sorted(catalogue.bindings[name]))
    binding = catalogue.bindings[name][source]
    rows = tables[source][binding.table]
    key = binding.columns["key"].column  # type: ignore[index]
    roll = chance.random()
    if roll < 0.15:
        free = sorted(set(KEYS) - {row[key] for row in rows})
        if not free:
            return False
        made = {
            held.column: _value(field, held.kind, chance) for field, held in binding.columns.items()
        }
        rows.insert(chance.randint(0, len(rows)), {**made, key: chance.choice(free)})
        return True
    if not rows:
        return False
    row = chance.choice(rows)
    if roll < 0.3:
        rows.remove(row)
        return True
    field = chance.choice(sorted(binding.columns))
    held = binding.columns[field]
    if held.column == key:
        return False
    before, row[held.column] = row[held.column], _value(field, held.kind, chance)
    return bool(before != row[held.column])


def _value(field: str, kind: Any, chance: Random) -> Any:
    if chance.random() < 0.2:
        return None
    return chance.choice(KEYS if field.startswith("to") else VALUES[kind])


async def check(seed: int, tally: Counter[str]) -> None:
    world = World(seed)
    shown = seed % 2 == 0
    for at in world.engine.outcomes if shown else ():
        if at.partition(".")[2].startswith(("key", "to")):
            world.engine.outcomes[at] = Allow()
    other, count = changed(world, Random(f"change {seed}"))
    if not count:
        tally["nothing to change"] += 1
        return
    tally["changed"] += 1
    one, two = Twin(world, world.tables), Twin(world, other)
    for number in range(OPERATIONS_PER_WORLD):
        text, variables = Writer(world, Random(f"{seed}/{number}")).operation()
        first = await one.told(world, text, variables)
        second = await two.told(world, text, variables)
        tally["operations"] += 1
        tally["calls"] += sum(first[1].values())
        told = f"seed {seed}\n{text}\n{variables}\n{world.tables}\n{other}"
        assert first[0] == second[0], told
        assert not shown or first[1] == second[1], told


def run_seeds(start: int) -> None:
    print(f"seeds {start} to {start + CHUNK - 1}")  # noqa: T201 - a failure is repeated from it
    tally: Counter[str] = Counter()

    async def all_of_them() -> None:
        for seed in range(start, start + CHUNK):
            await check(seed, tally)

    asyncio.run(all_of_them())
    print(dict(tally))  # noqa: T201 - how much was compared
    assert tally["changed"] > CHUNK / 2


@pytest.mark.parametrize("start", range(FIRST, FIRST + FAST, CHUNK))
def test_hidden_data_changes_nothing(start: int) -> None:
    run_seeds(start)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(FIRST + FAST, FIRST + FAST + SLOW, CHUNK))
def test_hidden_data_changes_nothing_in_many_worlds(start: int) -> None:
    run_seeds(start)

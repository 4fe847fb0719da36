"""Pass-through changes nothing but who writes: over PostgreSQL with values that sources get wrong,
an answer, its errors and what is on record of it are those of row mode."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any

import asyncpg
import orjson
import pytest
from msgspec import structs

from connectors.sql.connector import SqlConnector
from hub.audit.entry import Entry
from hub.query import planner, rows
from hub.query.answer import Pipeline, Request
from hub.query.cursor import Seal
from hub.query.limits import Limits
from hub.query.run import World as Sources
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.predicate import TRUE
from tests.connectors.sql.test_sql_documents import ODD_TEXTS
from tests.connectors.sql.test_sql_failures import made
from tests.hub.query.small import Recorder
from tests.postgres import postgres_url  # noqa: F401 - a fixture
from tests.properties.operations import Writer
from tests.properties.test_oracle import MASKS
from tests.properties.worlds import KEYS, VALUES, World
from tests.seeds import first_seed

NATIVE = {
    "ID": "text", "String": "text", "Int": "int4", "BigInt": "int8", "Float": "float8",
    "Decimal": "numeric", "Boolean": "bool", "Date": "date", "DateTime": "timestamptz",
}  # fmt: skip
BAD = {"Float": "NaN", "Decimal": "Infinity", "Date": "infinity", "DateTime": "0044-03-15 BC"}
OPERATIONS_PER_WORLD = 4


class Plainer(Writer):
    """Operations with less of what empties answers or has to be written by the hub."""

    def _connection(self, entity: EntityType, depth: int) -> str:
        if self.chance.random() < 0.25:
            return super()._connection(entity, depth)
        kind = self.chance.choice(["", "__typename ", "kind: __typename "])
        return f"{kind}nodes {{ {self._selection(entity, depth)} }}"

    def _arguments(self, entity: EntityType, *, backwards: bool = True) -> str:
        if self.chance.random() < 0.6:
            return ""
        return super()._arguments(entity, backwards=backwards)


def crowded(world: World) -> World:
    """Most keys in every table, most rows visible, masks seldom."""
    world.favour()
    chance = world.passing
    for name, entity in world.catalogue.types.items():
        anchor = world.catalogue.bindings[name][entity.anchor]
        held = world.tables[entity.anchor][anchor.table]
        for key in set(KEYS) - {row["c_key"] for row in held}:
            if chance.random() < 0.9:
                held.append(
                    {
                        column.column: key if field == "key" else chance.choice(
                            KEYS if field.startswith("to") else VALUES[column.kind]
                        )
                        for field, column in anchor.columns.items()
                    }
                )  # fmt: skip
        if chance.random() < 0.6:
            world.engine.rows[name] = TRUE
    return world


async def stored(url: str, world: World, schema: str, *, bad: bool) -> dict[str, SqlConnector]:
    """The world's tables in PostgreSQL, some values made odd or bad, and its connectors."""
    kinds = {
        (source, binding.table): {held.column: held.kind for held in binding.columns.values()}
        for bindings in world.catalogue.bindings.values()
        for source, binding in bindings.items()
    }
    connection = await asyncpg.connect(url)
    sources = {}
    try:
        for source, tables in world.tables.items():
            await connection.execute(f'CREATE SCHEMA "{schema}{source}"')
            await connection.execute(f'SET search_path = "{schema}{source}"')
            for table, held in tables.items():
                await _table(connection, table, kinds[source, table], held, world.passing, bad=bad)
            sources[source] = made(url, schema=f"{schema}{source}", pool=2)
            await sources[source].open()
    finally:
        await connection.close()
    return sources


async def _table(
    connection: Any, table: str, kinds: Mapping[str, str], held: Any, chance: Random, *, bad: bool
) -> None:
    key = "c_key" if "c_key" in kinds else "d_key"
    columns = ", ".join(f'"{name}" {NATIVE[kind]}' for name, kind in kinds.items())
    await connection.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({key}))")
    marks = ", ".join(f"${i + 1}::text::{NATIVE[kind]}" for i, kind in enumerate(kinds.values()))
    lines = []
    for row in held:
        line = {name: None if row[name] is None else str(row[name]) for name in kinds}
        for name, kind in kinds.items():
            if kind == "String" and name[2:3] in "fx" and chance.random() < 0.5:
                line[name] = chance.choice(ODD_TEXTS)
            if bad and kind in BAD and chance.random() < 0.1:
                line[name] = BAD[kind]
        lines.append(list(line.values()))
    await connection.executemany(f"INSERT INTO {table} VALUES ({marks})", lines)  # noqa: S608


def pipeline_of(
    world: World, sources: Mapping[str, SqlConnector], recorder: Recorder, *, passing: bool
) -> Pipeline:
    """A pipeline whose fragments all allow pass-through, or none does."""
    bindings = {
        name: {
            source: structs.replace(binding, pass_through=passing)
            for source, binding in held.items()
        }
        for name, held in world.catalogue.bindings.items()
    }
    catalogue: Catalogue = structs.replace(world.catalogue, bindings=bindings)
    return Pipeline(
        catalogue=catalogue,
        engine=world.engine,
        world=Sources(dict(sources), MASKS, Seal(b"s" * 32, lambda: 1e9)),  # type: ignore[arg-type]
        recorder=recorder,
        limits=Limits(max_cost=10_000_000),
        clock=lambda: 1e9,
        ids=lambda: "op",
    )


async def answers(
    world: World, sources: Mapping[str, SqlConnector], text: str, variables: Any
) -> AsyncIterator[tuple[Any, Entry | None]]:
    """The answer and what is on record of it, in row mode and passed through."""
    for passing in (False, True):
        recorder = Recorder()
        pipeline = pipeline_of(world, sources, recorder, passing=passing)
        request = Request(text=text, variables=variables, subject=world.subject, purpose="p")
        answer = await pipeline.answer(request)
        told = orjson.loads(answer.body)
        if "errors" in told:  # sources that fail at the same time do so in any order
            told["errors"].sort(key=lambda error: error.get("path", []))
        yield told, (recorder.entries or [None])[0]


async def check(url: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world, bad = crowded(World(seed)), seed % 4 == 0
    sources = await stored(url, world, f"w{seed}x{time.monotonic_ns()}", bad=bad)
    with monkeypatch.context() as patch:
        if bad:  # who shares a fetch, and so fails with it, is a matter of time in either mode
            patch.setattr(planner, "find_twins", lambda _: {})
        await _compare(world, sources, seed)


async def _compare(world: World, sources: Mapping[str, SqlConnector], seed: int) -> None:
    try:
        for number in range(OPERATIONS_PER_WORLD):
            writer = Plainer(world, Random(f"{seed}/{number}"))
            text, variables = writer.operation()
            both = [pair async for pair in answers(world, sources, text, variables)]
            (by_rows, entry), (passed, other) = both
            where = f"seed {seed}\n{text}\n{variables}\nrows   {by_rows}\npassed {passed}"
            assert passed == by_rows, where
            assert _keys(passed) == _keys(by_rows), where
            if bad := by_rows.get("errors"):
                assert bad[0]["extensions"]["code"] == "SOURCE_BAD_DATA", where
            assert (entry is None) == (other is None), where
            if entry is not None and other is not None:
                assert other.rows == entry.rows, where
                assert (other.outcome, other.code) == (entry.outcome, entry.code), where
    finally:
        for source in sources.values():
            await source.close()


def _keys(value: Any) -> Any:
    """The keys of every object in order, which `==` does not look at."""
    if isinstance(value, dict):
        return [(key, _keys(held)) for key, held in value.items()]
    return list(map(_keys, value)) if isinstance(value, list) else type(value) in (int, float)


async def run_seeds(url: str, first: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"seeds {first} to {first + count - 1}")  # noqa: T201 - a failure is repeated from it
    seen = {"rows": 0, "below": 0}

    class Counting(rows.PassedRunner):
        async def objects(self, batch: Any, run: Any) -> Any:
            seen["rows"] += batch.rows
            seen["below"] += sum(sum(batch.columns[name]) for _, name in self.counted)
            return await super().objects(batch, run)

    monkeypatch.setattr(rows, "PassedRunner", Counting)
    for seed in range(first, first + count):
        await check(url, seed, monkeypatch)
    assert seen["rows"] > 2 * count, seen
    assert seen["below"] > count, seen


@pytest.mark.asyncio
async def test_the_same_answers(
    postgres_url: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await run_seeds(postgres_url, first_seed("DOCUMENTS_SEED", 10**6), 30, monkeypatch)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("part", range(10))
async def test_the_same_answers_in_many_worlds(
    postgres_url: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    part: int,
) -> None:
    first = first_seed("DOCUMENTS_SEED", 10**6) + (part + 1) * 10**6
    await run_seeds(postgres_url, first, 60, monkeypatch)

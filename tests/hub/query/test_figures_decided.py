"""Figures alone from the officers' rules to the answer: scenarios 22 to 24, and SQL sources."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from msgspec import structs

from connectors.memory import MemoryConnector
from connectors.spi import Connector
from connectors.sql.connector import connect
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.duties import ENFORCED
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World
from policies.engine import Engine
from policies.masks import MASKS
from schema.model.binding import ColumnBinding, SourceDecl, TypeBinding
from schema.model.names import DepartmentName, SourceName, TypeName
from schema.model.subject import Subject
from tests.policies.fixture import CEILING, CITY, PACKS, N, bundle
from tests.postgres import postgres_url  # noqa: F401 - a fixture

RULES = """
policy: figures
effect: permit
subjects: {role: analyst}
resources: {fields: [Person.district, Person.birthDate]}
modes: [group, aggregate, count]
obligations: [{aggregate_only: {k: 10}}]
"""
READABLE = """
---
policy: districts
effect: permit
subjects: {role: analyst}
resources: {fields: [Person.district]}
modes: [project, filter]
"""
ALL_FIGURES = """
policy: figures
effect: permit
subjects: {role: analyst, purpose: statistics}
resources: {types: [Person]}
modes: [group, aggregate, count]
obligations: [{aggregate_only: {k: 10}}]
---
policy: cases
effect: permit
subjects: {role: analyst, purpose: case}
resources: {fields: [Person.name]}
modes: [read]
"""
PSB, PERSON = SourceName("psb"), TypeName("Person")
BINDING = TypeBinding(
    type=PERSON, source=PSB, table="persons",
    columns={
        name: ColumnBinding(column=str(name), kind=field.kind)
        for name, field in CITY.types[PERSON].fields.items()
    },
)  # fmt: skip
OF = structs.replace(CITY, bindings={**CITY.bindings, PERSON: {PSB: BINDING}})
BY_DISTRICT = "{ personsAggregate(groupBy: DISTRICT) { group { district } count } }"
BY_BIRTH = (
    "{ personsAggregate(groupBy: [DISTRICT]) "
    "{ group { district } count countDistinct { birthDate } } }"
)
NAMES = "{ persons(first: 1) { nodes { name } } }"
IN_D1 = '{ personsAggregate(filter: {district: {eq: "d1"}}) { count } }'


def persons(**districts: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, many in districts.items():
        for n in range(many):
            born = None if n % 3 == 0 else f"1990-01-{n % 28 + 1:02}"
            found.append({"idNo": f"{name}-{n}", "district": name, "birthDate": born})
    return found


def pipeline(source: Connector, rules: str = RULES) -> Pipeline:
    numbers = itertools.count(1)
    engine = Engine(
        OF, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING, enforced=ENFORCED
    )  # fmt: skip
    world = World({PSB: source}, MASKS, Seal(b"k" * 32, lambda: 0.0))
    return Pipeline(
        catalogue=OF, engine=engine, world=world, recorder=None, limits=Limits(),
        ids=lambda: f"op-{next(numbers)}",
    )  # fmt: skip


async def ask(by: Pipeline, text: str, who: Subject = N) -> dict[str, Any]:
    request = Request(text=text, variables={}, subject=who, purpose="statistics")
    told: dict[str, Any] = orjson.loads((await by.answer(request)).body)
    return told


def counts(told: Mapping[str, Any]) -> dict[str, int]:
    return {row["group"]["district"]: row["count"] for row in told["data"]["personsAggregate"]}


def memory(rows: Sequence[Mapping[str, Any]]) -> MemoryConnector:
    return MemoryConnector(PSB, {"persons": rows})


@pytest.mark.asyncio
async def test_22_all_groups_are_large_enough() -> None:
    by = pipeline(memory(persons(d1=10, d2=25, d3=14)))
    assert counts(await ask(by, BY_DISTRICT)) == {"d1": 10, "d2": 25, "d3": 14}


@pytest.mark.asyncio
async def test_23_a_small_group_and_one_further_are_suppressed() -> None:
    by = pipeline(memory(persons(d1=7, d2=25, d3=14)))
    told = await ask(by, BY_DISTRICT)
    assert counts(told) == {"d2": 25}
    note = told["extensions"]["governance"]["fields"]["personsAggregate.count"]
    assert note == {"outcome": "aggregate_only", "code": "AGGREGATE_ONLY", "k": 10}


@pytest.mark.asyncio
async def test_24_single_persons_are_not_to_be_had() -> None:
    by = pipeline(memory(persons(d1=30)), ALL_FIGURES)
    told = await ask(by, NAMES, structs.replace(N, purposes=frozenset({"statistics", "case"})))
    assert told["errors"][0]["extensions"]["code"] == "AGGREGATE_ONLY"
    assert "data" not in told


@pytest.mark.asyncio
async def test_24_rows_do_not_exist_for_whom_no_purpose_opens_them() -> None:
    told = await ask(pipeline(memory(persons(d1=30))), NAMES)
    assert told["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.asyncio
@pytest.mark.parametrize(("outside", "seen"), [(0, 30), (3, None), (10, 30)])
async def test_who_may_filter_cannot_single_out_by_it(outside: int, seen: int | None) -> None:
    by = pipeline(memory(persons(d1=30, d2=outside)), RULES + READABLE)
    assert (await ask(by, IN_D1))["data"] == {"personsAggregate": [{"count": seen}]}


def test_a_hub_that_does_not_carry_it_out_lets_nothing_be_counted() -> None:
    engine = Engine(
        OF, [bundle(RULES)], PACKS, epoch=1, ceiling=CEILING, enforced=frozenset()
    )  # fmt: skip
    assert not engine.visible(N).uses


async def _filled_sqlite(path: Path, rows: Sequence[Mapping[str, Any]]) -> Connector:
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE persons (idNo TEXT PRIMARY KEY, district TEXT, birthDate DATE)"
        )
        database.executemany("INSERT INTO persons VALUES (:idNo, :district, :birthDate)", rows)
    return await _opened(f"sqlite:///{path}")


async def _filled_postgres(url: str, rows: Sequence[Mapping[str, Any]]) -> Connector:
    server = await asyncpg.connect(url)
    try:
        await server.execute(
            "DROP TABLE IF EXISTS persons; CREATE TABLE persons "
            '("idNo" text PRIMARY KEY, district text, "birthDate" date)'
        )
        await server.execute(
            "INSERT INTO persons SELECT * FROM json_populate_recordset(null::persons, $1::json)",
            json.dumps(rows),
        )
    finally:
        await server.close()
    return await _opened(url)


async def _opened(url: str) -> Connector:
    decl = SourceDecl(
        name=PSB, department=DepartmentName("psb"), kind="sql", connect={"url": url}
    )  # fmt: skip
    made = connect(decl, lambda text: text)
    await made.open()
    return made


SOURCES = pytest.mark.parametrize("kind", ["sqlite", "postgres"])
WORLDS = pytest.mark.parametrize(
    "districts",
    [{}, {"d1": 9}, {"d1": 7, "d2": 25, "d3": 14}, {"d1": 40, "d2": 9}, {"d1": 14, "d2": 13}],
    ids=str,
)


@SOURCES
@WORLDS
def test_databases_answer_like_the_reference(
    kind: str, districts: dict[str, int], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows = persons(**districts)

    async def compare() -> None:
        if kind == "sqlite":
            source = await _filled_sqlite(tmp_path / "psb.sqlite", rows)
        else:
            source = await _filled_postgres(request.getfixturevalue("postgres_url"), rows)
        try:
            by, like = (pipeline(one, RULES + READABLE) for one in (source, memory(rows)))
            for text in (BY_DISTRICT, BY_BIRTH, IN_D1):
                assert await ask(by, text) == await ask(like, text)
        finally:
            await source.close()

    asyncio.run(compare())

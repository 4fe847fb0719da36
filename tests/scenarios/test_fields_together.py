"""Fields together, through HTTP: combinations and mosaics, in one operation and over time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.scenarios.world import HERE, WHO, claims, running

pytestmark = pytest.mark.asyncio
RULES = (HERE / "rules.yaml").read_text(encoding="utf-8")
MOSAIC = """
---
mosaic: who-where-what
fields: [Person.name, Person.birthDate, Person.phone]
most: 2
"""
NAMED = "mosaic: who-where-what"
COMBINED = """
---
combination: name-and-track
version: 2
of:
  - {fields: [Person.name, Person.idNo]}
  - {categories: [pi.sensitive.location]}
raises: LEVEL
"""
TOGETHER = [
    "{ persons { nodes { name birthDate phone } } }",
    "{ persons { nodes { a: phone ...B } } } fragment B on Person { b: name ... { birthDate } }",
    '{ persons(filter: {phone: {eq: "1"}}, orderBy: BIRTH_DATE_ASC) { nodes { name } } }',
    "{ persons { nodes { name birthDate } } p: persons(filter: {not: {phone: {in: []}}}) "
    "{ totalCount } }",
    '{ person(idNo: "p1") { phone } persons { edges { node { name birthDate } } } }',
    "query($on: Boolean = false) { persons { nodes { name birthDate phone @include(if: $on) } } }",
]


@pytest.mark.parametrize("text", TOGETHER)
async def test_all_ways_to_ask_for_them_together(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, {"rules.yaml": RULES}) as world:
        assert "data" in await world.ask("Q", text, "case")
        await world.rewrite("rules.yaml", RULES, RULES + MOSAIC)
        told = await world.ask("Q", text, "case")
        assert "data" not in told
        (error,) = told["errors"]
        assert error["extensions"]["code"] == "COMBINATION_FORBIDDEN"
        names = "`Person.birthDate`, `Person.name`, `Person.phone`"
        assert error["message"] == f"{names} may not be used together"
        entry = world.entries()[-1]
        assert (entry.code, entry.sources) == ("COMBINATION_FORBIDDEN", [])
        assert entry.together == ["who-where-what@1"]
        assert "who-where" not in str(told)
        assert "data" in await world.ask("Q", text.replace("phone", "district"), "case")


async def test_over_a_day_on_every_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = RULES + MOSAIC + "within: day\nby: app\n"
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as world:
        assert "data" in await world.ask("Q", "{ persons { nodes { name } } }", "case")
        assert world.entries()[-1].together == ["who-where-what@1"]
        assert "data" in await world.ask("Q", "{ persons { nodes { birthDate } } }", "case")
        third = '{ persons(filter: {phone: {eq: "1"}}) { nodes { district } } }'
        told = await world.ask("Q", third, "case")
        assert "data" not in told
        said = "`Person.phone` may not be used after what was used before"
        assert told["errors"][0]["message"] == said
        assert world.entries()[-1].sources == []
        headers = {"authorization": f"Bearer {world.issuer.sign(WHO['Q'])}", "hub-purpose": "case",
                   "graphql-require-preflight": "1"}  # fmt: skip
        got = await world.client.get("/graphql", params={"query": third}, headers=headers)
        assert orjson.loads(got.content)["errors"][0]["extensions"]["code"] == (
            "COMBINATION_FORBIDDEN"
        )
        # another token, person and document of the same application count together
        monkeypatch.setitem(WHO, "Q2", {**WHO["Q"], "sub": "someone"})
        assert await world.code("Q2", "{ persons { nodes { x: phone } } }", "case") == (
            "COMBINATION_FORBIDDEN"
        )
        again = "{ persons { nodes { name birthDate district } } }"
        assert "data" in await world.ask("Q", again, "case")
        # a new version of the rule, and a restart of the pipeline, forget nothing
        await world.rewrite(
            "rules.yaml", "mosaic: who-where-what", "mosaic: who-where-what\nversion: 2"
        )
        assert await world.code("Q", third, "case") == "COMBINATION_FORBIDDEN"
        world.now[0] += 86_400
        assert "data" in await world.ask("Q", third, "case")


async def test_over_a_day_by_whoever_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "\n---\nmosaic: who-where\nfields: [Person.name, Person.district]\nmost: 1\n"
    rules, benefit = RULES + where + "within: day\nby: app\n", "benefits.eligibility"
    names, places = (f"{{ persons {{ nodes {{ {at} }} }} }}" for at in ("name", "district"))
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as world:
        assert "data" in await world.ask("X", names, benefit)
        # what one of them has used, both have
        assert await world.code("X", places, benefit) == "COMBINATION_FORBIDDEN"
        assert await world.code("A", places, benefit) == "COMBINATION_FORBIDDEN"
        world.now[0] += 86_400
        assert "data" in await world.ask("A", places, benefit)
        assert await world.code("X", names, benefit) == "COMBINATION_FORBIDDEN"


async def test_others_and_other_fields_pay_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = RULES + MOSAIC + "within: day\nsubjects: {app: police}\n"
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as world:
        with closing(sqlite3.connect(tmp_path / "state" / "state.sqlite")) as database:
            database.execute("DROP TABLE mosaic_parts")
        both = "{ persons { nodes { name } } }"
        assert await world.code("Q", both, "case") == "QUOTA_UNAVAILABLE"
        assert "data" in await world.ask("Q", "{ persons { nodes { district } } }", "case")
        assert "data" in await world.ask("A", both, "benefits.eligibility")


async def test_the_key_orders_nothing_that_may_not_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = RULES + MOSAIC.replace("Person.birthDate, Person.phone", "Person.idNo")
    rules = rules.replace("most: 2", "most: 1")
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as world:
        told = await world.ask("Q", "{ persons { nodes { name } } }", "case")
        assert len(told["data"]["persons"]["nodes"]) == 4
        assert told["extensions"]["governance"]["label"]["levels"] == {"cn-gbt43697": "G2"}
        assert await world.code("Q", "{ persons { nodes { name idNo } } }", "case") == (
            "COMBINATION_FORBIDDEN"
        )


async def test_a_combination_raises_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "{ persons { nodes { name track } } }"
    rules = RULES + COMBINED.replace("LEVEL", "IMPORTANT")
    low = claims("police", "G4", "case", department="psb")
    monkeypatch.setitem(WHO, "Q-low", low)
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as world:
        told = await world.ask("Q", text, "case")
        assert label(told)["levels"] == {"cn-gbt43697": "IMPORTANT"}
        entry = world.entries()[-1]
        assert entry.label == label(told)
        assert entry.together == ["name-and-track@2"]
        assert await world.code("Q-low", text, "case") == "COMBINATION_FORBIDDEN"
        alone = await world.ask("Q-low", "{ persons { nodes { track } } }", "case")
        assert label(alone)["levels"] == {"cn-gbt43697": "G4"}
        # above what this hub may hold it is for nobody
        await world.rewrite("rules.yaml", "raises: IMPORTANT", "raises: CORE")
        assert await world.code("Q", text, "case") == "COMBINATION_FORBIDDEN"


async def test_a_pack_combines_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = (HERE / "city.yaml").read_text(encoding="utf-8") + PACKED
    async with running(tmp_path, monkeypatch, {"city.yaml": pack}) as world:
        text = "{ persons { nodes { name track } } }"
        assert await world.code("Q", text, "case") == "COMBINATION_FORBIDDEN"
        assert world.entries()[-1].together == ["pack.city.tracked@1"]


PACKED = """
rules:
  - combination: tracked
    of: [{fields: [Person.name]}, {categories: [pi.sensitive.location]}]
    raises: CORE
    source: a decision of the city
    verified: true
"""


def label(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["extensions"]["governance"]["label"]
    return found

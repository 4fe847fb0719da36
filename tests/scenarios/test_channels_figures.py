"""Side channels of figures, tokens and quotas, through HTTP; and that no row of the table of side
channels is left without a test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.scenarios.world import HERE, WHO, World, claims, running

BENEFIT = "benefits.eligibility"
INVALID = "GRAPHQL_VALIDATION_FAILED"
PLACE = "330102001"
RULES = """---
policy: figures-of-aid
effect: permit
subjects: {app: numbers}
resources: {fields: [Aid.status, Aid.district, Aid.idNo]}
modes: [group, aggregate, count]
obligations: [{aggregate_only: {k: 2, round_to: 2}}]
---
policy: tokens-of-persons
effect: permit
subjects: {app: [numbers, counts]}
resources: {fields: [Person.idNo, Person.name]}
modes: [read]
outcome: {mask: {tokenise: {key_scope: app}}}
---
policy: few-rows
effect: require
subjects: {app: desk}
resources: {types: [Aid]}
obligations: [{quota: {rows: 3, per: day}}]
"""
WHO["S"] = claims("numbers", "G3", department="bureau")
WHO["S-other"] = claims("counts", "G3", department="bureau")


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    rules = (HERE / "rules.yaml").read_text(encoding="utf-8") + RULES
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as held:
        yield held


async def rows_of(world: World, who: str, text: str, name: str) -> list[dict[str, Any]]:
    told = await world.ask(who, text)
    assert "errors" not in told, told
    rows: list[dict[str, Any]] = told["data"][name]
    return rows


@pytest.mark.asyncio
async def test_7_figures_over_few(world: World) -> None:
    """Of three aids two are in one township: neither group is shown, since the total is."""
    grouped = "{ aidsAggregate(groupBy: [DISTRICT]) { count group { district } } }"
    assert await rows_of(world, "S", grouped, "aidsAggregate") == []
    assert await rows_of(world, "S", "{ aidsAggregate { count } }", "aidsAggregate") == [
        {"count": 4}  # three, to the nearest two
    ]
    for one in ("min { status }", "max { idNo }", "max { district }"):
        told = await world.ask("S", f"{{ aidsAggregate {{ {one} }} }}")
        assert told["errors"][0]["extensions"]["code"] == INVALID
        assert world.entries()[-1].sources == []
    narrowed = f'{{ aidsAggregate(filter: {{district: {{eq: "{PLACE}"}}}}) {{ count }} }}'
    assert await world.code("S", narrowed) == INVALID


@pytest.mark.asyncio
async def test_8_keys_of_groups(world: World) -> None:
    """Values of a field are told by grouping as little as by reading."""
    for key in ("ID_NO", "NUMBER"):
        text = f"{{ aidsAggregate(groupBy: [{key}]) {{ count }} }}"
        assert "data" not in await world.ask("S", text) or (
            await rows_of(world, "S", text, "aidsAggregate") == []
        )
    by_status = "{ aidsAggregate(groupBy: [STATUS]) { count group { status } } }"
    assert await rows_of(world, "S", by_status, "aidsAggregate") == []
    assert await world.code("T", "{ personsAggregate(groupBy: [PHONE]) { count } }") == INVALID


@pytest.mark.asyncio
async def test_29_tokens_of_two_applications(world: World) -> None:
    text = "{ persons { nodes { idNo name } } }"
    ours, theirs = [
        {row["idNo"] for row in (await world.ask(who, text))["data"]["persons"]["nodes"]}
        for who in ("S", "S-other")
    ]
    assert len(ours) == len(theirs) == 4
    assert not ours & theirs
    again = await world.ask("S", text)
    assert {row["idNo"] for row in again["data"]["persons"]["nodes"]} == ours
    told = await world.ask("S", '{ persons(filter: {idNo: {eq: "p1"}}) { nodes { name } } }')
    assert told["errors"][0]["extensions"]["code"] == INVALID


@pytest.mark.asyncio
async def test_30_a_quota_tells_no_count(world: World) -> None:
    """Nobody is told what is left, and asking again in smaller steps tells no more."""
    first = await world.ask("T", "{ aids { nodes { number } } }")
    assert len(first["data"]["aids"]["nodes"]) == 2
    assert list(first["extensions"]["governance"]) == ["label"]
    refused = await world.ask("T", "{ aids { nodes { number } } }")
    assert refused["errors"][0]["extensions"]["code"] == "QUOTA"
    for text in ("{ aids(first: 1) { nodes { number } } }", '{ aid(number: "none") { status } }'):
        told = await world.ask("T", text)
        assert told == refused


def test_every_row_of_the_table_has_a_test() -> None:
    found: set[int] = set()
    for file in ("test_channels.py", "test_channels_figures.py"):
        for name in re.findall(r"def test_((?:\d+_(?:and_)?)+)", (HERE / file).read_text("utf-8")):
            found |= {int(number) for number in re.findall(r"\d+", name)}
    assert found == set(range(1, 35))

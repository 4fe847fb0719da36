"""Rows about minors, through HTTP: masked for who may not read them, whole for the owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.scenarios.world import HERE, World, running

pytestmark = pytest.mark.asyncio
BY_ROW = """
    by_row:
      - when: {younger_than: [row.birthDate, 14]}
        label: LABEL
        fields: [name, phone]
"""
RULES = """---
policy: desk-births
effect: permit
subjects: {app: desk}
resources: {fields: [Person.birthDate, Person.phone, Person.name]}
modes: [read, filter, sort, group, aggregate]
rows: {region_within: [row.region, "330"]}
"""
HIDES = """---
policy: desk-years
effect: require
subjects: {app: desk}
resources: {fields: [Person.birthDate]}
outcome: {mask: {generalise: {to: year}}}
"""
PEOPLE = "{ persons { totalCount nodes { name birthDate phone } } }"
OWN = "{ persons(orderBy: [BIRTH_DATE_ASC]) { nodes { name phone } } }"
MINOR = "{categories: [pi.sensitive.minor]}"


def files(label: str, rules: str) -> dict[str, str]:
    """The configuration with labels of minors' rows, and rules for the clerk."""
    text = (HERE / "departments" / "psb.yaml").read_text(encoding="utf-8")
    added = BY_ROW.replace("LABEL", label).lstrip("\n")
    return {
        "departments/psb.yaml": text.replace("    fields:\n", f"{added}    fields:\n", 1),
        "rules.yaml": (HERE / "rules.yaml").read_text(encoding="utf-8") + rules,
    }


@pytest_asyncio.fixture
async def minors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch, files(MINOR, RULES)) as found:
        yield found


def people(told: dict[str, Any]) -> dict[str, Any]:
    assert "errors" not in told, told
    return {one["birthDate"]: one["phone"] for one in told["data"]["persons"]["nodes"]}


async def test_masked_for_the_clerk(minors: World) -> None:
    told = await minors.ask("T", PEOPLE, "grassroots")
    assert people(told) == {
        "1957-03-09": "111", "1990-01-02": "112", "1980-12-31": "114", "2015-05-05": "****",
    }  # fmt: skip
    assert "Ci" not in str(told)
    assert "113" not in str(told)
    assert told["data"]["persons"]["totalCount"] == 4
    assert "pack.cn.minors@1" in minors.rules("Person.phone")


async def test_whole_for_the_owner(minors: World) -> None:
    told = await minors.ask("Q", OWN, "case")
    names = {one["name"]: one["phone"] for one in told["data"]["persons"]["nodes"]}
    assert names == {"An": "111", "Bo": "112", "Ci": "113", "Du": "114"}


@pytest.mark.parametrize(
    "arguments",
    ['filter: {phone: {eq: "113"}}', "orderBy: [PHONE_ASC]", 'filter: {name: {startsWith: "C"}}'],
)
async def test_no_filter_and_no_order_finds_them(minors: World, arguments: str) -> None:
    refused = f"{{ persons({arguments}) {{ totalCount }} }}"
    assert await minors.code("T", refused, "grassroots") in (
        "USE_FORBIDDEN", "GRAPHQL_VALIDATION_FAILED",
    )  # fmt: skip
    assert "errors" not in await minors.ask("Q", refused, "case")


async def test_fourteen_is_the_day_of_the_request(minors: World) -> None:
    before = await minors.ask("T", PEOPLE, "grassroots")
    assert people(before)["2015-05-05"] != "113"
    minors.now[0] += 3 * 366 * 86_400.0
    told = await minors.ask("T", PEOPLE, "grassroots")
    assert people(told)["2015-05-05"] == "113"


async def test_all_rows_alike_for_who_does_not_read_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PEOPLE
    async with running(tmp_path, monkeypatch, files(MINOR, RULES + HIDES)) as found:
        told = await found.ask("T", text, "grassroots")
        assert len(set(people(told).values())) == 1
        assert "113" not in str(told)


async def test_a_level_beyond_the_clearance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PEOPLE
    async with running(tmp_path, monkeypatch, files("G4", RULES)) as found:
        told = await found.ask("T", text, "grassroots")
        assert people(told) == {
            "1957-03-09": "111", "1990-01-02": "112", "1980-12-31": "114", "2015-05-05": None,
        }  # fmt: skip


async def test_a_row_filter_by_age_goes_to_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adults = RULES.replace(
        '{region_within: [row.region, "330"]}', "{not: {younger_than: [row.birthDate, 14]}}"
    ).replace("policy: desk-births", "policy: desk-adults")
    taken = """---
policy: no-minors
effect: forbid
subjects: {app: desk}
when: {younger_than: [row.birthDate, 14]}
resources: {types: [Person]}
"""
    async with running(tmp_path, monkeypatch, files(MINOR, adults + taken)) as found:
        told = await found.ask("T", PEOPLE, "grassroots")
        assert set(people(told)) == {"1957-03-09", "1990-01-02", "1980-12-31"}
        assert told["data"]["persons"]["totalCount"] == 3
        by_phone = '{ persons(filter: {phone: {eq: "113"}}) { totalCount } }'
        told = await found.ask("T", by_phone, "grassroots")
        assert told["data"]["persons"]["totalCount"] == 0

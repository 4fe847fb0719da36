"""The base scenarios through HTTP, 1 to 17; numbers are those of the scenario table of the design.

Each looks at the outcome and at the rules that decide: what the caller is told, or, where it must
not be told, the audit entry alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.scenarios.world import BENEFIT, World, nodes, note, running

pytestmark = pytest.mark.asyncio
FIRMS = "{ firms { nodes { creditCode } } }"
BOTH_FIRMS = [{"creditCode": "f1"}, {"creditCode": "f2"}]


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as held:
        yield held


async def test_1_nobody_in_particular(world: World) -> None:
    assert await world.code(None, FIRMS) == "UNAUTHENTICATED"
    assert world.entries() == [], "nothing is decided for nobody"


async def test_2_an_open_field_for_a_duty(world: World) -> None:
    told = await world.ask("B", FIRMS, "tax.audit")
    assert nodes(told, "firms") == BOTH_FIRMS
    assert world.rules("Firm.creditCode") == ["open-to-government@1"]
    assert world.entries()[-1].purpose == "tax.audit"


async def test_3_no_purpose(world: World) -> None:
    assert await world.code("B", FIRMS) == "PURPOSE_REQUIRED"
    assert world.entries()[-1].sources == []
    assert world.fields()["project Firm.creditCode"] == ("reject", [])


async def test_4_a_name_for_benefits(world: World) -> None:
    told = await world.ask("A", "{ persons { nodes { name } } }", BENEFIT)
    assert [row["name"] for row in nodes(told, "persons")] == ["An", "Bo", "Ci", "Du"]
    label = {"levels": {"cn-gbt43697": "G2"}, "categories": ["pi"]}
    assert told["extensions"] == {"governance": {"label": label}}
    assert world.entries()[-1].label == label
    assert world.rules("Person.name") == ["open-to-government@1"]


async def test_5_tokens_of_a_grant(world: World) -> None:
    text = "{ persons { nodes { name idNo } } }"
    told = await world.ask("A", text, BENEFIT)
    first = {row["name"]: row["idNo"] for row in nodes(told, "persons")}
    assert world.rules("Person.idNo") == ["grant.g1"]
    assert first.pop("Du") is None, "outside the rows of the grant"
    assert {len(token) for token in first.values()} == {33}
    assert len(set(first.values())) == 3
    assert note(told, "persons.nodes.idNo")["outcome"] == "by row"
    again = await world.ask(
        "A", '{ persons(filter: {name: {eq: "An"}}) { nodes { n: idNo } } }', BENEFIT
    )
    assert nodes(again, "persons") == [{"n": first["An"]}]
    other = await world.ask("A", text, "benefits.payment")
    second = {row["name"]: row["idNo"] for row in nodes(other, "persons")}
    assert world.rules("Person.idNo") == ["grant.g2"]
    assert len(set(second.values())) == 4
    assert set(first.values()).isdisjoint(second.values())
    assert note(other, "persons.nodes.idNo") == {"outcome": "masked", "mask": "tokenise"}
    assert not any(f"'p{n}'" in str((told, again, other)) for n in range(1, 5))


async def test_6_a_year_of_birth(world: World) -> None:
    told = await world.ask("A", "{ persons { nodes { name birthDate } } }", BENEFIT)
    assert [row["birthDate"] for row in nodes(told, "persons") if row["name"] == "An"] == [
        "1957-01-01"
    ]
    assert world.rules("Person.birthDate") == ["grant.g1"]


async def test_7_a_field_outside_the_grant(world: World) -> None:
    told = await world.ask("A", "{ persons { nodes { name phone } } }", BENEFIT)
    rows = nodes(told, "persons")
    assert {row["phone"] for row in rows} == {None}
    assert [row["name"] for row in rows] == ["An", "Bo", "Ci", "Du"]
    assert note(told, "persons.nodes.phone") == {"outcome": "null", "code": "NO_GRANT"}
    assert "errors" not in told
    assert world.fields()["project Person.phone"] == ("null", []), "no rule permits it"


async def test_8_income_in_a_bucket(world: World) -> None:
    told = await world.ask("A", "{ incomes { nodes { amount } } }", BENEFIT)
    assert nodes(told, "incomes") == [{"amount": 0}, {"amount": 4000}]
    assert note(told, "incomes.nodes.amount") == {"outcome": "masked", "mask": "bucket"}
    assert world.rules("Income.amount") == ["grant.g1-income"]


async def test_9_a_purpose_outside_the_token(world: World) -> None:
    text = "{ incomes { nodes { amount } } }"
    assert await world.code("A", text, "statistics") == "PURPOSE_NOT_ALLOWED"
    assert world.fields()["project Income.amount"] == ("reject", [])
    assert world.entries()[-1].sources == []


async def test_10_the_owner_reads_its_own(world: World) -> None:
    told = await world.ask("H", "{ healths { nodes { diagnosis } } }")
    assert nodes(told, "healths") == [{"diagnosis": "cold"}, {"diagnosis": "flu"}]
    assert world.rules("Health.diagnosis") == ["own-data@1"]
    assert world.entries()[-1].obligations == [{"Retain": {"days": 1095}}]


async def test_11_another_department_does_not(world: World) -> None:
    await world.rewrite("grants.yaml", "Income.amount:", "Health.idNo: allow\n  Income.amount:")
    told = await world.ask("A", "{ healths { nodes { idNo diagnosis } } }", BENEFIT)
    assert nodes(told, "healths") == [
        {"idNo": "p1", "diagnosis": None}, {"idNo": "p2", "diagnosis": None}
    ]  # fmt: skip
    assert note(told, "healths.nodes.diagnosis") == {"outcome": "null", "code": "NO_GRANT"}
    assert world.fields()["project Health.diagnosis"] == ("null", [])
    assert world.rules("Health.idNo") == ["grant.g1-income"]


async def test_12_a_grant_by_mistake(world: World) -> None:
    told = await world.ask("B", "{ healths { nodes { idNo diagnosis } } }", "tax.audit")
    assert {row["diagnosis"] for row in nodes(told, "healths")} == {None}
    assert world.fields()["project Health.diagnosis"] == ("null", ["mandatory.dominance"])


async def test_13_key_persons_with_a_case(world: World) -> None:
    text = "{ persons { nodes { keyWatch } } }"
    assert await world.code("Q", text, "case") == "CASE_REQUIRED"
    assert world.fields()["project Person.keyWatch"] == ("reject", ["key-watch@1"])
    told = await world.ask("Q", text, "case", hub_case="2026-17")
    assert {row["keyWatch"] for row in nodes(told, "persons")} == {"yes", None}
    assert world.entries()[-1].case_id == "2026-17"
    assert world.rules("Person.keyWatch") == ["own-data@1"]


async def same_as_misspelt(world: World, who: str, purpose: str) -> None:
    hidden = await world.ask(who, "{ persons { nodes { keyWatch } } }", purpose)
    absent = await world.ask(who, "{ persons { nodes { keyWatcx } } }", purpose)
    assert "data" not in hidden
    assert str(hidden) == str(absent).replace("keyWatcx", "keyWatch")
    assert "mean" not in str(hidden)
    assert hidden["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert [entry.outcome for entry in world.entries()[-2:]] == ["refused"] * 2


async def test_14_outside_the_compartment_it_does_not_exist(world: World) -> None:
    await same_as_misspelt(world, "Q-outside", "case")
    decided = await world.unseen("Q-outside", "Person.keyWatch", "case")
    assert decided == ("mandatory.compartment",)


async def test_15_what_is_hidden_reads_like_what_is_misspelt(world: World) -> None:
    await same_as_misspelt(world, "A", BENEFIT)
    decided = await world.unseen("A", "Person.keyWatch", BENEFIT)
    assert decided == ("mandatory.dominance",)


async def test_16_the_rows_of_ones_own_township(world: World) -> None:
    told = await world.ask("T", "{ aids { totalCount nodes { number status } } }")
    assert told["data"]["aids"]["totalCount"] == 2
    assert {row["number"] for row in nodes(told, "aids")} == {"a1", "a2"}
    assert world.rules("Aid.status") == ["township-aid@1"]
    assert world.rules("Aid", "count") == ["township-aid@1"]
    for shut in ('{ aid(number: "a3") { status } }', '{ aid(number: "none") { status } }'):
        assert (await world.ask("T", shut))["data"] == {"aid": None}
        assert world.rules("Aid", "open") == ["township-aid@1"]


async def test_17_what_flows_back_is_of_ones_own_region(world: World) -> None:
    told = await world.ask("T", "{ persons { totalCount nodes { name district } } }")
    assert nodes(told, "persons") == [
        {"name": "An", "district": "330102001"}, {"name": "Bo", "district": "330102001"}
    ]  # fmt: skip
    assert told["data"]["persons"]["totalCount"] == 2
    assert world.rules("Person.name") == ["township-people@1"]

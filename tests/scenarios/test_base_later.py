"""The base scenarios through HTTP, 18 to 28 and 32: state, circumstances, figures, delegations,
duties apart and quotas; numbers are those of the scenario table of the design."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from click.testing import CliRunner

from hub.cli.audit import audit
from hub.serve.reload import Reloader
from tests.scenarios.world import BENEFIT, NOON, World, nodes, note, running

pytestmark = pytest.mark.asyncio
CHINA = dt.timezone(dt.timedelta(hours=8))
NEXT_YEAR = dt.datetime(2027, 1, 1, tzinfo=CHINA).timestamp()
NOVEMBER = dt.datetime(2026, 11, 1, tzinfo=CHINA).timestamp()
FIRMS = "{ firms { nodes { creditCode } } }"
BIRTHS = "{ persons { nodes { name birthDate } } }"
TOKENS = "{ persons { nodes { name idNo } } }"
BY_DISTRICT = "{ personsAggregate(groupBy: DISTRICT) { group { district } count } }"


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as held:
        yield held


async def test_18_after_the_last_day_of_the_grant(world: World) -> None:
    world.now[0] = NEXT_YEAR - 1
    assert "code" not in note(await world.ask("A", BIRTHS, BENEFIT), "persons.nodes.birthDate")
    assert world.rules("Person.birthDate") == ["grant.g1"]
    world.now[0] = NEXT_YEAR
    told = await world.ask("A", BIRTHS, BENEFIT)
    assert {row["birthDate"] for row in nodes(told, "persons")} == {None}
    assert note(told, "persons.nodes.birthDate") == {"outcome": "null", "code": "GRANT_EXPIRED"}
    assert world.fields()["project Person.birthDate"] == ("null", [])
    assert await world.code("A", "{ incomes { nodes { amount } } }", BENEFIT) == "GRANT_EXPIRED"


async def test_19_revoked_it_opens_nothing_within_six_seconds(world: World) -> None:
    """The hub runs and looks after its files itself; nobody tells it to reload."""

    async def births() -> set[str | None]:
        told = await world.ask("A", BIRTHS, BENEFIT)
        return {row["birthDate"] for row in nodes(told, "persons")}

    poll_s = world.hub.settings.listen.reload_poll_s
    async with Reloader(world.hub, poll_s=poll_s), asyncio.timeout(6):
        before = world.hub.pipeline
        assert await births() != {None}
        revoked = "expires: 2026-12-31\nrevoked: 2026-09-21T12:00:00+08:00\n"
        world.write("grants.yaml", "expires: 2026-12-31\n", revoked)
        while await births() != {None}:
            assert world.rules("Person.birthDate") == ["grant.g1"]
    assert world.hub.pipeline is not before
    told = await world.ask("A", BIRTHS, BENEFIT)
    assert note(told, "persons.nodes.birthDate") == {"outcome": "null", "code": "NO_GRANT"}
    assert world.fields()["project Person.birthDate"] == ("null", [])


async def test_19_revoked_from_a_stated_moment(world: World) -> None:
    revoked = "expires: 2026-12-31\nrevoked: 2026-09-21T12:00:01+08:00\n"
    await world.rewrite("grants.yaml", "expires: 2026-12-31\n", revoked)
    assert "code" not in note(await world.ask("A", BIRTHS, BENEFIT), "persons.nodes.birthDate")
    world.now[0] = NOON + 6
    told = await world.ask("A", BIRTHS, BENEFIT)
    assert note(told, "persons.nodes.birthDate") == {"outcome": "null", "code": "NO_GRANT"}


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Shanghai"])
def zone_of_the_hub(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone_of_the_hub")
async def test_20_the_hours_are_those_of_the_rules_zone(world: World) -> None:
    async def open_at(moment: dt.datetime) -> bool:
        world.now[0] = moment.timestamp()
        told = await world.ask("office", FIRMS)
        if "data" in told:
            assert world.rules("Firm.creditCode") == ["office-hours@1"]
            return True
        assert told["errors"][0]["extensions"]["code"] == "TIME_WINDOW"
        assert world.fields()["project Firm.creditCode"] == ("reject", [])
        assert world.entries()[-1].sources == []
        return False

    second = dt.timedelta(seconds=1)
    for zone, shift in (("Asia/Shanghai", 8), ("America/New_York", -4)):
        if zone != "Asia/Shanghai":
            await world.rewrite("rules.yaml", "zone: Asia/Shanghai", f"zone: {zone}")
        there = dt.timezone(dt.timedelta(hours=shift))
        opens, shuts = (dt.datetime(2026, 9, 21, hour, tzinfo=there) for hour in (8, 20))
        at = (opens - second, opens, shuts - second, shuts)
        assert [await open_at(moment) for moment in at] == [False, True, True, False]


async def test_21_from_another_network_zone(world: World) -> None:
    text, inside, outside = "{ persons(first: 1) { nodes { name } } }", "10.1.2.3", "203.0.113.7"
    open_rule = "subjects: {org_kind: government, purpose:"
    zoned = open_rule.replace("{org_kind", "{network_zone: gov_extranet, org_kind")
    await world.rewrite("rules.yaml", open_rule, zoned)
    for forwarded in (outside, f"{inside}, {outside}", "nonsense", "127.0.0.1"):
        told = await world.ask("A", text, BENEFIT, x_forwarded_for=forwarded)
        assert told["errors"][0]["extensions"]["code"] == "NETWORK_ZONE"
        assert world.fields()["project Person.name"] == ("reject", [])
    assert await world.code("A", text, BENEFIT) == "NETWORK_ZONE"  # the proxy says nothing
    told = await world.ask("A", text, BENEFIT, x_forwarded_for=f"{outside}, {inside}")
    assert len(nodes(told, "persons")) == 1
    assert world.rules("Person.name") == ["open-to-government@1"]
    zones = [entry.network_zone for entry in world.entries()]
    assert zones == [None] * 5 + ["gov_extranet"]


def people(world: World, **many: int) -> None:
    """So many more people in each district."""
    rows = [
        (f"{district}-{n}", f"N{n}", "1980-01-01", None, None, None, district.removeprefix("d"))
        for district, count in many.items()
        for n in range(count)
    ]
    world.insert("psb", "person", rows)


async def counts(world: World) -> dict[str, int]:
    told = await world.ask("N", BY_DISTRICT, "statistics")
    assert note(told, "personsAggregate.count") == {
        "outcome": "aggregate_only", "code": "AGGREGATE_ONLY", "k": 10
    }  # fmt: skip
    assert world.rules("Person.district", "group") == ["figures@1"]
    assert world.rules("Person", "count") == ["figures@1"]
    assert world.entries()[-1].obligations == [
        {"AggregateOnly": {"k": 10, "round_to": 1, "dimensions": 3, "declassify": []}}
    ]
    found = told["data"]["personsAggregate"]
    return {row["group"]["district"]: row["count"] for row in found}


async def test_22_figures_over_enough_people(world: World) -> None:
    people(world, d330102001=18, d330103001=12, d330201001=9)
    assert await counts(world) == {"330102001": 20, "330103001": 13, "330201001": 10}


async def test_23_a_small_group_takes_another_with_it(world: World) -> None:
    people(world, d330102001=18, d330103001=12, d330201001=6)
    assert await counts(world) == {"330102001": 20}, "neither the 7 nor the 13"
    told = await world.ask("N", "{ personsAggregate { count } }", "statistics")
    assert told["data"]["personsAggregate"] == [{"count": 40}], "20 of it are not told apart"


async def test_24_an_analyst_reads_no_person(world: World) -> None:
    text = "{ persons { nodes { name } } }"
    told = await world.ask("N", text, "statistics", purposes=["statistics", "case"])
    assert told["errors"][0]["extensions"]["code"] == "AGGREGATE_ONLY"
    assert "data" not in told
    assert world.fields() == {
        "list Person": ("reject", ["analysts-see-figures@1"]),
        "project Person.name": ("null", ["analysts-see-figures@1"]),
    }
    assert world.entries()[-1].sources == []
    # where no purpose opens any row, there are none for the analyst to be told of
    assert await world.code("N", text, "statistics") == "GRAPHQL_VALIDATION_FAILED"


async def test_25_a_contractor_for_its_principal(world: World) -> None:
    told = await world.ask("A", TOKENS, BENEFIT)
    theirs = {row["name"][0]: row["idNo"] for row in nodes(told, "persons")}
    told = await world.ask("X", TOKENS, BENEFIT)
    rows = nodes(told, "persons")
    assert {row["name"] for row in rows} == {"A****", "B****", "C****", "D****"}
    assert {row["name"][0]: row["idNo"] for row in rows} == theirs, "the principal's own tokens"
    entry = world.entries()[-1]
    assert (entry.app, entry.department, entry.acting_for) == ("builder", "soft", "civil")
    assert entry.subject == "app:builder|for:civil"
    assert (entry.principal, entry.delegation) == ("app:aid-office", "d1")
    assert world.rules("Person.idNo") == ["grant.g1"]
    assert world.rules("Person.name") == ["open-to-government@1", "contractors-see-initials@1"]
    # what it may not reach itself is out of reach, whatever its principal has
    low = {"cn-gbt43697": "G2"}
    told = await world.ask("X", TOKENS, BENEFIT, clearance=low)
    assert {row["idNo"] for row in nodes(told, "persons")} == {None}
    assert world.rules("Person.idNo") == ["mandatory.dominance"]
    # acting for nobody it has nothing
    assert await world.code("X-alone", TOKENS, BENEFIT) == "GRAPHQL_VALIDATION_FAILED"
    decided = await world.unseen("X-alone", "Person.name", BENEFIT)
    assert decided == ("contractors-act-for-others@1",)
    assert await world.code("X", TOKENS) == "PURPOSE_REQUIRED"
    assert await world.code("X", TOKENS, "statistics") == "NO_DELEGATION"


async def test_25_tokens_are_those_of_the_principal(world: World) -> None:
    await world.rewrite("grants.yaml", "key_scope: grant", "key_scope: app")
    told = [nodes(await world.ask(who, TOKENS, BENEFIT), "persons") for who in ("A", "X")]
    seen = [{row["name"][0]: row["idNo"] for row in rows} for rows in told]
    assert len({*seen[0].values()} - {None}) == 3, "those whom the grant is about"
    assert seen[0] == seen[1]


async def test_26_after_the_delegation_has_ended(world: World) -> None:
    schema = "{ __schema { types { name } } }"

    async def shut() -> None:
        for text in (TOKENS, schema, "{ nonsense }", "{"):
            assert await world.code("X", text, BENEFIT) == "NO_DELEGATION"
            entry = world.entries()[-1]
            assert (entry.acting_for, entry.delegation, entry.sources) == ("civil", None, [])
            assert world.fields() == {"act Query": ("reject", ["mandatory.delegation"])}

    world.now[0] = NOVEMBER - 1
    assert len(nodes(await world.ask("X", TOKENS, BENEFIT), "persons")) == 4
    world.now[0] = NOVEMBER
    await shut()
    told = await world.ask("A", TOKENS, BENEFIT)
    assert {row["idNo"] for row in nodes(told, "persons")} != {None}, "the grant goes on"
    world.now[0] = NOON
    assert "data" in await world.ask("X", schema, BENEFIT)
    ends = "expires: 2026-10-31\n"
    await world.rewrite("grants.yaml", ends, f"{ends}revoked: 2026-09-21T12:00:00+08:00\n")
    await shut()


async def test_27_an_officer_has_no_data_by_that_role(world: World) -> None:
    for who in ("O", "U"):
        told = await world.ask(who, FIRMS, "case")
        assert "data" not in told
        assert "no-data-for-duties" not in str(told)
        fields = await world.ask(who, "{ __schema { queryType { fields { name } } } }", "case")
        names = {field["name"] for field in fields["data"]["__schema"]["queryType"]["fields"]}
        assert names == {"caller"}
        decided = await world.unseen(who, "Firm.creditCode", "case")
        assert decided == ("no-data-for-duties@1",)


async def test_28_who_reads_the_log_is_in_it_and_sees_no_value(world: World) -> None:
    await world.ask("A", "{ persons(first: 1) { nodes { name } } }", BENEFIT)
    await world.ask("B", '{ firm(creditCode: "f1") { creditCode } }', "tax.audit")
    (first, second) = world.entries()
    assert (first.subject, first.rows) == ("app:aid-office", {"Person": 1})
    for entry in (first, second):
        told = msgspec.json.encode(entry).decode()
        assert not any(f'"{value}"' in told for value in ("An", "Bo", "330102001", "f1", "Tea"))

    def reads(*words: str) -> str:
        config = str(world.folder / "hub.yaml")
        result = CliRunner().invoke(audit, [*words, "--config", config])
        assert result.exit_code == 0, result.output
        return result.output

    told = await asyncio.to_thread(reads, "tail", "--json")
    shown = [json.loads(line)["entry"] for line in told.splitlines()]
    assert [entry["subject"] for entry in shown] == ["app:aid-office", "app:tax-audit"]
    noted = world.entries()[-1]
    assert (noted.door, noted.operation_name, noted.outcome) == ("console", "audit.tail", "ok")
    assert noted.subject.startswith("console:")
    assert world.fields() == {"project Audit.entries": ("allow", [])}
    # the hub goes on after it, in one chain
    await world.ask("A", "{ persons(first: 1) { nodes { name } } }", BENEFIT)
    assert len(world.entries()) == 4
    assert "whole: 4 entries" in await asyncio.to_thread(reads, "verify")


async def test_32_the_page_beyond_the_quota(world: World) -> None:
    quota = """policy: few-a-day
effect: require
subjects: {app: aid-office}
resources: {types: [Person]}
obligations: [{quota: {persons: 5000, per: day}}]
---
"""
    people(world, d330102001=5200)
    await world.rewrite("rules.yaml", "policy: key-watch\n", f"{quota}policy: key-watch\n")
    page = "{{ persons(first: {}{}) {{ nodes {{ name }} pageInfo {{ endCursor }} }} }}"
    after, seen = "", 0
    for _ in range(6):
        told = await world.ask("A", page.format(800, after), BENEFIT)
        seen += len(nodes(told, "persons"))
        after = f', after: "{told["data"]["persons"]["pageInfo"]["endCursor"]}"'
    assert seen == 4800
    assert world.rules("Person.name") == ["open-to-government@1"]
    # 200 of the next 201 would be within it: none of them is told
    assert await world.code("A", page.format(201, after), BENEFIT) == "QUOTA"
    entry = world.entries()[-1]
    assert (entry.outcome, entry.rows) == ("refused", {})
    told_rule = {"by": "app", "most": 5000, "per_s": 86400, "rule": "few-a-day", "unit": "persons"}
    assert entry.obligations == [{"Quota": told_rule}]
    assert await world.code("A", page.format(1, ""), BENEFIT) == "QUOTA"
    # who acts for it does not begin anew
    assert await world.code("X", page.format(1, ""), BENEFIT) == "QUOTA"
    assert len(nodes(await world.ask("B", page.format(1, ""), "tax.audit"), "persons")) == 1
    world.now[0] = NOON + 86_400
    assert len(nodes(await world.ask("A", page.format(2, ""), BENEFIT), "persons")) == 2


async def test_32_the_last_one_within_the_quota_is_told(world: World) -> None:
    quota = """policy: few-a-day
effect: require
subjects: {app: aid-office}
resources: {types: [Person]}
obligations: [{quota: {persons: 3, per: day}}]
---
"""
    await world.rewrite("rules.yaml", "policy: key-watch\n", f"{quota}policy: key-watch\n")
    assert len(nodes(await world.ask("A", "{ persons(first: 3) { nodes { name } } }", BENEFIT),
                     "persons")) == 3  # fmt: skip
    again = await world.ask("A", "{ persons(first: 3) { nodes { name } } }", BENEFIT)
    assert len(nodes(again, "persons")) == 3, "the same persons count once"
    text = "{ persons(first: 4) { nodes { name } } }"
    assert await world.code("A", text, BENEFIT) == "QUOTA"

"""Breaking the glass over HTTP: what it takes, what it shows, and what it never passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.audit.entry import Entry
from tests.hub.emergency.brigade import CASE, MORE, brigade, soon


@pytest.mark.asyncio
async def test_subject_e_in_an_emergency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        assert await at.phones() == []
        declared = await at.declare()
        assert declared["__typename"] == "EmergencyStep", declared
        assert await at.phones() == []  # an emergency alone opens nothing
        opened = await at.broken()
        told = await at.ask()
        people = {row["name"]: row["phone"] for row in told["data"]["persons"]["nodes"]}
        assert people == {"An": "111", "Bo": "112", "Ci": "113"}
        marks = told["extensions"].get("emergency", [])
        assert [one["id"] for one in marks] == [opened]
        assert marks[0]["until"] == "2026-09-21T05:00:00Z"
        entry = [one for one in at.log() if isinstance(one, Entry)][-1]
        assert (entry.emergency, entry.case_id, entry.user) == ([opened], CASE, "zhou")
        assert ("emergency.break", "app:emergency-desk|user:zhou", "ok") in at.acts()
        # another question of the same person, in no emergency
        told = await at.ask("{ firms { nodes { name } } }", purpose="statistics")
        assert "emergency" not in told.get("extensions", {})


@pytest.mark.asyncio
async def test_it_is_open_for_one_person_case_purpose_and_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        await at.broken()
        assert "111" in await at.phones()
        assert await at.phones("E2") == []
        for other in (
            {"hub_case": "2026-118"},
            {"purpose": "statistics"},
            {"acr": "password"},
            {"app": "emergency-map"},
            {"acting_for": "civil"},
        ):
            assert "111" not in await at.phones(**other), other


MISSING: tuple[tuple[dict[str, Any], str], ...] = (
    ({"name": "quake"}, "NO_EMERGENCY"),
    ({"which": "firms"}, "NO_EMERGENCY"),
    ({"which": "nothing"}, "NO_EMERGENCY"),
    ({"app": "emergency-map"}, "NO_EMERGENCY"),
    ({"department": "civil"}, "NO_EMERGENCY"),
    ({"acr": "password"}, "STEP_UP_REQUIRED"),
    ({"acr": None}, "STEP_UP_REQUIRED"),
    ({"purposes": ["statistics"]}, "PURPOSE_NOT_ALLOWED"),
    ({"user": None}, "FORBIDDEN"),
    ({"duties": ["security-officer"]}, "FORBIDDEN"),
    ({"case": " "}, "CASE_REQUIRED"),
    ({"case": "1" * 201}, "BAD_REQUEST"),
    ({"reason": " "}, "BAD_REQUEST"),
    ({"reason": "x" * 2001}, "BAD_REQUEST"),
)


@pytest.mark.asyncio
async def test_every_precondition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        for more, code in MISSING:
            told = await at.tried(**more)
            assert told["__typename"] == "StepRefused", told
            assert told["code"] == code, more
            assert at.acts()[-1][0::2] == ("emergency.break", code)
        await at.taken_up()
        assert "111" not in await at.phones()


@pytest.mark.asyncio
async def test_an_emergency_of_another_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare(region="3302")
        assert (await at.tried()).get("code") == "NO_EMERGENCY"
        await at.declare("flood-2", region="3301")
        await at.broken(name="flood-2")
        assert "111" in await at.phones()
        assert "111" not in await at.phones(region="3302")


@pytest.mark.asyncio
async def test_only_an_officer_declares_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        for who in ("E", "S"):
            assert (await at.declare(who=who)).get("code") == "FORBIDDEN"
        assert (await at.declare(opens='["nothing"]')).get("code") == "EMERGENCY_REFUSED"
        assert (await at.declare(hours=24 * 8)).get("code") == "BAD_REQUEST"
        assert (await at.declare("Flood!")).get("code") == "BAD_REQUEST"
        await at.declare()
        assert (await at.declare()).get("code") == "EMERGENCY_REFUSED"
        await at.broken()
        ended = 'mutation { endEmergency(id: "flood") { __typename ... on StepRefused { code } } }'
        assert (await at.control("E", ended)).get("code") == "FORBIDDEN"
        assert (await at.control("E-officer", ended))["__typename"] == "EmergencyStep"
        await at.taken_up()
        assert "111" not in await at.phones()
        assert (await at.tried()).get("code") == "NO_EMERGENCY"


@pytest.mark.asyncio
async def test_white_list_labels_and_withheld_fields_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare(opens='["rescue", "care"]')
        await at.broken()
        await at.broken(which="care")
        categories = ["pi.sensitive.health", "pi.sensitive.location", "LE"]
        whole = {"clearance": {"cn-gbt43697": "IMPORTANT"}, "compartments": categories}

        async def seen(field: str, **more: Any) -> str:
            of, _, name = field.partition(".")
            told = await at.ask(f"{{ {of} {{ nodes {{ {name} }} }} }}", **more)
            return str(told["data"][of]["nodes"] if "data" in told else told)

        assert "1957" in await seen("persons.birthDate")
        assert "1957-03-09" not in await seen("persons.birthDate")
        # above the clearance, whatever the list says
        assert "'a'" not in await seen("persons.track")
        assert "'a'" in await seen("persons.track", **whole)
        assert "flu" not in await seen("healths.diagnosis")
        assert "flu" in await seen("healths.diagnosis", **whole)
        # withheld by law, with every clearance and compartment
        assert "yes" not in await seen("persons.keyWatch", **whole)
        assert "yes" not in await seen("healths.hiv", **whole)
        # not on the list
        assert "4321" not in await seen("incomes.amount", **whole)
        assert "10" not in await seen("firms.arrears", **whole)


@pytest.mark.asyncio
async def test_a_prohibition_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        await at.broken()
        assert "111" in await at.phones()
        assert "111" not in await at.phones(roles=["auditor"])


@pytest.mark.asyncio
async def test_it_closes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        await at.broken()
        at.now[0] += 3599
        assert "111" in await at.phones()
        at.now[0] += 1
        told = await at.ask()
        assert "111" not in str(told)
        assert "emergency" not in told.get("extensions", {})


@pytest.mark.asyncio
async def test_an_emergency_that_ends_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare(hours=1)
        at.now[0] += 1800
        await at.broken()
        at.now[0] += 1799
        assert "111" in await at.phones()
        at.now[0] += 1
        assert "111" not in await at.phones()


@pytest.mark.asyncio
async def test_a_worker_takes_it_up_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        told = await at.tried()
        assert "111" in await soon(at.phones)
        opened = told["opening"]["id"]
        revoke = f'mutation {{ revokeGlass(opening: "{opened}") {{ __typename }} }}'
        assert (await at.control("S", revoke))["__typename"] == "GlassStep"

        async def closed() -> bool:
            return "111" not in await at.phones()

        assert await soon(closed)


@pytest.mark.asyncio
async def test_no_more_than_a_few_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch, more=f"{MORE}  most_open: 1\n") as at:
        await at.declare()
        await at.broken()
        assert (await at.tried("E2")).get("code") == "EMERGENCY_REFUSED"
        at.now[0] += 3600
        assert (await at.tried("E2"))["__typename"] == "GlassStep"


@pytest.mark.asyncio
async def test_what_was_opened_is_what_the_list_said_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        await at.broken()
        more = "  Person.phone: allow\n  Person.district: allow\n"
        at.world.write("lists.yaml", "  Person.phone: allow\n", more)
        await at.world.hub.reload()
        assert "111" not in await at.phones()

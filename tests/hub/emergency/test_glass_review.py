"""After the act: review by somebody else, in time, or the application is suspended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hub.emergency.brigade import MORE, Brigade, brigade

HOUR = 3600.0
REFUSED = "... on StepRefused { code }"


async def reviewed(at: Brigade, opening: str, who: str = "S", **more: Any) -> Any:
    outcome, note = more.pop("outcome", "JUSTIFIED"), more.pop("note", "3 rows, all in the case")
    return await at.control(
        who,
        f'mutation {{ reviewGlass(opening: "{opening}", outcome: {outcome}, note: "{note}")'
        f" {{ __typename ... on GlassStep {{ opening {{ outcome }} }} {REFUSED} }} }}",
        **more,
    )


@pytest.mark.asyncio
async def test_a_review_is_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        opened = await at.broken()
        assert (await reviewed(at, opened)).get("code") == "EMERGENCY_REFUSED"  # it is open still
        at.now[0] += HOUR
        assert (await reviewed(at, opened, "E")).get("code") == "FORBIDDEN"
        assert (await reviewed(at, opened, "E-officer")).get("code") == "FORBIDDEN"
        # the same person, with an officer's duty under another application
        assert (await reviewed(at, opened, "S-zhou")).get("code") == "EMERGENCY_REFUSED"
        assert (await reviewed(at, opened, user=None)).get("code") == "EMERGENCY_REFUSED"
        assert (await reviewed(at, "nothing")).get("code") == "NOT_FOUND"
        assert (await reviewed(at, opened, note=" ")).get("code") == "BAD_REQUEST"
        done = await reviewed(at, opened, outcome="UNJUSTIFIED")
        assert done["opening"]["outcome"] == "UNJUSTIFIED"
        assert (await reviewed(at, opened)).get("code") == "EMERGENCY_REFUSED"
        assert ("emergency.review", "app:console|user:li", "ok") in at.acts()


@pytest.mark.asyncio
async def test_unreviewed_the_application_is_suspended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        opened = await at.broken()
        at.now[0] += 49 * HOUR - 1
        firms = "{ firms { nodes { name } } }"
        assert "data" in await at.ask(firms, purpose="statistics")
        at.now[0] += 1
        # no look at the database, no job: it follows from time
        for told in (
            await at.ask(firms, "E2", purpose="emergency"),
            await at.ask("{ __typename }", purpose="statistics"),
        ):
            assert "data" not in told
            assert told["errors"][0]["extensions"]["code"] == "APP_SUSPENDED"
        assert (await at.tried("E2")).get("code") == "APP_SUSPENDED"
        assert await at.control("S", "{ suspendedApps }") == ["emergency-desk"]
        assert "data" in await at.world.ask("A", firms, "benefits.eligibility")
        await reviewed(at, opened)
        await at.taken_up()
        assert "data" in await at.ask(firms, purpose="statistics")
        assert await at.control("S", "{ suspendedApps }") == []


@pytest.mark.asyncio
async def test_who_sees_what_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        opened = await at.broken()
        shown = "{ glassOpenings { id departments reason } }"
        full = [{"id": opened, "departments": ["psb"], "reason": "find residents"}]
        assert await at.control("S", shown) == full
        assert await at.control("E", shown) == full
        assert await at.control("E2", shown) == []


@pytest.mark.asyncio
async def test_a_due_day_by_a_clock_of_working_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = """
break_glass: rescue
to: {app: emergency-desk}
purpose: emergency
fields: {Person.phone: allow}
minutes: 60
acr: [smart-card]
review: {clock: catalogue.publish}
"""
    async with brigade(tmp_path, monkeypatch, lists=lists, more=MORE) as at:
        await at.declare()
        await at.broken()
        shown = await at.control("S", "{ glassOpenings { reviewDue } }")
        # Monday noon: two working days, to the end of Wednesday in Shanghai
        assert shown == [{"reviewDue": "2026-09-23T16:00:00+00:00"}]

"""What becomes of a doubt: stewards, the authority, clocks, and who may read what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.corrections.news import CorrectionNews
from hub.store.emergency_tables import corrections
from tests.hub.corrections.registry_office import Registry, registry

DAY = 86_400.0
DUE = "2026-10-12T16:00:00+00:00"
"""Ten working days after the 21st of September: with the autumn's holidays and make-up days."""


@pytest.mark.asyncio
async def test_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        name = await at.doubt()
        assert await at.step("resolve", name, 1, outcome="CORRECTED") == "CORRECTION_REFUSED"
        assert await at.step("accept", name, 1) == "accepted"
        assert await at.step("reject", name, 2) == "CORRECTION_REFUSED"
        assert await at.step("resolve", name, 1, outcome="CORRECTED") == "EDIT_CONFLICT"
        assert await at.step("resolve", name, 2, outcome="CORRECTED") == "corrected"
        assert await at.step("resolve", name, 3, outcome="UNFOUNDED") == "CORRECTION_REFUSED"
        shown = await at.control(
            "steward-2", f'{{ correction(id: "{name}") {{ steps {{ act state by note }} }} }}'
        )
        assert [tuple(step.values()) for step in shown["steps"]] == [
            ("report", "reported", "app:tax-audit|user:li", None),
            ("accept", "accepted", "app:console|user:zhang", "seen"),
            ("resolve", "corrected", "app:console|user:zhang", "seen"),
        ]
        assert at.acts()[-1] == ("correction.show", "app:console|user:qian", "ok")


@pytest.mark.asyncio
async def test_it_is_the_authoritative_departments_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        name = await at.doubt()
        show = f'{{ correction(id: "{name}") {{ evidence }} }}'
        for who in ("market", "steward"):
            told = await at.control(who, show)
            assert (told is None) == (who == "market"), told
        assert await at.control("market", show.replace(name, "nothing")) is None
        assert await at.control("authority", show) == "FORBIDDEN"
        assert await at.control("steward", show, department=None) == "FORBIDDEN"
        assert await at.control("steward", show, acting_for="civil") == "FORBIDDEN"
        assert await at.step("accept", name, 1, "market") == "NOT_FOUND"
        assert await at.step("accept", name, 1, "authority") == "FORBIDDEN"
        assert await at.step("extend", name, 1, "steward") == "FORBIDDEN"


@pytest.mark.asyncio
async def test_nobody_decides_on_their_own_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        both: dict[str, Any] = {"department": "civil", "duties": ["data-steward"]}
        status, told = await at.post(
            {"type": "Aid", "key": {"number": "a1"}, "fields": [{"field": "status"}],
             "evidence": "x", "purpose": "tax.audit"}, "B-li", **both,
        )  # fmt: skip
        assert status == 202, told
        query = (
            f'mutation {{ acceptCorrection(id: "{told["ids"][0]}", basedOn: 1, note: "x") {{'
            " ... on StepRefused { code } } }"
        )
        assert await at.control("B-li", query, **both) == {"code": "CORRECTION_REFUSED"}


async def dues(at: Registry) -> Any:
    return await at.control("steward", "{ corrections { dueAt extended overdue state } }")


@pytest.mark.asyncio
async def test_the_packs_clock_and_one_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        name = await at.doubt()
        (held,) = await dues(at)
        assert held["dueAt"] == DUE
        assert await at.step("extend", name, 1, "authority") == "reported"
        (held,) = await dues(at)
        assert held["extended"] is True
        assert held["dueAt"] > DUE
        assert await at.step("extend", name, 2, "authority") == "CORRECTION_REFUSED"


@pytest.mark.asyncio
async def test_a_clock_that_runs_out_is_told_and_counted_and_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def quiet(*_: object) -> None:
        return None

    monkeypatch.setattr("hub.registry.teller.Teller.look", quiet)
    async with registry(tmp_path, monkeypatch) as at:
        hub = at.world.hub
        news = CorrectionNews(hub.database, hub.settings, lambda: at.now[0])
        name = await at.doubt()
        (told,) = news.found()
        assert (told.type, told.data["department"]) == ("correction.report", "civil")
        assert news.found() == ()
        at.now[0] += 22 * DAY
        (told,) = news.found()
        assert (told.type, told.data["to"]) == ("correction.overdue", "authority")
        assert news.found() == ()
        (held,) = await dues(at)
        assert (held["state"], held["overdue"]) == ("reported", True)
        scores = "{ correctionScores { department open overdue settled late } }"
        assert await at.control("steward", scores) == "FORBIDDEN"
        score = {"department": "civil", "open": 1, "overdue": 1, "settled": 0, "late": 0}
        assert await at.control("authority", scores) == [score]
        assert await at.step("reject", name, 2) == "rejected"
        score |= {"open": 0, "overdue": 0, "settled": 1, "late": 1}
        assert await at.control("authority", scores) == [score]
        assert ("correction.overdue", "hub", "ok") in at.acts()


@pytest.mark.asyncio
async def test_what_somebody_has_changed_in_the_database_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        one, other = await at.doubt(), await at.doubt(evidence="another")
        with at.world.hub.database.begin() as connection:
            sealed = connection.scalar(
                sa.select(corrections.c.sealed).where(corrections.c.id == other)
            )
            connection.execute(
                sa.update(corrections).where(corrections.c.id == one).values(sealed=sealed)
            )
        show = f'{{ correction(id: "{one}") {{ evidence }} }}'
        assert await at.control("steward", show) == "CORRECTIONS_UNAVAILABLE"

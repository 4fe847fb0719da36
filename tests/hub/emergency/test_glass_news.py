"""Owners and officers are told at once: signed, without values, cases or reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.emergency.news import EmergencyNews
from tests.hub.emergency.brigade import CASE, Brigade, brigade


@pytest.fixture
def _nobody_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker's own look comes between."""

    async def quiet(*_: object) -> None:
        return None

    monkeypatch.setattr("hub.registry.teller.Teller.look", quiet)


def news(at: Brigade) -> EmergencyNews:
    hub = at.world.hub
    return EmergencyNews(hub.database, hub.settings, lambda: at.now[0])


@pytest.mark.usefixtures("_nobody_told")
@pytest.mark.asyncio
async def test_each_step_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        told = news(at)
        await at.declare(opens='["rescue", "firms"]')
        assert [one.type for one in told.found()] == ["emergency.declare"]
        opened = await at.broken()
        found = told.found()
        assert [(one.type, one.data["to"], one.data["department"]) for one in found] == [
            ("emergency.broken", "owner", "psb"),
            ("emergency.broken", "security-officer", None),
        ]
        assert all(one.data["opening"] == opened for one in found)
        assert CASE not in str(found)
        assert "find residents" not in str(found)
        assert told.found() == ()
        await at.broken(which="firms")
        assert [one.data["department"] for one in told.found()] == ["tax", None]


@pytest.mark.usefixtures("_nobody_told")
@pytest.mark.asyncio
async def test_an_overdue_review_is_told_and_on_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        told = news(at)
        await at.declare()
        await at.broken()
        told.found()
        at.now[0] += 49 * 3600
        assert [one.type for one in told.found()] == ["emergency.overdue"] * 2
        assert told.found() == ()
        assert [one for one in at.acts() if one[0] == "emergency.suspend"] == [
            ("emergency.suspend", "hub", "ok")
        ]


@pytest.mark.asyncio
async def test_a_bad_secret_of_a_receiver_stops_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("none", encoding="utf-8")
    more = """
emergency:
  lists: [lists.yaml]
  webhooks: [{url: "https://owner.example/hook", secret: secret}]
"""
    with pytest.raises(Exception, match="secret"):
        async with brigade(tmp_path, monkeypatch, more=more):
            pass

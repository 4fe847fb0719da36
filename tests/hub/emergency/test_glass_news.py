"""Owners and officers are told at once: signed, without values, cases or reasons."""

from __future__ import annotations

import base64
import hmac
from pathlib import Path

import orjson
import pytest

from hub.emergency.news import EmergencyNews
from tests.hub.emergency.brigade import CASE, MORE, Brigade, brigade, soon
from tests.hub.registry.test_webhook import receiver


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


@pytest.mark.asyncio
async def test_receivers_have_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = b"k" * 32
    (tmp_path / "secret").write_text(f"whsec_{base64.b64encode(key).decode()}", encoding="utf-8")
    with receiver() as told:
        hooks = f'  webhooks: [{{url: "{told.url}", secret: secret}}]\n'
        async with brigade(tmp_path, monkeypatch, more=MORE + hooks) as at:
            await at.declare()
            await at.broken()

            async def arrived() -> bool:
                return len(told.taken) >= 3

            assert await soon(arrived)
    sent = [orjson.loads(body) for _, body in told.taken]
    assert [(one["type"], one["data"].get("to")) for one in sent] == [
        ("emergency.declare", None),
        ("emergency.broken", "owner"),
        ("emergency.broken", "security-officer"),
    ]
    headers, body = told.taken[1]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"

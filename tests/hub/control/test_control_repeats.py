"""Requests at the control door that are sent again under one key."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from hub.control.door import PATH
from hub.store.tables import control_replies
from tests.auth import forge
from tests.hub.control.test_control_door import OUTCOME, TAX, ZHANG, Control, control

__all__ = ["control"]
REGISTER = f"mutation($text: String!) {{ registerSource(text: $text, basedOn: 0) {{ {OUTCOME} }} }}"


async def sent(control: Control, claims: dict[str, Any], key: str, text: str, **more: str) -> Any:
    headers = {
        "authorization": f"Bearer {forge.token(forge.claims(**claims))}",
        "idempotency-key": key,
    }
    body = {"query": more.get("query", REGISTER), "variables": {"text": text}}
    got = await control.client.post(PATH, json=body, headers=headers)
    return got.status_code, got.json()


@pytest.mark.asyncio
async def test_a_step_under_one_key_is_taken_once(control: Control) -> None:
    text = control.bureau.civil()
    first = await sent(control, ZHANG, "k1", text)
    assert first[1]["data"]["registerSource"]["__typename"] == "StepTaken", first
    assert await sent(control, ZHANG, "k1", text) == first
    without = await control.step(ZHANG, "registerSource", text=text, basedOn=0)
    assert without["__typename"] != "StepTaken"
    status, body = await sent(control, ZHANG, "k1", text + "\n")
    assert (status, body["errors"][0]["extensions"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    # another caller's key of the same name is another key, and nobody is shown another's answer
    status, body = await sent(control, TAX, "k1", text)
    assert body["data"]["registerSource"].get("code") == "FORBIDDEN"
    with control.hub.database.connect() as connection:
        kept = connection.execute(sa.select(control_replies.c.reply)).scalars().all()
    assert [b"StepTaken" in (one or b"") for one in kept] == [False]


@pytest.mark.asyncio
async def test_what_was_refused_may_be_asked_again(control: Control) -> None:
    text = control.bureau.civil()
    wrong = text.replace("hub: 1", "hub: 9")
    refused = await sent(control, ZHANG, "k2", wrong)
    assert refused[1]["data"]["registerSource"]["__typename"] == "StepRefused", refused
    taken = await sent(control, ZHANG, "k2", text)
    assert taken[1]["data"]["registerSource"]["__typename"] == "StepTaken", taken
    for key in ("", "x" * 256):
        status, body = await sent(control, ZHANG, key, text)
        assert (status, body["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    status, body = await sent(control, ZHANG, "k3", text, query="{ sources { name } }")
    assert status == 200
    status, body = await sent(control, ZHANG, "k3", text, query="{ sources { department } }")
    assert status == 200  # a question takes no step: its key is free again


@pytest.mark.asyncio
async def test_two_at_once_take_one_step(control: Control) -> None:
    text = control.bureau.civil()
    answers = await asyncio.gather(*(sent(control, ZHANG, "k4", text) for _ in range(4)))
    done = [body for status, body in answers if status == 200]
    under_way = [body for status, body in answers if status == 409]
    assert len(done) + len(under_way) == 4
    assert {one["data"]["registerSource"]["__typename"] for one in done} == {"StepTaken"}
    assert {one["errors"][0]["extensions"]["code"] for one in under_way} <= {"STEP_UNDER_WAY"}
    shown = await control.ask(ZHANG, '{ source(name: "civil") { steps { act } } }')
    assert len(shown["source"]["steps"]) == 1

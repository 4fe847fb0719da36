"""Early warnings and scorecards at the control door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from hub.control.door import PATH, control_door
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.store.sourcehours import Look, SourceHours
from hub.wiring import Hub
from tests.auth import forge
from tests.hub.warning.outlook import OFFICER, Outlook, fields, outlook
from tests.hub.warning.test_warning_cli import acts

__all__ = ["outlook"]

SHEN = {"sub": "console", "azp": "console", "duties": ["auditor"], "user": "shen"}
CLERK = {**SHEN, "duties": ["clerk"]}
STEP = "__typename ... on WarningStep { warning { state revision changedBy reason } }"
REFUSED = "... on StepRefused { code } ... on StepConflict { code }"


class Door:
    def __init__(self, hub: Hub, at: Outlook) -> None:
        door = control_door(hub, at.settings)
        assert door is not None
        app = create_app(hub, door_options(at.settings), further=door.routes)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://hub", timeout=60
        )

    async def ask(self, claims: dict[str, Any], query: str) -> Any:
        token = forge.token(forge.claims(**claims))
        answer = await self.client.post(
            PATH, json={"query": query}, headers={"authorization": f"Bearer {token}"}
        )
        body = answer.json()
        if body.get("errors"):
            return body["errors"][0]["extensions"]["code"]
        return next(iter(body["data"].values()))


@pytest_asyncio.fixture
async def door(outlook: Outlook) -> AsyncIterator[Door]:
    forge.write_all(outlook.home / "jwks.json")
    outlook.configure(
        "",
        "scorecards: {duties: [auditor]}\nauth:\n"
        f"  issuers: [{{issuer: '{forge.ISSUER}', audience: [hub], jwks: jwks.json}}]\n"
        "  claims: {user: [user]}\n",
    )
    outlook.rule(f"warning: a\ntitle: {{en: A, zh: 甲}}\nkind: probing\n{OFFICER}\nleast: 2\n")
    outlook.now = forge.NOW
    await outlook.begin()
    outlook.asked(2, outcome="refused", code="TOO_DEEP")
    outlook.asked(1, fields=fields("project Person.name"), app="tax", department="tax-office")
    await outlook.turn(400)
    hub = Hub(outlook.settings, clock=lambda: forge.NOW)
    await hub.open()
    made = Door(hub, outlook)
    try:
        yield made
    finally:
        await made.client.aclose()
        await hub.close()


@pytest.mark.asyncio
async def test_a_warning_is_looked_at_and_closed_over_http(door: Door, outlook: Outlook) -> None:
    assert await door.ask(CLERK, "{ earlyWarnings { id } }") == "FORBIDDEN"
    (found,) = await door.ask(
        SHEN, "{ earlyWarnings(state: OPEN) { id titleZh app what count state revision } }"
    )
    id = found.pop("id")
    assert found == {
        "titleZh": "甲", "app": "benefits", "what": None, "count": 2.0, "state": "OPEN",
        "revision": 1,
    }  # fmt: skip
    step = f'acknowledgeWarning(id: "{id}", basedOn: %d) {{ {STEP} {REFUSED} }}'
    early = await door.ask(SHEN, f"mutation {{ {step % 7} }}")
    assert early == {"__typename": "StepConflict", "code": "EDIT_CONFLICT"}
    done = await door.ask(SHEN, f"mutation {{ {step % 1} }}")
    assert (done["warning"]["state"], done["warning"]["revision"]) == ("ACKNOWLEDGED", 2)
    assert done["warning"]["changedBy"].endswith("user:shen")
    close = f'closeWarning(id: "{id}", basedOn: 2, reason: "%s") {{ {STEP} {REFUSED} }}'
    empty = await door.ask(SHEN, f"mutation {{ {close % ' '} }}")
    assert empty == {"__typename": "StepRefused", "code": "BAD_USER_INPUT"}
    closed = await door.ask(SHEN, f"mutation {{ {close % 'a test'} }}")
    assert closed["warning"]["reason"] == "a test"
    look = await door.ask(SHEN, f'{{ earlyWarning(id: "{id}") {{ warning {{ state }} }} }}')
    assert look == {"warning": {"state": "CLOSED"}}
    assert await door.ask(SHEN, '{ earlyWarning(id: "none") { warning { id } } }') is None
    assert await door.ask(SHEN, "{ earlyWarnings(state: OPEN) { id } }") == []
    told = [act for act, _, _ in acts(outlook)]
    assert told.count("warning.listed") == 2, "and nothing of who was refused"


@pytest.mark.asyncio
async def test_scorecards_over_http(door: Door, outlook: Outlook) -> None:
    SourceHours(outlook.engine).add([
        Look(source="civil", department="civil-affairs", at=forge.NOW, answered=True, age_s=None,
             expect_s=None)
    ])  # fmt: skip
    query = '{ departmentCards(period: "2027") { department rank figures { name value } } }'
    assert await door.ask(CLERK, query) == "FORBIDDEN"
    (card,) = await door.ask(SHEN, query)
    values = {one["name"]: one["value"] for one in card["figures"]}
    assert (card["department"], card["rank"]) == ("civil-affairs", 1)
    assert (values["availability"], values["freshness"]) == (100.0, None)
    figure = (
        '{ departmentFigure(department: "civil-affairs", figure: "used_by_others", period: "2027")'
        " { events figure { value formulaZh parts { name number } } } }"
    )
    found = await door.ask(SHEN, figure)
    assert found["events"] == ["Person.name: tax, 1 uses"]
    assert found["figure"]["value"] == 33.33
    wrong = '{ departmentCards(period: "soon") { rank } }'
    assert await door.ask(SHEN, wrong) == "BAD_USER_INPUT"
    apps = await door.ask(SHEN, "{ applicationCards { judged proposals { grant } cards { app } } }")
    assert apps["judged"] is False
    assert {"app": "tax"} in apps["cards"]
    assert "scorecard.apps" in [act for act, _, _ in acts(outlook)]

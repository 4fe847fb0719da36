"""The control door over HTTP: the whole life of a source, wrong roles, late edits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from hub.control.door import PATH, control_door
from hub.control.schema import control_sdl
from hub.registration.registrar import Registrar
from hub.rollout.signature import SOURCE, signed
from hub.rollout.signer import private_key
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.wiring import Hub
from tests.auth import forge
from tests.conftest import Golden
from tests.hub.registration.bureau import SALARY, Bureau, Captured
from tests.hub.registration.test_published_live import asked, comes

ISSUER = """\
auth:
  issuers: [{{issuer: {issuer}, audience: [hub], jwks: jwks.json}}]
  claims: {{user: [user]}}
"""
OUTCOME = """\
__typename
... on StepTaken { source { revision published { version } } version { version state } gone }
... on StepRefused { code message hint problems { code message where } }
... on EditConflict { code message revision by act difference }
"""
STAFF = {"sub": "console", "azp": "console", "duties": ["source-steward"]}
ZHANG = {**STAFF, "user": "zhang", "department": "civil-affairs"}
TAX = {**STAFF, "user": "sun", "department": "tax"}
OFFICER = {"sub": "console", "azp": "console", "duties": ["security-officer"], "user": "officer-li"}


class Control:
    """Asks at the control door as somebody."""

    def __init__(self, bureau: Bureau, hub: Hub) -> None:
        self.bureau = bureau
        self.hub = hub
        door = control_door(hub, bureau.settings)
        assert door is not None
        self.door = door
        app = create_app(hub, door_options(bureau.settings), further=door.routes)
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hub")

    async def post(self, claims: dict[str, Any] | None, query: str, **variables: Any) -> Any:
        """Status and body."""
        headers = {}
        if claims is not None:
            headers["authorization"] = f"Bearer {forge.token(forge.claims(**claims))}"
        body = {"query": query, "variables": variables}
        got = await self.client.post(PATH, json=body, headers=headers)
        return got.status_code, got.json()

    async def ask(self, claims: dict[str, Any], query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        status, body = await self.post(claims, query, **variables)
        assert status == 200, body
        assert "errors" not in body, body
        return body["data"]

    async def step(self, claims: dict[str, Any], name: str, **given: Any) -> Any:
        """What became of a step."""
        kinds = {"basedOn": "Int!", "to": "Int!"}
        variables = {**({"name": "civil"} if name != "registerSource" else {}), **given}
        declared = ", ".join(f"${one}: {kinds.get(one, 'String!')}" for one in variables)
        passed = ", ".join(f"{one}: ${one}" for one in variables)
        query = f"mutation({declared}) {{ {name}({passed}) {{ {OUTCOME} }} }}"
        return (await self.ask(claims, query, **variables))[name]

    async def taken(self, claims: dict[str, Any], name: str, **given: Any) -> int:
        """The revision after a step that must be taken."""
        done = await self.step(claims, name, **given)
        assert done["__typename"] == "StepTaken", done
        return int(done["source"]["revision"])

    async def signed(self, who: str = "li", to: int | None = None) -> str:
        """An officer's signature over what the door says is to be signed."""
        query = 'query($to: Int) { approvalStatement(name: "civil", to: $to) { payload typ part } }'
        told = (await self.ask(OFFICER, query, to=to))["approvalStatement"]
        assert (told["typ"], told["part"]) == (SOURCE, "approver")
        key: OKPKey = private_key(self.bureau.home / f"{who}.pem", lambda: "")
        payload, now = told["payload"].encode(), int(time.time())
        made = signed(payload, key, purpose=SOURCE, part="approver", at=now, others=None)
        return made.text()


@pytest_asyncio.fixture
async def control(tmp_path: Path, capsys: Captured) -> AsyncIterator[Control]:
    bureau = Bureau(tmp_path, capsys, more=ISSUER.format(issuer=forge.ISSUER))
    forge.write_all(tmp_path / "jwks.json")
    hub = Hub(bureau.settings, clock=lambda: forge.NOW)
    await hub.open()
    made = Control(bureau, hub)
    try:
        yield made
    finally:
        await made.client.aclose()
        await hub.close()


@pytest.mark.asyncio
async def test_the_whole_life_over_http(control: Control) -> None:
    text = control.bureau.civil(SALARY)
    at = await control.taken(ZHANG, "registerSource", text=text, basedOn=0)
    at = await control.taken(ZHANG, "checkSource", basedOn=at)
    at = await control.taken(ZHANG, "submitSource", basedOn=at)
    shown = await control.ask(
        OFFICER,
        '{ source(name: "civil") { underWay { text report { passed labels { coordinate way } '
        "effects { app } findings { message } } } steps { act by } } }",
    )
    under_way = shown["source"]["underWay"]
    assert under_way["text"] == text
    assert under_way["report"]["passed"]
    assert {"coordinate": "Person.salary", "way": "new"} in under_way["report"]["labels"]
    assert {one["by"] for one in shown["source"]["steps"]} == {"app:console|user:zhang"}
    at = await control.taken(OFFICER, "approveSource", basedOn=at, approval=await control.signed())
    at = await control.taken(ZHANG, "publishSource", basedOn=at)
    await comes(control.hub, "salary", 2)
    second = control.bureau.civil()
    at = await control.taken(ZHANG, "registerSource", text=second, basedOn=at)
    difference = await control.ask(ZHANG, '{ source(name: "civil") { difference } }')
    assert "-      salary: {type: Int}" in difference["source"]["difference"]
    at = await control.taken(ZHANG, "checkSource", basedOn=at)
    at = await control.taken(ZHANG, "submitSource", basedOn=at)
    at = await control.taken(OFFICER, "rejectSource", basedOn=at, reason="salaries are needed")
    back = await control.step(
        OFFICER, "rollBackSource", basedOn=at, to=1, reason="x", approval="{}"
    )
    assert back["code"] == "REGISTRATION_INVALID"
    gone = await control.step(ZHANG, "withdrawSource", basedOn=at, reason="switched off")
    assert gone["gone"] == ["Person"]
    await comes(control.hub, "name", "GRAPHQL_VALIDATION_FAILED")
    again = await control.step(
        OFFICER, "rollBackSource", basedOn=gone["source"]["revision"], to=1, reason="still needed",
        approval=await control.signed("wang", to=1),
    )  # fmt: skip
    assert again["source"]["published"] == {"version": 3}
    await comes(control.hub, "salary", 2)
    signed_by = {
        one.act: (one.by, one.details["signed_by"])
        for one in await asyncio.to_thread(control.bureau.log)
        if "signed_by" in one.details
    }
    officer = "app:console|user:officer-li"
    assert signed_by == {"source.approve": (officer, "li"), "source.roll_back": (officer, "wang")}


@pytest.mark.asyncio
async def test_who_has_no_duty_gets_nothing(control: Control) -> None:
    query = "{ sources { name } }"
    assert (await control.post(None, query))[0] == 401
    for claims in ({**ZHANG, "duties": []}, {**OFFICER, "acting_for": "tax"}):
        status, body = await control.post(claims, query)
        assert status == 403, body
        assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    _, body = await control.post({**ZHANG, "department": None}, query)
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.asyncio
async def test_each_duty_has_its_steps(control: Control) -> None:
    text = control.bureau.civil()
    for claims in (TAX, OFFICER):
        done = await control.step(claims, "registerSource", text=text, basedOn=0)
        assert done.get("code") == "FORBIDDEN"
    at = await control.taken(ZHANG, "registerSource", text=text, basedOn=0)
    at = await control.taken(ZHANG, "checkSource", basedOn=at)
    for claims, name, code in (
        (TAX, "checkSource", "NOT_FOUND"),
        (TAX, "submitSource", "NOT_FOUND"),
        (OFFICER, "submitSource", "FORBIDDEN"),
    ):
        assert (await control.step(claims, name, basedOn=at)).get("code") == code
    at = await control.taken(ZHANG, "submitSource", basedOn=at)
    approval = await control.signed()
    done = await control.step(ZHANG, "approveSource", basedOn=at, approval=approval)
    assert done.get("code") == "FORBIDDEN"
    # whoever has both duties approves nothing of their own, whatever key they hold
    both = {**ZHANG, "duties": ["source-steward", "security-officer"]}
    done = await control.step(both, "approveSource", basedOn=at, approval=approval)
    assert "has written or submitted it" in done.get("message", "")
    assert (await control.ask(TAX, "{ sources { name } }"))["sources"] == []
    assert (await control.ask(TAX, '{ source(name: "civil") { name } }'))["source"] is None
    _, body = await control.post(TAX, '{ approvalStatement(name: "civil") { payload } }')
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert len((await control.ask(OFFICER, "{ sources { name } }"))["sources"]) == 1


@pytest.mark.asyncio
async def test_an_approval_is_of_one_thing(control: Control) -> None:
    at = await control.taken(ZHANG, "registerSource", text=control.bureau.civil(), basedOn=0)
    at = await control.taken(ZHANG, "checkSource", basedOn=at)
    at = await control.taken(ZHANG, "submitSource", basedOn=at)
    old = await control.signed()
    at = await control.taken(ZHANG, "recallSource", basedOn=at)
    text = control.bureau.civil(SALARY)
    at = await control.taken(ZHANG, "registerSource", text=text, basedOn=at)
    at = await control.taken(ZHANG, "checkSource", basedOn=at)
    at = await control.taken(ZHANG, "submitSource", basedOn=at)
    for approval in (old, await control.signed("tax"), await control.signed("zhao"), "x"):
        done = await control.step(OFFICER, "approveSource", basedOn=at, approval=approval)
        assert done.get("code") in ("REGISTRATION_INVALID", "REGISTRATION_REFUSED"), done


@pytest.mark.asyncio
async def test_of_two_who_edit_or_approve_at_once_one_is_first(control: Control) -> None:
    at = await control.taken(ZHANG, "registerSource", text=control.bureau.civil(), basedOn=0)
    texts = [control.bureau.civil(SALARY), control.bureau.civil(SALARY.replace("Int", "String"))]
    edits = [control.step(ZHANG, "registerSource", text=text, basedOn=at) for text in texts]
    done = await asyncio.gather(*edits)
    assert sorted(one["__typename"] for one in done) == ["EditConflict", "StepTaken"]
    late = next(one for one in done if one["__typename"] == "EditConflict")
    assert (late["code"], late["by"], late["act"]) == (
        "EDIT_CONFLICT", "app:console|user:zhang", "edit",
    )  # fmt: skip
    assert "+      salary:" in late["difference"]
    text = control.bureau.civil()
    at = await control.taken(ZHANG, "registerSource", text=text, basedOn=late["revision"])
    at = await control.taken(ZHANG, "checkSource", basedOn=at)
    at = await control.taken(ZHANG, "submitSource", basedOn=at)
    signatures = [await control.signed(who) for who in ("li", "wang")]
    both = [
        control.step({**OFFICER, "user": f"o{n}"}, "approveSource", basedOn=at, approval=one)
        for n, one in enumerate(signatures)
    ]
    done = await asyncio.gather(*both)
    assert sorted(one["__typename"] for one in done) == ["EditConflict", "StepTaken"]


@pytest.mark.asyncio
async def test_what_is_no_request(control: Control) -> None:
    headers = {"authorization": f"Bearer {forge.token(forge.claims(**ZHANG))}"}
    got = await control.client.post(PATH, content="{", headers=headers)
    assert got.status_code == 415
    json = {**headers, "content-type": "application/json"}
    assert (await control.client.post(PATH, content="{", headers=json)).status_code == 400
    assert (await control.client.get(PATH, headers=json)).status_code == 405
    big = b'{"query": "' + b" " * 2_000_000 + b'"}'
    assert (await control.client.post(PATH, content=big, headers=json)).status_code == 413
    deep = "{ sources { " + "published { " * 20 + "version" + " }" * 22
    many = "{ " + " ".join(f"a{n}: sources {{ name }}" for n in range(30)) + " }"
    for query in ("{ nothing }", deep, many, "{ sources { name }" + " " * 9 + "}" * 9):
        status, body = await control.post(ZHANG, query)
        assert status == 200
        assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED", body


@pytest.mark.asyncio
async def test_problems_of_a_text_come_with_their_places(control: Control) -> None:
    done = await control.step(ZHANG, "registerSource", text="hub: 1\nsource: 7\n", basedOn=0)
    assert done.get("code") == "FRAGMENT_INVALID"
    assert done["problems"][0]["where"].startswith("fragment:2:")
    assert await asked(control.hub, "name") == "GRAPHQL_VALIDATION_FAILED"


def test_the_schema_is_the_committed_one(golden: Golden) -> None:
    golden("control.graphql", control_sdl())


def test_without_registered_sources_there_is_no_control_door(
    tmp_path: Path, capsys: Captured
) -> None:
    bureau = Bureau(tmp_path, capsys)
    config = bureau.home / "hub.yaml"
    config.write_text(config.read_text().replace("enabled: true", "enabled: false"))
    assert control_door(Hub(bureau.settings), bureau.settings) is None


@pytest.mark.asyncio
async def test_a_check_under_way_keeps_nobody_from_the_door(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    check = Registrar.check

    async def slow(*given: Any, **named: Any) -> Any:
        begun.set()
        await ended.wait()
        return await check(*given, **named)

    monkeypatch.setattr(Registrar, "check", slow)
    revision = await control.taken(ZHANG, "registerSource", text=control.bureau.civil(), basedOn=0)
    first = asyncio.create_task(control.taken(ZHANG, "checkSource", basedOn=revision))
    await begun.wait()
    refused = await control.step(ZHANG, "checkSource", basedOn=revision)
    assert (refused["__typename"], refused["code"]) == ("StepRefused", "OVERLOADED")
    ended.set()
    assert await first == revision + 1

"""Releases at the control door: proposed, signed elsewhere, put in force, taken back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from click.testing import CliRunner
from joserfc.jwk import OKPKey

from hub.cli.main import cli
from hub.control.door import PATH, control_door
from hub.rollout.signature import RELEASE, Part, Purpose, read_envelope, signed
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.wiring import Hub
from tests.auth import forge
from tests.hub.rollout.office import STATED, Office, permit, sees

MORE = """\
auth:
  issuers: [{{issuer: {issuer}, audience: [hub], jwks: jwks.json}}]
  claims: {{user: [user]}}
"""
LI = {"sub": "console", "azp": "console", "duties": ["security-officer"], "user": "li"}
WANG = {**LI, "user": "wang"}
AUDITOR = {**LI, "duties": ["auditor"], "user": "shen"}
STEWARD = {**LI, "duties": ["source-steward"], "user": "zhang", "department": "civil-affairs"}
PROPOSAL = "digest name state revision envelope missing signatures { who part }"
REFUSED = "... on StepRefused { code message problems { code message where } }"
CONFLICT = "... on StepConflict { code }"
DRAFT = (
    "mutation($rules: [RulesFileInput!]!, $stated: [RulesFileInput!]!) {"
    ' prepareRelease(name: "june", bundles: $rules, assertions: $stated, tests: []) {'
    f" __typename ... on RulesStatement {{ payload typ part }} {REFUSED} }} }}"
)


class Desk:
    """Asks at the control door as somebody, and signs at home."""

    def __init__(self, office: Office, hub: Hub) -> None:
        self.office = office
        self.hub = hub
        door = control_door(hub, office.settings)
        assert door is not None
        app = create_app(hub, door_options(office.settings), further=door.routes)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://hub", timeout=120
        )

    async def post(self, claims: dict[str, Any], query: str, **variables: Any) -> Any:
        times = {"iat": time.time() - 1, "exp": time.time() + 600}
        token = forge.token(forge.claims(**claims, **times))
        got = await self.client.post(
            PATH,
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
        return got.json()

    async def ask(self, claims: dict[str, Any], query: str, **variables: Any) -> Any:
        """The one field of an answer without errors."""
        body = await self.post(claims, query, **variables)
        assert "errors" not in body, body
        return next(iter(body["data"].values()))

    async def prepare(self, *fields: str, stated: str = STATED) -> Any:
        files = [{"name": name, "text": text} for name, text in permit(*fields).items()]
        assertions = [{"name": "rules.assert.yaml", "text": stated}]
        return await self.ask(LI, DRAFT, rules=files, stated=assertions)

    def sign(
        self, payload: bytes, who: str, part: Part, typ: Purpose = RELEASE, **more: Any
    ) -> str:
        key: OKPKey = self.office.key(who)
        at = int(self.hub._clock())  # the one clock there is
        made = signed(payload, key, purpose=typ, part=part, at=at, others=more.get("others"))
        return made.text()

    async def proposed(self, *fields: str) -> Any:
        """A proposal of li's."""
        told = await self.prepare(*fields)
        assert told["__typename"] == "RulesStatement", told
        envelope = self.sign(told["payload"].encode(), "li", told["part"], told["typ"])
        done = await self.propose(LI, envelope)
        assert done["__typename"] == "ProposalStep", done
        return done["proposal"]

    async def propose(self, claims: dict[str, Any], envelope: str) -> Any:
        query = (
            "mutation($e: String!) { proposeRelease(envelope: $e) { __typename"
            f" ... on ProposalStep {{ proposal {{ {PROPOSAL} }} }} {REFUSED} {CONFLICT} }} }}"
        )
        return await self.ask(claims, query, e=envelope)

    async def countersign(self, claims: dict[str, Any], at: Any, envelope: str) -> Any:
        query = (
            "mutation($d: String!, $r: Int!, $e: String!) {"
            " countersignRelease(digest: $d, basedOn: $r, envelope: $e) { __typename"
            f" ... on ProposalStep {{ proposal {{ {PROPOSAL} }} }} {REFUSED} {CONFLICT} }} }}"
        )
        return await self.ask(claims, query, d=at["digest"], r=at["revision"], e=envelope)

    async def activate(self, claims: dict[str, Any], at: Any) -> Any:
        query = (
            "mutation($d: String!, $r: Int!) { activateRelease(digest: $d, basedOn: $r) {"
            f" __typename ... on RulesPut {{ epoch replaced }} {REFUSED} {CONFLICT} }} }}"
        )
        return await self.ask(claims, query, d=at["digest"], r=at["revision"])


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    office = Office(tmp_path)
    config = tmp_path / "hub.yaml"
    text = config.read_text() + MORE.format(issuer=forge.ISSUER)
    config.write_text(text.replace("release:\n", "release:\n  control: true\n"))
    forge.write_all(tmp_path / "jwks.json")
    hub = Hub(office.settings)
    await hub.open()
    made = Desk(office, hub)
    try:
        yield made
    finally:
        await made.client.aclose()
        await hub.close()


@pytest.mark.asyncio
async def test_a_release_from_draft_to_force_and_back(desk: Desk, tmp_path: Path) -> None:
    at = await desk.proposed("name")
    assert (at["state"], at["signatures"]) == ("OPEN", [{"who": "li", "part": "author"}])
    assert "1 of 2 officers" in at["missing"]
    early = await desk.activate(LI, at)
    assert (early["__typename"], early.get("code")) == ("StepRefused", "RELEASE_REFUSED")
    # wang signs at home, with the command line alone
    home = {"proposal.json": at["envelope"]}
    for name, held in home.items():
        (tmp_path / name).write_text(held)
    sealed = CliRunner().invoke(
        cli,
        ["policy", "seal", str(tmp_path / "proposal.json"), "--typ", RELEASE, "--part", "approver",
         "--key", str(tmp_path / "wang.pem"), "--out", str(tmp_path / "both.json")],
    )  # fmt: skip
    assert sealed.exit_code == 0, sealed.output
    done = await desk.countersign(WANG, at, (tmp_path / "both.json").read_text())
    assert done["__typename"] == "ProposalStep", done
    signed_by_both = done["proposal"]
    assert signed_by_both["missing"] is None
    late = await desk.activate(LI, at)
    assert (late["__typename"], late.get("code")) == ("StepConflict", "EDIT_CONFLICT")
    put = await desk.activate(LI, signed_by_both)
    assert put == {"__typename": "RulesPut", "epoch": 1, "replaced": []}
    await desk.hub.look()
    assert await sees(desk.hub, "name")
    shown = await desk.ask(
        AUDITOR, "{ rulesEpochs { epoch state release { name change { kind more } } } }"
    )
    assert shown[0]["state"] == "ACTIVE"
    assert shown[0]["release"]["change"]["kind"] == "LOOSENING"
    again = await desk.activate(LI, {**signed_by_both, "revision": 3})
    assert again.get("code") == "RELEASE_REFUSED"
    recorded = [one for one in desk.office.log() if getattr(one, "act", "") == "policy.activated"]
    assert recorded[-1].details["asked_by"] == "app:console|user:li"  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_going_back_by_a_signed_order(desk: Desk) -> None:
    desk.office.now = time.time() - 10
    desk.office.release(permit("name"))
    desk.office.now += 1
    desk.office.release(permit("name", "salary"))
    await desk.hub.look()
    query = (
        'mutation { prepareRollback(to: 1, reason: "salaries") {'
        f" __typename ... on RulesStatement {{ payload typ part }} {REFUSED} }} }}"
    )
    told = await desk.ask(LI, query)
    order = desk.sign(told["payload"].encode(), "li", told["part"], told["typ"])
    back = (
        "mutation($e: String!) { rollBackRules(envelope: $e) {"
        f" __typename ... on RulesPut {{ epoch }} {REFUSED} {CONFLICT} }} }}"
    )
    changed = desk.sign(told["payload"].replace("salaries", "no").encode(), "zhao", "author",
                        told["typ"])  # fmt: skip
    assert (await desk.ask(LI, back, e=changed)).get("epoch") == 3  # zhao may order it too
    late = await desk.ask(LI, back, e=order)
    assert late.get("code") == "RELEASE_REFUSED", late
    await desk.hub.look()
    assert not await sees(desk.hub, "salary")


@pytest.mark.asyncio
async def test_what_is_not_proved_or_changed_is_not_taken(desk: Desk) -> None:
    lost = await desk.prepare("name", stated=STATED.replace("[benefits, tax]", "[tax]"))
    assert (lost["__typename"], lost.get("code")) == ("StepRefused", "POLICY_NOT_PROVED")
    at = await desk.proposed("name")
    envelope = read_envelope(at["envelope"])
    twice = desk.sign(b"{}", "wang", "approver")
    other = (await desk.propose(WANG, twice)).get("code")
    assert other == "RELEASE_INVALID"
    whole = await desk.countersign(WANG, at, envelope.text())
    assert whole.get("code") == "RELEASE_REFUSED"
    reason = (
        "mutation($d: String!, $r: Int!, $w: String!) {"
        " withdrawRelease(digest: $d, basedOn: $r, reason: $w) { __typename"
        f" ... on ProposalStep {{ proposal {{ state reason }} }} {REFUSED} {CONFLICT} }} }}"
    )
    given = {"d": at["digest"], "r": at["revision"]}
    assert (await desk.ask(WANG, reason, **given, w=" ")).get("code") == "RELEASE_REFUSED"
    done = await desk.ask(WANG, reason, **given, w="superseded")
    assert done["proposal"] == {"state": "WITHDRAWN", "reason": "superseded"}
    gone = await desk.ask(WANG, reason, d=at["digest"], r=2, w="again")
    assert gone.get("code") == "RELEASE_REFUSED"
    assert await desk.ask(LI, '{ rulesProposal(digest: "no") { name } }') is None
    listed = await desk.ask(AUDITOR, "{ rulesProposals { digest state release { name } } }")
    assert [one["state"] for one in listed] == ["WITHDRAWN"]


@pytest.mark.asyncio
async def test_rules_are_for_officers(desk: Desk) -> None:
    body = await desk.post(STEWARD, "{ rulesEpochs { epoch } }")
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "data" not in body
    step = 'mutation { prepareRollback(to: 1, reason: "r") { __typename ' + REFUSED + " } }"
    assert (await desk.ask(AUDITOR, step)).get("code") == "FORBIDDEN"
    for name in ("proposeRelease", "rollBackRules"):
        step = f'mutation {{ {name}(envelope: "{{}}") {{ __typename {REFUSED} }} }}'
        assert (await desk.ask(AUDITOR, step)).get("code") == "FORBIDDEN"
    given = 'digest: "d", basedOn: 1'
    for call in (
        f'withdrawRelease({given}, reason: "r")',
        f"activateRelease({given})",
        f'countersignRelease({given}, envelope: "e")',
    ):
        answer = await desk.ask(AUDITOR, f"mutation {{ {call} {{ __typename {REFUSED} }} }}")
        assert answer["code"] == "FORBIDDEN"

"""A share that is revoked under load is gone on four workers within seconds."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.control.door import PATH
from tests.auth import forge
from tests.hub.cli.test_serve import serving
from tests.hub.serve.live import free_port
from tests.hub.sharing.agency import ASKS, CONFIG, FRAGMENT, OWNS, READER, lay_out

CLIENTS = 24
PROMISED_S = 5.0
TODAY = dt.datetime.now(dt.UTC).date()
PLAIN = {"clearance": {"plain": "restricted"}}
ARREARS = {**READER, **PLAIN, "purposes": ["administration"]}
TERMS = {
    "purpose": "administration", "fields": {"Person.salary": "allow"}, "modes": ["read"],
    "from": TODAY.isoformat(), "expires": (TODAY + dt.timedelta(days=90)).isoformat(),
}  # fmt: skip
REQUEST = {
    "app": "arrears", "department": "tax", "legalBasis": "law", "dutyItem": "audit",
    "scenario": "incomes", "terms": TERMS,
}  # fmt: skip


def headers(claims: dict[str, Any]) -> dict[str, str]:
    now = time.time()
    said = {"user": None, **claims, **PLAIN, "iat": now - 1, "exp": now + 600}
    return {"authorization": f"Bearer {forge.token(forge.claims(**said))}"}


async def control(base: str, claims: dict[str, Any], call: str, **variables: Any) -> Any:
    declared = "($request: ShareRequestInput!)" if "request" in variables else ""
    query = (
        f"mutation{declared} {{ {call} {{ __typename ... on StepRefused {{ message }} "
        "... on ShareTaken { request { id revision parts { grant } } } } }"
    ).replace("... on ShareTaken", "... on GrantTaken" if "Grant(" in call else "... on ShareTaken")
    if "Grant(" in call:
        query = query.replace("{ request { id revision parts { grant } } }", "{ grant { state } }")
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        body = {"query": query, "variables": variables}
        got = (await client.post(PATH, json=body, headers=headers(claims))).json()
    assert "errors" not in got, got
    return next(iter(got["data"].values()))


class Load:
    """Clients that ask and ask, each over a connection of its own, and when each was last shown."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.shown = [0.0] * CLIENTS
        self.asked = 0
        self.stop = False

    async def client(self, number: int) -> None:
        query = {"query": "{ persons(first: 1) { nodes { salary } } }"}
        said = {**headers(ARREARS), "hub-purpose": "administration"}
        async with httpx.AsyncClient(base_url=self.base, timeout=60) as client:
            while not self.stop:
                told = (await client.post("/graphql", json=query, headers=said)).json()
                self.asked += 1
                if told.get("data", {}).get("persons", {}).get("nodes"):
                    self.shown[number] = time.monotonic()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_four_workers_under_load(tmp_path: Path) -> None:
    lay_out(tmp_path)
    fragment = FRAGMENT.format(db=tmp_path / "civil.sqlite").replace("label: G2", "label: internal")
    (tmp_path / "civil.yaml").write_text(fragment, encoding="utf-8")
    config = CONFIG.format(issuer=forge.ISSUER).replace("packs: [cn]\n", "")
    config = config.replace("listen: {reload_poll_s: 0}", "listen: {reload_poll_s: 0, workers: 4}")
    (tmp_path / "hub.yaml").write_text(config)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with serving(tmp_path, port):
        at = await control(base, ASKS, "writeShareRequest(request: $request)", request=REQUEST)
        ident = at["request"]["id"]
        await control(base, ASKS, f'submitShareRequest(id: "{ident}", basedOn: 1)')
        at = await control(base, OWNS, f'agreeToShare(id: "{ident}", part: 0, basedOn: 2)')
        grant = at["request"]["parts"][0]["grant"]
        load = Load(base)
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(load.client(number))
            async with asyncio.timeout(60):
                while not all(load.shown):  # noqa: ASYNC110  # what other processes do
                    await asyncio.sleep(0.1)
            await control(base, OWNS, f'revokeGrant(grant: "{grant}", reason: "too much")')
            revoked = time.monotonic()
            await asyncio.sleep(PROMISED_S + 3)
            load.stop = True
        late = max(load.shown) - revoked
        print(f"last shown {late:.2f} s after the revocation; {load.asked} answers")  # noqa: T201
        assert late < PROMISED_S

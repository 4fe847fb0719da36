"""A hub with real rules and real tokens behind the door, over the small world's sources."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import structs

from auth.identify import Identifier
from auth.token import TokenVerifier
from hub.query.answer import Pipeline
from hub.serve.app import create_app
from hub.serve.options import DoorOptions
from hub.settings.declared import Zone
from policies.engine import Engine
from policies.packs import load
from policies.syntax import read_bundle
from tests.auth import forge
from tests.hub.query.small import CATALOGUE, Small
from tests.hub.serve.fakes import FakeHub

PACKS = structs.replace(load(["plain"]), scheme=CATALOGUE.scheme)
ZONES = (
    Zone(name="gov_extranet", networks=("10.0.0.0/8", "2001:db8::/32")),
    Zone(name="dmz", networks=("10.9.0.0/16",)),
    Zone(name="internet", networks=("0.0.0.0/0",)),
)
PROXIES = ("192.0.2.0/28", "10.9.9.9/32")
DIRECT, PROXY = "10.1.2.3", "192.0.2.1"
TEXT = "{ persons(first: 1) { nodes { name } } }"
ANN = {"persons": {"nodes": [{"name": "Ann"}]}}


def ruled_engine(rules: str) -> Engine:
    """An engine over the small catalogue."""
    bundle = read_bundle(rules, "rules.yaml")
    return Engine(CATALOGUE, [bundle], PACKS, epoch=1, ceiling={"l": "high"})


class RuledHub(FakeHub):
    """Everything behind the door but the sources is real."""

    pipeline: Pipeline  # type: ignore[assignment]
    identifier: Identifier  # type: ignore[assignment]

    def __init__(self, keys: Path, rules: str) -> None:
        super().__init__()
        forge.write_all(keys)
        self.small = Small(ruled_engine(rules))  # type: ignore[arg-type]
        self.pipeline = self.small.pipeline
        verifier = TokenVerifier([forge.declared(keys)], clock=lambda: forge.NOW)
        self.identifier = Identifier(tokens=verifier, clock=lambda: forge.NOW)


class RuledCaller:
    """Asks from an address of its choice."""

    def __init__(self, hub: RuledHub, options: DoorOptions) -> None:
        self.hub = hub
        self.app = create_app(hub, options)
        self.tokens: dict[str | None, str] = {}

    async def ask(
        self,
        text: str = TEXT,
        *,
        peer: str = DIRECT,
        acr: str | None = None,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        **body: Any,
    ) -> Any:
        """The code of a refusal, else the data."""
        more = {} if acr is None else {"acr": acr}
        held = forge.claims(clearance={"l": "low"}, **more)
        token = self.tokens.setdefault(acr, forge.token(held))
        transport = httpx.ASGITransport(app=self.app, client=(peer, 1234))
        given = headers.items() if isinstance(headers, dict) else headers or ()
        all_headers = [("authorization", f"Bearer {token}"), *given]
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            got = await client.post("/graphql", json={"query": text, **body}, headers=all_headers)
        told = got.json()
        if "data" in told:
            return told["data"]
        return told["errors"][0]["extensions"]["code"]


@asynccontextmanager
async def ruled(folder: Path, rules: str, **options: Any) -> AsyncIterator[RuledCaller]:
    """A caller of a hub with these rules."""
    wanted = {"zones": ZONES, "trusted_proxies": PROXIES, **options}
    yield RuledCaller(RuledHub(folder / "jwks.json", rules), DoorOptions(**wanted))

"""A hub with a directory: two departments, an application, a person, and whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from hub.directory.apart import separated
from hub.directory.entry import App, Department, Entry, Person
from hub.directory.keeping import Directory
from hub.rollout.act import Acts
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.store.engine import migrate, open_engine
from hub.wiring import Hub
from schema.model.subject import Subject
from tests.auth import forge
from tests.hub.registration.bureau import Bureau, Captured

DAY = 86_400.0
MORE = """\
auth:
  issuers: [{{issuer: {issuer}, audience: [hub], jwks: jwks.json}}]
  claims: {{user: [user]}}
directory: {{enabled: true, freshness_days: 30{more}}}
"""
CITY = Department(id="city", kind="government", tier="city", region="3301")
CIVIL = Department(id="civil", parent="city", kind="government", tier="county", region="330106")
DESK = App(
    id="desk",
    department="civil",
    purposes=frozenset({"relief", "census"}),
    duties=frozenset({"reporter"}),
    acting_for=frozenset({"city"}),
)
ZHANG = Person(id="zhang", department="civil", duties=frozenset({"source-steward", "clerk"}))
PEOPLE: tuple[Entry, ...] = (CITY, CIVIL, DESK, ZHANG)
ASKS = {"azp": "desk", "user": "zhang", "purposes": ["relief"], "duties": ["clerk"]}


class Clock:
    def __init__(self) -> None:
        self.now = forge.NOW

    def __call__(self) -> float:
        return self.now


class Ministry:
    """Its configuration, its clock and its directory."""

    def __init__(self, home: Path, captured: Captured, more: str = "") -> None:
        forge.write_all(home / "jwks.json")
        self.bureau = Bureau(home, captured, more=MORE.format(issuer=forge.ISSUER, more=more))
        self.clock = Clock()
        settings = self.bureau.settings
        self.engine = open_engine(settings.state.database_url)
        migrate(self.engine)
        acts = Acts(self.engine, settings, self.clock)
        self.directory = Directory(self.engine, separated(settings), acts, clock=self.clock)

    def keep(self, *entries: Entry) -> None:
        """Have entries in the directory."""
        for entry in entries or PEOPLE:
            self.directory.set(entry, by="wu")

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Hub]:
        """One worker's hub."""
        hub = Hub(self.bureau.settings, clock=self.clock)
        await hub.open()
        try:
            yield hub
        finally:
            await hub.close()

    def token(self, **changes: Any) -> str:
        """A fresh token, of Zhang at the desk unless changed."""
        now = self.clock.now
        times = {"iat": now - 10, "exp": now + 600}
        return forge.token(forge.claims(**{**times, **ASKS, **changes}))

    async def subject(self, hub: Hub, **changes: Any) -> Subject:
        """Who such a token is of."""
        return await hub.identifier.identify("bearer", self.token(**changes))

    async def status(self, hub: Hub, text: str) -> int:
        """What the GraphQL door says to a token."""
        app = create_app(hub, door_options(self.bureau.settings))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            headers = {"authorization": f"Bearer {text}"}
            got = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        return got.status_code

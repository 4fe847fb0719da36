"""A hub where people log in with browsers, and a browser as far as a client of HTTP can be one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from hub.control.door import PATH, control_door
from hub.login.routes import identity_routes
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.wiring import Hub
from tests.auth import forge
from tests.hub.login.providing import CLIENT, SECRET, Provider
from tests.hub.registration.bureau import Bureau, Captured

HUB = "https://hub.example"
SAME = {"sec-fetch-site": "same-origin", "origin": HUB}
LOGIN = """\
auth:
  login:
    url: {hub}
    acr_s: {{card: 300}}
    providers:
      - name: city
        issuer: "{issuer}"
        client_id: {client}
        prefix: "{prefix}"
        client_secret: "${{file:client.secret}}"
        claims: {{app: [], user: [sub], duties: [duties]}}
{further}
"""


class Clock:
    """The hub's time."""

    def __init__(self) -> None:
        self.now = forge.NOW

    def __call__(self) -> float:
        return self.now


class Desk:
    """A hub, its provider and one browser."""

    def __init__(self, hub: Hub, provider: Provider, clock: Clock) -> None:
        self.hub = hub
        self.provider = provider
        self.clock = clock
        door = control_door(hub, hub.settings)
        further = (*(() if door is None else door.routes), *identity_routes(hub, hub.settings))
        self.app = create_app(hub, door_options(hub.settings), further=further)
        self.client = self.browser()

    def browser(self) -> httpx.AsyncClient:
        """A browser without any cookie."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=HUB)

    async def begin(self, **asked: str) -> dict[str, str]:
        """Begin to log in: what the provider is asked."""
        got = await self.client.get("/auth/login", params=asked)
        assert got.status_code == 303, got.text
        return dict(parse_qsl(urlsplit(got.headers["location"]).query))

    async def back(self, asked: Mapping[str, str], **claims: Any) -> httpx.Response:
        """Come back from the provider as somebody."""
        code = self.provider.grant(asked, **claims)
        return await self.land(code=code, state=asked["state"])

    async def land(self, **params: str) -> httpx.Response:
        """Come back with these parameters."""
        return await self.client.get("/auth/callback", params=params)

    async def log_in(self, **claims: Any) -> str:
        """Log in; the id of the session."""
        got = await self.back(await self.begin(), **claims)
        assert got.status_code == 303, got.text
        return self.client.cookies["__Host-hub_session"]

    async def session(self) -> dict[str, Any]:
        """What the hub says of the session."""
        told: dict[str, Any] = (await self.client.get("/auth/session", headers=SAME)).json()
        return told

    async def own(self) -> dict[str, str]:
        """What a page of the hub sends."""
        return {**SAME, "hub-csrf": (await self.session())["csrf"]}

    async def ask(self, headers: Mapping[str, str], path: str = "/graphql") -> httpx.Response:
        """Ask something as a browser does, with the session's cookie."""
        query = "{ __typename }" if path == "/graphql" else "{ sources { name } }"
        return await self.client.post(path, json={"query": query}, headers=dict(headers))


@asynccontextmanager
async def desk(
    home: Path, captured: Captured, provider: Provider, *, further: str = ""
) -> AsyncIterator[Desk]:
    """A hub that is open."""
    (home / "client.secret").write_text(f"{SECRET}\n")
    more = LOGIN.format(
        hub=HUB,
        issuer=provider.url,
        client=CLIENT,
        further=further,
        prefix="city:" if further else "",
    )
    bureau, clock = Bureau(home, captured, more=more), Clock()
    hub = Hub(bureau.settings, clock=clock)
    await hub.open()
    made = Desk(hub, provider, clock)
    try:
        yield made
    finally:
        await made.client.aclose()
        await hub.close()


CONTROL = PATH

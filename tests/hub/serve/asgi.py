"""Calls the application without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from hub.serve.app import create_app
from hub.serve.media import GRAPHQL
from hub.serve.options import DoorOptions
from tests.hub.serve.fakes import AUTHORIZATION, FakeHub


class Caller:
    """A client of one application."""

    def __init__(self, client: httpx.AsyncClient, hub: FakeHub) -> None:
        self.client = client
        self.hub = hub

    async def post(
        self, body: Any = None, *, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """A POST with a good token; `accept_="…"` and the like set headers, "" drops one."""
        wanted = {"content-type": "application/json", "accept": GRAPHQL, **AUTHORIZATION}
        wanted = {name.lower(): value for name, value in wanted.items()}
        wanted |= {name.strip("_").replace("_", "-"): value for name, value in headers.items()}
        data = content if content is not None else httpx.Request("POST", "x:", json=body).content
        kept = {name: value for name, value in wanted.items() if value}
        return await self.client.post("/graphql", content=data, headers=kept)

    async def query(self, text: str, **headers: str) -> httpx.Response:
        """A POST of one text."""
        return await self.post({"query": text}, **headers)

    async def get(self, params: dict[str, str], **headers: str) -> httpx.Response:
        """A GET with a good token and the preflight header."""
        wanted = {"graphql-require-preflight": "1", "accept": GRAPHQL}
        wanted |= {name.lower(): value for name, value in AUTHORIZATION.items()}
        wanted |= {name.strip("_").replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in wanted.items() if value}
        return await self.client.get("/graphql", params=params, headers=kept)


@asynccontextmanager
async def calling(
    *, manifests: tuple[Path, ...] = (), hub: FakeHub | None = None, **options: Any
) -> AsyncIterator[Caller]:
    """A caller of a fresh application with these options."""
    hub = hub or FakeHub()
    app = create_app(hub, DoorOptions(**options), manifests=manifests)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield Caller(client, hub)


def code_of(response: httpx.Response) -> str:
    """The code of the only error; the response must be a request error."""
    body = response.json()
    assert "data" not in body
    assert len(body["errors"]) == 1
    assert isinstance(body["errors"][0]["message"], str)
    code: str = body["errors"][0]["extensions"]["code"]
    return code

"""The baseline of the benchmarks: plain Strawberry, as the installed release calls it."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bench import plain


@pytest.mark.asyncio
async def test_plain_strawberry_answers() -> None:
    app = Starlette(routes=[Route("/graphql", plain.View(plain.schema), methods=["POST"])])
    served = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=served, base_url="http://bench") as client:
        answer = await client.post("/graphql", json={"query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}

"""One request to one subgraph: JSON there, JSON back, bounded in time and size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import httpx
import orjson

TIMEOUT_S = 30.0
MAX_BYTES = 64_000_000
_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, application/graphql-response+json;q=0.9",
}


class Unanswered(Exception):
    """The subgraph gave no GraphQL answer; the text is for the client."""


class Transport(Protocol):
    """Carries requests to subgraphs."""

    async def post(self, url: str, body: bytes) -> Mapping[str, Any]:
        """The response's JSON object; raises `Unanswered`."""


class HttpTransport:
    """Over HTTP/1.1, connections kept open; no proxy, no redirect, no cookie."""

    def __init__(self, timeout_s: float = TIMEOUT_S, connections: int = 100) -> None:
        self._client = httpx.AsyncClient(
            headers=_HEADERS,
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections),
        )

    async def post(self, url: str, body: bytes) -> Mapping[str, Any]:
        """Ask; a body of JSON counts whatever the status is."""
        try:
            async with self._client.stream("POST", url, content=body) as response:
                read = bytearray()
                async for piece in response.aiter_bytes():
                    read += piece
                    if len(read) > MAX_BYTES:
                        raise Unanswered("the subgraph's answer is too large")
        except httpx.TimeoutException:
            raise Unanswered("the subgraph was too slow") from None
        except httpx.HTTPError:
            raise Unanswered("the subgraph cannot be reached") from None
        try:
            answer = orjson.loads(read)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise Unanswered(f"the subgraph sent no GraphQL answer (HTTP {response.status_code})")
        return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

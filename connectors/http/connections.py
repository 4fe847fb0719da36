"""Connections to one service that interrupted requests cannot use up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

MOST_INTERRUPTED = 100


class _Held:
    __slots__ = ("client", "interrupted", "under_way")

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.interrupted = 0
        self.under_way = 0


class Connections:
    """Streams of one client, which is made anew once many requests were interrupted.

    A request that is cancelled just as it gets a new connection leaves that place in httpcore's
    pool taken for good. So the pool must have no limit of its own (whoever asks bounds what is in
    flight), and what was left in it goes with the client.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._held = _Held(make())

    @asynccontextmanager
    async def send(
        self, url: httpx.URL, timeout_s: float, content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The response to a GET, or to a POST of JSON; its body is not read yet.

        Raises: what httpx raises.
        """
        method = "GET" if content is None else "POST"
        headers = {} if content is None else {"Content-Type": "application/json"}
        held = self._held
        held.under_way += 1
        try:
            async with held.client.stream(
                method, url, timeout=timeout_s, content=content, headers=headers
            ) as response:
                yield response
        except (asyncio.CancelledError, httpx.TimeoutException):
            held.interrupted += 1
            raise
        finally:
            held.under_way -= 1
            if held is self._held and held.interrupted >= MOST_INTERRUPTED:
                self._held = _Held(self._make())
            if held is not self._held and not held.under_way:
                await held.client.aclose()

    async def close(self) -> None:
        """Close the connections."""
        await self._held.client.aclose()

"""Connections to one service that interrupted requests cannot use up, and one request over them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import DefaultCookiePolicy

import httpx
import msgspec
import structlog

from connectors.http.body import read_bounded
from connectors.http.status import BROKEN, NOTHING, too_slow

log = structlog.get_logger("connectors.http")

MOST_INTERRUPTED = 100
_SHORT = 65_536


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """One request: a GET, or a POST of `content`."""

    url: httpx.URL
    headers: Mapping[str, str] = {}
    content: bytes | None = None
    faults: bool = False
    """Whether the body of a 500 is wanted: SOAP says there what failed."""
    heard: frozenset[int] = frozenset()
    """Further statuses whose bodies are wanted."""

    def __repr__(self) -> str:
        return "Sending()"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: the body of a success, or of a fault that is wanted."""

    status: int
    headers: httpx.Headers
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Said({self.status})"


def client_of(
    headers: Mapping[str, str],
    auth: httpx.BasicAuth | None,
    tls: ssl.SSLContext | None,
    in_flight: int,
) -> httpx.AsyncClient:
    """A client that follows no redirect, keeps no cookie and does not heed the environment."""
    client = httpx.AsyncClient(
        headers={**headers, "Accept-Encoding": "gzip"},
        auth=auth,
        verify=True if tls is None else tls,
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=in_flight),
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


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

    def __init__(self, source: str, make: Callable[[], httpx.AsyncClient]) -> None:
        self._source = source
        self._make = make
        self._held = _Held(make())

    async def once(self, sending: Sending, left: float) -> Said:
        """What a service said within `left` seconds; `BROKEN` for a connection that broke.

        Raises: ``SOURCE_TIMEOUT``; ``SOURCE_BAD_DATA`` for a body beyond the bounds.
        """
        try:
            async with asyncio.timeout(left), self._send(sending, left) as response:
                status, headers = response.status_code, response.headers
                wanted = 200 <= status < 300 or (status == 500 and sending.faults)
                wanted = wanted or status in sending.heard
                if not wanted or status in NOTHING:
                    await _drained(response)
                    return Said(status=status, headers=headers)
                body = await read_bounded(headers, response.aiter_raw())
                return Said(status=status, headers=headers, body=body)
        except (TimeoutError, httpx.TimeoutException):
            raise too_slow() from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            log.warning("http.failed", source=self._source, kind=type(error).__name__)
            return Said(status=BROKEN, headers=httpx.Headers())

    @asynccontextmanager
    async def _send(self, sending: Sending, timeout_s: float) -> AsyncIterator[httpx.Response]:
        """The response, its body not read yet; raises what httpx raises."""
        held = self._held
        held.under_way += 1
        try:
            async with held.client.stream(
                "GET" if sending.content is None else "POST",
                sending.url,
                timeout=timeout_s,
                content=sending.content,
                headers=dict(sending.headers),
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


async def _drained(response: httpx.Response) -> None:
    """Read a short body that nobody wants, so that the connection can be used again."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > _SHORT:
            return

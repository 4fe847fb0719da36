"""HTTP to one service: authentication, bounds, second tries, errors without the service's text."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx
import msgspec
import structlog

from connectors.http.body import decoded, read_bounded
from connectors.http.connections import Connections
from connectors.http.credentials import Credentials
from connectors.kit.limit import InFlight
from schema.errors import HubError, SourceError

log = structlog.get_logger("connectors.http")

TRIES = 2
"""Of one page; the Hub tries a whole fetch again."""
LONGEST_S = 30.0
"""Of one request that has no deadline."""
LONGEST_PAUSE_S = 5.0
NOTHING = frozenset({204, 404, 410})
AGAIN = frozenset({408, 429, 502, 503, 504})
_BROKEN = 599
_SHORT = 65_536
_PORTS = {"http": 80, "https": 443}
Query = Sequence[tuple[str, str]]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a service said: `body` is null where there is nothing."""

    status: int
    body: Any
    headers: httpx.Headers
    url: str
    size: int

    @property
    def found(self) -> bool:
        """Whether there is a body."""
        return self.status not in NOTHING


class Client:
    """Reads JSON from one service; never asks another host, never keeps a cookie."""

    def __init__(
        self,
        source: str,
        base: str,
        shown: Credentials,
        *,
        in_flight: int,
        headers: Mapping[str, str] = {"Accept": "application/json"},
        called: str = "connect.base",
    ) -> None:
        self._source = source
        self._credentials = shown
        self._headers = dict(headers)
        self._called = called
        self.place(base)
        self._room = InFlight(in_flight)
        self._limits = httpx.Limits(max_connections=None, max_keepalive_connections=in_flight)
        self._connections = Connections(self._made)

    def _made(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            headers={
                **self._headers,
                "Accept-Encoding": "gzip",
                **self._credentials.headers,
            },
            auth=self._credentials.basic,
            follow_redirects=False,
            trust_env=False,
            limits=self._limits,
        )
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return client

    def place(self, base: str) -> None:
        """Ask below this address; empty: nowhere. Raises ``CONFIG_INVALID``."""
        self.base = base.rstrip("/")
        try:
            parts = urlsplit(self.base)
            valid = not base or (parts.hostname and not parts.query and not parts.fragment)
            if (base and _origin(parts)[0] not in _PORTS) or not valid:
                raise ValueError
            httpx.URL(self.base)
        except (ValueError, httpx.InvalidURL):
            raise HubError(
                "CONFIG_INVALID", f"`{self._called}` is not an address", where=self._source,
                hint="it begins with http:// or https:// and has no query",
            ) from None  # fmt: skip

    async def get(self, path: str, query: Query, deadline: float) -> Answer:
        """Ask below the base, `path` already quoted; raises `SourceError`."""
        return await self.follow(self.base + path, query, deadline)

    def linked(self, at: str, link: str) -> str:
        """A link as an address; our own parameters take the place of those in it.

        Raises: ``SOURCE_BAD_DATA`` for a link to another host.
        """
        try:
            parts = urlsplit(urljoin(at, link))
            url = httpx.URL(parts._replace(fragment="").geturl())
        except (ValueError, httpx.InvalidURL):
            raise SourceError("SOURCE_BAD_DATA", "the source sent a broken link") from None
        self._stays(str(url))
        return str(url)

    def _stays(self, url: str) -> None:
        try:
            same = _origin(urlsplit(url)) == _origin(urlsplit(self.base))
        except ValueError:
            same = False
        if not same or not self.base:
            raise SourceError("SOURCE_BAD_DATA", "the source points to another host")

    async def post(self, content: bytes, deadline: float) -> Answer:
        """Send JSON to the base: a question that may be asked again; raises `SourceError`."""
        return await self.follow(self.base, (), deadline, content)

    async def follow(
        self, url: str, query: Query, deadline: float, content: bytes | None = None
    ) -> Answer:
        """Ask an address of the service; raises `SourceError`."""
        self._stays(url)
        try:
            whole = httpx.URL(url)
            params = (*query, *self._credentials.params)
            if params:
                whole = whole.copy_merge_params(httpx.QueryParams(params))
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise SourceError("SOURCE_BAD_DATA", "the source cannot be asked for this") from None
        async with self._room.hold(deadline):
            return await self._steadily(whole, url, deadline, content)

    async def _steadily(
        self, whole: httpx.URL, url: str, deadline: float, content: bytes | None
    ) -> Answer:
        tried = 0
        while True:
            tried += 1
            left = min(LONGEST_S, deadline - time.monotonic())
            if left <= 0:
                raise _slow()
            status, headers, body = await self._once(whole, left, content)
            if status in NOTHING:
                return Answer(status=status, body=None, headers=headers, url=url, size=0)
            if 200 <= status < 300:
                return Answer(
                    status=status,
                    body=decoded(headers, body),
                    headers=headers,
                    url=url,
                    size=len(body),
                )
            wait = _pause(headers) if status in AGAIN or status == _BROKEN else None
            if tried >= TRIES or wait is None or time.monotonic() + wait >= deadline:
                if status != _BROKEN:
                    log.warning("http.refused", source=self._source, status=status)
                raise refusal(status)
            await asyncio.sleep(wait)

    async def _once(
        self, url: httpx.URL, left: float, content: bytes | None
    ) -> tuple[int, httpx.Headers, bytes]:
        """(status, headers, body); `_BROKEN` for a connection that broke."""
        try:
            async with (
                asyncio.timeout(left),
                self._connections.send(url, left, content) as response,
            ):
                if not 200 <= response.status_code < 300 or response.status_code in NOTHING:
                    await _drained(response)
                    return response.status_code, response.headers, b""
                body = await read_bounded(response.headers, response.aiter_raw())
                return response.status_code, response.headers, body
        except (TimeoutError, httpx.TimeoutException):
            raise _slow() from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            log.warning("http.failed", source=self._source, kind=type(error).__name__)
            return _BROKEN, httpx.Headers(), b""

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()


async def _drained(response: httpx.Response) -> None:
    """Read a short body that nobody wants, so that the connection can be used again."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > _SHORT:
            return


def refusal(status: int) -> SourceError:
    """The error for a status that is none of success."""
    match status:
        case 429:
            return SourceError("SOURCE_BUSY", "the source asks for fewer requests")
        case 401 | 403:
            return SourceError(
                "SOURCE_UNAVAILABLE", "the source refused the hub's credentials",
                hint="compare `connect.auth` with what the service wants",
            )  # fmt: skip
        case _ if 300 <= status < 400:
            return SourceError(
                "SOURCE_BAD_DATA", "the source points elsewhere", hint="redirects are not followed"
            )
        case 204 | 404 | 410:
            return SourceError("SOURCE_BAD_DATA", "the source does not have what is declared")
        case 408:
            return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")
        case _ if 400 <= status < 500:
            return SourceError("SOURCE_BAD_DATA", "the source refused the request")
        case _:
            return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


def _slow() -> SourceError:
    return SourceError("SOURCE_TIMEOUT", "the source was too slow")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """What has to be equal so that credentials may be sent; raises ``ValueError``."""
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)


def _pause(headers: httpx.Headers) -> float | None:
    """Seconds until the next try; ``None`` when the service wants longer than is worth it."""
    told = headers.get("retry-after", "").strip()
    if not told:
        return float(0.1 * (0.5 + random.random()))  # noqa: S311 - spreads tries
    if told.isascii() and told.isdigit():
        wait = float(told[:9])
    else:
        try:
            until = parsedate_to_datetime(told)
        except ValueError:
            return None
        until = until if until.tzinfo is not None else until.replace(tzinfo=dt.UTC)
        wait = max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())
    return wait if wait <= LONGEST_PAUSE_S else None

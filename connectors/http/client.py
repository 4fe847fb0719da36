"""HTTP to one service: authentication, bounds, second tries, errors without the service's text."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx
import msgspec
import structlog

from connectors.http.body import decoded
from connectors.http.connections import Connections, Said, Sending, client_of
from connectors.http.credentials import Credentials
from connectors.http.kept import Kept, Whose
from connectors.http.status import BROKEN, NOTHING, pause, refusal, too_slow
from connectors.http.token import Tokens
from connectors.kit.limit import InFlight
from schema.errors import HubError, SourceError

log = structlog.get_logger("connectors.http")

TRIES = 2
"""Of one page; the Hub tries a whole fetch again, so that more would add up."""
LONGEST_S = 30.0
"""Of one request that has no deadline."""
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
    """Reads from one service; never asks another host, never keeps a cookie."""

    def __init__(
        self,
        source: str,
        base: str,
        shown: Credentials,
        *,
        in_flight: int,
        headers: Mapping[str, str] = {"Accept": "application/json"},
        called: str = "connect.base",
        tls: ssl.SSLContext | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._source = source
        self._credentials = shown
        self._called = called
        self._tls = tls
        self._kept = kept
        self.place(base)
        self._room = InFlight(in_flight)
        told = {**headers, **shown.headers}
        self._connections = Connections(
            source, lambda: client_of(told, shown.basic, tls, in_flight)
        )
        self._tokens = None if shown.oauth2 is None else Tokens(source, shown.oauth2, tls)

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
        if base and self._tls is not None and parts.scheme.lower() != "https":
            raise HubError(
                "CONFIG_INVALID", "`connect.tls` is for an address with https://",
                where=self._source, hint="without TLS nothing of it would be used",
            )  # fmt: skip

    async def get(self, path: str, query: Query, deadline: float, caller: str = "") -> Answer:
        """Ask below the base, `path` already quoted; raises `SourceError`."""
        return await self.follow(self.base + path, query, deadline, caller=caller)

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
        self,
        url: str,
        query: Query,
        deadline: float,
        content: bytes | None = None,
        *,
        caller: str = "",
    ) -> Answer:
        """Ask an address of the service; raises `SourceError`.

        What is kept to be asked after is kept for `caller`; for nobody, nothing is.
        """
        headers = {} if content is None else {"Content-Type": "application/json"}
        sending = Sending(url=self._whole(url, query), headers=headers, content=content)
        async with self._room.hold(deadline):
            said = await self._steadily(sending, deadline, TRIES, caller)
        if said.status in NOTHING:
            return Answer(status=said.status, body=None, headers=said.headers, url=url, size=0)
        body = decoded(said.headers, said.body)
        return Answer(
            status=said.status, body=body, headers=said.headers, url=url, size=len(said.body)
        )

    async def read(self, url: str, deadline: float) -> Said:
        """What lies at an address of the service, as bytes; raises `SourceError`."""
        async with self._room.hold(deadline):
            return await self._steadily(Sending(url=self._whole(url, ())), deadline, TRIES, "")

    async def exchange(
        self,
        url: str,
        headers: Mapping[str, str],
        content: bytes,
        deadline: float,
        *,
        heard: frozenset[int] = frozenset(),
    ) -> Said:
        """Send a message once: a success, a 500 or a status of `heard`, each with its body.

        Raises: `SourceError`.
        """
        sending = Sending(
            url=self._whole(url, ()), headers=headers, content=content, faults=True, heard=heard
        )
        async with self._room.hold(deadline):
            return await self._steadily(sending, deadline, 1, "")

    def _whole(self, url: str, query: Query) -> httpx.URL:
        self._stays(url)
        try:
            whole = httpx.URL(url)
            params = (*query, *self._credentials.params)
            return whole.copy_merge_params(httpx.QueryParams(params)) if params else whole
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise SourceError("SOURCE_BAD_DATA", "the source cannot be asked for this") from None

    async def _steadily(self, sending: Sending, deadline: float, tries: int, caller: str) -> Said:
        tried, stale = 0, ""
        while True:
            shown = await self._tokens.current(deadline, stale) if self._tokens is not None else ""
            left = min(LONGEST_S, deadline - time.monotonic())
            if left <= 0:
                raise too_slow()
            said = await self._asked(sending, shown, left, caller)
            if said.status == 401 and shown and not stale:
                stale = shown  # ended early, or withdrawn: one new token and one repeat
                continue
            tried += 1
            fault = (said.status == 500 and sending.faults) or said.status in sending.heard
            if said.status in NOTHING or 200 <= said.status < 300 or fault:
                return said
            wait = pause(said.status, said.headers, safe=sending.content is None)
            if tried >= tries or wait is None or time.monotonic() + wait >= deadline:
                if said.status != BROKEN:
                    log.warning("http.refused", source=self._source, status=said.status)
                raise refusal(said.status)
            await asyncio.sleep(wait)

    async def _asked(self, sending: Sending, shown: str, left: float, caller: str) -> Said:
        """One try; a body that the service says is still good is the one that was kept."""
        headers = dict(sending.headers)
        if shown:
            headers["Authorization"] = f"Bearer {shown}"
        kept = self._kept if caller and sending.content is None else None
        if kept is None:
            return await self._connections.once(
                msgspec.structs.replace(sending, headers=headers), left
            )
        whose = Whose(caller, shown, str(sending.url))
        before = kept.find(whose)
        if before is not None:
            headers["If-None-Match"] = before.headers["etag"]
        said = await self._connections.once(msgspec.structs.replace(sending, headers=headers), left)
        if said.status == 304 and before is not None:
            return before
        kept.keep(whose, said)
        return said

    async def close(self) -> None:
        """Close the connections; nothing is kept."""
        if self._kept is not None:
            self._kept.clear()
        if self._tokens is not None:
            await self._tokens.close()
        await self._connections.close()


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """What has to be equal so that credentials may be sent; raises ``ValueError``."""
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)

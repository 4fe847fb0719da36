"""OAuth 2.0 client credentials (RFC 6749, 4.4): one token for all requests until it ends."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import msgspec

from connectors.http.body import decoded
from connectors.http.connections import Connections, Said, Sending, client_of
from connectors.http.status import refusal, too_slow
from schema.errors import SourceError

LONGEST_S = 10.0
"""Of one request for a token."""
UNSAID_S = 60.0
"""How long a token is used whose server does not say how long it lasts."""
EARLY_S = 30.0
"""A token is given up so long before its end, or at nine tenths of a short life."""
_TOKEN = re.compile(r"[!-~]{1,16384}\Z")


class OAuth2(msgspec.Struct, frozen=True, kw_only=True):
    """What ``connect.auth.oauth2`` says, secrets put in."""

    url: httpx.URL
    client: str
    secret: str
    told: tuple[tuple[str, str], ...] = ()
    """Further fields of the request: scope, audience, resource."""
    in_body: bool = False

    def __repr__(self) -> str:
        return "OAuth2()"


class Tokens:
    """The token of one client: fetched once however many wait for it."""

    def __init__(self, source: str, declared: OAuth2, tls: ssl.SSLContext | None) -> None:
        self._sending = _request(declared)
        self._connections = Connections(
            source, lambda: client_of({"Accept": "application/json"}, None, tls, 1)
        )
        self._turn = asyncio.Lock()
        self._token = ""
        self._until = 0.0
        self._asked = 0
        self._refused: SourceError | None = None

    async def current(self, deadline: float, stale: str = "") -> str:
        """A token that is good and is not `stale`; raises `SourceError`."""
        if self._good(stale):
            return self._token
        before = self._asked
        try:
            async with asyncio.timeout(_left(deadline)):
                await self._turn.acquire()
        except TimeoutError:
            raise too_slow() from None
        try:
            if self._good(stale):
                return self._token
            if self._asked != before and self._refused is not None:
                # asked while this one waited, and refused: the same would be said again
                raise SourceError(
                    self._refused.code, self._refused.message, hint=self._refused.hint
                )
            return await self._fetched(deadline)
        finally:
            self._turn.release()

    def _good(self, stale: str) -> bool:
        return self._token not in ("", stale) and time.monotonic() < self._until

    async def _fetched(self, deadline: float) -> str:
        self._token, self._refused = "", None
        left = _left(min(deadline, time.monotonic() + LONGEST_S))
        said = await self._connections.once(self._sending, left)
        self._asked += 1
        try:
            self._token, lasts_s = _read(said)
        except SourceError as error:
            self._refused = error
            raise
        self._until = time.monotonic() + lasts_s - min(EARLY_S, lasts_s / 10)
        return self._token

    async def close(self) -> None:
        """Close the connections and forget the token."""
        self._token = ""
        await self._connections.close()


def _left(deadline: float) -> float:
    return max(0.0, min(LONGEST_S, deadline - time.monotonic()))


def _request(declared: OAuth2) -> Sending:
    fields = [("grant_type", "client_credentials"), *declared.told]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if declared.in_body:
        fields += [("client_id", declared.client), ("client_secret", declared.secret)]
    else:
        pair = f"{quote_plus(declared.client)}:{quote_plus(declared.secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Sending(url=declared.url, headers=headers, content=urlencode(fields).encode())


def _read(said: Said) -> tuple[str, float]:
    """(token, seconds that it lasts)."""
    if said.status in (400, 401, 403):
        raise refusal(401)  # RFC 6749 says 400 where a client is not known
    if not 200 <= said.status < 300:
        code = "SOURCE_BUSY" if said.status == 429 else "SOURCE_UNAVAILABLE"
        raise SourceError(code, "the server that gives the source's tokens did not answer")
    body: Any = decoded(said.headers, said.body)
    told: Mapping[str, Any] = body if isinstance(body, dict) else {}
    token, kind, lasts = told.get("access_token"), told.get("token_type"), told.get("expires_in")
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise _bad()
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise _bad()
    if lasts is None:
        return token, UNSAID_S
    if isinstance(lasts, str) and lasts.isascii() and lasts.isdigit() and len(lasts) <= 9:
        lasts = int(lasts)  # some servers write the number as text
    if not isinstance(lasts, int) or isinstance(lasts, bool) or lasts < 0:
        raise _bad()
    return token, float(min(lasts, 86_400))


def _bad() -> SourceError:
    return SourceError(
        "SOURCE_BAD_DATA", "the server that gives the source's tokens sent no bearer token",
        hint="compare `connect.auth.oauth2.token_url` with its address",
    )  # fmt: skip

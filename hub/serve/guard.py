"""What a request must pass before anything reads its meaning: headers, body size and time, room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from auth.refusal import unauthenticated
from schema.errors import HubError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
RawHeaders = Iterable[tuple[bytes, bytes]]

WANTED = frozenset(
    {
        b"accept",
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"content-length",
        b"transfer-encoding",
        b"hub-purpose",
        b"hub-case",
        b"traceparent",
        b"x-forwarded-for",
        b"origin",
        b"apollo-require-preflight",
        b"x-apollo-operation-name",
        b"graphql-require-preflight",
        b"idempotency-key",
    }
)
_SEVERAL = frozenset({b"accept", b"x-forwarded-for"})
LINK = b"hub-link "
"""How the credentials of another hub begin, in small letters."""
LONGEST_CREDENTIALS = 16_384
PREFLIGHT = (
    b"graphql-require-preflight",
    b"apollo-require-preflight",
    b"x-apollo-operation-name",
)


def linked_by(header: bytes) -> str:
    """The token of another hub's credentials; raises ``UNAUTHENTICATED`` for what is none."""
    if header[: len(LINK)].lower() != LINK or len(header) > LONGEST_CREDENTIALS:
        raise unauthenticated()
    if not header.isascii():
        raise unauthenticated()
    return header[len(LINK) :].strip().decode("ascii")


class ClientGone(Exception):
    """The client went away before its request was whole."""


def pick_headers(headers: RawHeaders) -> dict[bytes, bytes]:
    """The headers that matter, each at most once; raises for what two parsers could read in two
    ways. `Accept` and `X-Forwarded-For` may come in several lines."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in WANTED:
            if name in found:
                if name == b"authorization":
                    raise unauthenticated()
                if name not in _SEVERAL:
                    raise HubError("BAD_REQUEST", "a header is given twice")
                value = found[name] + b"," + value  # joined as RFC 9110 5.3 says
            found[name] = value
    if b"transfer-encoding" in found and b"content-length" in found:
        raise HubError(
            "BAD_REQUEST", "`Content-Length` and `Transfer-Encoding` exclude one another"
        )
    return found


def check_encoding(found: Mapping[bytes, bytes]) -> None:
    """No compressed bodies: what a limit counts is what arrives."""
    coding = found.get(b"content-encoding")
    if coding is not None and coding.strip().lower() not in (b"", b"identity"):
        raise HubError("UNSUPPORTED_MEDIA_TYPE", "compressed bodies are not accepted")


def check_length(found: Mapping[bytes, bytes], limit: int) -> None:
    """Refuse a body that says it is too large before reading any of it."""
    stated = found.get(b"content-length")
    if stated is not None:
        if not stated.isdigit() or len(stated) > 18:
            raise HubError("BAD_REQUEST", "`Content-Length` is not a length")
        if int(stated) > limit:
            raise HubError("PAYLOAD_TOO_LARGE", f"the body is larger than {limit} bytes")


async def read_body(
    receive: Receive, limit: int, timeout_s: float, stated: bytes | None = None
) -> bytes:
    """The whole body; `stated` is its ``Content-Length``, past which nothing is waited for.

    Raises: HubError: `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`; ClientGone.
    """
    try:
        async with asyncio.timeout(timeout_s):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise HubError("PAYLOAD_TOO_LARGE", f"the body is larger than {limit} bytes")
            if not message.get("more_body") or (stated is not None and len(body) == int(stated)):
                return body
            return await _read_rest(receive, body, limit)
    except TimeoutError:
        raise HubError("REQUEST_TIMEOUT", "the body did not arrive in time") from None


async def _read_rest(receive: Receive, first: bytes, limit: int) -> bytes:
    pieces = [first]
    size = len(first)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise HubError("PAYLOAD_TOO_LARGE", f"the body is larger than {limit} bytes")
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


class Room:
    """How many operations are in flight in this worker, and whether more may enter."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0
        self.closing = False
        self._empty: asyncio.Event | None = None

    def enter(self, count: int = 1) -> None:
        """Take room; raises `OVERLOADED` or `SHUTTING_DOWN`."""
        if self.closing:
            raise HubError("SHUTTING_DOWN", "the hub is shutting down")
        if self.taken + count > self._limit:
            raise HubError("OVERLOADED", "the hub has too many requests in flight")
        self.taken += count

    def leave(self, count: int = 1) -> None:
        """Give room back."""
        self.taken -= count
        if self.taken == 0 and self._empty is not None:
            self._empty.set()

    async def drain(self, timeout_s: float) -> bool:
        """Let nobody in any more and wait for those inside; false if they took too long."""
        self.closing = True
        if self.taken == 0:
            return True
        self._empty = asyncio.Event()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

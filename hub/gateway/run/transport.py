"""One request to one subgraph: JSON there, JSON back, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
import orjson

TIMEOUT_S = 30.0
MAX_BYTES = 64_000_000
MAX_HEAD_BYTES = 65_536
CONNECTIONS = 100
"""Open connections to one address; further requests wait."""
_ACCEPT = "application/json, application/graphql-response+json;q=0.9"


class Unanswered(Exception):
    """The subgraph gave no GraphQL answer; the text is for the client."""


class Transport(Protocol):
    """Carries requests to subgraphs."""

    async def post(self, url: str, body: bytes, *, once: bool = False) -> Mapping[str, Any]:
        """The response's JSON object; `once`: not to be sent twice. Raises `Unanswered`."""


class _Address(msgspec.Struct, frozen=True):
    """Where a URL leads, and what every request to it begins with."""

    host: str
    port: int
    tls: bool
    head: bytes


@lru_cache(1024)
def _address(url: str) -> _Address:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    host = parts.hostname or ""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = parts.netloc.rpartition("@")[2]
    head = (
        f"POST {target} HTTP/1.1\r\nhost: {named}\r\ncontent-type: application/json\r\n"
        f"accept: {_ACCEPT}\r\naccept-encoding: identity\r\ncontent-length: "
    )
    return _Address(host, parts.port or (443 if tls else 80), tls, head.encode("ascii"))


class _Broken(Exception):
    """The connection ended before anything of a response came."""


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class HttpTransport:
    """Over HTTP/1.1, connections kept open; no proxy, no redirect, no cookie.

    httpx takes several times as long for one small exchange, and an operation makes many.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._idle: dict[tuple[str, int, bool], list[Streams]] = {}
        self._room: dict[tuple[str, int, bool], asyncio.Semaphore] = {}
        self._tls: ssl.SSLContext | None = None

    async def post(self, url: str, body: bytes, *, once: bool = False) -> Mapping[str, Any]:
        """Ask; a body of JSON counts whatever the status is."""
        try:
            address = _address(url)
            async with asyncio.timeout(self._timeout_s):
                status, read = await self._exchange(address, body, once)
        except TimeoutError:
            raise Unanswered("the subgraph was too slow") from None
        except (OSError, ValueError, EOFError, _Broken, asyncio.LimitOverrunError):
            raise Unanswered("the subgraph cannot be reached") from None
        try:
            answer = orjson.loads(read)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise Unanswered(f"the subgraph sent no GraphQL answer (HTTP {status})")
        return answer

    async def close(self) -> None:
        """Close all connections that are not in use."""
        for held in self._idle.values():
            while held:
                held.pop()[1].close()

    async def _exchange(self, address: _Address, body: bytes, once: bool) -> tuple[int, bytes]:
        key = (address.host, address.port, address.tls)
        room = self._room.setdefault(key, asyncio.Semaphore(CONNECTIONS))
        async with room:
            idle = self._idle.setdefault(key, [])
            # a mutation whose connection breaks may have been carried out: never over an old one,
            # which the other side may be closing at this moment
            while idle and not once:
                streams = idle.pop()
                if streams[0].at_eof() or streams[1].is_closing():
                    streams[1].close()
                    continue
                try:
                    return await self._talk(streams, address, body, idle)
                except _Broken:
                    break  # closed while it was idle: nothing was read, so a fresh one may ask
            return await self._talk(await self._open(address), address, body, idle)

    async def _open(self, address: _Address) -> Streams:
        context = None
        if address.tls:
            context = self._tls = self._tls or ssl.create_default_context()
        return await asyncio.open_connection(
            address.host, address.port, ssl=context, limit=MAX_HEAD_BYTES
        )

    async def _talk(
        self, streams: Streams, address: _Address, body: bytes, idle: list[Streams]
    ) -> tuple[int, bytes]:
        reader, writer = streams
        keep = False
        try:
            writer.write(address.head + str(len(body)).encode() + b"\r\n\r\n" + body)
            try:
                await writer.drain()
                status, headers = await _read_head(reader)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if getattr(error, "partial", b""):
                    raise
                raise _Broken from error
            read, ended = await _read_body(reader, headers)
            keep = not ended and headers.get(b"connection", b"").lower() != b"close"
            keep = keep and len(idle) < CONNECTIONS
            return status, read
        finally:
            if keep:
                idle.append(streams)
            else:
                writer.close()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes]]:
    """The status and the headers of the final response."""
    while True:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        version, code = first.split(b" ", 2)[:2]
        if not version.startswith(b"HTTP/1."):
            raise ValueError("no HTTP")
        status = int(code)
        if status >= 200:
            break
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    if version == b"HTTP/1.0":
        headers.setdefault(b"connection", b"close")
    return status, headers


async def _read_body(
    reader: asyncio.StreamReader, headers: Mapping[bytes, bytes]
) -> tuple[bytes, bool]:
    """The body, and whether the connection ended with it."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Unanswered("the subgraph sent a compressed answer that was not asked for")
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return await _read_chunks(reader), False
    length = headers.get(b"content-length")
    if length is not None:
        size = int(length)
        if not 0 <= size <= MAX_BYTES:
            raise Unanswered("the subgraph's answer is too large")
        return await reader.readexactly(size), False
    read = await reader.read(MAX_BYTES + 1)
    pieces = bytearray(read)
    while read:
        read = await reader.read(MAX_BYTES + 1)
        pieces += read
        if len(pieces) > MAX_BYTES:
            raise Unanswered("the subgraph's answer is too large")
    return bytes(pieces), True


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size < 0 or len(pieces) + size > MAX_BYTES:
            raise Unanswered("the subgraph's answer is too large")
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                continue  # trailers say nothing that is wanted
            return bytes(pieces)
        pieces += await reader.readexactly(size)
        await reader.readexactly(2)

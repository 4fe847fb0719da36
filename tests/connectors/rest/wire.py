"""A server that says exactly the bytes it is told, however wrong."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """A request as it came."""

    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """As it was sent."""
        return self.target.partition("?")[2]


Writer = asyncio.StreamWriter
Say = Callable[[Asked], Any]
"""An answer: bytes of a whole response, a JSON value, or what writes it."""
Write = Callable[[Writer], Awaitable[None]]


def reply(
    body: bytes | str, *more: str, status: str = "200 OK", kind: str = "application/json"
) -> bytes:
    """A whole response."""
    held = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(held)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + held


class Wire:
    """What was asked, and where to ask."""

    def __init__(self, port: int, scheme: str) -> None:
        self.base = f"{scheme}://127.0.0.1:{port}"
        self.asked: list[Asked] = []

    @property
    def paths(self) -> Sequence[str]:
        """The targets, in order."""
        return [one.target for one in self.asked]


@asynccontextmanager
async def serving(say: Say, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A server on loopback for the length of a block."""
    tasks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while await _one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    async def _one(reader: asyncio.StreamReader, writer: Writer) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(first.split(" ")[1], headers, body)
        wire.asked.append(asked)
        said = say(asked)
        if callable(said):
            await said(writer)
            return False
        writer.write(said if isinstance(said, bytes) else reply(json.dumps(said)))
        await writer.drain()
        return True

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    wire = Wire(server.sockets[0].getsockname()[1], "http" if tls is None else "https")
    try:
        yield wire
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

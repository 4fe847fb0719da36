"""A server that says what it is told to each GraphQL request, however wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

SDL = """
scalar Decimal
scalar DateTime
type Thing { id: ID! name: String price: Decimal at: DateTime size: Size shape: Shape
             tags: [String!] parts: [Part!] }
type Part { code: String }
type Size { height: Int width: Int }
enum Shape { ROUND FLAT }
input Where { shape: Shape ids: [ID!] }
type Page { items: [Thing] more: Boolean next: String total: Int }
type Shop { things: [Thing!]! }
type Query {
  things(where: Where, state: String): [Thing] thing(id: ID!): Thing thingsBy(ids: [ID!]!): [Thing]
  page(after: String, offset: Int, n: Int): Page shop: Shop named(name: String!): [Thing!]!
}
"""


class Asked(msgspec.Struct, frozen=True):
    """A request as it came."""

    method: str
    query: str
    variables: Mapping[str, Any]
    headers: Mapping[str, str]


Say = Callable[[Asked], Any]
"""Bytes of a whole response, or the JSON of a body."""


def reply(body: Any, status: str = "200 OK") -> bytes:
    """A whole response."""
    held = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(held)}"
    return head.encode() + b"\r\n\r\n" + held


class Wire:
    """What was asked, and where to ask."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/graphql"
        self.asked: list[Asked] = []


@asynccontextmanager
async def saying(say: Say) -> AsyncIterator[Wire]:
    """A server on loopback for the length of a block."""
    tasks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                asked = await _read(reader)
                wire.asked.append(asked)
                said = say(asked)
                if said is None:
                    await asyncio.Event().wait()  # says nothing at all
                writer.write(said if isinstance(said, bytes) else reply(said))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    wire = Wire(server.sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    method, target, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    if method == "POST":
        held = json.loads(body)
        return Asked(method, held["query"], held["variables"], headers)
    given = {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
    return Asked(method, given["query"], json.loads(given.get("variables", "{}")), headers)

"""Exchanges with subgraphs as servers really behave: chunks, ends, hints, and nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hub.gateway.run.transport import HttpTransport, Unanswered

pytestmark = pytest.mark.asyncio
GOOD = b'{"data":{"a":1}}'
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n" + GOOD


class Scripted:
    """A server that answers what it is told to; `closes`: and hangs up after it."""

    def __init__(self, answer: bytes, *, closes: bool, pause_s: float = 0) -> None:
        self.answer = answer
        self.rounds = 1_000_000
        self.closes = closes
        self.pause_s = pause_s
        self.connections = 0
        self.heads: list[str] = []
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                size = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                await reader.readexactly(size)
                await asyncio.sleep(self.pause_s)
                if len(self.heads) > self.rounds:
                    break
                writer.write(self.answer)
                await writer.drain()
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client has had enough
        finally:
            writer.close()


@asynccontextmanager
async def scripted(
    answer: bytes, *, closes: bool = False, pause_s: float = 0
) -> AsyncIterator[Scripted]:
    """The server, listening."""
    held = Scripted(answer, closes=closes, pause_s=pause_s)
    server = await asyncio.start_server(held.talk, "127.0.0.1", 0)
    held.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql?x=1"
    try:
        yield held
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        (WHOLE, False),
        (WHOLE, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, False),
        (WHOLE.replace(b"200 OK", b"500 Oh"), False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + GOOD, True),
        (b"HTTP/1.0 200 OK\r\n\r\n" + GOOD, True),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n7;x\r\n" + GOOD[:7] + b"\r\n9\r\n"
         + GOOD[7:] + b"\r\n0\r\nx-t: 1\r\n\r\n", False),
    ],
)  # fmt: skip
async def test_answers_in_every_form(answer: bytes, closes: bool) -> None:
    async with scripted(answer, closes=closes) as server:
        transport = HttpTransport(timeout_s=10)
        for _ in range(3):
            assert await transport.post(server.url, b'{"query":"{a}"}') == {"data": {"a": 1}}
        assert server.connections == (3 if closes else 1)
        assert server.heads[0].startswith("POST /graphql?x=1 HTTP/1.1\r\nhost: 127.0.0.1:")
        await transport.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", "cannot be reached"),
        (b"SSH-2.0\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 abc\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "(HTTP 302)"),
        (b"HTTP/1.1 502 Bad\r\ncontent-length: 6\r\n\r\n<html>", "(HTTP 502)"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "(HTTP 200)"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n", "too large"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFF\r\n", "too large"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", "compressed"),
    ],
)
async def test_nonsense_is_one_clear_error(answer: bytes, said: str) -> None:
    async with scripted(answer, closes=True) as server:
        transport = HttpTransport(timeout_s=10)
        with pytest.raises(Unanswered) as told:
            await transport.post(server.url, b"{}")
        assert said in str(told.value)
        await transport.close()


async def test_slow_and_absent_servers() -> None:
    async with scripted(WHOLE, pause_s=5) as server:
        transport = HttpTransport(timeout_s=0.05)
        with pytest.raises(Unanswered, match="too slow"):
            await transport.post(server.url, b"{}")
    with pytest.raises(Unanswered, match="cannot be reached"):
        await HttpTransport(timeout_s=10).post("http://127.0.0.1:1/", b"{}")


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async with scripted(WHOLE) as first:
        port = int(first.url.split(":")[2].split("/")[0])
        transport = HttpTransport(timeout_s=10)
        await transport.post(first.url, b"{}")
    held = next(iter(transport._idle.values()))
    held[0][1].transport.abort()
    await asyncio.sleep(0)
    second = Scripted(WHOLE, closes=False)
    server = await asyncio.start_server(second.talk, "127.0.0.1", port)
    assert await transport.post(first.url, b"{}") == {"data": {"a": 1}}
    assert second.connections == 1
    server.close()
    await transport.close()


async def test_what_must_not_be_sent_twice_is_sent_once() -> None:
    async with scripted(WHOLE) as server:
        transport = HttpTransport(timeout_s=10)
        await transport.post(server.url, b"{}")
        server.rounds = 1
        with pytest.raises(Unanswered, match="cannot be reached"):
            await transport.post(server.url, b"{}", once=True)
        assert len(server.heads) == 2
        with pytest.raises(Unanswered, match="cannot be reached"):
            await transport.post(server.url, b"{}")
        assert len(server.heads) == 4
        await transport.close()

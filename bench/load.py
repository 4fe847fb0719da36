"""A closed-loop load generator: keep-alive connections on raw sockets, precomputed requests."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

import orjson


class _Client(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], offset: int, until: float) -> None:
        self._requests = requests
        self._next = offset
        self._until = until
        self._buffer = bytearray()
        self._expected = -1
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.times: list[float] = []
        self.bad = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        now = time.perf_counter()
        if now >= self._until:
            self._transport.close()
            return
        self._sent_at = now
        self._transport.write(self._requests[self._next % len(self._requests)])  # type: ignore[attr-defined]
        self._next += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._expected < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                self.bad += 1
            at = head.find(b"content-length:")
            self._expected = end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) >= self._expected:
            if b'"errors"' in self._buffer[-400:]:
                self.bad += 1
            self._buffer.clear()
            self._expected = -1
            self.times.append(time.perf_counter() - self._sent_at)
            self._send()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def encode(port: int, query: str, variables: dict[str, str], headers: dict[str, str]) -> bytes:
    """One HTTP/1.1 request."""
    body = orjson.dumps({"query": query, "variables": variables})
    extra = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def drive(
    port: int, requests: Sequence[bytes], *, seconds: float, connections: int = 16
) -> tuple[float, float, int]:
    """(requests per second, median seconds, failures) of a closed loop."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    until = started + seconds
    clients = []
    for number in range(connections):
        offset = number * 131
        _, client = await loop.create_connection(
            lambda offset=offset: _Client(requests, offset, until), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    elapsed = time.perf_counter() - started
    times = [t for client in clients for t in client.times]
    failures = sum(client.bad for client in clients)
    return len(times) / elapsed, statistics.median(times) if times else 0.0, failures

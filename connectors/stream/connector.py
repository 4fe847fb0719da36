"""NATS JetStream as a source: change events in, the latest row of each key out."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import nats
import nats.errors
import structlog
from nats.aio.client import Client

from connectors.kit.rows import conform
from connectors.kit.together import ended
from connectors.memory import EVERYTHING, MemoryConnector, Taken
from connectors.spi import (
    Ask,
    Batch,
    Call,
    Column,
    Health,
    ShapeColumn,
    ShapeTable,
    SourceShape,
)
from connectors.stream.declare import Events, Server, read_server, read_tables
from connectors.stream.events import Row
from connectors.stream.follow import follow
from connectors.stream.view import View
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName
from schema.model.scalar import ScalarKind

log = structlog.get_logger("connectors.stream")

CAPABILITIES = msgspec.structs.replace(EVERYTHING, joins=False, documents=False, snapshot=False)
CONNECT_S = 5.0
READ_S = 8.0
"""How long opening waits for the streams to be read; then it goes on while queries wait."""
_IDLE_S = 5.0
_SAMPLE = 1_000
_MANY = 2_000
"""Rows from which on a query is answered in a thread."""


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> StreamConnector:
    """A connector for a NATS server; raises ``CONFIG_INVALID``."""
    server = read_server(decl.name, decl.connect, resolve)
    return StreamConnector(decl.name, server, read_tables(decl.name, decl.tables))


class StreamConnector(MemoryConnector):
    """Serves views that follow streams."""

    def __init__(self, name: SourceName, server: Server, tables: Mapping[str, Events]) -> None:
        super().__init__(name, dict.fromkeys(tables, ()), CAPABILITIES)
        self._server = server
        self._events = tables
        self._views: dict[str, View] = {}
        self._client: Client | None = None
        self._following: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect and read the streams; raises `SourceError`."""
        await self.close()
        client = Client()
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect(**_options(self._server, self.name))
        except (nats.errors.Error, TimeoutError, OSError, ValueError) as error:
            log.warning("source.connect_failed", source=self.name, kind=type(error).__name__)
            await _closed(client)
            raise SourceError("SOURCE_UNAVAILABLE", "the source did not answer") from None
        self._client = client
        self._views = {name: View(events) for name, events in self._events.items()}
        idle_s = min(_IDLE_S, self._server.max_silence / 4)
        self._following = [
            asyncio.create_task(follow(self.name, name, view, client.jetstream(), idle_s=idle_s))
            for name, view in self._views.items()
        ]
        try:
            async with asyncio.timeout(READ_S):
                for view in self._views.values():
                    await view.read.wait()
        except TimeoutError:
            log.info("stream.behind", source=self.name)

    async def close(self) -> None:
        """Leave the streams."""
        following, self._following = self._following, []
        await ended(following)
        client, self._client = self._client, None
        if client is not None:
            await _closed(client)

    async def probe(self) -> Health:
        """Whether every view is what its stream says, and since when."""
        if self._client is None:
            return Health(ok=False, code="SOURCE_UNAVAILABLE")
        started = time.perf_counter()
        try:
            for view in self._views.values():
                view.ready(self._server.max_silence)
            await self._client.flush(timeout=2)
        except SourceError as error:
            return Health(ok=False, code=error.code)
        except (nats.errors.Error, TimeoutError, OSError):
            return Health(ok=False, code="SOURCE_UNAVAILABLE")
        oldest = min(view.heard for view in self._views.values())
        return Health(ok=True, ms=(time.perf_counter() - started) * 1000, as_of=oldest)

    async def discover(self) -> SourceShape:
        """The properties of the rows so far."""
        tables = []
        for name, view in self._views.items():
            rows = view.rows()
            sample = rows[:_SAMPLE]
            names = dict.fromkeys((*view.events.key, *(column for row in sample for column in row)))
            columns = tuple(
                _column(column, [row.get(column) for row in sample]) for column in names
            )
            detail = msgspec.to_builtins(view.events)
            tables.append(
                ShapeTable(
                    name=name, columns=columns, keys=(view.events.key,), rows=len(rows),
                    detail={**detail, "key": list(view.events.key),
                            "deleted": list(view.events.deleted)},
                )
            )  # fmt: skip
        return SourceShape(tables=tuple(tables))

    async def fetch_all(self, handle: Taken, call: Call) -> Batch:
        """The rows as the events so far leave them; raises `SourceError`."""
        if len(call.keys) > self.capabilities.max_keys:
            raise HubError("INTERNAL", "more keys in one fetch than the source takes")
        view = self._views.get(handle.ask.table)
        if view is None or self._client is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        view.ready(self._server.max_silence)
        if call.deadline <= time.monotonic():
            raise SourceError("SOURCE_TIMEOUT", "the source was too slow")
        heard = view.heard
        if len(view) < _MANY:
            made = self._rows(handle, call)
        else:
            left = None if call.deadline == float("inf") else call.deadline - time.monotonic()
            try:
                async with asyncio.timeout(left):
                    made = await asyncio.to_thread(self._rows, handle, call)
            except TimeoutError:
                raise SourceError("SOURCE_TIMEOUT", "the source was too slow") from None
        return Batch(made.columns, made.rows, heard, made.nested)

    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        yield await self.fetch_all(handle, call)

    def _held(self, ask: Ask, columns: Mapping[str, Column], call: Call) -> Batch:
        """Canonical columns of the rows that can be meant."""
        view = self._views[ask.table]
        if ask.key_columns:
            held = view.of_keys([ask.column(name) for name in ask.key_columns], call.keys)
        else:
            held = view.rows()
        return Batch({name: _values(column, held) for name, column in columns.items()}, len(held))


def _values(column: Column, rows: list[Row]) -> list[Any]:
    values = [row.get(column.name) for row in rows]
    if column.kind == "JSON":
        values = [_plain(value) for value in values]
    return conform(values, column)


def _plain(value: Any) -> Any:
    """Numbers as JSON has them; how deep it goes was bounded when it was read."""
    match value:
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case _:
            return value if value is None or isinstance(value, str | bool | int) else float(value)


def _column(name: str, values: list[Any]) -> ShapeColumn:
    present = [value for value in values if value is not None]
    types = {type(value) for value in present}
    kind: ScalarKind = "String"
    if types == {bool}:
        kind = "Boolean"
    elif types == {int}:
        kind = "Int" if all(abs(value) < 2**31 for value in present) else "BigInt"
    elif types and types <= {int, float} | {
        type(v) for v in present if not isinstance(v, str | bool)
    }:
        kind = "JSON" if types & {dict, list} else "Decimal"
    return ShapeColumn(name=name, kind=kind, nullable=len(present) < len(values))


def _options(server: Server, name: str) -> dict[str, Any]:
    async def quiet(_: Any = None) -> None:
        """What goes wrong is told where it is met."""

    made: dict[str, Any] = {
        "servers": [url.strip() for url in server.url.split(",")],
        "name": f"hub {name}",
        "connect_timeout": CONNECT_S,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.5,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
        "error_cb": quiet,
        "user": server.user,
        "password": server.password,
        "token": server.token,
        "user_credentials": server.credentials,
    }
    if server.tls is not None:
        made["tls"] = ssl.create_default_context(cafile=server.tls.ca)
        if server.tls.certificate is not None:
            made["tls"].load_cert_chain(server.tls.certificate, server.tls.key)
    return {option: value for option, value in made.items() if value is not None}


async def _closed(client: Client) -> None:
    try:
        await client.close()
    except (nats.errors.Error, TimeoutError, OSError) as error:
        log.info("stream.not_left", kind=type(error).__name__)

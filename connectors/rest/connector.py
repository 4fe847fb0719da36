"""JSON over HTTP: lists, look-ups and the filters that a service offers, nothing more."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from connectors.http.asking import Request, offer_of, only, scanned, wanted_keys
from connectors.http.client import Client
from connectors.http.credentials import credentials
from connectors.http.filters import Pair, offered
from connectors.http.kept import Kept
from connectors.http.rows import bad, joined
from connectors.http.status import refusal
from connectors.http.tls import tls_of
from connectors.kit.together import together
from connectors.rest.address import origin_of, params_of
from connectors.rest.document import address_of, read_document
from connectors.rest.keys import Job, jobs_for, way_of
from connectors.rest.openapi import shape_of, with_operations
from connectors.rest.rows import Row, batch_of, items_of
from connectors.rest.tables import MISSING, TableCalls, found_at, read_tables
from connectors.rest.walk import read_list, start
from connectors.spi import Ask, Batch, Call, Capabilities, Health, Offer, SourceShape
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

IN_FLIGHT = 8
PROBE_S = 5.0
DOCUMENT_S = 10.0
T = TypeVar("T")


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> RestConnector:
    """A connector for one service; raises ``CONFIG_INVALID``."""
    return RestConnector(decl, resolve)


class RestConnector:
    """Serves a service's resources as tables."""

    def __init__(self, decl: SourceDecl, resolve: Callable[[str], str]) -> None:
        self.name: SourceName = decl.name
        self._decl = decl
        self._params = params_of(decl.connect, resolve, decl.name)
        self._tables = read_tables(decl.name, decl.tables, self._params)
        self._client = Client(
            decl.name,
            origin_of(decl.connect, resolve, decl.name),
            credentials(decl.connect, resolve, decl.name),
            in_flight=IN_FLIGHT,
            tls=tls_of(decl.connect, resolve, decl.name),
            kept=_kept_of(decl),
        )
        self._document = _document_of(decl, resolve)
        lists = [calls.list for calls in self._tables.values() if calls.list is not None]
        kinds = {kind for listed in lists for kind in offered(listed.filters)}
        many = [c.get_many.max for c in self._tables.values() if c.get_many is not None]
        self.capabilities = Capabilities(
            predicates=frozenset(kinds | ({"and"} if kinds else set())),
            max_keys=max([*many, 100]),
            max_in_flight=IN_FLIGHT,
            scans=bool(lists),
        )

    async def open(self) -> None:
        """Fill in what the OpenAPI document says of operations named in the fragment."""
        named = any(
            "/" not in call.path for calls in self._tables.values() for call in calls.calls()
        )
        placeless = not self._decl.connect.get("base") and bool(self._tables)
        if not named and not placeless:
            return
        document = await self._read_document()
        if placeless:
            self._client.place(address_of(document, self._document or "", self._client.base))
        self._tables = with_operations(self._tables, document, self._params)

    async def _read_document(self) -> Any:
        if self._document is None:
            raise HubError(
                "CONFIG_INVALID", "the service has no OpenAPI document to draft from",
                where=self.name, hint="name it in `connect.openapi`",
            )  # fmt: skip
        until = time.monotonic() + DOCUMENT_S
        return await read_document(self._client, self._document, until)

    async def discover(self) -> SourceShape:
        """Tables from the OpenAPI document; raises ``CONFIG_INVALID`` without one."""
        return shape_of(await self._read_document(), self._params)

    def offer(self, ask: Ask) -> Offer:
        """Keys by `get` and `get_many`; conjunctions of the filters that the table offers."""
        calls = self._tables.get(ask.table)
        if calls is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source has no such table")
        way: str | None = "list" if calls.list is not None else None
        if ask.key_columns:
            way = way_of(calls, [ask.column(name) for name in ask.key_columns])
        filters = calls.list.filters if calls.list is not None else {}
        return offer_of(ask, "GET", way, filters)

    async def fetch_all(self, handle: Request, call: Call) -> Batch:
        """Ask the service; raises `SourceError`."""
        calls = self._tables[handle.table]
        read = self._by_key if handle.keys else self._scan
        batches = await read(handle, calls, call)
        if not batches:
            batches = [batch_of(handle.columns, [])]
        return joined(handle.columns, batches)

    async def fetch(self, handle: Request, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        yield await self.fetch_all(handle, call)

    async def _scan(self, handle: Request, calls: TableCalls, call: Call) -> list[Batch]:
        assert calls.list is not None  # noqa: S101 - invariant: offered

        async def listed(pairs: Sequence[Pair]) -> Batch:
            job = Job(way="list", values=(), pairs=tuple(pairs))
            return batch_of(handle.columns, await self._listed(calls, job, call))

        return await scanned(handle, calls.list.filters, call, listed)

    async def _by_key(self, handle: Request, calls: TableCalls, call: Call) -> list[Batch]:
        wanted = wanted_keys(handle, call)
        if not wanted:
            return []
        if handle.way == "list":
            rows = await self._listed(calls, Job(way="list", values=()), call)
            return [only(batch_of(handle.columns, rows), handle.keys, wanted)]
        jobs = jobs_for(calls, handle.way, handle.keys[0], [value for (value,) in wanted])

        async def one(job: Job) -> Batch:
            read = {"list": self._listed, "get": self._got, "get_many": self._got_many}[job.way]
            rows = await read(calls, job, call)
            if job.way != "list" and any(
                found_at(row, handle.keys[0].name) is MISSING for row in rows
            ):
                raise bad("the source sent a row without its key", "compare the key's column")
            batch = batch_of(handle.columns, rows)
            return only(batch, handle.keys, [(value,) for value in job.values])

        return await together([one(job) for job in jobs])

    async def _listed(self, calls: TableCalls, job: Job, call: Call) -> list[Row]:
        assert calls.list is not None  # noqa: S101 - invariant: offered
        return await read_list(self._client, calls.list, job.pairs, call, calls.get_key)

    async def _got(self, calls: TableCalls, job: Job, call: Call) -> list[Row]:
        answer = await self._client.get(job.path, (), call.deadline, call.caller)
        row = found_at(answer.body, calls.get.item if calls.get is not None else "")
        if row is None:
            return []
        if not isinstance(row, dict):
            raise bad("the source sent no object", "compare `item` with what it sends")
        return [row]

    async def _got_many(self, calls: TableCalls, job: Job, call: Call) -> list[Row]:
        answer = await self._client.get(job.path, job.pairs, call.deadline, call.caller)
        if answer.status == 204:
            return []
        if not answer.found:
            raise refusal(answer.status)
        return items_of(answer.body, calls.get_many.items if calls.get_many is not None else "")

    async def probe(self) -> Health:
        """Whether the service answers a small request."""
        started = time.perf_counter()
        lists = [calls.list for calls in self._tables.values() if calls.list is not None]
        path, query = "/", []
        if lists:
            path = lists[0].path
            query = [
                *lists[0].params.items(),
                *start(msgspec.structs.replace(lists[0].paging, max=1)),
            ]
        try:
            answer = await self._client.get(path, query, time.monotonic() + PROBE_S)
            if lists and answer.status != 204 and not answer.found:
                raise refusal(answer.status)
        except SourceError as error:
            return Health(ok=False, code=error.code)
        return Health(ok=True, ms=(time.perf_counter() - started) * 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _kept_of(decl: SourceDecl) -> Kept | None:
    """What is asked after by ETag; nothing unless the fragment says so."""
    told = decl.connect.get("revalidate", False)
    if not isinstance(told, bool):
        raise HubError("CONFIG_INVALID", "`connect.revalidate` is true or false", where=decl.name)
    return Kept() if told else None


def _document_of(decl: SourceDecl, resolve: Callable[[str], str]) -> str | None:
    held = decl.connect.get("openapi")
    return resolve(held) if isinstance(held, str) and held else None

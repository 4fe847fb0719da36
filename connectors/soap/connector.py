"""SOAP 1.1 and 1.2 as a WSDL describes them: zeep writes what is asked, the Hub reads answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.http.asking import Request, offer_of, only, scanned, wanted_keys
from connectors.http.client import Client
from connectors.http.filters import Pair, chunks, offered, spread_over, word
from connectors.http.rows import bad, joined
from connectors.http.status import refusal
from connectors.http.tls import tls_of
from connectors.kit.together import together
from connectors.soap.declare import read_connect
from connectors.soap.exchange import Exchange, first_page
from connectors.soap.message import envelope
from connectors.soap.rows import Node, batch_of, fits_xml, text_at
from connectors.soap.shape import shape_of
from connectors.soap.tables import Table, read_tables, steps_of
from connectors.soap.types import element_at, has_path
from connectors.soap.wsdl import Service, read_wsdl
from connectors.spi import Ask, Batch, Call, Capabilities, Column, Health, Offer, SourceShape
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

IN_FLIGHT = 4
PROBE_S = 5.0
WSDL_S = 20.0


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> SoapConnector:
    """A connector for one service; raises ``CONFIG_INVALID``."""
    return SoapConnector(decl, resolve)


class SoapConnector:
    """Serves what operations answer as tables."""

    def __init__(self, decl: SourceDecl, resolve: Callable[[str], str]) -> None:
        self.name: SourceName = decl.name
        self._tables = read_tables(decl.name, decl.tables)
        self._declared = read_connect(decl.connect, resolve, decl.name)
        self._client = Client(
            decl.name,
            self._declared.origin or self._declared.address or "",
            self._declared.shown,
            in_flight=IN_FLIGHT,
            headers={"Accept": "text/xml, application/soap+xml, application/xml"},
            called="connect.address",
            tls=tls_of(decl.connect, resolve, decl.name),
        )
        self._service: Service | None = None
        self._types: dict[str, Any] = {}
        lists = [table.list for table in self._tables.values() if table.list is not None]
        kinds = {kind for listed in lists for kind in offered(listed.filters)}
        many = [one.get_many.max for one in self._tables.values() if one.get_many is not None]
        self.capabilities = Capabilities(
            predicates=frozenset(kinds | ({"and"} if kinds else set())),
            max_keys=max([*many, 100]),
            max_in_flight=IN_FLIGHT,
            scans=bool(lists),
        )

    async def open(self) -> None:
        """Read the WSDL and hold the tables against it; raises `HubError`."""
        declared, until = self._declared, time.monotonic() + WSDL_S

        async def fetch(place: str) -> bytes:
            said = await self._client.read(place, until)
            if not 200 <= said.status < 300 or said.status == 204:
                raise refusal(said.status)
            return said.body

        self._client.place(declared.origin or declared.address or "")  # an earlier try moved it
        service = await read_wsdl(
            declared.wsdl, fetch if declared.origin else None, until,
            service=declared.service, port=declared.port,
        )  # fmt: skip
        address = declared.address or service.address
        if declared.address is None and declared.origin and not _same(address, declared.origin):
            # fails closed: secrets would be sent there
            raise HubError(
                "CONFIG_INVALID", "the WSDL names a service on another host", where=self.name,
                hint="name its address in `connect.address`",
            )  # fmt: skip
        self._client.place(address)
        if not self._client.base:
            raise HubError(
                "CONFIG_INVALID", "the WSDL does not say where the service is", where=self.name,
                hint="name the address in `connect.address`",
            )  # fmt: skip
        self._service = Service(self._client.base, service.operations)
        self._types = {name: self._checked(name, table) for name, table in self._tables.items()}

    def _checked(self, name: str, table: Table) -> Any:
        """The type of a table's rows; raises ``CONFIG_INVALID`` where the WSDL is otherwise."""
        found = None
        for call, rows, args in table.ways():
            operation = self._known.operations.get(call.operation)
            if operation is None:
                raise self._unlike(name, f"asks the operation `{call.operation}`")
            element = element_at(operation.gives, steps_of(rows))
            if element is None:
                raise self._unlike(name, f"finds its rows at `{rows}`")
            absent = next(
                (one for one in sorted(args) if not has_path(operation.takes, steps_of(one))), None
            )
            if absent is not None:
                raise self._unlike(name, f"sends a parameter `{absent}`")
            found = found or element.type
        if table.list is not None:
            try:
                envelope(self._known.operations[table.list.operation], first_page(table.list), None)
            except SourceError:
                raise self._unlike(name, "lists without parameters that are required") from None
        return found

    def _unlike(self, table: str, what: str) -> HubError:
        return HubError(
            "CONFIG_INVALID", f"table `{table}` {what}, which the WSDL does not have or allow",
            where=self.name, hint="compare it with the WSDL",
        )  # fmt: skip

    @property
    def _known(self) -> Service:
        if self._service is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        return self._service

    @property
    def _exchange(self) -> Exchange:
        return Exchange(self._client, self._known, self._declared.token)

    async def discover(self) -> SourceShape:
        """Tables from operations that only read, by their names."""
        return shape_of(self._known)

    def offer(self, ask: Ask) -> Offer:
        """Keys by `get` and `get_many`; conjunctions of the filters that the table offers."""
        table = self._tables.get(ask.table)
        if table is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source has no such table")
        for column in (*ask.columns, *ask.known):
            if not has_path(self._types[ask.table], steps_of(column.name)):
                raise bad(
                    f"the source has no column `{column.name}`",
                    "compare the fragment with the WSDL",
                )
        way = "list" if table.list is not None else None
        if ask.key_columns:
            way = way_of(table, [ask.column(name) for name in ask.key_columns])
        return offer_of(ask, "SOAP", way, table.list.filters if table.list is not None else {})

    async def fetch_all(self, handle: Request, call: Call) -> Batch:
        """Ask the service; raises `SourceError`."""
        table = self._tables[handle.table]
        read = self._by_key if handle.keys else self._scan
        batches = await read(handle, table, call)
        if not batches:
            batches = [self._batch(handle, [])]
        return joined(handle.columns, batches)

    async def fetch(self, handle: Request, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        yield await self.fetch_all(handle, call)

    def _batch(self, handle: Request, rows: Sequence[Node]) -> Batch:
        return batch_of(handle.columns, rows, self._types[handle.table])

    async def _listed(
        self, handle: Request, table: Table, pairs: Sequence[Pair], call: Call
    ) -> Batch:
        assert table.list is not None  # noqa: S101 - invariant: offered
        key = table.get.key if table.get is not None else None
        return self._batch(handle, await self._exchange.listed(table.list, pairs, call, key))

    async def _scan(self, handle: Request, table: Table, call: Call) -> list[Batch]:
        assert table.list is not None  # noqa: S101 - invariant: offered

        async def listed(pairs: Sequence[Pair]) -> Batch:
            return await self._listed(handle, table, pairs, call)

        return await scanned(handle, table.list.filters, call, listed, fits=fits_xml)

    async def _by_key(self, handle: Request, table: Table, call: Call) -> list[Batch]:
        wanted = [key for key in wanted_keys(handle, call) if all(map(fits_xml, key))]
        if not wanted:
            return []
        if handle.way == "list":
            return [only(await self._listed(handle, table, (), call), handle.keys, wanted)]
        key = handle.keys[0]
        words = {word(value): value for (value,) in wanted}

        async def got(texts: Sequence[str]) -> Batch:
            if handle.way == "get":
                assert table.get is not None  # noqa: S101 - invariant: offered
                rows = await self._exchange.got(table.get, texts[0], call)
            else:
                assert table.get_many is not None  # noqa: S101 - invariant: offered
                rows = await self._exchange.got_many(table.get_many, texts, call)
            if any(text_at(row, key.name) is None for row in rows):
                raise bad("the source sent a row without its key", "compare the key's column")
            mine = [(words[text],) for text in texts]
            return only(self._batch(handle, rows), handle.keys, mine)

        async def filtered(pairs: Sequence[Pair], values: Sequence[Any]) -> Batch:
            batch = await self._listed(handle, table, pairs, call)
            return only(batch, handle.keys, [(value,) for value in values])

        if handle.way == "filter":
            assert table.list is not None  # noqa: S101 - invariant: offered
            values = list(words.values())
            parts = spread_over(table.list.filters[key.name], key.name, key.kind, values)
            asked = [((), values)] if parts is None else [(p.pairs, p.values) for p in parts]
            return await together([filtered(*one) for one in asked])
        most = table.get_many.max if handle.way == "get_many" and table.get_many else 1
        pairs = [(value, text) for text, value in words.items()]
        return await together([got([text for _, text in some]) for some in chunks(pairs, most)])

    async def probe(self) -> Health:
        """Whether the service answers: a small question if it has a list, else anything."""
        started = time.perf_counter()
        until = time.monotonic() + PROBE_S
        lists = [table.list for table in self._tables.values() if table.list is not None]
        try:
            if lists:
                await self._exchange.ask(lists[0].operation, first_page(lists[0]), until)
            else:
                await self._client.read(self._known.address, until)
        except SourceError as error:
            if lists or error.code != "SOURCE_BAD_DATA":  # 405 is an answer too
                return Health(ok=False, code=error.code)
        return Health(ok=True, ms=(time.perf_counter() - started) * 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def way_of(table: Table, keys: Sequence[Column]) -> str | None:
    """The quickest way to the rows of a key; ``None``: there is none."""
    if len(keys) == 1 and not keys[0].values:
        (key,) = keys
        if table.get_many is not None and table.get_many.key == key.name:
            return "get_many"
        if table.get is not None and table.get.key == key.name:
            return "get"
        filters: Mapping[str, Any] = table.list.filters if table.list is not None else {}
        known = filters.get(key.name)
        if known is not None and (known.in_ or known.eq):
            return "filter"
    return "list" if table.list is not None else None


def _same(address: str, origin: str) -> bool:
    try:
        return urlsplit(address)[:2] == urlsplit(origin)[:2]
    except ValueError:
        return False

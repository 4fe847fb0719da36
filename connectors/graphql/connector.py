"""Any GraphQL server, and federation subgraphs: exactly the fields that are needed, few requests.

What a server brings is checked again here, key by key and condition by condition.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from connectors.graphql.exchange import HEADERS, Exchange, Method
from connectors.graphql.fetching import Fetching
from connectors.graphql.filters import Sent, offered, once_each, split
from connectors.graphql.fitting import check_tables
from connectors.graphql.schema import Served, read_schema
from connectors.graphql.shape import shape_of
from connectors.graphql.tables import ListField, read_tables
from connectors.graphql.ways import Request, request_of, way_of
from connectors.http.client import Client
from connectors.http.credentials import credentials
from connectors.http.tls import tls_of
from connectors.spi import Ask, Batch, Call, Capabilities, Column, Health, Offer, SourceShape
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName
from schema.model.predicate import both, names_in

IN_FLIGHT = 8
PROBE_S = 5.0
SCHEMA_S = 10.0
_KNOWN = frozenset({"url", "schema", "method", "auth", "tls"})


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> GraphqlConnector:
    """A connector for one server; raises ``CONFIG_INVALID``."""
    return GraphqlConnector(decl, resolve)


class GraphqlConnector:
    """Serves what a GraphQL server gives as tables."""

    def __init__(self, decl: SourceDecl, resolve: Callable[[str], str]) -> None:
        self.name: SourceName = decl.name
        self._tables = read_tables(decl.name, decl.tables)
        self._place, method, url = _connect_of(decl, resolve)
        client = Client(
            decl.name,
            url,
            credentials(decl.connect, resolve, decl.name),
            in_flight=IN_FLIGHT,
            headers=HEADERS,
            called="connect.url",
            tls=tls_of(decl.connect, resolve, decl.name),
        )
        self._client = client
        self._exchange = Exchange(client, method)
        self._served: Served | None = None
        lists = [one.list for one in self._tables.values() if one.list is not None]
        kinds = {kind for listed in lists for kind in offered(listed)}
        most = [
            way.max
            for one in self._tables.values()
            for way in (one.get_many, one.entity, *one.through)
            if way is not None
        ]
        self.capabilities = Capabilities(
            predicates=frozenset(kinds | ({"and"} if kinds else set())),
            max_keys=max([*most, 100]),
            max_in_flight=IN_FLIGHT,
            scans=bool(lists),
        )

    async def open(self) -> None:
        """Learn the schema and hold the tables against it; raises `HubError`."""
        until = time.monotonic() + SCHEMA_S
        served = await read_schema(self._exchange, self._place, until)
        check_tables(self._tables, served)
        self._served = served

    async def discover(self) -> SourceShape:
        """Tables from the schema, with keys, filters, paging and references."""
        return shape_of(self._known)

    @property
    def _known(self) -> Served:
        if self._served is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        return self._served

    def offer(self, ask: Ask) -> Offer:
        """Keys in the ways that the table has; conjunctions of the filters that it offers."""
        table, served = self._tables.get(ask.table), self._known
        if table is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source has no such table")
        keys = tuple(ask.column(name) for name in ask.key_columns)
        way = way_of(table, keys, served)
        if way is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source cannot be read in this way")
        left = ask
        made: tuple[Sent, ...] = ()
        if not keys and isinstance(way.by, ListField):
            left, made = _split(ask, way.by, served)
        request = request_of(ask.table, table, way, _needed(ask, left, made), keys, made, served)
        exact = left.must is None and left.wish is None and not left.order and left.limit is None
        whole = exact and left.aggregate is None and not left.joins
        return Offer(handle=request, residual=None if whole else left)

    async def fetch_all(self, handle: Request, call: Call) -> Batch:
        """Ask the server; raises `SourceError`."""
        return await Fetching(self._exchange, self._known, handle, call).run()

    async def fetch(self, handle: Request, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        yield await self.fetch_all(handle, call)

    async def probe(self) -> Health:
        """Whether the server answers the smallest of questions."""
        started = time.perf_counter()
        try:
            await self._exchange.ask("{ __typename }", {}, time.monotonic() + PROBE_S)
        except SourceError as error:
            return Health(ok=False, code=error.code)
        return Health(ok=True, ms=(time.perf_counter() - started) * 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _connect_of(decl: SourceDecl, resolve: Callable[[str], str]) -> tuple[str | None, Method, str]:
    """(schema file, method, address) of ``connect``; raises ``CONFIG_INVALID``."""
    held: Mapping[str, Any] = decl.connect
    unknown = sorted(set(held) - _KNOWN)
    if unknown:
        raise HubError(
            "CONFIG_INVALID", f"a GraphQL source knows no `connect.{unknown[0]}`", where=decl.name,
            hint=f"known: {', '.join(sorted(_KNOWN))}",
        )  # fmt: skip
    url, place, method = held.get("url"), held.get("schema"), held.get("method", "POST")
    if not isinstance(url, str) or not url:
        raise HubError(
            "CONFIG_INVALID", "a GraphQL source wants `connect.url`", where=decl.name,
            hint="the address of the endpoint",
        )  # fmt: skip
    if method not in ("POST", "GET"):
        raise HubError("CONFIG_INVALID", "`connect.method` is POST or GET", where=decl.name)
    if place is not None and (not isinstance(place, str) or not place):
        raise HubError(
            "CONFIG_INVALID", "`connect.schema` is no path", where=decl.name,
            hint="name a file in GraphQL's schema language, or leave it out",
        )  # fmt: skip
    return None if place is None else resolve(place), cast(Method, method), resolve(url)


def _split(ask: Ask, listed: ListField, served: Served) -> tuple[Ask, tuple[Sent, ...]]:
    """What is left of the conditions, and those that are sent."""
    columns = {column.name: column for column in (*ask.columns, *ask.known)}
    must_sent, must_left = split(ask.must, listed, columns, served)
    wish_sent, wish_left = split(ask.wish, listed, columns, served)
    made = once_each((*must_sent, *wish_sent))
    unsent = [one.predicate for one in (*must_sent, *wish_sent) if one not in made]
    left = msgspec.structs.replace(ask, must=both(must_left, *unsent), wish=wish_left)
    return left, made


def _needed(ask: Ask, left: Ask, made: Sequence[Sent]) -> list[Column]:
    """The columns that are returned, that the residual names, or that what was sent is held to."""
    names = {*ask.key_columns, *names_in(left.must), *names_in(left.wish)}
    names |= {term.column for term in left.order}
    names |= {ours for join in left.joins for ours, _ in join.on}
    names |= {one.predicate.name for one in made}
    if left.aggregate is not None:
        measured = {one.column for one in left.aggregate.measures if one.column is not None}
        names |= measured | set(left.aggregate.group_by)
    shown = {column.name for column in ask.columns}
    return [*ask.columns, *(one for one in ask.known if one.name in names - shown)]

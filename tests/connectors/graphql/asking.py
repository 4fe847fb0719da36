"""Connectors to GraphQL servers, as fragments declare them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from connectors.graphql.connector import GraphqlConnector, connect
from connectors.kit.sample import TableData
from connectors.spi import Ask, Batch, Call, Column
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

SECRET = "s3cret-4711"
NAME = Column("name", "String")
ID = Column("id", "Int")


def connector(connected: Mapping[str, Any], tables: Mapping[str, Any]) -> GraphqlConnector:
    """A connector, not opened; `${secret}` is the secret."""
    decl = SourceDecl(
        name=SourceName("sample"),
        department=DepartmentName("test"),
        kind="graphql",
        connect=connected,
        tables=tables,
    )
    return connect(decl, lambda text: text.replace("${secret}", SECRET))


@asynccontextmanager
async def opened(connected: Mapping[str, Any], tables: Any) -> AsyncIterator[GraphqlConnector]:
    """A connector for the length of a block."""
    held = connector(connected, tables)
    try:
        await held.open()
        yield held
    finally:
        await held.close()


async def read(
    held: GraphqlConnector, *columns: Column, table: str = "things", **more: Any
) -> list[tuple[Any, ...]]:
    """What a fetch brings, without the residual."""
    call = Call(
        keys=[key if isinstance(key, tuple) else (key,) for key in more.pop("keys", ())],
        params=more.pop("params", {}),
        deadline=more.pop("deadline", float("inf")),
    )
    offer = held.offer(Ask(table=table, columns=columns, **more))
    batch: Batch = await held.fetch_all(offer.handle, call)
    return list(zip(*(batch.columns[column.name] for column in columns), strict=True))


class Sample:
    """Tables that the server serves under a name of their own."""

    def __init__(self, url: str, door: str = "plain", secret: str | None = None) -> None:
        self.root = f"{url}/{uuid.uuid4().hex}"
        self.url = f"{self.root}/{door}"
        self._secret = secret

    async def put(self, data: Sequence[TableData]) -> None:
        """Give the server the rows."""
        tables = {
            table.name: {"kinds": {c.name: c.kind for c in table.columns}, "rows": table.rows}
            for table in data
        }
        async with httpx.AsyncClient(trust_env=False) as client:
            told = await client.put(self.root, json={"secret": self._secret, "tables": tables})
            assert told.status_code == 200, told.text

    async def gone(self, *_: Any) -> None:
        """Take them away."""
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.delete(self.root)

    async def asked(self) -> list[str]:
        """The methods of the requests so far."""
        async with httpx.AsyncClient(trust_env=False) as client:
            told: list[str] = (await client.get(self.root)).json()
            return told


def loader(
    sample: Sample, connected: Mapping[str, Any], tables: Mapping[str, Any]
) -> Callable[[Sequence[TableData]], Awaitable[GraphqlConnector]]:
    """What gives the contract's tables to the server and connects to it."""

    async def make(data: Sequence[TableData]) -> GraphqlConnector:
        await sample.put(data)
        made = connector({"url": sample.url, **connected}, tables)
        await made.open()
        return made

    return make

"""Connectors to services, as fragments declare them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from connectors.kit.sample import TableData
from connectors.rest.connector import RestConnector, connect
from connectors.spi import Ask, Batch, Call, Column
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

SECRET = "s3cret-4711"
NAME = Column("name", "String")
ID = Column("id", "Int")


def connector(connected: Mapping[str, Any], tables: Mapping[str, Any]) -> RestConnector:
    """A connector, not opened; `${secret}` is the secret."""
    decl = SourceDecl(
        name=SourceName("sample"),
        department=DepartmentName("test"),
        kind="rest",
        connect=connected,
        tables=tables,
    )
    return connect(decl, lambda text: text.replace("${secret}", SECRET))


@asynccontextmanager
async def opened(connected: Mapping[str, Any], tables: Any) -> AsyncIterator[RestConnector]:
    """A connector for the length of a block."""
    held = connector(connected, tables)
    try:
        await held.open()
        yield held
    finally:
        await held.close()


async def rows(
    held: RestConnector, *columns: Column, table: str = "things", **more: Any
) -> list[tuple[Any, ...]]:
    """What a fetch brings, without the residual."""
    call = Call(
        keys=[(key,) for key in more.pop("keys", ())],
        params=more.pop("params", {}),
        deadline=more.pop("deadline", float("inf")),
    )
    offer = held.offer(Ask(table=table, columns=columns, **more))
    batch: Batch = await held.fetch_all(offer.handle, call)
    return list(zip(*(batch.columns[column.name] for column in columns), strict=True))


class Sample:
    """Tables that the service serves under a name of their own."""

    def __init__(self, url: str, able: Mapping[str, Any]) -> None:
        self.root = f"{url}/{uuid.uuid4().hex}"
        self.base = f"{self.root}/v1"
        self._able = able

    async def put(self, data: Sequence[TableData]) -> None:
        """Give the service the rows."""
        tables = {
            table.name: {"kinds": {c.name: c.kind for c in table.columns}, "rows": table.rows}
            for table in data
        }
        async with httpx.AsyncClient(trust_env=False) as client:
            told = await client.put(self.root, json={"able": self._able, "tables": tables})
            assert told.status_code == 200, told.text

    async def gone(self, *_: Any) -> None:
        """Take them away."""
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.delete(self.root)

    async def asked(self) -> list[str]:
        """The paths and queries that the service was asked for."""
        async with httpx.AsyncClient(trust_env=False) as client:
            told: list[str] = (await client.get(self.root)).json()
            return told


def loader(
    sample: Sample, connected: Mapping[str, Any], tables: Mapping[str, Any]
) -> Callable[[Sequence[TableData]], Awaitable[RestConnector]]:
    """What gives the contract's tables to the service and connects to them."""

    async def make(data: Sequence[TableData]) -> RestConnector:
        await sample.put(data)
        made = connector({"base": sample.base, **connected}, tables)
        await made.open()
        return made

    return make

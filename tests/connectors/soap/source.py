"""Connectors to SOAP services, as fragments declare them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from connectors.soap.connector import SoapConnector, connect
from connectors.spi import Ask, Batch, Call, Column
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName
from tests.connectors.rest.source import SECRET, Sample

ID = Column("id", "Int")
NAME = Column("name", "String")


def connector(connected: Mapping[str, Any], tables: Mapping[str, Any]) -> SoapConnector:
    """A connector, not opened; `${secret}` is the secret."""
    decl = SourceDecl(
        name=SourceName("sample"),
        department=DepartmentName("test"),
        kind="soap",
        connect=connected,
        tables=tables,
    )
    return connect(decl, lambda text: text.replace("${secret}", SECRET))


@asynccontextmanager
async def opened(
    connected: Mapping[str, Any], tables: Mapping[str, Any]
) -> AsyncIterator[SoapConnector]:
    """A connector for the length of a block."""
    held = connector(connected, tables)
    try:
        await held.open()
        yield held
    finally:
        await held.close()


async def rows(
    held: SoapConnector, *columns: Column, table: str = "things", **more: Any
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


class SoapSample(Sample):
    """Tables that the service serves under a name of their own."""

    @property
    def wsdl(self) -> str:
        """The address of the WSDL."""
        return f"{self.base}?wsdl"

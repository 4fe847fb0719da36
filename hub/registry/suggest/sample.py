"""A few rows of each table, read through the connector within limits and kept nowhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from connectors.spi import Ask, Call, Column, Connector, ShapeTable, SourceShape
from schema.errors import HubError

log = structlog.get_logger("hub.sources")

ROWS = 200
TABLES = 500
COLUMNS = 300
SECONDS = 30.0
"""For the whole source; tables that are not reached are not sampled."""
_LONGEST = 200
"""Characters of a value that are looked at; longer ones are texts that no form fits."""

Samples = Mapping[str, Mapping[str, Sequence[Any]]]
"""Table -> column -> values."""


async def sampled(connector: Connector, shape: SourceShape, *, rows: int = ROWS) -> Samples:
    """Up to `rows` rows of every table that can be read whole; a table that cannot is left out."""
    until = time.monotonic() + SECONDS
    found: dict[str, Mapping[str, Sequence[Any]]] = {}
    for table in shape.tables[:TABLES]:
        if table.elsewhere or time.monotonic() >= until:
            continue
        try:
            found[table.name] = await _rows(connector, table, rows, until)
        except HubError as error:
            # what cannot be sampled is judged by its names alone
            log.info("source.not_sampled", code=error.code)
    return found


async def _rows(
    connector: Connector, table: ShapeTable, rows: int, until: float
) -> Mapping[str, Sequence[Any]]:
    columns = tuple(
        Column(one.name, one.kind) for one in table.columns[:COLUMNS] if not one.elsewhere
    )
    if not columns or not connector.capabilities.scans:
        return {}
    offer = connector.offer(Ask(table=table.name, columns=columns, limit=rows))
    if offer.residual is not None and offer.residual.limit is not None:
        return {}  # it would send the whole table
    found: dict[str, list[Any]] = {column.name: [] for column in columns}
    async for batch in connector.fetch(offer.handle, Call(deadline=until)):
        for name, values in found.items():
            values += [_short(value) for value in batch.columns.get(name, ())[: rows - len(values)]]
    return found


def _short(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value

"""A stream's latest values keep every law of the connector SPI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors import contract
from connectors.kit.sample import TableData
from connectors.spi import Connector
from tests.connectors.stream.jetstream import Server, client_of, connector, served, structured


async def loaded(server: Server, data: Sequence[TableData]) -> Connector:
    """Every row as an event, after one that is overtaken and beside one that is taken back."""
    tables: dict[str, Any] = {}
    async with client_of(server) as client:
        stream = client.jetstream()
        for table in data:
            await stream.add_stream(name=table.name, subjects=[f"{table.name}.>"])
            (key, *_) = (column.name for column in table.columns)
            tables[table.name] = {"stream": table.name, "key": [key]}
            gone = {**table.rows[0], key: 999_999}
            events = [("row.made", {key: table.rows[0][key]}), ("row.made", gone)]
            events += [("row.changed", dict(row)) for row in table.rows]
            events.append(("row.deleted", {key: 999_999}))
            for kind, row in events:
                await stream.publish(f"{table.name}.all", structured(kind, row))
    made = connector(server, tables, max_silence=600)  # a busy test hears nothing meanwhile
    await made.open()
    return made


@pytest.mark.asyncio
async def test_the_laws(tmp_path: Path) -> None:
    async with served(tmp_path) as server:

        async def make(data: Sequence[TableData]) -> Connector:
            json.dumps([dict(row) for table in data for row in table.rows])  # can be sent
            return await loaded(server, data)

        report = await contract.check(make, contract.Setting(asks=150, secret=(server.url,)))
    assert report.ok, report

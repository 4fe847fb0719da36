"""A hub over SQLite, asked by another: the connector keeps every law."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors import contract
from connectors.hub.connector import HubConnector
from connectors.kit.sample import TableData
from connectors.spi import Asker, Batch, Call
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName
from schema.model.subject import Subject
from tests.hub.links.hubs import Site, link_key

NATIVE = {
    "ID": "VARCHAR(40)", "String": "TEXT", "Int": "INTEGER", "BigInt": "BIGINT", "Float": "REAL",
    "Decimal": "NUMERIC(12,2)", "Boolean": "BOOLEAN", "Date": "DATE",
    "LocalDateTime": "DATETIME", "DateTime": "TIMESTAMPTZ", "Time": "TIME",
}  # fmt: skip
ANN = Asker(
    subject=Subject(id="app:desk", app="desk", clearance={"plain": "restricted"}),
    trace="0af7651916cd43dd8448eb211c80319c",
    hubs=("city",),
)


class AsAnn(HubConnector):
    """Every call is Ann's, as the hub's own calls are somebody's."""

    async def fetch_all(self, handle: Any, call: Call) -> Batch:
        return await super().fetch_all(handle, msgspec.structs.replace(call, asker=ANN))

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        yield await self.fetch_all(handle, call)


def field(column: str) -> str:
    """No field of a hub is called `id`: that is the opaque one."""
    return "number" if column == "id" else column


def write(file: Path, data: Sequence[TableData]) -> None:
    connection = sqlite3.connect(file)
    for table in data:
        columns = ", ".join(f'"{c.name}" {NATIVE[c.kind]}' for c in table.columns)
        connection.execute(f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY (id))')
        names = [column.name for column in table.columns]
        kinds = {column.name: column.kind for column in table.columns}
        marks = ", ".join("?" for _ in names)
        rows = [[stored(kinds[name], row[name]) for name in names] for row in table.rows]
        connection.executemany(f'INSERT INTO "{table.name}" VALUES ({marks})', rows)  # noqa: S608
    connection.commit()
    connection.close()


def stored(kind: str, value: Any) -> Any:
    if value is None or kind not in ("BigInt", "Decimal"):
        return value
    return int(value) if kind == "BigInt" else float(value)


def lower(home: Path, data: Sequence[TableData], keys: Path) -> Site:
    """The hub that is asked."""
    site = Site(
        home,
        "county",
        links=[{"name": "city", "keys": str(keys), "ceiling": {"plain": "restricted"}}],
    )
    write(site.home / "things.sqlite", data)
    site.fragment(
        "things",
        {
            "hub": 1,
            "source": {
                "name": "things",
                "department": "works",
                "kind": "sql",
                "connect": {"url": f"sqlite:///{site.home / 'things.sqlite'}"},
            },
            "types": {
                table.name: {
                    "plural": f"{table.name}All",
                    "singular": f"{table.name}One",
                    "key": ["number"],
                    "from": {"table": table.name},
                    "label": "internal",
                    "share": "unconditional",
                    "fields": {
                        field(column.name): {"type": column.kind, "column": column.name}
                        for column in table.columns
                    },
                }
                for table in data
            },
        },
    )
    site.rule("open", subjects={"link": "city"}, resources={"types": ["*"]})
    return site


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


async def holds(home: Path, stack: ExitStack, asks: int) -> None:
    private, public = link_key(home, "city")
    down = ExitStack()
    stack.push(down)
    sites: list[Site] = []

    async def make(data: Sequence[TableData]) -> HubConnector:
        site = lower(home, data, public)
        sites.append(site)
        down.enter_context(site.serving())
        decl = SourceDecl(
            name=SourceName("county"),
            department=DepartmentName("county"),
            kind="hub",
            connect={
                "url": site.url, "hub": "county", "as": "city", "key": private.read_text(),
                "page": 40,
            },
            tables={
                table.name: {"plural": f"{table.name}All", "fields": {"id": "number"}}
                for table in data
            },
        )  # fmt: skip
        made = AsAnn(decl, lambda text: text)
        await made.open()
        return made

    async def gone(_: Any) -> None:
        down.close()

    report = await contract.check(
        make, contract.Setting(asks=asks, secret=(private.read_text(), "127.0.0.1"), fail=gone)
    )
    # the one column that a hub's face cannot have is drafted under its field's name
    wrong = [one for one in report.failures if one.check != "discovered"]
    assert not wrong, wrong
    assert not any("Traceback" in (site.home / "log.txt").read_text() for site in sites)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_laws(tmp_path: Path, stack: ExitStack) -> None:
    await holds(tmp_path, stack, 100)

"""The contract's data set as real files, and connectors to them."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files.connector import FilesConnector, connect
from connectors.kit.sample import TableData
from connectors.spi import Ask, Batch, Call, Column
from schema.errors import HubError
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

_ARROW: Mapping[str, Any] = {
    "ID": pa.string(), "String": pa.string(), "Int": pa.int32(), "BigInt": pa.int64(),
    "Float": pa.float64(), "Decimal": pa.decimal128(12, 2), "Boolean": pa.bool_(),
    "Date": pa.date32(), "LocalDateTime": pa.timestamp("us"),
    "DateTime": pa.timestamp("us", tz="Asia/Shanghai"), "Time": pa.time64("us"),
}  # fmt: skip
_PYTHON: Mapping[str, Callable[[Any], Any]] = {
    "BigInt": int, "Decimal": Decimal, "Date": dt.date.fromisoformat,
    "LocalDateTime": dt.datetime.fromisoformat, "DateTime": dt.datetime.fromisoformat,
    "Time": dt.time.fromisoformat,
}  # fmt: skip


def connector(path: Path, tables: Mapping[str, Any] | None = None, **more: Any) -> FilesConnector:
    """A connector, not opened."""
    return connector_of({"path": str(path), **more}, tables or {})


def connector_of(connected: Mapping[str, Any], tables: Mapping[str, Any]) -> FilesConnector:
    """A connector as a fragment declares it, not opened."""
    decl = SourceDecl(
        name=SourceName("sample"),
        department=DepartmentName("test"),
        kind="files",
        connect=connected,
        tables=tables,
    )
    return connect(decl, lambda text: text)


def write_csv(
    path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], encoding: str = "utf-8"
) -> None:
    """Every text quoted, nulls bare, as `tables` says."""

    def cell(value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return '"' + value.replace('"', '""') + '"'
        return str(value)

    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out).writerow(columns)
        out.writelines(",".join(cell(row[name]) for name in columns) + "\r\n" for row in rows)


def write_parquet(path: Path, table: TableData) -> None:
    """Each kind in its natural type."""
    made = {}
    for column in table.columns:
        turn = _PYTHON.get(column.kind, lambda value: value)
        values = [None if row[column.name] is None else turn(row[column.name])
                  for row in table.rows]  # fmt: skip
        made[column.name] = pa.array(values, _ARROW[column.kind])
    pq.write_table(pa.table(made), path, row_group_size=32)


def write_records(path: Path, table: TableData) -> None:
    """An object a line: numbers as numbers, nulls left out in every other row."""
    numbers = {c.name for c in table.columns if c.kind in ("BigInt", "Decimal") and not c.values}
    with path.open("w", encoding="utf-8") as out:
        for place, row in enumerate(table.rows):
            cells = [
                f"{json.dumps(name)}: {value if name in numbers else json.dumps(value)}"
                for name, value in row.items()
                if value is not None or place % 2
            ]
            out.write("{" + ", ".join(cells).replace(": None", ": null") + "}\n")


def write_excel(path: Path, table: TableData) -> None:
    """Numbers, dates and times as Excel has them where it can hold them; else text."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.append([column.name for column in table.columns])
    for row in table.rows:
        cells = []
        for column in table.columns:
            value = row[column.name]
            if value is not None and column.kind == "Time" and "." not in value:
                value = dt.time.fromisoformat(value)
            if value is not None and column.kind == "Date" and value > "1970":
                value = dt.date.fromisoformat(value)
            if isinstance(value, str) and value.startswith("="):
                value = f"'{value}"
            cells.append(value)
        sheet.append(cells)
    book.save(path)


def loader(folder: Path, kind: str) -> Callable[[Sequence[TableData]], Awaitable[FilesConnector]]:
    """What writes the contract's tables and connects to them."""

    async def make(data: Sequence[TableData]) -> FilesConnector:
        tables: dict[str, Any] = {}
        for table in data:
            path = folder / f"{table.name}.{'xlsx' if kind == 'excel' else kind}"
            if kind == "csv":
                write_csv(path, table.rows, [column.name for column in table.columns])
            elif kind == "gb18030":
                write_csv(path, table.rows, [c.name for c in table.columns], encoding=kind)
                tables[table.name] = {"path": path.name, "format": "csv", "encoding": kind}
            elif kind == "parquet":
                write_parquet(path, table)
            elif kind == "jsonl":
                write_records(path, table)
            else:
                write_excel(path, table)
        made = connector(folder, tables)
        await made.open()
        return made

    return make


@asynccontextmanager
async def opened(path: Path, tables: Any = None, **more: Any) -> AsyncIterator[FilesConnector]:
    held = connector(path, tables, **more)
    await held.open()
    try:
        yield held
    finally:
        await held.close()


async def rows(held: FilesConnector, table: str, *columns: Column, **more: Any) -> Batch:
    params = more.pop("params", {})
    offer = held.offer(Ask(table=table, columns=columns, **more))
    assert offer.residual is None
    return await held.fetch_all(offer.handle, Call(params=params))


async def failure(held: FilesConnector, table: str, *columns: Column, **more: Any) -> HubError:
    with pytest.raises(HubError) as raised:
        await rows(held, table, *columns, **more)
    return raised.value


def columns(batch: Batch) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in batch.columns.items()}


TEXT, NUMBER = Column("name", "String"), Column("n", "Int")


def book(path: Path, lines: Sequence[Sequence[Any]], *more: str) -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.title = "first"
    for line in lines:
        made.active.append(list(line))
    for name in more:
        made.create_sheet(name).append(["n"])
        made[name].append([1])
    made.save(path)

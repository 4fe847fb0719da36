"""What a service sent as rows, and rows as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.http.rows import bad, values_of
from connectors.rest.tables import MISSING, found_at
from connectors.spi import Batch, Column

Row = Mapping[str, Any]


def items_of(body: Any, at: str) -> list[Row]:
    """The objects of the array at a pointer; null is an empty one."""
    items = found_at(body, at)
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(row, dict) for row in items):
        raise bad("the source sent no list of objects", "compare `items` with what it sends")
    return items


def batch_of(columns: Sequence[Column], rows: Sequence[Row]) -> Batch:
    """Canonical columns; a property that is absent is null."""
    held = {}
    for column in columns:
        if column.name.startswith("/"):
            values = [_present(found_at(row, column.name)) for row in rows]
        else:
            values = [row.get(column.name) for row in rows]
        held[column.name] = values_of(values, column)
    return Batch(held, len(rows))


def _present(value: Any) -> Any:
    return None if value is MISSING else value

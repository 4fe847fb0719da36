"""Writing an Ask's document from rows: what a document means, as `connectors.memory` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.spi import (
    DOCUMENT,
    Batch,
    Constant,
    Document,
    FromColumn,
    FromJoin,
    rows_column,
)
from schema.model.predicate import Param

Counts = dict[tuple[str, ...], list[int]]


def written(batch: Batch, document: Document, params: Mapping[str, Any]) -> Batch:
    """The rows of a batch as documents; joins stand nested in the batch.

    Cost: an object per row; connectors that claim documents have the source build the text.
    """
    objects, counts = _objects(batch, document, params)
    columns: dict[str, Sequence[Any]] = {name: batch.columns[name] for name in document.keeps}
    columns[DOCUMENT] = [orjson.dumps(one).decode() for one in objects]
    columns |= {rows_column(path): held for path, held in counts.items()}
    return Batch(columns, batch.rows, batch.as_of)


def count_columns(document: Document) -> list[str]:
    """The columns that count rows, those of a join before those of the joins below it."""
    return [rows_column(path) for path, _ in joins_in(document)]


def joins_in(
    document: Document, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], FromJoin]]:
    """Every join written in a document with its path, a join before those below it."""
    found = []
    for _, entry in document.entries:
        if isinstance(entry, FromJoin):
            found.append(((*path, entry.join), entry))
            found += joins_in(entry.document, (*path, entry.join))
    return found


def _objects(
    batch: Batch, document: Document, params: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], Counts]:
    columns: list[Sequence[Any]] = []
    counts: Counts = {}
    for _, entry in document.entries:
        match entry:
            case Constant(value=value):
                columns.append([value] * batch.rows)
            case FromColumn(column=name):
                columns.append(batch.columns[name])
            case FromJoin():
                values, below = _joined(batch, entry, params)
                columns.append(values)
                counts |= below
    keys = [key for key, _ in document.entries]
    rows = zip(*columns, strict=True) if columns else [()] * batch.rows
    return [dict(zip(keys, row, strict=True)) for row in rows], counts


def _joined(batch: Batch, entry: FromJoin, params: Mapping[str, Any]) -> tuple[list[Any], Counts]:
    held = batch.nested[entry.join]
    objects, below = _objects(held.batch, entry.document, params)
    show = params[entry.show.name] if isinstance(entry.show, Param) else entry.show
    ends = zip(held.offsets[:-1], held.offsets[1:], strict=True)
    groups = [range(start, end)[:show] for start, end in ends]
    counts: Counts = {(entry.join,): [len(group) for group in groups]}
    for path, column in below.items():
        counts[(entry.join, *path)] = [sum([column[row] for row in group]) for group in groups]
    return [_value([objects[row] for row in group], entry) for group in groups], counts


def _value(rows: list[dict[str, Any]], entry: FromJoin) -> Any:
    if entry.form == "one":
        return rows[0] if rows else None
    shown = rows[::-1] if entry.backward else rows
    if entry.form == "list":
        return shown
    return {key: shown if held is None else held.value for key, held in entry.around}

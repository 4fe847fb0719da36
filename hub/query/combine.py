"""Combining batches: cutting, joining by key and masking, column by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.kit.document import count_columns
from connectors.kit.local import compile_predicate
from connectors.spi import DOCUMENT, Ask, Batch, Nested
from hub.query.keys import Keyring, scope_param
from hub.query.steps import Output
from policies.masks.keyed import Keyed
from policies.ruling import Allow, FieldError, Masked, MaskFunction, Null, Rowwise
from schema.errors import HubError

Columns = Mapping[str, Sequence[Any]]
_encode = msgspec.json.Encoder().encode
MaskColumn = Callable[[Columns, int, Mapping[str, Any]], Sequence[Any]]


def empty_batch(ask: Ask) -> Batch:
    """No rows, with every column and join that the Ask names, or with those of its document."""
    if ask.document is not None:
        names = (*ask.document.keeps, DOCUMENT, *count_columns(ask.document))
        return Batch(dict.fromkeys(names, ()), 0)
    nested = {join.name: Nested(empty_batch(join.ask), (0,)) for join in ask.joins}
    return Batch({column.name: () for column in ask.columns}, 0, nested=nested)


def take(batch: Batch, rows: Sequence[int]) -> Batch:
    """These rows, in this order, with their nested rows."""
    columns = {name: [column[i] for i in rows] for name, column in batch.columns.items()}
    nested = {}
    for name, held in batch.nested.items():
        offsets = [0]
        kept: list[int] = []
        for i in rows:
            kept.extend(range(held.offsets[i], held.offsets[i + 1]))
            offsets.append(len(kept))
        nested[name] = Nested(take(held.batch, kept), offsets)
    return Batch(columns, len(rows), batch.as_of, nested)


def head(batch: Batch, rows: int) -> Batch:
    """The first rows."""
    if batch.rows <= rows:
        return batch
    columns = {name: column[:rows] for name, column in batch.columns.items()}
    nested = {
        name: Nested(head(held.batch, held.offsets[rows]), held.offsets[: rows + 1])
        for name, held in batch.nested.items()
    }
    return Batch(columns, rows, batch.as_of, nested)


def reverse(batch: Batch) -> Batch:
    """Rows in the opposite order; nested rows keep theirs."""
    if not batch.nested:
        columns = {name: column[::-1] for name, column in batch.columns.items()}
        return Batch(columns, batch.rows, batch.as_of)
    return take(batch, range(batch.rows - 1, -1, -1))


def concat(batches: Sequence[Batch]) -> Batch:
    """The rows of all batches, one after the other."""
    if len(batches) == 1:
        return batches[0]
    first = batches[0]
    columns = {
        name: [value for batch in batches for value in batch.columns[name]]
        for name in first.columns
    }
    nested = {}
    for name in first.nested:
        offsets, shift = [0], 0
        for batch in batches:
            held = batch.nested[name]
            offsets.extend(shift + offset for offset in held.offsets[1:])
            shift += held.batch.rows
        nested[name] = Nested(concat([b.nested[name].batch for b in batches]), offsets)
    as_of = min(batch.as_of for batch in batches)
    return Batch(columns, sum(batch.rows for batch in batches), as_of, nested)


def key_column(columns: Columns, names: Sequence[str]) -> Sequence[Any]:
    """One value per row that identifies the row's key: the value itself for one column, a tuple
    for several, ``None`` where a part is null."""
    if len(names) == 1:
        return columns[names[0]]
    rows = zip(*(columns[name] for name in names), strict=True)
    return [None if None in row else row for row in rows]


def distinct_keys(values: Sequence[Any], single: bool) -> list[tuple[Any, ...]]:
    """The keys to fetch: no duplicates, no nulls."""
    found = dict.fromkeys(values)
    found.pop(None, None)
    return [(value,) for value in found] if single else list(found)


def first_by_key(keys: Sequence[Any], values: Sequence[Any]) -> dict[Any, Any]:
    """Key -> value of its first row."""
    found = dict(zip(keys, values, strict=True))
    if len(found) != len(keys):
        found.update(zip(reversed(keys), reversed(values), strict=True))
    return found


def rows_by_key(keys: Sequence[Any]) -> dict[Any, list[int]]:
    """Key -> its rows' numbers, in order."""
    found: dict[Any, list[int]] = {}
    for row, key in enumerate(keys):
        held = found.get(key)
        if held is None:
            found[key] = [row]
        else:
            held.append(row)
    return found


def mask_column(
    output: Output, masks: Mapping[str, MaskFunction], keys: Keyring | None = None
) -> MaskColumn:
    """The Mask step of one output, compiled; an unknown mask refuses the plan."""
    name = output.column
    match output.outcome:
        case Allow():
            return lambda columns, _rows, _params: columns[name]
        case Null() | FieldError():
            return lambda _columns, rows, _params: [None] * rows
        case Masked():
            return _masked(output, output.outcome, masks, keys)
        case Rowwise():
            return _rowwise(output, masks, keys)


def _masked(
    output: Output, outcome: Masked, masks: Mapping[str, MaskFunction], keys: Keyring | None
) -> MaskColumn:
    function, name = masks.get(outcome.mask), output.column
    if function is None:
        # fails closed: a mask that the hub cannot carry out
        raise HubError("INTERNAL", f"unknown mask `{outcome.mask}`")
    settings = dict(outcome.params)
    if isinstance(function, Keyed):
        return _keyed(output, function, settings, keys)

    def apply(columns: Columns, _rows: int, _params: Mapping[str, Any]) -> Sequence[Any]:
        return function.apply(columns[name], settings)

    return apply


def _keyed(
    output: Output, mask: Keyed, settings: Mapping[str, str | int], keys: Keyring | None
) -> MaskColumn:
    """A mask under a key of the request's scope; without one it shows nothing."""
    name, need = output.column, mask.need(settings)
    if need is not None and need.domain is None:
        need = msgspec.structs.replace(need, domain=output.coordinate)
    bound = need is not None and need.scope not in ("hub", "grant")
    scope = "" if need is None else scope_param(need.scope)

    def apply(columns: Columns, _rows: int, params: Mapping[str, Any]) -> Sequence[Any]:
        mac = None
        if need is not None and keys is not None:
            wanted = msgspec.structs.replace(need, value=params.get(scope)) if bound else need
            mac = keys.mac(wanted)
        if mac is None:
            return mask.apply(columns[name], settings)  # fails closed: nobody's key
        cells = _cells(columns, output.cell) if mask.by_cell else ()
        return mask.conceal(columns[name], settings, mac, cells)

    return apply


def _cells(columns: Columns, key: Sequence[str]) -> list[bytes | None]:
    """What names each row's entity; ``None`` where the key is not whole."""
    rows = zip(*(columns[name] for name in key), strict=True)
    return [None if None in row else _encode(row) for row in rows]


def _rowwise(output: Output, masks: Mapping[str, MaskFunction], keys: Keyring | None) -> MaskColumn:
    assert isinstance(output.outcome, Rowwise)  # noqa: S101 - invariant: called for Rowwise only
    cases = []
    for predicate, outcome in output.outcome.cases:
        cell = msgspec.structs.replace(output, outcome=outcome)
        cases.append((compile_predicate(predicate), mask_column(cell, masks, keys)))

    def apply(columns: Columns, rows: int, params: Mapping[str, Any]) -> Sequence[Any]:
        values: list[Any] = [None] * rows
        open_rows = [True] * rows
        for condition, cell in cases:
            shown = cell(columns, rows, params)
            for row, held in enumerate(condition(columns, rows, params)):
                if held and open_rows[row]:
                    values[row] = shown[row]
                    open_rows[row] = False
        return values

    return apply

"""Whether two answers to one Ask agree, told without values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.kit.document import count_columns
from connectors.kit.local import key_turn
from connectors.spi import DOCUMENT, Ask, Batch, Constant, Document, FromColumn
from schema.model.scalar import order_key

_NEAR = 1e-9
"""Relative difference that sums of floats may have."""


def differs(ask: Ask, got: Batch, wanted: Batch) -> str:
    """How two answers to an Ask differ, without values; empty when they do not.

    Rows are compared in order where the Ask orders them (per key, when keyed), else as a set.
    Decimals are compared by value, sums of floats nearly; documents as JSON values with their
    keys in order.
    """
    if ask.document is not None:
        missing = [name for name in _document_columns(ask.document) if name not in got.columns]
        if missing:
            return f"no column `{missing[0]}`"
        got, wanted = _read(ask, ask.document, got), _read(ask, ask.document, wanted)
        ask = _as_rows(ask, ask.document)
    kinds = {column.name: column.kind for column in (*ask.columns, *ask.known)}
    names = [column.name for column in ask.columns]
    near: frozenset[str] = frozenset()
    if ask.aggregate is not None:
        names = [*ask.aggregate.group_by, *(m.name for m in ask.aggregate.measures)]
        for measure in ask.aggregate.measures:
            kinds.pop(measure.name, None)
            if measure.column is not None and measure.function in ("min", "max", "sum"):
                kinds[measure.name] = kinds[measure.column]
        near = frozenset(
            m.name for m in ask.aggregate.measures
            if m.function == "sum" and kinds[m.column or ""] == "Float"
        )  # fmt: skip
    if got.rows != wanted.rows:
        return f"{got.rows} rows, not {wanted.rows}"
    missing = [name for name in names if name not in got.columns]
    if missing:
        return f"no column `{missing[0]}`"
    for name in (join.name for join in ask.joins):
        if (name in got.nested) != (name in wanted.nested):
            return f"join `{name}` is missing"
    left = _lines(ask, got, names, kinds)
    right = _lines(ask, wanted, names, kinds)
    for name, mine, theirs in zip(names, zip(*left, strict=True), zip(*right, strict=True),
                                  strict=False):  # fmt: skip
        if name in near:
            if not all(map(_nearly, mine, theirs)):
                return f"column `{name}` differs"
        elif mine != theirs:
            return f"column `{name}` differs"
    return "" if near or left == right else "rows or nested rows differ"


def _document_columns(document: Document) -> list[str]:
    return [*document.keeps, DOCUMENT, *count_columns(document)]


def _as_rows(ask: Ask, document: Document) -> Ask:
    """An Ask whose columns are those of a document's batch."""
    kinds = {column.name: column for column in (*ask.columns, *ask.known)}
    columns = tuple(
        kinds.get(name) or msgspec.structs.replace(ask.columns[0], name=name, kind="JSON")
        for name in _document_columns(document)
    )
    return msgspec.structs.replace(ask, columns=columns, joins=(), document=None)


def _read(ask: Ask, document: Document, batch: Batch) -> Batch:
    """The batch with comparable values in place of texts."""
    whole = [json.loads(text, object_pairs_hook=list) for text in batch.columns[DOCUMENT]]
    columns = {**batch.columns, DOCUMENT: [_comparable(one, ask, document) for one in whole]}
    return Batch(columns, batch.rows)


def _comparable(pairs: Any, ask: Ask, document: Document) -> Any:
    """Decimals by value, numbers apart from truth values, one shape for what should be equal."""
    if not isinstance(pairs, list) or len(pairs) != len(document.entries):
        return ("odd", repr(pairs))
    made: list[Any] = []
    for (key, value), (_, entry) in zip(pairs, document.entries, strict=True):
        if isinstance(entry, Constant):
            made.append((key, value))
        elif isinstance(entry, FromColumn):
            kind = ask.column(entry.column).kind
            if kind == "Decimal" and isinstance(value, str):
                value = order_key("Decimal")(value).normalize()
            made.append((key, "number" if type(value) in (int, float) else type(value), value))
        else:
            child = next(join.ask for join in ask.joins if join.name == entry.join)
            inner = entry.document
            if entry.form == "one":
                made.append((key, value and _comparable(value, child, inner)))
            elif entry.form == "list":
                made.append((key, [_comparable(one, child, inner) for one in value]))
            else:
                made.append((key, [
                    (name, [_comparable(one, child, inner) for one in held]
                     if place is None else held)
                    for (name, held), (_, place) in zip(value, entry.around, strict=True)
                ]))  # fmt: skip
    return made


def _nearly(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool(abs(one - other) <= _NEAR * max(1.0, abs(one), abs(other)))


def _lines(
    ask: Ask, batch: Batch, names: Sequence[str], kinds: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Rows as comparable tuples, in the order that counts."""
    made = _raw(ask, batch, names, kinds)
    if ask.aggregate is not None or (ask.order and not ask.key_columns):
        return made
    if not ask.order or not all(name in batch.columns for name in ask.key_columns):
        return sorted(made, key=repr)
    turn = key_turn([kinds[name] for name in ask.key_columns])
    places = zip(*(batch.columns[name] for name in ask.key_columns), strict=True)
    marked = [repr(turn(place)) for place in places]
    return [row for _, row in sorted(zip(marked, made, strict=True), key=lambda pair: pair[0])]


def _raw(
    ask: Ask, batch: Batch, names: Sequence[str], kinds: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Rows as comparable tuples, nested rows in them."""
    columns: list[Sequence[Any]] = []
    for name in names:
        column, kind = batch.columns[name], kinds.get(name)
        if kind == "Decimal":
            turn = order_key("Decimal")
            columns.append([None if v is None else turn(v).normalize() for v in column])
        elif kind == "Float":
            columns.append([None if v is None else v + 0.0 for v in column])
        else:
            columns.append([(type(v).__name__, v) if isinstance(v, bool) else v for v in column])
    for join in ask.joins:
        held = batch.nested.get(join.name)
        if held is None:
            continue
        theirs = {column.name: column.kind for column in join.ask.columns}
        rows, offsets = _raw(join.ask, held.batch, list(theirs), theirs), held.offsets
        groups = [rows[offsets[i] : offsets[i + 1]] for i in range(batch.rows)]
        if not join.ask.order:
            groups = [sorted(group, key=repr) for group in groups]
        columns.append(groups)
    return list(zip(*columns, strict=True)) if columns else [()] * batch.rows

"""Carrying out a residual on a Batch: filter, order, cut, aggregate. Column by column."""

from __future__ import annotations

import decimal
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, assert_never

from connectors.kit.blind import with_digests
from connectors.kit.document import written
from connectors.spi import Ask, Batch, Measure, Nested, OrderBy
from schema.errors import HubError, SourceError
from schema.model.predicate import (
    Always,
    And,
    Compare,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    Related,
    value_of,
)
from schema.model.scalar import PLAIN_ORDER, ScalarKind, order_key

Columns = Mapping[str, Sequence[Any]]
Keep = Callable[[Columns, int, Mapping[str, Any]], list[bool]]
"""(columns, rows, params) -> for each row whether it is kept."""

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_EXACT = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


def compile_predicate(predicate: Predicate) -> Keep:
    """A function (columns, rows, params) -> for each row whether the predicate is TRUE.

    Equal to `schema.model.predicate.evaluate` row by row. Raises: ``KeyError`` for an unbound
    param or unknown column when run (fails closed).
    Cost: a C-level pass per condition for kinds that compare as they are.
    """
    return _where(predicate, True)


def _where(predicate: Predicate, wanted: bool) -> Keep:
    """Rows where the predicate is exactly `wanted`: Kleene's logic as two two-valued questions."""
    match predicate:
        case Always(value=value):
            return lambda _columns, rows, _params: [value is wanted] * rows
        case IsNull(name=name) if wanted:
            return lambda columns, _rows, _params: [v is None for v in columns[name]]
        case IsNull(name=name):
            return lambda columns, _rows, _params: [v is not None for v in columns[name]]
        case Compare():
            return _comparison(predicate, wanted)
        case In():
            return _membership(predicate, wanted)
        case InKeys():
            return _keys(predicate, wanted)
        case And(parts=parts):
            return _all([_where(p, True) for p in parts]) if wanted else _any(
                [_where(p, False) for p in parts]
            )  # fmt: skip
        case Or(parts=parts):
            return _any([_where(p, True) for p in parts]) if wanted else _all(
                [_where(p, False) for p in parts]
            )  # fmt: skip
        case Not(part=part):
            return _where(part, not wanted)
        case Related():
            raise HubError("INTERNAL", "a condition on related rows must be planned first")
        case _:
            assert_never(predicate)


def _comparison(predicate: Compare, wanted: bool) -> Keep:
    name, op, kind = predicate.name, predicate.op, predicate.kind
    if op in ("prefix", "contains"):
        return _text_search(predicate, wanted)
    compare = _OPERATORS[op]
    key = order_key(kind)
    plain = kind in PLAIN_ORDER

    def keep(columns: Columns, rows: int, params: Mapping[str, Any]) -> list[bool]:
        column, other = columns[name], value_of(predicate.operand, params)
        if other is None:
            return [False] * rows
        if plain and op == "eq" and wanted:
            return [v == other for v in column]
        if plain:
            return [v is not None and compare(v, other) is wanted for v in column]
        other = key(other)
        return [v is not None and compare(key(v), other) is wanted for v in column]

    return keep


def _text_search(predicate: Compare, wanted: bool) -> Keep:
    name, prefix = predicate.name, predicate.op == "prefix"

    def keep(columns: Columns, rows: int, params: Mapping[str, Any]) -> list[bool]:
        column, other = columns[name], value_of(predicate.operand, params)
        if other is None:
            return [False] * rows
        text = str(other)
        if prefix:
            return [v is not None and str(v).startswith(text) is wanted for v in column]
        return [v is not None and (text in str(v)) is wanted for v in column]

    return keep


def _membership(predicate: In, wanted: bool) -> Keep:
    name, key = predicate.name, order_key(predicate.kind)
    plain = predicate.kind in PLAIN_ORDER

    def keep(columns: Columns, rows: int, params: Mapping[str, Any]) -> list[bool]:
        column, held = columns[name], predicate.operands
        values = (
            params[held.name] if isinstance(held, Param) else [value_of(o, params) for o in held]
        )
        known = {key(value) for value in values if value is not None}
        if not wanted and any(value is None for value in values):
            return [False] * rows
        if plain:
            return [v is not None and (v in known) is wanted for v in column]
        return [v is not None and (key(v) in known) is wanted for v in column]

    return keep


def _keys(predicate: InKeys, wanted: bool) -> Keep:
    turn = key_turn(predicate.kinds)

    def keep(columns: Columns, rows: int, params: Mapping[str, Any]) -> list[bool]:
        known = {turn(key) for key in params[predicate.keys.name]}
        if not predicate.names:
            return [bool(known) is wanted] * rows
        held = zip(*(columns[name] for name in predicate.names), strict=True)
        return [(None not in row and turn(row) in known) is wanted for row in held]

    return keep


def key_turn(kinds: Sequence[ScalarKind]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """A function from a key without nulls to a hashable value, equal for equal keys."""
    if all(kind in PLAIN_ORDER for kind in kinds):
        return tuple
    turns = [order_key(kind) for kind in kinds]
    return lambda key: tuple([one(part) for one, part in zip(turns, key, strict=True)])


def _all(parts: Sequence[Keep]) -> Keep:
    if len(parts) == 1:
        return parts[0]

    def keep(columns: Columns, rows: int, params: Mapping[str, Any]) -> list[bool]:
        held = [part(columns, rows, params) for part in parts]
        return [all(row) for row in zip(*held, strict=True)] if held else [True] * rows

    return keep


def _any(parts: Sequence[Keep]) -> Keep:
    if len(parts) == 1:
        return parts[0]

    def keep(columns: Columns, rows: int, params: Mapping[str, Any]) -> list[bool]:
        held = [part(columns, rows, params) for part in parts]
        return [any(row) for row in zip(*held, strict=True)] if held else [False] * rows

    return keep


def apply(
    batch: Batch, ask: Ask, params: Mapping[str, Any], keys: Sequence[tuple[Any, ...]] = ()
) -> Batch:
    """Carry out an Ask's must, wish, order, limit, aggregate and document on rows fetched.

    Order: rows that compare equal keep the batch's order. A limit is per key when the Ask has
    key columns; with `keys`, only rows of those keys stay, where the batch holds the key columns.
    Joins are not carried out. Digests that the batch lacks are made of its columns. Returns the
    Ask's columns, or those of its aggregate or document.
    """
    batch = with_digests(batch, ask, params)
    rows: Sequence[int] = range(batch.rows)
    for predicate in (ask.must, ask.wish):
        if predicate is not None:
            held = compile_predicate(predicate)(batch.columns, batch.rows, params)
            rows = [row for row in rows if held[row]]
    if keys and ask.key_columns and all(name in batch.columns for name in ask.key_columns):
        rows = _of_keys(batch.columns, rows, ask, keys)
    if ask.aggregate is not None:
        return aggregate(batch, rows, ask, _limit(ask, params))
    if ask.order:
        ordered = list(rows)
        for term in reversed(ask.order):
            sort_rows(ordered, batch.columns[term.column], ask.column(term.column).kind, term)
        rows = ordered
    limit = _limit(ask, params)
    if limit is not None:
        rows = _cut(batch.columns, rows, ask, limit)
    picked = pick(batch, rows, [column.name for column in ask.columns])
    return picked if ask.document is None else written(picked, ask.document, params)


def _limit(ask: Ask, params: Mapping[str, Any]) -> int | None:
    if ask.limit is None or isinstance(ask.limit, int):
        return ask.limit
    return int(params[ask.limit.name])


def _of_keys(
    columns: Columns, rows: Sequence[int], ask: Ask, keys: Sequence[tuple[Any, ...]]
) -> list[int]:
    turn = key_turn([ask.column(name).kind for name in ask.key_columns])
    known = {turn(key) for key in keys if None not in key}
    held = list(zip(*(columns[name] for name in ask.key_columns), strict=True))
    return [row for row in rows if None not in held[row] and turn(held[row]) in known]


def pick(batch: Batch, rows: Sequence[int], names: Iterable[str]) -> Batch:
    """These rows and columns, with their nested rows."""
    if isinstance(rows, range) and rows == range(batch.rows):
        same = {name: batch.columns[name] for name in names}
        return Batch(same, batch.rows, batch.as_of, batch.nested)
    columns = {name: [batch.columns[name][row] for row in rows] for name in names}
    nested = {}
    for name, held in batch.nested.items():
        offsets = [0]
        kept: list[int] = []
        for row in rows:
            kept.extend(range(held.offsets[row], held.offsets[row + 1]))
            offsets.append(len(kept))
        nested[name] = Nested(pick(held.batch, kept, held.batch.columns), offsets)
    return Batch(columns, len(rows), batch.as_of, nested)


def sort_rows(rows: list[int], column: Sequence[Any], kind: ScalarKind, term: OrderBy) -> None:
    """Sort row numbers by one term, stably; nulls count as the largest value."""
    key = order_key(kind)

    def place(row: int) -> tuple[bool, Any]:
        value = column[row]
        return (True, 0) if value is None else (False, key(value))

    rows.sort(key=place, reverse=term.descending)


def _cut(columns: Columns, rows: Sequence[int], ask: Ask, limit: int) -> Sequence[int]:
    if not ask.key_columns:
        return rows[:limit]
    turns = [order_key(ask.column(name).kind) for name in ask.key_columns]
    held = list(zip(*(columns[name] for name in ask.key_columns), strict=True))
    seen: dict[tuple[Any, ...], int] = {}
    kept = []
    for row in rows:
        key = tuple(
            [None if v is None else turn(v) for turn, v in zip(turns, held[row], strict=True)]
        )
        count = seen.get(key, 0)
        if count < limit:
            seen[key] = count + 1
            kept.append(row)
    return kept


def aggregate(batch: Batch, rows: Sequence[int], ask: Ask, limit: int | None = None) -> Batch:
    """Groups ordered by the group columns, nulls last; one group of everything without any."""
    asked = ask.aggregate
    if asked is None:
        raise HubError("INTERNAL", "nothing to aggregate")
    turns = [order_key(ask.column(name).kind) for name in asked.group_by]
    groups: dict[tuple[Any, ...], list[int]] = {} if asked.group_by else {(): list(rows)}
    if asked.group_by:
        held = [batch.columns[name] for name in asked.group_by]
        for row in rows:
            key = tuple(
                [
                    (True, 0) if column[row] is None else (False, turn(column[row]))
                    for column, turn in zip(held, turns, strict=True)
                ]
            )
            groups.setdefault(key, []).append(row)
    ordered = [groups[key] for key in sorted(groups)][:limit]
    columns: dict[str, Sequence[Any]] = {
        name: [batch.columns[name][members[0]] for members in ordered] for name in asked.group_by
    }
    for measure in asked.measures:
        columns[measure.name] = [measured(batch.columns, m, ask, measure) for m in ordered]
    return Batch(columns, len(ordered), batch.as_of)


def measured(columns: Columns, rows: Sequence[int], ask: Ask, measure: Measure) -> Any:
    """One measure over some rows; see `connectors.spi.Measure`."""
    if measure.column is None:
        return len(rows)
    column, kind = columns[measure.column], ask.column(measure.column).kind
    values = [column[row] for row in rows if column[row] is not None]
    key = order_key(kind)
    match measure.function:
        case "count":
            return len(values)
        case "countDistinct":
            return len({key(value) for value in values})
        case "min":
            return min(values, key=key, default=None)
        case "max":
            return max(values, key=key, default=None)
        case "sum":
            return total(values, kind)
        case _:
            assert_never(measure.function)


def total(values: Sequence[Any], kind: ScalarKind) -> Any:
    """The exact sum of non-null values; ``None`` of none. A Decimal keeps the largest scale."""
    if not values:
        return None
    if kind == "Float":
        try:
            return math.fsum(values)
        except OverflowError:
            raise SourceError("SOURCE_BAD_DATA", "a sum is too large for a Float") from None
    if kind == "Decimal":
        held = Decimal(0)
        for value in values:
            held = _EXACT.add(held, Decimal(value))
        return format(held, "f")
    return str(sum(map(int, values)))

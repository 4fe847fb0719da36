"""A handle: what is asked of another hub's list, its values still to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import msgspec

from connectors.hub.filters import (
    MOST_KEYS,
    MOST_VALUES,
    Written,
    joined_with,
    split,
    too_broad,
    written,
)
from connectors.hub.tables import Table
from connectors.kit.local import key_turn
from connectors.spi import Ask, Call, Column, OrderBy
from schema.model.names import GRAPHQL_NAME, shout
from schema.model.predicate import (
    And,
    Const,
    In,
    InKeys,
    Param,
    Predicate,
    both,
    names_in,
    rename,
    value_of,
)
from schema.model.scalar import order_key

_MOST_PARTS = 500
_KEYS = "\0keys"
"""The param of a call's keys: no param of an operation has a NUL in its name."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One list, or its rows of some keys."""

    table: Table
    columns: tuple[Column, ...]
    returned: tuple[str, ...] = ()
    """Of the columns; the others are read to order by."""
    keys: tuple[Column, ...] = ()
    by_keys: bool = True
    """Whether the other hub can be asked for the keys; else the whole list is read."""
    sent: Predicate | None = None
    """Over fields of the other hub."""
    order: tuple[tuple[OrderBy, str], ...] = ()
    limit: int | Param | None = None

    def __repr__(self) -> str:
        told = [f"filter {', '.join(sorted(names_in(self.sent)))}"] if self.sent else []
        told += [f"keys {', '.join(key.name for key in self.keys)}"] if self.keys else []
        told += [f"order {' '.join(word for _, word in self.order)}"] if self.order else []
        told += ["limit"] if self.limit is not None else []
        names = " ".join(column.name for column in self.columns)
        return f"hub {self.table.plural}({'; '.join(told)}) {{ {names} }}"

    def text(self, names: Sequence[str], *, filtered: bool) -> str:
        """The document that reads a page of these fields; values are variables."""
        told = ["$first: Int", "$after: String"]
        given = ["first: $first", "after: $after"]
        if filtered:
            told.append(f"$filter: {self.table.type}Filter")
            given.append("filter: $filter")
        if self.order:
            given.append(f"orderBy: [{', '.join(word for _, word in self.order)}]")
        fields = ((name, self.table.field(name)) for name in dict.fromkeys(names))
        chosen = " ".join(n if n == field else f"{n}: {field}" for n, field in fields)
        return (
            f"query({', '.join(told)}) {{ rows: {self.table.plural}({', '.join(given)}) "
            f"{{ nodes {{ {chosen or '__typename'} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The keys as fields of the other hub."""
        return tuple(self.table.field(key.name) for key in self.keys)

    @property
    def used(self) -> frozenset[str]:
        """The fields that are not only read."""
        terms = (self.table.field(term.column) for term, _ in self.order)
        return names_in(self.sent) | {*self.key_fields, *terms}

    def most(self, params: Mapping[str, Any]) -> int | None:
        """How many rows are wanted of the whole."""
        if self.limit is None or isinstance(self.limit, int):
            return self.limit
        return int(params[self.limit.name])


def question_of(table: Table, ask: Ask) -> tuple[Question, Ask]:
    """What is asked of the other hub, and what is left to do; raises ``ValueError`` for a column
    that cannot be the name of a field."""
    columns = {column.name: column for column in (*ask.columns, *ask.known)}
    keys = tuple(ask.column(name) for name in ask.key_columns)
    must, must_left = split(ask.must, columns)
    wish, wish_left = split(ask.wish, columns)
    order = _order(table, ask, columns) if must_left is None and wish_left is None else None
    limit = None if order is None or keys or ask.aggregate is not None else ask.limit
    if order is None or (ask.limit is not None and limit is None):
        order, kept = (), ask.order  # cut and ordered in one place
    else:
        kept = ()
    left = msgspec.structs.replace(
        ask, must=must_left, wish=wish_left, order=kept,
        limit=None if limit is not None else ask.limit,
    )  # fmt: skip
    needed = tuple(_needed(ask, left, [term for term, _ in order]))
    if not all(GRAPHQL_NAME.match(name) for name in columns):
        raise ValueError
    sent = both(must, wish)
    if sent is not None:
        sent = rename(sent, {name: table.field(name) for name in columns})
    by_keys = all(key.kind != "JSON" and not key.values for key in keys)
    question = Question(
        table=table, columns=needed, returned=_returned(ask, left), keys=keys, by_keys=by_keys,
        sent=sent,
        order=order, limit=limit,
    )  # fmt: skip
    return question, left


def _order(
    table: Table, ask: Ask, columns: Mapping[str, Column]
) -> tuple[tuple[OrderBy, str], ...] | None:
    """The words of an order; ``None`` if the other hub does not have it so."""
    made = []
    for term in ask.order:
        column = columns[term.column]
        if column.kind == "JSON" or column.values or column.digest is not None:
            return None
        field = table.field(term.column)
        word = table.order.get(field, shout(field))
        made.append((term, f"{word}_{'DESC' if term.descending else 'ASC'}"))
    return tuple(made)


def _returned(ask: Ask, left: Ask) -> tuple[str, ...]:
    """What was asked for, and what is left to do looks at."""
    done = left.must is None and left.wish is None and not left.order and left.limit is None
    if done and left.aggregate is None and not left.joins:
        return tuple(column.name for column in ask.columns)
    return tuple(column.name for column in _needed(ask, left, ()))


def _needed(ask: Ask, left: Ask, order: Sequence[OrderBy]) -> list[Column]:
    """The columns that are returned, or that something on this side looks at."""
    names = {*ask.key_columns, *names_in(left.must), *names_in(left.wish)}
    names |= {term.column for term in (*left.order, *order)}
    names |= {ours for join in left.joins for ours, _ in join.on}
    if left.aggregate is not None:
        names |= {one.column for one in left.aggregate.measures if one.column is not None}
        names |= set(left.aggregate.group_by)
    shown = {column.name for column in ask.columns}
    return [*ask.columns, *(one for one in ask.known if one.name in names - shown)]


def filters_of(question: Question, call: Call) -> list[Written]:
    """The filters whose rows together are those wanted; no row is in two of them.

    Raises: ``KeyError`` for an unbound param (fails closed); ``FILTER_TOO_BROAD``.
    """
    params = dict(call.params)
    wanted = question.sent
    if question.keys and question.by_keys:
        params[_KEYS] = list(call.keys)
        kinds = tuple(key.kind for key in question.keys)
        wanted = both(wanted, InKeys(question.key_fields, Param(_KEYS), kinds))
    if wanted is None:
        return [True]
    parts = wanted.parts if isinstance(wanted, And) else (wanted,)
    ways = [list(_alternatives(part, params)) for part in parts]
    count = 1
    for way in ways:
        count *= max(1, len(way))
    if count > _MOST_PARTS:
        raise too_broad()
    found = [joined_with("and", some) for some in product(*ways)]
    return [one for one in found if one is not False]


def _alternatives(part: Predicate, params: Mapping[str, Any]) -> Iterator[Written]:
    """A condition in several questions where it holds more values than one may."""
    match part:
        case In(name=name, operands=operands, kind=kind):
            held = (
                params[operands.name]
                if isinstance(operands, Param)
                else [value_of(one, params) for one in operands]
            )
            turn = order_key(kind)
            values = list({turn(value): value for value in held if value is not None}.values())
            for some in _chunks(values, MOST_VALUES):
                yield written(In(name, tuple(map(Const, some)), kind), params)
            if not values:
                yield False
        case InKeys(names=names, keys=keys, kinds=kinds):
            turned = key_turn(kinds)
            whole = {turned(key): key for key in params[keys.name] if None not in key}
            most = MOST_VALUES if len(names) == 1 else MOST_KEYS
            for some in _chunks(list(whole.values()), most):
                yield written(part, {keys.name: some})
            if not whole:
                yield False
        case _:
            yield written(part, params)


def _chunks(values: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), most):
        yield values[start : start + most]

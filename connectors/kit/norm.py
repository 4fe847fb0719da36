"""Columns whose values the hub converts: what the source is asked instead, and what is left.

Equality is asked of the source wherever a value has one form there; ranges where the source's
order is the field's. Where the source may also hold what has no counterpart (a text that is no
date), a condition that could meet it narrows the fetch and is repeated over what was converted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.kit.blind import digests_in
from connectors.spi import Aggregate, Ask, Batch, Column, Join, Nested
from schema.errors import HubError
from schema.model.norm import (
    Conversion,
    DateText,
    converted,
    in_order,
    inverted,
    is_exact,
    is_single,
    raw_kind,
    told,
)
from schema.model.predicate import (
    Always,
    And,
    Compare,
    Const,
    In,
    InKeys,
    IsNull,
    Not,
    Operand,
    Or,
    Param,
    Predicate,
    Related,
    both,
    leaves_negated,
    names_in,
)

UNREAD = "\0unread "
"""Before a column's name: whether the source has a value there that has no counterpart."""


class Normed(msgspec.Struct, frozen=True, kw_only=True):
    """An Ask over the source's own values, and the way between them and the field's."""

    ask: Ask
    """To be offered to the source."""
    left: Ask | None
    """What the hub does with the rows after they are converted; ``None`` = nothing."""
    columns: tuple[tuple[str, Conversion], ...]
    """Columns of the batch that are converted."""
    keys: tuple[Conversion | None, ...] = ()
    """For each part of a key; () where no part is converted."""
    params: tuple[tuple[str, str, Conversion], ...] = ()
    """(made param, param it is made of, conversion)."""
    nested: tuple[tuple[str, Normed], ...] = ()

    def keys_of(self, keys: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """The source's keys for the hub's, each once."""
        if not self.keys:
            return keys
        made = [
            tuple(
                part if conversion is None else inverted(conversion, part)
                for part, conversion in zip(key, self.keys, strict=True)
            )
            for key in keys
        ]
        return list(dict.fromkeys(made))

    def params_of(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The params with those made of others; raises ``KeyError`` for an unbound one."""
        made = self.all_params()
        if not made:
            return params
        found = dict(params)
        for name, of, conversion in made:
            value = params[of]
            if isinstance(value, list | tuple):
                found[name] = [inverted(conversion, one) for one in value]
            else:
                found[name] = inverted(conversion, value)
        return found

    def all_params(self) -> tuple[tuple[str, str, Conversion], ...]:
        """Those of nested rows too."""
        below = [param for _, one in self.nested for param in one.all_params()]
        return (*self.params, *below)

    def batch_of(self, batch: Batch) -> Batch:
        """The rows in the field's values. Cost: a conversion for each different value."""
        columns = dict(batch.columns)
        for name, conversion in self.columns:
            held = columns[name]
            turn = {value: converted(conversion, value) for value in set(held)}
            columns[name] = [turn[value] for value in held]
            if isinstance(conversion, DateText):
                unread = {v: v is not None and made is None for v, made in turn.items()}
                columns[UNREAD + name] = [unread[value] for value in held]
        nested = dict(batch.nested)
        for name, one in self.nested:
            child = nested[name]
            nested[name] = Nested(one.batch_of(child.batch), child.offsets)
        return Batch(columns, batch.rows, batch.as_of, nested)


def has_norms(ask: Ask) -> bool:
    """Whether the hub converts a column of an Ask, or of one joined to it."""
    return bool(_converted(ask)) or any(has_norms(join.ask) for join in ask.joins)


def digests_norms(ask: Ask) -> bool:
    """Whether a digest is made of what the hub converts."""
    of = (part for column in digests_in(ask) if column.digest for part in column.digest.of)
    return any(part.convert is not None for part in of) or any(
        digests_norms(join.ask) for join in ask.joins
    )


def _converted(ask: Ask) -> dict[str, Conversion]:
    held = (*ask.columns, *ask.known)
    return {column.name: column.convert for column in held if column.convert is not None}


def without_norms(ask: Ask) -> Normed:
    """What to ask of the source, and what is left to do.

    Raises: ``HubError`` where rows are sought by a value that is rounded.
    """
    held = _converted(ask)
    params: dict[str, tuple[str, str, Conversion]] = {}
    must, must_left = _split(ask.must, held, params)
    wish, wish_left = _split(ask.wish, held, params)
    late = must_left is not None or wish_left is not None
    inexact = {name for name, conversion in held.items() if not is_exact(conversion)}
    late = late or any(term.column in inexact for term in ask.order)
    grouped = ask.aggregate
    if grouped is not None:
        late = late or not inexact.isdisjoint(_names(grouped))
    joins: list[Join] = []
    nested: list[tuple[str, Normed]] = []
    refused: list[Join] = []
    for join in ask.joins:
        below = without_norms(join.ask) if has_norms(join.ask) else None
        there = _converted(join.ask)
        met = any(ours in held or theirs in there for ours, theirs in join.on)
        if met or (below is not None and below.left is not None):
            refused.append(join)
        elif below is None:
            joins.append(join)
        else:
            joins.append(msgspec.structs.replace(join, ask=below.ask))
            nested.append((join.name, below))
    needed = {column.name for column in ask.columns}
    needed |= names_in(must_left) | names_in(wish_left)
    needed |= {ours for join in refused for ours, _ in join.on}
    if late:
        needed |= {term.column for term in ask.order} | set(ask.key_columns)
        needed |= set() if grouped is None else _names(grouped)
    every = {column.name: column for column in (*ask.known, *ask.columns)}
    order = [c.name for c in ask.columns] + [c.name for c in ask.known]
    raw = [_raw(every[name]) for name in dict.fromkeys(order)]
    asked = msgspec.structs.replace(
        ask,
        columns=tuple(column for column in raw if column.name in needed),
        known=tuple(column for column in raw if column.name not in needed),
        must=must,
        wish=wish,
        order=() if late else ask.order,
        limit=None if late else ask.limit,
        aggregate=None if late else grouped,
        joins=tuple(joins),
    )
    left = None
    if late or refused:
        left = msgspec.structs.replace(
            marked(ask),
            must=must_left,
            wish=wish_left,
            order=ask.order if late else (),
            limit=ask.limit if late else None,
            aggregate=grouped if late else None,
            joins=tuple(refused),
        )
    columns = [(c.name, held[c.name]) for c in asked.columns if c.name in held]
    if asked.aggregate is not None:
        columns += _measured(asked.aggregate, held)
    return Normed(
        ask=asked,
        left=left,
        columns=tuple(columns),
        keys=_keys(ask, held),
        params=tuple(params.values()),
        nested=tuple(nested),
    )


def _raw(column: Column) -> Column:
    if column.convert is None:
        return column
    return Column(column.name, raw_kind(column.convert))


def _unread(ask: Ask) -> list[Column]:
    dates = [c.name for c in ask.columns if isinstance(c.convert, DateText)]
    return [Column(UNREAD + name, "Boolean") for name in dates]


def marked(ask: Ask) -> Ask:
    """The Ask with what tells of each date whether it could be read."""
    if ask.aggregate is not None:
        return ask
    missing = [column for column in _unread(ask) if column not in ask.columns]
    return msgspec.structs.replace(ask, columns=(*ask.columns, *missing)) if missing else ask


def _names(aggregate: Aggregate) -> set[str]:
    measured = {one.column for one in aggregate.measures if one.column is not None}
    return set(aggregate.group_by) | measured


def _measured(aggregate: Aggregate, held: Mapping[str, Conversion]) -> list[tuple[str, Conversion]]:
    """Groups, and measures that are values of their column; factors keep sums and order."""
    found = [(name, held[name]) for name in aggregate.group_by if name in held]
    kept = [one for one in aggregate.measures if one.function in ("sum", "min", "max")]
    return found + [
        (one.name, held[one.column])
        for one in kept
        if one.column is not None and one.column in held
    ]


def _keys(ask: Ask, held: Mapping[str, Conversion]) -> tuple[Conversion | None, ...]:
    if not any(name in held for name in ask.key_columns):
        return ()
    found = tuple(held.get(name) for name in ask.key_columns)
    if any(one is not None and not is_single(one) for one in found):
        raise HubError("INTERNAL", "rows cannot be sought by a value that is rounded")
    return found


Params = dict[str, tuple[str, str, Conversion]]


def _split(
    predicate: Predicate | None, held: Mapping[str, Conversion], params: Params
) -> tuple[Predicate | None, Predicate | None]:
    """What the source is asked, and what is to be looked at again; each a conjunction."""
    if predicate is None:
        return None, None
    asked: list[Predicate] = []
    left: list[Predicate] = []
    for part in predicate.parts if isinstance(predicate, And) else (predicate,):
        if names_in(part).isdisjoint(held):
            asked.append(part)
            continue
        wide, exact = _widened(leaves_negated(part), held, params)
        if wide is not None:
            asked.append(wide)
        if not exact:
            left.append(part)
    return both(*asked), both(*left)


def _widened(
    part: Predicate, held: Mapping[str, Conversion], params: Params
) -> tuple[Predicate | None, bool]:
    """TRUE in the source at least where `part` is TRUE of what is converted, and whether nowhere
    else; ``None`` = everywhere."""
    match part:
        case And(parts=parts) | Or(parts=parts):
            made = [_widened(one, held, params) for one in parts]
            exact = all(fits for _, fits in made)
            found = [one for one, _ in made if one is not None]
            if isinstance(part, And):
                return both(*found), exact
            return (None if len(found) < len(made) else Or(tuple(found))), exact
        case Not(part=inner):
            return _negated(inner, held, params)
        case Compare() | In() | IsNull() | InKeys():
            return _leaf(part, held, params)
        case Always() | Related():
            return part, True


def _leaf(
    leaf: Compare | In | IsNull | InKeys, held: Mapping[str, Conversion], params: Params
) -> tuple[Predicate | None, bool]:
    if names_in(leaf).isdisjoint(held):
        return leaf, True
    if isinstance(leaf, InKeys):
        return None, False
    conversion = held[leaf.name]
    sure = not isinstance(conversion, DateText)
    match leaf:
        case IsNull():
            return (leaf, True) if sure else (None, False)
        case In() if is_single(conversion):
            return _in(leaf, conversion, params), True
        case Compare(op="eq") if is_single(conversion):
            return _compare(leaf, conversion, params), True
        case Compare(op="ne") if is_single(conversion):
            return _compare(leaf, conversion, params), sure
        case Compare(op="lt" | "le" | "gt" | "ge") if in_order(conversion):
            return _compare(leaf, conversion, params), sure
        case _:
            return None, False


def _negated(
    inner: Predicate, held: Mapping[str, Conversion], params: Params
) -> tuple[Predicate | None, bool]:
    if names_in(inner).isdisjoint(held):
        return Not(inner), True
    if isinstance(inner, IsNull):
        return Not(inner), not isinstance(held[inner.name], DateText)
    if not isinstance(inner, Compare | In):
        return None, False
    # where the positive form is asked widely, its negation is not known to be asked widely
    conversion = held[inner.name]
    ranged = isinstance(inner, Compare) and inner.op not in ("eq", "ne")
    if not (in_order(conversion) if ranged else is_single(conversion)):
        return None, False
    made, _ = _leaf(inner, held, params)
    return (None if made is None else Not(made)), not isinstance(conversion, DateText)


def _compare(leaf: Compare, conversion: Conversion, params: Params) -> Compare:
    operand = _operand(leaf.operand, conversion, params)
    return Compare(leaf.name, leaf.op, operand, raw_kind(conversion))


def _in(leaf: In, conversion: Conversion, params: Params) -> In:
    kind = raw_kind(conversion)
    if isinstance(leaf.operands, Param):
        held = _operand(leaf.operands, conversion, params)
        assert isinstance(held, Param)  # noqa: S101 - invariant: a param stays one
        return In(leaf.name, held, kind)
    found = (_operand(one, conversion, params) for one in leaf.operands)
    return In(leaf.name, tuple(found), kind)


def _operand(operand: Operand, conversion: Conversion, params: Params) -> Operand:
    if isinstance(operand, Const):
        return Const(inverted(conversion, operand.value))
    made = f"{operand.name}~{told(conversion)}"
    params[made] = (made, operand.name, conversion)
    return Param(made)

"""Conditions as arguments: which the server takes, and the values they are sent with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from graphql import get_named_type

from connectors.graphql.document import UNSENDABLE, Argument, sent
from connectors.graphql.schema import Served
from connectors.graphql.tables import Filter, ListField
from connectors.spi import Call, Column
from schema.model.predicate import And, Compare, In, Param, Predicate, both, value_of
from schema.model.scalar import TEXTUAL, ScalarKind, order_key


class Sent(msgspec.Struct, frozen=True):
    """An argument filled at run time."""

    argument: str
    predicate: Compare | In


class Part(msgspec.Struct, frozen=True):
    """One request's arguments, and the values of one column that it asks for."""

    arguments: tuple[Argument, ...]
    values: tuple[Any, ...] = ()
    column: str | None = None
    """``None``: whatever the request brings is wanted."""


def offered(listed: ListField) -> set[str]:
    """The kinds of condition that some column of a list has an argument for."""
    found: set[str] = set()
    for known in listed.filters.values():
        found |= {"eq"} if known.eq else set()
        found |= {"in"} if known.in_ else set()
        found |= {"prefix"} if known.prefix else set()
        found |= {"contains"} if known.contains else set()
        found |= {"range"} if known.range.ge or known.range.le else set()
    return found


def split(
    wanted: Predicate | None, listed: ListField, columns: Mapping[str, Column], served: Served
) -> tuple[list[Sent], Predicate | None]:
    """What the server can be sent, and what is left; only whole parts of a conjunction."""
    if wanted is None:
        return [], None
    made: list[Sent] = []
    left: list[Predicate] = []
    for part in wanted.parts if isinstance(wanted, And) else (wanted,):
        name = _argument(part, listed, columns, served)
        if name is not None and isinstance(part, Compare | In):
            made.append(Sent(name, part))
        else:
            left.append(part)
    return made, both(*left)


def _argument(
    part: Predicate, listed: ListField, columns: Mapping[str, Column], served: Served
) -> str | None:
    if not isinstance(part, Compare | In) or columns[part.name].values:
        return None
    known = listed.filters.get(part.name)
    if known is None:
        return None
    if isinstance(part, In):
        name = known.in_
    else:
        low, high = known.range.ge, known.range.le  # equal rows are taken out again
        if part.kind in TEXTUAL:
            low = high = None  # servers order text in ways of their own
        name = {"eq": known.eq, "prefix": known.prefix, "contains": known.contains,
                "ge": low, "gt": low, "le": high, "lt": high}.get(part.op)  # fmt: skip
    if name is None or not fits(served, listed, name, part.kind):
        return None
    return name


def fits(served: Served, listed: ListField, name: str, kind: ScalarKind) -> bool:
    """Whether values of a kind arrive as what they are; a decimal does not as a float."""
    named = get_named_type(served.argument(tuple(listed.field.split(".")), name))
    return kind != "Decimal" or named.name != "Float"


def once_each(made: Sequence[Sent]) -> tuple[Sent, ...]:
    """An argument is sent once; a second condition on it is left to the hub."""
    kept: dict[str, Sent] = {}
    for one in made:
        kept.setdefault(one.argument, one)
    return tuple(kept.values())


def parts_of(made: Sequence[Sent], listed: ListField, served: Served, call: Call) -> list[Part]:
    """The requests that together bring every row that meets the conditions; none: no row can.

    A condition whose value cannot be sent is not: the rows are checked again anyhow.
    Raises: ``KeyError`` for an unbound param (fails closed).
    """
    held = [(one, list(_values(one.predicate, call.params))) for one in made]
    fixed: list[Argument] = []
    spread: list[Part] | None = None
    for one, values in held:
        present = [value for value in values if value is not None]
        if not present:
            return []
        predicate = one.predicate
        if isinstance(predicate, In):
            known = listed.filters[predicate.name]
            found = spread_over(served, listed, known, predicate.name, predicate.kind, present)
            if len(found) == 1:
                fixed += found[0].arguments
            elif spread is None:
                spread = found
            continue
        type_ = served.argument(tuple(listed.field.split(".")), one.argument)
        value = sent(present[0], predicate.kind, type_)
        if value is UNSENDABLE:
            if predicate.op == "eq":
                return []
            continue
        fixed.append(Argument(one.argument, str(type_), value))
    if spread is None:
        return [Part(tuple(fixed))]
    return [msgspec.structs.replace(part, arguments=(*fixed, *part.arguments)) for part in spread]


def _values(predicate: Compare | In, params: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(predicate, Compare):
        yield value_of(predicate.operand, params)
    elif isinstance(predicate.operands, Param):
        yield from params[predicate.operands.name]
    else:
        yield from (value_of(one, params) for one in predicate.operands)


def spread_over(
    served: Served,
    listed: ListField,
    known: Filter,
    name: str,
    kind: ScalarKind,
    values: Sequence[Any],
) -> list[Part]:
    """Requests for these values of a column, in lists or, where there is none, one by one."""
    turn = order_key(kind)
    distinct = {turn(value): value for value in values}
    chosen = known.in_ or known.eq
    assert chosen is not None  # noqa: S101 - invariant: offered
    type_ = served.argument(tuple(listed.field.split(".")), chosen)
    pairs = [(value, sent(value, kind, type_)) for value in distinct.values()]
    pairs = [(value, told) for value, told in pairs if told is not UNSENDABLE]
    if known.in_ is None:
        return [
            Part((Argument(chosen, str(type_), told),), (value,), name) for value, told in pairs
        ]
    return [
        Part(
            (Argument(chosen, str(type_), [told for _, told in some]),),
            tuple(value for value, _ in some),
            name,
        )
        for some in chunks(pairs, known.max)
    ]


def chunks(values: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    """At most so many at once."""
    for start in range(0, len(values), most):
        yield values[start : start + most]

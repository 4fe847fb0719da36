"""Conditions as the `filter` of another hub: exactly, in two-valued questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, assert_never

from connectors.http.filters import sendable
from connectors.spi import Column
from schema.errors import SourceError
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
    both,
    value_of,
)
from schema.model.scalar import TEXTUAL, ScalarKind

Written = dict[str, Any] | bool
"""A filter, or what holds of every row."""
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "prefix", "contains"]
_WORDS: Mapping[str, str] = {"prefix": "startsWith"}
MOST_VALUES = 200
"""Values of one list in one request."""
MOST_KEYS = 50
"""Keys of several columns in one request."""


def split(
    wanted: Predicate | None, columns: Mapping[str, Column]
) -> tuple[Predicate | None, Predicate | None]:
    """(what the other hub carries out, what is left); only whole parts of a conjunction."""
    if wanted is None:
        return None, None
    parts = wanted.parts if isinstance(wanted, And) else (wanted,)
    made = [part for part in parts if _exact(part, columns)]
    return both(*made), both(*(part for part in parts if part not in made))


def _exact(part: Predicate, columns: Mapping[str, Column]) -> bool:
    match part:
        case Always():
            return True
        case Compare(name=name, op=op, kind=kind):
            return _comparable(columns[name]) and _known(op, kind)
        case In(name=name) | IsNull(name=name):
            return _comparable(columns[name])
        case InKeys(names=names):
            return all(_comparable(columns[name]) for name in names)
        case And(parts=parts) | Or(parts=parts):
            return all(_exact(one, columns) for one in parts)
        case Not(part=inner):
            return _exact(inner, columns)
        case Related():
            return False
        case _:
            assert_never(part)


def _comparable(column: Column) -> bool:
    return column.kind != "JSON" and not column.values and column.digest is None


def _known(op: str, kind: ScalarKind) -> bool:
    if op in ("eq", "ne"):
        return True
    return kind in TEXTUAL if op in ("prefix", "contains") else kind != "Boolean"


def written(predicate: Predicate, params: Mapping[str, Any], wanted: bool = True) -> Written:
    """The rows where the predicate is exactly `wanted`, with the values of one run.

    Raises: ``KeyError`` for an unbound param (fails closed); ``FILTER_TOO_BROAD``.
    """
    match predicate:
        case Always(value=value):
            return value is wanted
        case IsNull(name=name):
            return {name: {"isNull": wanted}}
        case Compare():
            return _compare(predicate, value_of(predicate.operand, params), wanted)
        case In():
            return _listed(predicate, _values(predicate, params), wanted)
        case InKeys():
            return _keyed(predicate, params[predicate.keys.name], wanted)
        case And(parts=parts):
            return joined_with(
                "and" if wanted else "or", [written(p, params, wanted) for p in parts]
            )
        case Or(parts=parts):
            return joined_with(
                "or" if wanted else "and", [written(p, params, wanted) for p in parts]
            )
        case Not(part=part):
            return written(part, params, not wanted)
        case Related():
            raise TypeError("a condition on related rows is never sent")
        case _:
            assert_never(predicate)


def _compare(part: Compare, value: Any, wanted: bool) -> Written:
    if value is None:
        return False  # UNKNOWN is neither TRUE nor FALSE
    if not sendable(value):
        if part.op in ("eq", "ne"):
            return {part.name: {"isNull": False}} if wanted is (part.op == "ne") else False
        raise SourceError("FILTER_TOO_BROAD", "a filter holds half a character")
    held = {part.name: {_WORDS.get(part.op, part.op): value}}
    return held if wanted else {"not": held}


def _values(part: In, params: Mapping[str, Any]) -> Sequence[Any]:
    if isinstance(part.operands, Param):
        held: Sequence[Any] = params[part.operands.name]
        return held
    return [value_of(one, params) for one in part.operands]


def _listed(part: In, values: Sequence[Any], wanted: bool) -> Written:
    present = [value for value in values if value is not None and sendable(value)]
    if len(present) > MOST_VALUES:
        raise too_broad()
    if wanted:
        return {part.name: {"in": present}} if present else False
    if any(value is None for value in values):
        return False
    return {"not": {part.name: {"in": present}}} if present else {part.name: {"isNull": False}}


def _keyed(part: InKeys, keys: Sequence[Sequence[Any]], wanted: bool) -> Written:
    """Two-valued: a row with a null among the columns is in no set of keys."""
    whole = [key for key in keys if None not in key and all(map(sendable, key))]
    if not whole:
        return not wanted
    if len(part.names) == 1:
        if len(whole) > MOST_VALUES:
            raise too_broad()
        (name,) = part.names
        values = [key[0] for key in whole]
        if wanted:
            return {name: {"in": values}}
        return {"or": [{name: {"isNull": True}}, {"not": {name: {"in": values}}}]}
    if len(whole) > MOST_KEYS:
        raise too_broad()
    told = [
        {name: {"eq": value} for name, value in zip(part.names, key, strict=True)} for key in whole
    ]
    if wanted:
        return {"or": told}
    nulls = [{name: {"isNull": True}} for name in part.names]
    return {"or": [*nulls, {"not": {"or": told}}]}


def joined_with(word: Literal["and", "or"], parts: Sequence[Written]) -> Written:
    """Constants folded away."""
    decisive = word == "or"
    left = [part for part in parts if not isinstance(part, bool)]
    if any(part is decisive for part in parts):
        return decisive
    if not left:
        return not decisive
    return left[0] if len(left) == 1 else {word: left}


def too_broad() -> SourceError:
    """More values than one question to another hub may hold."""
    return SourceError(
        "FILTER_TOO_BROAD", "a filter across hubs matches too many keys",
        hint="narrow the condition",
    )  # fmt: skip

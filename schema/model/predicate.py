"""Filter trees: what a caller asks for and what policy adds, evaluated in three values.

A predicate speaks of *names*: field names of an entity type in operations and rulings, source
columns once the planner has bound it. Values are ``Const`` (known when planned) or ``Param``
(bound when run). ``Related`` and ``InKeys`` never reach a connector unless it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, assert_never

import msgspec

from schema.model.scalar import PLAIN_ORDER, ScalarKind, order_key

CompareOp = Literal["eq", "ne", "lt", "le", "gt", "ge", "prefix", "contains"]


class Const(msgspec.Struct, frozen=True, tag=True):
    """A canonical value known at plan time; never ``None``."""

    value: Any


class Param(msgspec.Struct, frozen=True, tag=True):
    """A value bound at run time from the call's params; a canonical value, or a list for `In`."""

    name: str


Operand = Const | Param


class Always(msgspec.Struct, frozen=True, tag=True):
    """TRUE or FALSE for every row."""

    value: bool


class Compare(msgspec.Struct, frozen=True, tag=True):
    """``name op operand``; UNKNOWN where the value, or the operand, is null."""

    name: str
    op: CompareOp
    operand: Operand
    kind: ScalarKind


class In(msgspec.Struct, frozen=True, tag=True):
    """``name in operands``: one Param holding a sequence, or Consts; UNKNOWN where null."""

    name: str
    operands: Param | tuple[Operand, ...]
    kind: ScalarKind


class IsNull(msgspec.Struct, frozen=True, tag=True):
    """TRUE where the value is null, else FALSE."""

    name: str


class And(msgspec.Struct, frozen=True, tag=True):
    """Kleene conjunction; TRUE when empty."""

    parts: tuple[Predicate, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    """Kleene disjunction; FALSE when empty."""

    parts: tuple[Predicate, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    """Kleene negation."""

    part: Predicate


class Related(msgspec.Struct, frozen=True, tag=True):
    """A condition on related rows: ``some`` (at least one TRUE), ``none`` (no TRUE),
    ``every`` (no row that is not TRUE). Two-valued. Only rows of the masked view count.
    For a relation to one, ``some`` is used."""

    relation: str
    quantifier: Literal["some", "every", "none"]
    part: Predicate


class InKeys(msgspec.Struct, frozen=True, tag=True):
    """``(names) in`` the tuples held by a run-time param (a semi-join's keys); two-valued:
    a row with a null among ``names`` is not in any key set."""

    names: tuple[str, ...]
    keys: Param
    kinds: tuple[ScalarKind, ...]


Predicate = Always | Compare | In | IsNull | And | Or | Not | Related | InKeys

TRUE = Always(True)
FALSE = Always(False)


def both(*parts: Predicate | None) -> Predicate | None:
    """The conjunction of the parts that are there; ``None`` when none is or all are TRUE."""
    kept: list[Predicate] = []
    for part in parts:
        if part is None or part == TRUE:
            continue
        kept.extend(part.parts if isinstance(part, And) else (part,))
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else And(tuple(dict.fromkeys(kept)))


def names_in(predicate: Predicate | None) -> frozenset[str]:
    """Every column or field name that the predicate reads (relations not followed)."""
    match predicate:
        case None | Always() | Related():
            return frozenset()
        case Compare(name=name) | In(name=name) | IsNull(name=name):
            return frozenset({name})
        case InKeys(names=names):
            return frozenset(names)
        case And(parts=parts) | Or(parts=parts):
            return frozenset().union(*(names_in(part) for part in parts))
        case Not(part=part):
            return names_in(part)
        case _:
            assert_never(predicate)


def params_in(predicate: Predicate | None) -> frozenset[str]:
    """Every param name that the predicate needs when run."""
    match predicate:
        case None | Always() | IsNull():
            return frozenset()
        case Compare(operand=Param(name=name)) | InKeys(keys=Param(name=name)):
            return frozenset({name})
        case In(operands=Param(name=name)):
            return frozenset({name})
        case In(operands=tuple() as operands):
            return frozenset(o.name for o in operands if isinstance(o, Param))
        case Compare():
            return frozenset()
        case And(parts=parts) | Or(parts=parts):
            return frozenset().union(*(params_in(part) for part in parts))
        case Not(part=part) | Related(part=part):
            return params_in(part)
        case _:
            raise AssertionError


def rename(predicate: Predicate, names: Mapping[str, str]) -> Predicate:
    """The same predicate over other names (fields to columns); raises ``KeyError``."""
    match predicate:
        case Compare():
            return Compare(names[predicate.name], predicate.op, predicate.operand, predicate.kind)
        case In():
            return In(names[predicate.name], predicate.operands, predicate.kind)
        case IsNull(name=name):
            return IsNull(names[name])
        case InKeys():
            bound = tuple(names[n] for n in predicate.names)
            return InKeys(bound, predicate.keys, predicate.kinds)
        case And(parts=parts):
            return And(tuple(rename(part, names) for part in parts))
        case Or(parts=parts):
            return Or(tuple(rename(part, names) for part in parts))
        case Not(part=part):
            return Not(rename(part, names))
        case Always() | Related():
            return predicate
        case _:
            assert_never(predicate)


def negate(predicate: Predicate) -> Predicate:
    """NOT pushed down to the leaves (Kleene's De Morgan laws hold)."""
    match predicate:
        case Always(value=value):
            return Always(not value)
        case Not(part=part):
            return part
        case And(parts=parts):
            return Or(tuple(negate(part) for part in parts))
        case Or(parts=parts):
            return And(tuple(negate(part) for part in parts))
        case _:
            return Not(predicate)


def leaves_negated(predicate: Predicate) -> Predicate:
    """The same three-valued predicate with `Not` only directly above leaves."""
    match predicate:
        case And(parts=parts):
            return And(tuple(leaves_negated(part) for part in parts))
        case Or(parts=parts):
            return Or(tuple(leaves_negated(part) for part in parts))
        case Not(part=part):
            pushed = negate(part)
            return pushed if isinstance(pushed, Not) else leaves_negated(pushed)
        case _:
            return predicate


def value_of(operand: Operand, params: Mapping[str, Any]) -> Any:
    """The operand's value; raises ``KeyError`` for an unbound param (fails closed)."""
    return operand.value if isinstance(operand, Const) else params[operand.name]


def evaluate(
    predicate: Predicate, row: Mapping[str, Any], params: Mapping[str, Any]
) -> bool | None:
    """TRUE, FALSE or UNKNOWN (``None``) for one row. Slow on purpose: the meaning of the rest.

    Raises: ``KeyError`` for an unknown name or unbound param; ``TypeError`` for `Related`.
    """
    match predicate:
        case Always(value=value):
            return value
        case IsNull(name=name):
            return row[name] is None
        case Compare():
            held, other = row[predicate.name], value_of(predicate.operand, params)
            if held is None or other is None:
                return None
            return compare(predicate.op, predicate.kind, held, other)
        case In():
            held = row[predicate.name]
            if isinstance(predicate.operands, Param):
                values: Sequence[Any] = params[predicate.operands.name]
            else:
                values = [value_of(o, params) for o in predicate.operands]
            if held is None:
                return None
            if any(compare("eq", predicate.kind, held, v) for v in values if v is not None):
                return True
            return None if any(v is None for v in values) else False
        case InKeys():
            held_key = tuple(row[n] for n in predicate.names)
            if any(part is None for part in held_key):
                return False
            keys = params[predicate.keys.name]
            wanted = _comparable(predicate.kinds, held_key)
            return any(_comparable(predicate.kinds, key) == wanted for key in keys)
        case And(parts=parts):
            return _kleene([evaluate(part, row, params) for part in parts], False)
        case Or(parts=parts):
            return _kleene([evaluate(part, row, params) for part in parts], True)
        case Not(part=part):
            inner = evaluate(part, row, params)
            return None if inner is None else not inner
        case Related():
            raise TypeError("a condition on related rows must be planned first")
        case _:
            assert_never(predicate)


def _kleene(values: list[bool | None], decisive: bool) -> bool | None:
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _comparable(kinds: Sequence[ScalarKind], key: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(order_key(kind)(part) for kind, part in zip(kinds, key, strict=True))


def compare(op: CompareOp, kind: ScalarKind, held: Any, other: Any) -> bool:
    """Two canonical, non-null values of one kind compared."""
    if kind not in PLAIN_ORDER:
        key = order_key(kind)
        held, other = key(held), key(other)
    match op:
        case "eq":
            return bool(held == other)
        case "ne":
            return bool(held != other)
        case "lt":
            return bool(held < other)
        case "le":
            return bool(held <= other)
        case "gt":
            return bool(held > other)
        case "ge":
            return bool(held >= other)
        case "prefix":
            return str(held).startswith(str(other))
        case "contains":
            return str(other) in str(held)
        case _:
            assert_never(op)

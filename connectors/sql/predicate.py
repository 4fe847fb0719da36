"""Predicates to SQL that selects exactly the rows where they are TRUE.

NOT is pushed to the leaves first. Each leaf then has two forms: ``TRUE exactly where the leaf is
TRUE`` and ``TRUE exactly where the leaf is FALSE``; FALSE and UNKNOWN are alike above them, since
only AND and OR remain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors.sql.access import Access, Inexact, Side
from connectors.sql.dialect import Binds, Dialect, coded
from connectors.sql.slots import Slot
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
    negate,
)

Columns = Callable[[str], Access]
_OPPOSITE = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le"}


def clause(
    predicate: Predicate, columns: Columns, dialect: Dialect, binds: Binds
) -> ColumnElement[bool]:
    """The WHERE clause; raises `Inexact` when a part has no exact form."""
    match predicate:
        case Always(value=value):
            return sa.literal_column("1 = 1" if value else "1 = 0", sa.Boolean())
        case And(parts=parts):
            made = [clause(part, columns, dialect, binds) for part in parts]
            return (
                sa.and_(sa.literal_column("1 = 1", sa.Boolean()), *made)
                if not made
                else (sa.and_(*made))
            )
        case Or(parts=parts):
            made = [clause(part, columns, dialect, binds) for part in parts]
            return sa.or_(*made) if made else sa.literal_column("1 = 0", sa.Boolean())
        case Not(part=And() | Or() | Not() | Always()):
            return clause(negate(predicate.part), columns, dialect, binds)
        case Not(part=leaf):
            return _leaf(leaf, columns, dialect, binds, wanted=False)
        case _:
            return _leaf(predicate, columns, dialect, binds, wanted=True)


def _leaf(
    leaf: Predicate, columns: Columns, dialect: Dialect, binds: Binds, *, wanted: bool
) -> ColumnElement[bool]:
    match leaf:
        case IsNull(name=name):
            raw = columns(name).raw
            return raw.is_(None) if wanted else raw.is_not(None)
        case Compare():
            return _compare(leaf, columns(leaf.name), dialect, binds, wanted=wanted)
        case In(operands=Param() as held):
            slot_of = Slot(how="list", operands=(held,))
            return _among(slot_of, columns(leaf.name), dialect, binds, wanted=wanted)
        case In():
            assert not isinstance(leaf.operands, Param)  # noqa: S101 - invariant: as above
            slot_of = Slot(how="many", operands=leaf.operands)
            return _among(slot_of, columns(leaf.name), dialect, binds, wanted=wanted)
        case InKeys():
            return _in_keys(leaf, columns, dialect, binds, wanted=wanted)
        case Related():
            raise Inexact
        case Always() | And() | Or() | Not():
            raise AssertionError  # invariant: not a leaf
        case _:
            assert_never(leaf)


def need(side: Side | None) -> Side:
    """The side; raises `Inexact` when there is none."""
    if side is None:
        raise Inexact
    return side


def _compare(
    leaf: Compare, access: Access, dialect: Dialect, binds: Binds, *, wanted: bool
) -> ColumnElement[bool]:
    match leaf.op:
        case "eq" | "ne":
            side = need(access.equal)
            if wanted == (leaf.op == "eq") and not coded(side):
                return equals(side, binds.one(side, leaf.operand))
            slot = Slot(how="many", operands=(leaf.operand,))
            return _among(slot, access, dialect, binds, wanted=wanted == (leaf.op == "eq"))
        case "lt" | "le" | "gt" | "ge":
            op = leaf.op if wanted else _OPPOSITE[leaf.op]
            return _range(op, need(access.range), leaf, binds)
        case "prefix":
            side = need(access.text)
            ranged = access.ranged_prefix and wanted
            made = dialect.starts(binds, side, leaf.operand, ranged=ranged)
            return made if wanted else sa.not_(made)
        case "contains":
            side = need(access.text)
            made = dialect.contains(side, binds.one(side, leaf.operand))
            return made if wanted else sa.not_(made)
        case _:
            assert_never(leaf.op)


def equals(side: Side, value: ColumnElement[Any]) -> ColumnElement[bool]:
    """The equality, with one beside it that an index serves where the side has such."""
    made = side.expression == value
    return made if side.seek is None else sa.and_(side.seek == value, made)


def _range(op: str, side: Side, leaf: Compare, binds: Binds) -> ColumnElement[bool]:
    bound = side.up if op in ("lt", "ge") else side.down
    other = binds.one(side, leaf.operand, bound)
    match op:
        case "lt":
            return side.expression < other
        case "le":
            return side.expression <= other
        case "gt":
            return side.expression > other
        case _:
            return side.expression >= other


def _among(
    slot: Slot, access: Access, dialect: Dialect, binds: Binds, *, wanted: bool
) -> ColumnElement[bool]:
    side = need(access.equal)
    filled = Slot(how=slot.how, operands=slot.operands, index=slot.index, converts=(side.convert,))
    values = dialect.values(binds, side, filled)
    if wanted:
        return dialect.among(side, values)
    return sa.and_(access.raw.is_not(None), dialect.not_among(side, values))


def _in_keys(
    leaf: InKeys, columns: Columns, dialect: Dialect, binds: Binds, *, wanted: bool
) -> ColumnElement[bool]:
    accesses = [columns(name) for name in leaf.names]
    made = keyed(accesses, dialect, binds, held=leaf.keys)
    if wanted:
        return made
    return sa.or_(*(access.raw.is_(None) for access in accesses), sa.not_(made))


def keyed(
    accesses: list[Access], dialect: Dialect, binds: Binds, *, held: Param | None
) -> ColumnElement[bool]:
    """Rows whose columns are among the keys: the call's own, or those that a param holds."""
    sides = [need(access.equal) for access in accesses]
    if len(sides) == 1:
        slot = Slot(
            how="key" if held is None else "held",
            operands=() if held is None else (held,),
            converts=(sides[0].convert,),
        )
        return dialect.among(sides[0], dialect.values(binds, sides[0], slot))
    if any(coded(side) for side in sides):
        raise Inexact
    return dialect.among_rows(binds, sides, held)

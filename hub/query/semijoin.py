"""Rewrites of predicates on the way into sources.

`related` conditions and fields of other sources become key sets (semi-joins). Key sets are
two-valued, so negations are pushed to the leaves first, where Kleene's UNKNOWN stays with the
source that holds the value.
"""

from __future__ import annotations

from typing import assert_never

from schema.model.predicate import (
    Always,
    And,
    Compare,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Predicate,
    Related,
)


def not_true(predicate: Predicate) -> Predicate:
    """TRUE exactly where `predicate` is FALSE or UNKNOWN, else FALSE."""
    match predicate:
        case Always(value=value):
            return Always(not value)
        case Compare(name=name) | In(name=name):
            return Or((IsNull(name), Not(predicate)))
        case IsNull() | InKeys() | Related():
            return Not(predicate)
        case And(parts=parts):
            return Or(tuple(not_true(part) for part in parts))
        case Or(parts=parts):
            return And(tuple(not_true(part) for part in parts))
        case Not(part=part):
            return not_false(part)
        case _:
            assert_never(predicate)


def not_false(predicate: Predicate) -> Predicate:
    """TRUE exactly where `predicate` is TRUE or UNKNOWN, else FALSE."""
    match predicate:
        case Compare(name=name) | In(name=name):
            return Or((IsNull(name), predicate))
        case Always() | IsNull() | InKeys() | Related():
            return predicate
        case And(parts=parts):
            return And(tuple(not_false(part) for part in parts))
        case Or(parts=parts):
            return Or(tuple(not_false(part) for part in parts))
        case Not(part=part):
            return not_true(part)
        case _:
            assert_never(predicate)

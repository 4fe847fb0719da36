"""Formulas that fold constants: a Python ``bool`` or a z3 Boolean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import z3

Formula = Any
"""``bool`` where it is known, else ``z3.BoolRef``."""


def both(*parts: Formula) -> Formula:
    """The conjunction."""
    return every(parts)


def one(*parts: Formula) -> Formula:
    """The disjunction."""
    return some(parts)


def every(parts: Iterable[Formula]) -> Formula:
    """The conjunction; TRUE when empty."""
    return _joined(parts, False)


def some(parts: Iterable[Formula]) -> Formula:
    """The disjunction; FALSE when empty."""
    return _joined(parts, True)


def neither(part: Formula) -> Formula:
    """The negation."""
    return (not part) if isinstance(part, bool) else z3.Not(part)


def lifted(part: Formula) -> z3.BoolRef:
    """The formula as z3 takes it."""
    return z3.BoolVal(part) if isinstance(part, bool) else part


def _joined(parts: Iterable[Formula], decisive: bool) -> Formula:
    kept: dict[int, Formula] = {}
    for part in parts:
        if isinstance(part, bool):
            if part is decisive:
                return decisive
        else:
            kept[part.get_id()] = part
    found = list(kept.values())
    if not found:
        return not decisive
    if len(found) == 1:
        return found[0]
    return z3.Or(found) if decisive else z3.And(found)


class Bits(msgspec.Struct, frozen=True):
    """A condition in one row: TRUE, FALSE, or neither, which is UNKNOWN.

    The other bits say what is so whatever the row is, as the engine finds it by structure.
    """

    true: Formula
    false: Formula
    always_true: Formula
    never_true: Formula
    always_false: Formula
    never_false: Formula

    @property
    def flat(self) -> bool:
        """Whether the condition is known to be the same in all rows."""
        return self.true is self.always_true and self.false is self.always_false

    @property
    def not_false(self) -> Formula:
        """TRUE or UNKNOWN."""
        return neither(self.false)

    @property
    def not_true(self) -> Formula:
        """FALSE or UNKNOWN."""
        return neither(self.true)


def same_in_all_rows(true: Formula, false: Formula) -> Bits:
    """The bits of a condition that does not speak of a row."""
    return Bits(true, false, true, neither(true), false, neither(false))


def by_row(true: Formula, false: Formula, unknown: Formula) -> Bits:
    """The bits of one comparison with a row; `unknown` where the caller lacks what it needs."""
    known = neither(unknown)
    return Bits(both(known, true), both(known, false), False, unknown, False, unknown)


def kleene(parts: Iterable[Bits], decisive: bool) -> Bits:
    """The conjunction (`decisive` False) or disjunction of conditions."""
    found = list(parts)
    meets, joins = (every, some) if not decisive else (some, every)
    if all(part.flat for part in found):
        return same_in_all_rows(
            meets(part.true for part in found), joins(part.false for part in found)
        )
    return Bits(
        meets(part.true for part in found),
        joins(part.false for part in found),
        meets(part.always_true for part in found),
        joins(part.never_true for part in found),
        joins(part.always_false for part in found),
        meets(part.never_false for part in found),
    )


def opposite(part: Bits) -> Bits:
    """The negation."""
    return Bits(
        part.false,
        part.true,
        part.always_false,
        part.never_false,
        part.always_true,
        part.never_true,
    )

"""Values that the norm of their field does not know: found, counted, never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hub.query.steps import Check

OutsideState = Literal["unknown", "retired", "divided", "unread"]
"""No code of the list; a code that is no longer one; a code whose rows nobody can place, since
what it stood for was divided; a value without a counterpart, which is null."""


def outside(
    check: Check, column: Sequence[Any], unread: Sequence[bool | None]
) -> Counter[OutsideState]:
    """How many values of a column are outside its field's norm, by what is wrong; of `unread`
    each row says whether it is, ``None`` where the source has no such row.

    Cost: a set of the column, and a look-up for each different value.
    """
    found: Counter[OutsideState] = Counter()
    if check.codes is not None:
        odd = states(check, column)
        if odd:
            found.update(odd[value] for value in column if value in odd)
    odd_ones = sum(map(bool, unread))
    if odd_ones:
        found["unread"] = odd_ones
    return found


def states(check: Check, column: Sequence[Any]) -> Mapping[str, OutsideState]:
    """The values that are outside the code list, with what is wrong."""
    held, divided = check.codes, check.divided
    if held is None:
        return {}
    odd: dict[str, OutsideState] = {}
    for value in set(column):
        if value is None:
            continue
        state = held.state(value)
        if value in divided:
            odd[value] = "divided"
        elif state != "known":
            odd[value] = state
    return odd

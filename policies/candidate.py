"""The candidates of a decision: a permit's outcome met with the limits that apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import msgspec

from policies.compile import Cell
from policies.distinct import is_coded
from policies.meet import NOTHING, REDACT, Shown, fitted, meet_all
from policies.obligation import Quota
from policies.residue import implies
from policies.rule import Rule
from policies.ruling import Allow, FieldError, Hidden, Masked, Null, Outcome
from schema.model.predicate import Predicate

_SECRECY: tuple[type, ...] = (Hidden, Null, FieldError)
_MOST_SUBSETS = 3
_LIGHT = (0, b"")
Weight = tuple[int, bytes]
Path = tuple[Predicate, tuple[str, ...], Weight]
"""One way to an outcome: the rows it holds for, its rules, what its permit obliges to."""


def smallest(found: Sequence[Path], rows: Predicate) -> tuple[str, ...]:
    """The rules of one path that holds everywhere, the one with the fewest obligations; of all
    paths if only together they do. Names decide between paths that come to the same alone."""
    alone = [(weight, len(rules), rules) for where, rules, weight in found if implies(rows, where)]
    if alone:
        return min(alone)[2]
    return tuple(sorted({rule for _, rules, _ in found for rule in rules}))


def weight_of(rule: Rule) -> Weight:
    """What a permit obliges to and declares, in an order that no name changes."""
    if not rule.obligations and rule.declassify is None:
        return _LIGHT
    # what a quota is counted by is its rule's name, which says nothing of how strict it is
    duties = [
        msgspec.structs.replace(one, rule="") if isinstance(one, Quota) else one
        for one in rule.obligations
    ]
    said = sorted(msgspec.json.encode(one, order="sorted") for one in duties)
    declared = msgspec.json.encode(rule.declassify, order="sorted")
    return len(duties), b"\n".join((*said, declared))


def fitted_to(outcome: Shown, cell: Cell) -> Shown:
    """The outcome for a cell's fields; a mask that does not fit them becomes `redact`."""
    # fails closed: codes of few values give them away
    return fitted(REDACT if cell.few and is_coded(outcome) else outcome, cell.kind)


def limit_of(rule: Rule, cell: Cell) -> Shown:
    """The most that a requirement leaves of a cell's fields."""
    if isinstance(rule.outcome, Masked):
        return fitted_to(rule.outcome, cell)
    return NOTHING  # fails closed: whatever else is asked, nothing is shown


def candidate(
    rule: Rule, limits: Sequence[tuple[Shown, str]], cell: Cell
) -> tuple[Shown, tuple[str, ...]]:
    """A permit's outcome met with limits, and the fewest rules that give the same."""
    own = rule.outcome if isinstance(rule.outcome, Allow | Masked) else NOTHING
    own = fitted_to(own, cell)

    def met(kept: Iterable[tuple[Shown, str]]) -> Shown:
        return fitted(meet_all([own, *(limit for limit, _ in kept)]), cell.kind)

    seen = met(limits)
    needed = sorted(limits, key=lambda limit: limit[1])
    for limit in tuple(needed):
        fewer = [other for other in needed if other is not limit]
        if met(fewer) == seen:
            needed = fewer
    return seen, (rule.id, *(name for _, name in needed))


def subsets(
    by_row: Sequence[tuple[Shown, str, Predicate]],
) -> Iterable[tuple[list[tuple[Shown, str]], list[Predicate]]]:
    """Which row-dependent limits apply, with the rows where the others surely do not."""
    many = len(by_row) > _MOST_SUBSETS
    # fails closed: beyond a few, one that may apply makes all apply
    sizes: Iterable[int] = (0, len(by_row)) if many else range(len(by_row) + 1)
    for size in sizes:
        for applied in combinations(by_row, size):
            spared = [clear for limit in by_row if limit not in applied for clear in limit[2:]]
            yield [(seen, name) for seen, name, _ in applied], spared


def most_secretive(rules: Sequence[Rule]) -> tuple[Outcome, tuple[str, ...]]:
    """What the strictest of the forbids that apply makes of a field, and by which rule."""

    def place(rule: Rule) -> tuple[int, str]:
        kind = type(rule.outcome) if rule.outcome is not None else Null
        return (_SECRECY.index(kind), rule.id) if kind in _SECRECY else (0, rule.id)

    strictest = min(rules, key=place)
    outcome: Callable[[], Outcome] = (Hidden, Null, FieldError)[place(strictest)[0]]
    return outcome(), (strictest.id,)

"""Whether operations can reveal more than what was approved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hub.query.reveal import Bound, RowBound, Shown, UseBound, by_place
from policies.explain import declared_in_words
from policies.meet import NOTHING, REDACT, meet
from policies.residue import disjunction, implies
from policies.ruling import Allow, Masked
from policies.words import Said
from schema.model.predicate import TRUE, Predicate


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not within the approved bound."""

    operation: str
    at: str
    """A coordinate with its mode, a type, or an empty text for all of the operation."""
    what: Said


def growth(approved: Sequence[Bound], present: Sequence[Bound]) -> tuple[Growth, ...]:
    """Everything of the present bounds that is not within the approved ones; () = within.

    Conditions are compared by their structure: one that is not found to be within the approved
    one counts as grown.
    """
    known = by_place(approved)
    found: list[Growth] = []
    for bound in present:
        named = bound.name or bound.document[:12]
        held = known.get((bound.document, bound.name))
        if held is None:
            what = ("the operation was not approved", "该操作未经批准")
            found.append(Growth(operation=named, at="", what=what))
        elif bound.open:
            found += [
                Growth(operation=named, at=at, what=what) for at, what in _operation(held, bound)
            ]
    return tuple(found)


def _operation(approved: Bound, present: Bound) -> Iterator[tuple[str, Said]]:
    yield from _count("", approved.rows, present.rows)
    uses = {one.key: one for one in approved.uses}
    for use in present.uses:
        if use.shown:
            at = f"{use.mode} {use.coordinate}"
            at = f"{at} ({use.function})" if use.function else at
            for what in _use(uses.get(use.key), use):
                yield at, what
    types = {one.type: one for one in approved.types}
    for one in present.types:
        yield from _rows(types.get(one.type), one)


def _use(approved: UseBound | None, present: UseBound) -> Iterator[Said]:
    if approved is None or not approved.shown:
        yield "it was not open", "原不开放"
        return
    for shown in present.shown:
        yield from _shown(approved.shown, shown)
    for _, what in _count("", approved.rows, present.rows):
        yield what
    added = sorted(set(present.purposes) - set(approved.purposes))
    if added:
        told = ", ".join(f"`{one}`" if one else "none stated" for one in added)
        yield f"it is open for more purposes: {told}", f"新增可用目的：{told}"
    if approved.k is not None and (present.k is None or present.k < approved.k):
        yield (
            f"figures are over at least {present.k or 1} persons, not {approved.k}",
            f"汇总的最少人数由 {approved.k} 变为 {present.k or 1}",
        )
    if not set(approved.obligations) <= set(present.obligations):
        yield "an obligation has fallen away, or is another", "有义务被取消或变更"
    for one in present.declassified or ():
        if not any(
            (held.ladder, held.level) == (one.ladder, one.level) and held.k <= one.k
            for held in approved.declassified or ()
        ):
            yield declared_in_words(one)
    label = (approved.levels, approved.categories, approved.compartments, approved.owner)
    if label != (present.levels, present.categories, present.compartments, present.owner):
        # fails closed: who approved it took it for something else
        yield "its label or owner is another", "其分级分类或数源部门已变更"


def _shown(approved: Sequence[Shown], present: Shown) -> Iterator[Said]:
    held = [one.where for one in approved if at_most(present.outcome, one.outcome)]
    if not held:
        yield f"it is shown {present.en}", f"现显示为{present.zh}"
    elif not implies(present.where, disjunction(held)):
        word = _differs(disjunction(held), present.where)
        yield (
            f"it is shown in rows that are {word[0]}: {present.en}",
            f"其显示的数据行{word[1]}：{present.zh}",
        )


def _rows(approved: RowBound | None, present: RowBound) -> Iterator[tuple[str, Said]]:
    if approved is None:
        what = (f"rows count that did not: {present.en}", f"新增涉及的数据行：{present.zh}")
        yield present.type, what
        return
    yield from _count(present.type, approved.rows, present.rows)
    if not implies(present.where, approved.where):
        word = _differs(approved.where, present.where)
        yield (
            present.type,
            (f"the row condition is {word[0]}: {present.en}", f"行条件{word[1]}：{present.zh}"),
        )


def _differs(approved: Predicate, present: Predicate) -> Said:
    if present == TRUE or implies(approved, present):
        return "wider", "变宽"
    return "different, perhaps wider", "不同，可能变宽"


def _count(at: str, approved: int, present: int) -> Iterator[tuple[str, Said]]:
    if present > approved:
        yield (
            at,
            (
                f"up to {present} instead of {approved} in one answer",
                f"单次结果上限由 {approved} 变为 {present}",
            ),
        )


def at_most(seen: Allow | Masked, bound: Allow | Masked) -> bool:
    """Whether an outcome shows no more of a value than another."""
    seen, bound = _plain(seen), _plain(bound)
    if seen in (bound, NOTHING) or isinstance(bound, Allow):
        return True
    if isinstance(seen, Allow) or bound == NOTHING:
        return False
    return seen == REDACT or _plain(meet(seen, bound)) == seen


def _plain(outcome: Allow | Masked) -> Allow | Masked:
    """Without the kind of the value, which does not say how much is seen."""
    if isinstance(outcome, Allow):
        return outcome
    kept = tuple(pair for pair in outcome.params if pair[0] != "kind")
    return Masked(outcome.mask, kept)

"""What other rules would change of one operation: rulings compared, use by use and type by type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from policies.condition import Attribute, Literally, OneOf, leaves_of, terms_of
from policies.condition import Compares as Comparing
from policies.engine import Engine
from policies.meet import NOTHING, Shown, meet
from policies.obligation import Obligation, Quota, meet_obligations
from policies.residue import disjunction, implies
from policies.ruling import (
    Allow,
    Declassified,
    FieldError,
    Hidden,
    Masked,
    Null,
    Outcome,
    Reject,
    Rowwise,
    Ruling,
)
from policies.together import Together
from schema.model.predicate import FALSE, TRUE, Predicate
from schema.model.use import FieldUse

Direction = Literal["gain", "loss", "differs"]
_PERSON = Attribute("subject", "user")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that candidate rules decide otherwise, from the caller's side.

    `use`: as tests of rules write it; a type for its rows; a kind of obligation.
    """

    direction: Direction
    what: Literal["operation", "field", "label", "rows", "obligation"]
    use: str
    before: str
    after: str
    rules_before: tuple[str, ...] = ()
    rules_after: tuple[str, ...] = ()


def compare_rulings(before: Ruling, after: Ruling, uses: Sequence[FieldUse]) -> list[Change]:
    """What changes of an operation that both rulings let run."""
    found = []
    for use in uses:
        old, new = before.outcomes.get(use, Reject()), after.outcomes.get(use, Reject())
        way = direction(old, new)
        if way is not None:
            found.append(
                Change(
                    direction=way,
                    what="field",
                    use=use_word(use),
                    before=outcome_told(old),
                    after=outcome_told(new),
                    rules_before=before.reasons.get(use, ()),
                    rules_after=after.reasons.get(use, ()),
                )
            )
    found += _labels(before, after, uses)
    return [*found, *_rows(before, after), *_duties(before, after), *_joint(before, after)]


def _labels(before: Ruling, after: Ruling, uses: Sequence[FieldUse]) -> Iterator[Change]:
    """What rules declare of masked values, whatever reason they give."""
    for use in uses:
        old, new = (
            [_declared_told(one) for one in side.declassified.get(use, ())]
            for side in (before, after)
        )
        if set(old) == set(new):
            continue
        yield Change(
            direction="differs" if old and new else "gain" if new else "loss",
            what="label",
            use=use_word(use),
            before=" and ".join(sorted(set(old))) or _OWN_LABEL,
            after=" and ".join(sorted(set(new))) or _OWN_LABEL,
            rules_before=before.reasons.get(use, ()),
            rules_after=after.reasons.get(use, ()),
        )


_OWN_LABEL = "the field's own label"


def _declared_told(one: Declassified) -> str:
    return f"{one.ladder} {one.level} where {one.k} persons share it".lstrip()


def use_word(use: FieldUse) -> str:
    """A use as tests of rules write it: ``Person.name``, ``filter_eq Person.name``."""
    if use.mode == "project":
        return str(use.coordinate)
    mode = f"{use.mode}:{use.function}" if use.function else use.mode
    return f"{mode} {use.coordinate}"


def outcome_told(outcome: Outcome) -> str:
    """An outcome in one phrase, with what its rule says of it."""
    match outcome:
        case Allow():
            return "allow"
        case Masked(mask=mask, params=params):
            told = ", ".join(f"{key} {value}" for key, value in params if key != "kind")
            return f"{mask} ({told})" if told else mask
        case Null(code=code):
            return f"null ({code})"
        case FieldError(code=code):
            return f"error ({code})"
        case Reject(code=code):
            return f"reject ({code})"
        case Hidden():
            return "hidden"
        case Rowwise(cases=cases):
            shown = dict.fromkeys(outcome_told(one) for _, one in cases)
            return f"by row: {' or '.join(shown)}, else null"


def direction(before: Outcome, after: Outcome) -> Direction | None:
    """Whether a caller has more or less by the second outcome; ``None`` for the same.

    Told by structure, so ``differs`` may stand for a gain or a loss that cannot be computed.
    """
    if before == after:
        return None
    old, new = _cases(before), _cases(after)
    if not old and not new:
        return "differs"
    if not old or not new:
        return "gain" if new else "loss"
    rows = _wider(disjunction([rows for rows, _ in old]), disjunction([rows for rows, _ in new]))
    shown = [{_plain(outcome) for _, outcome in side} for side in (old, new)]
    if len(shown[0]) != 1 or len(shown[1]) != 1:
        return "differs"
    value = _more(shown[0].pop(), shown[1].pop())
    ways = {way for way in (rows, value) if way is not None}
    # equal but for what is told of it: a kind, the order of cases
    return ways.pop() if len(ways) == 1 else "differs" if ways else None


def reads_person(engine: Engine) -> bool:
    """Whether any rule reads who the person is."""
    return any(_PERSON in terms_of(leaf) for leaf in _leaves(engine))


def persons_named(engine: Engine) -> frozenset[str]:
    """The persons whom rules name."""
    found: set[Any] = set()
    for leaf in _leaves(engine):
        match leaf:
            case OneOf(left=left, among=tuple(among)) if left == _PERSON:
                found.update(among)
            case Comparing(left=left, right=right) if _PERSON in (left, right):
                found.update(one.value for one in (left, right) if isinstance(one, Literally))
            case _:
                continue
    return frozenset(one for one in found if isinstance(one, str))


def _leaves(engine: Engine) -> Iterator[Any]:
    for variant in engine.tables.variants:
        for condition in (variant.when, variant.rows):
            if condition is not None:
                yield from leaves_of(condition)
    for condition in engine.joint.conditions:
        yield from leaves_of(condition)


def _cases(outcome: Outcome) -> list[tuple[Predicate, Shown]]:
    """The rows in which something is shown, and as what."""
    match outcome:
        case Allow() | Masked():
            cases: Sequence[tuple[Predicate, Shown]] = [(TRUE, outcome)]
        case Rowwise():
            cases = outcome.cases
        case _:
            return []
    return [(rows, shown) for rows, shown in cases if _plain(shown) != NOTHING]


def _plain(outcome: Shown) -> Shown:
    """Without the kind of value that masks are told of."""
    if isinstance(outcome, Allow):
        return outcome
    return Masked(outcome.mask, tuple(pair for pair in outcome.params if pair[0] != "kind"))


def _more(before: Shown, after: Shown) -> Direction | None:
    if before == after:
        return None
    met = meet(before, after)
    if met == before:
        return "gain"
    return "loss" if met == after else "differs"


def _wider(before: Predicate, after: Predicate) -> Direction | None:
    if before == after:
        return None
    more, less = implies(before, after), implies(after, before)
    if more and less:
        return None
    return "gain" if more else "loss" if less else "differs"


_ROWS = {"gain": "more rows", "loss": "fewer rows", "differs": "other rows"}


def _rows(before: Ruling, after: Ruling) -> Iterator[Change]:
    for name in sorted({*before.row_filters, *after.row_filters}):
        old, new = (side.row_filters.get(name, FALSE) for side in (before, after))
        way = _wider(old, new)
        if way is not None:
            yield Change(
                direction=way,
                what="rows",
                use=str(name),
                before=_rows_told(old) or "some rows",
                after=_rows_told(new) or _ROWS[way],
                rules_before=_deciders(before, str(name)),
                rules_after=_deciders(after, str(name)),
            )


def _rows_told(rows: Predicate) -> str | None:
    return "all rows" if rows == TRUE else "no rows" if rows == FALSE else None


def _deciders(ruling: Ruling, name: str) -> tuple[str, ...]:
    """The rules of the uses that name a type or its fields: its rows come from these."""
    found = {
        rule
        for use, rules in ruling.reasons.items()
        if str(use.coordinate).partition(".")[0] == name
        for rule in rules
    }
    return tuple(sorted(found))


def _duties(before: Ruling, after: Ruling) -> Iterator[Change]:
    old, new = _met(before), _met(after)
    for kind in sorted({*old, *new}):
        dropped = [one for one in old.get(kind, ()) if one not in new.get(kind, ())]
        added = [one for one in new.get(kind, ()) if one not in old.get(kind, ())]
        if len(dropped) == len(added) == 1:
            met = meet_obligations([*dropped, *added])
            way: Direction = "differs"
            if len(met) == 1:
                way = "gain" if met[0] == dropped[0] else "loss" if met[0] == added[0] else way
            yield _duty(kind, way, dropped[0], added[0])
            continue
        yield from (_duty(kind, "gain", one, None) for one in dropped)
        yield from (_duty(kind, "loss", None, one) for one in added)


def _met(ruling: Ruling) -> dict[str, list[Obligation]]:
    found: dict[str, list[Obligation]] = {}
    duties = (one for held in ruling.obligations.values() for one in held)
    for one in meet_obligations(duties):
        if isinstance(one, Quota):
            # of which version of a rule it is changes nothing
            one = msgspec.structs.replace(one, rule=one.rule.partition("@")[0])
        found.setdefault(type(one).__name__, []).append(one)
    return found


def _joint(before: Ruling, after: Ruling) -> Iterator[Change]:
    """Mosaics over time and combinations that the uses touch, by their rules' names."""
    old, new = _touched(before), _touched(after)
    for name in sorted({*old, *new}):
        (was, by), (is_now, then) = old.get(name, _UNTOUCHED), new.get(name, _UNTOUCHED)
        if was != is_now:
            yield Change(
                direction="differs" if was and is_now else "gain" if was else "loss",
                what="obligation",
                use="together",
                before=was or "none",
                after=is_now or "none",
                rules_before=by,
                rules_after=then,
            )


_UNTOUCHED: tuple[str, tuple[str, ...]] = ("", ())


def _touched(ruling: Ruling) -> dict[str, tuple[str, tuple[str, ...]]]:
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    together = ruling.together or Together()
    for raised in together.raised:
        told = f"raises to {raised.level[1]}"
        found[raised.rule.rpartition("@")[0]] = (told, (raised.rule,))
    for one in together.windows:
        parts = " + ".join(f"({part})" for part in one.parts)
        told = f"at most {one.most} in {one.per_s} seconds of one {one.by}, of them {parts}"
        found[one.rule.rpartition("@")[0]] = (told, (one.rule,))
    return found


def _duty(kind: str, way: Direction, before: Obligation | None, after: Obligation | None) -> Change:
    return Change(
        direction=way,
        what="obligation",
        use=kind,
        before=_duty_told(before),
        after=_duty_told(after),
    )


def _duty_told(duty: Obligation | None) -> str:
    if duty is None:
        return "none"
    held = msgspec.to_builtins(duty)
    told = ", ".join(f"{key} {value}" for key, value in held.items() if key not in ("type", ""))
    return told or "asked"

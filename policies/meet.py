"""Strictest-of for outcomes of a readable field, and the order in which permits are preferred.

`meet` is associative, commutative and idempotent, so no order of rules matters; masks that show
different things of a value meet in `redact`. `rank` extends the order that `meet` makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import lcm

from policies.masks import KEYED, MASKS
from policies.masks.bucket import edges_of, number_of, plain_number, width_of
from policies.masks.generalise import FORMS, REGIONS, UNITS
from policies.masks.partial import FILL
from policies.ruling import Allow, Masked
from schema.model.scalar import ScalarKind

Shown = Allow | Masked
REDACT = Masked("redact")
NOTHING = Masked("null")
_KIND_AWARE = frozenset({"redact", "generalise", "noise"})


def meet(first: Shown, second: Shown) -> Shown:
    """The most that both outcomes let be seen."""
    if first == second or isinstance(second, Allow):
        return first
    if isinstance(first, Allow):
        return second
    if NOTHING in (first, second):
        return NOTHING
    if first.mask != second.mask:
        return REDACT
    ours, theirs = dict(first.params), dict(second.params)
    match first.mask:
        case "partial":
            return _partial(ours, theirs)
        case "generalise":
            return _generalise(ours, theirs)
        case "bucket":
            return _bucket(ours, theirs)
        case "noise":
            return _noise(ours, theirs)
        case _:
            return REDACT


def meet_all(outcomes: Sequence[Shown]) -> Shown:
    """The most that all outcomes let be seen; `Allow` for none."""
    met: Shown = Allow()
    for outcome in outcomes:
        met = meet(met, outcome)
    return met


def rank(outcome: Shown, preference: Sequence[str]) -> tuple[object, ...]:
    """A sort key: the most wanted outcome first."""
    if isinstance(outcome, Allow):
        return (preference.index("allow"),)
    place = preference.index(outcome.mask) if outcome.mask in preference else len(preference)
    return (place, *_fineness(outcome), repr(outcome.params))


def fitted(outcome: Shown, kind: ScalarKind) -> Shown:
    """The outcome for a field of a kind; a mask that does not fit the kind becomes `redact`."""
    if isinstance(outcome, Allow):
        return outcome
    function = MASKS.get(outcome.mask)
    try:
        if function is None or function.output_kind(kind, dict(outcome.params)) != kind:
            outcome = REDACT
    except ValueError:
        outcome = REDACT  # fails closed: the mask cannot be carried out
    if outcome.mask not in _KIND_AWARE:
        return outcome
    params = {**dict(outcome.params), "kind": kind}
    return Masked(outcome.mask, tuple(sorted(params.items())))


def fits(outcome: Shown, kind: ScalarKind) -> str | None:
    """Why a mask does not fit a kind; ``None`` if it does."""
    if isinstance(outcome, Allow):
        return None
    try:
        MASKS[outcome.mask].output_kind(kind, dict(outcome.params))
    except ValueError as problem:
        return str(problem)
    return None


def comparable(outcome: Shown) -> bool:
    """Whether equal values of two fields are seen to be equal where both have this outcome."""
    function = KEYED.get(outcome.mask) if isinstance(outcome, Masked) else None
    if function is None or not isinstance(outcome, Masked):
        return True
    need = function.need(dict(outcome.params))
    # fails closed: without a stated domain each field has codes of its own, noise always
    return need is not None and need.domain is not None and not function.by_cell


def _whole(params: Mapping[str, str | int], name: str) -> int:
    value = params.get(name, 0)
    return value if isinstance(value, int) else 0


def _partial(ours: Mapping[str, str | int], theirs: Mapping[str, str | int]) -> Masked:
    keeps = {
        side: min(_whole(ours, side), _whole(theirs, side)) for side in ("keep_first", "keep_last")
    }
    if not any(keeps.values()):
        return REDACT
    fill = min(str(ours.get("fill", FILL)), str(theirs.get("fill", FILL)))
    params: dict[str, str | int] = {side: keep for side, keep in keeps.items() if keep}
    if fill != FILL:
        params["fill"] = fill
    return Masked("partial", tuple(sorted(params.items())))


def _generalise(ours: Mapping[str, str | int], theirs: Mapping[str, str | int]) -> Masked:
    for form in FORMS:
        if form in ours and form in theirs:
            coarser = max(ours[form], theirs[form], key=lambda value: _coarseness(form, value))
            return Masked("generalise", ((form, coarser),))
    return REDACT


def _coarseness(form: str, value: str | int) -> int:
    match form:
        case "to":
            return UNITS.index(str(value))
        case "region":
            return -REGIONS[str(value)]
        case "prefix":
            return -int(value)
        case _:
            return int(value)


def _noise(ours: Mapping[str, str | int], theirs: Mapping[str, str | int]) -> Masked:
    """The wider noise, cut further out. What draws it must be the same, or both hide it."""
    scope = ours.get("key_scope", "app")
    if scope != theirs.get("key_scope", "app"):
        return REDACT
    epsilon = min(_number(ours, "epsilon"), _number(theirs, "epsilon"))
    bound = max(_number(ours, "bound"), _number(theirs, "bound"))
    params = {"epsilon": plain_number(epsilon), "bound": plain_number(bound)}
    if scope != "app":
        params["key_scope"] = str(scope)
    return Masked("noise", tuple(sorted(params.items())))


def _number(params: Mapping[str, str | int], name: str) -> Decimal:
    return number_of(params.get(name)) or Decimal(0)


def _bucket(ours: Mapping[str, str | int], theirs: Mapping[str, str | int]) -> Masked:
    """Only edges that both have stay: the finest partition that is coarser than both."""
    width, other = width_of(ours), width_of(theirs)
    if width is not None and other is not None:
        return Masked("bucket", (("width", plain_number(_common_multiple(width, other))),))
    edges, others = edges_of(ours) or (), edges_of(theirs) or ()
    if width is not None:
        kept = [edge for edge in others if edge % width == 0]
    elif other is not None:
        kept = [edge for edge in edges if edge % other == 0]
    else:
        kept = [edge for edge in edges if edge in others]
    if not kept:
        return REDACT
    return Masked("bucket", (("edges", ",".join(plain_number(edge) for edge in kept)),))


def _common_multiple(first: Decimal, second: Decimal) -> Decimal:
    places = max(-int(first.as_tuple().exponent), -int(second.as_tuple().exponent), 0)
    whole = lcm(int(first.scaleb(places)), int(second.scaleb(places)))
    return Decimal(whole).scaleb(-places)


def _fineness(outcome: Masked) -> tuple[object, ...]:
    """What orders two outcomes of one mask: finer first."""
    params = dict(outcome.params)
    match outcome.mask:
        case "partial":
            first, last = _whole(params, "keep_first"), _whole(params, "keep_last")
            return (-(first + last), -first)
        case "generalise":
            form = next(form for form in FORMS if form in params)
            return (FORMS.index(form), _coarseness(form, params[form]))
        case "noise":
            return (-_number(params, "epsilon"), _number(params, "bound"))
        case "bucket":
            width, edges = width_of(params), edges_of(params) or ()
            return (0, width) if width is not None else (1, -len(edges))
        case _:
            return ()

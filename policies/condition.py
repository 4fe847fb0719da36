"""Conditions of rules: a small, total language in three values (Kleene).

No functions, no loops. A missing attribute is UNKNOWN (``None``). What speaks of a row stays a
condition when it is reduced for a subject; `residue` turns it into a predicate.
"""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from policies.age import is_known
from policies.attributes import CONTEXT_ATTRIBUTES, SET_ATTRIBUTES, TEXT_ATTRIBUTES
from policies.granted import Acting, Granted, LiveGrant
from policies.packs import Packs
from schema.model.subject import Context, Subject

Space = Literal["subject", "resource", "context", "row", "lent", "delegate"]
"""``lent`` and ``delegate``: attributes of whoever acts for the subject (`policies.acting`)."""
RowOp = Literal["eq", "ne", "lt", "le", "gt", "ge"]


class Attribute(msgspec.Struct, frozen=True, tag=True):
    """``subject.region``, ``row.districtCode`` and so on."""

    space: Space
    name: str


class Literally(msgspec.Struct, frozen=True, tag=True):
    """A value that the rule states."""

    value: str | int | float | bool


Term = Attribute | Literally


class Truth(msgspec.Struct, frozen=True, tag=True):
    """TRUE, FALSE or UNKNOWN."""

    value: bool | None


class All(msgspec.Struct, frozen=True, tag=True):
    """Conjunction; TRUE when empty."""

    parts: tuple[Condition, ...]


class Any_(msgspec.Struct, frozen=True, tag=True):
    """Disjunction; FALSE when empty."""

    parts: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    """Negation."""

    part: Condition


class Compares(msgspec.Struct, frozen=True, tag=True):
    """``eq ne lt le gt ge``; order only where a row's field is on the left."""

    op: RowOp
    left: Term
    right: Term


class OneOf(msgspec.Struct, frozen=True, tag=True):
    """Whether a term is among stated values or in a set-valued attribute of the subject."""

    left: Term
    among: tuple[str | int | float | bool, ...] | Attribute


class RegionWithin(msgspec.Struct, frozen=True, tag=True):
    """Whether a region is another or lies inside it: region codes contain by prefix."""

    inner: Term
    outer: Term


class PurposeWithin(msgspec.Struct, frozen=True, tag=True):
    """Whether the stated purpose is one of some, or lies below it (`below`)."""

    purposes: tuple[str, ...]
    below: bool


class Cleared(msgspec.Struct, frozen=True, tag=True):
    """Whether the clearance reaches a level; without a ladder, on the only one that knows it."""

    ladder: str
    level: str


class Present(msgspec.Struct, frozen=True, tag=True):
    """Whether an attribute is there; two-valued."""

    term: Attribute


class YoungerThan(msgspec.Struct, frozen=True, tag=True):
    """Whether a row's date of birth is that of somebody younger; the day is bound when run."""

    term: Attribute
    years: int


class Owned(msgspec.Struct, frozen=True, tag=True):
    """Whether the subject is the owner of the field."""

    owner: str
    region: str | None


Condition = (
    Truth | All | Any_ | Not | Compares | OneOf | RegionWithin | PurposeWithin | Cleared
    | Present | YoungerThan | Owned | Granted | LiveGrant | Acting
)  # fmt: skip

TRUE, FALSE, UNKNOWN = Truth(True), Truth(False), Truth(None)


class Facts(msgspec.Struct, frozen=True):
    """What is known of a resource when rules are compiled."""

    owner: str
    share: str
    source: str
    region: str | None
    """The region of the source's department."""
    granted: tuple[tuple[frozenset[str], Condition], ...] = ()
    """The grants on it: what categories each speaks of, and when it is live for which rows."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What conditions are reduced against.

    `foresee`: ask whether a rule could fire in *some* network zone, case and so on; the purpose
    is as stated. ``True`` takes such leaves as helping, ``False`` as hindering, ``None`` as known.
    """

    subject: Subject
    context: Context
    packs: Packs
    foresee: bool | None = None
    lapsed: bool = False
    """Whether grants that have ended are taken as live."""
    rights: Subject | None = None
    """Whose grants and ownership count, if not the subject's own."""
    acting: str = ""
    """The delegation that the caller acts under."""


def owns(subject: Subject, owner: str, region: str | None) -> bool | None:
    """Whether a subject's department owns what a department of a region serves.

    Another region's department of the same name is not the owner; an unknown one may not be.
    """
    if subject.department is None:
        return None
    if subject.department != owner:
        return False
    if region is None:
        return True
    return subject.region == region if subject.region else None


def every(*parts: Condition) -> Condition:
    """The conjunction, flattened and simplified."""
    return _joined(parts, False)


def either(*parts: Condition) -> Condition:
    """The disjunction, flattened and simplified."""
    return _joined(parts, True)


def opposite(part: Condition) -> Condition:
    """The negation."""
    if isinstance(part, Truth):
        return Truth(None if part.value is None else not part.value)
    return part.part if isinstance(part, Not) else Not(part)


def _joined(parts: tuple[Condition, ...], decisive: bool) -> Condition:
    kind = Any_ if decisive else All
    kept: dict[Condition, None] = {}
    for part in parts:
        if isinstance(part, Truth) and part.value is decisive:
            return part
        if isinstance(part, Truth) and part.value is (not decisive):
            continue
        kept |= dict.fromkeys(part.parts if isinstance(part, kind) else (part,))
    if not kept:
        return Truth(not decisive)
    found = tuple(kept)
    return found[0] if len(found) == 1 else kind(found)


def specialise(condition: Condition, facts: Facts) -> Condition:
    """The condition for one kind of resource: its attributes become values."""

    def term(of: Term) -> Term:
        if isinstance(of, Attribute) and of.space == "resource" and of.name != "owned":
            return Literally(getattr(facts, of.name))
        return of

    match condition:
        case All(parts=parts):
            return every(*(specialise(part, facts) for part in parts))
        case Any_(parts=parts):
            return either(*(specialise(part, facts) for part in parts))
        case Not(part=part):
            return opposite(specialise(part, facts))
        case Compares(left=Attribute(space="resource", name="owned"), right=Literally(value=held)):
            owned = Owned(facts.owner, facts.region)
            return owned if (held is True) is (condition.op == "eq") else Not(owned)
        case Compares():
            return Compares(condition.op, term(condition.left), term(condition.right))
        case OneOf():
            return OneOf(term(condition.left), condition.among)
        case Granted(category=category):
            return either(
                *(live for said, live in facts.granted if not category or category in said)
            )
        case _:
            return condition


def reduce(condition: Condition, held: Circumstances, *, positive: bool = True) -> Condition:
    """The condition for one subject and context: `Truth`, or what speaks of the row."""
    match condition:
        case Truth():
            return condition
        case All(parts=parts):
            return every(*(reduce(part, held, positive=positive) for part in parts))
        case Any_(parts=parts):
            return either(*(reduce(part, held, positive=positive) for part in parts))
        case Not(part=part):
            return opposite(reduce(part, held, positive=not positive))
        case _:
            if held.foresee is not None and _unforeseen(condition):
                return Truth(held.foresee is positive)
            return _leaf(condition, held)


def terms_of(leaf: Condition) -> tuple[Term, ...]:
    """The terms that one leaf reads."""
    match leaf:
        case Compares(left=left, right=right):
            return (left, right)
        case OneOf(left=left, among=among):
            return (left, among) if isinstance(among, Attribute) else (left,)
        case RegionWithin(inner=inner, outer=outer):
            return (inner, outer)
        case Present(term=term) | YoungerThan(term=term):
            return (term,)
        case _:
            return ()


def leaves_of(condition: Condition) -> tuple[Condition, ...]:
    """Every leaf of a condition."""
    match condition:
        case All(parts=parts) | Any_(parts=parts):
            return tuple(leaf for part in parts for leaf in leaves_of(part))
        case Not(part=part):
            return leaves_of(part)
        case _:
            return (condition,)


def reads_row(condition: Condition) -> bool:
    """Whether a condition speaks of the row."""
    return any(
        isinstance(term, Attribute) and term.space == "row"
        for leaf in leaves_of(condition)
        for term in terms_of(leaf)
    )


def needs_purpose(condition: Condition) -> bool:
    """Whether a condition speaks of the stated purpose."""
    return any(
        isinstance(leaf, PurposeWithin | LiveGrant)
        or Attribute("context", "purpose") in terms_of(leaf)
        for leaf in leaves_of(condition)
    )


def _unforeseen(leaf: Condition) -> bool:
    return any(
        isinstance(term, Attribute) and term.space == "context" and term.name != "purpose"
        for term in terms_of(leaf)
    )


def _leaf(leaf: Condition, held: Circumstances) -> Condition:
    terms = terms_of(leaf)
    if any(isinstance(term, Attribute) and term.space == "row" for term in terms):
        missing = any(
            isinstance(term, Attribute) and term.space == "subject" and _missing(term, held)
            for term in terms
        )
        if isinstance(leaf, YoungerThan) and held.foresee is None:
            missing = not is_known(held.context.now)
        return UNKNOWN if missing else leaf
    return Truth(_decide(leaf, held))


def _missing(of: Attribute, held: Circumstances) -> bool:
    return of.name not in SET_ATTRIBUTES and _value(of, held) is None


def _value(of: Term, held: Circumstances) -> str | int | float | bool | None:
    """A term's value, ``None`` where it is missing; an empty text is missing too."""
    if isinstance(of, Literally):
        return of.value
    if of.space == "subject" and of.name in TEXT_ATTRIBUTES:
        return TEXT_ATTRIBUTES[of.name](held.subject) or None
    if of.space == "context" and of.name in CONTEXT_ATTRIBUTES:
        return getattr(held.context, of.name) or None
    return None  # fails closed: UNKNOWN


def _decide(leaf: Condition, held: Circumstances) -> bool | None:
    match leaf:
        case Compares(op=op, left=left, right=right):
            ours, theirs = _value(left, held), _value(right, held)
            if ours is None or theirs is None or op not in ("eq", "ne"):
                return None
            return (ours == theirs) is (op == "eq")
        case OneOf(left=left, among=among):
            ours = _value(left, held)
            if ours is None:
                return None
            if isinstance(among, Attribute):
                members = SET_ATTRIBUTES.get(among.name)
                return None if members is None else ours in members(held.subject)
            return ours in among
        case RegionWithin(inner=inner, outer=outer):
            inside, around = _value(inner, held), _value(outer, held)
            if inside is None or around is None:
                return None
            return str(inside).startswith(str(around))
        case PurposeWithin(purposes=purposes, below=below):
            stated = held.context.purpose
            if not stated:
                return None
            if not below:
                return stated in purposes
            return any(held.packs.within(stated, purpose) for purpose in purposes)
        case Cleared(ladder=ladder_id, level=level):
            scheme = held.packs.scheme
            ladder = scheme.ladder(ladder_id) if ladder_id else scheme.ladder_of(level)
            ours = None if ladder is None else held.subject.clearance.get(ladder.id)
            if ladder is None or ours not in ladder.levels or level not in ladder.levels:
                return None
            return ladder.rank(ours) >= ladder.rank(level)
        case Present(term=term):
            if term.name in SET_ATTRIBUTES and term.space == "subject":
                return bool(SET_ATTRIBUTES[term.name](held.subject))
            return _value(term, held) is not None
        case Owned(owner=owner, region=region):
            return owns(held.rights or held.subject, owner, region)
        case Acting(delegation=delegation):
            return held.acting == delegation
        case LiveGrant():
            return leaf.holds(
                held.rights or held.subject, held.context, held.packs,
                lapsed=held.lapsed, timeless=held.foresee is not None,
            )  # fmt: skip
        case Granted() | YoungerThan():
            return None  # fails closed: not specialised, or not of a row
        case Truth(value=value):
            return value
        case All() | Any_() | Not():
            return None  # fails closed: not a leaf
        case _:
            assert_never(leaf)

"""Residues: what a reduced condition leaves to decide per row, as a predicate over fields.

Subject attributes stay ``Param("s.<attribute>")``: plans are shared between subjects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies import age
from policies.attributes import SET_ATTRIBUTES, TEXT_ATTRIBUTES
from policies.condition import (
    All,
    Any_,
    Attribute,
    Compares,
    Condition,
    Literally,
    Not,
    OneOf,
    Present,
    RegionWithin,
    Term,
    Truth,
    YoungerThan,
)
from schema.model.entity import EntityType, Field
from schema.model.names import FieldName
from schema.model.predicate import (
    FALSE,
    TRUE,
    Always,
    And,
    Compare,
    Const,
    In,
    IsNull,
    Operand,
    Or,
    Param,
    Predicate,
)
from schema.model.predicate import Not as NotTrue
from schema.model.scalar import TEXTUAL, ScalarKind, canonical
from schema.model.subject import Subject

PREFIXES = {"subject": "s.", "lent": "l.", "delegate": "d."}
"""Space of attributes -> how the params of its attributes begin."""
AGES = f"{PREFIXES['subject']}{age.PREFIX}"
"""How the params begin that stand for a day on which everybody of an age was born."""


def residue(condition: Condition, entity: EntityType, *, positive: bool = True) -> Predicate:
    """The rows where a reduced condition is TRUE (`positive`) or FALSE (not `positive`).

    Rows where it is UNKNOWN are in neither. What cannot be asked of the type is UNKNOWN.
    """
    match condition:
        case Truth(value=value):
            # fails closed: UNKNOWN is neither TRUE nor FALSE
            return Always(value is positive)
        case All(parts=parts):
            found = [residue(part, entity, positive=positive) for part in parts]
            return conjunction(found) if positive else disjunction(found)
        case Any_(parts=parts):
            found = [residue(part, entity, positive=positive) for part in parts]
            return disjunction(found) if positive else conjunction(found)
        case Not(part=part):
            return residue(part, entity, positive=not positive)
        case _:
            leaf = _leaf(condition, entity)
            if leaf is None:
                return FALSE
            return leaf if positive else NotTrue(leaf)


def conjunction(parts: list[Predicate]) -> Predicate:
    """The conjunction, flattened and without repeats; the order of parts does not matter."""
    kept: dict[Predicate, None] = {}
    for part in parts:
        if part == FALSE:
            return FALSE
        if part != TRUE:
            kept |= dict.fromkeys(part.parts if isinstance(part, And) else (part,))
    found = sorted(kept, key=repr)
    if not found:
        return TRUE
    return found[0] if len(found) == 1 else And(tuple(found))


def disjunction(parts: list[Predicate]) -> Predicate:
    """The disjunction, flattened; a part that implies another is dropped."""
    flat: dict[Predicate, None] = {}
    for part in parts:
        if part == TRUE:
            return TRUE
        if part != FALSE:
            flat |= dict.fromkeys(part.parts if isinstance(part, Or) else (part,))
    found: list[Predicate] = []
    for part in sorted(flat, key=repr):
        if not any(implies(part, other) for other in found):
            found = [*(other for other in found if not implies(other, part)), part]
    if not found:
        return FALSE
    return found[0] if len(found) == 1 else Or(tuple(found))


def implies(first: Predicate, second: Predicate) -> bool:
    """Whether the first, where TRUE, makes the second TRUE; by structure, so ``False`` may err."""
    if second == TRUE or first in (FALSE, second):
        return True
    if isinstance(first, Or):
        return all(implies(part, second) for part in first.parts)
    if isinstance(second, And):
        return all(implies(first, part) for part in second.parts)
    if isinstance(first, And):
        if isinstance(second, Or) and any(implies(first, part) for part in second.parts):
            return True
        # one disjunction inside a conjunction is looked at case by case
        for part in first.parts:
            if isinstance(part, Or):
                rest = [other for other in first.parts if other is not part]
                if all(implies(conjunction([*rest, case]), second) for case in part.parts):
                    return True
        return any(implies(part, second) for part in first.parts)
    return isinstance(second, Or) and any(implies(first, part) for part in second.parts)


def bound_params(
    subject: Subject,
    names: frozenset[str],
    now: float,
    others: Mapping[str, Subject] | None = None,
) -> dict[str, object]:
    """The values of params that residues name, for one subject at one moment. `others`: prefix ->
    who else."""
    values: dict[str, object] = {}
    for name in names:
        attribute, of = name[2:], (others or {}).get(name[:2], subject)
        if attribute in SET_ATTRIBUTES:
            values[name] = sorted(SET_ATTRIBUTES[attribute](of))
        elif attribute.startswith(age.PREFIX):
            years = int(attribute.removeprefix(age.PREFIX))
            # fails closed: a day that is not known makes comparisons UNKNOWN
            values[name] = age.born_after(now, years)
        elif attribute in TEXT_ATTRIBUTES:
            values[name] = TEXT_ATTRIBUTES[attribute](of) or None
    return values


def is_day(name: str) -> bool:
    """Whether a param stands for a day that passes."""
    return name.startswith(AGES)


def row_field(entity: EntityType, term: Term) -> Field | None:
    """The field of a row that a term names; ``row.region`` is the type's region field."""
    if not isinstance(term, Attribute) or term.space != "row":
        return None
    name = term.name
    if name == "region" and entity.region is not None:
        name = entity.region
    return entity.fields.get(FieldName(name))


def _leaf(leaf: Condition, entity: EntityType) -> Predicate | None:
    match leaf:
        case Compares(op=op, left=left, right=right):
            field = row_field(entity, left)
            operand = None if field is None else _operand(right, field.kind)
            if field is None or operand is None:
                return None
            return Compare(field.name, op, operand, field.kind)
        case OneOf(left=left, among=among):
            return _among(row_field(entity, left), among)
        case RegionWithin(inner=inner, outer=outer):
            field = row_field(entity, inner)
            operand = None if field is None else _operand(outer, field.kind)
            if field is None or operand is None or field.kind not in TEXTUAL:
                return None
            return Compare(field.name, "prefix", operand, field.kind)
        case YoungerThan(term=term, years=years):
            field = row_field(entity, term)
            if field is None or field.kind != "Date":
                return None
            return Compare(field.name, "gt", Param(f"{AGES}{years}"), "Date")
        case Present(term=term):
            field = row_field(entity, term)
            return None if field is None else NotTrue(IsNull(field.name))
        case _:
            return None


def _among(field: Field | None, among: tuple[Any, ...] | Attribute) -> Predicate | None:
    if field is None:
        return None
    if isinstance(among, Attribute):
        prefix = PREFIXES.get(among.space)
        if field.kind not in TEXTUAL or among.name not in SET_ATTRIBUTES or prefix is None:
            return None
        return In(field.name, Param(f"{prefix}{among.name}"), field.kind)
    operands = [_operand(Literally(value), field.kind) for value in among]
    kept = tuple(operand for operand in operands if operand is not None)
    return In(field.name, kept, field.kind) if len(kept) == len(operands) else None


def _operand(term: Term, kind: ScalarKind) -> Operand | None:
    if isinstance(term, Literally):
        try:
            return Const(canonical(kind, term.value))
        except ValueError:
            return None
    prefix = PREFIXES.get(term.space)
    if prefix is not None and term.name in TEXT_ATTRIBUTES and kind in TEXTUAL:
        return Param(f"{prefix}{term.name}")
    return None

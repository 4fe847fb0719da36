"""The label of an answer: the least upper bound of everything that it is made from.

Inputs are data and control: fields shown, filtered, sorted, grouped and aggregated, keys that
relations join by, keys that the hub orders by, and fields that tell which rows exist or what is
shown of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from hub.query.operation import Operation
from policies.obligation import AggregateOnly
from policies.ruling import Allow, Masked, Outcome, Rowwise, Ruling
from policies.together import Together
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.label import Label, LabelScheme
from schema.model.names import FieldName, TypeName, coordinate, split_coordinate
from schema.model.predicate import names_in
from schema.model.scalar import TEXTUAL
from schema.model.subject import Subject
from schema.model.use import FieldUse


class AnswerLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is labelled, as JSON values without empty parts."""

    recorded: dict[str, Any]
    """For the audit entry."""
    told: dict[str, Any]
    """For the caller: fields that only policy reads count where the caller's clearance reaches
    them, so that nothing is told of rules about what it may not read."""
    key: bytes
    """Tells answers apart that say different things of their labels."""
    kept: AnswerLabel | None = None
    """Where some masked value is shared by too few persons: nothing that rules declare of masks
    counts. ``None`` where that is no other label."""

    def after(self, singled: bool) -> AnswerLabel:
        """The label of what was fetched; `singled`: whether a value is shared by too few."""
        return self.kept if singled and self.kept is not None else self


def label_of(
    operation: Operation, ruling: Ruling, catalogue: Catalogue, subject: Subject
) -> AnswerLabel:
    """The label of an operation's answer under a ruling. Cost: once per plan and caller."""
    label = _label(operation, ruling, catalogue, subject)
    if not ruling.declassified:
        return label
    kept = _label(operation, structs.replace(ruling, declassified={}), catalogue, subject)
    if kept == label:
        return label
    key = msgspec.json.encode([label.told, kept.told])
    return structs.replace(label, key=key, kept=kept)


def _label(
    operation: Operation, ruling: Ruling, catalogue: Catalogue, subject: Subject
) -> AnswerLabel:
    who = [one for one in (subject, ruling.principal) if one is not None]
    asked = list(_asked((*operation.uses, *operation.implied), ruling, catalogue, who))
    asked += [Label(levels=(one.level,)) for one in (ruling.together or Together()).raised]
    by_policy = list(_by_policy(ruling, catalogue))
    reached = [one for one in by_policy if one.levels and _reach(who, one, catalogue.scheme)]
    told = _said([*asked, *reached], catalogue.scheme)
    return AnswerLabel(
        recorded=_said([*asked, *by_policy], catalogue.scheme),
        told=told,
        key=msgspec.json.encode(told),
    )


def _asked(
    uses: Iterable[FieldUse], ruling: Ruling, catalogue: Catalogue, who: Sequence[Subject]
) -> Iterator[Label]:
    scheme = catalogue.scheme
    for use in uses:
        if not _tells(ruling.outcomes.get(use)):
            continue
        type_name, name = split_coordinate(use.coordinate)
        entity = catalogue.types[type_name]
        relation = None if name is None else entity.relations.get(name)
        if relation is not None:
            there = catalogue.types[relation.to]
            for ours, theirs in relation.match:
                yield from _carried(entity, ours, scheme, who)
                yield from _carried(there, theirs, scheme, who)
        elif name is not None:
            own, *on_top = _carried(entity, FieldName(name), scheme, who)
            yield _lowered(own, use, ruling, scheme)
            if use.mode == "project":
                yield from on_top  # what some rows carry is not what the mask was declared for
            else:
                yield from (_lowered(label, use, ruling, scheme) for label in on_top)
        elif use.mode == "open":  # node ids are made from the key
            for part in entity.key:
                yield from _carried(entity, part, scheme, who)


def _carried(
    entity: EntityType, name: FieldName, scheme: LabelScheme, who: Sequence[Subject]
) -> Iterator[Label]:
    """A field's label, and what it carries in some rows; where that is out of reach, the field is
    null in those rows, or they are left out."""
    own = entity.fields[name].label
    yield own
    for held in entity.row_labels:
        if name in held.fields and _reach(who, held.label, scheme):
            yield scheme.join([own, held.label])


def _tells(outcome: Outcome | None) -> bool:
    """Whether anything of a value goes into the answer: a mask lowers no label of itself, but what
    is null in every row has none. Texts that stand for all values tell which rows have one."""
    match outcome:
        case Allow() | Rowwise():
            return True
        case Masked(mask=mask, params=params):
            kind = dict(params).get("kind", "String")
            return mask != "null" and (mask != "redact" or kind in TEXTUAL)
        case _:
            return False


def _lowered(label: Label, use: FieldUse, ruling: Ruling, scheme: LabelScheme) -> Label:
    """The label of a figure over enough persons goes down where its own rules all say so, that
    of a masked value where a rule declares it of the mask."""
    declared = _declared(use, ruling)
    if not declared:
        return label
    least: dict[str, str] = {}
    for name, level in declared:
        ladder = scheme.ladder(name) if name else scheme.ladder_of(level)
        if ladder is None or level not in ladder.levels:
            return label  # fails closed: nobody knows how low that is
        held = least.get(ladder.id, level)
        least[ladder.id] = max(held, level, key=ladder.rank)
    return structs.replace(
        label,
        levels=tuple((name, _lower(scheme, name, level, least)) for name, level in label.levels),
    )


def _declared(use: FieldUse, ruling: Ruling) -> Sequence[tuple[str, str]]:
    """(ladder, level) pairs as rules declare them of a use."""
    if use.mode == "project":
        return [(one.ladder, one.level) for one in ruling.declassified.get(use, ())]
    if use.mode != "aggregate" or use.function in ("min", "max"):
        return ()
    duties = (one for one in ruling.obligations.get(use, ()) if isinstance(one, AggregateOnly))
    bound = next(duties, None)
    return () if bound is None else bound.declassify


def _lower(scheme: LabelScheme, name: str, level: str, least: Mapping[str, str]) -> str:
    ladder = scheme.ladder(name)
    if ladder is None or name not in least or level not in ladder.levels:
        return level
    return min(level, least[name], key=ladder.rank)


def _by_policy(ruling: Ruling, catalogue: Catalogue) -> Iterator[Label]:
    """Fields that policy reads of its own to tell rows apart."""
    read: set[tuple[TypeName, str]] = set()
    for type_name, predicate in ruling.row_filters.items():
        read.update((type_name, name) for name in names_in(predicate))
    for use, outcome in ruling.outcomes.items():
        if isinstance(outcome, Rowwise):
            type_name, _ = split_coordinate(use.coordinate)
            for where, _ in outcome.cases:
                read.update((type_name, name) for name in names_in(where))
    for type_name, name in sorted(read):
        field = catalogue.field(coordinate(type_name, FieldName(name)))
        if field is not None:
            yield field.label


def _reach(who: Sequence[Subject], label: Label, scheme: LabelScheme) -> bool:
    """Whether a label is within reach of the caller, and of whom it acts for."""
    return all(
        scheme.dominates(one.clearance, label) and label.compartments <= one.compartments
        for one in who
    )


def _said(labels: Sequence[Label], scheme: LabelScheme) -> dict[str, Any]:
    joined = scheme.join(labels)
    told: dict[str, Any] = {}
    if any(not label.levels for label in labels):
        told["unlabelled"] = True  # nobody has said yet how high a part of it is
    if joined.levels:
        told["levels"] = dict(joined.levels)
    if joined.categories:
        told["categories"] = sorted(joined.categories)
    if joined.compartments:
        told["compartments"] = sorted(joined.compartments)
    return told

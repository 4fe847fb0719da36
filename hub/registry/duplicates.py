"""Facts that several departments collect: what staff could stop typing in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from hub.registry.naming import words_of
from hub.registry.suggest.detect import suggest
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, Relation
from schema.model.names import Coordinate, SourceName, coordinate

_SAME, _FACT, _NAMED, _TITLED = 1.0, 0.75, 0.8, 0.6
_UNSPECIFIC = frozenset({
    "name", "code", "kind", "type", "status", "title", "number", "date", "id", "note", "remark",
    "description", "state", "level", "start", "end", "created", "updated", "amount", "count",
    "名称", "编号", "类型", "状态", "备注", "日期", "等级", "金额",
})  # fmt: skip
"""Words that mean something else in every type."""
Words = tuple[str, str]
"""English, Chinese."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One place where the fact is kept."""

    at: Coordinate
    department: str
    source: str


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about one thing that more than one department keeps."""

    of: str
    """The type of the thing."""
    fact: Words
    first: Held | None
    """Who is authoritative; ``None`` where nobody is declared to be."""
    others: tuple[Held, ...]
    """Who could read it instead."""
    confidence: float
    reason: Words


def duplicates(catalogue: Catalogue) -> tuple[Duplicate, ...]:
    """Everything that is kept twice, the surest first; by what fragments say, no data is read."""
    found = [*_same_field(catalogue), *_across_types(catalogue)]
    return tuple(sorted(found, key=lambda one: (-one.confidence, one.of, one.fact)))


def _same_field(catalogue: Catalogue) -> Iterator[Duplicate]:
    """A field that several departments' sources give, beside the key that they share."""
    for entity in catalogue.types.values():
        keys = {name for key in entity.keys for name in key}
        for field in entity.fields.values():
            if field.name in keys:
                continue
            held = [
                _held(catalogue, entity, field, source)
                for source, binding in catalogue.bindings[entity.name].items()
                if field.name in binding.columns
            ]
            if len({one.department for one in held}) < 2:
                continue
            first = next((one for one in held if one.source == field.source), None)
            others = tuple(one for one in held if one is not first)
            reason = ("they give the same field", "提供同一字段")
            yield Duplicate(
                of=entity.name, fact=_title(field), first=first, others=others,
                confidence=_SAME, reason=reason,
            )  # fmt: skip


def _across_types(catalogue: Catalogue) -> Iterator[Duplicate]:
    """What a type repeats of the thing that each of its rows refers to."""
    seen: set[Coordinate] = set()
    loose: dict[tuple[str, str], list[tuple[Words, Held]]] = defaultdict(list)
    for entity, relation in _single(catalogue):
        target = catalogue.types[relation.to]
        alone = entity.identified_by(ours for ours, _ in relation.match)
        for field in _facts_of(entity):
            at = coordinate(entity.name, field.name)
            held = _held(catalogue, entity, field, field.source)
            twin = _twin(field, relation, target, alone=alone)
            if twin is None:
                kept = _fact(field)
                if kept is not None and alone:
                    loose[target.name, kept[0]].append((kept[1], held))
                continue
            other, confidence, reason = twin
            if field.owner == other.owner or at in seen:
                continue
            seen |= {at, coordinate(target.name, other.name)}
            yield Duplicate(
                of=target.name, fact=_title(other),
                first=_held(catalogue, target, other, other.source),
                others=(held,), confidence=confidence, reason=reason,
            )  # fmt: skip
    yield from _loose(loose)


def _single(catalogue: Catalogue) -> Iterator[tuple[EntityType, Relation]]:
    """Relations by which a row refers to one row of another type."""
    for entity in catalogue.types.values():
        for relation in entity.relations.values():
            target = catalogue.types[relation.to]
            if not relation.many and target is not entity:
                yield entity, relation


def _facts_of(entity: EntityType) -> Iterator[Field]:
    """Fields that do not only say which row is meant: neither keys nor references."""
    keys = {name for key in entity.keys for name in key}
    references = {
        ours
        for relation in entity.relations.values()
        if not relation.many
        for ours, _ in relation.match
    }
    for field in entity.fields.values():
        if field.name not in keys | references:
            yield field


def _loose(loose: Mapping[tuple[str, str], list[tuple[Words, Held]]]) -> Iterator[Duplicate]:
    """Facts about a thing that several types keep, and its own type does not."""
    for (of, _), kept in loose.items():
        held = tuple({one.at: one for _, one in kept}.values())
        if len({one.department for one in held}) > 1:
            reason = (f"each is about one {of}", f"均针对同一 {of}")
            yield Duplicate(
                of=of, fact=kept[0][0], first=None, others=held, confidence=_TITLED, reason=reason
            )


def _twin(
    field: Field, relation: Relation, target: EntityType, *, alone: bool
) -> tuple[Field, float, Words] | None:
    """The field of the thing itself that says the same, how sure that is, and why."""
    found = [
        (other, *alike)
        for other in _facts_of(target)
        if (alike := _alike(field, other, relation, target, alone=alone)) is not None
    ]
    return max(found, key=lambda one: one[1], default=None)


def _alike(
    field: Field, other: Field, relation: Relation, target: EntityType, *, alone: bool
) -> tuple[float, Words] | None:
    """`alone`: whether no two rows refer to the same thing, so that what they say is about it."""
    if field.kind != other.kind or (field.codes and other.codes and field.codes != other.codes):
        return None
    ours, theirs = words_of(field.name), words_of(other.name)
    for own in (words_of(target.name), words_of(relation.name)):
        if ours == [*own, *theirs]:
            reason = (f"it is named as that of {relation.name}", f"名称表明属于 {relation.name}")
            return _NAMED, reason
    if not alone:
        return None
    one, another = _fact(field), _fact(other)
    if one is not None and another is not None and one[0] == another[0]:
        return _FACT, (f"both hold: {one[1][0]}", f"均为：{one[1][1]}")
    titles = {text for text in field.title.values() if text.lower() not in _UNSPECIFIC}
    if titles & set(other.title.values()):
        return _TITLED, ("both have the same title", "标题相同")
    return None


def _fact(field: Field) -> tuple[str, Words] | None:
    if field.name.lower() in _UNSPECIFIC:
        return None
    found = suggest(field.name, field.kind, comment=" ".join(field.title.values()))
    return None if found is None else (found.fact.name, found.fact.title)


def _title(field: Field) -> Words:
    english = field.title.get("en", str(field.name))
    return english, field.title.get("zh", english)


def _held(catalogue: Catalogue, entity: EntityType, field: Field, source: SourceName) -> Held:
    department = next(decl.department for name, decl in catalogue.sources.items() if name == source)
    return Held(
        at=coordinate(entity.name, field.name), department=str(department), source=str(source)
    )

"""Differences between two catalogues: what is safe, dangerous or breaking for those who ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from schema.model.binding import SourceDecl, TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, Relation, Share
from schema.model.label import Label, LabelScheme
from schema.model.names import Coordinate, SourceName, TypeName, coordinate

ChangeKind = Literal["safe", "dangerous", "breaking"]
CHANGE_KINDS: tuple[ChangeKind, ...] = ("breaking", "dangerous", "safe")
_SHARES: dict[Share, int] = {"unconditional": 0, "conditional": 1, "withheld": 2}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference.

    `breaking`: an operation that was valid is no more, or answers in another shape.
    `dangerous`: operations stay valid but may answer differently, or data becomes more open.
    `safe`: nobody who asks can notice, save by asking for something new.
    """

    kind: ChangeKind
    coordinate: Coordinate
    """The type, field or relation; ``source:NAME`` for a source."""
    message: str


def compare(old: Catalogue, new: Catalogue) -> tuple[Change, ...]:
    """Every difference. Order: breaking, dangerous, safe; each by coordinate."""
    changes = [*_types(old, new), *_sources(old.sources, new.sources)]
    changes.sort(key=lambda one: (CHANGE_KINDS.index(one.kind), one.coordinate, one.message))
    return tuple(changes)


def _types(old: Catalogue, new: Catalogue) -> Iterator[Change]:
    for name in old.types.keys() | new.types.keys():
        at = coordinate(name)
        if name not in new.types:
            yield _change("breaking", at, "the type is gone")
        elif name not in old.types:
            yield _change("safe", at, "a new type")
        elif (old.types[name], old.bindings[name]) != (new.types[name], new.bindings[name]):
            before, after = old.types[name], new.types[name]
            yield from _type(before, after)
            yield from _fields(old, new, name)
            yield from _relations(before, after)
            yield from _bindings(at, old.bindings[name], new.bindings[name])
    if old.scheme != new.scheme:
        yield _change("dangerous", Coordinate("labels"), "the ladders or categories changed")


def _type(before: EntityType, after: EntityType) -> Iterator[Change]:
    at = coordinate(after.name)
    for noun in ("singular", "plural"):
        if getattr(before, noun) != getattr(after, noun):
            message = f"the root field `{getattr(before, noun)}` is now `{getattr(after, noun)}`"
            yield _change("breaking", at, message)
    if before.key != after.key:
        yield _change("breaking", at, f"the key `{_key(before.key)}` is now `{_key(after.key)}`")
    old_keys, new_keys = frozenset(before.keys), frozenset(after.keys)
    for key in old_keys - new_keys - {before.key}:
        yield _change("breaking", at, f"the look-up by `{_key(key)}` is gone")
    for key in new_keys - old_keys - {after.key}:
        yield _change("safe", at, f"a new look-up by `{_key(key)}`")
    if before.region != after.region:
        yield _change("dangerous", at, "rows are placed in the region tree by another field")
    if before.data_subject != after.data_subject:
        yield _change("dangerous", at, "persons are counted by other fields")
    if before.row_labels != after.row_labels:
        yield _change("dangerous", at, "what some rows carry on top of their labels is another")
    if before.anchor != after.anchor:
        message = f"rows exist where `{after.anchor}` has them, not `{before.anchor}`"
        yield _change("dangerous", at, message)
    if before.owner != after.owner:
        message = f"the owner is now `{after.owner}`, not `{before.owner}`"
        yield _change("dangerous", at, message)
    if (before.about, before.title) != (after.about, after.title):
        yield _change("safe", at, "the description changed")


def _fields(old: Catalogue, new: Catalogue, name: TypeName) -> Iterator[Change]:
    before, after = old.types[name].fields, new.types[name].fields
    relations = new.types[name].relations
    for field in before.keys() | after.keys():
        at = coordinate(name, field)
        if field not in after:
            gone = "now a relation" if field in relations else "gone"
            yield _change("breaking", at, f"the field is {gone}")
        elif field not in before:
            yield _change("safe", at, "a new field")
        elif before[field] != after[field]:
            yield from _field(at, before[field], after[field], new.scheme)


def _field(at: Coordinate, before: Field, after: Field, scheme: LabelScheme) -> Iterator[Change]:
    if before.kind != after.kind:
        yield _change("breaking", at, f"the type `{before.kind}` is now `{after.kind}`")
    yield from _label(at, before.label, after.label, scheme)
    if before.share != after.share:
        tighter = _SHARES[after.share] > _SHARES[before.share]
        yield _change(
            "dangerous", at, f"the share attribute is {'tighter' if tighter else 'looser'}: "
            f"`{before.share}` is now `{after.share}`",
        )  # fmt: skip
    yield from _list(at, "condition", before.conditions, after.conditions)
    if before.legal_basis != after.legal_basis:
        yield _change("safe", at, "the legal basis is stated otherwise")
    for noun in ("owner", "source", "format", "codes", "unit"):
        if getattr(before, noun) != getattr(after, noun):
            said = f"`{getattr(before, noun)}` is now `{getattr(after, noun)}`"
            yield _change("dangerous", at, f"the {_NOUNS.get(noun, noun)} {said}")
    if before.on_conflict != after.on_conflict:
        yield _change("dangerous", at, "its sources are compared in another way")
    if before.floors != after.floors:
        yield _change("dangerous", at, "what its owner asks at least of others is another")
    if before.metadata != after.metadata:
        hidden = after.metadata != "public"
        kind: ChangeKind = "dangerous" if hidden or before.metadata == "hidden" else "safe"
        said = f"`{before.metadata}` is now `{after.metadata}`"
        yield _change(kind, at, f"the visibility of its metadata {said}")
    if before.deprecated != after.deprecated:
        said = "is deprecated" if after.deprecated else "is no longer deprecated"
        yield _change("safe", at, f"the field {said}")
    if (before.about, before.title) != (after.about, after.title):
        yield _change("safe", at, "the description changed")


def _label(at: Coordinate, before: Label, after: Label, scheme: LabelScheme) -> Iterator[Change]:
    for ladder_id in sorted(dict(before.levels).keys() | dict(after.levels).keys()):
        old_level, new_level = before.level(ladder_id), after.level(ladder_id)
        if old_level == new_level:
            continue
        way = _way(scheme, ladder_id, old_level, new_level)
        said = f"`{old_level or 'none'}` is now `{new_level or 'none'}` on `{ladder_id}`"
        yield _change("dangerous", at, f"the label is {way}: {said}")
    yield from _list(at, "category", before.categories, after.categories)
    yield from _list(at, "compartment", before.compartments, after.compartments)


def _way(scheme: LabelScheme, ladder_id: str, before: str | None, after: str | None) -> str:
    ladder = scheme.ladder(ladder_id)
    if before is None:
        return "raised"
    if after is None:
        return "lowered"
    if ladder is None or not {before, after} <= set(ladder.levels):
        return "changed"
    return "raised" if ladder.rank(after) > ladder.rank(before) else "lowered"


def _list(
    at: Coordinate, noun: str, before: Iterable[str], after: Iterable[str]
) -> Iterator[Change]:
    for word in sorted(frozenset(after) - frozenset(before)):
        yield _change("dangerous", at, f"the {noun} `{word}` is added: it tightens the field")
    for word in sorted(frozenset(before) - frozenset(after)):
        yield _change("dangerous", at, f"the {noun} `{word}` is gone: it loosens the field")


def _relations(before: EntityType, after: EntityType) -> Iterator[Change]:
    for name in before.relations.keys() | after.relations.keys():
        at = coordinate(after.name, name)
        if name not in after.relations:
            gone = "now a field" if name in after.fields else "gone"
            yield _change("breaking", at, f"the relation is {gone}")
        elif name not in before.relations:
            yield _change("safe", at, "a new relation")
        else:
            yield from _relation(at, before.relations[name], after.relations[name])


def _relation(at: Coordinate, before: Relation, after: Relation) -> Iterator[Change]:
    if before.to != after.to:
        message = f"the relation leads to `{after.to}`, not to `{before.to}`"
        yield _change("breaking", at, message)
    if before.many != after.many:
        one, other = ("many", "one") if before.many else ("one", "many")
        yield _change("breaking", at, f"the relation to {one} is now to {other}")
    elif before.as_list != after.as_list:
        now = "a plain list" if after.as_list else "a connection"
        yield _change("breaking", at, f"the relation is now {now}")
    if frozenset(before.match) != frozenset(after.match):
        yield _change("dangerous", at, "the relation matches other fields")
    if before.owner != after.owner:
        yield _change("dangerous", at, f"the owner is now `{after.owner}`, not `{before.owner}`")
    if (before.about, before.title) != (after.about, after.title):
        yield _change("safe", at, "the description changed")


def _bindings(
    at: Coordinate,
    before: Mapping[SourceName, TypeBinding],
    after: Mapping[SourceName, TypeBinding],
) -> Iterator[Change]:
    for source in sorted(before.keys() | after.keys()):
        if source not in after:
            yield _change("dangerous", at, f"the source `{source}` no longer contributes")
        elif source not in before:
            yield _change("safe", at, f"the source `{source}` contributes too")
        elif before[source] != after[source]:
            message = f"the source `{source}` serves it from other columns or another table"
            yield _change("dangerous", at, message)


def _sources(
    before: Mapping[SourceName, SourceDecl], after: Mapping[SourceName, SourceDecl]
) -> Iterator[Change]:
    for name in before.keys() | after.keys():
        at = Coordinate(f"source:{name}")
        if name not in after:
            yield _change("safe", at, "the source is gone")
        elif name not in before:
            yield _change("safe", at, "a new source")
        elif _reached(before[name]) != _reached(after[name]):
            yield _change("dangerous", at, "the source is reached in another way")
        elif before[name] != after[name]:
            yield _change("safe", at, "the source is described otherwise")


def _reached(source: SourceDecl) -> tuple[object, ...]:
    return (source.kind, source.department, source.connect, source.tables, source.pass_through)


def _change(kind: ChangeKind, at: Coordinate, message: str) -> Change:
    return Change(kind=kind, coordinate=at, message=message)


def _key(fields: Iterable[str]) -> str:
    return ", ".join(fields)


_NOUNS: dict[str, str] = {"source": "authoritative source", "codes": "code list"}

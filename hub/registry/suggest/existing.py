"""Entity types of the catalogue in force that a drafted table may refer to or add to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hub.registry import naming
from hub.registry.entities import DraftColumn, Entity
from hub.registry.suggest.detect import Suggestions, suggest
from schema.compose.english import lower_first
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.scalar import TEXTUAL

_SHOWN, _NAMED, _SAME_NAME, _OF_TYPE = 0.8, 0.6, 0.6, 0.6
_LEAST = 0.6
_PLAIN = naming.POINTERS | {"name", "title", "date", "type", "year", "month"}
"""Words that name keys of anything: alike in two places they tell nothing."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a draft that seems to hold the key of a type that exists."""

    table: str
    column: str
    to: str
    field: str
    confidence: float
    reasons: tuple[str, ...]
    whole: bool
    """Whether the column is the table's own key: rows may be about the same things."""


def links(
    entities: Mapping[str, Entity], catalogue: Catalogue, suggested: Suggestions
) -> Sequence[Link]:
    """The best link of each column, by names, kinds and facts; no other source is read."""
    keys = [
        (held, held.fields[held.key[0]]) for held in catalogue.types.values() if len(held.key) == 1
    ]
    found: list[Link] = []
    for table, entity in entities.items():
        if entity.table.elsewhere or not entity.keys:
            continue
        for name, column in entity.columns.items():
            made = [
                one
                for held, key in keys
                if (one := _link(table, column, held, key, suggested)) is not None
            ]
            if made:
                best = max(made, key=lambda one: one.confidence)
                found.append(msgspec.structs.replace(best, whole=(name,) in entity.keys))
    return found


def _link(
    table: str, column: DraftColumn, held: EntityType, key: Field, suggested: Suggestions
) -> Link | None:
    if column.kind != key.kind and not {column.kind, key.kind} <= TEXTUAL:
        return None
    left, reasons = 1.0, []
    for worth, reason in _reasons(table, column, held, key, suggested):
        left *= 1 - worth
        reasons.append(reason)
    if 1 - left < _LEAST - 1e-9:
        return None
    return Link(
        table=table, column=column.found.name, to=held.name, field=key.name,
        confidence=round(1 - left, 2), reasons=tuple(reasons), whole=False,
    )  # fmt: skip


def _reasons(
    table: str, column: DraftColumn, held: EntityType, key: Field, suggested: Suggestions
) -> Iterator[tuple[float, str]]:
    words, theirs = naming.words_of(column.field), naming.words_of(key.name)
    if words == theirs and not set(words) <= _PLAIN:
        yield _SAME_NAME, "it has the key's name"
    elif words == [*naming.words_of(lower_first(held.name)), *theirs]:
        yield _OF_TYPE, "its name is that of the type and its key"
    ours = suggested.get((table, column.found.name))
    fact = suggest(key.name, key.kind, (), key.about.get("en"))
    if ours is None:
        return
    same = (fact is not None and fact.fact == ours.fact) or (
        key.format is not None and key.format == ours.fact.format
    )
    if same and ours.fact.format is not None:
        # only numbers given to one person or firm identify; a phone or name is no reference
        yield (_SHOWN if ours.shown else _NAMED), f"both hold: {ours.fact.title[0]}"

"""Looking for data in business words, in English and Chinese, among what somebody may know of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hub.loading import Loaded
from schema.model.entity import EntityType, Field

_MOST = 200
_LONGEST = 200
_HOW = {
    "unconditional": "ask for it with a purpose: public bodies are granted it at once",
    "conditional": "ask for it: its owner answers within the clock",
    "withheld": "it is not shared",
}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A field that was found."""

    coordinate: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    owner: str
    share: str
    conditions: tuple[str, ...]
    how: str
    weight: int


def search(loaded: Loaded, words: str, department: str | None) -> list[Listed]:
    """The fields that all words are about, the best first. What is hidden is found by its owner
    alone, and its name matches nothing for others."""
    wanted = words[:_LONGEST].casefold().split()
    found = [
        one
        for entity in loaded.catalogue.types.values()
        for field in entity.fields.values()
        if field.metadata == "public" or str(field.owner) == department
        for one in _matched(entity, field, wanted)
    ]
    return sorted(found, key=lambda one: (-one.weight, one.coordinate))[:_MOST]


def _matched(entity: EntityType, field: Field, wanted: list[str]) -> Iterator[Listed]:
    near = " ".join((str(field.name), *field.title.values())).casefold()
    far = " ".join(
        (near, str(entity.name), *entity.title.values(), *entity.about.values(),
         *field.about.values(), str(field.owner))
    ).casefold()  # fmt: skip
    if not all(word in far for word in wanted):
        return
    yield Listed(
        coordinate=f"{entity.name}.{field.name}",
        title=field.title,
        about=field.about,
        owner=str(field.owner),
        share=field.share,
        conditions=field.conditions,
        how=_HOW[field.share],
        weight=sum(word in near for word in wanted),
    )

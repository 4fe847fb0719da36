"""Names of generated types and enum values, and back."""

from __future__ import annotations

from collections.abc import Mapping

from schema.model.entity import EntityType
from schema.model.names import shout


def shouted(entity: EntityType) -> dict[str, str]:
    """Enum value -> field name. Two fields that would share a value keep their own spelling."""
    found: dict[str, str] = {}
    for field in entity.fields:
        word = shout(field)
        found[field if word in found else word] = str(field)
    return found


def word_of(entity: EntityType) -> dict[str, str]:
    """Field name -> enum value."""
    return {field: word for word, field in shouted(entity).items()}


def text(of: Mapping[str, str]) -> str | None:
    """A description from languages: English first, Chinese after it."""
    parts = [of[language] for language in ("en", "zh") if of.get(language)]
    parts += [value for language, value in of.items() if language not in ("en", "zh") and value]
    return " · ".join(parts) or None

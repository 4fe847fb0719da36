"""Names of generated types and enum values, and back."""

from __future__ import annotations

from collections.abc import Mapping

from schema.model.entity import EntityType, Field
from schema.model.names import shout
from schema.model.norm import CodeList


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


CODES_SHOWN = 20
"""Codes that a description lists; longer lists are named alone."""


def described(field: Field, lists: Mapping[str, CodeList]) -> str | None:
    """What a field means, and the norm that its values are in."""
    parts = [text(field.about) or text(field.title)]
    norm = None if field.codes is None else lists.get(field.codes)
    if norm is not None:
        title = text(norm.title)
        parts.append(f"Codes: `{norm.name}`" + (f", {title}" if title else ""))
        if len(norm.codes) <= CODES_SHOWN:
            parts += [
                f"- `{code}` {text(told) or ''}".rstrip() for code, told in norm.codes.items()
            ]
    if field.unit is not None:
        parts.append(f"Unit: {field.unit}")
    return "\n".join(part for part in parts if part) or None


def text(of: Mapping[str, str]) -> str | None:
    """A description from languages: English first, Chinese after it."""
    parts = [of[language] for language in ("en", "zh") if of.get(language)]
    parts += [value for language, value in of.items() if language not in ("en", "zh") and value]
    return " · ".join(parts) or None

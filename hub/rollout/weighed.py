"""What of the rule packs a signed floor is weighed by: ladders, purposes and categories.

A floor holds words; how much they ask for is the packs' to say. So it is signed with digests of
what they said, and asks for another signature once they say something else of a word in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from hub.rollout.floor_values import FieldFloor, OwnerFloor
from policies.packs import Packs


def words_of(field: FieldFloor) -> frozenset[str]:
    """The words of one field's floor that packs give their weight: ``ladder x`` and so on."""
    labels = [field.label, *(row.label for row in field.rows)]
    levels = [pair for label in labels for pair in label.levels]
    return frozenset(
        [
            *(f"ladder `{ladder}`" for ladder, _ in (*levels, *field.min_level)),
            *(f"purpose `{name}`" for names in field.purposes for name in names),
            *(f"category `{name}`" for label in labels for name in label.categories),
        ]
    )


def weights_of(fields: Iterable[FieldFloor], packs: Packs) -> dict[str, str]:
    """Every such word of a floor -> SHA-256 hex of what the packs say of it."""
    words = {word for field in fields for word in words_of(field)}
    return {word: _weight(word, packs) for word in sorted(words)}


def reweighed(floor: OwnerFloor, packs: Packs) -> frozenset[str]:
    """The words of a floor of which the packs say something else by now; of a floor that was
    signed without weights nobody knows."""
    signed = floor.weighed_by
    if signed is msgspec.UNSET:
        return frozenset()
    words = {word for field in floor.fields.values() for word in words_of(field)}
    # fails closed: a word without its weight is not the one that was signed
    return frozenset(word for word in words if signed.get(word) != _weight(word, packs))


def _weight(word: str, packs: Packs) -> str:
    kind, _, name = word.replace("`", "").partition(" ")
    said: object
    match kind:
        case "ladder":
            ladder = packs.scheme.ladder(name)
            said = None if ladder is None else ladder.levels
        case "purpose":
            said = sorted(one for one in packs.purposes if packs.within(one, name))
        case _:
            said = _above(name, packs)
    return hashlib.sha256(msgspec.json.encode([kind, name, said])).hexdigest()


def _above(category: str, packs: Packs) -> list[str]:
    """The categories that a category lies within: rules about these are about it."""
    found: list[str] = []
    held: str | None = category
    while held is not None and held not in found:
        found.append(held)
        held = packs.scheme.categories.get(held)
    return found

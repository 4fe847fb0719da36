"""Floors of a fragment: the least that its department asks of everybody else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from schema.compose.part import FloorPart, Fragment
from schema.compose.positions import Block, Leaf, Node, plain
from schema.compose.words import Way, Words


def read_floor(words: Words, node: Node, what: str) -> FloorPart | None:
    """``{outcome, purposes, min_level}``, at least one of them."""
    block = words.block(node, what)
    if block is None:
        return None
    # `outcome: null` is an outcome, not a key without a value
    kept = {key: value for key, value in block.entries.items() if key != "outcome"}
    values: dict[str, Any] = words.keys(Block(kept, block.at), FLOOR_KEYS, what)
    if "outcome" in block.entries:
        values["outcome"] = _outcome(words, block.entries["outcome"][1], f"`outcome` of {what}")
    level = values.pop("min_level", None)
    if isinstance(level, str):
        values["level"] = level
    elif level is not None:
        values["levels"] = level
    if not values:
        hint = "write `outcome`, `purposes` or `min_level`, or delete it"
        words.wrong(node.at, f"{what} asks for nothing", hint)
        return None
    return FloorPart(at=node.at, **values)


def floor_name(source: str, type_name: str, field: str | None) -> str:
    """What the rules of a floor are named by."""
    return ".".join(part for part in ("floor", source, type_name, field) if part is not None)


def floor_places(fragments: Iterable[Fragment]) -> dict[str, str]:
    """Every floor's name -> ``file:line:column``."""
    found: dict[str, str] = {}
    for fragment in fragments:
        for part in fragment.types:
            floors: list[tuple[str | None, FloorPart | None]] = [(None, part.floor)]
            floors += [(name, one.floor) for name, one in part.fields.items()]
            for field, floor in floors:
                if floor is not None:
                    name = floor_name(fragment.source.name, part.name, field)
                    found[name] = fragment.where(floor.at)
    return found


def field_places(fragments: Iterable[Fragment]) -> dict[tuple[str, str], str]:
    """(source, coordinate) of every field -> ``file:line:column``."""
    return {
        (fragment.source.name, f"{part.name}.{name}"): fragment.where(field.at)
        for fragment in fragments
        for part in fragment.types
        for name, field in part.fields.items()
    }


def _outcome(words: Words, node: Node, what: str) -> str | None:
    """The outcome as JSON; only the policies' room knows what it can be."""
    if isinstance(node, Leaf):
        text = words.text(Leaf(node.text, False, node.at), what)
        return None if text is None else json.dumps(text)
    return json.dumps(plain(node))


def _level(words: Words, node: Node, what: str) -> str | dict[str, str] | None:
    return words.text(node, what) if isinstance(node, Leaf) else words.pairs(node, what)


FLOOR_KEYS: dict[str, tuple[str, Way]] = {
    "outcome": ("outcome", _outcome),
    "purposes": ("purposes", Words.words),
    "min_level": ("min_level", _level),
}

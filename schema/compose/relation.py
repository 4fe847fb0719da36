"""The `relations` part of a fragment: traversals between entity types."""

from __future__ import annotations

import re

from schema.compose.part import RelationPart
from schema.compose.positions import Node, Place, shown
from schema.compose.words import RESERVED_FIELDS, Way, Words
from schema.model.names import FieldName, TypeName

_TARGET = re.compile(r"(?P<open>\[)?\s*(?P<name>[^\[\]\s]+)\s*(?P<close>\])?\Z")


def read_relations(words: Words, node: Node, what: str) -> tuple[RelationPart, ...] | None:
    """Every relation that is understood."""
    block = words.block(node, what)
    if block is None:
        return None
    parts = [_relation(words, name, at, value) for name, (at, value) in block.entries.items()]
    return tuple(part for part in parts if part is not None)


def _relation(words: Words, key: str, at: Place, node: Node) -> RelationPart | None:
    what = f"relation `{shown(key)}`"
    of, dot, name = key.partition(".")
    if not dot:
        words.wrong(at, f"{what} does not say its type", "write `Type.relation: {...}`")
    elif not (words.is_name(of, at, f"the type of {what}") and words.is_name(name, at, what)):
        return None
    elif name in RESERVED_FIELDS:
        words.wrong(at, f"`{name}` is kept for the hub", f"name the relation `{name}Of`")
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, RELATION_KEYS, what)
    for required, example in (("to", "Type"), ("match", "{field: theirField}")):
        if required not in values and words.absent(block, required):
            words.wrong(at, f"{what} has no `{required}`", f"add `{required}: {example}`")
    if not {"to", "match"} <= values.keys():
        return None
    to, many = values.pop("to")
    if values.get("as_list") and not many:
        words.wrong(at, f"{what} is a list to one", f'write `to: "[{to}]"`, or drop `list`')
    return RelationPart(of=TypeName(of), name=FieldName(name), at=at, to=to, many=many, **values)


def _target(words: Words, node: Node, what: str) -> tuple[TypeName, bool] | None:
    listed = words.listed_name(node)
    if listed is not None:
        return (TypeName(listed), True) if words.is_name(listed, node.at, what) else None
    text = words.text(node, what)
    if text is None:
        return None
    found = _TARGET.match(text.strip())
    if found is None or bool(found["open"]) != bool(found["close"]):
        words.wrong(node.at, f"{what} is not a type", 'write `Type`, or `"[Type]"` for many')
        return None
    if not words.is_name(found["name"], node.at, what):
        return None
    return TypeName(found["name"]), bool(found["open"])


def _match(words: Words, node: Node, what: str) -> tuple[tuple[FieldName, FieldName], ...] | None:
    pairs = words.pairs(node, what)
    if not pairs:
        return None
    return tuple((FieldName(ours), FieldName(theirs)) for ours, theirs in pairs.items())


RELATION_KEYS: dict[str, tuple[str, Way]] = {
    "to": ("to", _target),
    "match": ("match", _match),
    "list": ("as_list", Words.flag),
    "about": ("about", Words.spoken),
    "title": ("title", Words.spoken),
}

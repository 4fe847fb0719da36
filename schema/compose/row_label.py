"""Labels of some rows of a type: `by_row` of a fragment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from schema.compose.part import Fragment, LabelPart, RowLabelPart
from schema.compose.positions import Leaf, Node, Row, plain
from schema.compose.words import Way, Words
from schema.model.names import FieldName

MOST = 4
"""Labels of one type's rows: rules are compared with each set of them."""


def read_row_labels(words: Words, node: Node, what: str) -> tuple[RowLabelPart, ...] | None:
    """A list of ``{when, label, fields, existence}``."""
    if not isinstance(node, Row) or not node.items:
        hint = "write `- {when: ..., label: {categories: [...]}}` lines below it"
        words.wrong(node.at, f"{what} is not a list", hint)
        return None
    if len(node.items) > MOST:
        hint = "join conditions with `any`"
        words.wrong(node.at, f"{what} has more than {MOST} items", hint)
        return None
    found = [_row_label(words, item, f"an item of {what}") for item in node.items]
    return tuple(one for one in found if one is not None)


def row_label_name(type_name: str, number: int) -> str:
    """What the rules of a row label are named by."""
    return f"label.{type_name}.{number}"


def row_label_places(fragments: Iterable[Fragment]) -> dict[str, str]:
    """Every row label's name -> ``file:line:column``."""
    return {
        row_label_name(part.name, number): fragment.where(one.at)
        for fragment in fragments
        for part in fragment.types
        for number, one in enumerate(part.by_row, 1)
    }


def _row_label(words: Words, node: Node, what: str) -> RowLabelPart | None:
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, ROW_LABEL_KEYS, what)
    for key, example in (("when", "when: {...}"), ("label", "label: {categories: [...]}")):
        if words.absent(block, key):
            words.wrong(node.at, f"{what} has no `{key}`", f"add `{example}`")
    if "when" not in values or "label" not in values:
        return None
    return RowLabelPart(at=node.at, **values)


def _when(words: Words, node: Node, what: str) -> str | None:
    """The condition as JSON; only the policies' room knows what it can be."""
    if isinstance(node, Leaf):
        words.wrong(node.at, f"{what} is not a condition", "write `{eq: [row.field, value]}`")
        return None
    return json.dumps(plain(node), default=str)


def _label(words: Words, node: Node, what: str) -> LabelPart | None:
    """A label as on a field, but only what comes on top has to be said."""
    if isinstance(node, Leaf):
        text = words.text(node, what)
        return None if text is None else LabelPart(at=node.at, level=text)
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, _LABEL_KEYS, what)
    if not values:
        hint = "write `level`, `levels`, `categories` or `compartments`"
        words.wrong(node.at, f"{what} says nothing", hint)
        return None
    return LabelPart(at=node.at, **values)


def _fields(words: Words, node: Node, what: str) -> tuple[FieldName, ...] | None:
    names = words.words(node, what)
    if names is not None and not names:
        words.wrong(node.at, f"{what} is empty", "name fields, or leave it out for all of them")
        return None
    return None if names is None else tuple(map(FieldName, names))


_LABEL_KEYS: Mapping[str, tuple[str, Way]] = {
    "level": ("level", Words.text),
    "levels": ("levels", Words.pairs),
    "categories": ("categories", Words.words),
    "compartments": ("compartments", Words.words),
}
ROW_LABEL_KEYS: dict[str, tuple[str, Any]] = {
    "when": ("when", _when),
    "label": ("label", _label),
    "fields": ("fields", _fields),
    "existence": ("existence", Words.flag),
}

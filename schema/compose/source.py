"""The `source` part of a fragment: which system this is and how it is reached."""

from __future__ import annotations

from typing import Any

from schema.compose import reference
from schema.compose.positions import Leaf, Node
from schema.compose.words import Way, Words
from schema.model.binding import Freshness, SourceDecl
from schema.model.names import DepartmentName, SourceName

_REQUIRED = ("name", "department", "kind")


def read_source(words: Words, node: Node, what: str) -> SourceDecl | None:
    """The declaration of a source; ``None`` after a problem that leaves it unknown."""
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, SOURCE_KEYS, what)
    for key in _REQUIRED:
        if key not in values and words.absent(block, key):
            words.wrong(block.at, f"{what} has no `{key}`", f"add `{key}: ...`")
    if any(key not in values for key in _REQUIRED):
        return None
    return SourceDecl(**values)


def _source_name(words: Words, node: Node, what: str) -> SourceName | None:
    slug = words.slug(node, what)
    return None if slug is None else SourceName(slug)


def _department(words: Words, node: Node, what: str) -> DepartmentName | None:
    slug = words.slug(node, what)
    return None if slug is None else DepartmentName(slug)


def _settings(words: Words, node: Node, what: str) -> dict[str, Any] | None:
    """A mapping that only the source's kind understands; no secret in clear."""
    block = words.block(node, what)
    if block is None:
        return None
    for at, message, hint in reference.problems(block):
        words.wrong(at, f"{message} in {what}", hint)
    return words.plain(block)


def _freshness(words: Words, node: Node, what: str) -> Freshness | None:
    if isinstance(node, Leaf):
        seconds = words.seconds(node, what)
        return None if seconds is None else Freshness(expect_s=seconds)
    block = words.block(node, what)
    if block is None:
        return None
    found = words.keys(block, FRESHNESS_KEYS, what)
    if "expect_s" not in found:
        if words.absent(block, "expect"):
            words.wrong(node.at, f"{what} has no `expect`", "for example `expect: PT1H`")
        return None
    if ("table" in found) != ("column" in found):
        hint = "name both `table` and `column`, or neither"
        words.wrong(node.at, f"{what} names half of where a change is noted", hint)
        return None
    return Freshness(**found)


FRESHNESS_KEYS: dict[str, tuple[str, Way]] = {
    "expect": ("expect_s", Words.seconds),
    "table": ("table", Words.text),
    "column": ("column", Words.text),
}
SOURCE_KEYS: dict[str, tuple[str, Way]] = {
    "name": ("name", _source_name),
    "department": ("department", _department),
    "title": ("title", Words.spoken),
    "tier": ("tier", Words.text),
    "region": ("region", Words.text),
    "kind": ("kind", Words.slug),
    "connect": ("connect", _settings),
    "tables": ("tables", _settings),
    "freshness": ("freshness", _freshness),
    "deadline": ("deadline_s", Words.seconds),
    "pass_through": ("pass_through", Words.flag),
}

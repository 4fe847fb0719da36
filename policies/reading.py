"""Reading single values of a bundle: texts, lists, choices, numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from policies.positions import Block, Leaf, Node, Place, Report, Row, did_you_mean, shown

Way = Callable[["Reader", Node, str], Any]
"""Reads one value: (reader, node, what it is called in messages); ``None`` after a problem."""


class Reader:
    """Reads values of one file; every method gives ``None`` after it reported a problem."""

    def __init__(self, path: str) -> None:
        self.report = Report(path)
        self.places: dict[str, Place] = {}

    def wrong(self, at: Place, message: str, hint: str) -> None:
        """Report one problem."""
        self.report.add(at, message, hint)

    def block(self, node: Node, what: str) -> Block | None:
        """A mapping."""
        if isinstance(node, Block):
            return node
        self.wrong(node.at, f"{what} is not a mapping", "write `key: value` lines below it")
        return None

    def keys(self, node: Node, ways: Mapping[str, Way], what: str) -> dict[str, Any]:
        """The values of a mapping with known keys."""
        block = self.block(node, what)
        values: dict[str, Any] = {}
        for key, (at, child) in ({} if block is None else block.entries).items():
            way = ways.get(key)
            if way is None:
                self.wrong(at, f"{what} has no key `{shown(key)}`", did_you_mean(key, ways))
            elif (value := way(self, child, f"`{key}` of {what}")) is not None:
                values[key] = value
        return values

    def only(self, node: Node, what: str, hint: str) -> tuple[str, Place, Node] | None:
        """The one entry of a mapping."""
        if isinstance(node, Block) and len(node.entries) == 1:
            ((key, (at, child)),) = node.entries.items()
            return key, at, child
        self.wrong(node.at, f"{what} is not one `word: value`", hint)
        return None

    def text(self, node: Node, what: str) -> str | None:
        """A text that is not empty."""
        if isinstance(node, Leaf) and not node.empty and node.text.strip():
            return node.text
        self.wrong(node.at, f"{what} is not a text", "write one text after the colon")
        return None

    def texts(self, node: Node, what: str) -> tuple[str, ...] | None:
        """A list of texts that is not empty; one text counts as a list of one."""
        items = node.items if isinstance(node, Row) else [node]
        if not items:
            self.wrong(node.at, f"{what} is empty", "list at least one, or delete the key")
            return None
        found = []
        for item in items:
            value = self.text(item, f"an item of {what}" if isinstance(node, Row) else what)
            if value is None:
                return None
            found.append(value)
        return tuple(dict.fromkeys(found))

    def choices(self, node: Node, what: str, among: Iterable[str]) -> tuple[str, ...] | None:
        """A list of some words."""
        found, known = self.texts(node, what), frozenset(among)
        if found is None:
            return None
        for word in found:
            if word not in known:
                message = f"{what} cannot be `{shown(word)}`"
                self.wrong(node.at, message, did_you_mean(word, known))
                return None
        return found

    def choice(self, node: Node, what: str, among: Iterable[str]) -> str | None:
        """One of some words."""
        if not isinstance(node, Leaf):
            self.wrong(node.at, f"{what} is not one word", did_you_mean("", among))
            return None
        found = self.choices(node, what, among)
        return None if found is None else found[0]

    def whole(self, node: Node, what: str, *, least: int = 0) -> int | None:
        """A whole number."""
        if isinstance(node, Leaf) and node.plain and node.text.isdecimal() and len(node.text) < 10:
            number = int(node.text)
            if number >= least:
                return number
        self.wrong(node.at, f"{what} is not a whole number from {least}", "write digits only")
        return None

    def number(self, node: Node, what: str) -> str | None:
        """A number, as it is written."""
        value = node.value if isinstance(node, Leaf) and node.plain else None
        if isinstance(node, Leaf) and type(value) in (int, float):
            return node.text
        self.wrong(node.at, f"{what} is not a number", "write digits, at most one point")
        return None

    def moment(self, node: Node, what: str) -> float | None:
        """A moment with its zone, as Unix seconds."""
        text = self.text(node, what)
        try:
            moment = None if text is None else dt.datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.wrong(node.at, f"{what} is not a moment", "write `2026-06-01T10:00:00+08:00`")
            return None
        return moment.timestamp()

    def by_language(self, node: Node, what: str) -> dict[str, str] | None:
        """Text by language; one text counts as English."""
        if isinstance(node, Leaf):
            text = self.text(node, what)
            return None if text is None else {"en": text}
        block = self.block(node, what)
        found = {}
        for language, (_, child) in ({} if block is None else block.entries).items():
            text = self.text(child, what)
            if text is not None:
                found[language] = text
        return found

    def levels(self, node: Node, what: str) -> dict[str, str] | None:
        """A level for each ladder."""
        block = self.block(node, what)
        found = {
            ladder: self.text(child, f"`{shown(ladder)}` of {what}")
            for ladder, (_, child) in ({} if block is None else block.entries).items()
        }
        return {ladder: level for ladder, level in found.items() if level is not None}

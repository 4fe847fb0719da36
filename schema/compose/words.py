"""Reading single values of a fragment: names, texts, lists, durations, text by language."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from schema.compose.positions import Block, Leaf, Node, Place, Row, plain, shown
from schema.compose.report import Report, did_you_mean
from schema.model.names import GRAPHQL_NAME, SOURCE_NAME
from schema.model.scalar import SCALAR_KINDS

MAX_NAME = 120
RESERVED_TYPES = SCALAR_KINDS | {"Query", "Mutation", "Subscription", "Node", "PageInfo"}
RESERVED_ENDINGS = ("Connection", "Edge", "Filter", "Aggregate")
RESERVED_FIELDS = frozenset({"id", "and", "or", "not", "true", "false", "null"})
RESERVED_ROOTS = frozenset({"node", "nodes"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_HAN = re.compile(r"[㐀-鿿豈-﫿]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_DURATION = re.compile(
    r"P(?:(?P<w>\d{1,6})W)?(?:(?P<d>\d{1,6})D)?"
    r"(?:T(?:(?P<h>\d{1,6})H)?(?:(?P<m>\d{1,6})M)?(?:(?P<s>\d{1,6}(?:\.\d{1,6})?)S)?)?\Z"
)

Way = Callable[["Words", Node, str], Any]
"""Reads one value: (words, node, what it is called in messages); ``None`` after a problem."""


class Words:
    """Reads values of one file and reports what is wrong with them.

    Every method gives ``None`` for a value that is not usable, and has then reported why.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.report = Report("FRAGMENT_INVALID")

    def wrong(self, at: Place, message: str, hint: str) -> None:
        """Report one problem."""
        self.report.add(self.path, at, message, hint)

    def block(self, node: Node, what: str) -> Block | None:
        """A mapping."""
        if isinstance(node, Block):
            return node
        self.wrong(node.at, f"{what} is not a mapping", "write `key: value` lines below it")
        return None

    def keys(self, block: Block, ways: Mapping[str, tuple[str, Way]], what: str) -> dict[str, Any]:
        """The values of a mapping with known keys; a key without a value counts as absent."""
        values: dict[str, Any] = {}
        for key, (at, node) in block.entries.items():
            way = ways.get(key)
            if way is None:
                message = f"{what} has no key `{shown(key)}`"
                self.wrong(at, message, "" if self.report.full else did_you_mean(key, ways))
                continue
            if isinstance(node, Leaf) and node.empty:
                continue
            value = way[1](self, node, f"`{key}` of {what}")
            if value is not None:
                values[way[0]] = value
        return values

    def absent(self, block: Block, key: str) -> bool:
        """Whether a mapping has no value for a key."""
        found = block.entries.get(key)
        return found is None or (isinstance(found[1], Leaf) and found[1].empty)

    def plain(self, block: Block) -> dict[str, Any]:
        """A mapping as ordinary values."""
        value: dict[str, Any] = plain(block)
        return value

    def listed_name(self, node: Node) -> str | None:
        """The text of a list of exactly one text, ``None`` for anything else."""
        if isinstance(node, Row) and len(node.items) == 1 and isinstance(node.items[0], Leaf):
            return node.items[0].text
        return None

    def text(self, node: Node, what: str) -> str | None:
        """A text that is not empty; numbers and words like ``no`` count as the text they are."""
        if isinstance(node, Leaf) and not node.empty and node.text.strip():
            return node.text
        self.wrong(node.at, f"{what} is not a text", "write one text after the colon")
        return None

    def words(self, node: Node, what: str) -> tuple[str, ...] | None:
        """A list of texts; one text counts as a list of one."""
        if isinstance(node, Leaf):
            text = self.text(node, what)
            return None if text is None else (text,)
        if not isinstance(node, Row):
            self.wrong(node.at, f"{what} is not a list of texts", "write `[one, two]`")
            return None
        texts = tuple(
            text for item in node.items if (text := self.text(item, f"an item of {what}"))
        )
        if len(set(texts)) < len(texts):
            self.wrong(node.at, f"{what} names something twice", "keep one of them")
        return texts

    def flag(self, node: Node, what: str) -> bool | None:
        """True or false."""
        if isinstance(node, Leaf):
            value = plain(node)
            if isinstance(value, bool):
                return value
        self.wrong(node.at, f"{what} is neither `true` nor `false`", "write `true` or `false`")
        return None

    def choice(self, node: Node, what: str, among: Iterable[str]) -> str | None:
        """One of some words."""
        text = self.text(node, what)
        if text is None:
            return None
        known = frozenset(among)
        if text in known:
            return text
        hint = "" if self.report.full else did_you_mean(text, known)
        self.wrong(node.at, f"{what} cannot be `{shown(text)}`", hint)
        return None

    def name(self, node: Node, what: str) -> str | None:
        """A GraphQL name, as a value."""
        text = self.text(node, what)
        return text if text is not None and self.is_name(text, node.at, what) else None

    def is_name(self, text: str, at: Place, what: str) -> bool:
        """Whether a text may name a field or type in GraphQL."""
        if GRAPHQL_NAME.match(text) and len(text) <= MAX_NAME:
            return True
        self.wrong(
            at,
            f"{what} cannot be named `{shown(text)}`",
            f"use a letter, then letters, digits and `_`, at most {MAX_NAME}; "
            "other writing belongs in `title`",
        )
        return False

    def slug(self, node: Node, what: str) -> str | None:
        """A source's or department's name."""
        text = self.text(node, what)
        if text is None or SOURCE_NAME.match(text):
            return text
        hint = "use small letters, digits and `-`, beginning with a letter, at most 63"
        self.wrong(node.at, f"{what} cannot be `{shown(text)}`", hint)
        return None

    def spoken(self, node: Node, what: str) -> dict[str, str] | None:
        """Text by language; a bare text is Chinese if it holds Han characters, else English."""
        if isinstance(node, Leaf):
            text = self.text(node, what)
            return None if text is None else {"zh" if _HAN.search(text) else "en": text}
        block = self.block(node, what)
        if block is None:
            return None
        texts = {}
        for language, (at, value) in block.entries.items():
            if not _LANGUAGE.match(language):
                message = f"`{shown(language)}` of {what} is not a language"
                self.wrong(at, message, "write `en`, `zh` or another language code")
            elif (text := self.text(value, f"`{language}` of {what}")) is not None:
                texts[language] = text
        return texts

    def pairs(self, node: Node, what: str) -> dict[str, str] | None:
        """A mapping from texts to texts."""
        block = self.block(node, what)
        if block is None:
            return None
        found = {
            key: text
            for key, (_, value) in block.entries.items()
            if (text := self.text(value, f"`{shown(key)}` of {what}")) is not None
        }
        if not block.entries:
            self.wrong(node.at, f"{what} is empty", "write at least one `from: to` pair")
        return found

    def date(self, node: Node, what: str) -> dt.date | None:
        """A day."""
        text = self.text(node, what)
        if text is None:
            return None
        try:
            if _DAY.match(text):
                return dt.date.fromisoformat(text)
        except ValueError:
            pass
        self.wrong(node.at, f"{what} is not a date", "write `2026-12-31`")
        return None

    def seconds(self, node: Node, what: str) -> float | None:
        """An ISO 8601 duration in seconds."""
        text = self.text(node, what)
        if text is None:
            return None
        found = _DURATION.match(text)
        parts = found.groupdict() if found else {}
        if not any(parts.values()) or text.endswith("T"):
            self.wrong(
                node.at,
                f"{what} is not a duration",
                "write `PT30S`, `PT5M`, `PT1H`, `P1D` or `P1W`",
            )
            return None
        units = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
        return sum(units[unit] * float(number) for unit, number in parts.items() if number)

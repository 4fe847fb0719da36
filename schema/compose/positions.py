"""YAML with positions: text to a bounded tree whose every part knows its line and column.

A subset on purpose: one document, no anchors, aliases or tags, every key a plain text and given
once. Scalars keep their text, so ``no``, ``3301`` and ``0571`` are texts wherever a text is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec
import yaml

MAX_CHARACTERS = 8_000_000
MAX_DEPTH = 40
MAX_NODES = 1_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


class Place(msgspec.Struct, frozen=True):
    """Where something stands; both count from 1."""

    line: int
    column: int

    def in_file(self, path: str) -> str:
        """``file:line:column``."""
        return f"{path}:{self.line}:{self.column}"


class Leaf(msgspec.Struct, frozen=True):
    """A scalar; `plain` = written without quotation marks."""

    text: str
    plain: bool
    at: Place

    @property
    def empty(self) -> bool:
        """Whether nothing, ``~`` or ``null`` is written."""
        return self.plain and self.text in _NULLS


class Row(msgspec.Struct, frozen=True):
    """A list."""

    items: list[Node]
    at: Place


class Block(msgspec.Struct, frozen=True):
    """A mapping; key -> (the key's place, value), in written order."""

    entries: dict[str, tuple[Place, Node]]
    at: Place


Node = Leaf | Row | Block


class YamlProblem(Exception):
    """Why a text was not taken as YAML; always caught by the reader that called `parse`."""

    def __init__(self, message: str, at: Place, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint


def parse(text: str) -> Node | None:
    """The tree of a YAML text, ``None`` if it is empty.

    Raises: `YamlProblem` for what is not YAML, or is outside the subset or the bounds.
    """
    if len(text) > MAX_CHARACTERS:
        _refuse(
            f"the file has more than {MAX_CHARACTERS} characters",
            Place(1, 1),
            "split it into one file for each source",
        )
    try:
        return _tree(yaml.parse(text, Loader=_LOADER))
    except yaml.reader.ReaderError as problem:
        raise YamlProblem(
            "the file holds a control character",
            place_of_offset(text, problem.position if isinstance(problem.position, int) else 0),
            "delete it; only tabs and line breaks may stand between visible characters",
        ) from None
    except UnicodeEncodeError as problem:
        raise YamlProblem(
            "the file holds half of a surrogate pair",
            place_of_offset(text, problem.start),
            "save it again as UTF-8",
        ) from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        at = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
        said = problem.problem or "not understood"
        raise YamlProblem(f"this is not YAML: {said}", at, _hint(said)) from None


def place_of_offset(text: str, offset: int) -> Place:
    """The place of the character at an offset."""
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - before.rfind("\n"))


def plain(node: Node) -> Any:
    """The tree as ordinary values; unquoted scalars by YAML's core schema."""
    match node:
        case Leaf():
            return scalar(node)
        case Row():
            return [plain(item) for item in node.items]
        case Block():
            return {key: plain(value) for key, (_, value) in node.entries.items()}


def scalar(leaf: Leaf) -> str | int | float | bool | None:
    """A leaf's value by YAML's core schema."""
    text = leaf.text
    if not leaf.plain:
        return text
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


class _Open:
    """A mapping or list that has not ended yet; `key` is a mapping's pending key."""

    __slots__ = ("at", "entries", "items", "key")

    def __init__(self, at: Place, *, mapping: bool) -> None:
        self.at = at
        self.entries: dict[str, tuple[Place, Node]] | None = {} if mapping else None
        self.items: list[Node] = []
        self.key: Leaf | None = None


def _tree(events: Iterator[Any]) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    count = documents = 0
    for event in events:
        mark = event.start_mark
        match event:
            case yaml.ScalarEvent():
                _check(event, mark)
                at = Place(mark.line + 1, mark.column + 1)
                node: Node = Leaf(event.value, event.implicit[0], at)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _check(event, mark)
                at = Place(mark.line + 1, mark.column + 1)
                if stack and stack[-1].entries is not None and stack[-1].key is None:
                    _refuse("a key is not a text", at, "write the key as one word")
                if len(stack) >= MAX_DEPTH:
                    _refuse(f"nested deeper than {MAX_DEPTH}", at, "write it flatter")
                stack.append(_Open(at, mapping=isinstance(event, yaml.MappingStartEvent)))
                continue
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = stack.pop()
                node = (
                    Row(done.items, done.at)
                    if done.entries is None
                    else Block(done.entries, done.at)
                )
            case yaml.AliasEvent():
                _no_alias(mark)
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    at = Place(mark.line + 1, mark.column + 1)
                    _refuse("a second document begins", at, "delete the `---` line")
                continue
            case _:
                continue
        count += 1
        if count > MAX_NODES:
            _refuse(f"more than {MAX_NODES} values", node.at, "split the file")
        if stack:
            _add(stack[-1], node)
        else:
            root = node
    return root


def _add(into: _Open, node: Node) -> None:
    if into.entries is None:
        into.items.append(node)
    elif into.key is None:
        if not isinstance(node, Leaf) or node.empty:
            _refuse("a key is not a text", node.at, "write the key as one word")
        if node.text in into.entries:
            first = into.entries[node.text][0]
            _refuse(
                f"`{shown(node.text)}` is given twice; first in line {first.line}",
                node.at,
                "keep one of the two",
            )
        into.key = node
    else:
        into.entries[into.key.text] = (into.key.at, node)
        into.key = None


def shown(text: str) -> str:
    """A name as it may stand in a message: one line, not long."""
    line = " ".join(text.split())
    line = "".join(char if char.isprintable() else "?" for char in line).replace("`", "'")
    return line if len(line) <= 60 else f"{line[:57]}..."


def _check(event: Any, mark: Any) -> None:
    if event.anchor is not None:
        _no_alias(mark)
    if event.tag is not None:
        _refuse(
            "YAML tags (`!`) are not used here",
            Place(mark.line + 1, mark.column + 1),
            "delete the tag; quote the value if it begins with `!`",
        )


def _no_alias(mark: Any) -> NoReturn:
    _refuse(
        "YAML anchors (`&`) and aliases (`*`) are not used here",
        Place(mark.line + 1, mark.column + 1),
        "write the value out; quote it if it begins with `&` or `*`",
    )


def _refuse(message: str, at: Place, hint: str) -> NoReturn:
    raise YamlProblem(message, at, hint)


def _hint(problem: str) -> str:
    if "tab" in problem or "cannot start any token" in problem:
        return "indent with spaces, not tabs; quote a value that begins with a special character"
    if "nesting" in problem:
        return "write it flatter"
    if "mapping values" in problem:
        return "quote a value that holds `: `, and check the indentation of this line"
    if "quoted scalar" in problem:
        return "close the quotation mark"
    if "expected" in problem:
        return "check indentation, brackets and commas in this line and the one before"
    return "check this line and the one before it"

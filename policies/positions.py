"""YAML with positions: text to bounded trees, one per document, that know line and column.

A subset on purpose: no anchors, aliases or tags, keys are texts given once. Scalars keep their
text, so ``3301`` and ``no`` are texts wherever a text is asked.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import msgspec
import yaml

from schema.errors import HubError, ManyErrors

MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 40
MAX_NODES = 500_000
MAX_PROBLEMS = 200

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}\Z")


class Place(msgspec.Struct, frozen=True):
    """Where something stands; both count from 1."""

    line: int
    column: int


class Leaf(msgspec.Struct, frozen=True):
    """A scalar; `plain` = written without quotation marks."""

    text: str
    plain: bool
    at: Place

    @property
    def empty(self) -> bool:
        """Whether nothing is written."""
        return self.plain and self.text in ("", "~")

    @property
    def value(self) -> str | int | float | bool | None:
        """The value by YAML's core schema."""
        if not self.plain:
            return self.text
        if self.text in _NULLS:
            return None
        if self.text in _BOOLEANS:
            return _BOOLEANS[self.text]
        if _INT.match(self.text):
            return int(self.text)
        return float(self.text) if _FLOAT.match(self.text) else self.text


class Row(msgspec.Struct, frozen=True):
    """A list."""

    items: list[Node]
    at: Place


class Block(msgspec.Struct, frozen=True):
    """A mapping; key -> (the key's place, value), in written order."""

    entries: dict[str, tuple[Place, Node]]
    at: Place


Node = Leaf | Row | Block


class Report:
    """The problems of one check, in the order they were found, for one mending."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[HubError] = []

    def add(self, at: Place, message: str, hint: str) -> None:
        """One problem; those after the first `MAX_PROBLEMS` are dropped."""
        if len(self.problems) < MAX_PROBLEMS:
            where = f"{self.path}:{at.line}:{at.column}"
            self.problems.append(HubError("POLICY_INVALID", message, where=where, hint=hint))

    def raise_any(self) -> None:
        """Raises: `ManyErrors` if there is a problem."""
        if self.problems:
            raise ManyErrors("POLICY_INVALID", self.problems)


def shown(text: str) -> str:
    """A name as it may stand in a message: one line, not long."""
    line = " ".join(text.split()).replace("`", "'")
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= 60 else f"{line[:57]}..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or the known words."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:100], words, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if not words:
        return "none is known"
    more = "" if len(words) <= 24 else ", ..."
    return f"known: {', '.join(f'`{shown(other)}`' for other in words[:24])}{more}"


def parse(text: str, report: Report) -> list[Node]:
    """The trees of a YAML text's documents; what stops the reading is reported."""
    if len(text) > MAX_CHARACTERS:
        report.add(Place(1, 1), "the file is too large", "split it into several files")
        return []
    try:
        return _trees(yaml.parse(text, Loader=_LOADER))
    except _OutsideError as problem:
        report.add(problem.at, problem.message, problem.hint)
    except yaml.reader.ReaderError:
        report.add(Place(1, 1), "the file holds a control character", "delete it")
    except UnicodeEncodeError:
        report.add(Place(1, 1), "the file is not UTF-8", "save it again as UTF-8")
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        at = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
        said = problem.problem or "not understood"
        report.add(at, f"this is not YAML: {said}", "check this line and the one before it")
    return []


class _OutsideError(Exception):
    """YAML outside the subset; caught by `parse`."""

    def __init__(self, message: str, at: Place, hint: str) -> None:
        super().__init__(message)
        self.message, self.at, self.hint = message, at, hint


class _Open:
    """A mapping or list that has not ended yet; `key` is a mapping's pending key."""

    __slots__ = ("at", "entries", "items", "key")

    def __init__(self, at: Place, *, mapping: bool) -> None:
        self.at = at
        self.entries: dict[str, tuple[Place, Node]] | None = {} if mapping else None
        self.items: list[Node] = []
        self.key: Leaf | None = None

    def add(self, node: Node) -> None:
        """The next key, value or item."""
        if self.entries is None:
            self.items.append(node)
        elif self.key is None:
            if not isinstance(node, Leaf):
                _refuse("a key is not a text", node.at, "write the key as one word")
            if node.text in self.entries:
                first = self.entries[node.text][0].line
                message = f"`{shown(node.text)}` is given twice; first in line {first}"
                _refuse(message, node.at, "keep one of the two")
            self.key = node
        else:
            self.entries[self.key.text] = (self.key.at, node)
            self.key = None

    def close(self) -> Node:
        """The finished node."""
        if self.entries is None:
            return Row(self.items, self.at)
        return Block(self.entries, self.at)


def _trees(events: Iterator[Any]) -> list[Node]:
    roots: list[Node] = []
    stack: list[_Open] = []
    count = 0
    for event in events:
        at = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            _refuse("YAML anchors and aliases are not used here", at, "write the value out")
        match event:
            case yaml.ScalarEvent():
                _no_tag(event, at)
                node: Node = Leaf(event.value, event.implicit[0], at)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _no_tag(event, at)
                if len(stack) >= MAX_DEPTH:
                    _refuse(f"nested deeper than {MAX_DEPTH}", at, "write it flatter")
                stack.append(_Open(at, mapping=isinstance(event, yaml.MappingStartEvent)))
                continue
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                node = stack.pop().close()
            case _:
                continue
        count += 1
        if count > MAX_NODES:
            _refuse("the file has too many values", at, "split it into several files")
        if stack:
            stack[-1].add(node)
        else:
            roots.append(node)
    return roots


def _no_tag(event: Any, at: Place) -> None:
    if event.tag is not None and event.tag != "!":
        _refuse("YAML tags are not used here", at, "quote the value if it begins with `!`")


def _refuse(message: str, at: Place, hint: str) -> NoReturn:
    raise _OutsideError(message, at, hint)

"""Elements as rows, and their texts as canonical columns: exactly what was sent, or an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from connectors.http.rows import bad
from connectors.kit.rows import conform
from connectors.soap.tables import steps_of
from connectors.soap.types import attributes_of, elements_of, kind_of, repeats
from connectors.spi import Batch, Column
from schema.errors import SourceError
from schema.model.scalar import TEXTUAL

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Node = Any
"""An element of lxml."""


def fits_xml(value: Any) -> bool:
    """Whether XML can hold a value; what it cannot hold is in no row."""
    return not isinstance(value, str) or _UNFIT.search(value) is None


def rows_at(answer: Node, path: str) -> list[Node]:
    """The elements at a path below an answer; those that are nil are none."""
    found = [answer]
    for step in steps_of(path):
        found = [child for one in found for child in _named(one, step)]
    return [one for one in found if not _nil(one)]


def text_at(node: Node, path: str) -> str | None:
    """The text at a path; ``None`` for nothing there and for nil."""
    return _text(_found([node], steps_of(path)))


def batch_of(columns: Sequence[Column], rows: Sequence[Node], kind: Any) -> Batch:
    """Canonical columns of elements of a type; an element that is absent or nil is null.

    Cost: one look at each element of a row, however many columns there are.
    """
    known: dict[str, str] = {}
    indexed = [_by_name(row, known) for row in rows]
    made = {}
    for column in columns:
        steps = steps_of(column.name)
        if column.kind == "JSON" and not column.values:
            made[column.name] = [_json_at(row, kind, steps) for row in rows]
            continue
        if steps[0].startswith("@"):
            texts = [_text(_found([row], steps)) for row in rows]
        elif len(steps) == 1:
            texts = [_leaf(row.get(steps[0], ())) for row in indexed]
        else:
            texts = [_text(_found(row.get(steps[0], ()), steps[1:])) for row in indexed]
        if column.kind not in TEXTUAL or column.values:
            made[column.name] = conform([_value(text, column) for text in texts], column)
        else:
            made[column.name] = conform(texts, column)
    return Batch(made, len(rows))


def _by_name(row: Node, known: dict[str, str]) -> Mapping[str, list[Node]]:
    """The elements of a row by their local names, which `known` remembers."""
    made: dict[str, list[Node]] = {}
    for one in row:
        tag = one.tag
        name = known.get(tag)
        if name is None:
            name = known[tag] = _local(tag)
        made.setdefault(name, []).append(one)
    return made


def _leaf(held: Sequence[Node]) -> str | None:
    """The text of the one element; one with a text is not nil."""
    if len(held) == 1 and not len(held[0]):
        text = held[0].text
        if text:
            return str(text)
    return _text(_single(held))


def _text(found: Node | str | None) -> str | None:
    if found is None or isinstance(found, str):
        return found
    if len(found):
        raise bad("the source sent an object where a value was declared")
    return str(found.text or "")


def _named(node: Node, name: str) -> list[Node]:
    return [one for one in node if _local(one.tag) == name]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _nil(node: Node) -> bool:
    return node.get(_NIL) in ("true", "1")


def _found(held: Sequence[Node], steps: Sequence[str]) -> Node | str | None:
    """The one element, or the text of the attribute, at a path below elements of one name."""
    for step in steps:
        if step.startswith("@"):
            one = _single(held)
            told = {} if one is None else {_local(name): text for name, text in one.attrib.items()}
            return told.get(step[1:])
        if step.isdigit():
            held = held[int(step) : int(step) + 1]
            continue
        one = _single(held)
        held = [] if one is None else _named(one, step)
    return _single(held)


def _single(held: Sequence[Node]) -> Node | None:
    if len(held) > 1:
        raise bad("the source sent several values where one was declared")
    return None if not held or _nil(held[0]) else held[0]


def _value(text: str | None, column: Column) -> Any:
    """A text as XML schema means it, where it stands for something else."""
    if text is None:
        return None
    text = text.strip()
    if not text:
        return None
    if column.values:
        return text
    match column.kind:
        case "Boolean":
            if text not in _TRUTH:
                raise SourceError(
                    "SOURCE_BAD_DATA", f"column `{column.name}` holds what is no Boolean",
                    hint="compare the source's values with the type in the fragment",
                )  # fmt: skip
            return _TRUTH[text]
        case "Date":
            return _ZONE.sub("", text) if len(text) > 10 else text
        case _:
            return text


def _json_at(row: Node, kind: Any, steps: Sequence[str]) -> Any:
    """What is at a path as JSON; a list where the schema says that there may be several."""
    held, several, single = [row], False, kind
    for step in steps:
        if step.startswith("@") or step.isdigit():
            found = _found([row], steps)
            return json_of(found, None) if found is not None else None
        one = _single(held)
        element = elements_of(single).get(step)
        single = element.type if element is not None else None
        several = element is not None and repeats(element)
        held = [] if one is None else _named(one, step)
    if several:
        return [json_of(one, single) for one in held]
    found = _single(held)
    return None if found is None else json_of(found, single)


def json_of(node: Node | str, kind: Any) -> Any:
    """An element as JSON: an object of its elements and attributes, or one value."""
    if isinstance(node, str):
        return node
    if _nil(node):
        return None
    told = {f"@{_local(name)}": text for name, text in node.attrib.items()
            if not name.startswith(_INSTANCE)}  # fmt: skip
    known = elements_of(kind)
    if len(node) == 0 and not known and not told and not attributes_of(kind):
        return _scalar(node.text or "", kind)
    made: dict[str, Any] = dict(told)
    for one in node:
        name = _local(one.tag)
        element = known.get(name)
        value = json_of(one, element.type if element is not None else None)
        if element is not None and repeats(element):
            made.setdefault(name, []).append(value)
        elif name not in made:
            made[name] = value
        else:
            raise bad("the source sent several values where one was declared")
    if len(node) == 0 and not known and node.text:
        made["value"] = node.text
    return made


def _scalar(text: str, kind: Any) -> Any:
    plain = text.strip()
    match kind_of(kind):
        case "Int" | "BigInt" if re.fullmatch(r"[+-]?[0-9]{1,18}", plain, re.ASCII):
            return int(plain)
        case "Float" | "Decimal" if re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", plain):
            return float(plain)
        case "Boolean" if plain in _TRUTH:
            return _TRUTH[plain]
        case _:
            return text


def signature(rows: Sequence[Node]) -> list[bytes]:
    """What tells whether a page is the one before again."""
    return [etree.tostring(row) for row in rows]

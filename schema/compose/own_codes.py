"""A department's own code lists (`codes` of a fragment), and the units of its sources."""

from __future__ import annotations

import re
from fractions import Fraction

from schema.compose.part import CodePart, CodesPart, UnitPart
from schema.compose.positions import Leaf, Node, Place
from schema.compose.words import Way, Words
from schema.model.names import SOURCE_NAME

MAX_CODES = 20_000
MAX_DIGITS = 12
_FACTOR = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15}|/0*[1-9][0-9]{0,14})?\Z")


def read_codes(words: Words, node: Node, what: str) -> tuple[CodesPart, ...] | None:
    """Every list that is understood."""
    block = words.block(node, what)
    if block is None:
        return None
    found = [_list(words, name, at, value) for name, (at, value) in block.entries.items()]
    return tuple(part for part in found if part is not None)


def _list(words: Words, name: str, at: Place, node: Node) -> CodesPart | None:
    what = f"code list `{name}`"
    if not SOURCE_NAME.match(name):
        hint = "use small letters, digits and `-`, beginning with a letter, at most 63"
        words.wrong(at, "a code list cannot be named so", hint)
        return None
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, CODES_KEYS, what)
    if "codes" not in values:
        if words.absent(block, "codes"):
            words.wrong(at, f"{what} has no `codes`", "add `codes: {...}`")
        return None
    leads = "of" in values
    for code, part in values["codes"].items():
        if leads and part.to is None:
            hint = f"write the code of `{values['of']}` that it stands for"
            words.wrong(part.at, f"`{code}` of {what} leads to no code", hint)
        elif not leads and part.to is not None:
            hint = "add `of: ...`, the list that it leads to"
            words.wrong(part.at, f"`{code}` of {what} leads to a code of no list", hint)
    return CodesPart(name=name, at=at, **values)


def _entries(words: Words, node: Node, what: str) -> dict[str, CodePart] | None:
    block = words.block(node, what)
    if block is None:
        return None
    if not 0 < len(block.entries) <= MAX_CODES:
        words.wrong(node.at, f"{what} is empty or too long", f"write 1 to {MAX_CODES} codes")
        return None
    return {code: _code(words, at, value, what) for code, (at, value) in block.entries.items()}


def _code(words: Words, at: Place, node: Node, what: str) -> CodePart:
    if isinstance(node, Leaf):
        return CodePart(at=at, to=None if node.empty else node.text)
    block = words.block(node, f"a code of {what}")
    values = {} if block is None else words.keys(block, CODE_KEYS, f"a code of {what}")
    return CodePart(at=at, **values)


def read_unit(words: Words, node: Node, what: str) -> UnitPart | None:
    """A unit by name, or with what the hub does not know of it."""
    if isinstance(node, Leaf):
        text = words.text(node, what)
        return None if text is None else UnitPart(unit=text)
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, UNIT_KEYS, what)
    if "unit" not in values:
        if words.absent(block, "unit"):
            words.wrong(node.at, f"{what} names no unit", "add `unit: ...`")
        return None
    return UnitPart(**values)


def _factor(words: Words, node: Node, what: str) -> str | None:
    text = words.text(node, what)
    if text is None:
        return None
    if _FACTOR.match(text) and Fraction(text) > 0:
        return text
    hint = "write `24`, `0.45359237` or `2000/3`"
    words.wrong(node.at, f"{what} is no exact factor above zero", hint)
    return None


def _digits(words: Words, node: Node, what: str) -> int | None:
    text = words.text(node, what)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MAX_DIGITS:
        return int(text)
    words.wrong(node.at, f"{what} is no number of digits", f"write a number from 0 to {MAX_DIGITS}")
    return None


CODES_KEYS: dict[str, tuple[str, Way]] = {
    "title": ("title", Words.spoken),
    "of": ("of", Words.text),
    "source": ("source", Words.text),
    "date": ("date", Words.date),
    "codes": ("codes", _entries),
}
CODE_KEYS: dict[str, tuple[str, Way]] = {
    "to": ("to", Words.text),
    "title": ("title", Words.spoken),
}
UNIT_KEYS: dict[str, tuple[str, Way]] = {
    "unit": ("unit", Words.text),
    "factor": ("factor", _factor),
    "digits": ("digits", _digits),
}

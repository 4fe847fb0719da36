"""How conditions are written: ``all``, ``any``, ``not`` and one word per comparison."""

from __future__ import annotations

import re
from typing import get_args

from policies.age import OLDEST
from policies.attributes import (
    CONTEXT_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SET_ATTRIBUTES,
    TEXT_ATTRIBUTES,
)
from policies.condition import (
    UNKNOWN,
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    OneOf,
    Present,
    PurposeWithin,
    RegionWithin,
    RowOp,
    Space,
    Term,
    YoungerThan,
    either,
    every,
    opposite,
)
from policies.granted import Granted
from policies.positions import Block, Leaf, Node, Row, did_you_mean, shown
from policies.reading import Reader

_REFERENCE = re.compile(r"(subject|resource|context|row)\.([A-Za-z][A-Za-z0-9_]*)\Z")
LIVE = "grant.live"
_ORDERS = ("lt", "le", "gt", "ge")
COMPARISONS = (
    *get_args(RowOp),
    "in",
    "region_within",
    "younger_than",
    "purpose",
    "clearance",
    "present",
    "grant_covers",
)
WORDS = ("all", "any", "not", *COMPARISONS)
_KNOWN = {
    "subject": (*TEXT_ATTRIBUTES, *SET_ATTRIBUTES),
    "context": CONTEXT_ATTRIBUTES,
    "resource": RESOURCE_ATTRIBUTES,
}


def read_condition(reader: Reader, node: Node, what: str) -> Condition:
    """A condition; UNKNOWN after a problem, which is then reported."""
    if isinstance(node, Row):
        return every(*(read_condition(reader, item, what) for item in node.items))
    if isinstance(node, Leaf) and node.text == LIVE:
        return Granted()
    if isinstance(node, Leaf):
        term = _term(reader, node, what)
        if term == Attribute("resource", "owned"):
            return Compares("eq", term, Literally(True))
        if term is not None:
            reader.wrong(node.at, f"{what} is not a condition", "write `{eq: [..., ...]}`")
        return UNKNOWN
    parts = [_entry(reader, word, child, what) for word, child in _words(reader, node, what)]
    return every(*parts)


def _words(reader: Reader, block: Block, what: str) -> list[tuple[str, Node]]:
    if not block.entries:
        reader.wrong(block.at, f"{what} is empty", "write a condition, or delete the key")
    found: list[tuple[str, Node]] = []
    for key, (at, child) in block.entries.items():
        if key in WORDS:
            found.append((key, child))
        else:
            message = f"{what} has no condition `{shown(key)}`"
            reader.wrong(at, message, did_you_mean(key, WORDS))
    return found


def _entry(reader: Reader, word: str, node: Node, what: str) -> Condition:
    match word:
        case "all" | "any":
            items = node.items if isinstance(node, Row) else [node]
            if not items:
                reader.wrong(node.at, f"`{word}` is empty", "list at least one condition")
            parts = [read_condition(reader, item, what) for item in items]
            return every(*parts) if word == "all" else either(*parts)
        case "not":
            return opposite(read_condition(reader, node, what))
        case "in":
            return _one_of(reader, node, what)
        case "region_within":
            return _region(reader, node, what)
        case "younger_than":
            return _younger(reader, node, what)
        case "grant_covers":
            category = reader.text(node, what)
            reader.places.setdefault(f"categories:{category}", node.at)
            return UNKNOWN if category is None else Granted(category)
        case "purpose":
            return read_purpose(reader, node, what)
        case "clearance":
            return read_clearance(reader, node, what)
        case "present":
            term = _term(reader, node, what, sets=True) if isinstance(node, Leaf) else None
            if isinstance(term, Attribute) and term.space != "resource":
                return Present(term)
            reader.wrong(node.at, "`present` needs an attribute", "write `present: subject.user`")
            return UNKNOWN
        case _:
            return _compares(reader, word, node, what)


def read_purpose(reader: Reader, node: Node, what: str) -> Condition:
    """``x``, ``[x, y]`` or ``{descendant_of: x}``."""
    below = isinstance(node, Block)
    if below:
        found = reader.only(node, what, "write `purpose: {descendant_of: ...}`")
        if found is None:
            return UNKNOWN
        key, at, node = found
        if key != "descendant_of":
            reader.wrong(at, f"{what} has no key `{shown(key)}`", "write `descendant_of: ...`")
            return UNKNOWN
    purposes = reader.texts(node, what)
    if purposes is None:
        return UNKNOWN
    for purpose in purposes:
        reader.places.setdefault(f"purpose:{purpose}", node.at)
    return PurposeWithin(purposes, below)


def read_clearance(reader: Reader, node: Node, what: str) -> Condition:
    """``G3``, ``{at_least: G3}`` or ``{at_least: {ladder: G3}}``."""
    if isinstance(node, Block):
        found = reader.only(node, what, "write `clearance: {at_least: ...}`")
        if found is None:
            return UNKNOWN
        key, at, node = found
        if key != "at_least":
            reader.wrong(at, f"{what} has no key `{shown(key)}`", "write `at_least: ...`")
            return UNKNOWN
    ref = read_level(reader, node, what)
    return UNKNOWN if ref is None else Cleared(*ref)


def read_level(reader: Reader, node: Node, what: str) -> tuple[str, str] | None:
    """``G3`` or ``{ladder: G3}``, as (ladder, level)."""
    ladder = ""
    if isinstance(node, Block):
        found = reader.only(node, what, "write a level, or `{ladder: level}`")
        if found is None:
            return None
        ladder, _, node = found
    level = reader.text(node, what)
    if level is None:
        return None
    reader.places.setdefault(f"level:{ladder}:{level}", node.at)
    return ladder, level


def _term(reader: Reader, node: Node, what: str, *, sets: bool = False) -> Term | None:
    if not isinstance(node, Leaf) or (node.plain and node.value is None):
        reader.wrong(node.at, f"{what} needs a value", "write an attribute or a value")
        return None
    found = _REFERENCE.match(node.text)
    if found is None:
        value = node.value
        if isinstance(value, str) and value.split(".")[0] in (*_KNOWN, "row") and "." in value:
            reader.wrong(node.at, f"`{shown(value)}` is not an attribute", "check its spelling")
            return None
        return None if value is None else Literally(value)
    space, name = found.groups()
    if space in _KNOWN and name not in _KNOWN[space]:
        hint = did_you_mean(name, _KNOWN[space])
        reader.wrong(node.at, f"`{space}` has no attribute `{shown(name)}`", hint)
        return None
    if space == "subject" and name in SET_ATTRIBUTES and not sets:
        hint = f"write `in: [x, subject.{name}]`"
        reader.wrong(node.at, f"`subject.{name}` is a set and cannot be compared", hint)
        return None
    if space == "row":
        reader.places.setdefault(f"row:{name}", node.at)
    return Attribute(_SPACES[space], name)


_SPACES: dict[str, Space] = {
    "subject": "subject", "resource": "resource", "context": "context", "row": "row"
}  # fmt: skip


def _pair(reader: Reader, node: Node, word: str, what: str) -> tuple[Node, Node] | None:
    if isinstance(node, Row) and len(node.items) == 2:
        return node.items[0], node.items[1]
    reader.wrong(node.at, f"`{word}` in {what} needs two things", f"write `{word}: [..., ...]`")
    return None


def _compares(reader: Reader, word: str, node: Node, what: str) -> Condition:
    pair = _pair(reader, node, word, what)
    if pair is None:
        return UNKNOWN
    left, right = _term(reader, pair[0], what), _term(reader, pair[1], what)
    if left is None or right is None:
        return UNKNOWN
    if _space(right) == "row" and _space(left) != "row" and word in ("eq", "ne"):
        left, right = right, left
    spaces = (_space(left), _space(right))
    if "row" in spaces:
        if spaces[0] != "row" or spaces[1] not in ("subject", "", "resource"):
            hint = "put `row.` first; compare it with an attribute of the subject or a value"
            reader.wrong(node.at, "a row cannot be compared with this", hint)
            return UNKNOWN
    elif word in _ORDERS:
        hint = "write `eq`, `in`, `clearance` or `region_within`"
        reader.wrong(node.at, f"`{word}` is for fields of a row", hint)
        return UNKNOWN
    elif spaces == ("", ""):
        reader.wrong(node.at, "two values are compared", "name an attribute, e.g. `subject.app`")
        return UNKNOWN
    op: RowOp = next(held for held in get_args(RowOp) if held == word)
    if right == Attribute("resource", "owned"):
        left, right = right, left
    if left == Attribute("resource", "owned") and not isinstance(right, Literally):
        reader.wrong(node.at, "`resource.owned` is true or false", "write it alone")
        return UNKNOWN
    return Compares(op, left, right)


def _space(term: Term) -> str:
    return term.space if isinstance(term, Attribute) else ""


def _one_of(reader: Reader, node: Node, what: str) -> Condition:
    pair = _pair(reader, node, "in", what)
    if pair is None:
        return UNKNOWN
    left = _term(reader, pair[0], what)
    if left is None:
        return UNKNOWN
    if isinstance(pair[1], Row):
        terms = [_term(reader, item, what) for item in pair[1].items]
        values = tuple(term.value for term in terms if isinstance(term, Literally))
        if values and len(values) == len(terms):
            return OneOf(left, values)
        if None not in terms:
            reader.wrong(pair[1].at, "`in` needs a list of values", "write `[one, two]`")
        return UNKNOWN
    right = _term(reader, pair[1], what, sets=True)
    if isinstance(right, Attribute) and right.space == "subject" and right.name in SET_ATTRIBUTES:
        return OneOf(left, right)
    if right is not None:
        known = ", ".join(f"`subject.{name}`" for name in SET_ATTRIBUTES)
        reader.wrong(pair[1].at, "`in` needs a list or a set", f"write `[one, two]` or {known}")
    return UNKNOWN


def _region(reader: Reader, node: Node, what: str) -> Condition:
    pair = _pair(reader, node, "region_within", what)
    if pair is None:
        return UNKNOWN
    inner, outer = _term(reader, pair[0], what), _term(reader, pair[1], what)
    if inner is None or outer is None:
        return UNKNOWN
    outer = Literally(str(outer.value)) if isinstance(outer, Literally) else outer
    if isinstance(pair[1], Leaf) and isinstance(outer, Literally):
        outer = Literally(pair[1].text)  # a region code is a text, whatever it looks like
    if _space(inner) not in ("row", "subject") or _space(outer) not in ("subject", ""):
        hint = 'write `[row.region, subject.region]` or `[subject.region, "3301"]`'
        reader.wrong(node.at, "regions are compared the other way round", hint)
        return UNKNOWN
    return RegionWithin(inner, outer)


def _younger(reader: Reader, node: Node, what: str) -> Condition:
    pair = _pair(reader, node, "younger_than", what)
    if pair is None:
        return UNKNOWN
    term = _term(reader, pair[0], what)
    years = pair[1].value if isinstance(pair[1], Leaf) else None
    whole = isinstance(years, int) and not isinstance(years, bool) and 0 < years <= OLDEST
    if isinstance(term, Attribute) and term.space == "row" and whole and isinstance(years, int):
        return YoungerThan(term, years)
    if term is not None:
        hint = "write `younger_than: [row.birthDate, 14]`"
        reader.wrong(node.at, f"`younger_than` in {what} needs a date of the row and years", hint)
    return UNKNOWN

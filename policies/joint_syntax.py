"""How combinations and mosaics are written; problems with ``file:line:column`` and a mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from policies.condition import Attribute, Condition, every, leaves_of, opposite, terms_of
from policies.condition_syntax import read_condition, read_level
from policies.joint import Combination, Joint, Mosaic, Part
from policies.naming import ELEMENT, read_name, read_version
from policies.obligation import QuotaHolder
from policies.positions import Block, Node, Row, shown
from policies.reading import Reader, Way
from policies.subject_syntax import read_subjects
from policies.window import SECONDS

_MOST_PARTS = 64


def is_joint(tree: Node) -> bool:
    """Whether a document is a combination or a mosaic."""
    return isinstance(tree, Block) and bool(KINDS.keys() & tree.entries.keys())


def read_joint(reader: Reader, tree: Block) -> Joint | None:
    """One combination or mosaic; its problems are in the reader's report."""
    known = len(reader.report.problems)
    kind = "mosaic" if "mosaic" in tree.entries else "combination"
    reader.places = {key: at for key, (at, _) in tree.entries.items()}
    found = reader.keys(tree, KINDS[kind], f"a {kind}")
    for key in (kind, *_NEEDED[kind]):
        if key not in tree.entries:
            reader.wrong(tree.at, f"the {kind} has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    when = every(*found.get("subjects", ()), found.get("when", every()))
    if "unless" in found:
        when = every(when, opposite(found["unless"]))
    parts = _parts(found) if kind == "mosaic" else found["of"]
    made: dict[str, Any] = {
        "name": found[kind],
        "version": found.get("version", 1),
        "owner": found.get("owner", ""),
        "about": found.get("about", {}),
        "parts": tuple(sorted(parts, key=lambda part: part.name)),
        "when": when,
        "path": reader.report.path,
        "places": reader.places,
    }
    rule: Joint
    if kind == "mosaic":
        per_s, by = found.get("within"), found.get("by", "app")
        rule = Mosaic(**made, most=found["most"], per_s=per_s, by=by)
    else:
        rule = Combination(**made, raises=found["raises"])
    _check_whole(reader, rule, tree)
    return rule


def _parts(found: Mapping[str, Any]) -> list[Part]:
    fields = [Part(fields=frozenset({name})) for name in found.get("fields", ())]
    kinds = [Part(categories=frozenset({name})) for name in found.get("categories", ())]
    return fields + kinds


def _check_whole(reader: Reader, rule: Joint, tree: Block) -> None:
    at = rule.place("of", "fields", "categories", "mosaic", "combination")
    if not 2 <= len(rule.parts) <= _MOST_PARTS:
        hint = f"name from 2 to {_MOST_PARTS} different parts"
        reader.wrong(at, "the set has too few parts, or too many", hint)
    elif isinstance(rule, Mosaic) and rule.most >= len(rule.parts):
        hint = f"write a number below {len(rule.parts)}, how many parts the set has"
        reader.wrong(rule.place("most"), "the mosaic never refuses anything", hint)
    if isinstance(rule, Mosaic) and rule.per_s is None and "by" in tree.entries:
        hint = "add `within: day`, or delete `by`"
        reader.wrong(rule.place("by"), "`by` without `within`", hint)


def _fields(reader: Reader, node: Node, what: str) -> tuple[str, ...] | None:
    words = reader.texts(node, what)
    items = node.items if isinstance(node, Row) else [node]
    for word, item in zip(words or (), items, strict=False):
        reader.places.setdefault(f"fields:{word}", item.at)
        if not ELEMENT.match(word) or word.endswith("*"):
            hint = "name each field: `Type.field`; kinds of data stand in `categories`"
            reader.wrong(item.at, f"`{shown(word)}` is not a field", hint)
    return words


def _categories(reader: Reader, node: Node, what: str) -> tuple[str, ...] | None:
    words = reader.texts(node, what)
    items = node.items if isinstance(node, Row) else [node]
    for word, item in zip(words or (), items, strict=False):
        reader.places.setdefault(f"categories:{word}", item.at)
    return words


def _of(reader: Reader, node: Node, what: str) -> tuple[Part, ...] | None:
    if not isinstance(node, Row):
        hint = "write `- {fields: [...]}` and `- {categories: [...]}`, one line for each part"
        reader.wrong(node.at, f"{what} is not a list", hint)
        return None
    parts: list[Part] = []
    for item in node.items:
        held = reader.keys(item, {"fields": _fields, "categories": _categories}, "a part")
        part = Part(frozenset(held.get("fields", ())), frozenset(held.get("categories", ())))
        if isinstance(item, Block) and not item.entries:
            reader.wrong(item.at, "the part is empty", "add `fields` or `categories`")
        parts.append(part)
    return tuple(parts)


def _condition(reader: Reader, node: Node, what: str) -> Condition | None:
    """A condition on caller and circumstances: several fields have no one row, nor one owner."""
    found = read_condition(reader, node, what)
    if found is None:
        return None
    for leaf in leaves_of(found):
        for term in terms_of(leaf):
            if isinstance(term, Attribute) and term.space in ("row", "resource"):
                message = f"{what} speaks of `{term.space}.{term.name}`"
                hint = "only subject, context, purpose, clearance and grants can be spoken of here"
                reader.wrong(node.at, message, hint)
                return None
    return found


_ALL_KEYS: dict[str, Way] = {
    "version": read_version,
    "owner": Reader.text,
    "about": Reader.by_language,
    "subjects": read_subjects,
    "when": _condition,
    "unless": _condition,
}
MOSAIC_KEYS: dict[str, Way] = {
    "mosaic": read_name,
    "fields": _fields,
    "categories": _categories,
    "most": lambda reader, node, what: reader.whole(node, what, least=1),
    "within": lambda reader, node, what: (
        None if (word := reader.choice(node, what, SECONDS)) is None else SECONDS[word]
    ),
    "by": lambda reader, node, what: reader.choice(node, what, get_args(QuotaHolder)),
    **_ALL_KEYS,
}
COMBINATION_KEYS: dict[str, Way] = {
    "combination": read_name,
    "of": _of,
    "raises": read_level,
    **_ALL_KEYS,
}
PART_KEYS = ("fields", "categories")
KINDS: dict[str, dict[str, Way]] = {"mosaic": MOSAIC_KEYS, "combination": COMBINATION_KEYS}
_NEEDED = {"mosaic": ("most",), "combination": ("of", "raises")}

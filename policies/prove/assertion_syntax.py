"""YAML assertions to values with positions; errors as for bundles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from policies.condition import (
    TRUE,
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    OneOf,
    Present,
    every,
)
from policies.condition import opposite as negated
from policies.condition_syntax import read_condition, read_level
from policies.outcome_syntax import read_outcome
from policies.positions import Block, Leaf, Node, Row, parse, shown
from policies.prove.assertion import BUILT_IN, Assertion, Part, Reading, Sort
from policies.reading import Reader, Way
from policies.rule import Rule, Selector
from policies.ruling import Masked
from policies.subject_syntax import SUBJECT_KEYS
from policies.syntax import RESOURCE_KEYS

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}\Z")
_OWNED = Attribute("resource", "owned")
_SORTS: Mapping[str, Sort] = {word: word for word in get_args(Sort)}
STATEMENTS = ("nobody", "readers", "permits", "shows_at_most", "nobody_both")


def read_assertions(text: str, path: str) -> tuple[Assertion, ...]:
    """The assertions of one YAML text. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    reader = Reader(path)
    found: dict[str, Assertion] = {}
    for tree in parse(text, reader.report):
        if isinstance(tree, Leaf) and tree.empty:
            continue
        assertion = _assertion(reader, tree)
        if assertion is None:
            continue
        if assertion.name in found:
            line = found[assertion.name].place.line
            message = f"two assertions are named `{assertion.name}`"
            reader.wrong(assertion.place, message, f"the first stands in line {line}; rename one")
        found[assertion.name] = assertion
    reader.report.raise_any()
    return tuple(found.values())


def _assertion(reader: Reader, tree: Node) -> Assertion | None:
    known = len(reader.report.problems)
    if not isinstance(tree, Block):
        reader.wrong(tree.at, "an assertion is not a mapping", "begin with `assert: some-name`")
        return None
    reader.places = {key: at for key, (at, _) in tree.entries.items()}
    found = reader.keys(tree, ASSERTION_KEYS, "an assertion")
    if "assert" not in tree.entries:
        reader.wrong(tree.at, "the assertion has no name", "begin with `assert: some-name`")
    if len(reader.report.problems) > known:
        return None
    name = found["assert"]
    sort = _sort(reader, tree, name)
    if sort is None:
        return None
    _check_keys(reader, tree, sort)
    if len(reader.report.problems) > known:
        return None
    parts: tuple[Part, ...] = found.get("nobody_both", ())
    if "of" in found:
        parts = (Part(found.get("reads", "raw"), found["of"]),)
    who = found.get(sort, TRUE) if sort in ("nobody", "readers", "permits") else TRUE
    assume = found.get("assume", TRUE)
    mask = found.get("shows_at_most")
    at = tree.entries["assert"][0]
    rules = tuple(
        Rule(
            name=name if name not in BUILT_IN else "built-in",
            version=1,
            effect="forbid",
            selector=part.of,
            modes=frozenset({"project"}),
            when=every(who, assume),
            outcome=mask,
            path=reader.report.path,
            places={"policy": at, **reader.places},
        )
        for part in parts or (Part("raw", Selector()),)
    )
    return Assertion(
        name=name,
        about=found.get("about", {}),
        sort=sort,
        who=who,
        parts=parts,
        mask=mask,
        assume=assume,
        rules=rules,
        path=reader.report.path,
        place=at,
    )


def _sort(reader: Reader, tree: Block, name: str) -> Sort | None:
    stated = [key for key in STATEMENTS if key in tree.entries]
    if name in BUILT_IN:
        for key in stated:
            reader.wrong(reader.places[key], f"`{name}` has no `{key}`", "delete the key")
        return None if stated else _SORTS[name]
    if len(stated) == 1:
        return _SORTS[stated[0]]
    words = ", ".join(f"`{key}`" for key in STATEMENTS)
    builtin = ", ".join(f"`assert: {word}`" for word in BUILT_IN)
    message = "the assertion states nothing" if not stated else "the assertion states two things"
    reader.wrong(tree.at, message, f"write one of {words}, or {builtin}")
    return None


def _check_keys(reader: Reader, tree: Block, sort: Sort) -> None:
    needs_of = sort in ("nobody", "readers", "permits", "shows_at_most")
    if needs_of and "of" not in tree.entries:
        hint = 'say of what: `of: {fields: [...]}`, or `of: {types: ["*"]}`'
        reader.wrong(tree.at, "the assertion has no `of`", hint)
    unfit = {"reads": sort in ("nobody", "readers"), "of": needs_of, "assume": sort not in BUILT_IN}
    for key, fits in unfit.items():
        if key in tree.entries and not fits:
            message = f"`{key}` does not go with `{sort}`"
            reader.wrong(reader.places[key], message, "delete the key")


def _name(reader: Reader, node: Node, what: str) -> str | None:
    text = reader.text(node, what)
    if text is not None and text not in BUILT_IN and not _NAME.match(text):
        hint = "use small letters, digits, `-`, `_` and `.`; built in are " + ", ".join(
            f"`{word}`" for word in BUILT_IN
        )
        reader.wrong(node.at, f"`{shown(text)}` cannot name an assertion", hint)
        return None
    return text


def _who(reader: Reader, node: Node, what: str) -> Condition | None:
    if isinstance(node, Leaf):
        if node.text in ("at all", "owner"):
            return TRUE if node.text == "at all" else _owner()
        hint = "write `at all`, `owner`, or whom: `{role: clerk}`"
        reader.wrong(node.at, f"{what} cannot be `{shown(node.text)}`", hint)
        return None
    return every(*reader.keys(node, WHO_KEYS, what).values())


def _owner() -> Condition:
    return Compares("eq", _OWNED, Literally(True))


def _below(reader: Reader, node: Node, what: str) -> Condition | None:
    level = read_level(reader, node, what)
    return None if level is None else negated(Cleared(*level))


def _outside(reader: Reader, node: Node, what: str) -> Condition | None:
    names = reader.texts(node, what)
    return None if names is None else negated(OneOf(Attribute("subject", "department"), names))


def _states(reader: Reader, node: Node, what: str) -> Condition | None:
    word = reader.choice(node, what, ("purpose", "case_id"))
    return None if word is None else Present(Attribute("context", word))


def _reads(reader: Reader, node: Node, what: str) -> str | None:
    return reader.choice(node, what, get_args(Reading))


def _of(reader: Reader, node: Node, what: str) -> Selector | None:
    reader.places.pop("at_most", None)
    found = reader.keys(node, RESOURCE_KEYS, what)
    if "at_most" in reader.places:
        hint = "raising a label would take the field out; write `at_least`"
        reader.wrong(reader.places["at_most"], "an assertion cannot say `at_most`", hint)
        return None
    if not found:
        return None
    return Selector(
        types=frozenset(found.get("types", ())),
        fields=frozenset(found.get("fields", ())),
        categories=frozenset(found.get("categories", ())),
        level=found.get("level"),
        share=found.get("share"),
        owners=frozenset(found.get("owner", ())),
    )


def _mask(reader: Reader, node: Node, what: str) -> Masked | None:
    outcome = read_outcome(reader, node, what)
    if outcome is not None and not isinstance(outcome, Masked):
        reader.wrong(node.at, f"{what} is not a mask", "write `{mask: {partial: {keep_last: 4}}}`")
        return None
    return outcome


def _both(reader: Reader, node: Node, what: str) -> tuple[Part, ...] | None:
    items = node.items if isinstance(node, Row) else []
    if len(items) < 2:
        hint = "list two: `- {reads: raw, of: {fields: [...]}}`"
        reader.wrong(node.at, f"{what} does not list two things", hint)
        return None
    parts = []
    for item in items:
        found = reader.keys(item, PART_KEYS, f"an item of {what}")
        if "of" not in found:
            reader.wrong(item.at, f"an item of {what} has no `of`", "add `of: {...}`")
            continue
        parts.append(Part(found.get("reads", "raw"), found["of"]))
    return tuple(parts)


WHO_KEYS: dict[str, Way] = {
    **SUBJECT_KEYS, "below": _below, "outside": _outside, "states": _states, "when": read_condition
}  # fmt: skip
PART_KEYS: dict[str, Way] = {"reads": _reads, "of": _of}
ASSERTION_KEYS: Mapping[str, Way] = {
    "assert": _name,
    "about": Reader.by_language,
    "nobody": _who,
    "readers": _who,
    "permits": _who,
    "shows_at_most": _mask,
    "nobody_both": _both,
    "reads": _reads,
    "of": _of,
    "assume": read_condition,
}

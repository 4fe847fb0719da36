"""One department's declaration, read and checked: YAML text to a `Fragment`."""

from __future__ import annotations

from typing import NoReturn

from schema.compose.entity import read_types
from schema.compose.own_codes import read_codes
from schema.compose.part import Fragment
from schema.compose.positions import (
    MAX_CHARACTERS,
    Block,
    Leaf,
    Node,
    Place,
    YamlProblem,
    parse,
    place_of_offset,
)
from schema.compose.relation import read_relations
from schema.compose.source import read_source
from schema.compose.words import Way, Words
from schema.errors import HubError, ManyErrors

__all__ = ["Fragment", "read_fragment", "read_fragment_bytes"]


def read_fragment_bytes(data: bytes, path: str) -> Fragment:
    """Read a fragment from a file's bytes. Raises: `ManyErrors`, each with file:line:column."""
    if len(data) > 4 * MAX_CHARACTERS:
        hint = "split it into one file for each source"
        _refuse(path, Place(1, 1), f"the file has more than {MAX_CHARACTERS} characters", hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode()
        _refuse(
            path,
            place_of_offset(before, len(before)),
            "the file is not UTF-8",
            "save it again as UTF-8; an editor may have saved it as GBK or UTF-16",
        )
    return read_fragment(text, path)


def read_fragment(text: str, path: str) -> Fragment:
    """Read a fragment. Raises: `ManyErrors` with every problem, each with file:line:column."""
    try:
        root = parse(text)
    except YamlProblem as problem:
        _refuse(path, problem.at, problem.message, problem.hint)
    if root is None or (isinstance(root, Leaf) and root.empty):
        _refuse(path, Place(1, 1), "the fragment is empty", "begin with `hub: 1` and `source:`")
    if not isinstance(root, Block):
        hint = "begin with `hub: 1` and `source:`"
        _refuse(path, root.at, "the fragment is not a mapping", hint)
    words = Words(path)
    values = words.keys(root, ROOT_KEYS, "the fragment")
    if words.absent(root, "hub"):
        words.wrong(root.at, "the fragment does not say its format", "begin with `hub: 1`")
    if words.absent(root, "source"):
        words.wrong(root.at, "the fragment has no `source`", "add `source: {name: ..., ...}`")
    words.report.raise_any()
    return Fragment(
        path=path,
        source=values["source"],
        source_at=root.entries["source"][0],
        types=values.get("types", ()),
        relations=values.get("relations", ()),
        codes=values.get("codes", ()),
    )


def _refuse(path: str, at: Place, message: str, hint: str) -> NoReturn:
    problem = HubError("FRAGMENT_INVALID", message, where=at.in_file(path), hint=hint)
    raise ManyErrors("FRAGMENT_INVALID", [problem]) from None


def _format(words: Words, node: Node, what: str) -> bool | None:
    if isinstance(node, Leaf) and node.text == "1":
        return True
    words.wrong(node.at, f"{what} is not a known format", "write `hub: 1`")
    return None


ROOT_KEYS: dict[str, tuple[str, Way]] = {
    "hub": ("hub", _format),
    "source": ("source", read_source),
    "codes": ("codes", read_codes),
    "types": ("types", read_types),
    "relations": ("relations", read_relations),
}

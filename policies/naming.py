"""Names as bundles and grants write them: of rules, and of elements of the catalogue."""

from __future__ import annotations

import re

from policies.positions import Node, shown
from policies.reading import Reader

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}\Z")
ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.(\*|[A-Za-z][A-Za-z0-9_]*)\Z")


def read_name(reader: Reader, node: Node, what: str) -> str | None:
    """A name of small letters, digits, `-`, `_` and `.`."""
    text = reader.text(node, what)
    if text is not None and not _NAME.match(text):
        hint = "use small letters, digits, `-`, `_` and `.`, at most 80"
        reader.wrong(node.at, f"`{shown(text)}` cannot be a name", hint)
        return None
    return text


def read_version(reader: Reader, node: Node, what: str) -> int | None:
    """A rule's version, from 1."""
    return reader.whole(node, what, least=1)

"""Secrets in fragments: only by reference, never in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schema.compose.positions import Block, Leaf, Node, Place, Row, scalar

_PART = r"(?!\.{1,2}[/#])[^{}$#?\s/]+"
_REFERENCE = re.compile(
    r"\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^{}$]+"
    rf"|vault:{_PART}(/{_PART})+#[^{{}}$#\s]+)\}}"
)
_SECRET_KEY = re.compile(
    r"(^|_)(passwords?|passwd|pwd|secrets?|(?<!page_)(?<!next_)token|api_?key|private_?key|access_?key|credentials?"
    r"|authorization|passphrase|cookie)\Z"
)
_IN_URL = re.compile(r"://[^/@\s:]*:(?P<value>[^@\s]+)@")
_IN_TEXT = re.compile(
    r"(?i)(?:^|[?&;\s])(?:password|passwd|pwd|secret|token|access_token|api_?key)\s*="
    r"\s*(?P<value>[^&;\s]+)"
)
_MEND = "write a reference: `${env:NAME}`, `${file:/path/to/secret}` or `${vault:MOUNT/PATH#KEY}`"


def problems(node: Node, key: str = "") -> Iterator[tuple[Place, str, str]]:
    """(place, message, hint) for every secret in clear and every malformed reference."""
    match node:
        case Block():
            for name, (_, value) in node.entries.items():
                yield from problems(value, name)
        case Row():
            for item in node.items:
                yield from problems(item, key)
        case Leaf():
            yield from _leaf_problems(node, key)


def _leaf_problems(leaf: Leaf, key: str) -> Iterator[tuple[Place, str, str]]:
    value = scalar(leaf)
    if value is None or isinstance(value, bool):
        return
    text = leaf.text
    if "${" in _REFERENCE.sub("", text):
        yield leaf.at, "a `${...}` reference is not understood", _MEND
        return
    if _SECRET_KEY.search(_snake(key)) and not _REFERENCE.search(text):
        yield leaf.at, "a secret is written in clear", _MEND
        return
    for pattern in (_IN_URL, _IN_TEXT):
        found = pattern.search(text)
        if found is not None and not _REFERENCE.search(found["value"]):
            yield leaf.at, "a secret is written in clear inside a text", _MEND
            return


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower().replace("-", "_")

"""Writing YAML that any editor reads back to the same values, one line for each value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def text(value: str) -> str:
    """A text, quoted where YAML would read it otherwise."""
    if _PLAIN.match(value) and value.lower() not in _NOT_TEXT:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(char) for char in quoted)


def flow(value: Any) -> str:
    """Any value in one line."""
    match value:
        case Mapping():
            items = (f"{text(str(key))}: {flow(item)}" for key, item in value.items())
            return f"{{{', '.join(items)}}}"
        case str():
            return text(value)
        case Sequence():
            return f"[{', '.join(flow(item) for item in value)}]"
        case _:
            return json.dumps(value)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

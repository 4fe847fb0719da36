"""Comparing an answer with what a persona should see. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_STEP = re.compile(r"([A-Za-z_0-9]+)(\[\*\])?")


def values_at(data: Any, path: str) -> list[Any]:
    """Every value at a path like ``persons.nodes[*].name``; nothing below a null."""
    held = [data]
    for step in path.split("."):
        match = _STEP.fullmatch(step)
        if match is None:
            raise ValueError(f"not a path: {path}")
        name, many = match.groups()
        found = [value.get(name) for value in held if isinstance(value, Mapping)]
        if many:
            found = [item for value in found if isinstance(value, list) for item in value]
        held = found
    return held


def problems(answer: Mapping[str, Any], expect: Mapping[str, Any]) -> list[str]:
    """What differs from the expectation; empty when nothing does."""
    found = _codes(answer, expect.get("errors") or [])
    for check in expect.get("checks") or []:
        found += _check(answer.get("data"), check)
    return found


def _codes(answer: Mapping[str, Any], wanted: Sequence[str]) -> list[str]:
    errors = answer.get("errors") or []
    codes = {str(e.get("extensions", {}).get("code")) for e in errors if isinstance(e, Mapping)}
    if codes == set(wanted):
        return []
    return [f"error codes {sorted(codes)} instead of {sorted(wanted)}"]


def _check(data: Any, check: Mapping[str, Any]) -> list[str]:
    path = str(check["path"])
    values = values_at(data, path)
    shown = [value for value in values if value is not None]
    found = []
    for word, wanted in check.items():
        match word:
            case "path":
                continue
            case "matches":
                bad = [v for v in shown if not re.fullmatch(str(wanted), str(v))]
            case "starts_with":
                bad = [v for v in shown if not str(v).startswith(str(wanted))]
            case "equals":
                bad = [v for v in values if v != wanted]
            case "null":
                bad = [v for v in values if (v is None) != bool(wanted)]
            case "count":
                bad = [] if len(values) == wanted else [len(values)]
            case "min_count":
                bad = [] if len(shown) >= wanted else [len(shown)]
            case "at_least":
                bad = [v for v in values if not isinstance(v, int | float) or v < wanted]
            case _:
                raise ValueError(f"not a check: {word}")
        if bad:
            found.append(f"{path}: {len(bad)} of {len(values)} not `{word}: {wanted}`")
    return found

"""Digests as expressions of DuckDB's SQL, as `connectors.kit.blind` says."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.files.kinds import Reading, shown
from connectors.files.statement import NotExactError
from connectors.kit.blind import LENGTH
from schema.model.scalar import ScalarKind

_WRITTEN = frozenset(
    {"ID", "String", "Int", "BigInt", "Boolean", "Date", "Time", "LocalDateTime", "DateTime"}
)
"""Kinds whose typed expression DuckDB writes as their canonical text."""


def digest(salt: str, parts: Sequence[tuple[ScalarKind, Reading, str]]) -> str:
    """The digest of raw columns, each with its kind and reading; raises `NotExactError`."""
    told = [f"CAST({salt} AS VARCHAR)"]
    for kind, held, raw in parts:
        if kind not in _WRITTEN or not held.exact or held.text is not None:
            raise NotExactError
        text = f"CAST({shown(kind, held.typed.format(raw))} AS VARCHAR)"
        told.append(f"coalesce(CAST(length({text}) AS VARCHAR) || ':' || {text}, '-')")
    return f"left(sha256({' || '.join(told)}), {LENGTH})"

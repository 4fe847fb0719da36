"""Masks that show nothing of a value: redact, a constant text, null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from policies.masks.partial import FILL
from schema.model.scalar import TEXTUAL, ScalarKind


class Redact:
    """Fixed text for texts, null for every other kind (told by the param ``kind``)."""

    name = "redact"

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:  # noqa: ARG002 - protocol
        """The same kind."""
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:
        """Hide a column; without a known kind all is null."""
        shown = FILL if params.get("kind") in TEXTUAL else None
        return [None if value is None else shown for value in column]


class Constant:
    """The text ``value`` for every value that is not null."""

    name = "constant"

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        """The same kind; raises ``ValueError`` for kinds that are no text."""
        if kind not in TEXTUAL:
            raise ValueError(f"it would give text for a {kind}")
        if not isinstance(params.get("value"), str):
            raise ValueError("`value` is a text")
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:
        """Replace a column's values."""
        shown = params.get("value")
        return [None if value is None else shown for value in column]


class Nothing:
    """Null for every value."""

    name = "null"

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:  # noqa: ARG002 - protocol
        """The same kind."""
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:  # noqa: ARG002 - protocol
        """A column of nulls."""
        return [None] * len(column)

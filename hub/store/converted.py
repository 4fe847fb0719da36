"""Rows of a result as values."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

Row = TypeVar("Row", bound=msgspec.Struct)


def converted(found: sa.CursorResult[Any] | sa.Result[Any], kind: type[Row]) -> tuple[Row, ...]:
    """Each row as a value with its columns' names. Raises: `msgspec.ValidationError`."""
    names = [str(name) for name in found.keys()]  # noqa: SIM118  # a result, no mapping
    return tuple(msgspec.convert(dict(zip(names, row, strict=True)), kind) for row in found)

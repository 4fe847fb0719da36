"""Raw rows to canonical Batches, a column at a time with a quick path for ordinary values."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connectors.spi import Batch, Column
from schema.errors import SourceError
from schema.model.scalar import canonical

Values = Sequence[Any]
Quick = Callable[[list[Any]], list[Any] | None]

_PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?\Z")


def columns_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Batch:
    """A Batch of canonical values from rows of raw values; a missing value is null.

    Raises: `SourceError` SOURCE_BAD_DATA, without the value.
    """
    made = {
        column.name: conform([row.get(column.name) for row in rows], column) for column in columns
    }
    return Batch(made, len(rows))


def conform(values: Values, column: Column) -> list[Any]:
    """One column of raw values in canonical form, codes converted.

    Raises: `SourceError` SOURCE_BAD_DATA, without the value.
    Cost: a few C-level passes for ordinary values, a call per value otherwise.
    """
    held = list(values)
    if column.values:
        codes = dict(column.values)
        held = [None if v is None else codes.get(code_text(v), v) for v in held]
    try:
        quick = _QUICK.get(column.kind)
        done = quick(held) if quick is not None else None
        return done if done is not None else [canonical(column.kind, v) for v in held]
    except ValueError:
        raise SourceError(
            "SOURCE_BAD_DATA",
            f"column `{column.name}` holds what is no {column.kind}",
            hint="compare the source's values with the type in the fragment",
        ) from None


def code_text(value: Any) -> str:
    """How a raw value is written in a fragment's code conversion."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _types(values: Iterable[Any]) -> set[type]:
    return set(map(type, values)) - {type(None)}


def _text(values: list[Any]) -> list[Any] | None:
    if _types(values) - {str}:
        return None
    whole = "\0".join([v for v in values if v is not None])
    if whole.isascii() or unicodedata.is_normalized("NFC", whole):
        return values
    return None


def _int(values: list[Any]) -> list[Any] | None:
    if _types(values) - {int}:
        return None
    present = [v for v in values if v is not None]
    if not present or (max(present) < 2**31 and min(present) >= -(2**31)):
        return values
    raise ValueError


def _big(values: list[Any]) -> list[Any] | None:
    if _types(values) - {int}:
        return None
    present = [v for v in values if v is not None]
    if not present or (max(present) < 2**63 and min(present) >= -(2**63)):
        return [None if v is None else str(v) for v in values]
    raise ValueError


def _float(values: list[Any]) -> list[Any] | None:
    if _types(values) - {float}:
        return None
    if all(map(math.isfinite, [v for v in values if v is not None])):
        return values
    raise ValueError


def _boolean(values: list[Any]) -> list[Any] | None:
    return values if not _types(values) - {bool} else None


def _decimal(values: list[Any]) -> list[Any] | None:
    if _types(values) - {str}:
        return None
    plain = _PLAIN_DECIMAL.match
    return values if all(plain(v) for v in values if v is not None) else None


def _json(values: list[Any]) -> list[Any] | None:
    return values


_QUICK: Mapping[str, Quick] = {
    "ID": _text,
    "String": _text,
    "Int": _int,
    "BigInt": _big,
    "Float": _float,
    "Boolean": _boolean,
    "Decimal": _decimal,
    "JSON": _json,
}

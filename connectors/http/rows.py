"""Values of JSON in canonical form, and batches of them cut and put together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.kit.local import key_turn, pick
from connectors.kit.rows import conform
from connectors.spi import Batch, Column
from schema.errors import SourceError

_NUMBERS = frozenset({"Decimal", "Float", "Int", "BigInt"})


def bad(message: str = "the source sent bad data", hint: str | None = None) -> SourceError:
    """The source is there, but what it sends cannot be used."""
    return SourceError("SOURCE_BAD_DATA", message, hint=hint)


def values_of(held: Sequence[Any], column: Column) -> list[Any]:
    """One column of JSON values, fractions as `Decimal`, in canonical form."""
    values = list(held)
    if column.kind not in _NUMBERS:
        values = [_plain(value) for value in values]
    elif column.values:
        values = [_whole(value) for value in values]
    return conform(values, column)


def _whole(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _plain(value: Any, depth: int = 0) -> Any:
    """Numbers as JSON has them, wherever no exact number is wanted."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one, depth + 1) for name, one in value.items()}
    return value


def of_keys(batch: Batch, columns: Sequence[Column], wanted: frozenset[tuple[Any, ...]]) -> Batch:
    """The rows whose key is wanted, as `key_turn` has it."""
    turn = key_turn([column.kind for column in columns])
    held = zip(*(batch.columns[column.name] for column in columns), strict=True)
    kept = [row for row, key in enumerate(held) if None not in key and turn(key) in wanted]
    return batch if len(kept) == batch.rows else pick(batch, kept, batch.columns)


def joined(columns: Sequence[Column], batches: Sequence[Batch]) -> Batch:
    """Batches of the same columns as one."""
    if len(batches) == 1:
        return batches[0]
    made = {c.name: [v for batch in batches for v in batch.columns[c.name]] for c in columns}
    return Batch(made, sum(batch.rows for batch in batches))

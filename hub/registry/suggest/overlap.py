"""Relations where a source declares none: columns whose sampled values are another table's keys."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from connectors.spi import Ask, Call, Column, Connector, ForeignKey, ShapeTable, SourceShape
from hub.registry.naming import POINTERS, words_of
from hub.registry.suggest.sample import Samples
from schema.compose.english import singular
from schema.errors import HubError
from schema.model.scalar import TEXTUAL

log = structlog.get_logger("hub.sources")

TRIED = 200
"""Pairs of columns that are looked at."""
SECONDS = 30.0
LOOKED_UP = 50
"""Values of a pair that are looked up."""
FEW = 5
"""Different values below which a pair says nothing."""
_MANY, _LONG = 20, 6
"""Different values, and characters of each, from which texts say enough without a name."""


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that nobody has declared; no value of it stands here."""

    table: str
    key: ForeignKey
    found: int
    """How many different sampled values were looked up; all are keys of the other table."""


async def overlaps(
    connector: Connector, shape: SourceShape, samples: Samples
) -> tuple[Overlap, ...]:
    """References by name and value; a table that cannot be read by key is passed over."""
    until = time.monotonic() + SECONDS
    found: dict[tuple[str, str], Overlap] = {}
    for number, (table, column, target, key) in enumerate(_candidates(shape, samples)):
        if number >= TRIED or time.monotonic() >= until:
            break
        if (table.name, column.name) in found:
            continue
        values = _values(samples, table, column)[:LOOKED_UP]
        try:
            held = await _held(connector, target, key, values, until)
        except HubError as error:
            log.info("source.not_sampled", code=error.code)
            continue
        if held == len(values):
            made = ForeignKey(columns=(column.name,), to_table=target.name, to_columns=(key.name,))
            found[table.name, column.name] = Overlap(table=table.name, key=made, found=held)
    return tuple(found.values())


def _candidates(
    shape: SourceShape, samples: Samples
) -> Iterator[tuple[ShapeTable, Column, ShapeTable, Column]]:
    """Pairs worth a look, those with fitting names first."""
    tables = [table for table in shape.tables if not table.elsewhere]
    pairs = [
        (fits, table, column, target, key)
        for target in tables
        for key in _keys(target)
        for table in tables
        for column in _columns(table)
        if table is not target and column.kind == key.kind
        if (fits := _fits(column, target, key)) or _tells(_values(samples, table, column))
        if len(_values(samples, table, column)) >= FEW
    ]
    for _, table, column, target, key in sorted(pairs, key=lambda pair: not pair[0]):
        yield table, column, target, key


def _keys(table: ShapeTable) -> Iterator[Column]:
    kinds = {column.name: column.kind for column in table.columns if not column.elsewhere}
    for key in table.keys:
        if len(key) == 1 and kinds.get(key[0]) in {*TEXTUAL, "Int", "BigInt"}:
            yield Column(key[0], kinds[key[0]])


def _columns(table: ShapeTable) -> Iterator[Column]:
    declared = {name for key in table.foreign_keys for name in key.columns}
    own = {key[0] for key in table.keys[:1] if len(key) == 1}
    for column in table.columns:
        if column.name not in declared | own and not column.elsewhere:
            yield Column(column.name, column.kind)


def _fits(column: Column, target: ShapeTable, key: Column) -> bool:
    """Whether the names say it: ``album_id`` of a table ``albums``, or the key's own name."""
    words = words_of(column.name)
    bare = [word for word in words if word not in POINTERS]
    named = words_of(target.name.rpartition(".")[2])
    if bare and [*named[:-1], singular(named[-1]) if named else ""] == bare:
        return True
    ours = {word for word in words_of(key.name) if word not in POINTERS}
    return column.name == key.name and (bool(ours) or not words)


def _tells(values: Sequence[Any]) -> bool:
    return len(values) >= _MANY and all(
        isinstance(value, str) and len(value) >= _LONG for value in values
    )


def _values(samples: Samples, table: ShapeTable, column: Column) -> list[Any]:
    held: Mapping[str, Sequence[Any]] = samples.get(table.name, {})
    return list(dict.fromkeys(v for v in held.get(column.name, ()) if v is not None))


async def _held(
    connector: Connector, target: ShapeTable, key: Column, values: Sequence[Any], until: float
) -> int:
    """How many of the values are keys of the table."""
    asked = Ask(table=target.name, columns=(key,), key_columns=(key.name,))
    offer = connector.offer(asked)
    if offer.residual is not None:
        return 0
    most, found = connector.capabilities.max_keys, set()
    for start in range(0, len(values), most):
        keys = [(value,) for value in values[start : start + most]]
        async for batch in connector.fetch(offer.handle, Call(keys=keys, deadline=until)):
            found |= set(batch.columns[key.name])
    return len(found & set(values))

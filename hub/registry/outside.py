"""A source's values against the norms of its fields: what its owner has to look at."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from connectors.kit.local import apply
from connectors.spi import Aggregate, Ask, Call, Column, Connector, Measure
from schema.errors import HubError
from schema.model.binding import ColumnBinding
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.names import Coordinate, FieldName, SourceName, coordinate
from schema.model.norm import CodeList, DateText, converted, raw_kind

GROUPS = 200_000
"""Different values of a column that are looked at."""
DEADLINE_S = 60.0
_COUNT = "n"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One value that is outside its field's norm, as the source has it."""

    value: str
    state: str
    rows: int
    to: tuple[str, ...] = ()
    """What a code that is none any more was divided into, or has become."""


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One field's values looked at; `code`: why they could not be."""

    field: Coordinate
    norm: str
    rows: int = 0
    found: tuple[Found, ...] = ()
    code: str | None = None


def normed_fields(
    catalogue: Catalogue, source: SourceName
) -> Iterator[tuple[EntityType, FieldName, ColumnBinding, CodeList | None]]:
    """The fields of a source whose values may be outside a norm."""
    for name, entity in catalogue.types.items():
        held = catalogue.bindings[name].get(source)
        for field, column in () if held is None else held.columns.items():
            codes = entity.fields[field].codes
            norm = None if codes is None else catalogue.lists.get(codes)
            if norm is not None or isinstance(column.convert, DateText):
                yield entity, field, column, norm


async def look(catalogue: Catalogue, source: SourceName, connector: Connector) -> list[Looked]:
    """Every normed field of a source, its values counted. Cost: a grouped scan for each."""
    seen = []
    for entity, field, column, norm in normed_fields(catalogue, source):
        table = catalogue.bindings[entity.name][source].table
        at = coordinate(entity.name, field)
        told = norm.name if norm is not None else f"Date of {column.convert.form}"  # type: ignore[union-attr]
        try:
            counts = await _counts(connector, table, column)
        except HubError as error:
            seen.append(Looked(field=at, norm=told, code=error.code))
            continue
        found = [_judged(value, rows, column, norm) for value, rows in counts.items()]
        odd = sorted((one for one in found if one is not None), key=lambda one: -one.rows)
        seen.append(Looked(field=at, norm=told, rows=sum(counts.values()), found=tuple(odd)))
    return seen


def _judged(value: str, rows: int, column: ColumnBinding, norm: CodeList | None) -> Found | None:
    if norm is None:
        readable = column.convert is None or converted(column.convert, value) is not None
        return None if readable else Found(value=value, state="unread", rows=rows)
    state = "divided" if value in column.divided else norm.state(value)
    if state == "known":
        return None
    to = next((change.to for change in norm.changes if change.code == value), ())
    return Found(value=value, state=state, rows=rows, to=to)


async def _counts(connector: Connector, table: str, column: ColumnBinding) -> dict[str, int]:
    kind = column.kind if column.convert is None else raw_kind(column.convert)
    asked = Column(column.column, kind, tuple(sorted(column.values.items())))
    measures = (Measure(_COUNT, "count"),)
    ask = Ask(
        table=table,
        columns=(),
        known=(asked,),
        aggregate=Aggregate((asked.name,), measures),
        limit=GROUPS,
    )
    offer = connector.offer(ask)
    found: dict[str, int] = {}
    async for batch in connector.fetch(offer.handle, Call(deadline=time.monotonic() + DEADLINE_S)):
        done = batch if offer.residual is None else apply(batch, offer.residual, {})
        for value, rows in zip(done.columns[asked.name], done.columns[_COUNT], strict=True):
            if value is not None:
                found[value] = found.get(value, 0) + rows
    return found

"""The visibility of somebody from whom nothing is hidden: for printing a whole catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.names import Coordinate
from schema.model.scalar import NUMERIC, ORDERED, TEXTUAL
from schema.model.use import AggregateFunction, FieldUse, UseMode
from schema.model.visible import Visible

_TYPE_USES: tuple[UseMode, ...] = ("list", "open", "count")


def see_everything(catalogue: Catalogue) -> Visible:
    """Every coordinate, in every use mode that its kind of value has."""
    selectable, uses = set[Coordinate](), set[FieldUse]()
    for entity in catalogue.types.values():
        for name in (*entity.fields, *entity.relations):
            selectable.add(Coordinate(f"{entity.name}.{name}"))
        uses.update(_uses(entity))
    return Visible(selectable=frozenset(selectable), uses=frozenset(uses))


def _uses(entity: EntityType) -> Iterator[FieldUse]:
    for mode in _TYPE_USES:
        yield FieldUse(Coordinate(entity.name), mode)
    for name in entity.relations:
        yield FieldUse(Coordinate(f"{entity.name}.{name}"), "traverse")
    for field in entity.fields.values():
        at = Coordinate(f"{entity.name}.{field.name}")
        yield from (FieldUse(at, mode) for mode in _modes(field))
        yield from (FieldUse(at, "aggregate", function) for function in _functions(field))


def _modes(field: Field) -> Iterator[UseMode]:
    yield "project"
    if field.kind == "JSON":
        return
    yield from ("filter_eq", "group")
    if field.kind in ORDERED:
        yield from ("filter_range", "sort")
    if field.kind in TEXTUAL:
        yield "filter_text"


def _functions(field: Field) -> Iterator[AggregateFunction]:
    yield "count"
    if field.kind == "JSON":
        return
    yield "countDistinct"
    if field.kind in ORDERED:
        yield from ("min", "max")
    if field.kind in NUMERIC:
        yield from ("sum", "avg")

"""Which elements of the catalogue exist for a subject: the union over what it may state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from policies.decide import CellDecision, TypeDecision, Verdict
from policies.ruling import Allow, Hidden
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.names import Coordinate, FieldName, TypeName, coordinate
from schema.model.scalar import NUMERIC, ORDERED, TEXTUAL, ScalarKind
from schema.model.subject import Subject
from schema.model.use import SPECIAL_MODES, AggregateFunction, FieldUse, UseMode
from schema.model.visible import Visible

Decide = Callable[[TypeName], TypeDecision | None]
Follow = Callable[[TypeDecision, FieldName], Verdict]
Modes = tuple[tuple[UseMode, AggregateFunction | None], ...]
Shape = tuple[bool, Modes]
"""Whether fields may be selected, and the uses that they may have besides."""
_EXISTENCE: tuple[UseMode, ...] = ("list", "open", "count")


class Elements:
    """The uses that each scalar kind can have, and the catalogue they are looked up in."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._uses: dict[ScalarKind, Modes] = {}

    def uses(self, kind: ScalarKind) -> Modes:
        """(mode, function) pairs that make sense for a kind."""
        held = self._uses.get(kind)
        if held is None:
            held = self._uses[kind] = tuple(_possible(kind))
        return held

    def ruled(self, kind: ScalarKind) -> Modes:
        """What rules can say of a kind's fields besides reading: also what no door offers yet."""
        return (*self.uses(kind), *((mode, None) for mode in sorted(SPECIAL_MODES)))


def visible_elements(elements: Elements, deciders: Sequence[tuple[Decide, Follow]]) -> Visible:
    """What at least one of the deciders lets exist."""
    selectable: set[Coordinate] = set()
    uses: set[FieldUse] = set()
    shapes: dict[tuple[object, ...], Shape] = {}
    for name, entity in elements.catalogue.types.items():
        open_ones = [
            (follow, found)
            for decide, follow in deciders
            if (found := decide(name)) is not None and found.rows is not None
        ]
        if open_ones:
            _type(elements, entity, open_ones, selectable, uses, shapes)
    return Visible(selectable=frozenset(selectable), uses=frozenset(uses))


def cleared_elements(held: Visible, catalogue: Catalogue, subject: Subject) -> Visible:
    """What is left for a caller of another hub: nothing above its clearance, which its link's
    ceiling bounds, not even a name; and no relation by such a field."""
    scheme = catalogue.scheme

    def barred(entity: EntityType, name: FieldName) -> bool:
        label = entity.fields[name].label
        below = label.compartments <= subject.compartments
        return not (label.levels and below and scheme.dominates(subject.clearance, label))

    out = {
        coordinate(entity.name, name)
        for entity in catalogue.types.values()
        for name in entity.fields
        if barred(entity, name)
    }
    for entity in catalogue.types.values():
        if all(coordinate(entity.name, name) in out for name in entity.fields):
            out.add(coordinate(entity.name))  # nor that there is such a type
        for name, relation in entity.relations.items():
            ends = ((entity.name, ours) for ours, _ in relation.match)
            others = ((relation.to, theirs) for _, theirs in relation.match)
            if any(coordinate(*end) in out for end in (*ends, *others)):
                out.add(coordinate(entity.name, name))
    # an id is made of the key: where that lies above, rows have none, and none opens them
    sealed = {
        FieldUse(coordinate(entity.name), "open")
        for entity in catalogue.types.values()
        if any(coordinate(entity.name, part) in out for part in entity.keys[0])
    }
    return Visible(
        selectable=held.selectable - out,
        uses=frozenset(use for use in held.uses - sealed if use.coordinate not in out),
    )


def _type(
    elements: Elements,
    entity: EntityType,
    open_ones: Sequence[tuple[Follow, TypeDecision]],
    selectable: set[Coordinate],
    uses: set[FieldUse],
    shapes: dict[tuple[object, ...], Shape],
) -> None:
    own = coordinate(entity.name)
    for mode in _EXISTENCE:
        if any(_allowed(decision.existence(mode).outcome) for _, decision in open_ones):
            uses.add(FieldUse(own, mode))
    for name, field in entity.fields.items():
        cells = tuple(decision.cell(name) for _, decision in open_ones)
        shape = shapes.get((field.kind, *cells))
        if shape is None:
            shape = shapes[field.kind, *cells] = _shape(elements, field, cells)
        at = coordinate(entity.name, name)
        if shape[0]:
            selectable.add(at)
        uses.update(FieldUse(at, mode, function) for mode, function in shape[1])
    for name in entity.relations:
        if any(_allowed(follow(decision, name).outcome) for follow, decision in open_ones):
            selectable.add(at := coordinate(entity.name, name))
            uses.add(FieldUse(at, "traverse"))


def _shape(elements: Elements, field: Field, cells: Sequence[CellDecision]) -> Shape:
    shown = any(not isinstance(cell.project().outcome, Hidden) for cell in cells)
    return shown, tuple(
        (mode, function)
        for mode, function in elements.uses(field.kind)
        if any(_allowed(cell.verdict(mode, function).outcome) for cell in cells)
    )


def _allowed(outcome: object) -> bool:
    return isinstance(outcome, Allow)


def _possible(kind: ScalarKind) -> list[tuple[UseMode, AggregateFunction | None]]:
    found: list[tuple[UseMode, AggregateFunction | None]] = [("aggregate", "count")]
    if kind == "JSON":
        return found
    found += [("filter_eq", None), ("group", None), ("aggregate", "countDistinct")]
    if kind in ORDERED:
        found += [("sort", None), ("aggregate", "min"), ("aggregate", "max")]
        if kind != "Boolean":
            found.append(("filter_range", None))
    if kind in TEXTUAL:
        found.append(("filter_text", None))
    if kind in NUMERIC:
        found += [("aggregate", "sum"), ("aggregate", "avg")]
    return found

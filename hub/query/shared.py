"""What rules declare of masked values counts where enough persons of the answer share each value.

It is told from nothing but what the answer shows: which label it has says nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.query.steps import Output, Shared
from policies.masks import KEYED
from policies.ruling import Allow, Declassified, Masked
from schema.model.entity import EntityType
from schema.model.label import LabelScheme
from schema.model.names import FieldName, coordinate
from schema.model.use import FieldUse


def shared_of(
    outputs: Sequence[Output],
    entity: EntityType,
    declared: Mapping[FieldUse, tuple[Declassified, ...]],
    scheme: LabelScheme,
    *,
    root: bool,
) -> tuple[Shared, ...]:
    """What is to be counted of a node. `root`: no two of its rows are the same."""
    if not declared:
        return ()
    found = []
    for number, output in enumerate(outputs):
        said = declared.get(FieldUse(coordinate(entity.name, output.field), "project"))
        if said:
            persons = _persons(outputs, entity, scheme, root=root)
            k = max(one.k for one in said)
            found.append(Shared(output=number, k=k, persons=persons))
    return tuple(found)


def _persons(
    outputs: Sequence[Output], entity: EntityType, scheme: LabelScheme, *, root: bool
) -> tuple[int, ...] | None:
    """Outputs that tell persons apart; see `Shared`."""
    fields = entity.person(scheme)
    if fields is None:
        return None  # fails closed: nothing says whose the rows are
    if root and (not fields or set(fields) >= set(entity.key)):
        return ()
    shown = dict(_apart(outputs))
    # fails closed: whoever is not shown could be told from the label
    held = [shown[name] for name in fields or entity.key if name in shown]
    return tuple(held) if len(held) == len(fields or entity.key) else None


def _apart(outputs: Sequence[Output]) -> Iterator[tuple[FieldName, int]]:
    """Outputs in which one value is always shown as one: more are shown of no fewer persons."""
    for number, output in enumerate(outputs):
        match output.outcome:
            case Masked(mask=mask) if mask not in KEYED or not KEYED[mask].by_cell:
                yield output.field, number
            case Allow():
                yield output.field, number
            case _:
                continue


def is_shared(one: Shared, shown: Sequence[Sequence[Any]], rows: int) -> bool:
    """Whether every value of a column, also that there is none, is shared by `k` persons of these
    rows."""
    if one.persons is None:
        return not rows
    by: dict[Any, set[Any]] = {}
    if not one.persons:
        for row, value in enumerate(shown[one.output]):
            by.setdefault(value, set()).add(row)
    else:
        persons = zip(*(shown[number] for number in one.persons), strict=True)
        for value, person in zip(shown[one.output], persons, strict=True):
            held = by.setdefault(value, set())
            if None not in person:  # fails closed: it may be anybody
                held.add(person)
    return all(len(held) >= one.k for held in by.values())

"""Whose data a row is, and what one operation asks of counted types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from hub.audit.persons import PersonHashes
from hub.query.steps import Node
from policies.obligation import Quota
from policies.ruling import Ruling
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.label import LabelScheme
from schema.model.names import FieldName, TypeName, split_coordinate


def person_of(entity: EntityType, scheme: LabelScheme) -> tuple[FieldName, ...]:
    """The fields that tell a row's person from others; none for a type without personal data."""
    person = entity.person(scheme)
    # fails closed: where nothing says whose a row is, each row counts as another person
    return entity.key if person is None else person


def persons_counted(
    ruling: Ruling, catalogue: Catalogue, *, every: bool = False
) -> Mapping[TypeName, tuple[FieldName, ...]]:
    """The types whose persons a quota counts, with the fields that tell them apart.

    `every`: all types with personal data, since the audit log lists whose rows left.
    """
    counted = {
        split_coordinate(use.coordinate)[0]
        for use, obligations in ruling.obligations.items()
        if any(isinstance(one, Quota) and one.unit == "persons" for one in obligations)
    }
    if every:
        counted |= catalogue.types.keys()
    found = {name: person_of(catalogue.types[name], catalogue.scheme) for name in counted}
    return {name: fields for name, fields in found.items() if fields}


class Tally:
    """What one operation asked of types with quotas, beside the rows that every run counts."""

    __slots__ = ("persons", "sought", "tries", "unknown")

    def __init__(self) -> None:
        self.tries: dict[TypeName, int] = {}
        """Look-ups that found no row: asked for all the same."""
        self.persons: dict[TypeName, set[bytes]] = {}
        """Whose rows were found."""
        self.sought: dict[TypeName, set[bytes]] = {}
        """Whose rows were looked for and are not there."""
        self.unknown: dict[TypeName, int] = {}
        """Persons that nothing tells apart: each counts."""

    def add(self, name: TypeName, columns: Sequence[Sequence[Any]]) -> None:
        """Count the persons of rows."""
        held = self.persons.setdefault(name, set())
        for values in zip(*columns, strict=True):
            if None in values:
                self.add_unknown(name, 1)  # fails closed: it may be anybody
            else:
                held.add(_person(name, values))

    def add_unknown(self, name: TypeName, count: int) -> None:
        """Count persons who may be anybody."""
        self.unknown[name] = self.unknown.get(name, 0) + count

    def tried(self, node: Node, columns: Sequence[str], key: Sequence[Any]) -> None:
        """Count a look-up that found nothing as if it had found its row."""
        name = node.type
        self.tries[name] = self.tries.get(name, 0) + 1
        if node.persons:
            same = tuple(columns) == node.persons
            person = _person(name, key) if same else _person(f"{name}?", (*columns, *key))
            self.sought.setdefault(name, set()).add(person)

    def listed(self, hashes: PersonHashes) -> list[str]:
        """Whose rows were found, as the audit log lists them."""
        told = (orjson.loads(one)[1:] for held in self.persons.values() for one in held)
        return hashes.listed(told, more=bool(self.unknown))


def _person(name: str, values: Sequence[Any]) -> bytes:
    return orjson.dumps([name, *values], default=str)

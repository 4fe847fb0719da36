"""Routing: which source serves which field of an entity type, and under which address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.kit.norm import UNREAD
from connectors.spi import Column, Digest
from hub.query.steps import Check
from schema.errors import HubError
from schema.model.binding import TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.names import FieldName, SourceName, TypeName, coordinate
from schema.model.norm import DateText
from schema.model.predicate import Param


class Route:
    """One entity type seen from its anchor source."""

    def __init__(
        self, catalogue: Catalogue, type_name: TypeName, persons: Sequence[FieldName] = ()
    ) -> None:
        self.entity: EntityType = catalogue.types[type_name]
        self.bindings = catalogue.bindings[type_name]
        self.anchor: TypeBinding = self.bindings[self.entity.anchor]
        self._lists, self._sources = catalogue.lists, catalogue.sources
        self.persons = persons
        """Fields that tell the persons of its rows apart, where they are counted."""
        self.department = catalogue.sources[self.entity.anchor].department

    def source_of(self, field: str) -> SourceName:
        """The source to read a field from: the anchor for keys and where it is authoritative,
        else the field's authoritative source."""
        name = FieldName(field)
        if name in self.entity.key:
            return self.entity.anchor
        declared = self.entity.fields[name].source
        if declared in self.bindings and name in self.bindings[declared].columns:
            return declared
        if name in self.anchor.columns:
            return self.entity.anchor
        raise HubError("INTERNAL", f"no source serves `{self.entity.name}.{field}`")

    def here(self, field: str) -> bool:
        """Whether the anchor itself serves the field."""
        return self.source_of(field) == self.entity.anchor

    def address(self, field: str) -> str:
        """The field's column address in a node of this type."""
        source = self.source_of(field)
        column = self.bindings[source].columns[FieldName(field)].column
        return column if source == self.entity.anchor else f"{source}/{column}"

    def column(self, field: str, source: SourceName | None = None) -> Column:
        """The source column of a field."""
        binding = self.bindings[source or self.source_of(field)].columns[FieldName(field)]
        values = tuple(sorted(binding.values.items()))
        return Column(binding.column, binding.kind, values, convert=binding.convert)

    def settled(self, fields: Iterable[str]) -> None:
        """Raises ``BAD_USER_INPUT`` for a field whose value is known only after the fetch: of
        several sources' the latest."""
        for field in fields:
            if not self.is_settled([field]):
                raise HubError(
                    "BAD_USER_INPUT",
                    f"`{self.entity.name}` cannot be sought, ordered or measured by `{field}`",
                    hint="the latest value of several sources is known only row by row",
                )

    def is_settled(self, fields: Iterable[str]) -> bool:
        """Whether the authoritative source's values are those that are given."""
        held = (self.entity.fields.get(FieldName(field)) for field in fields)
        return all(one is None or one.on_conflict != "latest" for one in held)

    def check(self, field: str) -> Check | None:
        """What is looked for in a field's values; ``None`` where it has no norm."""
        name, source = FieldName(field), self.source_of(field)
        held = self.bindings[source].columns[name]
        declared = self.entity.fields[name].codes
        codes = None if declared is None else self._lists.get(declared)
        unread = f"{UNREAD}{self.address(field)}" if isinstance(held.convert, DateText) else None
        if codes is None and unread is None:
            return None
        return Check(
            coordinate=coordinate(self.entity.name, name),
            source=source,
            department=self._sources[source].department,
            codes=codes,
            divided=held.divided,
            unread=unread,
        )

    def blind(self) -> Column:
        """What stands for the whole key where the caller may not be shown the key's order."""
        of = tuple(self.column(part, self.entity.anchor) for part in self.entity.key)
        name = f"blind({', '.join(column.name for column in of)})"
        return Column(name, "String", digest=Digest(of, Param(salt_param(self.entity.name))))

    def columns(self, fields: Iterable[str], source: SourceName | None = None) -> dict[str, Column]:
        """Source columns by column name, without repeats."""
        found = (self.column(field, source) for field in fields)
        return {column.name: column for column in found}

    def anchor_columns(self) -> dict[str, str]:
        """Field name -> column name for everything the anchor serves."""
        return {
            str(field): binding.column
            for field, binding in self.anchor.columns.items()
            if field in self.entity.fields and self.here(field)
        }


def salt_param(type_name: TypeName) -> str:
    """The param that holds the salt of a type's blind order."""
    return f"b.{type_name}"

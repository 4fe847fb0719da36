"""The catalogue: the immutable, versioned merger of all fragments."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schema.model.binding import SourceDecl, TypeBinding
from schema.model.entity import EntityType, Field, Relation
from schema.model.label import LabelScheme
from schema.model.names import Coordinate, SourceName, TypeName, split_coordinate
from schema.model.norm import CodeList


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All entity types, where they are served and how they are labelled."""

    version: str
    """Digest of the content; equal content gives an equal version."""
    scheme: LabelScheme
    types: Mapping[TypeName, EntityType]
    sources: Mapping[SourceName, SourceDecl]
    bindings: Mapping[TypeName, Mapping[SourceName, TypeBinding]]
    lists: Mapping[str, CodeList] = {}
    """The code lists that fields are written in, by name."""

    def field(self, coordinate: Coordinate) -> Field | None:
        """The field at a coordinate, ``None`` if there is none."""
        type_name, field = split_coordinate(coordinate)
        entity = self.types.get(type_name)
        return entity.fields.get(field) if entity is not None and field is not None else None

    def relation(self, coordinate: Coordinate) -> Relation | None:
        """The relation at a coordinate, ``None`` if there is none."""
        type_name, name = split_coordinate(coordinate)
        entity = self.types.get(type_name)
        return entity.relations.get(name) if entity is not None and name is not None else None

    def anchor(self, type_name: TypeName) -> TypeBinding:
        """The binding whose rows make an entity of this type exist."""
        return self.bindings[type_name][self.types[type_name].anchor]

"""Entity types: fields, keys and relations that several departments may contribute to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from schema.model.label import Label, LabelScheme
from schema.model.names import DepartmentName, FieldName, SourceName, TypeName
from schema.model.scalar import ScalarKind

Share = Literal["unconditional", "conditional", "withheld"]
OnConflict = Literal["authoritative", "latest"]
"""Whose value is given where sources are compared and differ: the authoritative source's, or that
of the row that was changed last."""
MetadataVisibility = Literal["public", "members", "hidden"]


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """The least that an owner asks of everybody else, whatever the policies say."""

    name: str
    """``floor.<source>.<Type>``: all fields that the source gives; or with ``.<field>``: one."""
    outcome: str | None = None
    """The most that is shown, as JSON of the rule language's `outcome`."""
    purposes: tuple[str, ...] = ()
    """The caller must state one of these, or one below."""
    min_level: tuple[tuple[str, str], ...] = ()
    """(ladder id, level) pairs that the caller's clearance must reach."""


class RowLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What fields carry on top of their own labels in the rows that a condition holds for."""

    name: str
    """``label.<Type>.<number>``."""
    when: str
    """JSON of a condition in the rule language, over fields of the type; where it is UNKNOWN the
    label counts too."""
    label: Label
    fields: frozenset[FieldName]
    existence: bool = False
    """Whether that there is such a row carries the label as well."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an entity type. Always nullable in the GraphQL face."""

    name: FieldName
    kind: ScalarKind
    label: Label
    share: Share
    owner: DepartmentName
    source: SourceName
    """The authoritative source: its value wins."""
    about: Mapping[str, str] = {}
    """Language (``en``, ``zh``) -> text."""
    title: Mapping[str, str] = {}
    conditions: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    format: str | None = None
    codes: str | None = None
    unit: str | None = None
    on_conflict: OnConflict | None = None
    """Set: all sources that have the field are read and compared."""
    deprecated: str | None = None
    metadata: MetadataVisibility = "public"
    floors: tuple[Floor, ...] = ()


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A declared traversal; rows match where each (from field, to field) pair is equal."""

    name: FieldName
    of: TypeName
    to: TypeName
    many: bool
    match: tuple[tuple[FieldName, FieldName], ...]
    as_list: bool = False
    """A plain list instead of a connection (many only)."""
    owner: DepartmentName
    about: Mapping[str, str] = {}
    title: Mapping[str, str] = {}


class EntityType(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical type. ``keys[0]`` is the primary key: it identifies a row in every source."""

    name: TypeName
    plural: FieldName
    """Name of the root connection; the root look-up is ``singular``."""
    singular: FieldName
    keys: tuple[tuple[FieldName, ...], ...]
    fields: Mapping[FieldName, Field]
    relations: Mapping[FieldName, Relation]
    owner: DepartmentName
    anchor: SourceName
    """The source whose rows make an entity exist."""
    region: FieldName | None = None
    """The field that places a row in the region tree."""
    data_subject: tuple[FieldName, ...] = ()
    """The fields that together say which person a row is about; () = not said."""
    row_labels: tuple[RowLabel, ...] = ()
    about: Mapping[str, str] = {}
    title: Mapping[str, str] = {}

    @property
    def key(self) -> tuple[FieldName, ...]:
        """The primary key's fields."""
        return self.keys[0]

    def person(self, scheme: LabelScheme) -> tuple[FieldName, ...] | None:
        """The fields by which persons are counted; () where each row counts as one.

        Unsaid, it is the key where a field of it is personal data, and each row where no field
        is. ``None``: rows hold personal data and nothing says whose.
        """
        if self.data_subject:
            return self.data_subject
        if any(scheme.is_personal(self.fields[part].label) for part in self.key):
            return self.key
        labels = [
            *(field.label for field in self.fields.values()),
            *(held.label for held in self.row_labels),
        ]
        if any(map(scheme.is_personal, labels)):
            # fails closed: many rows may be about one person
            return None
        return ()

    def identified_by(self, fields: Iterable[FieldName]) -> bool:
        """Whether at most one row has given values of these fields: they cover a declared key."""
        given = set(fields)
        return any(given >= set(key) for key in self.keys)

"""What one department declares: the frozen values of a fragment, each with its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from schema.compose.positions import Place
from schema.model.binding import SourceDecl
from schema.model.entity import MetadataVisibility, OnConflict, Share
from schema.model.names import DepartmentName, FieldName, TypeName
from schema.model.scalar import ScalarKind


class LabelPart(msgspec.Struct, frozen=True, kw_only=True):
    """A label as written; the scheme is not known yet."""

    at: Place
    level: str | None = None
    """A level that names its ladder by itself."""
    levels: Mapping[str, str] = {}
    """ladder id -> level."""
    categories: tuple[str, ...] = ()
    compartments: tuple[str, ...] = ()
    basis: str | None = None
    """The rule or decision that the level rests on."""
    decided_by: str | None = None
    decided_at: dt.date | None = None
    review_by: dt.date | None = None


class FloorPart(msgspec.Struct, frozen=True, kw_only=True):
    """A floor as written; the scheme is not known yet."""

    at: Place
    outcome: str | None = None
    """JSON of an outcome in the rule language."""
    purposes: tuple[str, ...] = ()
    level: str | None = None
    levels: Mapping[str, str] = {}


class RowLabelPart(msgspec.Struct, frozen=True, kw_only=True):
    """A label of some rows as written; the scheme is not known yet."""

    at: Place
    when: str
    """JSON of a condition in the rule language."""
    label: LabelPart
    fields: tuple[FieldName, ...] = ()
    """() = all fields of the type."""
    existence: bool = False


class CodePart(msgspec.Struct, frozen=True, kw_only=True):
    """One code of a department's list."""

    at: Place
    to: str | None = None
    """What it stands for in the list that its list is `of`."""
    title: Mapping[str, str] = {}


class CodesPart(msgspec.Struct, frozen=True, kw_only=True):
    """A department's own code list."""

    name: str
    at: Place
    codes: Mapping[str, CodePart]
    of: str | None = None
    """The list that every code leads to; ``None``: values stay as they are."""
    title: Mapping[str, str] = {}
    source: str | None = None
    date: dt.date | None = None


class UnitPart(msgspec.Struct, frozen=True, kw_only=True):
    """The unit that a source counts in."""

    unit: str
    factor: str | None = None
    """How many of the field's unit one is, for units that the hub does not know."""
    digits: int | None = None
    """Digits after the point that are kept where the factor's decimal does not end."""


class FieldPart(msgspec.Struct, frozen=True, kw_only=True):
    """One field as one source gives it; what the type says by default is already applied,
    except for the label (`TypePart.label`)."""

    name: FieldName
    at: Place
    column: str
    kind: ScalarKind | None = None
    """``None`` only where another source declares the field."""
    label: LabelPart | None = None
    share: Share | None = None
    """``None`` only for a field without a label, or that another source declares."""
    conditions: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    about: Mapping[str, str] = {}
    title: Mapping[str, str] = {}
    format: str | None = None
    codes: str | None = None
    values: Mapping[str, str] = {}
    unit: str | None = None
    from_codes: str | None = None
    """The list that this source writes, perhaps as of a day: ``gb-t-2260@2020-12-31``."""
    from_format: str | None = None
    from_unit: UnitPart | None = None
    deprecated: str | None = None
    metadata: MetadataVisibility = "public"
    floor: FloorPart | None = None
    on_conflict: OnConflict | None = None
    authoritative: bool | None = None
    """Among several sources: ``True`` wins, ``False`` stands in, unsaid is a conflict."""
    owner: DepartmentName | None = None
    """The department behind another hub that answers for it; ``None``: the source's."""


class TypePart(msgspec.Struct, frozen=True, kw_only=True):
    """What one source declares of one entity type."""

    name: TypeName
    at: Place
    table: str
    fields: Mapping[FieldName, FieldPart]
    extend: bool = False
    keys: tuple[tuple[FieldName, ...], ...] = ()
    keys_at: Place
    plural: FieldName | None = None
    singular: FieldName | None = None
    label: LabelPart | None = None
    region: FieldName | None = None
    floor: FloorPart | None = None
    """For the fields that this source gives; a field's own floor comes on top."""
    changed: str | None = None
    data_subject: tuple[FieldName, ...] = ()
    by_row: tuple[RowLabelPart, ...] = ()
    about: Mapping[str, str] = {}
    title: Mapping[str, str] = {}


class RelationPart(msgspec.Struct, frozen=True, kw_only=True):
    """A relation as declared, from any type to any other."""

    of: TypeName
    name: FieldName
    at: Place
    to: TypeName
    many: bool
    as_list: bool = False
    match: tuple[tuple[FieldName, FieldName], ...]
    about: Mapping[str, str] = {}
    title: Mapping[str, str] = {}


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """One source of one department: where it is, its types and relations."""

    path: str
    source: SourceDecl
    source_at: Place
    types: tuple[TypePart, ...] = ()
    relations: tuple[RelationPart, ...] = ()
    codes: tuple[CodesPart, ...] = ()

    def where(self, at: Place) -> str:
        """``file:line:column`` of a place in this fragment."""
        return at.in_file(self.path)

"""What a department signs of its own fields, as values."""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.rollout.release import SignedValue
from schema.model.entity import MetadataVisibility, Share


class LabelFloor(SignedValue, frozen=True, kw_only=True):
    """A label, its parts in order."""

    levels: tuple[tuple[str, str], ...] = ()
    categories: tuple[str, ...] = ()
    compartments: tuple[str, ...] = ()


class ReadFloor(SignedValue, frozen=True, kw_only=True):
    """Where the values of a field come from that a condition over rows reads."""

    field: str
    source: str
    table: str
    column: str
    kind: str
    values: tuple[tuple[str, str], ...] = ()
    """Its code conversion."""


class RowFloor(SignedValue, frozen=True, kw_only=True):
    """What a field carries on top in some rows."""

    when: str
    reads: tuple[ReadFloor, ...]
    label: LabelFloor
    existence: bool


class FieldFloor(SignedValue, frozen=True, kw_only=True):
    """The least that holds for one field."""

    ground: GroundFloor
    label: LabelFloor
    share: Share
    conditions: tuple[str, ...] = ()
    metadata: MetadataVisibility = "public"
    outcomes: tuple[str, ...] = ()
    """Of the owner's minimum rules, each as JSON of the rule language's `outcome`."""
    purposes: tuple[tuple[str, ...], ...] = ()
    min_level: tuple[tuple[str, str], ...] = ()
    rows: tuple[RowFloor, ...] = ()


class GroundFloor(SignedValue, frozen=True, kw_only=True):
    """What rules go by that is no label: whose the field is, what its values are, whom a row is
    about and where it is placed."""

    region: str | None
    """Of the department: one of the same name elsewhere is not the owner."""
    kind: str
    format: str | None
    codes: str | None
    keys: tuple[tuple[str, ...], ...]
    persons: tuple[ReadFloor, ...]
    places: tuple[ReadFloor, ...]


class ColumnFloor(SignedValue, frozen=True, kw_only=True):
    """The fields that show one column of the department's sources."""

    source: str
    place: str
    """SHA-256 hex of the source's kind and address, as the fragment writes them: another name of
    the source is not another column."""
    table: str
    column: str
    fields: tuple[str, ...]


class OwnerFloor(SignedValue, frozen=True, kw_only=True):
    """What a department signs."""

    format: Literal[1] = 1
    department: str
    serial: int
    """Counts its floors; the one with the greatest number holds."""
    made_at: int
    """Unix seconds."""
    fields: dict[str, FieldFloor]
    """By coordinate."""
    columns: tuple[ColumnFloor, ...]
    """A column under another name stays what it is."""
    weighed_by: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    """What of the rule packs says how high the signed words are, ``ladder x`` and so on -> its
    digest; unset in floors that were signed before they held it."""

"""What another hub shows of its catalogue, as the shape that a draft is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from connectors.http.rows import bad
from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from schema.model.entity import Share
from schema.model.label import Label
from schema.model.scalar import ScalarKind

_MOST = 10_000
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=200)]
Spoken = Mapping[str, str]


class _Label(msgspec.Struct, frozen=True):
    levels: dict[str, str] = {}
    categories: tuple[str, ...] = ()
    compartments: tuple[str, ...] = ()


class _Field(msgspec.Struct, frozen=True):
    name: Name
    kind: ScalarKind
    label: _Label
    share: Share
    owner: str
    conditions: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    about: Spoken = {}
    title: Spoken = {}
    order: Name | None = None
    """Its word in `orderBy`, where it is not the usual one."""


class _Relation(msgspec.Struct, frozen=True):
    name: Name
    to: Name
    many: bool
    match: tuple[tuple[str, str], ...]


class _Type(msgspec.Struct, frozen=True):
    name: Name
    singular: Name
    plural: Name
    keys: tuple[tuple[str, ...], ...]
    fields: tuple[_Field, ...]
    relations: tuple[_Relation, ...] = ()
    about: Spoken = {}


class _Told(msgspec.Struct, frozen=True):
    types: Annotated[tuple[_Type, ...], msgspec.Meta(max_length=_MOST)]


def shape_of(told: Mapping[str, Any]) -> SourceShape:
    """Tables from a description; raises ``SOURCE_BAD_DATA`` for what is none."""
    try:
        held = msgspec.convert(told, _Told)
    except msgspec.ValidationError:
        raise bad("the other hub does not describe itself", "it may be of another age") from None
    return SourceShape(tables=tuple(_table(one) for one in held.types))


def _table(one: _Type) -> ShapeTable:
    detail: dict[str, Any] = {"plural": one.plural}
    words = {field.name: field.order for field in one.fields if field.order is not None}
    if words:
        detail["order"] = words
    return ShapeTable(
        name=one.name,
        columns=tuple(map(_column, one.fields)),
        keys=one.keys,
        foreign_keys=tuple(
            ForeignKey(
                columns=tuple(ours for ours, _ in relation.match),
                to_table=relation.to,
                to_columns=tuple(theirs for _, theirs in relation.match),
                name=relation.name,
            )
            for relation in one.relations
            if not relation.many
        ),
        comment=one.about.get("en") or next(iter(one.about.values()), None),
        detail=detail,
        roots=(one.singular, one.plural),
    )


def _column(field: _Field) -> ShapeColumn:
    label = field.label
    return ShapeColumn(
        name=field.name,
        kind=field.kind,
        comment=field.about.get("en") or next(iter(field.about.values()), None),
        label=Label(
            levels=tuple(sorted(label.levels.items())),
            categories=frozenset(label.categories),
            compartments=frozenset(label.compartments),
        ),
        share=field.share,
        conditions=field.conditions,
        legal_basis=field.legal_basis,
        owner=field.owner,
        about=field.about,
        title=field.title,
    )

"""What planning reads: merged types with the subgraphs that hold them."""

from __future__ import annotations

from collections.abc import Mapping

from hub.gateway.compose.merge import Merged
from hub.gateway.compose.parts import BUILT_IN, Field, Part, Type
from hub.gateway.compose.uses import field_set
from hub.gateway.model import FieldEntry, HeldField, Key, TypeEntry, TypeHeld


def entries(merged: Merged) -> Mapping[str, TypeEntry]:
    """The entries of all types but GraphQL's own scalars."""
    return {
        name: _entry(held, merged) for name, held in merged.types.items() if name not in BUILT_IN
    }


def _entry(held: Type, merged: Merged) -> TypeEntry:
    having = [part for part in merged.parts if held.name in part.types]
    return TypeEntry(
        name=held.name,
        kind=held.kind,
        held={part.name: _type_held(part, part.types[held.name]) for part in having},
        fields={
            field.name: FieldEntry(
                name=field.name,
                type=field.type,
                held=_held(held.name, field.name, merged),
            )
            for field in held.fields.values()
        },
        values={
            value: frozenset(part.name for part in having if value in part.types[held.name].values)
            for value in held.values
        },
    )


def _held(type_: str, field: str, merged: Merged) -> tuple[HeldField, ...]:
    own = [
        _held_field(part, each)
        for part, each in merged.sources(type_, field)
        if each.external or not each.moved
    ]
    given = [
        _held_field(part, part.types[through].fields[field], through)
        for part, through in merged.given.get((type_, field), ())
    ]
    return (*own, *given)


def _held_field(part: Part, field: Field, through: str = "") -> HeldField:
    return HeldField(
        graph=part.name,
        type=field.type,
        arguments=frozenset(field.arguments),
        external=field.external,
        requires=field_set(field.requires),
        provides=field_set(field.provides),
        through=through,
    )


def _type_held(part: Part, held: Type) -> TypeHeld:
    return TypeHeld(
        graph=part.name,
        name=held.called,
        keys=tuple(Key(field_set(key.fields), key.resolvable) for key in held.keys),
        interface_object=held.interface_object,
        interfaces=frozenset(held.interfaces),
        members=frozenset(part.objects(held.name))
        if held.kind in {"interface", "union"}
        else frozenset(),
    )

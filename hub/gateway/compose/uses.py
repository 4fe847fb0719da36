"""Which fields a part's field sets name: of keys, requirements and provisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Literal

import msgspec

from hub.gateway.compose.fieldsets import FieldSetError, read_field_set
from hub.gateway.compose.parts import Part, Type, named
from hub.gateway.model import Chosen, FieldSet

Purpose = Literal["key", "requires", "provides"]
Coordinate = tuple[str, str]


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One field set of a part.

    `type` and `field` say where it is written (no field for a key), `on` is the type whose fields
    it chooses.
    """

    purpose: Purpose
    type: str
    field: str | None
    on: str
    text: str

    @property
    def coordinate(self) -> str:
        """Where it is written."""
        return self.type if self.field is None else f"{self.type}.{self.field}"


def uses(part: Part) -> Iterator[Use]:
    """Every field set of the part, read or not."""
    for held in part.types.values():
        for key in held.keys:
            yield Use(purpose="key", type=held.name, field=None, on=held.name, text=key.fields)
        for each in held.fields.values():
            where = {"type": held.name, "field": each.name}
            if each.requires is not None:
                yield Use(purpose="requires", on=held.name, text=each.requires, **where)
            if each.provides is not None:
                yield Use(purpose="provides", on=named(each.type), text=each.provides, **where)


def field_set(text: str | None) -> FieldSet:
    """The field set, empty where there is none or it is not one (which is reported elsewhere)."""
    if text is None:
        return ()
    try:
        return read_field_set(text, aliases=True)
    except FieldSetError:
        return ()


def coordinates(part: Part, on: str, fields: FieldSet) -> Iterator[Coordinate]:
    """Coordinates that a field set chooses; through an interface those of implementations too."""
    held = part.types.get(on)
    for each in fields:
        if not isinstance(each, Chosen):
            yield from coordinates(part, each.type, each.selections)
            continue
        chosen = held.fields.get(each.name) if held else None
        if held is None or chosen is None:
            continue
        yield on, each.name
        if held.kind == "interface":
            for name in part.objects(on):
                if each.name in part.types[name].fields:
                    yield name, each.name
        yield from coordinates(part, named(chosen.type), each.selections)


def named_by(part: Part, *purposes: Purpose) -> Set[Coordinate]:
    """Coordinates that field sets of these purposes choose."""
    return {
        found
        for use in uses(part)
        if use.purpose in purposes
        for found in coordinates(part, use.on, field_set(use.text))
    }


def real_keys(part: Part) -> frozenset[Coordinate]:
    """Key fields of extensions: the subgraph's own fields, ``@external`` or not."""
    return frozenset(
        found
        for held in part.types.values()
        if held.extension
        for key in held.keys
        for found in coordinates(part, held.name, field_set(key.fields))
        if found[0] == held.name or not part.first
    )


def with_fields(part: Part, changed: Mapping[str, Mapping[str, object]]) -> Part:
    """The part with other fields for some of its types; a type left without fields goes."""
    types: dict[str, Type] = {}
    for name, held in part.types.items():
        if name not in changed:
            types[name] = held
        elif changed[name]:
            types[name] = msgspec.structs.replace(held, fields=changed[name])
    return msgspec.structs.replace(part, types=types)

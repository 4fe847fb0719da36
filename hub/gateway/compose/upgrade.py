"""What the first version of federation implies, said in the words of the second.

There extensions' keys are their owner's fields, everything may be shared, and externals that
nothing uses do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from msgspec.structs import replace

from hub.gateway.compose.fieldsets import print_field_set
from hub.gateway.compose.parts import Field, Part, Type, named
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.uses import (
    Coordinate,
    coordinates,
    field_set,
    named_by,
    real_keys,
    with_fields,
)
from hub.gateway.model import Chosen, FieldSet, OnType


def settle(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Make key fields of extensions real fields; upgrade what is of the first version."""
    keys = {
        (held.name, name)
        for part in parts
        for held in part.types.values()
        for key in held.keys
        for type_, name in coordinates(part, held.name, field_set(key.fields))
        if type_ == held.name
    }
    return tuple(
        _real_keys(_upgraded(_keyless(part, keys)) if part.first else part) for part in parts
    )


def _keyless(part: Part, keys: Set[Coordinate]) -> Part:
    """An extension without a key has for its own what are others' keys of the type."""
    changed: dict[str, dict[str, Field]] = {}
    for held in part.types.values():
        if not held.extension or held.keys:
            continue
        for field in held.fields.values():
            if field.external and (held.name, field.name) in keys:
                fields = changed.setdefault(held.name, dict(held.fields))
                fields[field.name] = replace(field, external=False)
    return with_fields(part, changed)


def _real_keys(part: Part) -> Part:
    """``@external`` says nothing on the key fields of an extension, in either version."""
    changed: dict[str, dict[str, Field]] = {}
    for type_, name in real_keys(part):
        fields = changed.setdefault(type_, dict(part.types[type_].fields))
        fields[name] = replace(fields[name], external=False)
    return with_fields(part, changed)


def _upgraded(part: Part) -> Part:
    used = named_by(part, "key", "requires", "provides")
    changed: dict[str, dict[str, Field]] = {}
    for held in part.types.values():
        if held.kind not in {"object", "interface"}:
            continue
        fields = {}
        for field in held.fields.values():
            if held.kind == "interface":
                plain = replace(field, external=False, requires=None, provides=None)
                fields[field.name] = plain
            elif not field.external:
                fields[field.name] = _active(part, held, replace(field, shareable=True))
            elif (held.name, field.name) in used or _needed(part, held, field.name):
                fields[field.name] = _active(part, held, field)
        changed[held.name] = fields
    cut = with_fields(part, changed)
    return replace(
        cut,
        types={
            name: replace(held, keys=()) if held.kind == "interface" else held
            for name, held in cut.types.items()
        },
    )


def _needed(part: Part, held: Type, field: str) -> bool:
    """Whether an interface that the type implements wants the field."""
    return any(field in part.types[each].fields for each in held.interfaces if each in part.types)


def _active(part: Part, held: Type, field: Field) -> Field:
    """Leave out of requirements and provisions what the subgraph resolves itself."""
    requires, provides = field.requires, field.provides
    if requires is not None:
        requires = print_field_set(_outside(part, held.name, field_set(requires))) or None
    if provides is not None and named(field.type) not in part.types:
        provides = None
    elif provides is not None:
        provides = print_field_set(_outside(part, named(field.type), field_set(provides))) or None
    return replace(field, requires=requires, provides=provides)


def _outside(part: Part, on: str, fields: FieldSet, *, within: bool = False) -> FieldSet:
    kept: list[Chosen | OnType] = []
    held = part.types.get(on)
    for each in fields:
        if isinstance(each, OnType):
            inner = _outside(part, each.type, each.selections, within=within)
            if inner:
                kept.append(OnType(each.type, inner))
            continue
        field = held.fields.get(each.name) if held else None
        if field is None:
            kept.append(each)
            continue
        outside = within or field.external or (held is not None and held.kind == "interface")
        if not each.selections:
            if outside:
                kept.append(each)
            continue
        inner = _outside(part, named(field.type), each.selections, within=outside)
        if inner:
            kept.append(Chosen(each.name, each.arguments, inner))
    return tuple(kept)


def without_base(parts: Sequence[Part]) -> list[Problem]:
    """Extensions of types that no subgraph defines."""
    defined = {held.name for part in parts for held in part.types.values() if held.base} | {
        "Query",
        "Mutation",
        "Subscription",
    }
    return [
        Problem(
            code="EXTENSION_WITH_NO_BASE",
            message=f"[{part.name}] `{held.name}` is an extension, and no subgraph defines it",
            subgraphs=(part.name,),
            coordinates=(held.name,),
        )
        for part in parts
        for held in part.types.values()
        if held.name not in defined
    ]


def check_left(parts: Sequence[Part], settled: Sequence[Part]) -> list[Problem]:
    """Types of the first version of which nothing is left."""
    return [
        Problem(
            code="TYPE_WITH_ONLY_UNUSED_EXTERNAL",
            message=f"[{part.name}] `{name}` has @external fields only, and nothing names them",
            subgraphs=(part.name,),
            coordinates=(name,),
        )
        for part, left in zip(parts, settled, strict=True)
        for name in part.types
        if name not in left.types and part.types[name].fields
    ]

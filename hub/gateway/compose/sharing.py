"""Rules about several subgraphs that resolve one field, and about interface objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hub.gateway.compose.fieldsets import print_field_set
from hub.gateway.compose.merge import Merged
from hub.gateway.compose.parts import Part, Type
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.uses import field_set, named_by


class _Resolver(NamedTuple):
    graph: str
    shared: bool
    shown: str


def check_sharing(merged: Merged) -> Iterator[Problem]:
    """Fields that several subgraphs resolve though one of them does not share it."""
    keys = {part.name: named_by(part, "key") for part in merged.parts}
    provided = {part.name: named_by(part, "provides") for part in merged.parts}
    for held in merged.types.values():
        if held.kind != "object":
            continue
        for name in held.fields:
            resolvers = []
            for part, field in merged.sources(held.name, name):
                if field.moved and not field.external:
                    continue
                at = (held.name, name)
                if field.external:
                    # who provides a field resolves it too, in places
                    if at in provided[part.name] and not field.moved:
                        resolvers.append(_Resolver(part.name, True, part.name))
                    continue
                shared = field.shareable or at in keys[part.name]
                resolvers.append(_Resolver(part.name, shared, part.name))
            for part, through in merged.given.get((held.name, name), ()):
                given = part.types[through].fields[name]
                shared = given.shareable or (through, name) in keys[part.name]
                shown = f"{part.name} (through `{through}.{name}`)"
                resolvers.append(_Resolver(part.name, shared, shown))
            yield from _sharing(f"{held.name}.{name}", resolvers)


def _sharing(coordinate: str, resolvers: list[_Resolver]) -> Iterator[Problem]:
    unshared = [each.shown for each in resolvers if not each.shared]
    if len(resolvers) > 1 and unshared:
        yield Problem(
            code="INVALID_FIELD_SHARING",
            message=f"`{coordinate}` is resolved by {', '.join(each.shown for each in resolvers)},"
            f" and not @shareable in {', '.join(unshared)}",
            subgraphs=tuple(each.graph for each in resolvers),
            coordinates=(coordinate,),
        )


def check_interface_objects(merged: Merged) -> Iterator[Problem]:
    """Interface objects and keyed interfaces beside their implementations."""
    for held in merged.types.values():
        if held.kind != "interface":
            continue
        types = {
            one.name
            for one in merged.types.values()
            if one.kind == "object" and held.name in one.interfaces
        }
        for part in merged.parts:
            own = part.types.get(held.name)
            if own is None:
                continue
            if own.interface_object:
                yield from _with_implementations(part, own, types)
            else:
                yield from _missing(part, own, types)


def _with_implementations(part: Part, own: Type, types: set[str]) -> Iterator[Problem]:
    both = sorted(types & set(part.types))
    if both:
        yield Problem(
            code="INTERFACE_OBJECT_USAGE_ERROR",
            message=f"[{part.name}] `{own.name}` is an @interfaceObject beside its "
            f"implementations {', '.join(both)}",
            subgraphs=(part.name,),
            coordinates=(own.name, *both),
        )


def _missing(part: Part, own: Type, types: set[str]) -> Iterator[Problem]:
    missing = sorted(types - set(part.objects(own.name)))
    for key in own.keys:
        if key.resolvable and missing:
            fields = print_field_set(field_set(key.fields))
            yield Problem(
                code="INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
                message=f'[{part.name}] interface `{own.name}` with @key(fields: "{fields}") '
                f"lacks its implementations {', '.join(missing)}",
                subgraphs=(part.name,),
                coordinates=(own.name, *missing),
            )


def check_implemented(merged: Merged) -> Iterator[Problem]:
    """Every field of an interface must be in all that implement it."""
    for held in merged.types.values():
        for name in held.interfaces:
            interface = merged.types.get(name)
            for field in interface.fields if interface else ():
                if field in held.fields:
                    continue
                graphs = [part.name for part, one in merged.having(name) if field in one.fields]
                yield Problem(
                    code="INTERFACE_FIELD_NO_IMPLEM",
                    message=f"`{name}.{field}` is in {', '.join(graphs)}, but `{held.name}` "
                    f"implements `{name}` without it",
                    subgraphs=tuple(graphs),
                    coordinates=(f"{held.name}.{field}",),
                )

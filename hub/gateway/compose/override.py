"""``@override``: fields move to the subgraph that takes them over, before anything is merged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from hub.gateway.compose.parts import Field, Part
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.uses import named_by, with_fields

_PERCENT = re.compile(r"^percent\((\d{1,3}(?:\.\d{1,8})?)\)$")

_LABEL = re.compile(
    r"^(?:[a-zA-Z][a-zA-Z0-9_\-:./]*|percent\((?:100(?:\.0+)?|\d{1,2}(?:\.\d{1,8})?)\))$"
)


def move_fields(parts: Sequence[Part], problems: list[Problem]) -> tuple[Part, ...]:
    """Take each overridden field from its source.

    The source keeps the field as an external one where its own field sets name it. A progressive
    override (`label`) moves the field only where it says ``percent(100)``; any lesser or unknown
    share leaves the field where it is.
    """
    by_name = {part.name: part for part in parts}
    lost: dict[str, set[tuple[str, str]]] = {part.name: set() for part in parts}
    for part in parts:
        for held in part.types.values():
            for each in held.fields.values():
                if each.override is None:
                    continue
                found = _problem(part, held.name, each, by_name)
                if found is not None:
                    problems.append(found)
                    if found.code != "OVERRIDE_LABEL_INVALID":
                        continue
                source = by_name.get(each.override)
                if source is None or not _resolves(source, held.name, each.name):
                    continue
                loser = source if whole_share(each.label) else part
                lost[loser.name].add((held.name, each.name))
    return tuple(_without(part, lost[part.name]) for part in parts)


def whole_share(label: str | None) -> bool:
    """Whether an override with this label moves the field altogether."""
    if label is None:
        return True
    matched = _PERCENT.match(label)
    return matched is not None and float(matched[1]) >= 100


def _has(part: Part, type_: str, field: str) -> bool:
    held = part.types.get(type_)
    return held is not None and field in held.fields


def _resolves(part: Part, type_: str, field: str) -> bool:
    return _has(part, type_, field) and not part.types[type_].fields[field].external


def _problem(part: Part, type_: str, field: Field, by_name: dict[str, Part]) -> Problem | None:
    coordinate = f"{type_}.{field.name}"
    held = part.types[type_]
    if held.kind == "interface" or held.interface_object:
        given = held.interface_object
        what = "an @interfaceObject type" if given else "an interface"
        return Problem(
            code="OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE" if given else "OVERRIDE_ON_INTERFACE",
            message=f"`{coordinate}` of {what} cannot be overridden in `{part.name}`",
            subgraphs=(part.name,),
            coordinates=(coordinate,),
        )
    if field.override == part.name:
        return Problem(
            code="OVERRIDE_FROM_SELF_ERROR",
            message=f"`{coordinate}` of `{part.name}` cannot override itself",
            subgraphs=(part.name,),
            coordinates=(coordinate,),
        )
    if field.label is not None and not _LABEL.match(field.label):
        return Problem(
            code="OVERRIDE_LABEL_INVALID",
            message=f"`{field.label}` is no label for the override of `{coordinate}`",
            subgraphs=(part.name,),
            coordinates=(coordinate,),
        )
    source = by_name.get(field.override or "")
    if source is None or not _has(source, type_, field.name):
        return None
    if field.external:
        return _collision(coordinate, "external", part.name, part.name)
    taken = source.types[type_].fields[field.name]
    if taken.external:
        return None
    if taken.override is not None:
        return Problem(
            code="OVERRIDE_SOURCE_HAS_OVERRIDE",
            message=f"`{coordinate}` of `{part.name}` overrides `{source.name}`, where it "
            "overrides another subgraph itself",
            subgraphs=(part.name, source.name),
            coordinates=(coordinate,),
        )
    for name, given in (
        ("requires", taken.requires is not None),
        ("provides", taken.provides is not None),
    ):
        if given:
            return _collision(coordinate, name, part.name, source.name)
    return None


def _collision(coordinate: str, directive: str, by: str, at: str) -> Problem:
    return Problem(
        code="OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        message=f"@override of `{coordinate}` in `{by}` cannot go with @{directive} in `{at}`",
        subgraphs=tuple(dict.fromkeys((by, at))),
        coordinates=(coordinate,),
    )


def _without(part: Part, lost: set[tuple[str, str]]) -> Part:
    if not lost:
        return part
    used = named_by(part, "key", "requires", "provides")
    changed: dict[str, dict[str, Field]] = {}
    for type_, field in lost:
        fields = changed.setdefault(type_, dict(part.types[type_].fields))
        # the type as it was written there still counts, so the field stays in sight
        fields[field] = replace(fields[field], moved=True, external=(type_, field) in used)
    return with_fields(part, changed)

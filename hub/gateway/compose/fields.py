"""Merge one field of an object or interface from the subgraphs that have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.gateway.compose.inputs import incompatible, merge_inputs, most, normal_value
from hub.gateway.compose.parts import Field, Part
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.subtypes import Subtypes
from hub.gateway.model import TypeKind


class Sourced(NamedTuple):
    """A field as one subgraph has it, and whether it lets others resolve it too."""

    part: Part
    field: Field
    shared: bool


def merge_field(
    coordinate: str,
    kind: TypeKind,
    sources: Sequence[Sourced],
    *,
    subtypes: Subtypes,
    problems: list[Problem],
) -> Field | None:
    """Merge a field; `None` where nobody resolves it, which is among `problems` then."""
    resolving = [each for each in sources if not each.field.external]
    if not resolving:
        problems.append(
            Problem(
                code="EXTERNAL_MISSING_ON_BASE",
                message=f"`{coordinate}` is @external wherever it is, and nobody resolves it",
                subgraphs=tuple(each.part.name for each in sources),
                coordinates=(coordinate,),
            )
        )
        return None
    if kind == "object":
        _sharing(coordinate, resolving, problems)
    type_ = subtypes.widest([each.field.type for each in resolving])
    if type_ is None:
        problems.append(
            Problem(
                code="FIELD_TYPE_MISMATCH",
                message=f"type of field `{coordinate}` is "
                + incompatible([(each.part.name, each.field.type) for each in resolving]),
                subgraphs=tuple(each.part.name for each in resolving),
                coordinates=(coordinate,),
            )
        )
    merged = Field(
        name=sources[0].field.name,
        type=type_ or resolving[0].field.type,
        arguments=merge_inputs(
            [(each.part.name, each.field.arguments) for each in resolving],
            coordinate,
            "argument",
            subtypes=subtypes,
            problems=problems,
        ),
        description=most(each.field.description for each in resolving),
        deprecated=most(each.field.deprecated for each in resolving),
        inaccessible=any(each.field.inaccessible for each in sources),
    )
    for each in sources:
        if each.field.external:
            _external(coordinate, each, merged, subtypes, problems)
    return merged


def _sharing(coordinate: str, resolving: Sequence[Sourced], problems: list[Problem]) -> None:
    unshared = [each.part.name for each in resolving if not each.shared]
    if len(resolving) > 1 and unshared:
        every = [each.part.name for each in resolving]
        problems.append(
            Problem(
                code="INVALID_FIELD_SHARING",
                message=f"`{coordinate}` is resolved by {', '.join(every)}, and not @shareable in "
                + ", ".join(unshared),
                subgraphs=tuple(every),
                coordinates=(coordinate,),
            )
        )


def _external(
    coordinate: str,
    source: Sourced,
    merged: Field,
    subtypes: Subtypes,
    problems: list[Problem],
) -> None:
    """An external field is written as its owners have it."""

    def report(code: str, message: str, where: str = coordinate) -> None:
        name = source.part.name
        problems.append(
            Problem(
                code=code,
                message=f"`{where}` is @external in `{name}`, {message}",
                subgraphs=(name,),
                coordinates=(where,),
            )
        )

    given = source.field
    if not subtypes.is_sub(merged.type, given.type):
        report("EXTERNAL_TYPE_MISMATCH", f"with type `{given.type}` and not `{merged.type}`")
    for name, argument in merged.arguments.items():
        where = f"{coordinate}({name}:)"
        own = given.arguments.get(name)
        if own is None:
            report("EXTERNAL_ARGUMENT_MISSING", "without this argument", where)
        elif not subtypes.is_sub(argument.type, own.type):
            report(
                "EXTERNAL_ARGUMENT_TYPE_MISMATCH",
                f"with type `{own.type}` and not `{argument.type}`",
                where,
            )
        elif normal_value(own.default) != normal_value(argument.default):
            report("EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", "with another default", where)

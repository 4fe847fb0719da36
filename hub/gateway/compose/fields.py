"""Merge one field of an object or interface from the subgraphs that have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.gateway.compose.inputs import incompatible, merge_inputs, most, normal_value
from hub.gateway.compose.parts import Field, Part
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.subtypes import Subtypes


class Sourced(NamedTuple):
    """A field as one subgraph has it."""

    part: Part
    field: Field


def merge_field(
    coordinate: str,
    sources: Sequence[Sourced],
    *,
    given: Sequence[Sourced],
    subtypes: Subtypes,
    problems: list[Problem],
) -> Field | None:
    """Merge a field; `None` where nobody resolves it, which is among `problems` then.

    `given`: by those who resolve it for an interface of the type, if nobody else does.
    """
    resolving = [each for each in sources if not (each.field.external or each.field.moved)]
    written = [each for each in sources if not each.field.external or each.field.moved]
    if not resolving:
        resolving = list(given)
        written += given
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
    type_ = subtypes.widest([each.field.type for each in written])
    if type_ is None:
        problems.append(
            Problem(
                code="FIELD_TYPE_MISMATCH",
                message=f"type of field `{coordinate}` is "
                + incompatible([(each.part.name, each.field.type) for each in written]),
                subgraphs=tuple(each.part.name for each in written),
                coordinates=(coordinate,),
            )
        )
    merged = Field(
        name=sources[0].field.name,
        type=type_ or written[0].field.type,
        arguments=merge_inputs(
            [(each.part.name, each.field.arguments) for each in written],
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
        if each.field.external and not each.field.moved:
            _external(coordinate, each, merged, subtypes, problems)
    return merged


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
    if merged.type != given.type:
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

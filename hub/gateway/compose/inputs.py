"""Merge arguments and input fields: what every subgraph has, as narrow as any wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from graphql import GraphQLSyntaxError, parse_value
from graphql.language import ast

from hub.gateway.compose.parts import Input
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.subtypes import Subtypes

_CODES = {
    "argument": (
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
    ),
    "input field": (
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
        "FIELD_TYPE_MISMATCH",
        "INPUT_FIELD_DEFAULT_MISMATCH",
    ),
}


def merge_inputs(
    sources: Sequence[tuple[str, Mapping[str, Input]]],
    where: str,
    what: Literal["argument", "input field"],
    *,
    subtypes: Subtypes,
    problems: list[Problem],
) -> dict[str, Input]:
    """Merge the arguments of one field (or fields of one input) of several subgraphs.

    `sources` are pairs of a subgraph's name and what it has; `where` is the coordinate of the
    whole, ``Type.field`` or ``Type``.
    """
    missing_code, _, _ = _CODES[what]
    merged = {}
    for name in dict.fromkeys(name for _, given in sources for name in given):
        coordinate = f"{where}({name}:)" if what == "argument" else f"{where}.{name}"
        having = [(graph, given[name]) for graph, given in sources if name in given]
        lacking = [graph for graph, given in sources if name not in given]
        needing = [graph for graph, one in having if one.required]
        if lacking and needing:
            problems.append(
                Problem(
                    code=missing_code,
                    message=f"{what} `{coordinate}` is required in {_shown(needing)} but does not "
                    f"exist in {_shown(lacking)}",
                    subgraphs=(*needing, *lacking),
                    coordinates=(coordinate,),
                )
            )
        if not lacking and not any(one.context for _, one in having):
            merged[name] = _merge_one(having, coordinate, what, subtypes, problems)
    return merged


def _merge_one(
    having: Sequence[tuple[str, Input]],
    coordinate: str,
    what: Literal["argument", "input field"],
    subtypes: Subtypes,
    problems: list[Problem],
) -> Input:
    _, type_code, default_code = _CODES[what]
    every = [one for _, one in having]
    graphs = tuple(graph for graph, _ in having)
    type_ = subtypes.narrowest([one.type for one in every])
    if type_ is None:
        problems.append(
            Problem(
                code=type_code,
                message=f"type of {what} `{coordinate}` is "
                + incompatible([(graph, one.type) for graph, one in having]),
                subgraphs=graphs,
                coordinates=(coordinate,),
            )
        )
    given = [one.default for one in every if one.default is not None]
    if len({normal_value(default) for default in given}) > 1:
        problems.append(
            Problem(
                code=default_code,
                message=f"default of {what} `{coordinate}` is "
                + incompatible([(graph, one.default or "none") for graph, one in having]),
                subgraphs=graphs,
                coordinates=(coordinate,),
            )
        )
    return Input(
        name=every[0].name,
        type=type_ or every[0].type,
        default=given[0] if len(given) == len(every) else None,
        description=most(one.description for one in every),
        deprecated=most(one.deprecated for one in every),
        inaccessible=any(one.inaccessible for one in every),
    )


def incompatible(pairs: Sequence[tuple[str, str]]) -> str:
    """Say which subgraphs say what: ```String` in a, b but `Int` in c``."""
    by_text: dict[str, list[str]] = {}
    for graph, text in pairs:
        by_text.setdefault(text, []).append(graph)
    return " but ".join(f"`{text}` in {_shown(graphs)}" for text, graphs in by_text.items())


def _shown(graphs: Sequence[str]) -> str:
    return ", ".join(f"`{each}`" for each in graphs)


def most(texts: Iterable[str | None]) -> str | None:
    """The text that most give, the first of those that as many give; `None` where none does."""
    counted = Counter(text for text in texts if text is not None)
    return counted.most_common(1)[0][0] if counted else None


def normal_value(text: str | None) -> object:
    """A default in a form that compares equal where the values are equal."""
    if text is None:
        return None
    try:
        return _normal(parse_value(text, no_location=True))
    except GraphQLSyntaxError:
        return text


def _normal(node: ast.ValueNode) -> object:
    match node:
        case ast.ObjectValueNode():
            return ("{", frozenset((one.name.value, _normal(one.value)) for one in node.fields))
        case ast.ListValueNode():
            return ("[", tuple(_normal(one) for one in node.values))
        case ast.NullValueNode():
            return ("null",)
        case ast.IntValueNode() | ast.FloatValueNode():
            return ("number", float(node.value))
        case _:
            return (node.kind, getattr(node, "value", None))

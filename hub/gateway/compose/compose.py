"""Compose subgraphs into a supergraph, or say everything that keeps them from it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.gateway.compose.access import check_access
from hub.gateway.compose.choices import check_choices
from hub.gateway.compose.entries import entries
from hub.gateway.compose.merge import Merged
from hub.gateway.compose.override import move_fields
from hub.gateway.compose.parts import Part, Type
from hub.gateway.compose.problems import CompositionError, Problem
from hub.gateway.compose.read import read_part
from hub.gateway.compose.rules import check_names, check_rules
from hub.gateway.compose.satisfy import check_satisfiable
from hub.gateway.compose.schemas import build_both, check_schema
from hub.gateway.compose.shape import check_shape
from hub.gateway.compose.sharing import check_implemented, check_interface_objects, check_sharing
from hub.gateway.compose.upgrade import check_left, settle, without_base
from hub.gateway.model import Graph, Supergraph

_NOTHING = Type(name="Query", called="Query", kind="object")


class Subgraph(msgspec.Struct, frozen=True):
    """A subgraph to compose: `sdl` is its document, `url` takes ``POST``ed operations."""

    name: str
    url: str
    sdl: str


def compose(subgraphs: Sequence[Subgraph]) -> Supergraph:
    """Compose subgraphs, whose order does not matter.

    Raises: `CompositionError` with every problem of the first step that finds any: reading,
    merging, what may be seen, what can be reached.
    """
    problems = list(check_names([each.name for each in subgraphs]))
    parts = _read(sorted(subgraphs, key=lambda each: each.name), problems)
    _stop(problems)
    problems += without_base(parts)
    if any(part.first for part in parts):
        _stop(problems)
    settled = settle(parts)
    problems += check_left(parts, settled)
    moved = move_fields(settled, problems)
    merged = Merged(moved, problems)
    problems += [*check_sharing(merged), *check_interface_objects(merged)]
    directives = merged.executables()
    if not merged.types.get("Query", _NOTHING).fields:
        problems.append(Problem(code="NO_QUERIES", message="no subgraph has a field of `Query`"))
    _stop(problems)
    problems += check_implemented(merged)
    problems += check_access(merged.types)
    _stop(problems)
    whole, api = build_both(merged.types, directives)
    problems += check_schema(whole)
    _stop(problems)
    supergraph = Supergraph(
        graphs={part.name: Graph(part.name, part.url) for part in parts},
        types=entries(merged),
        whole=whole,
        api=api,
    )
    loose = {
        (held.name, field)
        for part in moved
        if part.first  # where sharing is not said
        for held in part.types.values()
        for field in held.fields
    }
    _stop(list(check_satisfiable(supergraph, loose)))
    return supergraph


def _read(subgraphs: Sequence[Subgraph], problems: list[Problem]) -> list[Part]:
    parts = []
    for each in subgraphs:
        found: list[Problem] = []
        part = read_part(each.name, each.url, each.sdl, found)
        if part is not None and not found:
            found += check_shape(part)
        if part is not None and not found:
            found += check_choices(part)
            found += check_rules(part)
            parts.append(part)
        problems += found
    return parts


def _stop(problems: Sequence[Problem]) -> None:
    if problems:
        raise CompositionError(problems)

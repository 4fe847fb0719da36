"""Fields of the query type as ways to read a type: lists, look-ups, their paging and filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from connectors.graphql.schema import Served

_CURSORS = ("after", "cursor")
_OFFSETS = ("offset", "skip")
_PAGES = ("page", "pageNumber", "pageNo")
_SIZES = ("first", "limit", "take", "size", "pageSize", "perPage")
_TOTALS = ("totalCount", "total", "count", "totalElements")
_ITEMS = ("nodes", "items", "results", "data", "rows", "records")
_INPUTS = ("filter", "where", "filters")
_OPERATORS: Mapping[str, str] = {
    "eq": "eq", "_eq": "eq", "equals": "eq", "exact": "eq", "in": "in", "_in": "in",
    "inList": "in", "startsWith": "prefix", "starts_with": "prefix", "contains": "contains",
    "gte": "ge", "_gte": "ge", "ge": "ge", "lte": "le", "_lte": "le", "le": "le",
}  # fmt: skip


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A query field that gives many rows, and where they are in it."""

    name: str
    of: str
    items: str = ""
    row: str = ""
    field: Any
    envelope: Any = None


class Got(msgspec.Struct, frozen=True, kw_only=True):
    """A query field that gives one row."""

    name: str
    of: str
    field: Any


class Roots:
    """The query fields that anybody may use, by the type that they give."""

    def __init__(self, served: Served) -> None:
        self.lists: dict[str, list[Listed]] = {}
        self.gets: dict[str, list[Got]] = {}
        facts = served.facts.of(served.query.name if served.query is not None else "")
        for name, field in (served.query.fields if served.query is not None else {}).items():
            said = facts.field(name)
            if name.startswith("_") or said.inaccessible or said.contextual or said.external:
                continue
            found = listed(name, field)
            if found is not None:
                self.lists.setdefault(found.of, []).append(found)
            elif isinstance(inner := get_named_type(field.type), GraphQLObjectType):
                self.gets.setdefault(inner.name, []).append(
                    Got(name=name, of=inner.name, field=field)
                )

    @property
    def types(self) -> set[str]:
        """The names of the types that some field gives."""
        return {*self.lists, *self.gets}


def listed(name: str, field: Any) -> Listed | None:
    """A field as a list: of objects, of Relay's nodes or edges, or in an object around it."""
    inner = get_named_type(field.type)
    if not isinstance(inner, GraphQLObjectType):
        return None
    if is_list_type(_bare(field.type)):
        return Listed(name=name, of=inner.name, field=field)
    for at in _ITEMS:
        found = _rows(inner, at)
        if found is not None:
            return Listed(name=name, of=found.name, items=f"/{at}", field=field, envelope=inner)
    edge = _rows(inner, "edges")
    node = edge.fields.get("node") if edge is not None else None
    if node is not None and isinstance(of := get_named_type(node.type), GraphQLObjectType):
        return Listed(
            name=name, of=of.name, items="/edges", row="/node", field=field, envelope=inner
        )
    return None


def _rows(holder: GraphQLObjectType, name: str) -> GraphQLObjectType | None:
    field = holder.fields.get(name)
    if field is None or not is_list_type(_bare(field.type)):
        return None
    inner = get_named_type(field.type)
    return inner if isinstance(inner, GraphQLObjectType) else None


def _bare(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_


def paging_of(found: Listed) -> dict[str, Any] | None:
    """The ``paging`` of a list; ``None`` where only a part of it can be had."""
    args = found.field.args
    size = next((name for name in _SIZES if name in args), None)
    inside = found.envelope.fields if found.envelope is not None else {}
    info = get_named_type(inside["pageInfo"].type) if "pageInfo" in inside else None
    paged = isinstance(info, GraphQLObjectType) and {"endCursor", "hasNextPage"} <= set(info.fields)
    total = next((name for name in _TOTALS if name in inside), None)
    for kind, names in (("cursor", _CURSORS), ("offset", _OFFSETS), ("page", _PAGES)):
        name = next((one for one in names if one in args), None)
        if name is None or (kind == "cursor" and not paged):
            continue
        made: dict[str, Any] = {"kind": kind, kind: name}
        if size is not None:
            made["size"] = size
        if total is not None and kind != "cursor":
            made["total"] = f"/{total}"
        return made
    return None if size is not None or paged else {}


def is_whole(found: Listed) -> bool:
    """Whether nothing but paging has to be said to read the list."""
    paging = paging_of(found)
    if paging is None:
        return False
    used = set(paging.values())
    return not any(
        is_required_argument(one) for name, one in found.field.args.items() if name not in used
    )


def filters_of(found: Listed, kinds: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The arguments that are named like columns; `kinds`: column -> the leaf type it has."""
    made: dict[str, dict[str, Any]] = {}
    taken = set((paging_of(found) or {}).values())
    for name, one in found.field.args.items():
        if name in taken:
            continue
        _take(made, name, one.type, kinds)
        inner = _bare(one.type)
        if name in _INPUTS and is_input_object_type(inner):
            for below, held in inner.fields.items():
                _take(made, below, held.type, kinds, f"{name}.{below}")
                _operators(made, below, held.type, kinds, f"{name}.{below}")
    return made


def _take(
    made: dict[str, dict[str, Any]], name: str, type_: Any, kinds: Mapping[str, Any], at: str = ""
) -> None:
    many = is_list_type(_bare(type_))
    for column in (name, *(name.removesuffix(end) for end in ("s", "In", "_in") if many)):
        if column in kinds and _same(type_, kinds[column]):
            made.setdefault(column, {}).setdefault("in" if many else "eq", at or name)
            return


def _operators(
    made: dict[str, dict[str, Any]], column: str, type_: Any, kinds: Mapping[str, Any], at: str
) -> None:
    inner = _bare(type_)
    if column not in kinds or not isinstance(inner, GraphQLInputObjectType):
        return
    for name, one in inner.fields.items():
        offer = _OPERATORS.get(name)
        if offer is None or not _same(one.type, kinds[column]):
            continue
        if is_list_type(_bare(one.type)) != (offer == "in"):
            continue
        held = made.setdefault(column, {})
        if offer in ("ge", "le"):
            held.setdefault("range", {}).setdefault(offer, f"{at}.{name}")
        else:
            held.setdefault(offer, f"{at}.{name}")


def _same(type_: Any, other: Any) -> bool:
    one, two = get_named_type(type_), get_named_type(other)
    return bool(is_leaf_type(one) and (one is two or {one.name, two.name} <= {"ID", "String"}))


def get_of(gets: Sequence[Got], kinds: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """(field, argument -> column) of each look-up whose needed arguments are all columns."""
    for one in gets:
        args = one.field.args
        needed = [name for name, arg in args.items() if is_required_argument(arg)]
        if not needed and len(args) == 1:
            needed = list(args)
        if needed and all(name in kinds and _same(args[name].type, kinds[name]) for name in needed):
            yield one.name, {name: name for name in needed}


def many_of(lists: Sequence[Listed], kinds: Mapping[str, Any]) -> dict[str, Any] | None:
    """The ``get_many`` of a list that must be told its keys."""
    for found in lists:
        needed = {n: a for n, a in found.field.args.items() if is_required_argument(a)}
        if len(needed) != 1 or found.envelope is not None:
            continue
        ((name, one),) = needed.items()
        made: dict[str, dict[str, Any]] = {}
        _take(made, name, one.type, kinds)
        column = next((column for column, offers in made.items() if "in" in offers), None)
        if column is not None:
            return {"field": found.name, "arg": name, "key": column}
    return None

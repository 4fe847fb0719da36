"""The tree of results: objects found by their place, representations read, answers joined.

Objects are dictionaries with the plan's keys; an object's concrete type stands under `TYPE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from hub.gateway.plan.solution import TYPE
from hub.gateway.plan.steps import Part, Read, Shape, ShapeField, Step

Tree = dict[str, Any]
Path = tuple[str | int, ...]
MISSING = object()


def objects(tree: Tree, steps: Sequence[Step]) -> list[Tree]:
    """The objects of a place."""
    front = [tree]
    for step in steps:
        below: list[Tree] = []
        types, key = step.types, step.tree
        for held in front:
            if types and held.get(TYPE, MISSING) not in types and TYPE in held:
                continue
            value = held.get(key)
            if type(value) is dict:
                below.append(value)
            elif type(value) is list:
                _flatten(value, below)
        front = below
    return front


def _flatten(values: list[Any], found: list[Tree]) -> None:
    for value in values:
        if type(value) is dict:
            found.append(value)
        elif type(value) is list:
            _flatten(value, found)


def paths(tree: Tree, steps: Sequence[Step]) -> Iterator[tuple[Tree, Path]]:
    """The objects of a place and where each stands, by the tree's keys; in the same order."""
    front: list[tuple[Tree, Path]] = [(tree, ())]
    for step in steps:
        below: list[tuple[Tree, Path]] = []
        for held, path in front:
            kind = held.get(TYPE)
            if step.types and kind is not None and kind not in step.types:
                continue
            _spread(held.get(step.tree), (*path, step.tree), below)
        front = below
    yield from front


def _spread(value: Any, path: Path, found: list[tuple[Tree, Path]]) -> None:
    if isinstance(value, dict):
        found.append((value, path))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _spread(item, (*path, number), found)


def part_for(held: Tree, parts: Mapping[str, Part]) -> Part | None:
    """How a fetch asks about an object."""
    kind = held.get(TYPE)
    if kind is not None:
        return parts.get(kind)
    return next((part for part in parts.values() if part.blind), None)


class Representations:
    """The representations of one request, equal ones once."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.targets: list[list[Tree]] = []
        self._known: dict[Any, int] = {}

    def add(self, held: Tree, part: Part) -> bool:
        """Take an object in; not one that lacks a part of all keys, or has them all null.

        Nor one that lacks what is required.
        """
        reads = part.reads
        if len(reads) == 1 and reads[0].per is None and type(held.get(reads[0].tree)) is str:
            mark: Any = (part.type, reads[0].name, held[reads[0].tree])
            index = self._known.get(mark)
            if index is not None:
                self.targets[index].append(held)
                return True
        made = _read_best(held, part)
        if made is None:
            return False
        made["__typename"] = part.type
        if len(made) == 2 and type(value := next(iter(made.values()))) is str:
            mark = (part.type, next(iter(made)), value)
        else:
            mark = orjson.dumps(made, option=orjson.OPT_SORT_KEYS)
        index = self._known.setdefault(mark, len(self.listed))
        if index == len(self.listed):
            self.listed.append({"__typename": part.type, **made})
            self.targets.append([])
        self.targets[index].append(held)
        return True


def _read_best(held: Tree, part: Part) -> dict[str, Any] | None:
    """By the first key in which nothing is null, else by the first in which something is not."""
    first: dict[str, Any] | None = None
    for reads in (part.reads, *(other.reads for other in part.others)):
        made = _read(held, reads)
        if made is None:
            continue
        key = [made[one.name] for one in reads if one.must]
        if all(_is_full(value) for value in key):
            return made
        if first is None and any(_has_some(value) for value in key):
            first = made
    return first


def _is_full(value: Any) -> bool:
    """Whether nothing in a value is null."""
    if isinstance(value, list):
        return all(_is_full(item) for item in value)
    if isinstance(value, dict):
        return all(_is_full(item) for item in value.values())
    return value is not None


def _has_some(value: Any) -> bool:
    """Whether something in a value is not null."""
    if isinstance(value, list):
        return any(_has_some(item) for item in value)
    if isinstance(value, dict):
        return any(_has_some(item) for name, item in value.items() if name != "__typename")
    return value is not None


def _read(held: Tree, reads: Sequence[Read]) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    for one in reads:
        value = held.get(one.tree, MISSING)
        if value is MISSING:
            return None
        if one.per is not None:
            value = _inside(value, one)
            if value is MISSING:
                return None
        made[one.name] = _both(made[one.name], value) if one.name in made else value
    return made


def _both(one: Any, other: Any) -> Any:
    """Two parts of the same object, or of the same list."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{k: _both(one[k], v) if k in one else v for k, v in other.items()}}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_both(a, b) for a, b in zip(one, other, strict=True)]
    return other


def _inside(value: Any, one: Read) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        items = [_inside(item, one) for item in value]
        return MISSING if any(item is MISSING for item in items) else items
    per = one.per or {}
    kind = value.get(TYPE)
    reads = per.get(kind) if kind is not None else None
    if reads is None:
        reads = next(iter(per.values())) if len(per) == 1 or kind is None else ()
    made = _read(value, reads)
    if made is None:
        return MISSING
    return {"__typename": kind, **made} if one.told and kind is not None else made


def join(held: Tree, found: Mapping[str, Any], shape: Shape) -> None:
    """Add an object of a response to one of the tree."""
    fields: Sequence[ShapeField] = shape.fields
    if shape.type is not None:
        held[TYPE] = shape.type
    elif shape.told:
        kind = found.get("__typename")
        if isinstance(kind, str):
            held[TYPE] = kind
            fields = shape.per.get(kind, fields)
    get = found.get
    for alias, tree, below in fields:
        value = get(alias)
        if below is None:
            if value is not None or tree not in held:
                held[tree] = value
        elif type(value) is dict and tree not in held:
            made: Tree = {}
            held[tree] = made
            join(made, value, below)
        else:
            held[tree] = _joined(held.get(tree), value, below)


def join_all(targets: Sequence[Tree], found: Mapping[str, Any], shape: Shape) -> None:
    """Add one object of a response to several of the tree, which share no part of it."""
    if not shape.told and all(field.below is None for field in shape.fields):
        values = {tree: found.get(alias) for alias, tree, _ in shape.fields}
        if shape.type is not None:
            values[TYPE] = shape.type
        if all(value is not None for value in values.values()):
            for held in targets:
                held.update(values)
            return
    for held in targets:
        join(held, found, shape)


def _joined(held: Any, value: Any, shape: Shape) -> Any:
    """A composite value; lists that several subgraphs answer are joined item by item."""
    if isinstance(value, dict):
        made = held if isinstance(held, dict) else {}
        join(made, value, shape)
        return made
    if isinstance(value, list):
        if not held:
            return [_joined(None, item, shape) for item in value]
        before = held if isinstance(held, list) else []
        return [
            _joined(before[number] if number < len(before) else None, item, shape)
            for number, item in enumerate(value)
        ] + before[len(value) :]
    return held


def told_path(alias_path: Sequence[Any], shape: Shape, found: Any) -> Path:
    """A path in a response as one in the tree, as far as it is known there."""
    made: list[str | int] = []
    at: Shape | None = shape
    for one in alias_path:
        if isinstance(one, int):
            made.append(one)
            found = found[one] if isinstance(found, list) and 0 <= one < len(found) else None
            continue
        if at is None:
            break
        kind = found.get("__typename") if isinstance(found, dict) else None
        own = at.per.get(kind, ()) if isinstance(kind, str) else ()
        fields = (*own, *at.fields)
        if not own:
            fields += tuple(field for some in at.per.values() for field in some)
        field = next((field for field in fields if field.alias == one), None)
        if field is None:
            break
        made.append(field.tree)
        at = field.below
        found = found.get(one) if isinstance(found, dict) else None
    return tuple(made)

"""Check one part as GraphQL by itself: known types, kinds in place, interfaces implemented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import parse_value

from hub.gateway.compose.literals import allowed
from hub.gateway.compose.parts import BUILT_IN, Field, Input, Part, Type, named
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.subtypes import Subtypes

_ASKED = frozenset({"scalar", "enum", "input"})
_MEMBERS: Mapping[str, str] = {
    "object": "fields",
    "interface": "fields",
    "input": "inputs",
    "enum": "values",
    "union": "members",
}


def check_shape(part: Part) -> Iterator[Problem]:
    """What graphql-core would find wrong with the part as a schema of its own."""
    shape = _Shape(part)
    for held in part.types.values():
        yield from shape.check(held)


class _Shape:
    def __init__(self, part: Part) -> None:
        self._part = part
        self._subtypes = Subtypes([part])

    def check(self, held: Type) -> Iterator[Problem]:
        """What is wrong with one type."""
        yield from self._names(held)
        for field in held.fields.values():
            where = f"{held.name}.{field.name}"
            yield from self._known(field.type, where, asked=False)
            for one in field.arguments.values():
                yield from self._input(one, f"{where}({one.name}:)")
        for each in held.inputs.values():
            yield from self._input(each, f"{held.name}.{each.name}")
        yield from self._members(held)
        if len(set(held.interfaces)) < len(held.interfaces):
            yield self._invalid(f"`{held.name}` implements an interface twice", held.name)
        for name in dict.fromkeys(held.interfaces):
            yield from self._implements(held, name)

    def _names(self, held: Type) -> Iterator[Problem]:
        inside = getattr(held, _MEMBERS[held.kind]) if held.kind in _MEMBERS else None
        if inside is not None and not inside and held.name != "Query":
            yield self._invalid(f"`{held.name}` has nothing in it", held.name)
        for name in (held.name, *held.fields, *held.inputs, *held.values):
            if name.startswith("__"):
                yield self._invalid(f"`{name}` cannot begin with two underscores", name)
        for name in held.values:
            if name in {"true", "false", "null"}:
                yield self._invalid(f"`{name}` cannot be a value of an enum", held.name)

    def _kind(self, name: str) -> str | None:
        if name in BUILT_IN:
            return "scalar"
        held = self._part.types.get(name)
        return held.kind if held else None

    def _known(self, type_: str, where: str, *, asked: bool) -> Iterator[Problem]:
        name = named(type_)
        kind = self._kind(name)
        if kind is None:
            yield self._invalid(f"`{where}` has the unknown type `{name}`", where)
        elif asked and kind not in _ASKED:
            yield self._invalid(
                f"`{where}` cannot ask for `{name}`, which is of kind {kind}", where
            )
        elif not asked and kind == "input":
            yield self._invalid(f"`{where}` cannot answer the input `{name}`", where)

    def _input(self, one: Input, where: str) -> Iterator[Problem]:
        yield from self._known(one.type, where, asked=True)
        if one.default is not None and not allowed(
            self._part, one.type, parse_value(one.default, no_location=True)
        ):
            yield self._invalid(f"the default of `{where}` is none that its type allows", where)

    def _members(self, held: Type) -> Iterator[Problem]:
        if len(set(held.members)) < len(held.members):
            yield self._invalid(f"union `{held.name}` has a member twice", held.name)
        for name in held.members:
            if self._kind(name) != "object":
                yield self._invalid(
                    f"union `{held.name}` cannot have `{name}`, which is no object type", held.name
                )

    def _implements(self, held: Type, name: str) -> Iterator[Problem]:
        interface = self._part.types.get(name)
        if interface is None or interface.kind != "interface" or name == held.name:
            yield self._invalid(f"`{held.name}` cannot implement `{name}`", held.name)
            return
        for each in interface.interfaces:
            if each not in held.interfaces and each != held.name:
                yield self._invalid(
                    f"`{held.name}` must implement `{each}`, which `{name}` implements", held.name
                )
        for field in interface.fields.values():
            own = held.fields.get(field.name)
            where = f"{held.name}.{field.name}"
            if own is None:
                yield self._invalid(f"`{name}.{field.name}` is not in `{held.name}`", where)
                continue
            if not self._subtypes.is_sub(own.type, field.type):
                yield self._invalid(
                    f"`{where}` has type `{own.type}`, and `{name}` wants `{field.type}`", where
                )
            yield from self._arguments(own, field, where)

    def _arguments(self, own: Field, wanted: Field, where: str) -> Iterator[Problem]:
        for one in wanted.arguments.values():
            given = own.arguments.get(one.name)
            if given is None or given.type != one.type:
                yield self._invalid(
                    f"`{where}` must have the argument `{one.name}: {one.type}`", where
                )
        for one in own.arguments.values():
            if one.name not in wanted.arguments and one.required:
                yield self._invalid(f"`{where}` cannot require the argument `{one.name}`", where)

    def _invalid(self, message: str, where: str) -> Problem:
        name = self._part.name
        return Problem(
            code="INVALID_GRAPHQL",
            message=f"[{name}] {message}",
            subgraphs=(name,),
            coordinates=(where,),
        )

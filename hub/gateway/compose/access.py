"""What is ``@inaccessible`` must leave an API schema that stands by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import ValueNode, parse_value
from graphql.language import ast

from hub.gateway.compose.parts import Field, Input, Type, named
from hub.gateway.compose.problems import Problem


def check_access(types: Mapping[str, Type]) -> Iterator[Problem]:
    """What would be missing from the API schema, given the types as merged."""
    return _Access(types).check()


class _Access:
    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = types

    def check(self) -> Iterator[Problem]:
        """Every problem of every type."""
        for held in self._types.values():
            if held.inaccessible:
                if held.name == "Query":
                    yield _problem(
                        "QUERY_ROOT_TYPE_INACCESSIBLE", "`Query` is @inaccessible", "Query"
                    )
            else:
                yield from self._children(held)
                for field in held.fields.values():
                    where = f"{held.name}.{field.name}"
                    look = self._wanted if field.inaccessible else self._field
                    yield from look(held, field, where)
                for one in held.inputs.values():
                    yield from self._input(one, f"{held.name}.{one.name}")

    def _gone(self, name: str) -> bool:
        held = self._types.get(named(name))
        return held is not None and held.inaccessible

    def _children(self, held: Type) -> Iterator[Problem]:
        inside: list[bool] = [
            *(one.inaccessible for one in held.fields.values()),
            *(one.inaccessible for one in held.inputs.values()),
            *(one.inaccessible for one in held.values.values()),
            *(self._gone(one) for one in held.members),
        ]
        if inside and all(inside):
            yield _problem(
                "ONLY_INACCESSIBLE_CHILDREN",
                f"all that is in `{held.name}` is @inaccessible",
                held.name,
            )

    def _field(self, held: Type, field: Field, where: str) -> Iterator[Problem]:
        if self._gone(field.type):
            yield self._refers(where, field.type)
        for one in field.arguments.values():
            yield from self._input(one, f"{where}({one.name}:)")
        yield from self._wanted_arguments(held, field, where)

    def _wanted(self, held: Type, field: Field, where: str) -> Iterator[Problem]:
        """A hidden field is one that an interface in sight wants."""
        for name in held.interfaces:
            interface = self._types.get(name)
            wanted = interface.fields.get(field.name) if interface else None
            if interface and not interface.inaccessible and wanted and not wanted.inaccessible:
                yield _problem(
                    "IMPLEMENTED_BY_INACCESSIBLE",
                    f"`{where}` is @inaccessible, and `{name}` wants it",
                    where,
                )

    def _wanted_arguments(self, held: Type, field: Field, where: str) -> Iterator[Problem]:
        for name in held.interfaces:
            interface = self._types.get(name)
            wanted = interface.fields.get(field.name) if interface else None
            if interface is None or interface.inaccessible or wanted is None:
                continue
            for one in wanted.arguments.values():
                own = field.arguments.get(one.name)
                if own is not None and own.inaccessible and not one.inaccessible:
                    yield _problem(
                        "IMPLEMENTED_BY_INACCESSIBLE",
                        f"`{where}({one.name}:)` is @inaccessible, and `{name}` wants it",
                        f"{where}({one.name}:)",
                    )

    def _input(self, one: Input, where: str) -> Iterator[Problem]:
        if one.inaccessible:
            if one.required:
                yield _problem(
                    "REQUIRED_INACCESSIBLE", f"`{where}` is @inaccessible and required", where
                )
            return
        if self._gone(one.type):
            yield self._refers(where, one.type)
        if one.default is not None:
            value = parse_value(one.default, no_location=True)
            for used in self._used(value, named(one.type)):
                yield _problem(
                    "DEFAULT_VALUE_USES_INACCESSIBLE",
                    f"the default of `{where}` uses `{used}`, which is @inaccessible",
                    where,
                    used,
                )

    def _used(self, value: ValueNode, type_: str) -> Iterator[str]:
        """Coordinates of what is inaccessible in a value."""
        held = self._types.get(type_)
        match value:
            case ast.ListValueNode():
                for each in value.values:
                    yield from self._used(each, type_)
            case ast.EnumValueNode() if held is not None:
                found = held.values.get(value.value)
                if found is not None and found.inaccessible:
                    yield f"{type_}.{value.value}"
            case ast.ObjectValueNode() if held is not None:
                for given in value.fields:
                    one = held.inputs.get(given.name.value)
                    if one is not None and one.inaccessible:
                        yield f"{type_}.{one.name}"
                    elif one is not None:
                        yield from self._used(given.value, named(one.type))
            case _:
                return

    def _refers(self, where: str, type_: str) -> Problem:
        name = named(type_)
        return _problem(
            "REFERENCED_INACCESSIBLE",
            f"`{where}` refers to `{name}`, which is @inaccessible",
            where,
            name,
        )


def _problem(code: str, message: str, *where: str) -> Problem:
    return Problem(code=code, message=message, coordinates=where)

"""Argument values: literals and variables as one tree whose leaves know where they come from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from hub.query.limits import Limits
from hub.query.operation import Binder
from schema.errors import HubError
from schema.model.predicate import Const, Operand, Param
from schema.model.scalar import ScalarKind, canonical

MISSING: Any = object()
"""An argument or input field that is not given."""


_LEAVES = frozenset({str, int, float, bool, Decimal, type(None)})


class Leaf(msgspec.Struct, frozen=True):
    """A scalar or enum value: from the document, or from a variable at a path."""

    value: Any
    variable: str | None = None
    path: tuple[str | int, ...] = ()


class Several(msgspec.Struct, frozen=True):
    """A list; whole from a variable, or written out in the document."""

    items: tuple[Any, ...]
    variable: str | None = None
    path: tuple[str | int, ...] = ()


def from_variable(value: Any, variable: str, path: tuple[str | int, ...] = ()) -> Any:
    """A variable's JSON value as a tree."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: from_variable(v, variable, (*path, key)) for key, v in value.items()}
    if isinstance(value, list):
        items = tuple(from_variable(v, variable, (*path, i)) for i, v in enumerate(value))
        return Several(items, variable, path)
    return Leaf(value, variable, path)


def from_node(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """A value of the document as a tree; `MISSING` for a variable that is not given."""
    match node:
        case VariableNode():
            name = node.name.value
            return from_variable(variables[name], name) if name in variables else MISSING
        case NullValueNode():
            return None
        case ObjectValueNode():
            parts = ((f.name.value, from_node(f.value, variables)) for f in node.fields)
            return {name: value for name, value in parts if value is not MISSING}
        case ListValueNode():
            return Several(tuple(from_node(item, variables) for item in node.values))
        case IntValueNode():
            return Leaf(int(node.value))
        case FloatValueNode():
            return Leaf(Decimal(node.value))
        case StringValueNode() | EnumValueNode() | BooleanValueNode():
            return Leaf(node.value)
        case _:
            raise HubError("BAD_USER_INPUT", "an argument has a wrong value")


def constant(node: ValueNode) -> Any:
    """A value without variables as JSON would hold it; a number with a fraction loses nothing."""
    match node:
        case NullValueNode():
            return None
        case ObjectValueNode():
            return {field.name.value: constant(field.value) for field in node.fields}
        case ListValueNode():
            return [constant(item) for item in node.values]
        case _:
            leaf = from_node(node, {})
            return leaf.value


def coerce(kind: ScalarKind, value: Any, where: str) -> Any:
    """A caller's value as a canonical one (GraphQL's input coercion); never null.

    Raises: ``BAD_USER_INPUT`` that names the place, never the value.
    """
    try:
        match kind:
            case "String":
                fits = isinstance(value, str)
            case "ID":
                fits = isinstance(value, str | int) and not isinstance(value, bool)
            case "Int":
                fits = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
            case "Float":
                fits = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
            case "Boolean":
                fits = isinstance(value, bool)
            case _:
                fits = value is not None
        if fits:
            return canonical(kind, value)
    except (ValueError, InvalidOperation):
        fits = False
    raise HubError("BAD_USER_INPUT", f"{where} has a wrong value", hint=f"a `{kind}` is wanted")


class Params:
    """Collects the binders of an operation while it is built."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.binders: dict[Binder, None] = {}

    def operand(self, leaf: Any, kind: ScalarKind, where: str, role: str = "value") -> Operand:
        """The operand of a leaf; raises for null, lists and objects."""
        if leaf is None or leaf is MISSING:
            raise HubError(
                "BAD_USER_INPUT", f"{where} is null", hint="use `isNull` to look for nulls"
            )
        if not isinstance(leaf, Leaf):
            raise HubError("BAD_USER_INPUT", f"{where} has a wrong value")
        value = coerce(kind, leaf.value, where)
        check_role(role, value, where, self._limits)
        if leaf.variable is None:
            return Const(value)
        return self._param(leaf.variable, leaf.path, kind, role)

    def _param(
        self, variable: str, path: tuple[str | int, ...], kind: ScalarKind, role: str
    ) -> Param:
        name = ".".join(["v", variable, *(str(part) for part in path), kind, role])
        self.binders[Binder(name, variable, path, kind, role)] = None
        return Param(name)

    def several(self, held: Any, kind: ScalarKind, where: str) -> Param | tuple[Operand, ...]:
        """The operands of a list; a whole list from a variable is one param."""
        if isinstance(held, Leaf):
            held = Several((held,), held.variable, held.path)
        if not isinstance(held, Several):
            raise HubError("BAD_USER_INPUT", f"{where} is null")
        if len(held.items) > self._limits.max_in_values:
            raise HubError("BAD_USER_INPUT", f"{where} has too many values")
        if held.variable is not None:
            for item in held.items:
                coerce(kind, item.value if isinstance(item, Leaf) else None, where)
            return self._param(held.variable, held.path, kind, "several")
        return tuple(self.operand(item, kind, where) for item in held.items)


def check_role(role: str, value: Any, where: str, limits: Limits) -> None:
    """Bounds on page sizes."""
    if role == "page":
        if value < 0:
            raise HubError("BAD_USER_INPUT", f"{where} is negative")
        if value > limits.max_page:
            raise HubError(
                "PAGE_TOO_LARGE", f"{where} is over the limit", hint=f"at most {limits.max_page}"
            )


def bind(
    binders: tuple[Binder, ...],
    variables: Mapping[str, Any],
    defaults: Mapping[str, Any],
    limits: Limits,
) -> dict[str, Any]:
    """Param values of one request. Cost: about a microsecond per binder."""
    params: dict[str, Any] = {}
    for binder in binders:
        held = variables.get(binder.variable, MISSING)
        if held is MISSING:
            held = defaults.get(binder.variable)
        if binder.path:
            held = _at(held, binder)
        where = f"variable `${binder.variable}`"
        if binder.role == "several":
            params[binder.param] = _several(held, binder, where, limits)
        elif type(held) is str and binder.kind == "String" and held.isascii():
            params[binder.param] = held
        else:
            value = coerce(binder.kind, held, where)
            if binder.role != "value":
                check_role(binder.role, value, where, limits)
            params[binder.param] = value
    return params


def _several(held: Any, binder: Binder, where: str, limits: Limits) -> list[Any]:
    values = held if isinstance(held, list) else [held]
    if len(values) > limits.max_in_values:
        raise HubError("BAD_USER_INPUT", f"{where} has too many values")
    return [coerce(binder.kind, value, where) for value in values]


def _at(held: Any, binder: Binder) -> Any:
    try:
        for part in binder.path:
            # GraphQL takes one value for a list of one
            held = (
                held[part] if not (isinstance(part, int) and not isinstance(held, list)) else held
            )
    except (KeyError, IndexError, TypeError):
        raise HubError(
            "BAD_USER_INPUT", f"variable `${binder.variable}` has a wrong value"
        ) from None
    return held


def structure(value: Any, budget: list[int]) -> Hashable:
    """The shape of an input object or a list: keys, nulls, booleans, how lists are built; other
    leaves left out; bounded by `budget`."""
    budget[0] -= 1
    if budget[0] < 0:
        raise HubError("BAD_USER_INPUT", "a variable has too many parts")
    if value is None:
        return None
    if isinstance(value, Mapping):
        return tuple((key, structure(held, budget)) for key, held in sorted(value.items()))
    if isinstance(value, list):
        kinds = set(map(type, value))
        if kinds <= _LEAVES:
            # longer lists are alike: only `between` looks at the length, and wants two
            return ("nulls" if type(None) in kinds else "leaves", min(len(value), 3))
        return ("list", *(structure(item, budget) for item in value))
    # a boolean may be that of `isNull`, which decides the predicate itself
    return value if isinstance(value, bool) else "leaf"

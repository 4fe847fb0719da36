"""Documents: what is selected, with which arguments, several fields in one request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLEnumType, GraphQLScalarType, get_named_type, is_required_argument

from connectors.graphql.schema import Composite, Served
from connectors.http.rows import bad
from schema.model.scalar import ScalarKind

Tree = dict[str, "Tree"]
_SAFE_WHOLE = 2**53
_INT = 2**31


class Argument(msgspec.Struct, frozen=True):
    """A value for an argument; ``where.name.eq`` lies in input objects."""

    name: str
    type: str
    value: Any


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the query type to ask for."""

    path: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    selection: str
    """Braces included."""


def request(fields: Sequence[Field]) -> tuple[str, dict[str, Any]]:
    """(text, variables) that ask for fields, each under an alias: `r0`, `r1`, ...

    A value that several fields share is one variable. Values are never in the text.
    """
    variables: dict[str, Any] = {}
    declared: list[str] = []
    shared: dict[tuple[str, int], str] = {}
    lines = []
    for number, field in enumerate(fields):
        tree: dict[str, Any] = {}
        for one in field.arguments:
            name = shared.get((one.type, id(one.value)))
            if name is None:
                name = f"v{len(variables)}"
                shared[one.type, id(one.value)] = name
                variables[name] = one.value
                declared.append(f"${name}: {one.type}")
            _place(tree, one.name.split("."), f"${name}")
        written = f"({', '.join(f'{key}: {_object(held)}' for key, held in tree.items())})"
        *outer, last = field.path
        text = f"{last}{written if tree else ''} {field.selection}"
        for name in reversed(outer):
            text = f"{name} {{ {text} }}"
        lines.append(f"r{number}: {text}")
    head = f"({', '.join(declared)})" if declared else ""
    return f"query{head} {{ {' '.join(lines)} }}", variables


def _place(tree: dict[str, Any], parts: Sequence[str], value: str) -> None:
    *outer, last = parts
    for name in outer:
        tree = tree.setdefault(name, {})
    tree[last] = value


def _object(held: Any) -> str:
    if isinstance(held, str):
        return held
    return f"{{{', '.join(f'{key}: {_object(one)}' for key, one in held.items())}}}"


def tree_of(paths: Iterable[tuple[str, ...]]) -> Tree:
    """Paths as one tree."""
    made: Tree = {}
    for path in paths:
        at = made
        for name in path:
            at = at.setdefault(name, {})
    return made


def put(tree: Tree, path: tuple[str, ...], inner: Tree) -> None:
    """Lay a tree below a path of another."""
    for name in path:
        tree = tree.setdefault(name, {})
    for name, held in inner.items():
        if name in tree:
            put(tree[name], (), held)
        else:
            tree[name] = held


def selection(start: Composite, tree: Tree) -> str:
    """A tree as a selection of a type; raises ``SOURCE_BAD_DATA`` for what it does not have."""
    if not tree:
        return "{ __typename }"
    parts = []
    for name, below in sorted(tree.items()):
        field = start.fields.get(name)
        if field is None or any(map(is_required_argument, field.args.values())):
            raise absent()
        inner = get_named_type(field.type)
        leaf = isinstance(inner, GraphQLScalarType | GraphQLEnumType)
        if (leaf and below) or not (leaf or isinstance(inner, Composite)):
            raise absent()
        parts.append(name if leaf else f"{name} {selection(inner, below)}")
    return f"{{ {' '.join(parts)} }}"


def absent() -> Exception:
    """A declared field is not in the server's schema, or cannot be a column."""
    return bad(
        "the source has no field as it is declared",
        "compare the columns and tables of the fragment with the server's schema",
    )


def argument(served: Served, path: tuple[str, ...], name: str, value: Any) -> Argument:
    """A value for an argument of a field; raises ``SOURCE_BAD_DATA`` where it has none."""
    try:
        return Argument(name, str(served.argument(path, name)), value)
    except KeyError:
        raise absent() from None


UNSENDABLE: Any = type("Unsendable", (), {"__repr__": lambda _: "UNSENDABLE"})()
"""No value of the argument's type is equal to it, so no row has it."""


def sent(value: Any, kind: ScalarKind, of: Any) -> Any:
    """A canonical value as an argument of this type takes it, or `UNSENDABLE`."""
    named = get_named_type(of)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return UNSENDABLE
    if isinstance(named, GraphQLEnumType):
        return text if text in named.values else UNSENDABLE
    match named.name:
        case "ID" | "String":
            return text
        case "Boolean":
            return value if isinstance(value, bool) else UNSENDABLE
        case "Int":
            return _whole(value)
        case "Float":
            return _number(value)
        case _:
            return _custom(value, kind, text)


def _custom(value: Any, kind: ScalarKind, text: str) -> Any:
    """For a scalar of the server's own: numbers that JSON's readers keep, all else as text."""
    if kind in ("Int", "Float", "Boolean"):
        return value
    if kind == "BigInt" and abs(int(text)) < _SAFE_WHOLE:
        return int(text)
    return text


def _whole(value: Any) -> Any:
    try:
        number = int(str(value))
    except ValueError:
        return UNSENDABLE
    return number if -_INT <= number < _INT and not isinstance(value, bool) else UNSENDABLE


def _number(value: Any) -> Any:
    try:
        number = float(str(value))
    except (ValueError, OverflowError):
        return UNSENDABLE
    return number if abs(number) != float("inf") else UNSENDABLE


def shown(values: Mapping[str, Any]) -> str:
    """Names of arguments, for the text of a plan."""
    return ", ".join(sorted(values))

"""Field sets: the arguments of ``@key``, ``@requires`` and ``@provides``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphql import (
    FieldNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

from hub.gateway.model import Chosen, FieldSet, OnType, Piece

_NAMES = re.compile(r"^\s*[_A-Za-z]\w*(?:\s+[_A-Za-z]\w*)*\s*$", re.ASCII)


class FieldSetError(ValueError):
    """A field set is not one; its text says why."""


def read_field_set(text: str, *, aliases: bool = False) -> FieldSet:
    """Read a field set; braces around the whole are allowed, and with `aliases` those, unread.

    Raises: `FieldSetError` where it does not parse, is empty, or has an alias, a directive or a
    named fragment.
    """
    if _NAMES.match(text):  # by far the most are of this kind
        return tuple(Chosen(name) for name in text.split())
    inner = text.strip()
    braced = inner if inner.startswith("{") else "{" + inner + "}"
    try:
        document = parse(braced, no_location=True)
    except GraphQLSyntaxError as error:
        raise FieldSetError(error.message) from error
    except RecursionError as error:
        raise FieldSetError("nested too deep") from error
    if len(document.definitions) != 1:
        raise FieldSetError("more than one selection")
    first = document.definitions[0]
    if not isinstance(first, OperationDefinitionNode):
        raise FieldSetError("not a selection of fields")
    return _pieces(first.selection_set, aliases=aliases)


def _pieces(chosen: SelectionSetNode, *, aliases: bool) -> FieldSet:
    if not chosen.selections:
        raise FieldSetError("nothing is chosen")
    return tuple(each for node in chosen.selections for each in _piece(node, aliases=aliases))


def _piece(node: object, *, aliases: bool) -> FieldSet:
    match node:
        case FieldNode():
            if node.alias is not None and not aliases:
                raise FieldSetError(f"cannot use the alias `{node.alias.value}`")
            if node.directives:
                raise FieldSetError(f"cannot have directives on `{node.name.value}`")
            return (
                Chosen(
                    node.name.value,
                    ", ".join(print_ast(each) for each in node.arguments or ()),
                    _pieces(node.selection_set, aliases=aliases) if node.selection_set else (),
                ),
            )
        case InlineFragmentNode():
            if node.directives:
                raise FieldSetError("cannot have directives on a fragment")
            inner = _pieces(node.selection_set, aliases=aliases)
            return (
                (OnType(node.type_condition.name.value, inner),) if node.type_condition else inner
            )
        case _:
            raise FieldSetError("cannot use a named fragment")


def print_field_set(fields: Iterable[Piece]) -> str:
    """Print a field set in one line, as ``id organisation { id }``."""
    texts = []
    for each in fields:
        inner = f" {{ {print_field_set(each.selections)} }}" if each.selections else ""
        if isinstance(each, Chosen):
            arguments = f"({each.arguments})" if each.arguments else ""
            texts.append(f"{each.name}{arguments}{inner}")
        else:
            texts.append(f"... on {each.type}{inner}")
    return " ".join(texts)


def ordered(fields: FieldSet) -> FieldSet:
    """The same field set in an order of its own, so that equal ones compare equal."""
    sorted_inside = [
        Chosen(each.name, each.arguments, ordered(each.selections))
        if isinstance(each, Chosen)
        else OnType(each.type, ordered(each.selections))
        for each in fields
    ]
    return tuple(sorted(sorted_inside, key=lambda each: print_field_set((each,))))

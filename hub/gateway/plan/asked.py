"""What is asked for in one place: selections of a client or of a field set, as values.

Fragments are inline, `@skip` and `@include` are decided, arguments are text in one order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    ObjectValueNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
    print_ast,
)
from graphql.language import ListValueNode, OperationDefinitionNode

from hub.gateway.model import Chosen, FieldSet
from schema.errors import HubError

TYPENAME = "__typename"


class Arguments(msgspec.Struct, frozen=True, cache_hash=True):
    """Arguments of one use of a field: `text` without parentheses, sorted by name."""

    text: str = ""
    names: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()


NO_ARGUMENTS = Arguments()


class Asked(msgspec.Struct, frozen=True, cache_hash=True):
    """One field; `key` is the client's response key, or empty where only a fetch needs it."""

    key: str
    name: str
    arguments: Arguments = NO_ARGUMENTS
    below: tuple[Selection, ...] = ()


class OnlyOn(msgspec.Struct, frozen=True, cache_hash=True):
    """Selections for objects of one type, interface or union."""

    type: str
    below: tuple[Selection, ...] = ()


Selection = Asked | OnlyOn


def of_operation(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    flags: Mapping[str, Any],
    max_depth: int,
) -> tuple[Selection, ...]:
    """The selections of an operation, under these values of variables in conditions.

    Raises: HubError: ``TOO_DEEP``.
    """
    return _of_set(operation.selection_set, fragments, flags, max_depth)


def _of_set(
    held: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    flags: Mapping[str, Any],
    levels: int,
) -> tuple[Selection, ...]:
    if levels <= 0:
        raise HubError("TOO_DEEP", "the operation is nested too deep")
    made: list[Selection] = []
    for node in held.selections:
        if not _included(node, flags):
            continue
        if isinstance(node, FieldNode):
            held_set = node.selection_set
            below = _of_set(held_set, fragments, flags, levels - 1) if held_set else ()
            key = node.alias.value if node.alias else node.name.value
            made.append(Asked(key, node.name.value, arguments_of(node), below))
        elif isinstance(node, InlineFragmentNode):
            below = _of_set(node.selection_set, fragments, flags, levels)
            condition = node.type_condition
            if condition is None:
                made.extend(below)
            else:
                made.append(OnlyOn(condition.name.value, below))
        else:
            fragment = fragments[node.name.value]  # type: ignore[attr-defined]
            below = _of_set(fragment.selection_set, fragments, flags, levels)
            made.append(OnlyOn(fragment.type_condition.name.value, below))
    return tuple(made)


def _included(node: Any, flags: Mapping[str, Any]) -> bool:
    for directive in node.directives or ():
        if directive.name.value not in ("skip", "include"):
            continue
        value = directive.arguments[0].value
        held = flags.get(value.name.value) if isinstance(value, VariableNode) else value.value
        if bool(held) == (directive.name.value == "skip"):
            return False
    return True


def condition_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """The variables that `@skip` and `@include` of an operation's document read, sorted."""
    found: set[str] = set()
    todo = [operation.selection_set, *(f.selection_set for f in fragments.values())]
    while todo:
        for node in todo.pop().selections:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    (argument,) = directive.arguments or ()
                    value = argument.value
                    if isinstance(value, VariableNode):
                        found.add(value.name.value)
            below = getattr(node, "selection_set", None)
            if below is not None:
                todo.append(below)
    return tuple(sorted(found))


def arguments_of(node: FieldNode) -> Arguments:
    """The arguments of a field."""
    if not node.arguments:
        return NO_ARGUMENTS
    held = sorted(node.arguments, key=lambda argument: argument.name.value)
    variables: set[str] = set()
    for argument in held:
        _variables(argument.value, variables)
    text = ", ".join(f"{a.name.value}: {print_ast(a.value)}" for a in held)
    return Arguments(text, frozenset(a.name.value for a in held), frozenset(variables))


def _variables(value: ValueNode, found: set[str]) -> None:
    if isinstance(value, VariableNode):
        found.add(value.name.value)
    elif isinstance(value, ListValueNode):
        for item in value.values:
            _variables(item, found)
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            _variables(field.value, found)


@lru_cache(4096)
def of_fields(fields: FieldSet) -> tuple[Selection, ...]:
    """The selections of a field set, none of them the client's."""
    made: list[Selection] = []
    for piece in fields:
        if isinstance(piece, Chosen):
            made.append(of_piece(piece))
        else:
            made.append(OnlyOn(piece.type, of_fields(piece.selections)))
    return tuple(made)


def of_piece(piece: Chosen) -> Asked:
    """One field of a field set with what is below it."""
    return Asked("", piece.name, arguments_text(piece.arguments), of_fields(piece.selections))


@lru_cache(1024)
def arguments_text(text: str) -> Arguments:
    """Arguments written in a field set."""
    if not text.strip():
        return NO_ARGUMENTS
    document = parse(f"{{ f({text}) }}", no_location=True)
    node = document.definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    return arguments_of(node)


class Wanted(msgspec.Struct, frozen=True, cache_hash=True):
    """A field of one concrete type, all selections of it merged.

    `tree` is its key in the tree of results. `shown`: the client asked for it.
    """

    tree: str
    name: str
    arguments: Arguments
    below: tuple[Selection, ...]
    shown: bool

    @property
    def identity(self) -> tuple[str, Arguments]:
        """Equal for fields with one value."""
        return self.name, self.arguments


PIN = "\x01"
"""Stands in the tree's keys before the one subgraph that answers a key's part; in no text."""


def fits(one: Sequence[Selection], other: Sequence[Selection]) -> bool:
    """Whether one representation holds both: no name with two meanings, at any level."""
    mine, theirs = flat(one, lambda _: True), flat(other, lambda _: True)
    return all(
        a.arguments == b.arguments and fits(a.below, b.below)
        for a in mine
        for b in theirs
        if a.name == b.name
    )


def hidden_key(name: str, arguments: Arguments) -> str:
    """The tree's key of a field that no client asked for; no client's key has a ``#``."""
    return f"#{name}({arguments.text})" if arguments.text else f"#{name}"


def flat(selections: Sequence[Selection], applies: Any) -> list[Asked]:
    """The fields among selections whose type conditions hold."""
    made: list[Asked] = []
    for one in selections:
        if isinstance(one, Asked):
            made.append(one)
        elif applies(one.type):
            made.extend(flat(one.below, applies))
    return made


def merged(fields: Sequence[Asked]) -> dict[str, Wanted]:
    """Fields by their tree keys, the client's first and in the client's order."""
    made: dict[str, Wanted] = {}
    for one in fields:
        if one.key:
            held = made.get(one.key)
            below = held.below + one.below if held else one.below
            made[one.key] = Wanted(one.key, one.name, one.arguments, below, True)
    for one in fields:
        if not one.key:
            made = with_hidden(made, one)[0]
    return made


def with_hidden(items: dict[str, Wanted], one: Asked) -> tuple[dict[str, Wanted], str, bool]:
    """The fields with one more that only a fetch needs, its key, whether anything changed."""
    for key, held in items.items():
        if held.identity == (one.name, one.arguments) and PIN not in key:
            more = tuple(s for s in one.below if s not in held.below)
            if not more:
                return items, key, False
            changed = msgspec.structs.replace(held, below=held.below + more)
            return {**items, key: changed}, key, True
    key = hidden_key(one.name, one.arguments)
    wanted = Wanted(key, one.name, one.arguments, one.below, False)
    return {**items, key: wanted}, key, True

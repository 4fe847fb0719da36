"""Collecting fields: fragments expanded, equal response keys merged, conditions applied.

A field under ``@skip`` or ``@include`` that is off stays out of the answer but not out of the
uses: it is collected as inactive (GraphQL September 2025, section 6.3.2, CollectFields).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from graphql.language import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from hub.query.bounds import response_key, too_many_fields
from hub.query.limits import Limits
from hub.query.variables import MISSING, Leaf, from_node
from schema.errors import HubError


class Sets(msgspec.Struct, frozen=True):
    """Selection sets that are to be merged, each active or only looked at for its uses."""

    held: tuple[tuple[SelectionSetNode, bool], ...]


class Collected(msgspec.Struct, frozen=True):
    """All nodes of one response key."""

    key: str
    node: FieldNode
    active: bool
    below: Sets


class Collector:
    """Collects the fields of one operation under its variables; spends one budget for all of
    them, so that what fragments come to is bounded while it is walked."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
        limits: Limits,
    ) -> None:
        self._fragments = fragments
        self._variables = variables
        self._limits = limits
        self._left = limits.max_fields

    def fields(self, sets: Sets, types: frozenset[str] | None) -> list[Collected]:
        """Fields, those of the answer first and in its order. `types`: names for which a type
        condition holds; ``None`` takes every fragment."""
        found: dict[str, list[tuple[FieldNode, bool]]] = {}
        shown: dict[str, None] = {}
        for node, on in self._walk(sets, types):
            if isinstance(node, FieldNode):
                key = response_key(node)
                found.setdefault(key, []).append((node, on))
                if on:
                    shown.setdefault(key)
        collected = []
        for key in (*shown, *(key for key in found if key not in shown)):
            nodes = found[key]
            below = tuple(
                (node.selection_set, active)
                for node, active in nodes
                if node.selection_set is not None
            )
            collected.append(Collected(key, nodes[0][0], key in shown, Sets(below)))
        return collected

    def _walk(
        self, sets: Sets, types: frozenset[str] | None
    ) -> Iterator[tuple[SelectionNode, bool]]:
        """Every selection in these sets, whether it is active; each fragment once, and once more
        when it was inactive at first (GraphQL's `visitedFragments`)."""
        seen: set[tuple[str, bool]] = set()
        for held, active in sets.held:
            stack = [(iter(held.selections), active)]
            while stack:
                nodes, active = stack[-1]
                node = next(nodes, None)
                if node is None:
                    stack.pop()
                    continue
                self._spend()
                on = active and self._included(node.directives)
                yield node, on
                below = self._below(node, on, types, seen)
                if below is not None:
                    stack.append((iter(below.selections), on))

    def _below(
        self,
        node: SelectionNode,
        on: bool,
        types: frozenset[str] | None,
        seen: set[tuple[str, bool]],
    ) -> SelectionSetNode | None:
        """What a fragment adds to the selection set it stands in."""
        match node:
            case InlineFragmentNode(type_condition=condition):
                if condition is None or types is None or condition.name.value in types:
                    return node.selection_set
            case FragmentSpreadNode():
                name = node.name.value
                fragment = self._fragments[name]
                if types is not None and fragment.type_condition.name.value not in types:
                    return None
                # an active visit has found whatever an inactive one could
                if (name, True) not in seen and (name, on) not in seen:
                    seen.add((name, on))
                    return fragment.selection_set
        return None

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise too_many_fields(self._limits)

    def _included(self, directives: Sequence[DirectiveNode] | None) -> bool:
        for directive in directives or ():
            name = directive.name.value
            if name not in ("skip", "include"):
                continue
            (condition,) = directive.arguments or ()
            value = from_node(condition.value, self._variables)
            if value is MISSING or not isinstance(value, Leaf) or not isinstance(value.value, bool):
                raise HubError("BAD_USER_INPUT", f"`@{name}` has a wrong value")
            if value.value == (name == "skip"):
                return False
        return True

    def conditions(self, sets: Sets) -> frozenset[str]:
        """Names of all types that fragments in these sets (not deeper) are conditioned on."""
        names: set[str] = set()
        for node, _ in self._walk(sets, None):
            match node:
                case InlineFragmentNode(type_condition=condition) if condition is not None:
                    names.add(condition.name.value)
                case FragmentSpreadNode():
                    names.add(self._fragments[node.name.value].type_condition.name.value)
        return frozenset(names)

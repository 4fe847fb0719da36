"""Bounds on a parsed document, counted before anything walks it at greater cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from graphql.language import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from hub.query.limits import Limits
from schema.errors import HubError

MAX_NUMBER = 400
"""Characters of a number literal; longer ones stall integer parsers."""

Fragments = Mapping[str, FragmentDefinitionNode]
Place = tuple[SelectionSetNode, frozenset[str]]
"""A selection set and the fragments it stands in."""


def check_document(ast: DocumentNode, limits: Limits) -> None:
    """What stands in the document, then what it comes to with its fragments expanded.

    Raises: `HubError`. Cost: linear in the document, and in `max_fields`.
    """
    _check_written(ast, limits)
    _check_expanded(ast, limits)


def _check_written(ast: DocumentNode, limits: Limits) -> None:
    """Aliases, directives, fragments, repeats and number lengths, counted without recursion."""
    aliases = directives = fragments = spreads = 0
    todo: list[Node] = list(ast.definitions)
    while todo:
        node = todo.pop()
        if isinstance(node, FieldNode):
            aliases += node.alias is not None
        elif isinstance(node, DirectiveNode):
            directives += 1
        elif isinstance(node, FragmentSpreadNode):
            spreads += 1
        elif isinstance(node, FragmentDefinitionNode):
            fragments += 1
        elif isinstance(node, IntValueNode | FloatValueNode) and len(node.value) > MAX_NUMBER:
            raise HubError("BAD_USER_INPUT", "a number has too many digits")
        elif isinstance(node, SelectionSetNode):
            _check_repeats(node, limits)
        if isinstance(node, VariableNode):
            continue
        for key in node.keys:
            held = getattr(node, key, None)
            if isinstance(held, Node):
                todo.append(held)
            elif isinstance(held, tuple | list):
                todo.extend(item for item in held if isinstance(item, Node))
    if aliases > limits.max_aliases:
        raise HubError("TOO_MANY_ALIASES", "the operation has too many aliases")
    if directives > limits.max_directives:
        raise HubError("TOO_MANY_DIRECTIVES", "the document has too many directives")
    if fragments > limits.max_fragments or spreads > limits.max_spreads:
        raise HubError(
            "TOO_MANY_FRAGMENTS",
            "the document has too many fragments",
            hint=f"at most {limits.max_fragments}, spread {limits.max_spreads} times",
        )


def _check_repeats(node: SelectionSetNode, limits: Limits) -> None:
    counts: dict[str, int] = {}
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            key = response_key(selection)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] > limits.max_repeats:
                raise _repeated()


def response_key(node: FieldNode) -> str:
    """The alias, or else the name."""
    return node.alias.value if node.alias else node.name.value


def _repeated() -> HubError:
    return HubError("TOO_MANY_ALIASES", "a field is repeated too often")


class Expansion:
    """Walks selection sets with fragments expanded; spends a budget for every selection."""

    def __init__(self, fragments: Fragments, limits: Limits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._fields = limits.max_fields
        self._merges = limits.max_merges
        self.reached: set[str] = set()

    def level(self, places: Iterable[Place]) -> dict[str, list[tuple[FieldNode, frozenset[str]]]]:
        """The fields of merged selection sets by response key, whatever their type conditions.

        Order: that of the document. Raises: `HubError` when the budget is spent.
        """
        found: dict[str, list[tuple[FieldNode, frozenset[str]]]] = {}
        seen: set[str] = set()
        stack: list[tuple[Iterator[SelectionNode], frozenset[str]]] = []
        for selection_set, inside in places:
            stack.append((iter(selection_set.selections), inside))
            while stack:
                nodes, inside = stack[-1]
                node = next(nodes, None)
                if node is None:
                    stack.pop()
                    continue
                self._spend()
                match node:
                    case FieldNode():
                        held = found.setdefault(response_key(node), [])
                        self._compare(len(held))
                        held.append((node, inside))
                    case InlineFragmentNode():
                        stack.append((iter(node.selection_set.selections), inside))
                    case FragmentSpreadNode():
                        name = node.name.value
                        fragment = self._fragments.get(name)
                        # an unknown fragment and a cycle are for validation to tell
                        if fragment is not None and name not in seen and name not in inside:
                            seen.add(name)
                            self.reached.add(name)
                            below = iter(fragment.selection_set.selections)
                            stack.append((below, inside | {name}))
        return found

    def whole(self, selection_set: SelectionSetNode) -> None:
        """Walk everything below a selection set."""
        todo: list[list[Place]] = [[(selection_set, frozenset())]]
        while todo:
            for nodes in self.level(todo.pop()).values():
                below = below_of(nodes)
                if below:
                    todo.append(below)

    def _spend(self) -> None:
        self._fields -= 1
        if self._fields < 0:
            raise too_many_fields(self._limits)

    def _compare(self, others: int) -> None:
        self._merges -= others
        if self._merges < 0:
            raise _repeated()


def below_of(nodes: Iterable[tuple[FieldNode, frozenset[str]]]) -> list[Place]:
    """What is selected below the fields of one response key."""
    return [
        (node.selection_set, inside) for node, inside in nodes if node.selection_set is not None
    ]


def too_many_fields(limits: Limits) -> HubError:
    """What is told when an operation comes to more fields than one may have."""
    return HubError(
        "TOO_COSTLY",
        "the operation has too many fields once its fragments are expanded",
        hint=f"at most {limits.max_fields}; spread fragments less often",
    )


def _check_expanded(ast: DocumentNode, limits: Limits) -> None:
    fragments = {
        definition.name.value: definition
        for definition in ast.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    expansion = Expansion(fragments, limits)
    for definition in ast.definitions:
        if isinstance(definition, OperationDefinitionNode):
            expansion.whole(definition.selection_set)
    for name, fragment in fragments.items():
        # not valid when no operation reaches it, but validation compares its fields all the same
        if name not in expansion.reached:
            expansion.whole(fragment.selection_set)

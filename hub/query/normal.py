"""An operation without its values: one text for all requests that differ in nothing but values.

What decides the plan is written out (nulls, `isNull`, conditions of directives, words of enums,
the shape of filters); every other value is a typed variable without a value. Names that callers
choose (of operations, variables, fragments, and aliases) are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    TypeInfo,
    get_named_type,
)
from graphql.language import (
    REMOVE,
    ArgumentNode,
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)
from graphql.utilities import TypeInfoVisitor, strip_ignored_characters

from schema.errors import HubError

MOST_PARTS = 2_000
_LISTED = 2
"""How many variables stand for a list of values: only `between` looks at the length."""
_WORD = re.compile(r"[A-Za-z_]\w{0,127}\Z", re.ASCII)
SAMPLES: Mapping[str, Any] = {
    "ID": "x", "String": "x", "Int": 1, "BigInt": "1", "Float": 1.5, "Decimal": "1",
    "Boolean": True, "Date": "2000-01-01", "DateTime": "2000-01-01T00:00:00Z",
    "LocalDateTime": "2000-01-01T00:00:00", "Time": "00:00:00", "JSON": {},
}  # fmt: skip
"""A value of each scalar, for a variable of which none is known."""


def blank(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables without values: words stay, since they may be of an enum.

    Raises: ``BAD_USER_INPUT`` for more than `MOST_PARTS` parts.
    """
    left = [MOST_PARTS]

    def blanked(value: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise HubError("BAD_USER_INPUT", "the variables have too many parts")
        if isinstance(value, Mapping):
            return {name: blanked(held) for name, held in value.items()}
        if isinstance(value, list):
            return [blanked(held) for held in value]
        if value is None or isinstance(value, bool):
            return value
        return value if isinstance(value, str) and _WORD.match(value) else 0

    return {name: blanked(value) for name, value in variables.items()}


def normal_text(
    ast: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
) -> str:
    """The operation of a document that is valid for the schema, without values.

    Raises: ``BAD_USER_INPUT`` for variables that do not fit.
    """
    operation, fragments = _used(ast, operation_name)
    names = {name: f"F{number}" for number, name in enumerate(fragments, 1)}
    writer = _Writer(operation, [operation, *fragments.values()], names, variables, schema)
    bare = OperationDefinitionNode(
        operation=operation.operation,
        name=None,
        variable_definitions=(),
        directives=operation.directives,
        selection_set=operation.selection_set,
    )
    document = DocumentNode(definitions=(bare, *fragments.values()))
    found = cast(DocumentNode, visit(document, TypeInfoVisitor(writer.info, writer)))
    head, *rest = found.definitions
    assert isinstance(head, OperationDefinitionNode)  # noqa: S101 - invariant: put there above
    whole = OperationDefinitionNode(
        operation=head.operation,
        name=None,
        variable_definitions=tuple(writer.declared.values()),
        directives=head.directives,
        selection_set=head.selection_set,
    )
    text: str = print_ast(DocumentNode(definitions=(whole, *rest)))
    return strip_ignored_characters(text)


def _used(
    ast: DocumentNode, name: str | None
) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    """The operation, and the fragments that it spreads, in the order in which they are met."""
    known: dict[str, FragmentDefinitionNode] = {}
    found: list[OperationDefinitionNode] = []
    for definition in ast.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            known[definition.name.value] = definition
        elif isinstance(definition, OperationDefinitionNode):
            own = definition.name.value if definition.name else None
            if name in (None, own):
                found.append(definition)
    if len(found) != 1:
        raise HubError("BAD_USER_INPUT", "the operation is not in the document")
    met: dict[str, FragmentDefinitionNode] = {}
    spreads = _Spreads(lambda spread: met.setdefault(spread, known[spread]))
    visit(found[0], spreads)
    done = 0
    while done < len(met):
        visit(list(met.values())[done], spreads)
        done += 1
    return found[0], met


class _Spreads(Visitor):
    """Tells of every spread."""

    def __init__(self, tell: Callable[[str], Any]) -> None:
        super().__init__()
        self._tell = tell

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self._tell(node.name.value)


class _Names(Visitor):
    """The names of fields in a document."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.fields.add(node.name.value)


class _Writer(Visitor):
    """Puts variables in the place of values."""

    def __init__(
        self,
        operation: OperationDefinitionNode,
        parts: list[OperationDefinitionNode | FragmentDefinitionNode],
        fragments: Mapping[str, str],
        variables: Mapping[str, Any],
        schema: GraphQLSchema,
    ) -> None:
        super().__init__()
        self.info = TypeInfo(schema)
        self.declared: dict[Hashable, VariableDefinitionNode] = {}
        self._fragments = fragments
        declared = {v.variable.name.value: v for v in operation.variable_definitions or ()}
        self._given = {name: held for name, held in variables.items() if name in declared}
        self._defaults = {name: one.default_value for name, one in declared.items()}
        self._conditions = False
        self._aliases: dict[str, str] = {}
        names = _Names()
        for part in parts:
            visit(part, names)
        self._fields = names.fields

    def enter_directive(self, *_: Any) -> None:
        self._conditions = True

    def leave_directive(self, *_: Any) -> None:
        self._conditions = False

    def leave_argument(self, node: ArgumentNode, *_: Any) -> Any:
        kept = self._value(node.value, self.info.get_input_type(), stays=self._conditions)
        return REMOVE if kept is None else ArgumentNode(name=node.name, value=kept)

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode:
        alias = node.alias
        if alias is not None and alias.value not in self._fields:
            alias = NameNode(value=self._aliases.setdefault(alias.value, self._free()))
        return FieldNode(
            alias=alias,
            name=node.name,
            arguments=node.arguments,
            directives=node.directives,
            selection_set=node.selection_set,
        )

    def _free(self) -> str:
        number = len(self._aliases) + 1
        while f"a{number}" in self._fields:
            number += len(self._aliases) + 1
        return f"a{number}"

    def leave_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> FragmentSpreadNode:
        name = NameNode(value=self._fragments[node.name.value])
        return FragmentSpreadNode(name=name, directives=node.directives)

    def leave_fragment_definition(
        self, node: FragmentDefinitionNode, *_: Any
    ) -> FragmentDefinitionNode:
        return FragmentDefinitionNode(
            name=NameNode(value=self._fragments[node.name.value]),
            variable_definitions=(),
            type_condition=node.type_condition,
            directives=node.directives,
            selection_set=node.selection_set,
        )

    def _value(self, node: ValueNode, kind: Any, *, stays: bool) -> ValueNode | None:
        """A value of the document; ``None`` for a variable that is not given."""
        if isinstance(node, VariableNode):
            name = node.name.value
            if name in self._given:
                return self._json(self._given[name], kind, (name,), stays=stays)
            default = self._defaults.get(name)
            return None if default is None else self._value(default, kind, stays=stays)
        bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(node, NullValueNode):
            return NullValueNode()
        if isinstance(node, ListValueNode):
            item = bare.of_type if isinstance(bare, GraphQLList) else bare
            if _is_value(item):
                return self._list(len(node.values), item, ("list", print_ast(node)))
            kept = (self._value(held, item, stays=stays) for held in node.values)
            return ListValueNode(values=tuple(one or NullValueNode() for one in kept))
        if isinstance(node, ObjectValueNode):
            parts = []
            for field in node.fields:
                inner = _field(bare, field.name.value)
                held = self._value(field.value, inner, stays=field.name.value == "isNull")
                if held is not None:
                    parts.append(ObjectFieldNode(name=field.name, value=held))
            return ObjectValueNode(fields=tuple(parts))
        if isinstance(node, EnumValueNode) and isinstance(get_named_type(bare), GraphQLEnumType):
            return node
        if isinstance(node, BooleanValueNode) and stays:
            return node
        return self._hole(bare, ("value", print_ast(node)))

    def _json(
        self, value: Any, kind: Any, path: tuple[str | int, ...], *, stays: bool
    ) -> ValueNode:
        """A value of a variable; its place stands for it."""
        bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if value is None:
            return NullValueNode()
        if isinstance(value, list):
            item = bare.of_type if isinstance(bare, GraphQLList) else bare
            if _is_value(item):
                return self._list(len(value), item, path)
            return ListValueNode(
                values=tuple(
                    self._json(held, item, (*path, number), stays=stays)
                    for number, held in enumerate(value)
                )
            )
        if isinstance(value, Mapping):
            return ObjectValueNode(
                fields=tuple(
                    ObjectFieldNode(
                        name=NameNode(value=name),
                        value=self._json(
                            held, _field(bare, name), (*path, name), stays=name == "isNull"
                        ),
                    )
                    for name, held in value.items()
                )
            )
        named = get_named_type(bare)
        if isinstance(named, GraphQLEnumType):
            if value not in named.values:
                raise HubError("BAD_USER_INPUT", "a variable does not fit its type")
            return EnumValueNode(value=value)
        if isinstance(value, bool) and stays:
            return BooleanValueNode(value=value)
        return self._hole(bare, path)

    def _list(self, length: int, item: Any, key: Hashable) -> ListValueNode:
        places = range(min(length, _LISTED))
        return ListValueNode(values=tuple(self._hole(item, (key, place)) for place in places))

    def _hole(self, kind: Any, key: Hashable) -> VariableNode:
        """The variable for a value; the same for equal ones, which figures may ask for."""
        named = get_named_type(kind)
        if not _is_value(kind):
            raise HubError("BAD_USER_INPUT", "a value does not fit its type")
        place = (named.name, key)
        held = self.declared.get(place)
        if held is None:
            variable = VariableNode(name=NameNode(value=f"v{len(self.declared) + 1}"))
            kind_node = NonNullTypeNode(type=NamedTypeNode(name=NameNode(value=named.name)))
            held = VariableDefinitionNode(variable=variable, type=kind_node, directives=())
            self.declared[place] = held
        return held.variable


def _is_value(kind: Any) -> bool:
    named = get_named_type(kind)
    return named is not None and named.name in SAMPLES


def _field(kind: Any, name: str) -> Any:
    named = get_named_type(kind)
    found = named.fields.get(name) if isinstance(named, GraphQLInputObjectType) else None
    if found is None:
        raise HubError("BAD_USER_INPUT", "a value does not fit its type")
    return found.type

"""What an operation can come to: the uses of every choice of its variables and conditions.

The document is rewritten so that one translation says it: `@skip` and `@include` are taken away,
pages are as large as they may get, and variables hold a value that names all that one can name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import (
    REMOVE,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_required_argument,
    type_from_ast,
    visit,
)
from graphql.language import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
)

from hub.query.limits import Limits
from hub.query.operation import Operation
from hub.query.parse import Document, build_operation
from schema.graph.build import Face
from schema.model.use import FieldUse

_PAGING = ("first", "last", "after", "before")
_UNBOUNDED = 10**12
_EXAMPLES: Mapping[str, Any] = {
    "ID": "x",
    "String": "x",
    "Int": 1,
    "BigInt": "1",
    "Float": 1.0,
    "Decimal": "1",
    "Boolean": True,
    "Date": "2000-01-01",
    "DateTime": "2000-01-01T00:00:00Z",
    "LocalDateTime": "2000-01-01T00:00:00",
    "Time": "00:00:00",
    "JSON": "x",
}


class Widest(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of a document."""

    name: str | None
    operations: tuple[Operation, ...]
    """Together they show, use and fetch whatever the operation can; () for introspection."""
    uses: tuple[FieldUse, ...]
    """Every use that some variables make."""
    certain: tuple[FieldUse, ...]
    """The uses that all variables make: one of them refused refuses the operation."""


def operation_names(document: Document) -> list[str | None]:
    """The operations of a document, in its order."""
    return [
        None if node.name is None else node.name.value
        for node in document.ast.definitions
        if isinstance(node, OperationDefinitionNode)
    ]


def widest(document: Document, name: str | None, text: str) -> Widest:
    """All that an operation can come to.

    Raises: `HubError` for an operation that no variables make right. Cost: linear in the
    document and in the input types that its variables reach.
    """
    if document.is_introspection(name):
        return Widest(name=name, operations=(), uses=(), certain=())
    face = document.face
    limits = msgspec.structs.replace(
        document.limits,
        max_fields=_UNBOUNDED,
        max_cost=_UNBOUNDED,
        max_filter_nodes=_UNBOUNDED,
        max_terms=_UNBOUNDED,
        max_page=max(document.limits.max_page, document.limits.default_page),
    )
    wide = _rewritten(document.ast, face.schema, _Widen(limits))
    declared = document.definition(name).variables.values()
    types = {one.variable.name.value: type_from_ast(face.schema, one.type) for one in declared}
    operations = []
    for number in range(max([1, *map(_alternatives, types.values())])):
        values = {held: _whole(of, number, set()) for held, of in types.items()}
        operations.append(_built(wide, face, limits, text, name, values))
    sure = frozenset(
        one.variable.name.value
        for one in declared
        if isinstance(one.type, NonNullTypeNode) and _plain(types[one.variable.name.value])
    )
    narrow = _rewritten(wide, face.schema, _Narrow(sure))
    values = {held: _whole(of, 0, set()) for held, of in types.items()}
    least = _built(narrow, face, limits, text, name, values)
    uses = dict.fromkeys(use for one in operations for use in one.uses)
    certain = tuple(use for use in least.uses if all(use in one.uses for one in operations))
    return Widest(name=name, operations=tuple(operations), uses=tuple(uses), certain=certain)


def _built(
    ast: DocumentNode,
    face: Face,
    limits: Limits,
    text: str,
    name: str | None,
    values: Mapping[str, Any],
) -> Operation:
    return build_operation(Document(ast, face, limits, text), name, values)


def _rewritten(ast: DocumentNode, schema: GraphQLSchema, by: _Widen | _Narrow) -> DocumentNode:
    info = TypeInfo(schema)
    by.info = info
    made: DocumentNode = visit(ast, TypeInfoVisitor(info, by))
    return made


class _Widen(Visitor):
    """Takes conditions away and makes every page as large as some variables make it."""

    info: TypeInfo

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return REMOVE if node.name.value in ("skip", "include") else None

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        declared = self.info.get_field_def()
        # the arguments of a look-up are required, whatever their names
        if declared is None or "first" not in declared.args:
            return None
        if declared.args["first"].type is not GraphQLInt:
            return None
        given = {one.name.value: one for one in node.arguments or ()}
        size = self._size([given[word].value for word in ("first", "last") if word in given])
        first = ArgumentNode(name=NameNode(value="first"), value=IntValueNode(value=str(size)))
        kept = tuple(one for word, one in given.items() if word not in _PAGING)
        return _with_arguments(node, (*kept, first))

    def _size(self, given: list[ValueNode]) -> int:
        sizes = [int(value.value) for value in given if isinstance(value, IntValueNode)]
        if any(isinstance(value, VariableNode) for value in given):
            sizes.append(self._limits.max_page)
        return max(sizes, default=self._limits.default_page)


class _Narrow(Visitor):
    """Leaves only what is there whatever the variables are: `sure` ones always have a value."""

    info: TypeInfo

    def __init__(self, sure: frozenset[str]) -> None:
        super().__init__()
        self._sure = sure

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        declared = self.info.get_field_def()
        if declared is None:
            return None
        kept = []
        for one in node.arguments or ():
            held = declared.args.get(one.name.value)
            value = one.value
            if held is None or not is_required_argument(held):
                pruned = self._pruned(value)
                if pruned is None:
                    continue
                value = pruned
            kept.append(ArgumentNode(name=one.name, value=value))
        return _with_arguments(node, tuple(kept))

    def _pruned(self, value: ValueNode) -> ValueNode | None:
        match value:
            case VariableNode():
                return value if value.name.value in self._sure else None
            case ListValueNode():
                whole = all(self._pruned(item) == item for item in value.values)
                return value if whole else None
            case ObjectValueNode():
                kept = []
                for field in value.fields:
                    pruned = self._pruned(field.value)
                    if pruned is not None:
                        kept.append(type(field)(name=field.name, value=pruned))
                return ObjectValueNode(fields=tuple(kept))
            case _:
                return value


def _with_arguments(node: FieldNode, arguments: tuple[ArgumentNode, ...]) -> FieldNode:
    return FieldNode(
        alias=node.alias,
        name=node.name,
        arguments=arguments,
        directives=node.directives,
        selection_set=node.selection_set,
    )


def _plain(of: Any) -> bool:
    """Whether no value of the type changes what is used."""
    bare = of.of_type if isinstance(of, GraphQLNonNull) else of
    return not isinstance(bare, GraphQLList | GraphQLInputObjectType | GraphQLEnumType)


def _alternatives(of: Any, seen: frozenset[str] = frozenset()) -> int:
    """How many values it takes to name all that a value of the type can name."""
    if isinstance(of, GraphQLNonNull):
        return _alternatives(of.of_type, seen)
    if isinstance(of, GraphQLList):
        # a list names every word at once
        return 1 if _plain_enum(of) else _alternatives(of.of_type, seen)
    if isinstance(of, GraphQLEnumType):
        return len(of.values)
    if isinstance(of, GraphQLInputObjectType) and of.name not in seen:
        inner = [_alternatives(one.type, seen | {of.name}) for one in of.fields.values()]
        return max([len(of.fields) if of.is_one_of else 1, *inner])
    return 1


def _whole(of: Any, number: int, seen: set[str]) -> Any:
    """A value that names all that a value of the type can; of exclusive keys, the `number`-th.

    A condition within a condition of the same type names nothing more.
    """
    if isinstance(of, GraphQLNonNull):
        return _whole(of.of_type, number, seen)
    if isinstance(of, GraphQLList):
        inner = _bare(of)
        if isinstance(inner, GraphQLEnumType):
            return list(inner.values)
        # two: `between` wants as many
        times = 1 if isinstance(inner, GraphQLInputObjectType) else 2
        return [_whole(inner, number, seen) for _ in range(times)]
    if isinstance(of, GraphQLEnumType):
        words = list(of.values)
        return words[number % len(words)]
    if isinstance(of, GraphQLInputObjectType):
        return _object(of, number, seen)
    return _EXAMPLES[of.name]


def _object(of: GraphQLInputObjectType, number: int, seen: set[str]) -> dict[str, Any]:
    fields = list(of.fields.items())
    if of.is_one_of:
        name, one = fields[number % len(fields)]
        return {name: _whole(one.type, number, seen)}
    if any(_is_object(one.type) for _, one in fields):
        if of.name in seen:
            return {}
        seen.add(of.name)
    return {name: _whole(one.type, number, seen) for name, one in fields}


def _bare(of: Any) -> Any:
    while isinstance(of, GraphQLNonNull | GraphQLList):
        of = of.of_type
    return of


def _is_object(of: Any) -> bool:
    return isinstance(_bare(of), GraphQLInputObjectType)


def _plain_enum(of: Any) -> bool:
    return isinstance(_bare(of), GraphQLEnumType)

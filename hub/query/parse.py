"""Documents: bounded, parsed and validated once; then one `Operation` per variable shape."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSyntaxError,
    GraphQLType,
    get_named_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    parse,
    type_from_ast,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
)

from hub.query.bounds import check_document
from hub.query.collect import Collector
from hub.query.cost import CostNode
from hub.query.introspection import check_introspection
from hub.query.limits import Limits
from hub.query.operation import Operation
from hub.query.translate import Translator
from hub.query.variables import bind, constant, structure
from schema.errors import HubError
from schema.graph.build import Face


class RequestError(HubError):
    """The request cannot be carried out; `errors` are GraphQL error objects."""

    def __init__(self, code: str, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(code, str(errors[0]["message"]) if errors else "refused")
        self.errors = tuple(errors)


class _Slot(msgspec.Struct, frozen=True):
    """What of a variable decides the plan: its value, its structure, or only its presence."""

    name: str
    what: Literal["value", "structure", "presence"]
    has_default: bool


class _Definition:
    """One operation of a document, with what is known of its variables."""

    def __init__(self, node: OperationDefinitionNode, face: Face) -> None:
        self.node = node
        self.variables = {v.variable.name.value: v for v in node.variable_definitions or ()}
        self.slots: list[_Slot] = []
        self.defaults: dict[str, Any] = {}
        for name, variable in self.variables.items():
            if variable.default_value is not None:
                self.defaults[name] = constant(variable.default_value)
            what = _what(type_from_ast(face.schema, variable.type))
            self.slots.append(_Slot(name, what, variable.default_value is not None))


def _what(held: GraphQLType | None) -> Literal["value", "structure", "presence"]:
    if held is None:
        return "presence"
    named = get_named_type(held)
    if is_enum_type(named):
        return "value"
    if isinstance(named, GraphQLInputObjectType) or _is_list(held):
        return "structure"
    return "value" if named.name == "Boolean" else "presence"


def _is_list(held: GraphQLType) -> bool:
    return is_list_type(held.of_type if is_non_null_type(held) else held)


class Document:
    """A document that one face has found valid."""

    def __init__(self, ast: DocumentNode, face: Face, limits: Limits, text: str) -> None:
        self.ast = ast
        self.length = len(text)
        self.face = face
        self.limits = limits
        self.text_digest = hashlib.sha256(text.encode()).hexdigest()
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self._definitions: dict[str | None, _Definition] = {}
        for definition in ast.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition
            elif isinstance(definition, OperationDefinitionNode):
                name = definition.name.value if definition.name else None
                self._definitions[name] = _Definition(definition, face)

    def definition(self, name: str | None) -> _Definition:
        """The operation to run; raises when there is none or it is ambiguous."""
        found = self._definitions.get(name)
        if found is None and not name and len(self._definitions) == 1:
            found = next(iter(self._definitions.values()))
        if found is None:
            told = "no such operation in the document" if name else "an operation must be named"
            raise HubError("OPERATION_NOT_FOUND", told)
        return found

    def is_introspection(self, operation_name: str | None) -> bool:
        """Whether the operation asks for the schema; it then must ask for nothing else, and not
        for more of it than tools do."""
        operation = self.definition(operation_name).node
        sets = [operation.selection_set]
        names: set[str] = set()
        seen: set[str] = set()
        while sets:
            for node in sets.pop().selections:
                if isinstance(node, FieldNode):
                    names.add(node.name.value)
                elif isinstance(node, InlineFragmentNode):
                    sets.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                    seen.add(node.name.value)
                    sets.append(self.fragments[node.name.value].selection_set)
        meta = names & {"__schema", "__type"}
        if meta and names - meta - {"__typename"}:
            raise HubError(
                "GRAPHQL_VALIDATION_FAILED", "introspection must be alone in its operation"
            )
        if meta:
            check_introspection(operation, self.fragments, self.face.schema, self.limits)
        return bool(meta)

    def shape(self, operation_name: str | None, variables: Mapping[str, Any]) -> Hashable:
        """Everything about the variables that changes the plan's structure."""
        definition = self.definition(operation_name)
        if not definition.slots:
            return ()
        budget = [self.limits.max_filter_nodes * 4]
        most = self.limits.max_terms
        return tuple(_slot_shape(slot, variables, budget, most) for slot in definition.slots)

    def bind(self, operation: Operation, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Param values of one request; raises for wrong values and for what costs too much."""
        definition = self.definition(operation.name)
        try:
            params = bind(operation.binders, variables, definition.defaults, self.limits)
            if operation.unbound:
                self.check(definition, variables, operation.unbound)
            if operation.cost is not None:
                _check_cost(operation.cost, params, self.limits)
        except HubError:
            # told in the words that a first request with these values would be told in
            build_operation(self, operation.name, variables)
            raise
        return params

    def check(
        self, definition: _Definition, variables: Mapping[str, Any], names: Collection[str]
    ) -> None:
        """Whether these variables fit their declared types; raises ``BAD_USER_INPUT``."""
        given = {name: value for name, value in variables.items() if name in names}
        declared = [held for name, held in definition.variables.items() if name in names]
        coerced = get_variable_values(self.face.schema, declared, given, max_errors=1)
        if isinstance(coerced, list) or getattr(coerced, "errors", None):
            raise HubError("BAD_USER_INPUT", _variable_problem(names, given))


def read_document(text: str, face: Face, limits: Limits) -> Document:
    """Parse and validate a document against a subject's schema.

    Raises: `RequestError` with every error found; messages never name what the subject's schema
    does not hold, and suggest nothing.
    """
    try:
        # without locations: they keep every token of the text as long as the document is kept
        ast = parse(text, no_location=True, max_tokens=limits.max_tokens)
        check_document(ast, limits)
        problems = _problems(ast, face, limits)
        if problems:
            problems = _problems(parse(text, max_tokens=limits.max_tokens), face, limits)
    except GraphQLSyntaxError as error:
        code = syntax_code(error.message)
        raise RequestError(code, [problem_entry(error, code)]) from None
    except RecursionError:
        raise HubError("TOO_DEEP", "the operation is nested too deep") from None
    if problems:
        code = "GRAPHQL_VALIDATION_FAILED"
        raise RequestError(code, [problem_entry(problem, code) for problem in problems])
    for definition in ast.definitions:
        if (
            isinstance(definition, OperationDefinitionNode)
            and definition.operation != OperationType.QUERY
        ):
            raise HubError("GRAPHQL_VALIDATION_FAILED", "the schema has only queries")
    return Document(ast, face, limits, text)


def _problems(ast: DocumentNode, face: Face, limits: Limits) -> list[GraphQLError]:
    return validate(face.schema, ast, max_errors=limits.max_errors, hide_suggestions=True)


def syntax_code(message: str) -> str:
    """The code of a document that does not parse, from the parser's message."""
    # the parser tells its bounds from bad syntax only by its words
    if "Parsing aborted" not in message:
        return "GRAPHQL_PARSE_FAILED"
    return "TOO_MANY_TOKENS" if "tokens" in message else "TOO_DEEP"


def build_operation(
    document: Document, operation_name: str | None, variables: Mapping[str, Any]
) -> Operation:
    """The operation for the shape of these variables.

    Raises: ``BAD_USER_INPUT`` for variables that do not fit their types, limits exceeded.
    """
    definition = document.definition(operation_name)
    node, face = definition.node, document.face
    names = definition.variables.keys()
    document.check(definition, variables, names)
    known = definition.defaults | {n: v for n, v in variables.items() if n in names}
    collector = Collector(document.fragments, known, document.limits)
    translator = Translator(face, collector, known, document.limits)
    roots, cost = translator.roots(node)
    shape = document.shape(operation_name, variables)
    name = node.name.value if node.name else None
    digest = hashlib.sha256(repr((document.text_digest, name, shape)).encode()).hexdigest()
    if cost.is_constant:
        _check_cost(cost, {}, document.limits)
    bound = {binder.variable for binder in translator.params.binders}
    return Operation(
        name=name,
        digest=digest,
        text_digest=document.text_digest,
        roots=roots,
        uses=tuple(translator.uses),
        implied=tuple(translator.implied),
        binders=tuple(translator.params.binders),
        unbound=frozenset(
            slot.name
            for slot in definition.slots
            if slot.what != "value" and slot.name not in bound
        ),
        cost=None if cost.is_constant else cost,
    )


def _variable_problem(names: Collection[str], given: Mapping[str, Any]) -> str:
    missing = [name for name in names if name not in given]
    told = ", ".join(f"`${name}`" for name in (missing or list(given))[:5])
    return f"variables do not fit their types: {told}" if told else "variables do not fit"


def _slot_shape(
    slot: _Slot, variables: Mapping[str, Any], budget: list[int], most: int
) -> Hashable:
    """Words stand apart from values, which are in tuples: a value may be any word."""
    if slot.name not in variables:
        return "default" if slot.has_default else "absent"
    value = variables[slot.name]
    if value is None:
        return "null"
    match slot.what:
        case "structure":
            return ("structure", structure(value, budget))
        case "presence":
            return "given"
        case "value" if isinstance(value, str | bool):
            return ("value", value)
        case "value" if isinstance(value, list) and all(isinstance(v, str) for v in value):
            if len(value) > most:
                raise HubError(
                    "BAD_USER_INPUT",
                    f"variable `${slot.name}` has too many values",
                    hint=f"at most {most}",
                )
            return ("values", *value)
        case _:
            return "wrong"


def _check_cost(cost: CostNode, params: Mapping[str, Any], limits: Limits) -> None:
    if cost.total(params) > limits.max_cost:
        raise HubError(
            "TOO_COSTLY",
            "the operation's static cost is over the limit",
            hint="ask for smaller pages or fewer levels",
        )


def problem_entry(error: GraphQLError, code: str) -> dict[str, Any]:
    """An error of graphql-core as one of a response, with the code and where it stands."""
    entry: dict[str, Any] = {"message": error.message, "extensions": {"code": code}}
    if error.locations:
        entry["locations"] = [
            {"line": location.line, "column": location.column} for location in error.locations
        ]
    return entry

"""The gateway: an operation's text in, its answer out. Open to every caller."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from graphql import (
    GraphQLError,
    GraphQLSyntaxError,
    execute_sync,
    parse,
    print_ast,
    validate,
    value_from_ast_untyped,
)
from graphql.execution.values import get_variable_values
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from hub.gateway.model import Supergraph
from hub.gateway.plan.asked import condition_variables, of_operation
from hub.gateway.plan.planner import INTROSPECTION, Planner
from hub.gateway.plan.show import show
from hub.gateway.plan.steps import Plan
from hub.gateway.run.execute import Run
from hub.gateway.run.transport import Transport
from hub.query.bounds import check_document
from hub.query.limits import Limits
from hub.query.parse import RequestError, problem_entry, syntax_code
from schema.errors import HubError

LIMITS = Limits(max_depth=60, max_aliases=1_000, max_fields=20_000, max_directives=500)
_Kept = TypeVar("_Kept")
MAX_KEPT = 1_000
"""Documents, operations and plans that are kept."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of a document that was found valid."""

    document: DocumentNode
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    declared: Mapping[str, str]
    conditions: tuple[str, ...]
    introspects: bool
    kind: Literal["query", "mutation"]

    @property
    def name(self) -> str | None:
        """The operation's name."""
        return self.node.name.value if self.node.name else None


class Gateway:
    """One supergraph, served."""

    def __init__(
        self, supergraph: Supergraph, transport: Transport | None, limits: Limits = LIMITS
    ) -> None:
        """Without a transport it plans only."""
        self._supergraph = supergraph
        self._transport = transport
        self._limits = limits
        self._planner = Planner(supergraph)
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        self._prepared: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._plans: OrderedDict[Any, Plan] = OrderedDict()

    async def answer(
        self,
        text: str,
        operation_name: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The whole response.

        Raises: HubError, `RequestError`: the operation cannot be carried out; nothing was sent.
        """
        prepared = self.prepare(text, operation_name)
        values = self._values(prepared, variables or {})
        plan = self._plan(text, prepared, values)
        if self._transport is None:
            raise HubError("INTERNAL", "this gateway only plans")
        run = Run(plan, self._supergraph.graphs, self._transport, values)
        if prepared.introspects:
            self._introspect(prepared, values, run)
        return await run.answer()

    def plan_text(self, text: str, operation_name: str | None, variables: Mapping[str, Any]) -> str:
        """The plan of an operation as text; raises as `answer`."""
        prepared = self.prepare(text, operation_name)
        return show(self._plan(text, prepared, self._values(prepared, variables)))

    def prepare(self, text: str, operation_name: str | None = None) -> Prepared:
        """The operation to run: parsed, within bounds, valid; raises as `answer`."""
        key = (text, operation_name or None)
        found = _kept(self._prepared, key)
        if found is None:
            found = _prepared(self._document(text), operation_name)
            self._keep(self._prepared, key, found, text)
        return found

    # -- documents and plans

    def _document(self, text: str) -> DocumentNode:
        found = _kept(self._documents, text)
        if found is not None:
            return found
        limits = self._limits
        try:
            document = parse(text, max_tokens=limits.max_tokens)
            check_document(document, limits)
            problems = validate(self._supergraph.api, document, max_errors=limits.max_errors)
        except GraphQLSyntaxError as error:
            code = syntax_code(error.message)
            raise RequestError(code, [problem_entry(error, code)]) from None
        except RecursionError:
            raise HubError("TOO_DEEP", "the operation is nested too deep") from None
        if problems:
            raise _refused(problems, "GRAPHQL_VALIDATION_FAILED")
        self._keep(self._documents, text, document, text)
        return document

    def _values(self, prepared: Prepared, given: Mapping[str, Any]) -> dict[str, Any]:
        """The variables as they are sent on: checked, as given or as their defaults say."""
        declared = prepared.node.variable_definitions or ()
        names = {one.variable.name.value for one in declared}
        known = {name: value for name, value in given.items() if name in names}
        coerced = get_variable_values(self._supergraph.api, declared, known)
        if isinstance(coerced, list):
            raise _refused(coerced, "BAD_USER_INPUT")
        for one in declared:
            name = one.variable.name.value
            if name not in known and one.default_value is not None:
                known[name] = value_from_ast_untyped(one.default_value)
        return known

    def _plan(self, text: str, prepared: Prepared, values: Mapping[str, Any]) -> Plan:
        flags = {name: values.get(name) for name in prepared.conditions}
        key = (text, prepared.name, tuple(flags.values()))
        found = _kept(self._plans, key)
        if found is None:
            selections = of_operation(
                prepared.node, prepared.fragments, flags, self._limits.max_depth
            )
            found = self._planner.plan(
                prepared.kind, selections, name=prepared.name, declared=prepared.declared
            )
            self._keep(self._plans, key, found, text)
        return found

    def _keep(self, held: OrderedDict[Any, Any], key: Any, value: Any, text: str) -> None:
        """Keep what was made of a text that is not too long; what was not used for long goes."""
        if len(text) > self._limits.max_kept_text:
            return
        held[key] = value
        if len(held) > MAX_KEPT:
            held.popitem(last=False)

    # -- introspection

    def _introspect(self, prepared: Prepared, values: Mapping[str, Any], run: Run) -> None:
        """Answer ``__schema`` and ``__type`` from the schema, beside what is fetched."""
        sets: list[Any] = []
        _introspection_of(prepared.node.selection_set, prepared.fragments, sets)
        node = OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=prepared.node.name,
            variable_definitions=prepared.node.variable_definitions,
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(sets)),
        )
        document = DocumentNode(definitions=(node, *prepared.fragments.values()))
        result = execute_sync(self._supergraph.api, document, variable_values=dict(values))
        for key, value in (result.data or {}).items():
            run.tree[f"#{key}"] = value
        run.errors.extend(dict(error.formatted) for error in result.errors or ())


def _introspection_of(
    held: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], found: list[Any]
) -> None:
    for node in held.selections:
        if isinstance(node, FieldNode):
            if node.name.value in INTROSPECTION:
                found.append(node)
            continue
        # a fragment's own conditions count for what is in it
        inner: list[Any] = []
        below = getattr(node, "selection_set", None)
        if below is None:
            below = fragments[node.name.value].selection_set  # type: ignore[attr-defined]
        _introspection_of(below, fragments, inner)
        if inner:
            found.append(
                InlineFragmentNode(
                    type_condition=None,
                    directives=node.directives,
                    selection_set=SelectionSetNode(selections=tuple(inner)),
                )
            )


def _prepared(document: DocumentNode, name: str | None) -> Prepared:
    fragments: dict[str, FragmentDefinitionNode] = {}
    operations: dict[str | None, OperationDefinitionNode] = {}
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
        elif isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
    node = operations.get(name or None)
    if node is None and not name and len(operations) == 1:
        node = next(iter(operations.values()))
    if node is None:
        told = "no such operation in the document" if name else "an operation must be named"
        raise HubError("OPERATION_NOT_FOUND", told)
    if node.operation == OperationType.SUBSCRIPTION:
        raise HubError("GRAPHQL_VALIDATION_FAILED", "subscriptions are not served")
    found: list[Any] = []
    _introspection_of(node.selection_set, fragments, found)
    return Prepared(
        document=document,
        node=node,
        fragments=fragments,
        declared={
            one.variable.name.value: print_ast(one.type)
            # with its default, without which it may not stand where null must not
            + (f" = {print_ast(one.default_value)}" if one.default_value is not None else "")
            for one in node.variable_definitions or ()
        },
        conditions=condition_variables(node, fragments),
        introspects=bool(found),
        kind="query" if node.operation == OperationType.QUERY else "mutation",
    )


def _refused(problems: Sequence[GraphQLError], code: str) -> RequestError:
    return RequestError(code, [problem_entry(problem, code) for problem in problems])


def _kept(held: OrderedDict[Any, _Kept], key: Any) -> _Kept | None:
    found = held.get(key)
    if found is not None:
        held.move_to_end(key)
    return found

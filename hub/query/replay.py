"""Recorded operations decided again, under any rules: whether they run, and what they show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql.language import (
    DocumentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
)

from connectors.memory import MemoryConnector
from connectors.spi import Connector
from hub.query.envelope import rejection
from hub.query.limits import Limits
from hub.query.normal import SAMPLES
from hub.query.operation import Operation
from hub.query.paging import cursors_in
from hub.query.parse import RequestError, build_operation, read_document
from hub.query.planner import plan_operation
from policies.ruling import PolicyEngine, Reject, Ruling
from schema.errors import HubError
from schema.graph.build import Face, build_face
from schema.model.catalogue import Catalogue
from schema.model.names import SourceName
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from schema.model.visible import Visible
from schema.model.whole import see_everything


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What one operation comes to. `code`: why it is refused; ``None`` if it runs."""

    code: str | None
    use: FieldUse | None = None
    """The use that it is refused for, where it is for one."""
    rules: tuple[str, ...] = ()
    ruling: Ruling | None = None
    uses: tuple[FieldUse, ...] = ()


class Replayed:
    """Operations under one set of rules. No source is asked: a stand-in takes all that is asked.

    `whole`: a reader to whom everything is open.
    """

    def __init__(self, whole: Reader, engine: PolicyEngine) -> None:
        self._whole = whole
        self._catalogue = whole.catalogue
        self._engine = engine
        self._limits = whole.limits
        self._readers: dict[str, Reader] = {}
        self._sources = stand_ins(whole.catalogue)

    def whole(self, text: str) -> Operation | None:
        """The operation as somebody would ask it to whom everything is open; ``None`` if the
        catalogue does not know it any more."""
        found = self._whole.operation(text)
        return found if isinstance(found, Operation) else None

    def decide(self, text: str, subject: Subject, context: Context) -> Decision:
        """What becomes of an operation that `whole` knows."""
        visible = self._engine.visible(subject)
        digest = visible.digest
        reader = self._readers.get(digest)
        if reader is None:
            reader = self._readers[digest] = Reader(self._catalogue, self._limits, visible)
        operation = reader.operation(text)
        if isinstance(operation, str):
            return self._unseen(text, operation, visible, subject, context)
        asked = frozenset(operation.uses)
        implied = tuple(use for use in operation.implied if use not in asked)
        ruling = self._engine.rule(subject, operation.uses, context, implied)
        refused = rejection(ruling, operation.uses)
        if refused is not None:
            rejected = (
                use
                for use in operation.uses
                if isinstance(ruling.outcomes.get(use, Reject()), Reject)
            )
            use = next(rejected, None)
            if use is None:  # each use would be open, but not all of them together
                together = ruling.together
                refusing = None if together is None else together.refused
                return Decision(code=refused.code, rules=refusing.rules if refusing else ())
            rules = ruling.reasons.get(use, ())
            return Decision(code=refused.code, use=use, rules=rules)
        nulls = {
            one.at: (False,) * one.width for one in cursors_in(operation, self._catalogue, ruling)
        }
        try:
            plan_operation(operation, self._catalogue, ruling, self._sources, nulls, self._limits)
        except HubError as error:
            return Decision(code=error.code)
        return Decision(code=None, ruling=ruling, uses=operation.uses)

    def _unseen(
        self, text: str, code: str, visible: Visible, subject: Subject, context: Context
    ) -> Decision:
        """Refused since something of it does not exist for the caller."""
        whole = self.whole(text)
        uses = [] if whole is None else [use for use in whole.uses if _hidden(use, visible)]
        if not uses:
            return Decision(code=code)
        reasons = self._engine.rule(subject, uses, context).reasons
        # a type is hidden with its fields: those name the rules
        use = next((use for use in uses if reasons.get(use)), uses[0])
        return Decision(code=code, use=use, rules=reasons.get(use, ()))


class Reader:
    """Reads operations against one face, each once; without `visible` as somebody reads them to
    whom everything is open. The face is built when it is first needed."""

    def __init__(
        self, catalogue: Catalogue, limits: Limits, visible: Visible | None = None
    ) -> None:
        self.catalogue = catalogue
        self.limits = limits
        self._visible = visible
        self._face: Face | None = None
        self._read: dict[str, Operation | str] = {}

    def operation(self, text: str) -> Operation | str:
        """The operation, or the code that it is refused with."""
        found = self._read.get(text)
        if found is None:
            if self._face is None:
                visible = self._visible or see_everything(self.catalogue)
                self._face = build_face(self.catalogue, visible)
            try:
                document = read_document(text, self._face, self.limits)
                found = build_operation(document, None, _samples(document.ast))
            except (RequestError, HubError) as error:
                found = error.code
            self._read[text] = found
        return found


def _hidden(use: FieldUse, visible: Visible) -> bool:
    if use.mode == "project":
        return use.coordinate not in visible.selectable
    return use not in visible.uses


def _samples(ast: DocumentNode) -> dict[str, Any]:
    """A value for each variable: rules do not look at them."""
    found: dict[str, Any] = {}
    for definition in ast.definitions:
        if isinstance(definition, OperationDefinitionNode):
            for variable in definition.variable_definitions or ():
                found[variable.variable.name.value] = SAMPLES.get(_kind(variable))
    return found


def _kind(variable: VariableDefinitionNode) -> str:
    kind = variable.type.type if isinstance(variable.type, NonNullTypeNode) else variable.type
    return kind.name.value if isinstance(kind, NamedTypeNode) else ""


def stand_ins(catalogue: Catalogue) -> Mapping[SourceName, Connector]:
    """Sources without rows that carry out whatever they are asked."""
    tables: dict[SourceName, dict[str, tuple[()]]] = {name: {} for name in catalogue.sources}
    for bindings in catalogue.bindings.values():
        for source, binding in bindings.items():
            tables[source][binding.table] = ()
    return {name: MemoryConnector(name, held) for name, held in tables.items()}

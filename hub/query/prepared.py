"""What the pipeline keeps of operations: ruled for a caller, and compiled for a class of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec

from hub.query.duties import Duties
from hub.query.executor import PlanRunner
from hub.query.label import AnswerLabel
from hub.query.operation import Operation
from hub.query.paging import CursorUse
from hub.query.parse import Document
from hub.query.plancache import BoundedStore, kept_bytes
from hub.query.quota import Due
from hub.query.recording import Kept
from policies.ruling import PolicyEngine, Ruling
from schema.errors import HubError
from schema.graph.build import Face
from schema.model.subject import Context, Subject


class Prepared(msgspec.Struct, kw_only=True):
    """An operation ruled for one subject and purpose, for one shape of its variables."""

    operation: Operation
    ruling: Ruling
    since: float
    """Unix seconds at which it was ruled: a clock that is set back makes it ruled anew."""
    cursors: tuple[CursorUse, ...]
    fields: msgspec.Raw
    duties: Duties | None
    label: AnswerLabel
    dues: tuple[Due, ...]
    policy_class: bytes
    rejected: HubError | None
    bytes: int
    runners: dict[tuple[tuple[bool, ...], ...], Runnable]
    kept: Kept
    types: frozenset[str]
    """The entity types that it is about."""


def ruled(engine: PolicyEngine, operation: Operation, subject: Subject, context: Context) -> Ruling:
    """What the rules say of an operation, and of what it implies."""
    asked = frozenset(operation.uses)
    implied = tuple(use for use in operation.implied if use not in asked)
    return engine.rule(subject, operation.uses, context, implied)


def check_still(
    engine: PolicyEngine, prepared: Prepared, subject: Subject, context: Context
) -> None:
    """What was allowed when an operation began is allowed now that its answer is to leave.

    Raises: `HubError` EPOCH_REVOKED.
    """
    if context.now < prepared.ruling.valid_until:
        return
    again = ruled(engine, prepared.operation, subject, context)
    if again.policy_class != prepared.policy_class:
        # fails closed: a grant or a window has ended between the plan and the answer
        message = "what was allowed has ended meanwhile; ask again"
        raise HubError("EPOCH_REVOKED", message)


class Runnable(msgspec.Struct, kw_only=True):
    """A compiled plan with what its answers say about governance."""

    runner: PlanRunner
    extensions: msgspec.Raw | None
    field_errors: tuple[dict[str, Any], ...]


class Known:
    """A document that a subject has sent before, with a purpose."""

    __slots__ = ("bytes", "document", "introspects", "text_digest", "variants")

    def __init__(self, document: Document, operation_name: str | None) -> None:
        self.document = document
        self.introspects = document.is_introspection(operation_name)
        self.text_digest = document.text_digest
        self.bytes = kept_bytes(document.length)
        self.variants: BoundedStore[Hashable, Prepared] = BoundedStore(64)


class Caller:
    """What is kept for a subject as long as its credentials are the same object."""

    __slots__ = ("face", "subject")

    def __init__(self, subject: Subject, face: Face) -> None:
        self.subject = subject
        self.face = face


Key = tuple[Caller, str, str | None, str | None]

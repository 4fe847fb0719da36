"""Callers who act for somebody: without a delegation that holds they learn nothing at all."""

from __future__ import annotations

from hub.query.envelope import refused
from hub.query.record import NO_DELEGATION, Told
from hub.query.request import Request
from policies.ruling import Lent, PolicyEngine
from schema.model.subject import Context


def may_state(request: Request) -> None:
    """Raises ``PURPOSE_NOT_ALLOWED`` for a purpose that the link does not have.

    Said before anything is looked at: without a purpose hardly anything exists for the caller, and
    the log would speak of an operation that is not valid.
    """
    subject = request.subject
    if subject.link is None or request.purpose is None:
        return
    if request.purpose not in subject.purposes:
        raise refused("PURPOSE_NOT_ALLOWED")


def acts_under(told: Told, engine: PolicyEngine, context: Context) -> Lent | None:
    """What the caller acts under, where that is clear: without a purpose there may be several.

    Raises: `HubError` PURPOSE_NOT_ALLOWED, NO_DELEGATION.
    """
    subject = told.request.subject
    if context.purpose is not None and context.purpose not in subject.purposes:
        raise refused("PURPOSE_NOT_ALLOWED")
    live = engine.delegations_of(subject, context)
    if not live:
        # before the document is read: its schema would be that of the principal
        told.fields = NO_DELEGATION
        raise refused("NO_DELEGATION")
    return live[0] if len(live) == 1 else None

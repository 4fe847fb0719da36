"""Proposals as rows: which one is meant, and taking one back. Needs no solver."""

from __future__ import annotations

import msgspec
from sqlalchemy import Engine

from hub.rollout.act import Acts
from hub.store.proposals import Proposal, keep, overtaken, proposal
from schema.errors import HubError


def withdraw(engine: Engine, acts: Acts, now: float, by: str, step: tuple[str, int, str]) -> None:
    """Take a proposal back: `step` is its digest, the revision, and why. Raises: `HubError`."""
    digest, based_on, reason = step
    row = opened_for(engine, digest, based_on)
    if not reason.strip():
        raise HubError("RELEASE_REFUSED", "a withdrawal states its reason")
    acts.record("policy.withdrawn", by, digest=row.digest, details={"reason": reason[:500]})
    keep(engine, changed_row(row, now, by, state="withdrawn", reason=reason[:500]))


def opened_for(engine: Engine, digest: str, based_on: int) -> Proposal:
    """A proposal that is open, as somebody has looked at it.

    Raises: `HubError` NOT_FOUND, EDIT_CONFLICT, RELEASE_REFUSED.
    """
    row = proposal(engine, digest)
    if row.revision != based_on:
        raise overtaken()
    if row.state != "open":
        raise HubError("RELEASE_REFUSED", f"the proposal is {row.state}", hint="propose it anew")
    return row


def changed_row(row: Proposal, now: float, by: str, **changed: object) -> Proposal:
    """The row after a step."""
    told = {"revision": row.revision + 1, "changed_at": now, "changed_by": by[:200], **changed}
    return msgspec.structs.replace(row, **told)

"""Obligations of a ruling as the hub carries them out: told with the answer and put on record."""

from __future__ import annotations

from typing import Any

import msgspec

from policies.obligation import (
    AggregateOnly,
    NoOnwardTransfer,
    NoStore,
    Notify,
    Obligation,
    Retain,
    Watermark,
    meet_obligations,
)
from policies.ruling import Ruling
from schema.model.subject import Subject

ENFORCED: frozenset[type] = frozenset(
    {AggregateOnly, Watermark, Notify, Retain, NoStore, NoOnwardTransfer}
)
"""What this query path carries out; the engine lets every other obligation deny. With counters,
quotas too (`hub.query.quota`)."""


class Duties(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation obliges to as a whole."""

    recorded: list[Any]
    """For the audit entry."""
    told: dict[str, Any]
    """For ``extensions.governance.obligations``."""
    captions: tuple[str, ...]
    """Of watermarks; each answer names its recipient beside them."""

    def extension(self, subject: Subject, operation_id: str) -> dict[str, Any]:
        """What one answer says of its obligations."""
        if not self.captions:
            return self.told
        mark = {"captions": self.captions, "recipient": subject.id, "operation": operation_id}
        return {**self.told, "watermark": mark}


def duties_of(ruling: Ruling) -> Duties | None:
    """The obligations of an operation's uses together; ``None`` if there are none."""
    if not ruling.obligations:
        return None
    met = meet_obligations(one for found in ruling.obligations.values() for one in found)
    told: dict[str, Any] = {}
    for one in met:
        match one:
            case NoStore():
                told["noStore"] = True
            case NoOnwardTransfer():
                told["noOnwardTransfer"] = True
    return Duties(
        recorded=[_recorded(one) for one in met],
        told=told,
        captions=tuple(one.text for one in met if isinstance(one, Watermark)),
    )


def _recorded(obligation: Obligation) -> dict[str, Any]:
    """``{"retain": {"days": 90}}``; the caption of a watermark is not repeated."""
    fields: dict[str, Any] = msgspec.to_builtins(obligation)
    word = fields.pop("type")
    return {word: {} if isinstance(obligation, Watermark) else fields}

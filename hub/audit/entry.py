"""One audit entry: who asked for what, why, and what was decided and fetched; never a value."""

from __future__ import annotations

from typing import Any

import msgspec

_NO_FIELDS = msgspec.Raw(b"[]")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One operation."""

    ts: float
    """Unix seconds."""
    operation_id: str
    subject: str
    app: str
    user: str | None = None
    department: str | None = None
    acting_for: str | None = None
    """The department that the caller says it acts for."""
    principal: str | None = None
    """Whose rights were lent."""
    delegation: str | None = None
    """By which delegation."""
    purpose: str | None = None
    case_id: str | None = None
    """As stated: a reference, not the case."""
    network_zone: str | None = None
    trace: str | None = None
    """The trace id, the same in the logs of all hubs that had a part in the question."""
    link: str | None = None
    """The link over which another hub asked."""
    hubs: list[str] = []
    """The hubs that the question had passed, the first one first."""
    epoch: int
    catalogue: str
    """Version digest."""
    operation: str
    """SHA-256 of the document's text."""
    operation_name: str | None = None
    door: str
    outcome: str
    """`ok`, `partial` or `refused`."""
    code: str | None = None
    fields: msgspec.Raw = _NO_FIELDS
    """JSON array of ``[coordinate, mode, outcome, [rule ids]]``."""
    obligations: list[Any] = []
    """What the uses oblige to: one ``{kind: parameters}`` each."""
    label: dict[str, Any] = {}
    """Of the answer, or of what was asked: ``levels`` by ladder, ``categories``, ``compartments``;
    what is empty is left out."""
    together: list[str] = []
    """Ids of the combinations and mosaics that had a say."""
    emergency: list[str] = []
    """What was broken open in an emergency and may have borne on it, by id."""
    rows: dict[str, int] = {}
    """Rows that left, by entity type."""
    sources: list[list[str | int | bool]] = []
    """``[source, calls, rows, ok]`` each."""
    persons: list[str] = []
    """Keyed hashes of the persons whose rows left; the last one is `many` where there were more,
    or some that nothing tells apart."""


class Act(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="administration"):
    """One step of those who run the hub, in the same chain as the operations."""

    ts: float
    """Unix seconds."""
    act: str
    """`policy.signed`, `policy.activated` and so on."""
    by: str
    """The officers who signed, or who ran the command."""
    outcome: str = "ok"
    """`ok` or `refused`."""
    code: str | None = None
    epoch: int | None = None
    digest: str | None = None
    """Of what it is about."""
    details: dict[str, str | int | bool] = {}


encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(Entry)
_acts = msgspec.json.Decoder(Act)
_ACT = '{"kind":"administration",'
"""How the text of an act begins; that of an operation has no kind."""


def read_entry(body: str) -> Entry:
    """The entry of a stored body; raises `msgspec.ValidationError` for another thing."""
    return decoder.decode(body)


def read_body(body: str) -> Entry | Act:
    """The entry or the act of a stored body; raises `msgspec.ValidationError`."""
    return _acts.decode(body) if body.startswith(_ACT) else read_entry(body)

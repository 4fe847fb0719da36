"""A request for a share as a value: who wants what of whom, why, for how long."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from schema.errors import HubError

RequestState = Literal["draft", "submitted", "answered", "withdrawn"]
PartState = Literal["waiting", "granted", "agreed", "refused", "disputed", "withdrawn"]
RefusalReason = Literal[
    "law-forbids", "secret", "purpose-not-a-duty", "more-than-necessary", "not-held",
    "quality-not-sufficient", "protection-not-sufficient", "other-source-authoritative",
]  # fmt: skip
"""Why an owner may refuse: each is a ground that a data authority can judge."""
_LONGEST = 2_000
_MOST_FIELDS = 200


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is shared, as a grant says it."""

    purpose: str
    fields: dict[str, Any]
    """``Type.field`` -> `allow`, or a mask as rules write it."""
    modes: list[str] = msgspec.field(default_factory=lambda: ["read"])
    rows: Any = None
    """A condition as rules write it; ``None``: all rows."""
    since: str = msgspec.field(name="from")
    """The first day, ISO 8601."""
    expires: str
    """The last day."""
    zone: str = "UTC"
    obligations: list[Any] = []


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for."""

    app: str
    """The application that will read."""
    department: str
    """Whose it is."""
    legal_basis: str
    duty_item: str
    scenario: str
    terms: Terms
    volume: str = ""
    """How much is expected, in words."""
    recipient_ack: bool = False
    """Whether the recipient signs that it answers for what it receives, before a grant is live."""
    no_onward_transfer: bool = True
    renews: str | None = None
    """The grant that it follows on."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one department answers."""

    department: str
    unconditional: bool
    """Whether all its fields are shared unconditionally."""
    fields: list[str]
    state: PartState = "waiting"
    clock: str | None = None
    since: float | None = None
    """When the clock began, in Unix seconds."""
    due: float | None = None
    answered_at: float | None = None
    answered_by: str | None = None
    reason: RefusalReason | None = None
    said: str = ""
    """The answer, or the dispute, in words."""
    terms: Terms | None = None
    """What was agreed."""
    grant: str | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request with what became of it."""

    request: Request
    written_by: list[str]
    """All who wrote or submitted it."""
    state: RequestState = "draft"
    submitted_at: float | None = None
    parts: list[Part] = []


def read_held(body: str) -> Held:
    """A stored request. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    try:
        return msgspec.json.decode(body, type=Held)
    except msgspec.DecodeError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        message = "requests and grants cannot be read"
        raise HubError("REGISTRY_UNAVAILABLE", message, cause=error) from error


def read_request(found: Any) -> Request:
    """A request from plain values, as of a file. Raises: `HubError` SHARE_INVALID."""
    try:
        request = msgspec.convert(found, Request)
    except msgspec.ValidationError as error:
        hint = "see `docs/sharing.md` for what a request says"
        raise HubError("SHARE_INVALID", _line(error), hint=hint, cause=error) from error
    for name in ("app", "department", "legal_basis", "duty_item", "scenario"):
        said: str = getattr(request, name)
        if not said.strip() or len(said) > _LONGEST:
            hint = f"state it in 1 to {_LONGEST} characters"
            raise HubError("SHARE_INVALID", f"the request has no `{name}`", hint=hint)
    if not 0 < len(request.terms.fields) <= _MOST_FIELDS:
        hint = "name fields as `Type.field`"
        raise HubError("SHARE_INVALID", f"a request has 1 to {_MOST_FIELDS} fields", hint=hint)
    return request


def _line(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:200].replace("\n", " ")

"""What a door hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from connectors.spi import Asker
from schema.model.subject import Subject

WISHES = ("disputed", "norms", "provenance")
"""What an answer tells in `extensions` only where the request has `extensions: {NAME: true}`."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as a door hands it over: authenticated, bounded, decoded."""

    text: str
    subject: Subject
    operation_name: str | None = None
    variables: Mapping[str, Any] = {}
    purpose: str | None = None
    case_id: str | None = None
    """Stated by the caller, as the purpose is."""
    network_zone: str | None = None
    """Where the request came from, as the door decided."""
    trace: str | None = None
    """The id of the trace that this is part of; the pipeline begins one where there is none."""
    door: str = "graphql"
    wants: frozenset[str] = frozenset()
    """What of `extensions` is asked for, of `WISHES`."""


def asker_of(request: Request, hub: str) -> Asker:
    """What sources are told of a caller that rule on it themselves; `hub`: this one's name."""
    subject = request.subject
    return Asker(
        subject=subject,
        purpose=request.purpose,
        case_id=request.case_id,
        trace=request.trace or "",
        hubs=(*subject.hubs, hub),
    )


class Covering(Protocol):
    """Knows which documents may run for whom."""

    def check(self, request: Request, digest: str) -> None:
        """Raises: `HubError` DOCUMENT_NOT_APPROVED. `digest`: SHA-256 of the document's text."""
        ...

"""Why credentials were refused: told to the log, never to the caller."""

from __future__ import annotations

from typing import Literal

from schema.errors import HubError

Reason = Literal[
    "too_large",
    "not_a_token",
    "header",
    "algorithm",
    "type",
    "key",
    "signature",
    "claims",
    "issuer",
    "audience",
    "expired",
    "not_yet",
    "lifetime",
    "key_set",
    "api_key",
    "revoked",
    "scheme",
    "replayed",
    "body",
    "name",
    "duties",
    "party",
    "certificate",
    "provider",
    "session",
    "client",
    "grant",
    "directory",
    "suspended",
]


class RefusedError(Exception):
    """Credentials that are not accepted; the identifier turns it into the uniform error."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def unauthenticated() -> HubError:
    """The one error that every failure looks like."""
    return HubError("UNAUTHENTICATED", "no valid credentials")

"""What verified credentials say, before anything else that is known of the caller is added."""

from __future__ import annotations

from typing import Protocol

import msgspec

from schema.model.subject import Subject


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Of one caller."""

    subject: Subject
    unsaid: frozenset[str] = frozenset()
    """Attributes that the credentials are silent about; saying that there are none is no silence.
    Keys of applications are silent about nothing."""
    issuer: str | None = None
    """Of the token."""


class Completing(Protocol):
    """What completes and narrows subjects; it raises `RefusedError`."""

    async def complete(self, told: Told, now: float) -> Subject: ...

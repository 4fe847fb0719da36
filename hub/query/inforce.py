"""Which epochs operations may begin and end under: one view for all pipelines of a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import msgspec

from schema.errors import HubError

_NO_FIELDS = msgspec.Raw(b"[]")

STALE_S = 10.0
"""How long a worker answers without knowing whether its epoch is still in force."""


class InForce:
    """Told by whoever watches for new epochs; asked by the pipelines of all of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._fresh_until = float("inf")
        self._revoked: frozenset[int] = frozenset()
        self._ended: frozenset[bytes] = frozenset()
        self.usable = True
        """Whether the rules in force are those that this worker has."""

    def seen(self) -> None:
        """What is in force was just looked at."""
        self._fresh_until = self._clock() + STALE_S

    def revoke(self, epochs: Iterable[int]) -> None:
        """Nothing that these decided leaves any more."""
        self._revoked |= frozenset(epochs)

    def end_grants(self, grants: Iterable[str]) -> None:
        """Nothing that relied on these leaves any more."""
        self._ended |= _told(grants)

    def keep_grants(self, grants: Iterable[str]) -> None:
        """These are live, whatever was known of them before."""
        self._ended -= _told(grants)

    def begin(self, epoch: int) -> None:
        """May an operation begin? Raises: `HubError` RULES_UNAVAILABLE, EPOCH_REVOKED."""
        if not self.usable or self._clock() > self._fresh_until:
            # fails closed: what this worker has may be looser than what is in force
            message = "the rules in force cannot be applied at this moment"
            raise HubError("RULES_UNAVAILABLE", message)
        self.end(epoch)

    def end(self, epoch: int, fields: msgspec.Raw = _NO_FIELDS) -> None:
        """May what an epoch decided leave? `fields`: as the audit log has them, with their rules.

        Raises: `HubError` EPOCH_REVOKED.
        """
        gone = epoch in self._revoked
        if self._ended and not gone:
            text = bytes(fields)
            gone = any(one in text for one in self._ended)
        if gone:
            # fails closed: it was decided by what somebody had to take back at once
            message = "what decided this was revoked meanwhile; ask again"
            raise HubError("EPOCH_REVOKED", message)


def _told(grants: Iterable[str]) -> frozenset[bytes]:
    """How the audit log has them."""
    return frozenset(f'"grant.{one}"'.encode() for one in grants)

"""Which epochs operations may begin and end under: one view for all pipelines of a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from schema.errors import HubError

STALE_S = 10.0
"""How long a worker answers without knowing whether its epoch is still in force."""


class InForce:
    """Told by whoever watches for new epochs; asked by the pipelines of all of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._fresh_until = float("inf")
        self._revoked: frozenset[int] = frozenset()
        self.usable = True
        """Whether the rules in force are those that this worker has."""

    def seen(self) -> None:
        """What is in force was just looked at."""
        self._fresh_until = self._clock() + STALE_S

    def revoke(self, epochs: Iterable[int]) -> None:
        """Nothing that these decided leaves any more."""
        self._revoked |= frozenset(epochs)

    def begin(self, epoch: int) -> None:
        """May an operation begin? Raises: `HubError` RULES_UNAVAILABLE, EPOCH_REVOKED."""
        if not self.usable or self._clock() > self._fresh_until:
            # fails closed: what this worker has may be looser than what is in force
            message = "the rules in force cannot be applied at this moment"
            raise HubError("RULES_UNAVAILABLE", message)
        self.end(epoch)

    def end(self, epoch: int) -> None:
        """May what an epoch decided leave? Raises: `HubError` EPOCH_REVOKED."""
        if epoch in self._revoked:
            # fails closed: it was decided by rules that somebody had to take back at once
            message = "the rules that decided this were revoked; ask again"
            raise HubError("EPOCH_REVOKED", message)

"""What a grant asks of whoever relies on it: a leaf of conditions."""

from __future__ import annotations

import math

import msgspec

from policies.packs import Packs
from schema.model.subject import Context, Subject


class Granted(msgspec.Struct, frozen=True, tag=True):
    """``grant.live``: a live grant covers the field; with `category`: and speaks of it."""

    category: str = ""


class Acting(msgspec.Struct, frozen=True, tag=True):
    """Whether the caller acts under one delegation."""

    delegation: str


class LiveGrant(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whether one grant is live for the caller. Units: Unix seconds; `until` is not live."""

    id: str
    app: str | None
    department: str | None
    purposes: tuple[str, ...]
    below: bool
    """Whether purposes below the stated ones count."""
    since: float
    until: float
    revoked: float | None

    def names(self, subject: Subject) -> bool | None:
        """Whether it is given to a caller."""
        found = [_same(self.app, subject.app), _same(self.department, subject.department)]
        if False in found:
            return False
        return None if None in found else True

    def holds(
        self, subject: Subject, context: Context, packs: Packs, *, lapsed: bool, timeless: bool
    ) -> bool | None:
        """TRUE, FALSE or UNKNOWN. `lapsed`: as if it had no end; `timeless`: at some time."""
        found = [
            self.names(subject),
            self.serves(context.purpose, packs),
            self._now(context.now, lapsed=lapsed, timeless=timeless),
        ]
        if False in found:
            return False
        return None if None in found else True

    def serves(self, stated: str | None, packs: Packs) -> bool | None:
        """Whether it is for a purpose; UNKNOWN for none."""
        if not stated:
            return None
        if self.below:
            return any(packs.within(stated, purpose) for purpose in self.purposes)
        return stated in self.purposes

    def _now(self, now: float, *, lapsed: bool, timeless: bool) -> bool | None:
        if timeless:
            return self.revoked is None
        if not now > 0 or not math.isfinite(now):
            return None
        if now < self.since or (self.revoked is not None and now >= self.revoked):
            return False
        return lapsed or now < self.until

    def moments(self) -> tuple[float, ...]:
        """When it may change."""
        return tuple(
            one for one in (self.since, self.until, self.revoked) if one and math.isfinite(one)
        )


def _same(wanted: str | None, held: str | None) -> bool | None:
    if wanted is None:
        return True
    return None if held is None else wanted == held

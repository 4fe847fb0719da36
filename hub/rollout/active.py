"""What a worker serves: the release in force, believed only as far as its signatures hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Engine

from hub.loading import Loaded, rules_over
from hub.rollout.quorum import check_authors, check_officers
from hub.rollout.release import NO_RULES, Base, Release, read_release, read_rollback
from hub.rollout.signature import RELEASE, ROLLBACK, opened, read_envelope
from hub.rollout.signer import Signers, read_signers
from hub.settings import Settings
from hub.settings.declared import ReleaseSettings
from hub.store.releases import Stored, epoch_now, history, unreadable
from schema.errors import HubError


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch's rules, as officers signed them."""

    epoch: int
    bundles: Mapping[str, str]
    packs: Mapping[str, str] | None
    """The rule packs they were checked with; ``None`` with no rules at all."""


NOTHING = Active(epoch=0, bundles={}, packs=None)
"""Before the first release: nobody is permitted anything."""


class Released:
    """Reads what is in force from the hub's database; blocking.

    Raises, when made: `HubError` CONFIG_INVALID for keys that cannot be read.
    """

    def __init__(self, engine: Engine, settings: ReleaseSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._signers = read_signers(settings)

    def epoch(self, now: float) -> int:
        """The epoch in force. Raises: `HubError` RULES_UNAVAILABLE."""
        return epoch_now(self._engine, now)

    def revoked(self) -> frozenset[int]:
        """Every epoch that was revoked. Raises: `HubError` RULES_UNAVAILABLE.

        Whoever could forge it could only refuse more.
        """
        return revoked_epochs(history(self._engine))

    def read(self, epoch: int) -> Active:
        """The rules of the epoch in force. Raises: `HubError` RELEASE_INVALID, RELEASE_REFUSED,
        RULES_UNAVAILABLE."""
        if epoch == 0:
            return NOTHING
        rows = {row.epoch: row for row in history(self._engine)}
        row = rows.get(epoch)
        if row is None:
            raise unreadable()  # it went away at this moment: the next look sees what is there
        before = [one for one in rows.values() if one.epoch < epoch and not one.dropped]
        release, packs = verified(row, before[-1:], self._signers, self._settings)
        return Active(epoch=epoch, bundles=release.bundles, packs=packs)


def rules_in_force(
    engine: Engine, settings: Settings, loaded: Loaded, now: float
) -> tuple[Loaded, int]:
    """The release in force over what the files say, and its epoch.

    Raises: `HubError` RELEASE_INVALID, RELEASE_REFUSED, RULES_UNAVAILABLE, `ManyErrors`
    POLICY_INVALID.
    """
    held = Released(engine, settings.release)
    active = held.read(held.epoch(now))
    ruled = rules_over(loaded, active.bundles)
    if active.packs is None:
        # before the first release a grant permits nobody anything, as in workers
        ruled = msgspec.structs.replace(ruled, grants=(), break_glass=())
    return ruled, active.epoch


def revoked_epochs(rows: Sequence[Stored]) -> frozenset[int]:
    """The epochs between a revoking order and what it went back to."""
    return frozenset(
        epoch
        for row in rows
        if row.revokes_after is not None
        for epoch in range(row.revokes_after + 1, row.epoch)
    )


EpochState = Literal["active", "scheduled", "superseded", "rolled back", "replaced before it began"]


def states_of(rows: Sequence[Stored], now: float) -> dict[int, EpochState]:
    """Epoch -> what became of it."""
    found: dict[int, EpochState] = {}
    following: Stored | None = None
    for row in reversed(rows):
        if row.dropped:
            found[row.epoch] = "replaced before it began"
        elif row.active_from > now:
            found[row.epoch] = "scheduled"
        else:
            if following is None:
                found[row.epoch] = "active"
            else:
                found[row.epoch] = "superseded" if following.rollback is None else "rolled back"
            following = row
    return found


def base_of(before: Sequence[Stored]) -> Base:
    """What a release must name as what it follows."""
    if not before:
        return Base(epoch=0, digest=NO_RULES)
    return Base(epoch=before[-1].epoch, digest=before[-1].digest)


def verified(
    row: Stored, before: Sequence[Stored], signers: Signers, settings: ReleaseSettings
) -> tuple[Release, Mapping[str, str]]:
    """A stored release and the packs it is for, if the officers meant it to stand here.

    The consent of owners is looked at when a release comes into force, not here: whoever is
    declared later has consented to nothing that is in force already.
    Raises: `HubError` RELEASE_INVALID, RELEASE_REFUSED.
    """
    payload, signed = opened(read_envelope(row.release), signers, RELEASE)
    release = read_release(payload)
    check_officers(signed, release.evidence.change, settings)
    base, expires, packs = release.base, release.expires, release.evidence.packs
    if row.rollback is not None:
        ordered, by = opened(read_envelope(row.rollback), signers, ROLLBACK)
        check_authors(by)
        order = read_rollback(ordered)
        base, expires, packs = order.base, order.expires, order.packs
        if order.digest != release.rules or order.revoke != (row.revokes_after == order.to):
            raise _misplaced()
    elif row.active_from < (release.activate_at or 0):
        raise _misplaced()
    # fails closed: a release that was in force once is signed for that place alone
    if row.digest != release.rules or base != base_of(before) or row.active_from >= expires:
        raise _misplaced()
    return release, packs


def _misplaced() -> HubError:
    hint = "look at `hub policy status` and the audit log: the database was changed by hand"
    return HubError("RELEASE_INVALID", "the stored release is not for this place", hint=hint)

"""The officers' desk: what the hub's database says is in force, and who may sign."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy import Engine

from hub.rollout.act import Acts
from hub.rollout.active import base_of
from hub.rollout.release import Base, Release, read_release
from hub.rollout.signature import RELEASE, opened, read_envelope
from hub.rollout.signer import Signer, read_signers
from hub.settings import Settings
from hub.store.engine import migrate, open_engine
from hub.store.releases import Stored, history, in_force
from schema.errors import HubError


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force."""

    base: Base
    release: Release | None
    """``None`` before the first one, and where its signatures hold no more."""


class Desk:
    """One look at the hub's database and the declared keys."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        clock: Callable[[], float],
        asked_by: str | None = None,
    ) -> None:
        """`asked_by`: who asks over HTTP."""
        self.engine = engine
        self.settings = settings
        self.signers = read_signers(settings.release)
        self.acts = Acts(engine, settings, clock, asked_by)
        self._clock = clock

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    def rows(self) -> tuple[Stored, ...]:
        """Every release so far."""
        return history(self.engine)

    def held(self) -> Held:
        """What is in force.

        Where a key was taken out that it rests on, workers refuse it; what follows it is compared
        with nothing, so that all it shows is more.
        """
        row = in_force(self.rows(), self.now)
        if row is None:
            return Held(base=base_of(()), release=None)
        release: Release | None
        try:
            release = self.release_of(row)
        except HubError:
            release = None
        if release is not None and release.rules != row.digest:
            release = None  # fails closed: somebody has put another release in its place
        return Held(base=base_of((row,)), release=release)

    def release_of(self, row: Stored) -> Release:
        """The release in a row. Raises: `HubError` RELEASE_INVALID."""
        payload, _ = opened(read_envelope(row.release), self.signers, RELEASE)
        return read_release(payload)

    def signer(self, key: OKPKey) -> Signer:
        """Whose private key this is. Raises: `HubError` RELEASE_REFUSED."""
        found = self.signers.get(key.thumbprint())
        if found is None or found.retired:
            hint = "declare its public key under `release.officers` or `release.owners`"
            message = "the key is not one of somebody who signs"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        return found


@contextmanager
def open_desk(
    settings: Settings, clock: Callable[[], float] = time.time, asked_by: str | None = None
) -> Iterator[Desk]:
    """The desk of a hub; its database is made if there is none. Raises: `HubError`."""
    Path(settings.state.directory).mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.state.database_url)
    try:
        migrate(engine)
        yield Desk(engine, settings, clock, asked_by)
    finally:
        engine.dispose()

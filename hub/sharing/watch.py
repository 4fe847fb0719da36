"""A worker's view of approved shares: looked at often, in force beside the grants of files."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from sqlalchemy import Engine

from hub.loading import Loaded
from hub.query.inforce import InForce
from hub.settings import Settings
from hub.sharing.desk import code_of
from hub.sharing.signed import is_ours
from hub.sharing.terms import read_grant
from hub.store import sharing as store
from hub.store.sharing import Reached, StoredGrant
from policies.grant import Grant
from schema.errors import HubError

log = structlog.get_logger("hub.sharing")

STALE_S = 4.0
"""How long shares stay open to a worker that cannot look whether they were revoked."""


class GrantsWatch:
    """Which shares are in force now; engines are made with them.

    Raises, when made: `HubError` CONFIG_INVALID.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        in_force: InForce,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._in_force = in_force
        self._clock = clock
        self._monotonic = monotonic
        self._code = code_of(settings)
        self._worker = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._number = -1
        self._made = -1
        self._shown = -1
        self._newest = 0
        self._looking = asyncio.Lock()
        self._seen = monotonic()
        self._live: tuple[StoredGrant, ...] = ()

    async def run(self, replan: Callable[[], Awaitable[None]], look_s: float) -> None:
        """Look again and again, and have engines made anew where a share has changed."""
        while True:
            await asyncio.sleep(look_s)
            await self.look(replan)

    async def look(self, replan: Callable[[], Awaitable[None]]) -> None:
        """Look once; never raises for what goes wrong."""
        async with self._looking:
            await self._look(replan)

    async def _look(self, replan: Callable[[], Awaitable[None]]) -> None:
        try:
            await asyncio.to_thread(self.read)
        except Exception as error:
            # fails closed: a look that never came again would leave everything open
            log.exception("shares.unread", kind=type(error).__name__)
            if self._live and self._monotonic() - self._seen > STALE_S:
                # fails closed: what was revoked meanwhile is not known
                self._in_force.end_grants(one.id for one in self._live)
                self._live, self._number = (), -1
        try:
            if self._number != self._made:
                await replan()
                self._made = self._shown
                await asyncio.to_thread(self._reached)
                log.info("shares.taken_up", number=self._made, shares=len(self._live))
        except HubError as error:
            log.error("shares.unfit", code=error.code)
        except Exception as error:
            log.exception("shares.unfit", kind=type(error).__name__)

    def read(self) -> None:
        """Read what changed since the last look. Raises: `HubError`."""
        seen = self._monotonic()
        number = store.number_now(self._engine)
        if number < self._newest:
            # fails closed: somebody has put an older database in the place of ours
            log.error("shares.gone", number=number, was=self._newest)
            raise store.unreadable()
        self._newest = number
        if number != self._number:
            number, rows = store.grants_now(self._engine, self._clock())
            ours = [one for one in rows if self._is_ours(one)]
            live = tuple(one for one in ours if one.state == "live")
            open_ = {one.id for one in live}
            # what was open, or is there and is not live, lets nothing leave any more
            self._in_force.end_grants({one.id for one in (*rows, *self._live)} - open_)
            self._in_force.keep_grants(open_)
            self._live, self._number = live, number
        self._seen = seen

    def over(self, loaded: Loaded, *, none: bool) -> Loaded:
        """Files as loaded, with the shares that fit them. `none`: before the first release a
        grant permits nobody anything."""
        self._shown = self._number
        if none:
            return loaded
        found = [grant for one in self._live if (grant := _read(one, loaded)) is not None]
        if not found:
            return loaded
        return msgspec.structs.replace(loaded, grants=(*loaded.grants, *found))

    def _is_ours(self, row: StoredGrant) -> bool:
        if is_ours(row, self._code):
            return True
        # fails closed: somebody else has written it
        log.error("shares.forged", number=row.number)
        return False

    def _reached(self) -> None:
        if self._made > 0:
            row = Reached(number=self._made, worker=self._worker, at=self._clock())
            store.reached(self._engine, row)


async def watch_shares(
    settings: Settings, engine: Engine, in_force: InForce, clock: Callable[[], float]
) -> GrantsWatch | None:
    """A worker's watch that has looked once; ``None`` where shares are not asked for.

    Raises: `HubError`.
    """
    if not settings.sharing.enabled:
        return None
    watch = GrantsWatch(engine, settings, in_force, clock)
    await asyncio.to_thread(watch.read)
    return watch


def _read(row: StoredGrant, loaded: Loaded) -> Grant | None:
    try:
        return read_grant(row.text, loaded, f"share {row.request}")
    except HubError as error:
        # fails closed: what does not fit the catalogue any more gives nothing
        log.warning("shares.misfit", share=row.id, code=error.code)
        return None

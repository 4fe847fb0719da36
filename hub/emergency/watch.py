"""A worker's view of emergencies: what is open and who is suspended, looked at often."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine

from hub.emergency.desk import suspension
from hub.emergency.suspended import suspended_apps
from hub.loading import Loaded
from hub.query.glass import Glass
from hub.query.request import Request
from hub.store import emergency as store
from hub.store.emergency import Opened
from policies.breakglass import BreakGlass, Opening
from policies.packs import Packs
from schema.errors import HubError

log = structlog.get_logger("hub.emergency")

STALE_S = 10.0
"""How long what was opened is open to a worker that cannot look whether it was closed."""


class GlassWatch:
    """What is open now. Engines are made with it, and ask it again while operations run."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._number = -1
        self._made = 0
        """The number that engines were made with for certain; 0 = nothing was ever opened."""
        self._seen = 0.0
        self._openings: Mapping[str, Opened] = {}

    async def run(self, replan: Callable[[], Awaitable[None]], look_s: float) -> None:
        """Look again and again, and have engines made anew where something was opened or closed."""
        while True:
            await asyncio.sleep(look_s)
            await self.look(replan)

    async def look(self, replan: Callable[[], Awaitable[None]]) -> None:
        """Look once; never raises for what goes wrong."""
        try:
            await asyncio.to_thread(self.read)
            number = self._number
            if number != self._made:
                await replan()
                self._made = number  # not before: what failed is tried again
                log.info("emergency.taken_up", number=number)
        except HubError as error:
            # what is closed meanwhile stays open here for `STALE_S` at most
            log.error("emergency.unread", code=error.code)
        except Exception as error:
            log.exception("emergency.unread", kind=type(error).__name__)

    def read(self) -> None:
        """Read what changed since the last look. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
        seen = self._monotonic()
        number = store.number_now(self._engine)
        if number != self._number:
            found = store.openings(self._engine, concerning=self._clock())
            self._openings = {one.id: one for one in found}
            self._number = number
        self._seen = seen

    @property
    def openings(self) -> Sequence[Opened]:
        """Those that are open or wait for a review, as seen last."""
        return tuple(self._openings.values())

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    def suspended(self, app: str) -> bool:
        """Whether an application has to wait for a review."""
        return bool(self._openings) and app in suspended_apps(self.openings, self._clock())

    def check_app(self, app: str) -> None:
        """Raises: `HubError` APP_SUSPENDED."""
        if self.suspended(app):
            raise suspension()

    def over(self, loaded: Loaded) -> tuple[Loaded, Glass]:
        """Files as loaded with what is open now, and what pipelines ask about it."""
        lists = {one.id: one for one in loaded.break_glass}
        now = self._clock()
        held: dict[str, tuple[Opened, BreakGlass]] = {}
        for one in self.openings:
            listed = lists.get(one.list)
            # fails closed: a list that says something else by now is not what was opened
            if one.over > now and listed is not None and listed.digest == one.digest:
                held[one.id] = (one, listed)
        grants = tuple(listed.opened(_opening(one)) for one, listed in held.values())
        opened = msgspec.structs.replace(loaded, grants=(*loaded.grants, *grants))
        return opened, _Held(self, held, loaded.packs)

    def is_open(self, opening: str) -> bool:
        """Whether it is open at this moment, as far as this worker knows."""
        if self._monotonic() - self._seen > STALE_S:
            return False  # fails closed: it may have been closed meanwhile
        one = self._openings.get(opening)
        return one is not None and one.over > self._clock()


class _Held:
    """What the engine of one pipeline was made with; implements `Glass`."""

    def __init__(
        self, watch: GlassWatch, held: Mapping[str, tuple[Opened, BreakGlass]], packs: Packs
    ) -> None:
        self._watch = watch
        self._held = held
        self._packs = packs

    def enter(self, request: Request) -> Sequence[str]:
        """Those of the person and application, in the case and for a purpose of theirs.

        One that was revoked meanwhile is among them: this engine may not know it yet.
        Raises: `HubError` APP_SUSPENDED.
        """
        subject, purpose = request.subject, request.purpose
        self._watch.check_app(subject.app)
        if not self._held or purpose is None:
            return ()
        now = self._watch.now
        return tuple(
            name
            for name, (one, listed) in self._held.items()
            if (one.app, one.user, one.case_id) == (subject.app, subject.user, request.case_id)
            and now < one.over
            and listed.serves(purpose, self._packs)
        )

    def about(self, entered: Sequence[str], types: frozenset[str]) -> Sequence[str]:
        """Of those the ones that are about some entity types."""
        return [name for name in entered if not self._held[name][1].types.isdisjoint(types)]

    def check(self, used: Sequence[str]) -> None:
        """Raises: `HubError` EMERGENCY_ENDED."""
        for name in used:
            if not self._watch.is_open(name):
                message = "what was opened in an emergency has closed meanwhile"
                raise HubError("EMERGENCY_ENDED", message)

    def marks(self, used: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Each opening with its emergency and its end."""
        found = (self._held[name][0] for name in used)
        return [
            {"id": one.id, "emergency": one.emergency, "until": _moment(one.until)} for one in found
        ]


def _opening(one: Opened) -> Opening:
    return Opening(
        id=one.id,
        app=one.app,
        user=one.user,
        case_id=one.case_id,
        region=one.region,
        since=one.since,
        until=one.until,
        revoked=one.revoked_at,
    )


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

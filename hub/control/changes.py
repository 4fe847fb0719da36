"""What has changed, told as it happens: by area and number, so that consoles look anew.

A change says nothing of what it is about: who may see that asks for it, by their own duties.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping

import strawberry
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.control.areas import AREAS, areas_of
from hub.control.context import Asked
from hub.control.outcome import moment
from hub.settings import Settings
from schema.errors import HubError

log = structlog.get_logger("hub.control")

_LOOK_S = 1.0
MOST = 200
"""Streams in one worker at once."""


@strawberry.type(description="Something of an area has changed: look at it anew.")
class ControlChange:
    """One change, or several that came together."""

    area: str = strawberry.field(description="sources, rules and so on.")
    at: dt.datetime
    number: str = strawberry.field(description="Differs at each change.")


class Changes:
    """One worker's look at the marks of all areas, shared by its streams; made on one event loop.

    It looks while somebody listens, and rests else.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._areas = {area.name: area for area in AREAS if area.enabled(settings)}
        self._marks: Mapping[str, str] = {}
        self._moved = asyncio.Condition()
        self._starting = asyncio.Lock()
        self._listeners = 0
        self._looking: asyncio.Task[None] | None = None

    async def follow(self, areas: frozenset[str]) -> AsyncIterator[tuple[str, str]]:
        """The areas that change from now on, each with its newest mark; those of one look
        together. Raises: `HubError` OVERLOADED."""
        if self._listeners >= MOST:
            raise HubError("OVERLOADED", "too many streams are open", hint="try again later")
        self._listeners += 1
        try:
            async with self._starting:
                if self._looking is None:
                    self._marks = await asyncio.to_thread(self._read)
                    self._looking = asyncio.get_running_loop().create_task(self._look())
            seen = self._marks
            while True:
                now = await self._after(seen)
                for name in sorted(areas):
                    if now.get(name) != seen.get(name):
                        yield name, now.get(name, "")
                seen = now
        finally:
            self._listeners -= 1
            if self._listeners == 0 and self._looking is not None:
                looking, self._looking = self._looking, None
                looking.cancel()

    async def _after(self, seen: Mapping[str, str]) -> Mapping[str, str]:
        async with self._moved:
            await self._moved.wait_for(lambda: seen != self._marks)
        return self._marks

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                found = await asyncio.to_thread(self._read)
            except HubError as error:
                log.warning("control.unread", code=error.code)
                continue
            if found != self._marks:
                self._marks = found
                async with self._moved:
                    self._moved.notify_all()

    def _read(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        try:
            with self._engine.connect() as connection:
                for name, area in self._areas.items():
                    rows = connection.execute(area.mark()).all()
                    found[name] = "-".join(str(part) for row in rows for part in row)
        except SQLAlchemyError as error:
            message = "what has changed cannot be read"
            raise HubError("REGISTRY_UNAVAILABLE", message, cause=error) from error
        return found


@strawberry.type(description="What happens.")
class Subscription:
    """Over server-sent events."""

    @strawberry.subscription(description="Changes of the areas that your duties let you see.")
    async def changes(
        self, info: Asked, areas: list[str] | None = None
    ) -> AsyncIterator[ControlChange]:
        """All of them, or those that are named."""
        at = info.context
        held = areas_of(at.subject, at.settings)
        wanted = held if areas is None else held & frozenset(areas)
        if not wanted:
            raise HubError("FORBIDDEN", "none of these areas is yours")
        async for name, number in at.changes.follow(wanted):
            yield ControlChange(area=name, at=moment(at.clock()), number=number)

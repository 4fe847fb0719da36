"""One worker of all looks after the sources and tells who wants to know."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.spi import Connector
from hub.registry.disagreement import Disagreements
from hub.registry.health import SourceHealth, Warned
from hub.registry.norms import Counted
from hub.registry.webhook import Event, Sender
from hub.settings.declared import HealthSettings
from hub.store.leases import Lease
from hub.store.sourcehours import SourceHours
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

log = structlog.get_logger("hub.sources")

Held = Callable[[], Mapping[SourceName, tuple[SourceDecl, Connector | None]]]
_MISSED = 3
"""Looks that a worker may miss before another one takes over."""


class SourceWatch:
    """The sources' health in one worker; raises `HubError` for a webhook without a good secret."""

    def __init__(
        self, settings: HealthSettings, engine: Engine, clock: Callable[[], float] = time.time
    ) -> None:
        self._every_s = settings.probe_s
        self._lease = Lease(engine, "sources", lasts_s=_MISSED * settings.probe_s, clock=clock)
        self._turn = threading.Lock()
        self._over = False
        self._senders = [Sender(webhook, clock=clock) for webhook in settings.webhooks]
        self.health = SourceHealth(settings, self._tell, clock)
        self.norms = Counted(clock)
        """Of this worker: each tells what its own operations met."""
        self.disagreements = Disagreements(clock)
        self._clock = clock
        self._hours = SourceHours(engine)

    async def run(self, held: Held) -> None:
        """Look again and again until cancelled, and let another worker do so then."""
        try:
            async with asyncio.TaskGroup() as group:
                for sender in self._senders:
                    group.create_task(sender.run())
                while True:
                    await self.look(held)
                    self.tell_outside()
                    self.tell_disagreements()
                    await asyncio.sleep(self._every_s)
        finally:
            await asyncio.shield(asyncio.to_thread(self._give_back))

    async def look(self, held: Held) -> bool:
        """Look once, if it is this worker's to do; whether it was."""
        try:
            if not await asyncio.to_thread(self._take):
                return False
            await asyncio.to_thread(self._hours.add, await self.health.look(held()))
        except SQLAlchemyError as error:
            log.warning("sources.unwatched", kind=type(error).__name__)
            return False
        except Exception as error:
            # nobody else looks while this worker has the lease: it goes on
            log.exception("sources.unwatched", kind=type(error).__name__)
            return False
        return True

    def tell_outside(self) -> None:
        """Tell of values outside their norms, figures alone."""
        for one in self.norms.due():
            log.warning(
                "source.outside_norm",
                source=one.source, field=one.field, state=one.state, count=one.count,
            )  # fmt: skip
            data: dict[str, str | int | float | bool | None] = {
                "source": one.source,
                "department": one.department,
                "field": one.field,
                "state": one.state,
                "count": one.count,
                "since": one.since,
            }
            self._send(Event(type="source.outside_norm", at=self._clock(), data=data))

    def tell_disagreements(self) -> None:
        """Tell both owners where their sources differ, figures and keyed hashes alone."""
        for one in self.disagreements.due():
            log.warning(
                "source.disagreement",
                field=one.field, sources=list(one.sources), count=one.count,
            )  # fmt: skip
            for place, department in enumerate(one.departments):
                data: dict[str, str | int | float | bool | None] = {
                    "department": department,
                    "source": one.sources[place],
                    "other": one.sources[1 - place],
                    "authoritative": place == 0,
                    "field": one.field,
                    "count": one.count,
                    "keys": " ".join(one.keys),
                    "since": one.since,
                }
                self._send(Event(type="source.disagreement", at=self._clock(), data=data))

    def _send(self, event: Event) -> None:
        for sender in self._senders:
            sender.send(event)

    def _take(self) -> bool:
        with self._turn:
            return not self._over and self._lease.take()

    def _give_back(self) -> None:
        try:
            with self._turn:
                # a look that was cancelled may still be on its way to the lease
                self._over = True
                self._lease.give_back()
        except SQLAlchemyError as error:
            log.warning("sources.unwatched", kind=type(error).__name__)

    def _tell(self, warned: Warned) -> None:
        figures = {"calls": warned.calls, "failed": warned.failed}
        if warned.open:
            log.warning(
                "source.warning", source=warned.source, condition=warned.condition, **figures
            )
        else:
            log.info("source.cleared", source=warned.source, condition=warned.condition, **figures)
        state = "" if warned.open else ".cleared"
        event = Event(
            type=f"source.{warned.condition}{state}",
            at=warned.at,
            data={
                "source": warned.source,
                "department": warned.department,
                "since": warned.since,
                **figures,
                "slowest_s": warned.slowest_s,
                "age_s": warned.age_s,
            },
        )
        self._send(event)

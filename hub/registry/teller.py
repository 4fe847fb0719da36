"""One worker of all tells receivers what has happened, as the hub's database has it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.registry.webhook import Event, Sender
from hub.settings.steps import Webhook
from hub.store.leases import Lease
from schema.errors import HubError

log = structlog.get_logger("hub")

_LASTS_S = 5.0


class Teller:
    """Looks for news again and again. Raises, when made: `HubError` for a webhook without a good
    secret."""

    def __init__(
        self,
        name: str,
        news: Callable[[], Sequence[Event]],
        webhooks: Sequence[Webhook],
        engine: Engine,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`name`: of what it is about, one for all workers; `news`: what nobody was told of yet,
        noted as told by asking, blocking."""
        self._news = news
        self._name = name
        self._senders = [Sender(webhook, clock=clock) for webhook in webhooks]
        self._lease = Lease(engine, name, lasts_s=_LASTS_S, clock=clock)
        self._turn = threading.Lock()
        self._over = False

    async def run(self, look_s: float) -> None:
        """Tell until cancelled, and let another worker do so then."""
        try:
            async with asyncio.TaskGroup() as group:
                for sender in self._senders:
                    group.create_task(sender.run())
                while True:
                    await self.look()
                    await asyncio.sleep(look_s)
        finally:
            await asyncio.shield(asyncio.to_thread(self._give_back))

    async def look(self) -> None:
        """Tell once, if it is this worker's to do; never raises for what goes wrong."""
        try:
            for event in await asyncio.to_thread(self._found):
                for sender in self._senders:
                    sender.send(event)
        except (SQLAlchemyError, HubError) as error:
            log.warning("news.failed", about=self._name, kind=type(error).__name__)
        except Exception as error:
            log.exception("news.failed", about=self._name, kind=type(error).__name__)

    def _found(self) -> Sequence[Event]:
        with self._turn:
            return self._news() if not self._over and self._lease.take() else ()

    def _give_back(self) -> None:
        try:
            with self._turn:
                # a look that was cancelled may still be on its way to the lease
                self._over = True
                self._lease.give_back()
        except SQLAlchemyError as error:
            log.warning("news.failed", about=self._name, kind=type(error).__name__)

"""A worker's view of the registered sources in force: looked at often, taken up without restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import Engine

from hub.store.registrations import number_now
from schema.errors import HubError

log = structlog.get_logger("hub.registration")


class SourcesWatch:
    """Whether something else was published than this worker has taken up.

    What cannot be taken up changes nothing: the worker goes on with the catalogue that it has.
    """

    def __init__(self, number: int) -> None:
        """`number`: of the publication that was loaded."""
        self._tried: int | None = number
        self._newest = number

    async def run(
        self, engine: Engine, reload: Callable[[], Awaitable[None]], look_s: float
    ) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(look_s)
            await self.look(engine, reload)

    async def look(self, engine: Engine, reload: Callable[[], Awaitable[None]]) -> None:
        """Take up what was published since the last look; never raises for what goes wrong."""
        try:
            if await asyncio.to_thread(self._changed, engine):
                await reload()
                log.info("sources.published", number=self._newest)
        except HubError as error:
            if error.code == "REGISTRY_UNAVAILABLE":
                self._tried = None  # that is asked again at the next look
            log.error("sources.unfit", code=error.code, problem=str(error))
        except Exception as error:
            self._tried = None
            log.exception("sources.unfit", kind=type(error).__name__)

    def _changed(self, engine: Engine) -> bool:
        number = number_now(engine)
        if number == self._tried:
            return False
        self._tried = number
        if number < self._newest:
            # fails closed: somebody has put an older database in the place of ours
            log.error("sources.gone", number=number, was=self._newest)
            return False
        self._newest = number
        return True

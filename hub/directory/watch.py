"""A worker's look at the directory: who was suspended or changed is looked at anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Protocol

import structlog
from sqlalchemy import Engine

from hub.settings import Settings
from hub.store.directory import number_now
from schema.errors import HubError

log = structlog.get_logger("hub.directory")


class DirectoryWatch:
    """Whether the directory has changed since it was last looked at."""

    def __init__(self, forget: Callable[[], None]) -> None:
        """`forget`: whom the worker has recognised, so that all are looked at anew."""
        self._forget = forget
        self._seen: int | None = None

    async def run(self, engine: Engine, look_s: float) -> None:
        """Look again and again."""
        while True:
            await self.look(engine)
            await asyncio.sleep(look_s)

    async def look(self, engine: Engine) -> None:
        """Look once; never raises for what goes wrong: whoever was recognised before is kept no
        longer than `auth.cache_s`."""
        try:
            number = await asyncio.to_thread(number_now, engine)
        except HubError as error:
            log.warning("directory.unread", code=error.code)
            return
        except Exception as error:
            log.exception("directory.unread", kind=type(error).__name__)
            return
        if number == self._seen:
            return
        if self._seen is not None:
            log.info("directory.changed", number=number)
        self._seen = number
        self._forget()


class Forgetting(Protocol):
    """What recognises callers."""

    def forget(self) -> None: ...


def forgetting(
    settings: Settings, engine: Engine, whom: Callable[[], Forgetting], look_s: float
) -> Iterator[Coroutine[None, None, None]]:
    """The work of a worker whose callers the directory completes; none where it does not."""
    if settings.directory.enabled:
        yield DirectoryWatch(lambda: whom().forget()).run(engine, look_s)

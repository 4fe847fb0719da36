"""Reload of catalogue and policies without restart: on SIGHUP and when a watched file changes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import structlog

from connectors.kit.together import ended
from hub.serve.collaborators import Served
from hub.serve.heap import settle_heap
from schema.errors import HubError

log = structlog.get_logger("hub.serve")

Stamp = tuple[int, int, int]


def stamp_files(paths: Sequence[Path]) -> dict[str, Stamp | None]:
    """What tells whether files changed; a folder stands for the files directly in it."""
    stamps: dict[str, Stamp | None] = {}
    for path in paths:
        try:
            files = sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError:
            files = [path]
        for file in files:
            try:
                stat = file.stat()
                stamps[str(file)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            except OSError:
                stamps[str(file)] = None
    return stamps


class Reloader:
    """Reloads one worker's hub, one reload at a time; what fails to load changes nothing."""

    def __init__(self, hub: Served, *, poll_s: float) -> None:
        self._hub = hub
        self._poll_s = poll_s
        self._asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Reloader:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        except (NotImplementedError, ValueError, RuntimeError, AttributeError):
            # no signals here: not the main thread, or a system without SIGHUP
            log.debug("reload.no_signal")
        self._tasks.append(loop.create_task(self._run()))
        if self._poll_s > 0:
            self._tasks.append(loop.create_task(self._poll()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await ended(self._tasks)

    async def _run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._hub.reload()
                settle_heap()
                log.info("reload.done")
            except HubError as error:
                log.error("reload.refused", code=error.code, problem=str(error))
            except Exception as error:
                log.exception("reload.failed", kind=type(error).__name__)

    async def _poll(self) -> None:
        before = await asyncio.to_thread(stamp_files, self._hub.watched())
        while True:
            await asyncio.sleep(self._poll_s)
            now = await asyncio.to_thread(stamp_files, self._hub.watched())
            if now != before:
                before = now
                log.info("reload.changed")
                self._asked.set()

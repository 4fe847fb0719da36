"""The life of one worker: open the hub, reload it when asked, drain, close."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from hub.serve.collaborators import Served
from hub.serve.door import Send
from hub.serve.guard import Receive, Room
from hub.serve.heap import settle_heap
from hub.serve.reload import Reloader
from schema.errors import HubError

log = structlog.get_logger("hub.serve")


class LifeSpan:
    """ASGI's life span protocol; a start that fails says why in one line, without a traceback."""

    def __init__(
        self, hub: Served, rooms: Sequence[Room], *, reload_poll_s: float, drain_s: float
    ) -> None:
        self._hub = hub
        self._rooms = rooms
        self._poll_s = reload_poll_s
        self._drain_s = drain_s

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Handle one life span."""
        await receive()
        async with AsyncExitStack() as stack:
            try:
                await self._hub.open()
                stack.push_async_callback(self._hub.close)
                await stack.enter_async_context(Reloader(self._hub, poll_s=self._poll_s))
            except HubError as error:
                log.error("serve.refused", code=error.code, problem=str(error))
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            except Exception as error:
                # fails closed: a server without its life span serves a hub that was never opened
                log.exception("serve.refused", kind=type(error).__name__)
                await send({"type": "lifespan.startup.failed", "message": "an internal error"})
                return
            settle_heap()
            log.info("serve.started")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            async with asyncio.TaskGroup() as group:
                drained = [group.create_task(room.drain(self._drain_s)) for room in self._rooms]
            if not all(one.result() for one in drained):
                in_flight = sum(room.taken for room in self._rooms)
                log.warning("serve.drain_timeout", in_flight=in_flight)
        log.info("serve.stopped")
        await send({"type": "lifespan.shutdown.complete"})

"""What a worker does about emergencies all the time it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from sqlalchemy import Engine

from hub.emergency.news import EmergencyNews
from hub.emergency.watch import GlassWatch
from hub.registry.teller import Teller
from hub.settings import Settings

Work = Coroutine[Any, Any, None]


async def watch_glass(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], float],
    replan: Callable[[], Awaitable[None]],
    look_s: float,
) -> tuple[GlassWatch, tuple[Work, ...]]:
    """The view of what is open, as it is now, and what keeps it up to date and tells of it.

    `replan`: has engines made anew. Raises: `HubError`.
    """
    watch = GlassWatch(engine, clock)
    declared = settings.emergency
    if not declared.enabled:
        return watch, ()
    await asyncio.to_thread(watch.read)
    news = EmergencyNews(engine, settings, clock).found
    teller = Teller("emergency", news, declared.webhooks, engine, clock=clock)
    return watch, (teller.run(look_s), watch.run(replan, look_s))

"""Work done side by side: all of it, or the first error; and how it is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from schema.errors import HubError

_AGAIN_S = 0.5


async def together(waiting: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Await all; no task is made for one. The first error cancels the others and is raised."""
    if len(waiting) == 1:
        return [await waiting[0]]
    failed: list[HubError] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in waiting]
    except* HubError as errors:
        failed = [_first(errors)]
    if failed:
        # raised out here: before Python 3.11.4 `except*` wraps what it raises into a group
        raise failed[0]
    return [task.result() for task in tasks]


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until every one has ended; how they ended is not looked at."""
    left = {task for task in tasks if not task.done()}
    while left:
        # asked again: before Python 3.12 `wait_for` loses a cancellation that meets an answer
        # (bpo-42130), and the task would go on for ever
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)


def _first(errors: BaseExceptionGroup[HubError]) -> HubError:
    first = errors.exceptions[0]
    return first if isinstance(first, HubError) else _first(first)

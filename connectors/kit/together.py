"""Work done side by side: all of it, or the first error."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from schema.errors import HubError


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


def _first(errors: BaseExceptionGroup[HubError]) -> HubError:
    first = errors.exceptions[0]
    return first if isinstance(first, HubError) else _first(first)

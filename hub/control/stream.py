"""Subscriptions over server-sent events, one operation a connection.

Source: graphql-sse's protocol, "distinct connections mode"; HTML Standard, 9.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

PING = b":\n\n"
PING_S = 15.0
"""How often something is sent while nothing happens, so that nobody between takes it for dead."""
MEDIA = "text/event-stream"
CHECK_S = 1.0


def asks_stream(accept: bytes | None) -> bool:
    """Whether a client takes nothing but a stream of events."""
    return accept is not None and accept.strip().lower() == MEDIA.encode()


def event(kind: str, body: bytes = b"") -> bytes:
    """One event; `body` is JSON in one line."""
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


async def streamed(
    results: AsyncIterator[bytes], good: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """The events of an operation, until it ends or is `good` no more, which is asked each second.

    The source of results is closed whatever happens.
    """
    loop = asyncio.get_running_loop()
    upcoming: asyncio.Task[bytes] | None = None
    quiet_since = loop.time()
    try:
        while await good():
            upcoming = upcoming or loop.create_task(_next(results))
            done, _ = await asyncio.wait({upcoming}, timeout=CHECK_S)
            if done:
                finished, upcoming = upcoming, None
                try:
                    body = finished.result()
                except StopAsyncIteration:
                    break
                if not await good():
                    break
                quiet_since = loop.time()
                yield event("next", body)
            elif loop.time() - quiet_since >= PING_S:
                quiet_since = loop.time()
                yield PING
        yield event("complete")
    finally:
        if upcoming is not None:
            upcoming.cancel()
            await asyncio.wait({upcoming})
        close = getattr(results, "aclose", None)
        if close is not None:
            await close()


async def _next(results: AsyncIterator[bytes]) -> bytes:
    return await anext(results)

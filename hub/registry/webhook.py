"""Webhooks: events sent to who wants to know, signed, in order, again until they are taken.

Source: Standard Webhooks 1.0.0 (headers, signed content, `whsec_` secrets).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import msgspec
import orjson
import structlog

from hub.settings.steps import Webhook
from schema.errors import HubError

log = structlog.get_logger("hub")

WAITS_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""Between tries, give or take a quarter; after the last one an event is given up."""
QUEUE = 1_000
TIMEOUT_S = 10.0
_PREFIX = "whsec_"
_GONE = 410


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: `type` as ``source.down``, Unix seconds, and figures; never a data value."""

    type: str
    at: float
    data: Mapping[str, str | int | float | bool | None]


def read_secret(webhook: Webhook) -> bytes:
    """The key that a receiver checks signatures with; raises `HubError` CONFIG_INVALID."""
    hint = "write `whsec_` and 24 to 64 random bytes in Base64 into it"
    try:
        text = Path(webhook.secret).read_text(encoding="ascii").strip()
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (OSError, UnicodeError, binascii.Error):
        key, text = b"", ""
    if not text.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        message = "a webhook's secret cannot be used"
        raise HubError("CONFIG_INVALID", message, where=webhook.secret, hint=hint)
    return key


def signed(
    key: bytes, number: str, at: int, body: bytes, media: str = "application/json"
) -> dict[str, str]:
    """The headers of one try: `number` names the event and stays, `at` is when it is tried."""
    content = f"{number}.{at}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {
        "content-type": media,
        "webhook-id": number,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def client() -> httpx.AsyncClient:
    """What posts; nobody may lead a signed event elsewhere."""
    return httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)


async def post(
    client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
) -> int | None:
    """One try: the status of the answer, of which nothing else is read; ``None`` without one."""
    try:
        async with client.stream("POST", url, content=body, headers=headers) as answer:
            return answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return None


class Sender:
    """Sends to one place. `run` until cancelled; `send` never waits."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = webhook.url
        self._key = read_secret(webhook)
        self._clock = clock
        self._sleep = sleep
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(QUEUE)

    def send(self, event: Event) -> None:
        """Put an event into the queue; a full queue loses it, and the log says so."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.at))
        body = orjson.dumps({"type": event.type, "timestamp": moment, "data": dict(event.data)})
        try:
            self._queue.put_nowait((f"msg_{secrets.token_hex(16)}", body))
        except asyncio.QueueFull:
            log.error("webhook.dropped", type=event.type)

    async def run(self) -> None:
        """Send what comes, one after the other."""
        async with client() as posting:
            while True:
                number, body = await self._queue.get()
                try:
                    await self._deliver(posting, number, body)
                finally:
                    self._queue.task_done()

    async def settled(self) -> None:
        """Until every event was taken or given up."""
        await self._queue.join()

    async def _deliver(self, client: httpx.AsyncClient, number: str, body: bytes) -> None:
        for wait in (*WAITS_S, None):
            status = await self._tried(client, number, body)
            if status is not None and 200 <= status < 300:
                return
            log.warning("webhook.refused", status=status, last=wait is None)
            if wait is None or status == _GONE:
                return
            await self._sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - no secret

    async def _tried(self, client: httpx.AsyncClient, number: str, body: bytes) -> int | None:
        headers = signed(self._key, number, int(self._clock()), body)
        return await post(client, self._url, body, headers)

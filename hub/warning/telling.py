"""Who is told of warnings: kept in the database until they took it, or too many tries failed."""

from __future__ import annotations

import asyncio
import os
import random
import smtplib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import msgspec
import orjson
import structlog

from hub.registry.webhook import WAITS_S, client, post, read_secret, signed
from hub.settings.watching import Receiver, WarningSettings
from hub.store.warnings import Delivery, Warned, Warnings
from hub.warning.mail import Post
from schema.errors import HubError

log = structlog.get_logger("hub.warning")

MEDIA = "application/cloudevents+json"
OPENED = "hub.warning.opened"
_AT_ONCE = 50
_GONE = 410
_WORDS = {
    "en": ("rule", "kind", "severity", "application", "department", "source", "about", "counted",
           "compared with", "since", "found"),
    "zh": ("规则", "类别", "级别", "应用", "部门", "数据源", "对象", "计数", "比较基准", "起始",
           "发现"),
}  # fmt: skip


class Telling:
    """Sends what waits. Raises, when made: `HubError` CONFIG_INVALID."""

    def __init__(
        self,
        settings: WarningSettings,
        warnings: Warnings,
        *,
        hub: str,
        clock: Callable[[], float],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._warnings = warnings
        self._hub = hub
        self._clock = clock
        self._receivers = {one.name: one for one in settings.receivers}
        if len(self._receivers) < len(settings.receivers):
            message = "a receiver is declared twice"
            raise HubError("CONFIG_INVALID", message, where="warnings.receivers", hint="keep one")
        self._keys = {
            one.name: read_secret(one.webhook) for one in settings.receivers if one.webhook
        }
        mailed = [one.name for one in settings.receivers if one.email]
        if mailed and settings.mail is None:
            hint = "declare the server as `warnings.mail`"
            message = f"`{mailed[0]}` is told by e-mail, and there is no server"
            raise HubError("CONFIG_INVALID", message, where="warnings.receivers", hint=hint)
        self._post = None if settings.mail is None else Post(settings.mail, environ)

    @property
    def receivers(self) -> frozenset[str]:
        """Whom rules can name."""
        return frozenset(self._receivers)

    def ways(self, names: Iterable[str]) -> tuple[str, ...]:
        """Each way to each receiver: they are tried apart."""
        found = []
        for name in names:
            receiver = self._receivers[name]
            found += [f"{name}/webhook"] if receiver.webhook is not None else []
            found += [f"{name}/mail"] if receiver.email else []
        return tuple(found)

    async def send(self) -> int:
        """Try what is due; how much that was. Raises ``SQLAlchemyError``."""
        due = await asyncio.to_thread(self._warnings.due, self._clock(), _AT_ONCE)
        if not due:
            return 0
        async with client() as posting:
            for row, warned in due:
                await self._tried(posting, row, warned)
        return len(due)

    async def _tried(self, posting: httpx.AsyncClient, row: Delivery, warned: Warned) -> None:
        name, _, way = row.receiver.rpartition("/")
        receiver = self._receivers.get(name)
        final = False
        if receiver is None:
            outcome, taken, final = "gone", False, True
        elif way == "webhook":
            outcome, taken, final = await self._hooked(posting, receiver, warned)
        else:
            outcome, taken = await self._mailed(receiver, warned)
        tries = row.tries + 1
        last = final or tries > len(WAITS_S)
        state = "sent" if taken else "failed" if last else "waiting"
        wait = 0.0 if taken or last else WAITS_S[row.tries] * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        done = msgspec.structs.replace(
            row, state=state, tries=tries, due=self._clock() + wait, outcome=outcome
        )
        await asyncio.to_thread(self._warnings.delivered, done)
        if not taken:
            log.warning("warning.refused", receiver=row.receiver, outcome=outcome, last=last)

    async def _hooked(
        self, posting: httpx.AsyncClient, receiver: Receiver, warned: Warned
    ) -> tuple[str, bool, bool]:
        key = self._keys.get(receiver.name)
        if receiver.webhook is None or key is None:
            return "gone", False, True
        body = orjson.dumps(event(warned, self._hub))
        headers = signed(key, f"msg_{warned.id}", int(self._clock()), body, MEDIA)
        status = await post(posting, receiver.webhook.url, body, headers)
        taken = status is not None and 200 <= status < 300
        return "none" if status is None else str(status), taken, status == _GONE

    async def _mailed(self, receiver: Receiver, warned: Warned) -> tuple[str, bool]:
        if self._post is None or not receiver.email:
            return "gone", False
        place = 0 if receiver.language == "en" else 1
        title = (warned.title_en, warned.title_zh)[place]
        id, now = f"{warned.id}.{receiver.name}", self._clock()
        try:
            await asyncio.to_thread(
                self._post.send, id, receiver.email, f"[{warned.severity}] {title}",
                [title, "", *told(warned, receiver.language)], now=now,
            )  # fmt: skip
        except (smtplib.SMTPException, OSError, HubError) as error:
            return type(error).__name__[:40], False
        return "sent", True


def event(warned: Warned, hub: str) -> dict[str, object]:
    """A warning as an event. Source: CloudEvents 1.0.2, JSON event format."""
    return {
        "specversion": "1.0",
        "id": warned.id,
        "source": f"/hubs/{quote(hub, safe='')}/warnings",
        "type": OPENED,
        "subject": warned.rule,
        "time": moment(warned.first_at),
        "datacontenttype": "application/json",
        "data": {
            "kind": warned.kind,
            "severity": warned.severity,
            "title": {"en": warned.title_en, "zh": warned.title_zh},
            "app": warned.app or None,
            "department": warned.department or None,
            "source": warned.source or None,
            "what": warned.what or None,
            "since": moment(warned.since),
            "count": warned.amount,
            "expected": warned.expected,
        },
    }


def told(warned: Warned, language: str) -> list[str]:
    """A warning in lines, those that say nothing left out."""
    values = (
        warned.rule, warned.kind, warned.severity, warned.app, warned.department, warned.source,
        warned.what, str(warned.amount), f"{warned.expected:g}", moment(warned.since),
        moment(warned.first_at),
    )  # fmt: skip
    return [
        f"{word}: {value}" for word, value in zip(_WORDS[language], values, strict=True) if value
    ]


def moment(seconds: float) -> str:
    """Unix seconds as a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

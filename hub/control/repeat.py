"""Requests that a caller sends again: a step under one key is taken once.

Source: draft-ietf-httpapi-idempotency-key-header, section 2.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag

from hub.control.context import Context
from hub.query.profile import Profile, Sealing
from hub.serve.decode import Parts
from hub.store.replies import Held, begin, finish, forget
from hub.store.secret import shared_secret
from schema.errors import HubError

HEADER = b"idempotency-key"
_LONGEST = 255
_KEPT_S = 86_400.0
_UNDER_WAY_S = 900.0
"""When a request that was never answered counts as lost; its steps state their revisions."""
_USE = b"control reply"


class Repeats:
    """One worker's; all share the database."""

    def __init__(self, profile: Profile, home: Path) -> None:
        self._profile = profile
        self._home = home

    async def once(
        self, at: Context, key: bytes, parts: Parts, run: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer of `run`, or the one that was given under this key before.

        Raises: `HubError` BAD_REQUEST, IDEMPOTENCY_KEY_REUSED, STEP_UNDER_WAY.
        """
        named = _digest(at.subject.id.encode(), _checked(key))
        request = _digest(
            orjson.dumps([parts.query, parts.operation_name, parts.variables],
                         option=orjson.OPT_SORT_KEYS)
        )  # fmt: skip
        now = at.clock()
        row = Held(key=named, request=request, reply=None, ends=now + _UNDER_WAY_S)
        held = await asyncio.to_thread(begin, at.database, row, now)
        if held is not None:
            return await asyncio.to_thread(self._before, held, request)
        kept = False
        try:
            answer = await run()
            if at.taken:
                sealed = await asyncio.to_thread(self._sealed, answer, named)
                await asyncio.to_thread(finish, at.database, named, sealed, now + _KEPT_S)
                kept = True
        finally:
            if not kept and not at.taken:
                await asyncio.shield(asyncio.to_thread(forget, at.database, named))
        return answer

    def _before(self, held: Held, request: str) -> bytes:
        if held.request != request:
            hint = "give each request a key of its own"
            message = "the key was used for another request"
            raise HubError("IDEMPOTENCY_KEY_REUSED", message, hint=hint)
        if held.reply is None:
            hint = "ask again when it has ended"
            raise HubError("STEP_UNDER_WAY", "the same request is under way", hint=hint)
        try:
            return self._sealing().decrypt(held.reply, [held.key.encode()])
        except InvalidTag as error:
            # fails closed: somebody has put another answer in its place
            raise HubError("INTERNAL", "an internal error", cause=error) from error

    def _sealed(self, answer: bytes, key: str) -> bytes:
        return self._sealing().encrypt(answer, [key.encode()])

    def _sealing(self) -> Sealing:
        secret = shared_secret(self._home)
        return self._profile.sealing(self._profile.derive(secret, _USE, 64))


def _checked(key: bytes) -> bytes:
    if not 0 < len(key) <= _LONGEST or not key.isascii():
        hint = f"it has 1 to {_LONGEST} ASCII characters"
        raise HubError("BAD_REQUEST", "`Idempotency-Key` is no key", hint=hint)
    return key


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8) + part)
    return found.hexdigest()

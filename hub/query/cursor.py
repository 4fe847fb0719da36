"""Cursors and node ids: opaque, encrypted, useless outside the subject they were made for.

Sort values and keys are sealed without a nonce to be repeated (AES-SIV, RFC 5297, or the crypto
profile's counterpart), with subject, connection and epoch bound as associated data and the
expiry inside. Node ids use the same construction without epoch and expiry, so that one entity
has one id for one subject.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import orjson
from cryptography.exceptions import InvalidTag

from hub.query.profile import Profile
from schema.errors import HubError

MAX_TEXT = 4096
ID_STEP = 32
"""Node ids are as long as if their content were a multiple of so many bytes."""


class Seal:
    """Makes and opens cursors and node ids for one hub.

    Shape: `secret` is at least 32 bytes; equal secrets open each other's tokens, so every worker
    of a hub shares one.
    """

    def __init__(
        self,
        secret: bytes,
        clock: Callable[[], float],
        ttl_s: float = 86_400.0,
        profile: Profile | None = None,
    ) -> None:
        if len(secret) < 32:
            raise HubError("CONFIG_INVALID", "the sealing secret must have at least 32 bytes")
        held = profile or Profile()
        self._cursors = held.sealing(_derive(secret, b"cursor", held))
        self._ids = held.sealing(_derive(secret, b"node", held))
        self._blinds = held.mac(_derive(secret, b"blind", held))
        self._clock = clock
        self._ttl_s = ttl_s
        self._epoch = b""

    def at_epoch(self, epoch: int) -> Seal:
        """The same seal for one epoch: its cursors open under no other one. Node ids stay."""
        held = copy.copy(self)
        held._epoch = b"epoch:%d" % epoch
        return held

    def _bound(self, subject: str, signature: str) -> list[bytes]:
        parts = [subject.encode(), signature.encode()]
        return [*parts, self._epoch] if self._epoch else parts

    def cursor(self, subject: str, signature: str, values: Sequence[Any]) -> str:
        """A cursor for the row with these sort values."""
        plain = orjson.dumps([int(self._clock() + self._ttl_s), *values])
        return _text(self._cursors.encrypt(plain, self._bound(subject, signature)))

    def open_cursor(self, subject: str, signature: str, text: Any, width: int) -> list[Any]:
        """The sort values of a cursor; raises ``BAD_CURSOR`` for anything else."""
        try:
            plain = self._cursors.decrypt(_bytes(text), self._bound(subject, signature))
            held: list[Any] = orjson.loads(plain)
            expires, values = held[0], held[1:]
        except (InvalidTag, ValueError, TypeError, IndexError):
            raise HubError("BAD_CURSOR", "the cursor is not one of this connection") from None
        if expires < self._clock() or len(values) != width:
            raise HubError("BAD_CURSOR", "the cursor is not one of this connection")
        return values

    def blind(self, subject: str, type_name: str) -> str:
        """The salt of blind orders of one type for one subject: other subjects' orders, and
        those of other types, have nothing to do with it."""
        bound = orjson.dumps([subject, type_name])
        # 128 bits: with an ordinary key the digest's text fits one block of its hash
        return self._blinds(bound).hex()[:32]

    def node_id(self, subject: str, type_name: str, key: Sequence[Any]) -> str:
        """The opaque id of an entity, the same each time for one subject."""
        plain = orjson.dumps([type_name, *key])
        # the length of a key may be told by that of its id: both in steps
        padded = plain.ljust(-(-len(plain) // ID_STEP) * ID_STEP)
        return _text(self._ids.encrypt(padded, [subject.encode()]))

    def open_node_id(self, subject: str, text: Any) -> tuple[str, tuple[Any, ...]] | None:
        """Type and key of an id; ``None`` if it is not one of this subject's (not found)."""
        try:
            type_name, *key = orjson.loads(self._ids.decrypt(_bytes(text), [subject.encode()]))
        except (InvalidTag, ValueError, TypeError):
            return None
        return type_name, tuple(key)


class CursorPoint(msgspec.Struct, frozen=True):
    """A decoded cursor: the params that hold its values, and which of them are null."""

    params: tuple[tuple[str, Any], ...]
    nulls: tuple[bool, ...]


def _derive(secret: bytes, use: bytes, profile: Profile) -> bytes:
    label = b"hub-seal-1:" + use
    if profile.name == "intl":
        return hmac.new(secret, label, hashlib.sha512).digest()
    return profile.derive(secret, label, 64)


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > MAX_TEXT or len(text) < 4:
        raise ValueError
    try:
        return base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except binascii.Error:
        raise ValueError from None

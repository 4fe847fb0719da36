"""What a doubt says, encrypted; and the mark by which a field of a row is known again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag

from hub.query.profile import Profile
from hub.settings import Settings
from hub.store.secret import CORRECTIONS, shared_secret
from schema.errors import HubError


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What only the stewards of the authoritative department read."""

    key: Mapping[str, Any]
    """Canonical values by field."""
    claimed: Any = None
    """What the reporter takes for right; ``None`` where it does not say."""
    evidence: str


class Seal:
    """Under a key of the hub's own, which lies beside its database and not in it."""

    def __init__(self, secret: bytes, profile: Profile) -> None:
        self._sealing = profile.sealing(profile.derive(secret, b"corrections.seal", 64))
        self._code = profile.mac(profile.derive(secret, b"corrections.mark"))

    def mark(self, coordinate: str, key: Mapping[Any, Any]) -> str:
        """What stands for one field of one row."""
        told = sorted((str(name), value) for name, value in key.items())
        return self._code(msgspec.json.encode([coordinate, told])).hex()

    def close(self, of: str, doubt: Doubt) -> bytes:
        """Encrypt; bound to the id, so that equal doubts do not look alike."""
        return self._sealing.encrypt(msgspec.json.encode(doubt), [b"doubt", of.encode()])

    def open(self, of: str, sealed: bytes) -> Doubt:
        """Raises: `HubError` CORRECTIONS_UNAVAILABLE for what was not sealed so."""
        return _decoded(self._opened(sealed, [b"doubt", of.encode()]))

    def close_note(self, of: str, revision: int, note: str) -> bytes:
        """Encrypt what somebody has noted at a step."""
        return self._sealing.encrypt(note.encode(), _place(of, revision))

    def open_note(self, of: str, revision: int, sealed: bytes) -> str:
        """Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
        return self._opened(sealed, _place(of, revision)).decode()

    def _opened(self, sealed: bytes, beside: list[bytes]) -> bytes:
        try:
            return self._sealing.decrypt(sealed, beside)
        except InvalidTag as error:
            raise _unreadable(error) from error


def seal_of(settings: Settings) -> Seal:
    """The hub's. Raises: `HubError` CONFIG_INVALID."""
    profile = Profile(settings.instance.crypto_profile)
    return Seal(shared_secret(Path(settings.state.directory), CORRECTIONS), profile)


def _place(of: str, revision: int) -> list[bytes]:
    return [b"note", of.encode(), str(revision).encode()]


def _decoded(text: bytes) -> Doubt:
    try:
        return msgspec.json.decode(text, type=Doubt)
    except msgspec.DecodeError as error:
        raise _unreadable(error) from error


def _unreadable(cause: Exception) -> HubError:
    message = "a doubt cannot be read with the hub's key"
    return HubError("CORRECTIONS_UNAVAILABLE", message, cause=cause)

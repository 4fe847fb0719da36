"""A log-in on its way: what a browser keeps until the provider sends it back, sealed by the hub.

Nothing is stored for it, so nobody fills a store by beginning log-ins; what the provider is told
and what the hub proves at the end are derived from one random number that the cookie has, with a
key that it has not.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets

import msgspec

from auth.refusal import RefusedError

LASTS_S = 600.0
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{1,2000})\.([A-Za-z0-9_-]{43})\Z")
_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/._~!$&'()*+,;=:@%?#-]{0,499}\Z")


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for when it began. Units: Unix seconds."""

    provider: str
    return_to: str
    began: float
    acr: str | None = None


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A flight with its secrets."""

    flight: Flight
    cookie: str
    state: str
    nonce: str
    verifier: str


class Flights:
    """Begins log-ins and knows them again. Shape: `key` is at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def begin(self, flight: Flight) -> Sealed:
        """A flight with new secrets."""
        return self._sealed(secrets.token_urlsafe(32), _text(msgspec.json.encode(flight)), flight)

    def landed(self, cookie: str, state: str, now: float) -> Sealed:
        """The flight of a cookie that the provider's `state` belongs to. Raises: `RefusedError`."""
        found = _COOKIE.match(cookie)
        if found is None:
            raise RefusedError("session")
        seed, told, _ = found.groups()
        try:
            data = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
            held = self._sealed(seed, told, msgspec.json.decode(data, type=Flight))
        except (ValueError, msgspec.DecodeError):
            raise RefusedError("session") from None
        same = hmac.compare_digest(held.cookie, cookie)
        if not same or not hmac.compare_digest(held.state.encode(), state.encode()):
            raise RefusedError("session")  # fails closed: another browser's way back, or forged
        if not held.flight.began - 1 <= now < held.flight.began + LASTS_S:
            raise RefusedError("expired")
        return held

    def _sealed(self, seed: str, told: str, flight: Flight) -> Sealed:
        return Sealed(
            flight=flight,
            cookie=f"{seed}.{told}.{self._derived('cookie', f'{seed}.{told}')}",
            state=self._derived("state", seed),
            nonce=self._derived("nonce", seed),
            verifier=self._derived("verifier", seed),
        )

    def _derived(self, what: str, seed: str) -> str:
        return _text(hmac.digest(self._key, f"{what} {seed}".encode(), "sha256"))


def safe_path(text: str) -> str | None:
    """A path of this hub that a browser may be sent to, ``None`` for whatever else it is.

    No second slash or backslash at its beginning: browsers read those as another host.
    """
    return text if _PATH.match(text) else None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

"""Requests of browsers with a session: the cookie alone never answers.

A page of another origin can make a browser send a cookie, but it can neither read what the hub
said of the session (`Hub-CSRF`) nor say that it comes from here (`Origin`, `Sec-Fetch-Site`).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from auth.refusal import RefusedError
from auth.session import is_id
from schema.errors import HubError
from schema.model.subject import Subject

RawHeaders = Iterable[tuple[bytes, bytes]]
_WANTED = frozenset({b"cookie", b"hub-csrf", b"origin", b"sec-fetch-site"})
_LONGEST = 16_384


class Sessions(Protocol):
    """Where sessions are kept."""

    async def subject(self, ident: str) -> Subject | None:
        """Whose session it is, ``None`` if it is none or has ended."""
        ...


class Browser:
    """What the hub knows of browsers. `url`: where they reach it; `key` is at least 32 bytes."""

    def __init__(self, url: str, key: bytes, sessions: Sessions) -> None:
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}".lower()
        # `__Host-` asks for `Secure`, which plain HTTP, on this machine only, cannot give
        self.secure = parts.scheme == "https"
        self.cookie = "__Host-hub_session" if self.secure else "hub_session"
        self.flight = "__Host-hub_login" if self.secure else "hub_login"
        self._key = key
        self._sessions = sessions

    def token(self, ident: str) -> str:
        """What a page of the hub's own must send with a session, as `Hub-CSRF`."""
        made = hmac.digest(self._key, f"csrf {ident}".encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    async def visitor(self, headers: RawHeaders) -> Subject:
        """Whose session a request goes with. Raises: `RefusedError` where there is none that is
        good, `HubError` CSRF_REFUSED for what another page could have caused."""
        found = read(headers)
        ident = self.session(found)
        if ident is None:
            raise RefusedError("session")
        self.check(found, ident)
        subject = await self._sessions.subject(ident)
        if subject is None:
            raise RefusedError("session")
        return subject

    def session(self, found: dict[bytes, bytes]) -> str | None:
        """The id that a browser shows, if it has the form of one."""
        ident = cookie(found, self.cookie)
        return ident if ident is not None and is_id(ident) else None

    def check(self, found: dict[bytes, bytes], ident: str) -> None:
        """Refuse what a page of another origin could have caused; raises CSRF_REFUSED."""
        shown = found.get(b"hub-csrf", b"")
        said = self.said_own(found)
        # fails closed: every browser of these days says where a request comes from
        if said is not True or not hmac.compare_digest(shown, self.token(ident).encode()):
            raise HubError(
                "CSRF_REFUSED", "a session counts from the hub's own pages alone",
                hint="send `Hub-CSRF` as `/auth/session` says",
            )  # fmt: skip

    def said_own(self, found: dict[bytes, bytes]) -> bool | None:
        """Whether the browser says that a page of the hub asks; ``None`` if it says nothing."""
        site, origin = found.get(b"sec-fetch-site"), found.get(b"origin")
        if site is None and origin is None:
            return None
        here = self.origin.encode()
        return site in (None, b"same-origin") and (origin is None or origin.lower() == here)


def read(headers: RawHeaders) -> dict[bytes, bytes]:
    """What tells of a browser; a header that comes twice is refused, as two could read it in two
    ways. Raises: `RefusedError`."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _WANTED:
            if name in found or len(value) > _LONGEST:
                raise RefusedError("session")
            found[name] = value
    return found


def cookie(found: dict[bytes, bytes], name: str) -> str | None:
    """A cookie's value; ``None`` also if there are two of the name: one of them is not ours."""
    pairs = (pair.strip().partition(b"=") for pair in found.get(b"cookie", b"").split(b";"))
    held = [value for named, _, value in pairs if named == name.encode()]
    return held[0].decode("ascii", "replace") if len(held) == 1 else None

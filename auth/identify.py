"""Credentials -> Subject: a look-up for credentials seen lately, else the full check."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from auth.apart import Apart
from auth.apikeys import KeyStore, check, looks_like_key
from auth.browser import Browser, RawHeaders
from auth.claims import SETS
from auth.link import Linked, LinkVerifier
from auth.refusal import RefusedError, unauthenticated
from auth.token import MAX_BYTES, TokenVerifier
from auth.told import Completing, Told
from schema.model.subject import Subject

log = structlog.get_logger("auth")

_REFUSED_S = 2.0
_REFUSED_MAX = 1_000


class Identifier:
    """Says who asks. Nobody is anybody without credentials.

    Accepted credentials are kept in two generations, which bounds the memory and keeps what is in
    use: full, the younger generation becomes the older one, and the former older one goes.
    """

    def __init__(
        self,
        *,
        tokens: TokenVerifier | None = None,
        keys: Sequence[KeyStore] = (),
        links: LinkVerifier | None = None,
        browser: Browser | None = None,
        directory: Completing | None = None,
        apart: Apart | None = None,
        cache_size: int = 10_000,
        cache_s: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`directory`: what else is known of callers; `apart`: duties that nobody holds two of."""
        self._tokens = tokens
        self._keys = tuple(keys)
        self._links = links
        self._browser = browser
        self._apart = apart or Apart()
        self._directory = directory
        self._turn = 0
        self._half = max(1, cache_size // 2)
        self._cache_s = cache_s
        self._clock = clock
        self._young: dict[str, tuple[float, Subject]] = {}
        self._old: dict[str, tuple[float, Subject]] = {}
        self._refused: dict[str, float] = {}
        self._revoked: dict[str, float] = {}

    def known(self, token: str) -> Subject | None:
        """The subject of credentials accepted lately and still good; no check is made here."""
        held = self._young.get(token)
        if held is None:
            held = self._old.get(token)
            if held is None:
                return None
            self._keep(token, held)
        return held[1] if held[0] > self._clock() else None

    async def identify(self, scheme: str, token: str, certificate: str | None = None) -> Subject:
        """The subject of the credentials; `certificate` is the digest of the one that the client
        has shown.

        Raises: `HubError` UNAUTHENTICATED, the same whatever is wrong; the log has the reason.
        """
        subject = self.known(token)
        if subject is not None:
            return subject
        now = self._clock()
        if len(token) > MAX_BYTES or self._refused.get(token, 0.0) > now:
            raise unauthenticated()
        try:
            if token in self._revoked:
                raise RefusedError("revoked")
            turn = self._turn
            told, keep = await self._check(scheme, token, certificate, now)
            subject = await self._completed(told, now)
            if token in self._revoked:
                raise RefusedError("revoked")  # it was revoked while it was looked at
            self._check_person(subject)
        except RefusedError as refused:
            log.info("auth.refused", reason=refused.reason)
            if refused.reason != "certificate":  # the next one may show the right one
                self._remember(token, now)
            raise unauthenticated() from None
        if not keep or turn != self._turn:
            return subject  # what it was made from may have changed since: it is not kept
        held = self._young.get(token) or self._old.get(token)
        if held is not None and held[1] == subject:
            subject = held[1]  # the same object again: what others keep for it stays good
        self._keep(token, (min(now + self._cache_s, subject.expires_at), subject))
        return subject

    async def linked(self, token: str, read: Callable[[], Awaitable[bytes]]) -> Linked:
        """Who asks through another hub, by the token that it made for the body that `read` reads;
        nothing is kept.

        Raises: `HubError` UNAUTHENTICATED, the same whatever is wrong; HUB_LOOP; what `read` does.
        """
        try:
            if self._links is None:
                raise RefusedError("scheme")
            linked = await self._links.verify(token, read)
            self._check_apart(linked.subject)
            return linked
        except RefusedError as refused:
            log.info("auth.refused", reason=refused.reason)
            raise unauthenticated() from None

    async def visited(self, headers: RawHeaders) -> Subject:
        """Who asks with a browser's session.

        Raises: `HubError` UNAUTHENTICATED, the same whatever is wrong; CSRF_REFUSED.
        """
        if self._browser is None:
            raise unauthenticated()
        try:
            visitor = await self._browser.visitor(headers)
            # a session keeps what was said, not what was left unsaid: empty counts as that
            unsaid = frozenset(name for name in SETS if not getattr(visitor, name))
            told = Told(subject=visitor, unsaid=unsaid)
            subject = await self._completed(told, self._clock())
            self._check_person(subject)
        except RefusedError as refused:
            log.info("auth.refused", reason=refused.reason)
            raise unauthenticated() from None
        return subject

    def revoke(self, token: str) -> None:
        """Never accept these credentials again in this process."""
        held = self._young.pop(token, None) or self._old.pop(token, None)
        now = self._clock()
        self._revoked = {text: end for text, end in self._revoked.items() if end > now}
        self._revoked[token] = held[1].expires_at if held is not None else float("inf")

    def forget(self) -> None:
        """Check everybody anew, e.g. after keys or issuers changed."""
        self._young, self._old = {}, {}
        self._refused = {}
        self._turn += 1

    async def _check(
        self, scheme: str, token: str, certificate: str | None, now: float
    ) -> tuple[Told, bool]:
        """Who asks, and whether it may be kept."""
        if scheme in ("bearer", "apikey") and looks_like_key(token):
            subject = await asyncio.to_thread(check, token, self._keys, now=now)
            return Told(subject=subject), True
        if scheme == "bearer" and self._tokens is not None:
            accepted = await self._tokens.accepted(token, certificate)
            return accepted.told, accepted.keep
        raise RefusedError("scheme")

    def _check_person(self, subject: Subject) -> None:
        """Raises: `RefusedError` for a name that callers of a link have, and for separated duties
        in one hand."""
        self._check_apart(subject)
        if self._links is not None and self._links.names(subject):
            raise RefusedError("name")  # rules about callers of that link would be met by it

    async def _completed(self, told: Told, now: float) -> Subject:
        if self._directory is None:
            return told.subject
        return await self._directory.complete(told, now)

    def _check_apart(self, subject: Subject) -> None:
        if self._apart.clash(subject.duties):
            # fails closed: whoever holds two of them is trusted with neither
            raise RefusedError("duties")

    def _keep(self, token: str, held: tuple[float, Subject]) -> None:
        self._old.pop(token, None)
        self._young[token] = held
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}

    def _remember(self, token: str, now: float) -> None:
        if len(self._refused) >= _REFUSED_MAX:
            self._refused = {}
        self._refused[token] = now + _REFUSED_S

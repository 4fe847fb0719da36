"""Bearer tokens: JWTs whose issuer, algorithm, type, audience and times are all pinned."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

import msgspec
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from auth.claims import subject_of, unsaid
from auth.decode import json_object, segment
from auth.issuer import ClaimMapping, Issuer
from auth.keyset import KeySet, PublicKey, check_place
from auth.refusal import RefusedError
from auth.told import Told
from schema.errors import HubError
from schema.model.subject import Subject

MAX_BYTES = 16_384
_HEADER_BYTES_MAX = 2_048
_ID_LONGEST = 256
_FORBIDDEN = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc", "epk", "p2c"})
"""Header members that let a token choose its own key or reading."""
_SIGNATURES = {name: JWSRegistry.algorithms[name] for name in ("RS256", "ES256", "EdDSA")}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of a token's header."""

    alg: str
    typ: str | None
    kid: str | None


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token says."""

    issuer: Issuer
    claims: Mapping[str, Any]
    expires_at: float


class Once(Protocol):
    """Remembers ids until they end, for all workers."""

    async def first(self, ident: str, ends: float) -> bool:
        """Whether the id was never seen before; raises `HubError`."""
        ...


class Keys(Protocol):
    """Where an issuer's keys are found."""

    async def find(self, kid: str | None, algorithm: str) -> PublicKey: ...


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a token speaks for, and whether the next request with it may go without a look."""

    told: Told
    keep: bool


class TokenVerifier:
    """Verifies JWTs of the declared issuers. Raises: `HubError` CONFIG_INVALID when made."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        mapping: ClaimMapping | None = None,
        *,
        clock: Callable[[], float] = time.time,
        key_set: Callable[[Issuer], Keys] = KeySet,
        once: Once | None = None,
        untyped: bool = False,
    ) -> None:
        self._mapping = mapping or ClaimMapping()
        self._clock = clock
        self._once = once
        self._untyped = untyped
        self._issuers: dict[str, tuple[Issuer, Keys]] = {}
        for issuer in issuers:
            check_place(issuer)
            if issuer.issuer in self._issuers:
                raise HubError("CONFIG_INVALID", "an issuer is declared twice")
            self._issuers[issuer.issuer] = (issuer, key_set(issuer))

    async def verify(self, token: str, certificate: str | None = None) -> Subject:
        """The subject of a valid token. Raises: `RefusedError`."""
        return (await self.accepted(token, certificate)).told.subject

    async def accepted(self, token: str, certificate: str | None) -> Accepted:
        """The same, and whether it may be kept; `certificate` is the digest of the one that the
        client has shown. Raises: `RefusedError`, what noting a use does."""
        held = await self.claims(token)
        bound = _bound(held, certificate)
        issuer, mapping = held.issuer, held.issuer.claims or self._mapping
        told = Told(
            subject=subject_of(held.claims, mapping, issuer.fixed, expires_at=held.expires_at),
            unsaid=unsaid(held.claims, mapping, issuer.fixed),
            issuer=issuer.issuer,
        )
        single = await self._first(held)
        # a look-up by the token alone would let a bound one pass without its certificate, and a
        # used one again
        return Accepted(told=told, keep=not bound and not single)

    async def signed_by(self, token: str) -> str:
        """Whose a token is that its subject has signed itself (RFC 7523), good once. Raises:
        `RefusedError`, what noting a use does."""
        held = await self.claims(token)
        if held.claims.get("sub") != held.issuer.issuer:
            raise RefusedError("claims")
        await self._first(held)
        return held.issuer.issuer

    async def _first(self, held: Verified) -> bool:
        """Note the use of what is good once; whether it is."""
        if not held.issuer.single_use and held.claims.get("single_use") in (None, False):
            return False
        ident = held.claims.get("jti")
        if not isinstance(ident, str) or not ident or len(ident) > _ID_LONGEST:
            raise RefusedError("claims")
        used = f"jti {held.issuer.issuer} {ident}"
        if self._once is None or not await self._once.first(used, held.expires_at):
            raise RefusedError("replayed")
        return True

    async def claims(self, token: str) -> Verified:
        """What a valid token says, not yet read as a subject. Raises: `RefusedError`."""
        if len(token) > MAX_BYTES:
            raise RefusedError("too_large")
        parts = token.split(".")
        if len(parts) != 3:
            raise RefusedError("not_a_token")
        header = _header(parts[0])
        claims = json_object(segment(parts[1]))
        signature = segment(parts[2])
        named = claims.get("iss")
        known = self._issuers.get(named) if isinstance(named, str) else None
        if known is None:
            raise RefusedError("issuer")
        issuer, keys = known
        if header.alg not in issuer.algorithms:
            raise RefusedError("algorithm")
        if header.typ not in {name.lower() for name in issuer.types} and not (
            self._untyped and header.typ is None
        ):
            raise RefusedError("type")
        found = await keys.find(header.kid, header.alg)
        signed = f"{parts[0]}.{parts[1]}".encode()
        try:
            good = _SIGNATURES[found.algorithm].verify(signed, signature, found.key)
        except (JoseError, ValueError, TypeError):
            good = False
        if not good:
            raise RefusedError("signature")
        expires_at = self._times(claims, issuer)
        _audience(claims.get("aud"), issuer)
        party = claims.get("azp", claims.get("client_id"))
        if issuer.parties and party not in issuer.parties:
            raise RefusedError("party")
        return Verified(issuer=issuer, claims=claims, expires_at=expires_at)

    def _times(self, claims: Mapping[str, Any], issuer: Issuer) -> float:
        """Check the times; when the token ends."""
        now, leeway = self._clock(), issuer.leeway_s
        expires = _time(claims.get("exp"))
        if expires is None:
            raise RefusedError("lifetime")
        if expires + leeway <= now:
            raise RefusedError("expired")
        issued = _time(claims.get("iat"))
        starts = _time(claims.get("nbf"))
        if any(moment is not None and moment - leeway > now for moment in (issued, starts)):
            raise RefusedError("not_yet")
        begun = now if issued is None else issued
        if expires - begun > issuer.lifetime_max_s or expires - now > (
            issuer.lifetime_max_s + leeway
        ):
            raise RefusedError("lifetime")
        return expires + leeway


def _header(part: str) -> Header:
    data = segment(part)
    if len(data) > _HEADER_BYTES_MAX:
        raise RefusedError("header")
    held = json_object(data)
    alg, typ, kid = held.get("alg"), held.get("typ"), held.get("kid")
    if not _FORBIDDEN.isdisjoint(held):
        raise RefusedError("header")
    if not isinstance(alg, str) or alg not in _SIGNATURES:
        raise RefusedError("algorithm")
    if typ is not None and not isinstance(typ, str):
        raise RefusedError("type")
    if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
        raise RefusedError("header")
    kind = None if typ is None else typ.lower().removeprefix("application/")
    return Header(alg=alg, typ=kind, kid=kid)


def _bound(held: Verified, certificate: str | None) -> bool:
    """Whether a token is bound to a certificate, which must have been shown (RFC 8705)."""
    said = held.claims.get("cnf")
    if said is None and not held.issuer.bound:
        return False
    # fails closed: a way of binding that is not known here could not be looked at
    if not isinstance(said, dict) or set(said) != {"x5t#S256"} or certificate is None:
        raise RefusedError("certificate")
    if said["x5t#S256"] != certificate:
        raise RefusedError("certificate")
    return True


def _time(value: Any) -> float | None:
    """A NumericDate; raises `RefusedError` for what is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError("claims")
    try:
        moment = float(value)
    except OverflowError:
        raise RefusedError("claims") from None
    if not isfinite(moment) or moment < 0:
        raise RefusedError("claims")
    return moment


def _audience(value: Any, issuer: Issuer) -> None:
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise RefusedError("audience")
    if not set(named) & set(issuer.audience):
        raise RefusedError("audience")

"""An issuer's public keys, by file or URL: kept, renewed, old ones dropped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from auth.decode import json_object
from auth.fetch import TIMEOUT_S, fetched, loopback, private_way
from auth.issuer import Issuer
from auth.refusal import RefusedError
from schema.errors import HubError

log = structlog.get_logger("auth.keys")

_BYTES_MAX = 512_000
_KEYS_MAX = 100
_FRESH_S = 300.0
"""Keys are fetched again after this long, a file's after a tenth."""
_STALE_S = 3_600.0
"""Keys that could not be renewed for this long are not used any more."""
_APART_S = 10.0
"""Least time between two fetches, whatever tokens come."""
_RSA_BITS_MIN = 2048


class PublicKey:
    """One verification key and the only algorithm it is used with."""

    __slots__ = ("algorithm", "key", "kid")

    def __init__(self, kid: str | None, algorithm: str, key: Key) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.key = key


class KeySet:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: Issuer,
        *,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._transport = transport
        remote = issuer.jwks is None or "://" in issuer.jwks
        self._fresh_s = _FRESH_S if remote else _FRESH_S / 10
        self._lock = asyncio.Lock()
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched = float("-inf")
        self._tried = float("-inf")

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        """The key for a token's header. Raises: `RefusedError`.

        An unknown `kid` makes the set be fetched again, but not more often than every ten
        seconds, so strangers cannot make the hub hammer an issuer.
        """
        now = self._clock()
        if now - self._fetched > self._fresh_s:
            await self._renew()
        found = self._fitting(kid, algorithm)
        if found is None and not self._knows(kid):
            await self._renew()
            found = self._fitting(kid, algorithm)
        if self._clock() - self._fetched > _STALE_S:
            raise RefusedError("key_set")  # fails closed: a withdrawn key must not live on
        if found is None:
            raise RefusedError("key")
        return found

    def _knows(self, kid: str | None) -> bool:
        return kid is not None and any(key.kid == kid for key in self._keys)

    def _fitting(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The only key with this id, or without one the only key for the algorithm."""
        fit = [
            key
            for key in self._keys
            if key.algorithm == algorithm and (kid is None or key.kid == kid)
        ]
        return fit[0] if len(fit) == 1 else None

    async def _renew(self) -> None:
        async with self._lock:
            now = self._clock()
            if now - self._tried < _APART_S:
                return
            self._tried = now
            try:
                self._keys = read_keys(await self._load(), self._issuer.algorithms)
                self._fetched = self._clock()
            except (OSError, httpx.HTTPError, RefusedError, ValueError, TimeoutError) as error:
                log.warning("auth.keys_failed", kind=type(error).__name__)

    async def _load(self) -> bytes:
        place = self._issuer.jwks
        if place is not None and "://" not in place:
            return await asyncio.to_thread(_read_file, Path(place))
        async with asyncio.timeout(TIMEOUT_S):
            async with httpx.AsyncClient(
                timeout=TIMEOUT_S, follow_redirects=False, transport=self._transport
            ) as client:
                if place is None:
                    place = await self._discover(client)
                return await fetched(client, place, reason="key_set")

    async def _discover(self, client: httpx.AsyncClient) -> str:
        """The key set's address by OpenID Connect discovery."""
        issuer = self._issuer.issuer
        url = get_well_known_url(issuer, external=True)
        data = json_object(await fetched(client, url, reason="key_set"))
        place = data.get("jwks_uri")
        if data.get("issuer") != issuer or not isinstance(place, str):
            raise RefusedError("key_set")  # fails closed: another issuer's document, or none
        if not loopback(urlsplit(issuer).hostname or ""):
            metadata = OpenIDProviderMetadata(data)
            metadata.validate_issuer()
            metadata.validate_jwks_uri()
        return place


def check_place(issuer: Issuer) -> None:
    """Refuse key sets that others on the way could replace; raises `HubError` CONFIG_INVALID."""
    place = issuer.jwks if issuer.jwks is not None else issuer.issuer
    if issuer.jwks is not None and "://" not in place:
        return
    if not private_way(place):
        raise HubError(
            "CONFIG_INVALID",
            "the key set of an issuer is not at an `https` address",
            hint="write `jwks: https://...`, or the path of a file",
        )


def read_keys(data: bytes, algorithms: tuple[str, ...]) -> tuple[PublicKey, ...]:
    """The usable public keys of a JWKS; others are left out. Raises: `RefusedError`."""
    held = json_object(data).get("keys")
    if not isinstance(held, list) or len(held) > _KEYS_MAX:
        raise RefusedError("key_set")
    found = [_public(jwk) for jwk in held if isinstance(jwk, dict)]
    return tuple(key for key in found if key is not None and key.algorithm in algorithms)


def _public(jwk: Mapping[str, Any]) -> PublicKey | None:
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ("verify",)):
        return None
    kid = jwk.get("kid")
    if kid is not None and not isinstance(kid, str):
        return None
    try:
        key, algorithm = _import(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if key is None or jwk.get("alg", algorithm) not in (algorithm, key.get("crv")):
        return None
    return PublicKey(kid, algorithm, key)


def _import(jwk: Mapping[str, Any]) -> tuple[Key | None, str]:
    """The key without its private half, should a careless issuer publish that."""
    public = {
        name: jwk[name]
        for name in ("kty", "crv", "x", "y", "n", "e")
        if isinstance(jwk.get(name), str)
    }
    match (public.get("kty"), public.get("crv")):
        case ("RSA", _):
            rsa = RSAKey.import_key(public)
            op_key = rsa.get_op_key("verify")
            large = isinstance(op_key, RSAPublicKey) and op_key.key_size >= _RSA_BITS_MIN
            return (rsa if large else None), "RS256"
        case ("EC", "P-256"):
            return ECKey.import_key(public), "ES256"
        case ("OKP", "Ed25519"):
            return OKPKey.import_key(public), "EdDSA"
        case _:
            return None, ""


def _read_file(file: Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(_BYTES_MAX + 1)
    if len(data) > _BYTES_MAX:
        raise RefusedError("key_set")
    return data

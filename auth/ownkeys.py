"""The keys that the hub signs its tokens with: in one file, shared by its workers, rotated with
an overlap in which the old one's tokens still verify and the new one is known before it signs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from auth.keyfile import made_once, replace
from auth.keyset import PublicKey
from auth.refusal import RefusedError
from schema.errors import HubError

ALGORITHM: Literal["EdDSA"] = "EdDSA"
FILE = "issuer-keys.json"
LIFETIME_MAX_S = 600.0
_LEEWAY_S = 60.0


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    jwk: dict[str, str | list[str]]
    signs_from: float


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    keys: tuple[_Kept, ...]


class OwnKeys:
    """Signs, and verifies what it has signed; the file is read again when it changes.

    Raises: `HubError` CONFIG_INVALID where it cannot be made or read.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file = directory / FILE
        self._clock = clock
        self._seen: tuple[int, int] | None = None
        self._kept: tuple[tuple[OKPKey, float], ...] = ()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            made_once(self._file, msgspec.json.encode(_File(keys=(_fresh(0.0),))))
        except OSError as error:
            raise self._unusable(error) from error
        self._read()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        now = self._clock()
        key = [key for key, signs_from in self._read() if signs_from <= now][-1]
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.thumbprint()}
        signed = b".".join(urlsafe_b64encode(msgspec.json.encode(p)) for p in (header, claims))
        signature = JWSRegistry.algorithms[ALGORITHM].sign(signed, key)
        return b".".join((signed, urlsafe_b64encode(signature))).decode()

    async def find(self, kid: str | None, algorithm: str) -> PublicKey:
        """The key for a token's header. Raises: `RefusedError`."""
        for key in self._published():
            if algorithm == ALGORITHM and kid == key.thumbprint():
                return PublicKey(kid, ALGORITHM, key)
        raise RefusedError("key")

    def jwks(self) -> dict[str, Any]:
        """The public key set."""
        told = {"use": "sig", "alg": ALGORITHM}
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": key.thumbprint(), **told}
                for key in self._published()
            ]
        }

    def rotate(self, *, after_s: float) -> str:
        """A new key, which signs after `after_s`; the id. With 0, at once, all others go."""
        now = self._clock()
        fresh = _fresh(now + after_s)
        held = () if after_s <= 0 else self._live(now)
        kept = tuple(
            _Kept(jwk=key.as_dict(private=True), signs_from=signs_from) for key, signs_from in held
        )
        try:
            replace(self._file, msgspec.json.encode(_File(keys=(*kept, fresh))), 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        return OKPKey.import_key(fresh.jwk).thumbprint()

    def _published(self) -> list[OKPKey]:
        return [key for key, _ in self._live(self._clock())]

    def _live(self, now: float) -> list[tuple[OKPKey, float]]:
        """The keys some of whose tokens may be good, and those that will sign."""
        kept = self._read()
        ends = [later for _, later in kept[1:]] + [float("inf")]
        return [
            one for one, end in zip(kept, ends, strict=True)
            if now < end + LIFETIME_MAX_S + _LEEWAY_S
        ]  # fmt: skip

    def _read(self) -> tuple[tuple[OKPKey, float], ...]:
        try:
            status = self._file.stat()
            seen = (status.st_mtime_ns, status.st_ino)
            if seen != self._seen:
                held = msgspec.json.decode(self._file.read_bytes(), type=_File)
                kept = [(OKPKey.import_key(one.jwk), one.signs_from) for one in held.keys]
                if not kept:
                    raise ValueError("no key")
                self._kept, self._seen = tuple(sorted(kept, key=lambda one: one[1])), seen
        except (OSError, ValueError, msgspec.DecodeError, JoseError) as error:
            raise self._unusable(error) from error
        return self._kept

    def _unusable(self, cause: BaseException) -> HubError:
        return HubError(
            "CONFIG_INVALID", "the keys of the hub's issuer cannot be read or made",
            where=str(self._file),
            hint="give `state.directory` a folder that the hub may write; if the file is damaged,"
            " delete it: a new key is made and all tokens end",
            cause=cause,
        )  # fmt: skip


def _fresh(signs_from: float) -> _Kept:
    key = OKPKey.generate_key("Ed25519")
    return _Kept(jwk=key.as_dict(private=True), signs_from=signs_from)

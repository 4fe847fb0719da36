"""A token issuer for demonstrations: it exists in development mode on one machine only."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from auth.fetch import loopback
from auth.issuer import DevelopmentIssuer, Issuer
from auth.keyfile import made_once, replace
from schema.errors import HubError

_KEY_FILE = "issuer-key.pem"
_SET_FILE = "jwks.json"


def refuse_unless_development(mode: str, host: str) -> None:
    """Refuse to issue where strangers could come; raises `HubError` CONFIG_INVALID.

    Both must be so: the instance says it is for development, and only this machine reaches it.
    """
    if mode != "development" or not loopback(host):
        # fails closed: who can read its key can be anybody
        raise HubError(
            "CONFIG_INVALID",
            "the development issuer is for a demonstration on one machine",
            hint="delete `auth.development_issuer`, or set `instance.mode: development` and"
            " `listen.host: 127.0.0.1`",
        )


class DevIssuer:
    """Signs tokens with an Ed25519 key of its own, made once and kept in its folder."""

    def __init__(
        self,
        settings: DevelopmentIssuer,
        *,
        mode: str,
        host: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        refuse_unless_development(mode, host)
        self._settings = settings
        self._clock = clock
        folder = Path(settings.directory)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._key = _load_or_make(folder / _KEY_FILE)
            self._kid = self._key.thumbprint()
            self._file = folder / _SET_FILE
            public = {**self._key.as_dict(private=False), "kid": self._kid, "use": "sig"}
            replace(self._file, msgspec.json.encode({"keys": [public]}), 0o644)
        except OSError as error:
            raise HubError(
                "CONFIG_INVALID",
                "the development issuer cannot write its folder",
                where=str(folder),
                hint="name a folder that can be written in `auth.development_issuer.directory`",
                cause=error,
            ) from error

    @property
    def issuer(self) -> Issuer:
        """What the hub has to know to accept its tokens."""
        return Issuer(
            issuer=self._settings.issuer,
            audience=(self._settings.audience,),
            jwks=str(self._file),
            algorithms=("EdDSA",),
            types=("at+jwt",),
            lifetime_max_s=self._settings.lifetime_max_s,
        )

    def sign(self, claims: Mapping[str, Any], *, lifetime_s: float = 86_400.0) -> str:
        """A token with these claims (`sub` at least) beside issuer, audience and times."""
        now = int(self._clock())
        header = {"alg": "EdDSA", "typ": "at+jwt", "kid": self._kid}
        body = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "iat": now,
            "exp": now + int(min(lifetime_s, self._settings.lifetime_max_s)),
            "jti": secrets.token_hex(8),
            **claims,
        }
        signed = b".".join(urlsafe_b64encode(msgspec.json.encode(part)) for part in (header, body))
        signature = JWSRegistry.algorithms["EdDSA"].sign(signed, self._key)
        return b".".join((signed, urlsafe_b64encode(signature))).decode()


def _load_or_make(file: Path) -> OKPKey:
    """The key in the file; the first of several processes makes it."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    data = made_once(file, pem)
    try:
        key = load_pem_private_key(data, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("not an Ed25519 key")
        return OKPKey.import_key(data)
    except ValueError as error:
        raise HubError(
            "CONFIG_INVALID",
            "the development issuer's key is damaged",
            where=str(file),
            hint="delete the file; a new key is made and old tokens end",
            cause=error,
        ) from error

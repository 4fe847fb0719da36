"""What is said to the other hub of who asks: a short-lived signed token for one request."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from connectors.spi import Asker
from schema.errors import HubError
from schema.model.subject import Subject

TYPE = "hub-link+jwt"
LIFETIME_S = 30
"""How long a token is good; the other hub takes it once."""
_TEXTS = ("app", "user", "department", "org_kind", "tier", "region", "acting_for", "acr")
_SETS = ("compartments", "roles", "duties")


class Signer:
    """Signs for one hub towards one other."""

    def __init__(
        self,
        key: OKPKey | ECKey,
        *,
        name: str,
        audience: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._key = key
        self._algorithm = "EdDSA" if isinstance(key, OKPKey) else "ES256"
        self._header = {"alg": self._algorithm, "typ": TYPE, "kid": key.kid or key.thumbprint()}
        self._audience = audience
        self._clock = clock

    def sign(self, asker: Asker, body: bytes) -> str:
        """The token of one request; it is good for this body alone."""
        return self._signed({**_told(asker.subject), **_why(asker)}, body)

    def sign_own(self, body: bytes) -> str:
        """The token of a question that the hub asks for itself: no person, no purpose."""
        return self._signed({"sub": f"hub:{self.name}", "self": True, "hubs": [self.name]}, body)

    def _signed(self, said: dict[str, Any], body: bytes) -> str:
        now = int(self._clock())
        claims = {
            **said,
            "iss": self.name,
            "aud": self._audience,
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_urlsafe(18),
            "body": hashlib.sha256(body).hexdigest(),
        }
        parts = (self._header, claims)
        signed = b".".join(urlsafe_b64encode(msgspec.json.encode(part)) for part in parts)
        signature = JWSRegistry.algorithms[self._algorithm].sign(signed, self._key)
        return b".".join((signed, urlsafe_b64encode(signature))).decode()


def _told(subject: Subject) -> dict[str, Any]:
    """Who asks; what is not known is left out."""
    told: dict[str, Any] = {"sub": subject.id}
    texts = ((name, getattr(subject, name)) for name in _TEXTS)
    told |= {name: value for name, value in texts if value is not None}
    sets = ((name, getattr(subject, name)) for name in _SETS)
    told |= {name: sorted(values) for name, values in sets if values}
    if subject.clearance:
        told["clearance"] = dict(subject.clearance)
    return told


def _why(asker: Asker) -> dict[str, Any]:
    said: dict[str, Any] = {"trace": asker.trace, "hubs": list(asker.hubs)}
    if asker.purpose is not None:
        said["purpose"] = asker.purpose
    if asker.case_id is not None:
        said["case"] = asker.case_id
    return said


def private_key(text: str, source: str) -> OKPKey | ECKey:
    """An Ed25519 or P-256 private key, PEM or JWK, or the pair that `hub keys new signing` makes.

    Raises: ``CONFIG_INVALID``, without the key.
    """
    for kind, curve in ((OKPKey, "Ed25519"), (ECKey, "P-256")):
        try:
            held: Any = msgspec.json.decode(text) if text.lstrip().startswith("{") else text
            if isinstance(held, dict) and "private" in held:
                held = held["private"]
            key = kind.import_key(held)
            if key.is_private and key.as_dict(private=False).get("crv") == curve:
                return key
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    raise HubError(
        "CONFIG_INVALID", "`connect.key` is no private key", where=source,
        hint="an Ed25519 or P-256 key, as `${file:link.pem}`; `hub keys new signing` makes one",
    )  # fmt: skip

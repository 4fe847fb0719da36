"""Keys and tokens as an honest issuer makes them, and as an attacker would."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.issuer import Issuer

NOW = 1_800_000_000.0
ISSUER = "https://login.example"
AUDIENCE = "hub"
RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
OKP = OKPKey.generate_key("Ed25519")
STRANGER = OKPKey.generate_key("Ed25519")
KEYS: Mapping[str, tuple[str, Key]] = {
    "rsa": ("RS256", RSA),
    "ec": ("ES256", EC),
    "okp": ("EdDSA", OKP),
}


def jwk(key: Key, kid: str | None, **more: Any) -> dict[str, Any]:
    """A public key as a key set holds it."""
    held: dict[str, Any] = {**key.as_dict(private=False), **more}
    if kid is not None:
        held["kid"] = kid
    return held


def write_keys(file: Path, *keys: dict[str, Any]) -> None:
    file.write_text(json.dumps({"keys": list(keys)}))


def write_all(file: Path) -> None:
    """The key set of the honest issuer."""
    write_keys(file, *(jwk(key, kid) for kid, (_, key) in KEYS.items()))


def declared(file: Path, **changes: Any) -> Issuer:
    given: dict[str, Any] = {"issuer": ISSUER, "audience": (AUDIENCE,), "jwks": str(file)}
    return Issuer(**{**given, **changes})


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims; a change to ``None`` takes one out."""
    held = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "zhang",
        "azp": "benefits",
        "user": "zhang",
        "iat": NOW - 10,
        "exp": NOW + 600,
    }
    held.update(changes)
    return {name: value for name, value in held.items() if value is not None}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    body: Mapping[str, Any] | bytes | None = None,
    *,
    kid: str | None = "okp",
    header: Mapping[str, Any] | bytes | None = None,
    key: Key | None = None,
    alg: str | None = None,
) -> str:
    """A signed token; `header` replaces members, or the whole of it when it is bytes."""
    named, held = KEYS.get(kid or "okp", KEYS["okp"])
    algorithm = alg or named
    if not isinstance(header, bytes):
        members = {"alg": algorithm, "typ": "at+jwt", "kid": kid, **(header or {})}
        header = json.dumps({k: v for k, v in members.items() if v is not None}).encode()
    if not isinstance(body, bytes):
        body = json.dumps(claims() if body is None else body).encode()
    signed = f"{b64(header)}.{b64(body)}"
    if algorithm == "none":
        return f"{signed}."
    signature = JWSRegistry.algorithms[algorithm].sign(signed.encode(), key or held)
    return f"{signed}.{b64(signature)}"


def confused(kid: str) -> str:
    """HS256 with the public key's PEM as the secret: the classic confusion."""
    header = b64(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode())
    signed = f"{header}.{b64(json.dumps(claims()).encode())}"
    pem = KEYS[kid][1].as_pem(private=False)
    return f"{signed}.{b64(hmac.digest(pem, signed.encode(), 'sha256'))}"

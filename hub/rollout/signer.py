"""Who may sign: officers' and owners' public keys as the settings declare them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from hub.settings.declared import ReleaseSettings
from schema.errors import HubError

CURVE = "Ed25519"


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a key is."""

    who: str
    """An officer's id, or an owner's department."""
    sort: Literal["officer", "owner"]
    retired: bool
    key: Any
    """The public key, an `OKPKey`."""


Signers = Mapping[str, Signer]
"""By the keys' thumbprints (RFC 7638), which are their ids."""


def read_signers(settings: ReleaseSettings) -> Signers:
    """Every declared key. Raises: `HubError` CONFIG_INVALID, also for one that two share."""
    found: dict[str, Signer] = {}
    declared = [(one.id, "officer", one.retired, one.keys) for one in settings.officers]
    declared += [(one.department, "owner", False, one.keys) for one in settings.owners]
    for who, sort, retired, files in declared:
        for file in files:
            key = public_key(Path(file))
            held = found.setdefault(
                key.thumbprint(),
                Signer(who=who, sort=sort, retired=retired, key=key),  # type: ignore[arg-type]  # two words
            )
            if (held.who, held.sort) != (who, sort):
                # fails closed: whoever holds it would count as two
                hint = "everybody who signs has a key of their own: `hub policy key`"
                raise HubError("CONFIG_INVALID", "two signers share a key", where=file, hint=hint)
    return found


def public_key(file: Path) -> OKPKey:
    """A public Ed25519 key from a JWK or PEM file. Raises: `HubError` CONFIG_INVALID."""
    hint = "name the public key that `hub policy key` wrote"
    try:
        data = file.read_bytes()
        key = OKPKey.import_key(orjson.loads(data) if data.lstrip().startswith(b"{") else data)
    except (OSError, ValueError, TypeError, KeyError, JoseError, UnsupportedAlgorithm) as error:
        message = "not a readable public key"
        raise HubError(
            "CONFIG_INVALID", message, where=str(file), hint=hint, cause=error
        ) from error
    if key.is_private:
        message = "a private key stands where a public one is meant"
        raise HubError("CONFIG_INVALID", message, where=str(file), hint=hint)
    if key.curve_name != CURVE:
        raise HubError("CONFIG_INVALID", "the key is not Ed25519", where=str(file), hint=hint)
    return key


def new_key(passphrase: bytes | None = None) -> tuple[bytes, bytes]:
    """A new pair: the private key as PEM, the public one as a JWK."""
    made = Ed25519PrivateKey.generate()
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    key = OKPKey.import_key(made.public_key())
    named = {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": CURVE}
    return pem, orjson.dumps(named, option=orjson.OPT_INDENT_2) + b"\n"


def private_key(file: Path, passphrase: Callable[[], str]) -> OKPKey:
    """A private key from its PEM file; `passphrase` is asked for a locked one only.

    Raises: `HubError` CONFIG_INVALID, also for a file that others can read.
    """
    where = str(file)
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            # fails closed: what others have read signs for anybody
            hint = "make a new key; keep its file to yourself (`chmod 600`)"
            message = "others can read the private key"
            raise HubError("CONFIG_INVALID", message, where=where, hint=hint)
        data = file.read_bytes()
        locked = b"ENCRYPTED" in data
        made = load_pem_private_key(data, passphrase().encode() if locked else None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        hint = "name the PEM file that `hub policy key` wrote, with its passphrase"
        raise HubError(
            "CONFIG_INVALID", "the private key cannot be read", where=where, hint=hint, cause=error
        ) from error
    if not isinstance(made, Ed25519PrivateKey):
        raise HubError("CONFIG_INVALID", "the key is not Ed25519", where=where)
    return OKPKey.import_key(made)

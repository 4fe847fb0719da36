"""How entries hang together: each hash is over the one before and the entry's exact text.

A hash says by itself what made it: SHA-256 is 32 plain bytes, SM3 has its name before them. So
a chain may go on under another crypto profile, and each entry verifies as it was written.
Source: GB/T 32905 (SM3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from schema.errors import HubError

ProfileName = Literal["intl", "sm"]
Linked = Callable[[bytes | None, Sequence[str]], list[bytes]]
"""(hash of the entry before or ``None``, bodies) -> their hashes as stored."""

_PLAIN = b"hub.audit.entry.v1\x00"
"""For SHA-256 after SHA-256, the only kind there was once."""
_NAMED = b"hub.audit.entry.v2\x00"
_SM3 = b"sm3:"
_SIZE = 32
GENESIS = bytes(_SIZE)
"""Stands for the hash before the first entry."""


def linker(profile: ProfileName) -> Linked:
    """What hashes new entries under a crypto profile.

    Raises: `HubError` CONFIG_INVALID where the installed library does not offer it.
    """
    match profile:
        case "intl":
            return link
        case "sm":
            _begun(_SM3)
            return _link_sm3
        case _:
            assert_never(profile)


def link(before: bytes | None, bodies: Sequence[str]) -> list[bytes]:
    """The SHA-256 hashes of the bodies, the first of which follows the entry with hash `before`."""
    return _linked(b"", before, bodies)


def _link_sm3(before: bytes | None, bodies: Sequence[str]) -> list[bytes]:
    return _linked(_SM3, before, bodies)


def relinked(stored: bytes, before: bytes | None, body: str) -> bytes:
    """The hash that a body should have, by what made the hash that is stored with it.

    Raises: `HubError` CONFIG_INVALID where the installed library does not offer that.
    """
    # fails closed: a hash of no known kind is compared with one of the plain kind
    return _linked(_SM3 if is_sm3(stored) else b"", before, (body,))[0]


def is_sm3(stored: bytes) -> bool:
    """Whether SM3 made a stored hash."""
    return len(stored) == len(_SM3) + _SIZE and stored.startswith(_SM3)


def told_hash(stored: bytes) -> str:
    """A stored hash as text: hexadecimal, after `sm3:` where SM3 made it."""
    if is_sm3(stored):
        return f"{_SM3.decode()}{stored[len(_SM3) :].hex()}"
    return stored.hex()


def _linked(name: bytes, before: bytes | None, bodies: Sequence[str]) -> list[bytes]:
    held = before or GENESIS
    plain, named = _begun(name), _begun(name)
    plain.update(_PLAIN)
    # what the hash is, and where the one before ends, is under it: no two chains have one text
    named.update(_NAMED + len(name).to_bytes(1) + name)
    made = []
    for body in bodies:
        if name or len(held) != _SIZE:
            digest = named.copy()
            digest.update(len(held).to_bytes(2))
        else:
            digest = plain.copy()
        digest.update(held)
        digest.update(body.encode())
        held = name + digest.finalize()
        made.append(held)
    return made


def _begun(name: bytes) -> hashes.Hash:
    try:
        return hashes.Hash(hashes.SM3() if name else hashes.SHA256())
    except UnsupportedAlgorithm as error:
        raise HubError(
            "CONFIG_INVALID",
            "the installed `cryptography` lacks what the crypto profile `sm` needs",
            where="instance.crypto_profile",
            hint="install a build with SM3; without it such a log cannot be checked or go on",
            cause=error,
        ) from error

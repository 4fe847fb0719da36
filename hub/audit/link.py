"""How entries hang together: each hash is over the one before and the entry's exact text.

A hash says by itself what made it: SHA-256 is 32 plain bytes, SM3 has its name before them. So
a chain may go on under another crypto profile, and each entry verifies as it was written. Of the
tree over all entries there is one for each algorithm.
Source: GB/T 32905 (SM3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

from hub.audit.offline import chain_hash, hasher, is_sm3, leaf_hash, node_hash
from hub.store.appending import Algorithm
from schema.errors import HubError

ProfileName = Literal["intl", "sm"]


class Linked:
    """Hashes new entries into the chain and the tree."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm
        self.hashed = hasher(algorithm)

    def __call__(self, before: bytes | None, bodies: Sequence[str]) -> list[bytes]:
        """The stored hashes of bodies, the first of which follows the entry with hash `before`."""
        held, made = before, []
        for body in bodies:
            held = chain_hash(held, body, sm3=self.algorithm == "sm3", hashed=self.hashed)
            made.append(held)
        return made

    def leaf(self, body: str) -> bytes:
        """The leaf of an entry."""
        return leaf_hash(self.hashed, body)

    def node(self, left: bytes, right: bytes) -> bytes:
        """The node over two others."""
        return node_hash(self.hashed, left, right)


link = Linked("sha256")


def linker(profile: ProfileName) -> Linked:
    """What hashes new entries under a crypto profile.

    Raises: `HubError` CONFIG_INVALID where the installed library does not offer it.
    """
    match profile:
        case "intl":
            return link
        case "sm":
            return linked("sm3")
        case _:
            assert_never(profile)


def linked(algorithm: Algorithm) -> Linked:
    """What hashes with an algorithm. Raises: `HubError` CONFIG_INVALID."""
    try:
        return Linked(algorithm)
    except ValueError as error:
        raise HubError(
            "CONFIG_INVALID",
            "the installed Python lacks what the crypto profile `sm` needs",
            where="instance.crypto_profile",
            hint="use a Python with SM3; without it such a log cannot be checked or go on",
            cause=error,
        ) from error


def told_hash(stored: bytes) -> str:
    """A stored hash as text: hexadecimal, after `sm3:` where SM3 made it."""
    return f"sm3:{stored[4:].hex()}" if is_sm3(stored) else stored.hex()

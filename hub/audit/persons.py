"""Whose data left, as keyed hashes: an auditor who has somebody's key finds the entries, and
nobody reads from entries whose they are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from hub.store.secret import AUDIT_PERSONS, shared_secret

MOST = 200
"""Persons that one entry lists; where there are more, it says that there are many."""
MANY = "many"
_BYTES = 12


class PersonHashes:
    """Hashes the values that tell a person from others. Shape: `secret` is of the hub alone."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"hub-audit-person-1", hashlib.sha512).digest()

    def of(self, values: Sequence[object]) -> str:
        """The hash of one person: of the values alone, so that it is the same in every type."""
        told = [unicodedata.normalize("NFC", str(value)) for value in values]
        digest = hmac.digest(self._key, msgspec.json.encode(told), "sha256")
        return base64.urlsafe_b64encode(digest[:_BYTES]).decode()

    def listed(self, persons: Iterable[Sequence[object]], *, more: bool) -> list[str]:
        """The hashes of persons for an entry; `more`: there were some that nothing tells apart."""
        found: set[str] = set()
        for values in persons:
            if len(found) == MOST:
                # one hash more would not say less: whoever looks is told that it is not all
                more = True
                break
            found.add(self.of(values))
        return [*sorted(found), *([MANY] if more else [])]


def person_hashes(directory: Path) -> PersonHashes:
    """With the secret in the hub's folder. Raises: `HubError` CONFIG_INVALID."""
    return PersonHashes(shared_secret(directory, AUDIT_PERSONS))

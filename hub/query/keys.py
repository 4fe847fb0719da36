"""Keys of masks: derived from one secret for each use, scope, scope value and version."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import msgspec

from hub.query.profile import Profile
from policies.masks.keyed import KeyNeed, Mac
from schema.errors import HubError

_encode = msgspec.json.Encoder().encode
_MOST_KEPT = 4096


class Keyring:
    """Gives masks their codes; no mask sees a key.

    Shape: `secret` is at least 32 bytes, shared by every worker of a hub, and never changed:
    tokens of another secret are other tokens. Cost: a look-up once a key is known.
    """

    def __init__(self, secret: bytes, profile: Profile | None = None) -> None:
        if len(secret) < 32:
            raise HubError("CONFIG_INVALID", "the masks' secret must have at least 32 bytes")
        self._secret = secret
        self._profile = profile or Profile()
        self._made: Callable[[KeyNeed], Mac] = lru_cache(_MOST_KEPT)(self._make)

    def mac(self, need: KeyNeed) -> Mac | None:
        """Codes under the key that is needed; ``None`` where its scope has no value."""
        if need.domain is None or (need.scope != "hub" and not need.value):
            return None  # fails closed: without its scope a code would be that of everybody
        return self._made(need)

    def _make(self, need: KeyNeed) -> Mac:
        use = _encode(["mask", need.use, need.scope, need.value, need.version])
        key = self._profile.derive(self._secret, use)
        domain = (need.domain or "").encode("utf-8", "surrogatepass")
        return self._profile.mac(key, len(domain).to_bytes(4) + domain)


def scope_param(scope: str) -> str:
    """The param that holds a scope's value: a fact of the request, so no part of a plan."""
    return f"m.{scope}"

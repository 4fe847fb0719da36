"""Bodies kept to be asked after with their ETag: bounded, and each caller's own."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from connectors.http.connections import Said

MOST = 500
MOST_BYTES = 32_000_000
LARGEST = 4_000_000
_LONGEST_TAG = 256


class Whose(msgspec.Struct, frozen=True):
    """For whom a body was sent, and what was asked: all of it is the key."""

    caller: str
    credential: str
    url: str

    def __repr__(self) -> str:
        return "Whose()"


class Kept:
    """The bodies that were used last. None is ever used without the service's word."""

    def __init__(self) -> None:
        self._held: OrderedDict[Whose, Said] = OrderedDict()
        self._size = 0

    def find(self, whose: Whose) -> Said | None:
        """What was sent to the same caller, with the same credential, for the same address."""
        said = self._held.get(whose)
        if said is not None:
            self._held.move_to_end(whose)
        return said

    def keep(self, whose: Whose, said: Said) -> None:
        """Keep a success that has an ETag and may be kept."""
        old = self._held.pop(whose, None)
        if old is not None:
            self._size -= len(old.body)
        if said.status != 200 or not _keepable(said) or len(said.body) > LARGEST:
            return
        self._held[whose] = said
        self._size += len(said.body)
        while self._size > MOST_BYTES or len(self._held) > MOST:
            _, gone = self._held.popitem(last=False)
            self._size -= len(gone.body)

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self._size = 0


def _keepable(said: Said) -> bool:
    tag = said.headers.get("etag", "")
    told = {part.split("=")[0].strip().lower() for part in
            said.headers.get("cache-control", "").split(",")}  # fmt: skip
    varies = "*" in said.headers.get("vary", "")
    fits = 0 < len(tag) <= _LONGEST_TAG and tag.isascii() and tag.isprintable()
    return fits and "no-store" not in told and not varies

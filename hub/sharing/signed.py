"""Rows of grants that the hub itself wrote: whoever can write to the database grants nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import msgspec

from hub.store.sharing import StoredGrant

Code = Callable[[bytes], bytes]


def signed_row(row: StoredGrant, code: Code) -> StoredGrant:
    """The row with the hub's code over it."""
    return msgspec.structs.replace(row, mac=code(_said(row)))


def is_ours(row: StoredGrant, code: Code) -> bool:
    """Whether the hub wrote this row as it is."""
    return hmac.compare_digest(code(_said(row)), row.mac)


def _said(row: StoredGrant) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(row, mac=b""), order="sorted")

"""Whether the log is what was recorded: no entry changed, gone, moved, or cut from the end."""

from __future__ import annotations

import msgspec

from hub.audit.entry import read_body
from hub.audit.head import Head
from hub.audit.link import is_sm3, relinked, told_hash
from hub.store.ledger import Ledger, LedgerError
from schema.errors import HubError


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found."""

    ok: bool
    entries: int
    """Entries that verified, from the first one on."""
    head: Head | None
    """The last of them."""
    sm3: int = 0
    """How many of them are hashed by SM3, the others by SHA-256."""
    problem: str | None = None
    seq: int | None = None
    """Where the problem is."""


def verify(ledger: Ledger, head: Head | None = None) -> VerifyReport:
    """Walk the chain from its first entry, and compare with a head kept elsewhere.

    Without a head, entries cut from the end cannot be noticed.
    Raises: `HubError` AUDIT_UNAVAILABLE if the log cannot be read.
    """
    before: bytes | None = None
    count = sm3 = 0

    def report(problem: str | None, seq: int | None = None) -> VerifyReport:
        last = Head(seq=count, hash=told_hash(before)) if before is not None else None
        return VerifyReport(
            ok=problem is None, entries=count, head=last, sm3=sm3, problem=problem, seq=seq
        )

    try:
        for row in ledger.rows():
            if row.seq != count + 1:
                return report("entries are missing or in another place", count + 1)
            if relinked(row.hash, before, row.body) != row.hash:
                return report("the entry, or the one before it, is not what was recorded", row.seq)
            if not _readable(row.body):
                return report("the entry has another shape than entries have", row.seq)
            if head is not None and row.seq == head.seq and told_hash(row.hash) != head.hash:
                return report("the chain is not the one that the head belongs to", row.seq)
            before, count = row.hash, row.seq
            sm3 += is_sm3(row.hash)
    except LedgerError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error
    if head is not None and count < head.seq:
        return report("entries are cut from the end", count + 1)
    return report(None)


def _readable(body: str) -> bool:
    try:
        read_body(body)
    except msgspec.DecodeError:
        return False
    return True

"""Whether the log is what was recorded: no entry changed, gone, moved, or cut from the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hub.audit import offline
from hub.audit.entry import read_body
from hub.audit.head import Head
from hub.audit.link import Linked, link, told_hash
from hub.audit.proofs import lines
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
    pruned: int = 0
    """How many of them have lost their text, as acts on record say."""
    problem: str | None = None
    kind: str | None = None
    """In one word: `edited`, `removed`, `reordered`, `cut` and so on."""
    seq: int | None = None
    """Where the problem is."""


def verify(
    ledger: Ledger,
    head: Head | None = None,
    *,
    signed: Sequence[offline.Head] = (),
    link: Linked = link,
) -> VerifyReport:
    """Walk from the first entry, and compare with heads kept elsewhere.

    `head` is of the chain, `signed` ones are of the tree of `link`'s algorithm.
    Without any, entries cut from the end cannot be noticed.
    Raises: `HubError` AUDIT_UNAVAILABLE if the log cannot be read.
    """
    seen = _Seen()
    try:
        report = offline.check_log(lambda: _noted(ledger, link, head, seen), signed, link.algorithm)
    except LedgerError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error
    problem = report.problem or seen.problem or _beside(head, report.entries, seen)
    return VerifyReport(
        ok=problem is None,
        entries=report.entries,
        head=None if report.last is None else Head(seq=report.entries, hash=told_hash(report.last)),
        sm3=report.sm3,
        pruned=report.pruned,
        problem=None if problem is None else problem.text,
        kind=None if problem is None else problem.kind,
        seq=None if problem is None else problem.seq,
    )


class _Seen:
    """What a walk notes beside what it gives."""

    def __init__(self) -> None:
        self.problem: offline.Problem | None = None
        self.chain: str | None = None


def _beside(head: Head | None, entries: int, seen: _Seen) -> offline.Problem | None:
    """What a head of the chain says."""
    if head is None:
        return None
    if entries < head.seq:
        return offline.Problem("cut", entries + 1, "entries are cut from the end")
    if seen.chain != head.hash:
        text = "the chain is not the one that the head belongs to"
        return offline.Problem("rewritten", head.seq, text)
    return None


def _noted(ledger: Ledger, link: Linked, head: Head | None, seen: _Seen) -> Iterator[offline.Line]:
    for line in lines(ledger, link):
        if line.body is not None and seen.problem is None and not _readable(line.body):
            text = f"entry {line.seq} has another shape than entries have"
            seen.problem = offline.Problem("edited", line.seq, text)
        if head is not None and line.seq == head.seq:
            seen.chain = told_hash(line.chain)
        yield line


def _readable(body: str) -> bool:
    try:
        read_body(body)
    except msgspec.DecodeError:
        return False
    return True

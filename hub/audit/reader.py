"""Reading the log: the last entries, and those that come."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator

import msgspec

from hub.audit.entry import Act, Entry, encoder, read_body
from hub.audit.head import Head
from hub.audit.link import Linked, link, told_hash
from hub.store.ledger import PRUNED, Ledger, LedgerError
from schema.errors import HubError

_POLL_S = 0.5
READING = "audit.tail"
"""How entries of whoever reads the log are named."""
_FIELDS = msgspec.Raw(b'[["Audit.entries","project","allow",[]]]')


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as the log holds it."""

    seq: int
    hash: str
    entry: Entry | Act | None
    """``None`` where its text was pruned."""


def access(reader: str, now: float, operation_id: str) -> Entry:
    """The entry of somebody who reads the log. `reader`: who, as the system knows it."""
    return Entry(
        ts=now,
        operation_id=operation_id,
        subject=f"console:{reader}",
        app="console",
        user=reader,
        epoch=0,
        catalogue="",
        operation=hashlib.sha256(READING.encode()).hexdigest(),
        operation_name=READING,
        door="console",
        outcome="ok",
        fields=_FIELDS,
    )


def record_act(ledger: Ledger, link: Linked, act: Act) -> int:
    """Make an act durable before anything of it happens. Raises: `HubError` AUDIT_UNAVAILABLE."""
    try:
        return ledger.append([encoder.encode(act).decode()], link)
    except LedgerError as error:
        # fails closed: what is not on record does not happen
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot record", cause=error) from error


def tail(
    ledger: Ledger,
    noted: Entry,
    count: int = 20,
    *,
    follow: bool = False,
    link: Linked = link,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Recorded]:
    """The last `count` entries in order; `follow` goes on with new ones for ever. The access is
    on record, as `noted`, before any is shown.

    Raises: `HubError` AUDIT_UNAVAILABLE if the log cannot be read or not be added to,
    AUDIT_BROKEN at a body that is no entry.
    """
    try:
        last = ledger.last()
        end = last.seq if last else 0
        ledger.append([encoder.encode(noted).decode()], link)
        after = max(0, end - count)
        while True:
            for row in ledger.rows(after):
                if not follow and row.seq > end:
                    return
                after = row.seq
                yield _recorded(row.seq, row.hash, row.body)
            if not follow:
                return
            sleep(_POLL_S)
    except LedgerError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error


def current_head(ledger: Ledger) -> Head | None:
    """The end of the chain as the database has it; ``None`` while it is empty.

    Raises: `HubError` AUDIT_UNAVAILABLE.
    """
    try:
        last = ledger.last()
    except LedgerError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error
    return None if last is None else Head(seq=last.seq, hash=told_hash(last.hash))


def _recorded(seq: int, digest: bytes, body: str) -> Recorded:
    try:
        entry = None if body == PRUNED else read_body(body)
        return Recorded(seq=seq, hash=told_hash(digest), entry=entry)
    except msgspec.DecodeError as error:
        message = "an entry has another shape than entries have"
        raise HubError("AUDIT_BROKEN", message, where=f"entry {seq}", cause=error) from error

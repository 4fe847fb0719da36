"""An audit log that does not open leaves nothing open."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hub.audit.chain import AuditLog
from hub.audit.head import Head, write_head
from hub.store.ledger import Row
from schema.errors import HubError
from tests.hub.audit.chains import FakeLedger, entry


class WatchedLedger(FakeLedger):
    """Says when it is closed; reading may wait."""

    def __init__(self) -> None:
        super().__init__()
        self.readable = threading.Event()
        self.readable.set()
        self.closed = threading.Event()

    def last(self) -> Row | None:
        self.readable.wait(30)
        return super().last()

    def close(self) -> None:
        super().close()
        self.closed.set()


@pytest.mark.asyncio
async def test_a_store_that_cannot_be_read_is_closed() -> None:
    ledger = WatchedLedger()
    ledger.failing = True
    with pytest.raises(HubError) as refused:
        await AuditLog(ledger).open()
    assert refused.value.code == "AUDIT_UNAVAILABLE"
    assert ledger.closed.wait(30)


@pytest.mark.asyncio
async def test_a_store_without_the_head_is_closed(tmp_path: Path) -> None:
    ledger, head = WatchedLedger(), tmp_path / "head.json"
    write_head(head, Head(seq=3, hash="ab"))
    with pytest.raises(HubError) as refused:
        await AuditLog(ledger, head=head).open()
    assert refused.value.code == "AUDIT_BROKEN"
    assert ledger.closed.wait(30)


@pytest.mark.asyncio
async def test_a_store_that_answers_too_late_is_closed_then() -> None:
    ledger = WatchedLedger()
    ledger.readable.clear()
    with pytest.raises(HubError) as refused:
        await AuditLog(ledger, wait_s=0.01).open()
    assert refused.value.code == "AUDIT_UNAVAILABLE"
    assert not ledger.closed.is_set()
    ledger.readable.set()
    assert ledger.closed.wait(30)


@pytest.mark.asyncio
async def test_a_log_that_did_not_open_may_be_opened_again() -> None:
    ledger = WatchedLedger()
    ledger.failing = True
    log = AuditLog(ledger)
    with pytest.raises(HubError):
        await log.open()
    ledger.failing = False
    await log.open()
    assert await log.record(entry()) == 1
    await log.close()

"""The audit log of a hub's settings, with its tree as long as the log."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.chain import AuditLog
from hub.audit.link import Linked, linker
from hub.audit.proofs import AuditTree
from hub.audit.signing import audit_key, checked_head
from hub.settings import Settings
from hub.store.ledger import Ledger, LedgerError, open_ledger
from hub.telemetry.metrics import Metrics
from schema.errors import HubError


def log_of(settings: Settings, database: Engine) -> AuditLog:
    """The log, to be opened. Blocking: a log from before there were trees gets its one first.

    Raises: `HubError` AUDIT_UNAVAILABLE, AUDIT_BROKEN, CONFIG_INVALID.
    """
    link = linker(settings.instance.crypto_profile)
    ledger = open_ledger(database, wait_s=settings.audit.wait_s)
    try:
        grow_tree(ledger, link)
        checked_head(database, AuditTree(ledger, link), audit_key(Path(settings.state.directory)))
    except (LedgerError, SQLAlchemyError) as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error
    finally:
        ledger.close()
    head = settings.audit.head
    return AuditLog(
        ledger,
        queue=settings.audit.queue,
        wait_s=settings.audit.wait_s,
        head=None if head is None else Path(head),
        link=link,
    )


def grow_tree(ledger: Ledger, link: Linked) -> None:
    """Take up every entry that the tree lacks. Raises: `HubError` as `log_of` does."""
    try:
        while ledger.grow(link):
            pass
    except LedgerError as error:
        match str(error):
            case "Pruned":
                raise HubError(
                    "CONFIG_INVALID",
                    "the audit log cannot go on under another crypto profile: entries are pruned",
                    where="instance.crypto_profile",
                    hint="keep the profile that the log was begun with",
                    cause=error,
                ) from error
            case "Damaged" | "Cut":
                raise HubError(
                    "AUDIT_BROKEN",
                    "the audit log's tree is damaged",
                    hint="inspect it with `hub audit verify`",
                    cause=error,
                ) from error
            case _:
                message = "the audit log cannot be read"
                raise HubError("AUDIT_UNAVAILABLE", message, cause=error) from error


async def open_audit(settings: Settings, database: Engine, metrics: Metrics) -> AuditLog | None:
    """A worker's log, open; ``None`` where it is switched off. Raises: `HubError`."""
    if not settings.audit.enabled:
        return None
    made = await asyncio.to_thread(log_of, settings, database)
    await made.open()
    metrics.watch("hub.audit.entries", lambda: made.entries)
    metrics.watch("hub.audit.flushes", lambda: made.flushes)
    return made

"""One worker of all signs heads of the audit log, and leaves them at anchors."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.anchor import Anchor, anchor_of
from hub.audit.link import linker
from hub.audit.proofs import AuditTree
from hub.audit.search import grow_index
from hub.audit.signing import audit_key, sign_head
from hub.settings import Settings
from hub.store.heads import StoredHead
from hub.store.leases import Lease
from hub.store.ledger import open_ledger
from schema.errors import HubError

log = structlog.get_logger("hub.audit")

_BLOCKS = 4
"""Blocks of entries that are made ready for searching at each look, about a second of one core;
searching does the rest."""
_MISSED = 3
"""Looks that a worker may miss before another one takes over."""


class HeadWatch:
    """Signs when the log has grown. Raises: `HubError` CONFIG_INVALID for a key that is damaged."""

    def __init__(
        self, settings: Settings, engine: Engine, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._every_s = settings.audit.sign_s
        self._wait_s = settings.audit.wait_s
        self._link = linker(settings.instance.crypto_profile)
        self._key = audit_key(Path(settings.state.directory))
        self._anchors: list[Anchor] = [anchor_of(one) for one in settings.audit.anchors]
        self._lease = Lease(engine, "audit-head", lasts_s=_MISSED * self._every_s, clock=clock)
        self._turn = threading.Lock()
        self._over = False

    async def run(self) -> None:
        """Sign again and again until cancelled, and let another worker do so then."""
        try:
            while True:
                await asyncio.to_thread(self.look)
                await asyncio.sleep(self._every_s)
        finally:
            await asyncio.shield(asyncio.to_thread(self._give_back))

    def look(self) -> StoredHead | None:
        """Sign once, if it is this worker's to do and there is anything new; blocking."""
        with self._turn:
            try:
                if self._over or not self._lease.take():
                    return None
                head = self._sign()
            except (HubError, SQLAlchemyError) as error:
                kind = error.code if isinstance(error, HubError) else type(error).__name__
                log.error("audit.unsigned", kind=kind)
                return None
            except Exception as error:
                # nobody else signs while this worker has the lease: it goes on
                log.exception("audit.unsigned", kind=type(error).__name__)
                return None
        if head is not None:
            log.info("audit.signed", size=head.size)
            for anchor in self._anchors:
                try:
                    anchor.keep(head)
                except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
                    log.error("audit.anchor_failed", anchor=anchor.name, kind=type(error).__name__)
        return head

    def _sign(self) -> StoredHead | None:
        with closing(open_ledger(self._engine, wait_s=self._wait_s)) as ledger:
            grow_index(self._engine, ledger, _BLOCKS)
            return sign_head(self._engine, AuditTree(ledger, self._link), self._key, self._clock())

    def _give_back(self) -> None:
        try:
            with self._turn:
                # a look that was cancelled may still be on its way to the lease
                self._over = True
                self._lease.give_back()
        except SQLAlchemyError as error:
            log.error("audit.unsigned", kind=type(error).__name__)

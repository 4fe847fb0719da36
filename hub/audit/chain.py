"""The audit log: entries become durable in groups, one flush at a time, before answers leave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue

import structlog

from hub.audit.entry import Entry, encoder
from hub.audit.head import Head, advance_head, check_head
from hub.audit.link import Linked, link, told_hash
from hub.store.ledger import Ledger, LedgerError
from schema.errors import HubError

log = structlog.get_logger("hub.audit")

_HEAD_EVERY_S = 1.0
_GROUP_MAX = 1_000
_GATHER_S = 0.001
"""How long a group waits for entries of operations that are under way; a flush costs about a
tenth of a millisecond of CPU however many entries it holds (compare PostgreSQL's commit_delay)."""

_Waiting = tuple[str, asyncio.Future[int]]
_Groups = SimpleQueue[list[str] | None]


class AuditLog:
    """Appends to one chain; made, opened and used on one event loop.

    Entries that arrive while a flush runs go together into the next one, and a group waits a
    moment while other operations are under way: alone, nobody waits for anybody. A thread of its
    own does the blocking work, so a slow disk never holds the event loop.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        queue: int = 10_000,
        wait_s: float = 5.0,
        head: Path | None = None,
        link: Linked = link,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._room = queue
        self._wait_s = wait_s
        self._head_file = head
        self._link = link
        self._clock = clock
        self._pending: list[_Waiting] = []
        self._running: list[_Waiting] = []
        self._scheduled = False
        self._stuck = False
        self._open = False
        self._watch: asyncio.TimerHandle | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self.expected = 0
        """Operations being fetched, whose entries are still to come."""
        self._idle: asyncio.Event = asyncio.Event()
        self._idle.set()
        self._groups: _Groups = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self.flushes = 0
        """Transactions so far."""
        self.entries = 0
        """Entries made durable so far."""

    @property
    def ready(self) -> bool:
        """Whether entries are taken at this moment."""
        return self._open and not self._stuck

    async def open(self) -> None:
        """Start the writing thread. Raises: `HubError` AUDIT_UNAVAILABLE if the log cannot be
        read, AUDIT_BROKEN if it does not hold its head."""
        self._loop = asyncio.get_running_loop()
        looked: Future[None] = Future()
        looked.set_running_or_notify_cancel()
        groups: _Groups = SimpleQueue()
        self._groups = groups
        thread = threading.Thread(
            target=self._run, args=(looked, groups), name="hub-audit", daemon=True
        )
        thread.start()
        try:
            async with asyncio.timeout(self._wait_s):
                await asyncio.wrap_future(looked)
        except BaseException as error:
            groups.put(None)  # the thread ends and closes the ledger once it has looked
            if isinstance(error, LedgerError | TimeoutError):
                raise _unavailable() from error
            raise
        self._thread = thread
        self._open = True

    def _run(self, looked: Future[None], groups: _Groups) -> None:
        """The thread: whatever happens, it closes the ledger, which nobody else touches."""
        try:
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - told to whoever opens
                looked.set_exception(error)
            else:
                looked.set_result(None)
                self._write(groups)
        finally:
            self._ledger.close()

    def _look(self) -> None:
        self._ledger.last()
        if self._head_file is not None:
            check_head(self._ledger, self._head_file)

    async def record(self, entry: Entry) -> int:
        """Make the entry durable; its sequence number.

        Raises: `HubError` AUDIT_UNAVAILABLE if that fails, within twice `wait_s` at the latest.
        """
        if not self._open or self._stuck or len(self._pending) >= self._room:
            raise _unavailable()  # fails closed: no answer without its entry
        try:
            body = encoder.encode(entry).decode()
        except (UnicodeError, TypeError) as error:
            raise _unavailable() from error  # fails closed: an entry that cannot be written
        done: asyncio.Future[int] = self._loop.create_future()
        self._pending.append((body, done))
        if not self._running:
            self._idle.clear()
            self._gather()
        return await done

    def _gather(self) -> None:
        """Start at once when no other entry is to come, else in a moment."""
        if self.expected <= 0:
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._start)
        elif self._gathering is None:
            self._gathering = self._loop.call_later(_GATHER_S, self._start)

    async def close(self) -> None:
        """Refuse new entries, make the waiting ones durable, stop the thread."""
        if self._thread is None:
            return
        self._open = False
        try:
            async with asyncio.timeout(self._wait_s * 2):
                await self._idle.wait()
        except TimeoutError:
            log.error("audit.close_timeout", waiting=len(self._running) + len(self._pending))
        thread, self._thread = self._thread, None
        self._groups.put(None)
        await asyncio.to_thread(thread.join, self._wait_s)

    def _start(self) -> None:
        """Hand the waiting entries to the thread."""
        self._scheduled = False
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._running or not self._pending:
            return
        group, self._pending = self._pending[:_GROUP_MAX], self._pending[_GROUP_MAX:]
        self._running = group
        self._watch = self._loop.call_later(self._wait_s, self._expire)
        self._groups.put([body for body, _ in group])

    def _expire(self) -> None:
        """The store is too slow: everyone who waits is told so, until it answers again."""
        self._stuck = True
        log.error("audit.stuck", waiting=len(self._running) + len(self._pending))
        waiting, self._pending = self._pending, []
        for _, done in (*self._running, *waiting):
            if not done.done():
                done.set_exception(_unavailable())

    def _finished(self, first: int, error: str | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._stuck = False
        group, self._running = self._running, []
        self.flushes += 1
        if error is None:
            self.entries += len(group)
            for seq, (_, done) in enumerate(group, first):
                if not done.done():
                    done.set_result(seq)
        else:
            log.error("audit.unavailable", kind=error, waiting=len(group))
            for _, done in group:
                if not done.done():
                    done.set_exception(_unavailable())
        if self._pending:
            self._gather()
        else:
            self._idle.set()

    def _write(self, groups: _Groups) -> None:
        """One transaction for each group, until told to end."""
        head_due, later = 0.0, False
        while (group := groups.get()) is not None:
            try:
                first, error = self._ledger.append(group, self._link), None
            except LedgerError as problem:
                first, error = 0, str(problem)
            except Exception as problem:  # noqa: BLE001  # fails closed: nobody may wait for ever
                first, error = 0, type(problem).__name__
            self._tell(first, error)
            if error is None:
                later = self._clock() < head_due
                if not later:
                    self._keep()
                    head_due = self._clock() + _HEAD_EVERY_S
        if later:
            self._keep()

    def _tell(self, first: int, error: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._finished, first, error)
        except RuntimeError:
            # the loop is closed: nobody waits any more, what was written stays written
            log.warning("audit.loop_closed")

    def _keep(self) -> None:
        if self._head_file is None:
            return
        try:
            last = self._ledger.last()
            if last is not None:
                advance_head(self._head_file, Head(seq=last.seq, hash=told_hash(last.hash)))
        except (OSError, HubError, LedgerError) as error:
            log.error("audit.head_unwritten", kind=type(error).__name__)


def _unavailable() -> HubError:
    return HubError("AUDIT_UNAVAILABLE", "the audit log cannot record")

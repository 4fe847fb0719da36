"""Statements of blocking drivers, in threads of their own, on connections that are used again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec
import structlog

from schema.errors import SourceError

_log = structlog.get_logger("connectors.sql")
Rows = Sequence[Sequence[Any]]
Action = Callable[[Any, float], Any]
"""What is done with a connection, within so many seconds."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver's error means to the hub."""

    code: str
    state: str = ""
    """The driver's own number, for the log."""
    lost: bool = False
    """The connection is gone; another may answer."""


class Driver(Protocol):
    """One kind of blocking driver; every method but `stop` is called by one thread at a time."""

    errors: tuple[type[Exception], ...]
    """What `connect` and `run` raise."""

    def connect(self) -> Any: ...

    def run(self, connection: Any, text: str, arguments: Sequence[Any], within_s: float) -> Rows:
        """The rows of one statement, which the source ends after `within_s` where it can."""
        ...

    def stop(self, connection: Any) -> None:
        """Make a statement that runs end soon; called by any thread, whatever the state is."""
        ...

    def close(self, connection: Any) -> None:
        """Let go of a connection; never raises."""
        ...

    def failure(self, error: Exception) -> Failure: ...


_TOLD = {
    "SOURCE_TIMEOUT": "the source was too slow",
    "SOURCE_BUSY": "too many requests in flight to the source",
    "SOURCE_BAD_DATA": "the source holds a value that is not of the declared kind",
    "SOURCE_UNAVAILABLE": "the source did not answer",
    "INTERNAL": "a value could not be sent to the source",
}


def _error(code: str) -> SourceError:
    return SourceError(code, _TOLD[code])


class Aside:
    """Work that nobody waits for, in a few threads at most; what is beyond them is not done."""

    def __init__(self, most: int = 4) -> None:
        self._room = threading.BoundedSemaphore(most)

    def do(self, work: Callable[[], None]) -> None:
        """Start it, if there is room."""
        if self._room.acquire(blocking=False):
            threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._room.release()


class Pool:
    """Connections of one source, at most one for each of its threads."""

    def __init__(
        self, driver: Driver, *, size: int, statement_timeout_s: float, thread_name: str
    ) -> None:
        self._driver = driver
        self._longest = statement_timeout_s
        self._slots = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=thread_name)
        self._lock = threading.Lock()
        self._free: list[Any] = []
        self._running: set[_Job] = set()
        self._closed = False

    async def run(
        self,
        text: str,
        arguments: Sequence[Any],
        deadline: float,
        convert: Callable[[Rows], Any] | None = None,
    ) -> Any:
        """The rows of a statement, or what `convert` (run in the thread) makes of them.

        Raises: `SourceError` only.
        """

        def action(connection: Any, within_s: float) -> Rows:
            return self._driver.run(connection, text, arguments, within_s)

        return await self.use(action, deadline, convert)

    async def use(
        self, action: Action, deadline: float, convert: Callable[[Any], Any] | None = None
    ) -> Any:
        """What a thread gets from a connection, and what `convert` makes of it; as `run`."""
        now = time.monotonic()
        self._open()
        if deadline <= now:
            raise _error("SOURCE_TIMEOUT")
        until = min(deadline, now + self._longest)
        loop = asyncio.get_running_loop()
        ends = loop.time() + (until - now)
        try:
            async with asyncio.timeout_at(ends):
                await self._slots.acquire()
        except TimeoutError:
            raise _error("SOURCE_BUSY") from None
        try:
            self._open()
            job = _Job(self, self._driver, action, convert, until)
            work = loop.run_in_executor(self._threads, job)
        except BaseException:
            self._slots.release()
            raise
        work.add_done_callback(self._settle)
        try:
            async with asyncio.timeout_at(ends):
                return await asyncio.shield(work)
        except TimeoutError:
            job.stop()
            raise _error("SOURCE_TIMEOUT") from None
        except asyncio.CancelledError:
            job.stop()
            raise

    def _open(self) -> None:
        if self._closed:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is closed")

    def _settle(self, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # marks it as seen when nobody waits any more
        self._slots.release()

    def begun(self, job: _Job) -> Any | None:
        """A connection that is free, for a job that runs from now on; in its thread."""
        with self._lock:
            self._open()
            self._running.add(job)
            return self._free.pop() if self._free else None

    def ended(self, job: _Job, connection: Any | None) -> None:
        """What a job leaves behind; in its thread, for the loop may end before it hears of it."""
        with self._lock:
            self._running.discard(job)
            if connection is None:
                return
            if not self._closed:
                self._free.append(connection)
                return
        self._driver.close(connection)

    def drop_free(self) -> None:
        """A lost connection says that the others are lost as well (the server restarted)."""
        with self._lock:
            dropped, self._free = self._free, []
        for connection in dropped:
            self._driver.close(connection)

    async def close(self) -> None:
        """Stop what runs and close every connection; those in use close in their threads."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for job in running:
            job.stop()
        self.drop_free()
        self._threads.shutdown(wait=False)


class _Job:
    """One statement in a thread."""

    def __init__(
        self,
        pool: Pool,
        driver: Driver,
        action: Action,
        convert: Callable[[Any], Any] | None,
        until: float,
    ) -> None:
        self._pool = pool
        self._driver = driver
        self._action = action
        self._convert = convert
        self._until = until
        self._lock = threading.Lock()
        self._connection: Any | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the statement, or keep it from beginning."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                self._driver.stop(self._connection)

    def __call__(self) -> Any:
        held, kept = self._pool.begun(self), None
        try:
            try:
                kept, got = self._once(held)
            except _Lost as lost:
                self._pool.drop_free()
                if held is None or self._stopped:
                    raise _error(lost.code) from None
                kept, got = self._again()
            return got if self._convert is None else self._convert(got)
        finally:
            self._pool.ended(self, kept)

    def _again(self) -> tuple[Any | None, Any]:
        try:
            return self._once(None)
        except _Lost as lost:
            raise _error(lost.code) from None

    def _once(self, connection: Any | None) -> tuple[Any | None, Any]:
        """The connection to keep, if any, and what it gave; raises `_Lost` for one that is gone."""
        keep = False
        try:
            if connection is None:
                connection = self._driver.connect()
            self._hold(connection)
            within = self._until - time.monotonic()
            if within <= 0:
                raise _error("SOURCE_TIMEOUT")
            got = self._action(connection, within)
            keep = True
        except self._driver.errors as error:
            raise self._coded(error) from None
        finally:
            with self._lock:
                self._connection = None
                keep = keep and not self._stopped
            if connection is not None and not keep:
                self._driver.close(connection)
        return connection if keep else None, got

    def _hold(self, connection: Any) -> None:
        with self._lock:
            if self._stopped:
                raise _error("SOURCE_TIMEOUT")
            self._connection = connection

    def _coded(self, error: Exception) -> Exception:
        found = self._driver.failure(error)
        _log.warning("fetch.failed", error=type(error).__name__, state=found.state)
        return _Lost(found.code) if found.lost else _error(found.code)


class _Lost(Exception):
    """The connection is gone."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

"""DuckDB database files, read in threads of their own, never written, nothing else reached."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import structlog

from connectors.spi import Batch, Call, SourceShape
from connectors.sql import duck_catalogue
from connectors.sql.dialect import Dialect
from connectors.sql.duck_dialect import Duck
from connectors.sql.statement import Statement
from connectors.sql.table import TableMeta, named_tables
from schema.errors import SourceError

_log = structlog.get_logger("connectors.sql")
_OPEN_S = 30.0
_INSIST_S = 0.05
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "memory_limit": "512MB",
    "threads": "2",
}
"""One for all: DuckDB refuses a file that the process has open with another."""


class Pool:
    """One database file and the threads that read it."""

    def __init__(self, path: str, *, size: int, statement_timeout_s: float) -> None:
        self._path = path
        self._longest = statement_timeout_s
        self._slots = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="hub-duckdb")
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._running: set[_Job] = set()
        self._closed = False

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection for one statement."""
        with self._lock:
            if self._closed:
                raise SourceError("SOURCE_UNAVAILABLE", "the source is closed")
            if self._database is None:
                self._database = _connected(self._path)
            return self._database.cursor()

    async def run(
        self,
        text: str,
        arguments: Sequence[Any],
        deadline: float,
        convert: Callable[[Sequence[Any]], Any] | None = None,
    ) -> Any:
        """The rows of a statement, or what `convert` (run in the thread) makes of them.

        Raises: `SourceError` only.
        """
        now = time.monotonic()
        if self._closed:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is closed")
        if deadline <= now:
            raise SourceError("SOURCE_TIMEOUT", "the source was too slow")
        loop = asyncio.get_running_loop()
        until = loop.time() + min(deadline - now, self._longest)
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise SourceError("SOURCE_BUSY", "too many requests in flight to the source") from None
        if self._closed:
            self._slots.release()
            raise SourceError("SOURCE_UNAVAILABLE", "the source is closed")
        job = _Job(self.cursor, text, arguments, convert)
        self._running.add(job)
        work = loop.run_in_executor(self._threads, job)
        work.add_done_callback(lambda done: self._settle(done, job))
        try:
            async with asyncio.timeout_at(until):
                return await asyncio.shield(work)
        except TimeoutError:
            job.stop(loop, work)
            raise SourceError("SOURCE_TIMEOUT", "the source was too slow") from None
        except asyncio.CancelledError:
            job.stop(loop, work)
            raise

    def _settle(self, done: asyncio.Future[Any], job: _Job) -> None:
        if not done.cancelled():
            done.exception()  # marks it as seen when nobody waits any more
        self._running.discard(job)
        self._slots.release()

    async def close(self) -> None:
        """Interrupt what runs and let go of the file."""
        with self._lock:
            self._closed = True
            database, self._database = self._database, None
        for job in self._running:
            job.interrupt()
        if database is not None:
            database.close()
        self._threads.shutdown(wait=False)


def _connected(path: str) -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(path, read_only=True, config=_CONFIG)
    try:
        # Settings belong to the file's instance, which other connections of this process share.
        locked = made.execute("SELECT current_setting('lock_configuration')").fetchone()
        if locked is None or locked[0] in (False, "false"):
            made.execute("SET GLOBAL TimeZone='UTC'")
            made.execute("SET GLOBAL lock_configuration=true")
    except BaseException:
        made.close()
        raise
    return made


class _Job:
    """One statement in a thread."""

    def __init__(
        self,
        cursor: Callable[[], duckdb.DuckDBPyConnection],
        text: str,
        arguments: Sequence[Any],
        convert: Callable[[Sequence[Any]], Any] | None,
    ) -> None:
        self._cursor = cursor
        self._text = text
        self._arguments = arguments
        self._convert = convert
        self._held: duckdb.DuckDBPyConnection | None = None
        self._stopped = False

    def interrupt(self) -> None:
        """Stop the statement, or keep it from beginning."""
        self._stopped = True
        if (held := self._held) is not None:
            held.interrupt()

    def stop(self, loop: asyncio.AbstractEventLoop, work: asyncio.Future[Any]) -> None:
        """Interrupt until it has ended: one that comes before the statement begins is lost."""
        if not work.done():
            self.interrupt()
            loop.call_later(_INSIST_S, self.stop, loop, work)

    def __call__(self) -> Any:
        try:
            self._held = held = self._cursor()
            try:
                if self._stopped:
                    raise SourceError("SOURCE_TIMEOUT", "the source was too slow")
                rows = held.execute(self._text, list(self._arguments)).fetchall()
            finally:
                self._held = None
                held.close()
        except duckdb.Error as error:
            raise _coded(error) from None
        return rows if self._convert is None else self._convert(rows)


def _coded(error: duckdb.Error) -> SourceError:
    _log.warning("fetch.failed", error=type(error).__name__, state="")
    if isinstance(error, duckdb.InterruptException):
        return SourceError("SOURCE_TIMEOUT", "the source was too slow")
    if isinstance(error, duckdb.DataError):
        return SourceError(
            "SOURCE_BAD_DATA", "the source holds a value that is not of the declared kind"
        )
    return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


class DuckEngine:
    """DuckDB."""

    def __init__(
        self, pool: Pool, *, zone: str, schema: str | None, declared: Mapping[str, Any]
    ) -> None:
        self.dialect: Dialect = Duck(zone)
        self._pool = pool
        self._schema = schema or "main"
        self._declared = declared

    async def open(self) -> Mapping[str, TableMeta]:
        """Tables and views by the names that Asks use."""
        held = await duck_catalogue.read_tables(self._pool.run, time.monotonic() + _OPEN_S)
        return named_tables(held, self._schema, self._declared)

    async def discover(self) -> SourceShape:
        """Tables, keys and references."""
        return await duck_catalogue.shape(self._pool.run, self._schema, time.monotonic() + _OPEN_S)

    async def fetch(self, statement: Statement, call: Call) -> Batch:
        """Run a statement; rows become columns in the thread as well."""
        made: Batch = await self._pool.run(
            statement.text,
            statement.arguments(call),
            call.deadline,
            lambda rows: statement.batch(rows, call),
        )
        return made

    async def ping(self, deadline: float) -> None:
        """One statement."""
        await self._pool.run("SELECT 1", (), deadline)

    async def close(self) -> None:
        """Let go of the file."""
        await self._pool.close()

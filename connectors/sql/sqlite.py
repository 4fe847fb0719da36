"""SQLite on the standard library's driver, in threads of its own, never writing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from connectors.sql import digest, sqlite_access
from connectors.sql.table import ColumnMeta, TableMeta
from schema.errors import SourceError

_log = structlog.get_logger("connectors.sql")
_SMALL_ROWS = 500
_BUSY_S = 5.0


class Pool:
    """Connections to one file, one per thread in use."""

    def __init__(self, path: str, *, size: int, zone: str, statement_timeout_s: float) -> None:
        self._path = path
        self._zone = zone
        self._longest = statement_timeout_s
        self._free: list[sqlite3.Connection] = []
        self._slots = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="hub-sqlite")
        self._jobs: set[_Job] = set()
        self._ending = threading.Lock()
        self._closed = False

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(self._path)}?mode=ro",
            uri=True,
            check_same_thread=False,
            isolation_level=None,
            timeout=_BUSY_S,
            cached_statements=256,
        )
        try:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA mmap_size = 268435456")
            sqlite_access.install(connection, self._zone)
            digest.install(connection)
        except BaseException:
            connection.close()
            raise
        return connection

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
        if self._closed:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is closed")
        now = time.monotonic()
        if deadline <= now:
            raise SourceError("SOURCE_TIMEOUT", "the source was too slow")
        until = min(deadline, now + self._longest)
        try:
            async with asyncio.timeout_at(_loop_time(until)):
                await self._slots.acquire()
        except TimeoutError:
            raise SourceError("SOURCE_BUSY", "too many requests in flight to the source") from None
        if self._closed:
            self._slots.release()
            raise SourceError("SOURCE_UNAVAILABLE", "the source is closed")
        connection = self._free.pop() if self._free else None
        job = _Job(self._connect, connection, text, arguments, convert, until)
        self._jobs.add(job)
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._work, job)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            job.interrupt()
            raise
        finally:
            running.add_done_callback(lambda done: self._settle(done, job))

    def _work(self, job: _Job) -> Any:
        try:
            return job()
        finally:
            with self._ending:
                job.over = True
                if self._closed:
                    job.drop()  # here, for the loop may end before it hears of this

    def _settle(self, done: asyncio.Future[Any], job: _Job) -> None:
        if not done.cancelled():
            done.exception()  # marks it as seen when nobody waits any more
        self._jobs.discard(job)
        if job.broken or self._closed:
            job.drop()
        elif job.connection is not None:
            self._free.append(job.connection)
        self._slots.release()

    async def close(self) -> None:
        """Close the free connections; those in use close when their statements end."""
        with self._ending:
            self._closed = True
            for job in self._jobs:
                if job.over:
                    job.drop()
        while self._free:
            self._free.pop().close()
        self._threads.shutdown(wait=False)


def _loop_time(until: float) -> float:
    return asyncio.get_running_loop().time() + (until - time.monotonic())


class _Job:
    """One statement in a thread."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        connection: sqlite3.Connection | None,
        text: str,
        arguments: Sequence[Any],
        convert: Callable[[Sequence[Any]], Any] | None,
        until: float,
    ) -> None:
        self._connect = connect
        self.connection = connection
        self._text = text
        self._arguments = arguments
        self._convert = convert
        self._until = until
        self._stopped = False
        self.broken = False
        self.over = False

    def interrupt(self) -> None:
        """Stop as soon as the database looks."""
        self._stopped = True
        if (connection := self.connection) is not None:
            with suppress(sqlite3.ProgrammingError):  # its thread has closed it just now
                connection.interrupt()

    def drop(self) -> None:
        """Close the connection."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def _late(self) -> int:
        return int(self._stopped or time.monotonic() > self._until)

    def __call__(self) -> Any:
        try:
            if self.connection is None:
                self.connection = self._connect()
            self.connection.set_progress_handler(self._late, 20_000)
            rows = self.connection.execute(self._text, self._arguments).fetchall()
        except sqlite3.Error as error:
            raise self._coded(error) from None
        return rows if self._convert is None else self._convert(rows)

    def _coded(self, error: sqlite3.Error) -> SourceError:
        name = getattr(error, "sqlite_errorname", "")
        _log.warning("fetch.failed", error=type(error).__name__, state=name)
        if name == "SQLITE_INTERRUPT":
            return SourceError("SOURCE_TIMEOUT", "the source was too slow")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return SourceError("SOURCE_BUSY", "too many requests in flight to the source")
        if isinstance(error, sqlite3.DataError) or name.startswith("SQLITE_MISMATCH"):
            return SourceError(
                "SOURCE_BAD_DATA", "the source holds a value that is not of the declared kind"
            )
        self.broken = True
        return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


def file_of(database: str | None) -> str:
    """The file that a URL names; raises `ValueError` for none or one in memory."""
    if not database or database == ":memory:":
        raise ValueError
    return str(Path(database))


async def read_tables(pool: Pool, deadline: float) -> dict[str, TableMeta]:
    """Tables and views with their columns, keys and indexes."""
    held = await pool.run(
        "SELECT name, type, coalesce(sql, '') FROM sqlite_master "
        "WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        (),
        deadline,
    )
    return {name: await _table(pool, name, sort, sql, deadline) for name, sort, sql in held}


async def _table(pool: Pool, name: str, sort: str, sql: str, deadline: float) -> TableMeta:
    columns = await pool.run(
        'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 '
        "ORDER BY cid",
        (name,),
        deadline,
    )
    primary = [c[0] for c in sorted((c for c in columns if c[3]), key=lambda c: c[3])]
    without_rowid = "without rowid" in sql.lower()
    alone = len(primary) == 1 and not without_rowid
    listed = await pool.run(
        'SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY seq', (name,), deadline
    )
    uniques = {frozenset(primary)} if primary else set()
    indexes = [tuple(primary)] if primary else []
    for index, unique, partial in listed:
        parts = await pool.run(
            "SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,), deadline
        )
        names = [part[0] for part in parts]
        if partial or None in names:
            continue
        indexes.append(tuple(names))
        if unique:
            uniques.add(frozenset(names))
    plain = "collate" not in sql.lower() or sort == "view"
    made = {
        column: ColumnMeta(
            name=column,
            native=(declared or "").lower(),
            nullable=not required
            and not (without_rowid and column in primary)
            and not (alone and column == primary[0] and declared.upper() == "INTEGER"),
            by_code_point=plain and sort == "table",
            rowid=alone and column == primary[0] and declared.upper() == "INTEGER",
        )
        for column, declared, required, _ in columns
    }
    rows = None
    if sort == "table":
        rows = await _estimate(pool, name, deadline)
    return TableMeta(
        name=name,
        columns=made,
        uniques=frozenset(uniques),
        indexes=tuple(indexes),
        small=rows is not None and rows < _SMALL_ROWS,
        rows=rows,
    )


async def _estimate(pool: Pool, name: str, deadline: float) -> int | None:
    quoted = '"' + name.replace('"', '""') + '"'
    try:
        found = await pool.run(f"SELECT max(rowid) FROM {quoted}", (), deadline)  # noqa: S608
    except SourceError:
        return None
    return int(found[0][0] or 0) if found else None

"""The table that is only ever appended to; several processes append to one sequence."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import psycopg
from sqlalchemy.engine import Engine

from hub.store.engine import prepare_sqlite

if sys.platform != "win32":
    import fcntl

_LOCK = 0x4855_425F_4155_4449
_PAGE = 500
_ROWS = 250
"""Rows of one INSERT."""
BEGINNING = -(2**62)
"""Before any number, also before those that only a forger would give."""

Link = Callable[[bytes | None, Sequence[str]], Sequence[bytes]]
"""(hash of the last row or ``None``, new bodies) -> their hashes."""


class Row(msgspec.Struct, frozen=True):
    """One appended row."""

    seq: int
    hash: bytes
    body: str


class LedgerError(Exception):
    """The rows could not be appended or read; the next attempt opens the store anew."""


class Ledger(Protocol):
    """Blocking; one thread at a time, not necessarily the same."""

    def append(self, bodies: Sequence[str], link: Link) -> int:
        """Append durably, all or nothing; the first one's number. Raises: `LedgerError`."""
        ...

    def last(self) -> Row | None:
        """The last row. Raises: `LedgerError`."""
        ...

    def rows(self, after: int = BEGINNING) -> Iterator[Row]:
        """Rows with greater numbers in order, read in pages. Raises: `LedgerError`."""
        ...

    def close(self) -> None: ...


def open_ledger(engine: Engine, *, wait_s: float = 5.0) -> Ledger:
    """The ledger in this database, which must have been migrated; `wait_s` bounds each append."""
    if engine.dialect.name == "sqlite":
        return SqliteLedger(Path(str(engine.url.database)), wait_s=wait_s)
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresLedger(url, wait_s=wait_s)


class SqliteLedger:
    """Rows in a SQLite file. A file that was replaced or deleted is noticed before each append."""

    def __init__(self, file: Path, *, wait_s: float) -> None:
        self._file = file
        self._wait_s = wait_s
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._line: int | None = None
        self._reached = 0

    def append(self, bodies: Sequence[str], link: Link) -> int:
        try:
            connection = self._open()
            self._in_line(wait=True)
            connection.execute("BEGIN IMMEDIATE")
            try:
                found = connection.execute(
                    "SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1"
                ).fetchone()
                seq, before = found or (0, None)
                _refuse_cut(seq, self._reached)
                hashes = link(before, bodies)
                for start in range(0, len(bodies), _ROWS):
                    some = range(start, min(start + _ROWS, len(bodies)))
                    # one step for all: each step gives up the interpreter and waits for it
                    connection.execute(
                        _insert(len(some)),
                        [x for i in some for x in (seq + 1 + i, hashes[i], bodies[i])],
                    )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._in_line(wait=False)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error
        self._reached = int(seq) + len(bodies)
        return int(seq) + 1

    def last(self) -> Row | None:
        found = self._read("ORDER BY seq DESC LIMIT 1", ())
        return found[0] if found else None

    def rows(self, after: int = BEGINNING) -> Iterator[Row]:
        while page := self._read("WHERE seq > ? ORDER BY seq LIMIT ?", (after, _PAGE)):
            yield from page
            after = page[-1].seq

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        descriptor, self._line = self._line, None
        if descriptor is not None:
            os.close(descriptor)

    def _in_line(self, *, wait: bool) -> None:
        """Take turns with the other processes: SQLite itself only tries again after ever longer
        pauses, which leaves one of four writers waiting for a third of a second."""
        if sys.platform != "win32":
            if self._line is None:
                name = f"{self._file}-line"
                self._line = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._line, fcntl.LOCK_EX if wait else fcntl.LOCK_UN)

    def _open(self) -> sqlite3.Connection:
        status = self._file.stat()
        if self._connection is not None and self._inode == (status.st_dev, status.st_ino):
            return self._connection
        self.close()
        self._connection = sqlite3.connect(
            f"{self._file.as_uri()}?mode=rw",
            uri=True,
            timeout=self._wait_s,
            isolation_level=None,
            check_same_thread=False,
        )
        prepare_sqlite(self._connection)
        self._inode = (status.st_dev, status.st_ino)
        return self._connection

    def _read(self, clause: str, params: tuple[Any, ...]) -> list[Row]:
        try:
            found = self._open().execute(
                f"SELECT seq, hash, body FROM audit_entries {clause}",  # noqa: S608  # two constants
                params,
            )
            return [Row(*row) for row in found]
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error


class PostgresLedger:
    """Rows in PostgreSQL; an advisory lock puts the appending processes in line."""

    def __init__(self, url: str, *, wait_s: float) -> None:
        self._url = url
        self._wait_s = wait_s
        self._connection: psycopg.Connection[Any] | None = None
        self._reached = 0

    def append(self, bodies: Sequence[str], link: Link) -> int:
        try:
            connection = self._open()
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                found = connection.execute(
                    "SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1"
                ).fetchone()
                seq, before = found or (0, None)
                _refuse_cut(seq, self._reached)
                hashes = link(before, bodies)
                connection.execute(
                    "INSERT INTO audit_entries (seq, hash, body)"
                    " SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::text[])",
                    (list(range(seq + 1, seq + 1 + len(bodies))), list(hashes), list(bodies)),
                )
        except (psycopg.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error
        self._reached = int(seq) + len(bodies)
        return int(seq) + 1

    def last(self) -> Row | None:
        found = self._read(
            "SELECT seq, hash, body FROM audit_entries ORDER BY seq DESC LIMIT 1", ()
        )
        return found[0] if found else None

    def rows(self, after: int = BEGINNING) -> Iterator[Row]:
        sql = "SELECT seq, hash, body FROM audit_entries WHERE seq > %s ORDER BY seq LIMIT %s"
        while page := self._read(sql, (after, _PAGE)):
            yield from page
            after = page[-1].seq

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            milliseconds = max(1, int(self._wait_s * 1000))
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=max(2, int(self._wait_s)),
                options=f"-c synchronous_commit=on -c statement_timeout={milliseconds}",
                tcp_user_timeout=milliseconds,
            )
        return self._connection

    def _read(self, sql: Any, params: tuple[Any, ...]) -> list[Row]:
        try:
            return [Row(*row) for row in self._open().execute(sql, params)]
        except (psycopg.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error


def _insert(rows: int) -> str:
    places = ",".join(["(?, ?, ?)"] * rows)
    return f"INSERT INTO audit_entries (seq, hash, body) VALUES {places}"  # noqa: S608 - places


def _refuse_cut(seq: int, reached: int) -> None:
    """Nothing is appended to a sequence whose end this process knows to be missing."""
    if seq < reached:
        raise LedgerError("Cut")

"""The table that is only ever appended to; several processes append to one sequence."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
import psycopg
from sqlalchemy.engine import Engine

from hub.store.appending import PRUNED, Algorithm, Appender, Behind, LedgerError, Link
from hub.store.engine import prepare_sqlite
from hub.store.tiles import Place

if sys.platform != "win32":
    import fcntl

__all__ = ["BEGINNING", "PRUNED", "Ledger", "LedgerError", "Link", "Row", "open_ledger"]

_LAST = "SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1"
_LOCK = 0x4855_425F_4155_4449
_PAGE = 500
_ROWS = 250
"""Rows of one INSERT."""
BEGINNING = -(2**62)
"""Before any number, also before those that only a forger would give."""


class Row(msgspec.Struct, frozen=True):
    """One appended row."""

    seq: int
    hash: bytes
    body: str


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

    def tile(self, algorithm: Algorithm, level: int, index: int) -> bytes:
        """A tile of a tree; empty where there is none. Raises: `LedgerError`."""
        ...

    def grow(self, link: Link) -> bool:
        """Take up rows that the tree of `link` lacks, some of them; whether any were.

        Raises: `LedgerError`, also where the text of such a row is gone.
        """
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
        self._appender = Appender()

    def append(self, bodies: Sequence[str], link: Link) -> int:
        while True:
            try:
                with self._writing() as writing:
                    return self._appender.append(writing, bodies, link)
            except Behind:
                self.grow(link)

    def grow(self, link: Link) -> bool:
        with self._writing() as writing:
            return self._appender.grow(writing, link)

    def tile(self, algorithm: Algorithm, level: int, index: int) -> bytes:
        try:
            found = _SqliteWriting(self._open()).tiles(algorithm, [(level, index)])
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error
        return found.get((level, index), b"")

    @contextmanager
    def _writing(self) -> Iterator[_SqliteWriting]:
        """One transaction, in line with those of other processes."""
        try:
            connection = self._open()
            self._in_line(wait=True)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _SqliteWriting(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._appender.forget()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._in_line(wait=False)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error

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
        self._appender = Appender()

    def append(self, bodies: Sequence[str], link: Link) -> int:
        while True:
            try:
                with self._writing() as writing:
                    return self._appender.append(writing, bodies, link)
            except Behind:
                self.grow(link)

    def grow(self, link: Link) -> bool:
        with self._writing() as writing:
            return self._appender.grow(writing, link)

    def tile(self, algorithm: Algorithm, level: int, index: int) -> bytes:
        try:
            found = _PostgresWriting(self._open()).tiles(algorithm, [(level, index)])
        except (psycopg.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error
        return found.get((level, index), b"")

    @contextmanager
    def _writing(self) -> Iterator[_PostgresWriting]:
        """One transaction, in line with those of other processes."""
        try:
            connection = self._open()
            try:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                    yield _PostgresWriting(connection)
            except BaseException:
                self._appender.forget()
                raise
        except (psycopg.Error, OSError) as error:
            self.close()
            raise LedgerError(type(error).__name__) from error

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


class _SqliteWriting:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def last(self) -> tuple[int, bytes | None]:
        return self._connection.execute(_LAST).fetchone() or (0, None)

    def tiles(self, algorithm: Algorithm, places: Sequence[Place]) -> Mapping[Place, bytes]:
        named = ",".join(["(?, ?)"] * len(places))
        found = self._connection.execute(
            "SELECT level, idx, hashes FROM audit_tiles WHERE algorithm = ?"  # noqa: S608 - places
            f" AND (level, idx) IN (VALUES {named})",
            [algorithm, *(x for place in places for x in place)],
        )
        return {(level, index): hashes for level, index, hashes in found}

    def last_leaves(self, algorithm: Algorithm) -> tuple[int, bytes] | None:
        found: tuple[int, bytes] | None = self._connection.execute(
            "SELECT idx, hashes FROM audit_tiles WHERE algorithm = ? AND level = 0"
            " ORDER BY idx DESC LIMIT 1",
            (algorithm,),
        ).fetchone()
        return found

    def bodies(self, after: int, most: int) -> Sequence[str]:
        found = self._connection.execute(
            "SELECT body FROM audit_entries WHERE seq > ? ORDER BY seq LIMIT ?", (after, most)
        )
        return [body for (body,) in found]

    def add(self, first: int, hashes: Sequence[bytes], bodies: Sequence[str]) -> None:
        rows = [(first + at, hashes[at], body) for at, body in enumerate(bodies)]
        self._insert("INSERT INTO audit_entries (seq, hash, body)", rows)

    def put(self, algorithm: Algorithm, tiles: Mapping[Place, bytes]) -> None:
        rows = [(algorithm, level, index, held) for (level, index), held in tiles.items()]
        self._insert("INSERT OR REPLACE INTO audit_tiles (algorithm, level, idx, hashes)", rows)

    def _insert(self, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            # one step for all: each step gives up the interpreter and waits for it
            places = ",".join([f"({','.join('?' * len(some[0]))})"] * len(some))
            self._connection.execute(f"{into} VALUES {places}", [x for row in some for x in row])


class _PostgresWriting:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def last(self) -> tuple[int, bytes | None]:
        return self._connection.execute(_LAST).fetchone() or (0, None)

    def tiles(self, algorithm: Algorithm, places: Sequence[Place]) -> Mapping[Place, bytes]:
        found = self._connection.execute(
            "SELECT level, idx, hashes FROM audit_tiles WHERE algorithm = %s AND (level, idx) IN"
            " (SELECT * FROM unnest(%s::integer[], %s::bigint[]))",
            (algorithm, [level for level, _ in places], [index for _, index in places]),
        )
        return {(level, index): hashes for level, index, hashes in found}

    def last_leaves(self, algorithm: Algorithm) -> tuple[int, bytes] | None:
        return self._connection.execute(
            "SELECT idx, hashes FROM audit_tiles WHERE algorithm = %s AND level = 0"
            " ORDER BY idx DESC LIMIT 1",
            (algorithm,),
        ).fetchone()

    def bodies(self, after: int, most: int) -> Sequence[str]:
        found = self._connection.execute(
            "SELECT body FROM audit_entries WHERE seq > %s ORDER BY seq LIMIT %s", (after, most)
        )
        return [body for (body,) in found]

    def add(self, first: int, hashes: Sequence[bytes], bodies: Sequence[str]) -> None:
        self._connection.execute(
            "INSERT INTO audit_entries (seq, hash, body)"
            " SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::text[])",
            (list(range(first, first + len(bodies))), list(hashes), list(bodies)),
        )

    def put(self, algorithm: Algorithm, tiles: Mapping[Place, bytes]) -> None:
        places = list(tiles)
        self._connection.execute(
            "INSERT INTO audit_tiles (algorithm, level, idx, hashes)"
            " SELECT %s, * FROM unnest(%s::integer[], %s::bigint[], %s::bytea[])"
            " ON CONFLICT (algorithm, level, idx) DO UPDATE SET hashes = excluded.hashes",
            (algorithm, [p[0] for p in places], [p[1] for p in places], list(tiles.values())),
        )

"""One DuckDB in memory per source: closed to the world, its tables kept in step with the files."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

import duckdb
import orjson
import structlog

from connectors.files.bind import values
from connectors.files.compile import compiled
from connectors.files.formats import (
    Dialect,
    Stamp,
    Table,
    bad_file,
    csv_scan,
    dialect,
    files_of,
    literal,
    opened,
    parquet_scan,
    stamp,
    unreadable,
)
from connectors.files.kinds import GUARDS, MACROS, TEXT
from connectors.files.records import record_columns, record_text
from connectors.files.sheets import sheet_text
from connectors.files.statement import NotExactError, Output, Statement, quoted
from connectors.kit.rows import conform
from connectors.spi import Batch, Call, Column
from schema.errors import HubError, SourceError

log = structlog.get_logger("connectors.files")

LOAD_BYTES = 64_000_000
"""CSV text up to this size is kept in DuckDB's memory; more is scanned in place."""
MAX_ROWS = 250_000
"""Rows of one answer."""
_TRIES = 3
_NULL = "\\N"


class Held:
    """One table's state: what was seen of its files, and what was made of them."""

    __slots__ = (
        "copies", "defined", "failed", "in_place", "lock", "natives", "stamp", "table",
    )  # fmt: skip

    def __init__(self, table: Table) -> None:
        self.table = table
        self.stamp: Stamp | None = None
        self.natives: Mapping[str, str] = {}
        self.in_place = False
        self.defined = False
        self.copies: tuple[Path, ...] = ()
        """Private copies in UTF-8 that a view reads."""
        self.failed: tuple[Stamp, HubError] | None = None
        self.lock = threading.Lock()


class Running:
    """A statement in a thread, which another thread can stop."""

    def __init__(self) -> None:
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def start(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """From here on `stop` reaches the cursor; raises when stopped before."""
        with self._lock:
            if self._stopped:
                raise SourceError("SOURCE_TIMEOUT", "the source was too slow")
            self._cursor = cursor

    def finish(self) -> None:
        """The cursor is no longer this statement's."""
        with self._lock:
            self._cursor = None

    def stop(self) -> None:
        """Interrupt the statement."""
        with self._lock:
            self._stopped = True
            if self._cursor is not None:
                self._cursor.interrupt()


class Database:
    """DuckDB over some tables; every method but `close` is for worker threads."""

    def __init__(self, source: str, *, memory: str = "512MB", threads: int = 2) -> None:
        self._source = source
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory, "threads": threads
        }  # fmt: skip
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._private: Path | None = None
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self.tables: dict[str, Held] = {}

    def open(self, tables: Iterable[Table]) -> None:
        """Make the database, shut it off, read every table's columns.

        Raises: `SourceError` when a table that the fragment describes cannot be read.
        """
        private = self._private = Path(tempfile.mkdtemp(prefix="hub-files-"))
        connection = self._connection = duckdb.connect(":memory:", config=self._config)
        held = [Held(table) for table in tables]
        folders = sorted({one.table.folder for one in held} | {str(private)})
        for statement in (
            "SET autoinstall_known_extensions=false",
            "SET autoload_known_extensions=false",
            "SET TimeZone='UTC'",
            "SET preserve_insertion_order=true",
            f"SET temp_directory={literal(str(private / 'spill'))}",
            "SET max_temp_directory_size='8GB'",
            *GUARDS,
            *MACROS,
            f"SET allowed_directories=[{', '.join(map(literal, folders))}]",
            "SET enable_external_access=false",
            "SET lock_configuration=true",
        ):
            connection.execute(statement)
        for one in held:
            if one.table.declared:
                self._made(one)
            elif not self._sketched(one):
                continue
            self.tables[one.table.name] = one

    def _sketched(self, held: Held) -> bool:
        """Only the columns of a table that nobody described; its rows when first asked for."""
        table = held.table
        try:
            if table.format == "parquet":
                self._made(held)
            elif table.format == "csv":
                columns = dialect(table, files_of(table)).columns
                held.natives = dict.fromkeys(columns, TEXT)
            elif table.format == "json":
                keys = record_columns(table, files_of(table), sketch=True)
                held.natives = dict.fromkeys(keys, TEXT)
            else:
                names = next(sheet_text(table))
                held.natives = {name: TEXT for name in names if name is not None}
        except SourceError as error:
            log.info("files.skipped", source=self._source, code=error.code)
            return False
        return True

    def stop(self) -> None:
        """Interrupt every statement that runs."""
        with self._lock:
            for running in self._running:
                running.stop()

    def close(self) -> None:
        """Give everything back; nothing may run any more."""
        self.tables = {}
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one thread."""
        if self._connection is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        return self._connection.cursor()

    def held(self, name: str) -> Held:
        """A table's state; raises `SourceError`."""
        found = self.tables.get(name)
        if found is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source has no such table")
        return found

    def fresh(self, held: Held) -> bool:
        """Whether a table is as its files are; raises what reading them raised."""
        now = stamp(held.table)
        if held.failed is not None and held.failed[0] == now:
            raise held.failed[1]
        return held.stamp == now

    def refresh(self, held: Held) -> None:
        """Read a table's files again if they changed; raises `SourceError`, then and until they
        change again."""
        with held.lock:
            if self.fresh(held):
                return
            self._made(held)

    def _made(self, held: Held) -> None:
        for _ in range(_TRIES):
            before = stamp(held.table)
            try:
                self._make(held)
            except duckdb.Error as error:
                made: HubError = self.failure(error, held.table.name)
            except HubError as error:
                made = error
            else:
                if stamp(held.table) == before:
                    held.stamp, held.failed = before, None
                    return
                continue
            if stamp(held.table) == before:
                held.failed = (before, made)
                raise made
        raise SourceError("SOURCE_UNAVAILABLE", "a file changes while it is read")

    def _make(self, held: Held) -> None:
        table, files = held.table, files_of(held.table)
        if table.format == "parquet":
            scan = parquet_scan(files, partitions=table.partitions)
            self._define(held, scan, load=False, copies=())
            return
        copies: list[Path] = []
        try:
            if table.format in ("excel", "json"):
                rows = sheet_text(table) if table.format == "excel" else record_text(table, files)
                found = self._written(rows, copies)
                scan = csv_scan(copies, found, null=_NULL)
            else:
                found = dialect(table, files)
                if table.encoding != "utf-8" or found.head > table.header:
                    for file in files:
                        self._recoded(table, file, found.head, copies)
                scan = csv_scan(
                    copies or files, found,
                    header=0 if copies else table.header, quote=table.quote, null=table.null,
                )  # fmt: skip
            load = sum(file.stat().st_size for file in copies or files) <= LOAD_BYTES
            self._define(held, scan, load=load, copies=() if load else copies)
        finally:
            for copy in copies:
                if copy not in held.copies:
                    copy.unlink(missing_ok=True)

    def _define(self, held: Held, scan: str, *, load: bool, copies: Sequence[Path]) -> None:
        name, what = quoted(held.table.name), "TABLE" if load else "VIEW"
        was, cursor = ("VIEW" if held.in_place else "TABLE"), self.cursor()
        try:
            cursor.execute("BEGIN")
            if held.defined:
                cursor.execute(f"DROP {was} {name}")
            cursor.execute(f"CREATE {what} {name} AS SELECT * FROM {scan}")  # noqa: S608 - quoted
            described = cursor.execute(f"DESCRIBE {name}").fetchall()
            cursor.execute("COMMIT")
        finally:
            cursor.close()  # what was not committed is rolled back
        for copy in held.copies:
            copy.unlink(missing_ok=True)
        held.natives = {str(row[0]): str(row[1]) for row in described}
        held.defined, held.in_place, held.copies = True, not load, tuple(copies)

    def _copy(self, copies: list[Path]) -> Path:
        if self._private is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        handle, name = tempfile.mkstemp(suffix=".csv", dir=self._private)
        os.close(handle)
        copies.append(Path(name))
        return copies[-1]

    def _written(self, rows: Iterator[list[str | None]], copies: list[Path]) -> Dialect:
        """Names and rows as a private CSV file with nulls marked, written row by row."""
        with self._copy(copies).open("w", encoding="utf-8", newline="") as out:
            names = [name or "" for name in next(rows)]
            out.write(_line(names))
            for row in rows:
                out.write(_line(row))
        return Dialect(",", tuple(names))

    def _recoded(self, table: Table, file: Path, head: int, copies: list[Path]) -> None:
        """The rows of a CSV file as a private copy in UTF-8: DuckDB reads few encodings, and
        loses rows after a header with line breaks."""
        try:
            with (
                opened(table, file) as text,
                self._copy(copies).open("w", encoding="utf-8", newline="") as out,
            ):
                for _ in range(head):
                    text.readline()
                shutil.copyfileobj(text, out, 1 << 20)
        except UnicodeError:
            raise bad_file(f"a file is not in the encoding {table.encoding}") from None
        except OSError:
            raise unreadable() from None

    def run(self, statement: Statement, call: Call, running: Running) -> Batch | None:
        """The rows; ``None`` when the files changed: `refresh`, then run again."""
        held = self.held(statement.ask.table)
        if not self.fresh(held):
            return None
        before, natives = held.stamp, held.natives
        cursor = self.cursor()
        with self._lock:
            self._running.add(running)
        try:
            wanted = _up_to_date(statement, natives)
            bound = values(wanted.slots, call)
            running.start(cursor)
            rows = cursor.execute(wanted.text, bound).fetchmany(MAX_ROWS + 1)
        except duckdb.Error as error:
            if stamp(held.table) != before:
                return None
            raise self.failure(error, held.table.name) from None
        finally:
            with self._lock:
                self._running.discard(running)
            running.finish()
            cursor.close()
        if held.in_place and stamp(held.table) != before:
            return None
        if len(rows) > MAX_ROWS:
            raise SourceError("SCAN_TOO_LARGE", "the source would have to be read whole")
        return _batch(wanted, rows, before or ())

    def failure(self, error: duckdb.Error, table: str) -> SourceError:
        """What DuckDB raised, as our own; its text stays here."""
        if isinstance(error, duckdb.InterruptException):
            return SourceError("SOURCE_TIMEOUT", "the source was too slow")
        log.warning("files.failed", source=self._source, table=table, kind=type(error).__name__)
        if isinstance(error, duckdb.IOException):
            return unreadable()
        if isinstance(error, duckdb.DataError | duckdb.InvalidInputException):
            return SourceError(
                "SOURCE_BAD_DATA", f"table `{table}` holds what is not of its type",
                hint="compare the file with the types in the fragment",
            )  # fmt: skip
        return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")


def _line(row: Iterable[str | None]) -> str:
    return ",".join(
        [_NULL if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row]
    ) + "\n"  # fmt: skip


def _up_to_date(statement: Statement, natives: Mapping[str, str]) -> Statement:
    """The statement, made again if the file's columns changed since it was planned."""
    if all(natives.get(name) == native for name, native in statement.natives):
        return statement
    try:
        return compiled(statement.ask, natives)
    except NotExactError:
        raise SourceError("SOURCE_BAD_DATA", "the columns of a file changed their types") from None


def _batch(statement: Statement, rows: list[tuple[Any, ...]], seen: Stamp) -> Batch:
    held = zip(*rows, strict=True) if rows else [()] * len(statement.outputs)
    columns = {
        output.name: _finished(output, column)
        for output, column in zip(statement.outputs, held, strict=False)
    }
    as_of = min((changed / 1e9 for _, changed, _, _ in seen), default=0.0)
    return Batch(columns, len(rows), as_of)


def _finished(output: Output, column: Sequence[Any]) -> Sequence[Any]:
    match output.finish:
        case "none":
            return column
        case "decimal":
            return conform(column, Column(output.name, "Decimal"))
        case "json":
            try:
                return [None if text is None else orjson.loads(text) for text in column]
            except ValueError:
                raise bad_file(f"column `{output.name}` holds what is no JSON") from None
        case _:
            assert_never(output.finish)

"""CSV, Excel, JSON and Parquet files through DuckDB, read in place and only as far as asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec

from connectors.files.compile import compiled, exact, exact_digests
from connectors.files.database import Database, Held, Running
from connectors.files.discover import shape_of
from connectors.files.formats import (
    SUFFIXES,
    Table,
    describe,
    in_folder,
    is_glob,
    stamp,
    unreadable,
)
from connectors.files.sheets import sheet_names
from connectors.files.statement import NotExactError, Statement
from connectors.kit.blind import without_digests
from connectors.kit.limit import InFlight
from connectors.spi import (
    Ask,
    Batch,
    Call,
    Capabilities,
    Health,
    Offer,
    ShapeTable,
    SourceShape,
)
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName
from schema.model.predicate import And, Predicate, both

CAPABILITIES = Capabilities(
    predicates=frozenset(
        {"eq", "ne", "in", "range", "prefix", "contains", "is_null", "and", "or", "not", "keys"}
    ),
    orders=True,
    limits=True,
    key_limits=True,
    aggregates=frozenset({"count", "countDistinct", "sum", "min", "max"}),
    groups=True,
    digests=True,
    max_keys=5_000,
    max_in_flight=4,
)
_TRIES = 3
_Made = TypeVar("_Made")


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> FilesConnector:
    """A connector for a folder, a glob or one file.

    `decl.connect`: ``{path}`` and, if wanted, ``memory`` (DuckDB's limit, ``512MB``) and
    ``threads`` (2). `decl.tables`: see `connectors.files.formats.describe`; a file that is not
    described is a table named by its stem, a sheet of several one named ``file.xlsx#Sheet``.
    Raises: ``CONFIG_INVALID``.
    """
    path, memory = decl.connect.get("path"), decl.connect.get("memory", "512MB")
    threads = decl.connect.get("threads", 2)
    if not isinstance(path, str) or not path:
        raise HubError(
            "CONFIG_INVALID", "a files source wants `connect.path`", where=decl.name,
            hint="name a folder, a file or a pattern",
        )  # fmt: skip
    if not isinstance(memory, str) or not isinstance(threads, int) or not 1 <= threads <= 64:
        raise HubError(
            "CONFIG_INVALID", "a files source has a wrong `memory` or `threads`", where=decl.name,
            hint="for example `memory: 512MB` and `threads: 2`",
        )  # fmt: skip
    place = Path(resolve(path))
    folder = place if not _names_files(place) else place.parent
    tables = [describe(name, folder, detail) for name, detail in decl.tables.items()]
    lowered = [table.name.lower() for table in tables]
    if len(set(lowered)) < len(lowered):
        raise HubError("CONFIG_INVALID", "two tables have one name but for case", where=decl.name)
    return FilesConnector(
        decl.name, place, tables, database=Database(decl.name, memory=memory, threads=threads)
    )


def _names_files(place: Path) -> bool:
    """Whether a path is a file or a pattern rather than a folder."""
    return not place.is_dir() and (place.suffix.lower() in SUFFIXES or is_glob(place.name))


class FilesConnector:
    """Serves files as tables. Every call of DuckDB and of the file system is on a thread."""

    def __init__(
        self, source: SourceName, place: Path, tables: list[Table], *, database: Database
    ) -> None:
        self.name = source
        self.capabilities = CAPABILITIES
        self._place = place
        self._tables = tables
        self._database = database
        self._flight = InFlight(CAPABILITIES.max_in_flight)
        self._workers: ThreadPoolExecutor | None = None
        self._loader: ThreadPoolExecutor | None = None
        self._loading: dict[str, asyncio.Future[None]] = {}

    async def open(self) -> None:
        """Read every table's columns; raises `SourceError`."""
        await self.close()
        self._workers = ThreadPoolExecutor(CAPABILITIES.max_in_flight, f"files-{self.name}")
        self._loader = ThreadPoolExecutor(1, f"load-{self.name}")
        await self._on(self._loader, self._open)

    def _open(self) -> None:
        try:
            self._database.open([*self._tables, *self._found()])
        except duckdb.Error as error:
            raise self._database.failure(error, "") from None
        except OSError:
            raise unreadable() from None

    def _found(self) -> Iterator[Table]:
        """What lies in the folder and nobody described."""
        if not self._place.exists() and not is_glob(self._place.name) and not self._tables:
            raise unreadable()
        said = {table.name.lower() for table in self._tables}
        paths = {table.path for table in self._tables if table.format != "excel"}
        place = self._place
        found = in_folder(place if place.is_dir() or is_glob(place.name) else _escaped(place))
        for table in found:
            if table.name.lower() in said or table.path in paths:
                continue
            yield table
            if table.format == "excel":
                yield from self._sheets(table)

    def _sheets(self, table: Table) -> Iterator[Table]:
        try:
            names = sheet_names(Path(table.path))
        except SourceError:
            return  # the table itself was given and says so
        file = Path(table.path).name
        for sheet in names[1:]:
            yield msgspec.structs.replace(table, name=f"{file}#{sheet}", sheet=sheet)

    async def discover(self) -> SourceShape:
        """Tables, columns with their likely kinds, candidate keys; no foreign keys."""
        for held in self._database.tables.values():
            await self._refresh(held)
        return SourceShape(tables=tuple(await self._on(self._workers, self._shapes)))

    def _shapes(self) -> list[ShapeTable]:
        found = []
        for held in self._database.tables.values():
            cursor = self._database.cursor()
            try:
                found.append(shape_of(cursor, held.table, tuple(held.natives.items())))
            except duckdb.Error as error:
                raise self._database.failure(error, held.table.name) from None
            finally:
                cursor.close()
        return found

    def offer(self, ask: Ask) -> Offer:
        """Take what DuckDB does exactly; the rest stays in the residual."""
        natives = self._database.held(ask.table).natives
        if not exact_digests(ask, natives):
            without = without_digests(ask)
            offer = self.offer(without.ask)
            return msgspec.structs.replace(offer, residual=without.residual(offer.residual))
        try:
            return Offer(handle=compiled(ask, natives, planning=True))
        except NotExactError:
            return _partly(ask, natives)

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        yield await self.fetch_all(handle, call)

    async def fetch_all(self, handle: Statement, call: Call) -> Batch:
        """Run a statement; cancellation and the deadline interrupt it in DuckDB."""
        held = self._database.held(handle.ask.table)
        left = None if call.deadline == float("inf") else call.deadline - time.monotonic()
        try:
            async with asyncio.timeout(left if left is None else max(0.0, left)):
                for _ in range(_TRIES):
                    batch = await self._run(handle, call)
                    if batch is not None:
                        return batch
                    await self._refresh(held)
        except TimeoutError:
            raise SourceError("SOURCE_TIMEOUT", "the source was too slow") from None
        raise SourceError("SOURCE_UNAVAILABLE", "a file changes while it is read")

    async def _run(self, handle: Statement, call: Call) -> Batch | None:
        await self._flight.enter(call.deadline)
        running = Running()
        if self._workers is None:
            self._flight.leave()
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        done = asyncio.get_running_loop().run_in_executor(
            self._workers, self._database.run, handle, call, running
        )
        done.add_done_callback(self._left)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            running.stop()
            raise

    def _left(self, done: asyncio.Future[Any]) -> None:
        self._flight.leave()
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits any more

    async def _refresh(self, held: Held) -> None:
        """Read changed files again: once for all who wait, and to the end if they give up."""
        name = held.table.name
        loading = self._loading.get(name)
        if loading is None:
            if self._loader is None:
                raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
            loading = asyncio.get_running_loop().run_in_executor(
                self._loader, self._database.refresh, held
            )
            self._loading[name] = loading
            loading.add_done_callback(lambda done: self._loaded(name, done))
        await asyncio.shield(loading)

    def _loaded(self, name: str, done: asyncio.Future[None]) -> None:
        self._loading.pop(name, None)
        if not done.cancelled():
            done.exception()

    async def _on(self, threads: ThreadPoolExecutor | None, work: Callable[[], _Made]) -> _Made:
        if threads is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source is not open")
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    async def probe(self) -> Health:
        """Whether the folder and every described file is there."""
        started = time.perf_counter()
        try:
            oldest = await self._on(self._workers, self._stamped)
        except SourceError as error:
            return Health(ok=False, code=error.code)
        return Health(ok=True, ms=(time.perf_counter() - started) * 1000, as_of=oldest)

    def _stamped(self) -> float:
        """When the described table that waits longest for a change last had one."""
        if not self._place.exists() and not is_glob(self._place.name):
            raise unreadable()
        described = [h.table for h in self._database.tables.values() if h.table.declared]
        newest = [max(changed for _, changed, _, _ in stamp(table)) for table in described]
        return min(newest, default=0) / 1e9

    async def close(self) -> None:
        """Give the threads, the memory and the private files back."""
        threads = [pool for pool in (self._workers, self._loader) if pool is not None]
        self._workers = self._loader = None
        for pool in threads:
            pool.shutdown(wait=False, cancel_futures=True)
        if threads:
            await asyncio.to_thread(self._closed, threads)

    def _closed(self, threads: list[ThreadPoolExecutor]) -> None:
        self._database.stop()
        for pool in threads:
            pool.shutdown(wait=True)
        self._database.close()


def _escaped(place: Path) -> Path:
    """A file as a pattern that matches it alone."""
    marked = "".join(f"[{mark}]" if mark in "*?[" else mark for mark in place.name)
    return place.parent / marked


def _partly(ask: Ask, natives: Mapping[str, str]) -> Offer:
    """Rows with the exact conditions; ordering, cutting and grouping are left."""
    bare = msgspec.structs.replace(
        ask,
        columns=tuple({column.name: column for column in (*ask.columns, *ask.known)}.values()),
        known=(), must=None, wish=None, order=(), limit=None, aggregate=None, joins=(),
    )  # fmt: skip
    must, must_left = _split(ask, natives, ask.must)
    wish, wish_left = _split(ask, natives, ask.wish)
    taken = msgspec.structs.replace(bare, must=must, wish=wish)
    left = msgspec.structs.replace(ask, must=must_left, wish=wish_left)
    if must_left is None and wish_left is None and ask.aggregate is None and ask.joins:
        # only the joins are refused
        whole = msgspec.structs.replace(ask, columns=bare.columns, known=(), joins=())
        try:
            left = msgspec.structs.replace(left, order=(), limit=None)
            return Offer(handle=compiled(whole, natives, planning=True), residual=left)
        except NotExactError:
            left = msgspec.structs.replace(ask, must=None, wish=None)
    return Offer(handle=compiled(taken, natives, planning=True), residual=left)


def _split(
    ask: Ask, natives: Mapping[str, str], wanted: Predicate | None
) -> tuple[Predicate | None, Predicate | None]:
    """The conjuncts that DuckDB carries out exactly, and the others."""
    if wanted is None:
        return None, None
    parts = wanted.parts if isinstance(wanted, And) else (wanted,)
    able = [exact(ask, natives, part) for part in parts]
    taken = both(*(part for part, fits in zip(parts, able, strict=True) if fits))
    return taken, both(*(part for part, fits in zip(parts, able, strict=True) if not fits))

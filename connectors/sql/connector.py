"""The connector for SQL databases: PostgreSQL on asyncpg, all others in threads."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol, cast

import msgspec
import structlog
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors.spi import Ask, Batch, Call, Capabilities, Health, Offer, SourceShape
from connectors.sql import discover, postgres, postgres_catalogue, sqlite
from connectors.sql.compile import Compiler
from connectors.sql.dialect import Dialect, Postgres, Sqlite
from connectors.sql.statement import Statement
from connectors.sql.table import TableMeta, named_tables
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

_log = structlog.get_logger("connectors.sql")
_PREDICATES = frozenset(
    {"eq", "ne", "in", "range", "prefix", "contains", "is_null", "and", "or", "not", "keys"}
)
_AGGREGATES = frozenset({"count", "countDistinct", "sum", "min", "max"})
_LEAST_PREDICATES = frozenset({"eq", "ne", "in", "range", "is_null", "and", "or", "not", "keys"})
_LEAST_AGGREGATES = frozenset({"count", "countDistinct", "min", "max"})
_LEAST_KEYS = 500
"""Some databases take a thousand values of a list and no more."""
_ZONE = re.compile(r"[A-Za-z0-9_+\-/]{1,64}\Z")
_KNOWN = frozenset({"url", "schema", "pool", "statement_timeout", "timezone", "collation"})
_CODE_POINT_COLLATIONS = frozenset({"c", "posix", "ucs_basic", "binary"})
_OPEN_S = 30.0


class Options:
    """The fragment's `connect:` mapping, checked."""

    def __init__(self, decl: SourceDecl, resolve: Callable[[str], str]) -> None:
        connect = decl.connect
        where = f"source `{decl.name}`"
        unknown = sorted(set(connect) - _KNOWN)
        if unknown:
            raise HubError("FRAGMENT_INVALID", f"{where}: unknown key `{unknown[0]}` in `connect`")
        try:
            self.url: URL = make_url(resolve(str(connect["url"])))
        except KeyError:
            raise HubError("FRAGMENT_INVALID", f"{where}: `connect` has no `url`") from None
        except ArgumentError:
            raise HubError(
                "FRAGMENT_INVALID",
                f"{where}: `connect.url` is not a database url",
                hint="such as `postgresql://user@host/name` or `sqlite:////path/to/file`",
            ) from None
        self.schema: str | None = connect.get("schema")
        self.pool = _positive(connect, "pool", 8, where)
        self.statement_timeout_s = _positive(connect, "statement_timeout", 30, where)
        self.zone = str(connect.get("timezone", "UTC"))
        if not _ZONE.match(self.zone):
            raise HubError("FRAGMENT_INVALID", f"{where}: `connect.timezone` is not a time zone")
        collation = str(connect.get("collation", "")).lower()
        self.code_points = collation in _CODE_POINT_COLLATIONS


def _positive(connect: Mapping[str, Any], key: str, default: int, where: str) -> int:
    value = connect.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 3600:
        raise HubError("FRAGMENT_INVALID", f"{where}: `connect.{key}` is not a small whole number")
    return value


class Engine(Protocol):
    """One kind of database behind a `SqlConnector`."""

    dialect: Dialect

    async def open(self) -> Mapping[str, TableMeta]: ...

    async def discover(self) -> SourceShape: ...

    async def fetch(self, statement: Statement, call: Call) -> Batch: ...

    async def ping(self, deadline: float) -> None: ...

    async def close(self) -> None: ...


class PostgresEngine:
    """PostgreSQL."""

    def __init__(self, options: Options, tables: Mapping[str, Any]) -> None:
        self._postgres = Postgres(options.zone)
        self.dialect: Dialect = self._postgres
        self._options = options
        self._declared = tables
        url = options.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool = postgres.Pool(
            url,
            size=options.pool,
            statement_timeout_s=options.statement_timeout_s,
            schema=options.schema,
        )

    async def _metadata(self) -> postgres_catalogue.Metadata:
        schemas = [
            str(entry["schema"])
            for entry in self._declared.values()
            if isinstance(entry, Mapping) and "schema" in entry
        ]
        return await postgres_catalogue.read_metadata(
            self._pool,
            schemas,
            time.monotonic() + _OPEN_S,
            trusted_collation=self._options.code_points,
        )

    async def open(self) -> Mapping[str, TableMeta]:
        """Tables by the names that Asks use."""
        held = await self._metadata()
        self._postgres.utf8 = held.utf8
        return named_tables(held.tables, held.default_schema, self._declared)

    async def discover(self) -> SourceShape:
        """Tables, keys and references."""
        deadline = time.monotonic() + _OPEN_S
        return await discover.postgres_shape(self._pool, await self._metadata(), deadline)

    async def fetch(self, statement: Statement, call: Call) -> Batch:
        """Run a statement."""
        rows = await self._pool.run(statement.text, statement.arguments(call), call.deadline)
        return statement.batch(rows, call)

    async def ping(self, deadline: float) -> None:
        """One round trip."""
        await self._pool.run("SELECT 1", (), deadline)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


class SqliteEngine:
    """SQLite."""

    def __init__(self, options: Options, where: str) -> None:
        self.dialect: Dialect = Sqlite(options.zone)
        try:
            path = sqlite.file_of(options.url.database)
        except ValueError:
            raise HubError(
                "FRAGMENT_INVALID", f"{where}: `connect.url` names no database file"
            ) from None
        self._pool = sqlite.Pool(
            path,
            size=options.pool,
            zone=options.zone,
            statement_timeout_s=options.statement_timeout_s,
        )
        self._tables: Mapping[str, TableMeta] = {}

    async def open(self) -> Mapping[str, TableMeta]:
        """Tables and views by name."""
        self._tables = await sqlite.read_tables(self._pool, time.monotonic() + _OPEN_S)
        return self._tables

    async def discover(self) -> SourceShape:
        """Tables, keys and references."""
        deadline = time.monotonic() + _OPEN_S
        return await discover.sqlite_shape(self._pool, await self.open(), deadline)

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
        """Read the file's header."""
        await self._pool.run("SELECT count(*) FROM sqlite_master", (), deadline)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


class SqlConnector:
    """One SQL source."""

    def __init__(self, name: SourceName, engine: Engine, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self._engine = engine
        self._compiler: Compiler | None = None

    async def open(self) -> None:
        """Connect, and read what the database says of its tables."""
        self._compiler = Compiler(await self._engine.open(), self._engine.dialect)

    async def discover(self) -> SourceShape:
        """What is in the source."""
        return await self._engine.discover()

    def offer(self, ask: Ask) -> Offer:
        """Compile the Ask; what the source cannot do exactly is the residual.

        Raises: `HubError` with code FRAGMENT_INVALID for a table or column that is not there.
        """
        if self._compiler is None:
            raise HubError("INTERNAL", f"source `{self.name}` is not open")
        statement, residual = self._compiler.compile(ask)
        rows = None
        if ask.must is None and ask.wish is None and not ask.key_columns:
            rows = self._compiler.table(ask.table).rows
        return Offer(handle=statement, residual=residual, estimate_rows=rows)

    async def fetch_all(self, handle: Any, call: Call) -> Batch:
        """One batch; raises `SourceError`."""
        return await self._engine.fetch(cast("Statement", handle), call)

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        """The same as an iterator of one."""
        yield await self._engine.fetch(cast("Statement", handle), call)

    async def probe(self) -> Health:
        """Whether the source answers within two seconds."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(2):
                await self._engine.ping(began + 2)
        except TimeoutError:
            return Health(ok=False, code="SOURCE_TIMEOUT", ms=2000.0)
        except SourceError as error:
            return Health(ok=False, code=error.code, ms=(time.monotonic() - began) * 1000)
        return Health(ok=True, ms=(time.monotonic() - began) * 1000)

    async def close(self) -> None:
        """Let go of the source."""
        await self._engine.close()


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> SqlConnector:
    """A connector for a source declaration; nothing is reached before `open`.

    `connect:` holds ``url``, and optionally ``schema`` (not of SQLite), ``pool`` (connections),
    ``statement_timeout`` (seconds), ``timezone`` (of timestamps without one) and ``collation``
    (``C`` states that the database's own collation is by code point).
    Raises: `HubError` with code FRAGMENT_INVALID.
    """
    options = Options(decl, resolve)
    name = options.url.get_backend_name()
    capabilities = Capabilities(
        predicates=_PREDICATES,
        orders=True,
        limits=True,
        key_limits=True,
        aggregates=_AGGREGATES,
        groups=True,
        joins=True,
        digests=True,
        max_keys=5000,
        max_in_flight=options.pool * 4,
    )
    if name == "postgresql":
        capabilities = msgspec.structs.replace(capabilities, documents=True)
        return SqlConnector(decl.name, PostgresEngine(options, decl.tables), capabilities)
    if name == "sqlite":
        return SqlConnector(decl.name, SqliteEngine(options, f"source `{decl.name}`"), capabilities)
    if name == "duckdb":
        able = msgspec.structs.replace(capabilities, digests=False, joins=False)
        return SqlConnector(decl.name, _duck(options, decl), able)
    if name in ("mysql", "mariadb"):
        return SqlConnector(decl.name, _mysql(options, decl), capabilities)
    least = Capabilities(
        predicates=_LEAST_PREDICATES,
        orders=True,
        limits=True,
        aggregates=_LEAST_AGGREGATES,
        max_keys=_LEAST_KEYS,
        max_in_flight=options.pool * 4,
    )
    return SqlConnector(decl.name, _generic(options, decl), least)


def _duck(options: Options, decl: SourceDecl) -> Engine:
    from connectors.sql import duck  # only where one is read: it takes long to load

    try:
        path = sqlite.file_of(options.url.database)
    except ValueError:
        raise HubError(
            "FRAGMENT_INVALID", f"source `{decl.name}`: `connect.url` names no database file"
        ) from None
    pool = duck.Pool(path, size=options.pool, statement_timeout_s=options.statement_timeout_s)
    return duck.DuckEngine(pool, zone=options.zone, schema=options.schema, declared=decl.tables)


def _mysql(options: Options, decl: SourceDecl) -> Engine:
    from connectors.sql import mysql  # only where one is read

    return mysql.MysqlEngine(options.url, **_of(options, decl))


def _generic(options: Options, decl: SourceDecl) -> Engine:
    from connectors.sql import generic  # only where one is read

    return generic.GenericEngine(options.url, **_of(options, decl))


def _of(options: Options, decl: SourceDecl) -> dict[str, Any]:
    return {
        "where": f"source `{decl.name}`",
        "zone": options.zone,
        "schema": options.schema,
        "declared": decl.tables,
        "size": options.pool,
        "statement_timeout_s": options.statement_timeout_s,
    }

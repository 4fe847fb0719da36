"""Any SQL database behind a driver that is installed, in threads; see `generic_dialect`.

Every statement is a SELECT in a transaction of its own that is rolled back; where the database
knows ``SET TRANSACTION READ ONLY``, it says so too. The database's own limit for statements is
not known: one that takes too long is given up, and cancelled where the driver can.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedIndex
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    NoSuchModuleError,
    NoSuchTableError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from connectors.spi import Batch, Call, ForeignKey, ShapeColumn, ShapeTable, SourceShape
from connectors.sql.dialect import Dialect
from connectors.sql.discover import keys_of
from connectors.sql.generic_dialect import OTHER, SCALED, TEXT, WHOLE, Generic, placed
from connectors.sql.statement import Statement
from connectors.sql.table import ColumnMeta, TableMeta, named_tables
from connectors.sql.threads import Aside, Failure, Pool, Rows
from schema.errors import HubError
from schema.model.scalar import ScalarKind

_OPEN_S = 60.0
_READ_ONLY = "SET TRANSACTION READ ONLY"
_KINDS: tuple[tuple[type[Any], ScalarKind], ...] = (
    (sa.Boolean, "Boolean"),
    (sa.BigInteger, "BigInt"),
    (sa.Integer, "Int"),
    (sa.Float, "Float"),
    (sa.Numeric, "Decimal"),
    (sa.DateTime, "LocalDateTime"),
    (sa.Date, "Date"),
    (sa.Time, "Time"),
    (sa.JSON, "JSON"),
)


class GenericDriver:
    """Connections by SQLAlchemy's own means, without its pool."""

    errors: tuple[type[Exception], ...] = (
        SQLAlchemyError,
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
        NotImplementedError,
    )

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._aside = Aside()
        self._says_read_only: bool | None = None

    def connect(self) -> Connection:
        """A connection; the first one finds out whether transactions can be read-only."""
        made = self._engine.connect()
        try:
            if self._says_read_only is None:
                self._says_read_only = self._tried(made)
        except BaseException:
            self.close(made)
            raise
        return made

    def _tried(self, connection: Connection) -> bool:
        try:
            connection.exec_driver_sql(_READ_ONLY)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            return False
        finally:
            connection.rollback()
        return True

    def begin(self, connection: Connection) -> None:
        """A transaction that does not write, as far as the database can say so."""
        if self._says_read_only:
            connection.exec_driver_sql(_READ_ONLY)

    def run(
        self, connection: Connection, text: str, arguments: Sequence[Any], within_s: float
    ) -> Rows:
        """The rows; `arguments` are one tuple or mapping, as the driver takes them."""
        del within_s
        self.begin(connection)
        try:
            rows: Rows = connection.exec_driver_sql(text, *arguments).fetchall()
            return rows
        finally:
            connection.rollback()

    def stop(self, connection: Connection) -> None:
        """Ask the driver to cancel, where it can; elsewhere the statement runs to its end."""
        with contextlib.suppress(*self.errors):
            held = connection.connection.dbapi_connection
            cancel = getattr(held, "cancel", None) or getattr(held, "interrupt", None)
            if callable(cancel):
                self._aside.do(lambda: self._cancel(cancel))

    def _cancel(self, cancel: Callable[[], object]) -> None:
        dbapi: Any = self._engine.dialect.dbapi
        with contextlib.suppress(*self.errors, dbapi.Error):
            cancel()

    def close(self, connection: Connection) -> None:
        """Let go of a connection."""
        with contextlib.suppress(*self.errors):
            connection.invalidate()
        with contextlib.suppress(*self.errors):
            connection.close()

    def failure(self, error: Exception) -> Failure:
        """By its class; its text goes nowhere."""
        if isinstance(error, DBAPIError):
            if error.connection_invalidated:
                return Failure(code="SOURCE_UNAVAILABLE", lost=True)
            state = type(error.orig).__name__
            if isinstance(error, DataError):
                return Failure(code="SOURCE_BAD_DATA", state=state)
            return Failure(code="SOURCE_UNAVAILABLE", state=state)
        return Failure(code="SOURCE_UNAVAILABLE")


def engine_of(url: URL, where: str) -> sa.Engine:
    """SQLAlchemy's engine; raises `HubError` FRAGMENT_INVALID where there is no such driver."""
    name = url.get_backend_name()
    if "plugin" in url.query:
        raise HubError("FRAGMENT_INVALID", f"{where}: `connect.url` may name no plugin")
    try:
        made = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        raise HubError(
            "FRAGMENT_INVALID",
            f"{where}: no driver for `{name}`",
            hint="`kind: sql` reads `postgresql`, `mysql`, `mariadb`, `sqlite` and `duckdb` urls, "
            "and others whose SQLAlchemy dialect is installed",
        ) from None
    except ImportError:
        raise HubError(
            "FRAGMENT_INVALID",
            f"{where}: the driver that the dialect `{name}` needs is not installed",
            hint="install it, or name another as in `dialect+driver://`",
        ) from None
    except (ArgumentError, TypeError, ValueError):
        raise HubError(
            "FRAGMENT_INVALID", f"{where}: the dialect `{name}` does not take this `connect.url`"
        ) from None
    if made.dialect.is_async:
        raise HubError(
            "FRAGMENT_INVALID",
            f"{where}: the driver in `connect.url` is an asynchronous one",
            hint="name one that blocks: it runs in threads",
        )
    return made


class GenericEngine:
    """A database of any kind."""

    def __init__(
        self,
        url: URL,
        *,
        where: str,
        zone: str,
        schema: str | None,
        declared: Mapping[str, Any],
        size: int,
        statement_timeout_s: float,
    ) -> None:
        self._engine = engine_of(url, where)
        self._driver = GenericDriver(self._engine)
        self._pool = Pool(
            self._driver,
            size=size,
            statement_timeout_s=statement_timeout_s,
            thread_name="hub-generic",
        )
        self._generic = Generic(zone)
        self.dialect: Dialect = self._generic
        self._schema = schema
        self._declared = declared

    def _schemas(self) -> list[str | None]:
        named = {
            str(entry["schema"])
            for entry in self._declared.values()
            if isinstance(entry, Mapping) and "schema" in entry
        }
        return [self._schema, *sorted(named - {self._schema})]

    async def _inspected(self, schemas: Sequence[str | None]) -> Sequence[_Found]:
        def action(connection: Connection, _: float) -> list[_Found]:
            self._driver.begin(connection)
            try:
                inspector = sa.inspect(connection)
                return [found for schema in schemas for found in _read(inspector, schema)]
            finally:
                connection.rollback()

        made: list[_Found] = await self._pool.use(action, time.monotonic() + _OPEN_S)
        self._generic.speak(self._engine.dialect)
        return made

    async def open(self) -> Mapping[str, TableMeta]:
        """Tables and views by the names that Asks use."""
        found = await self._inspected(self._schemas())
        held = {(one.meta.schema or "", one.meta.name): one.meta for one in found}
        return named_tables(held, self._schema or "", self._declared)

    async def discover(self) -> SourceShape:
        """Tables, keys and references."""
        return SourceShape(
            tables=tuple(one.shape() for one in await self._inspected([self._schema]))
        )

    async def fetch(self, statement: Statement, call: Call) -> Batch:
        """Run a statement; rows become columns in the thread as well."""
        text, params = placed(
            statement.text,
            statement.arguments(call),
            self._engine.dialect.paramstyle,
        )
        made: Batch = await self._pool.run(
            text,
            (params,) if params else (),
            call.deadline,
            lambda rows: statement.batch(rows, call),
        )
        return made

    async def ping(self, deadline: float) -> None:
        """A connection that answers, in words that every database knows."""
        await self._pool.use(_alive, deadline)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


def _alive(connection: Connection, _: float) -> None:
    try:
        connection.execute(sa.select(sa.literal_column("1")))
    finally:
        connection.rollback()


class _Found:
    """One table as the inspector tells it."""

    def __init__(self, inspector: Inspector, name: str, schema: str | None, *, view: bool) -> None:
        dialect = inspector.dialect

        def stored(told: str) -> str:
            if not dialect.requires_name_normalize:
                return told
            return str(dialect.denormalize_name(told))

        self.columns = {stored(c["name"]): c for c in inspector.get_columns(name, schema)}
        self.primary: tuple[str, ...] = ()
        uniques: list[Sequence[str | None]] = []
        self.references: list[ForeignKey] = []
        if not view:
            with contextlib.suppress(NotImplementedError):
                key = inspector.get_pk_constraint(name, schema)["constrained_columns"]
                self.primary = tuple(map(stored, key))
            with contextlib.suppress(NotImplementedError):
                constraints = inspector.get_unique_constraints(name, schema)
                uniques += [constraint["column_names"] for constraint in constraints]
            with contextlib.suppress(NotImplementedError):
                uniques += [
                    index["column_names"]
                    for index in inspector.get_indexes(name, schema)
                    if index["unique"] and _whole(index)
                ]
            with contextlib.suppress(NotImplementedError):
                self.references = [
                    ForeignKey(
                        columns=tuple(map(stored, key["constrained_columns"])),
                        to_table=stored(key["referred_table"]),
                        to_columns=tuple(map(stored, key["referred_columns"])),
                    )
                    for key in inspector.get_foreign_keys(name, schema)
                    if key["referred_schema"] == schema
                ]
        distinct = {frozenset(self.primary)} if self.primary else set()
        distinct |= {
            frozenset(stored(part) for part in names if part is not None)
            for names in uniques
            if None not in names  # an index over an expression
        }
        self.meta = TableMeta(
            name=stored(name),
            schema=schema if schema is None else stored(schema),
            columns={column: _column(column, told) for column, told in self.columns.items()},
            uniques=frozenset(distinct),
        )

    def shape(self) -> ShapeTable:
        """The table for a draft."""
        return ShapeTable(
            name=self.meta.name,
            columns=tuple(
                ShapeColumn(
                    name=name,
                    kind=_kind(told["type"]),
                    nullable=bool(told["nullable"]),
                    native=type(told["type"]).__name__.lower(),
                    comment=told.get("comment"),
                )
                for name, told in self.columns.items()
            ),
            keys=keys_of(self.meta, self.primary),
            foreign_keys=tuple(self.references),
        )


def _read(inspector: Inspector, schema: str | None) -> list[_Found]:
    tables = inspector.get_table_names(schema)
    views: list[str] = []
    with contextlib.suppress(NotImplementedError):
        views = inspector.get_view_names(schema)
    found = []
    for name in dict.fromkeys([*tables, *views]):
        with contextlib.suppress(NoSuchTableError):  # gone meanwhile, or not to be seen
            found.append(_Found(inspector, name, schema, view=name not in tables))
    return found


def _whole(index: ReflectedIndex) -> bool:
    """Whether an index is of all rows: what it says of some only proves nothing."""
    return not any(option.endswith("_where") for option in index.get("dialect_options", {}))


def _column(name: str, told: ReflectedColumn) -> ColumnMeta:
    held = told["type"]
    native = OTHER
    if isinstance(held, sa.Integer) and not isinstance(held, sa.Boolean):
        native = WHOLE
    elif isinstance(held, sa.String) and not isinstance(held, sa.Enum):
        native = TEXT
    elif isinstance(held, sa.Numeric) and held.scale:
        native = f"{SCALED}{held.scale}"
    return ColumnMeta(name=name, native=native, nullable=bool(told["nullable"]))


def _kind(held: Any) -> ScalarKind:
    if isinstance(held, sa.DateTime):
        return "DateTime" if held.timezone else "LocalDateTime"
    return next((kind for base, kind in _KINDS if isinstance(held, base)), "String")

"""MySQL and MariaDB on PyMySQL, in threads: read-only sessions in UTC, statements with a limit."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pymysql
import structlog
from pymysql.constants import FIELD_TYPE
from sqlalchemy.engine import URL

from connectors.spi import Batch, Call, SourceShape
from connectors.sql import mysql_catalogue
from connectors.sql.dialect import Dialect
from connectors.sql.mysql_access import SORTED_BYTES
from connectors.sql.mysql_dialect import Mysql
from connectors.sql.mysql_values import written
from connectors.sql.statement import Statement
from connectors.sql.table import TableMeta, named_tables
from connectors.sql.threads import Aside, Failure, Pool, Rows
from schema.errors import HubError, SourceError

_log = structlog.get_logger("connectors.sql")
_OPEN_S = 30.0
_CONNECT_S = 10
_KILL_S = 2
_SLACK_S = 5
"""How long after a statement's limit a server that says nothing is given up."""
_TIMEOUT = frozenset({1317, 1969, 3024})
_BUSY = frozenset({1040, 1203, 1205, 1213, 1226})
_LOST = frozenset({0, 1053, 1927, 2006, 2013, 4031})
_BAD_DATA = frozenset({1264, 1292, 1366, 1411, 1690})
_NO_SUCH_THREAD = 1094
"""It has ended already."""
_TLS = frozenset({"ssl", "ssl_ca", "ssl_cert", "ssl_key"})
_PARAMETERS = _TLS | {"unix_socket"}
_MARIADB, _MYSQL = (10, 4), (8, 0)
_NUMBERS = (
    FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG,
    FIELD_TYPE.YEAR,
)  # fmt: skip
_DECODERS: Mapping[int, Any] = {
    **dict.fromkeys(_NUMBERS, int),
    FIELD_TYPE.FLOAT: float,
    FIELD_TYPE.DOUBLE: float,
}
"""All else stays the text that the server prints: no decimal or time loses anything."""


class _Refused:
    """Gives no password to whoever asks for it in clear, or scrambled so that it can be found."""

    def __init__(self, _connection: Any) -> None:
        pass

    def authenticate(self, _packet: Any) -> Any:
        """Fail."""
        raise pymysql.err.OperationalError(2061, "the password is not sent so")


_PLUGINS = dict.fromkeys(("mysql_clear_password", "dialog", "mysql_old_password"), _Refused)


class Flavour(msgspec.Struct, frozen=True):
    """Which of the two servers, and how old."""

    mariadb: bool
    version: tuple[int, ...]

    def limited(self, text: str, within_s: float) -> str:
        """A SELECT that the server ends by itself."""
        if self.mariadb:
            return f"SET STATEMENT max_statement_time={max(within_s, 0.001):.3f} FOR {text}"
        hint = f"SELECT /*+ MAX_EXECUTION_TIME({max(int(within_s * 1000), 1)}) */"
        return re.sub(r"\ASELECT\b", hint, text)

    def settings(self, longest_s: float) -> Sequence[str]:
        """What a session is told before anything else."""
        shared = f"sql_mode='', time_zone='+00:00', max_sort_length={SORTED_BYTES}"
        if self.mariadb:
            own = f"max_statement_time={longest_s:.3f}, join_cache_level=4"
        else:
            own = f"max_execution_time={int(longest_s * 1000)}"
        return f"SET SESSION {shared}, {own}", "SET SESSION TRANSACTION READ ONLY"


def flavour_of(told: str) -> Flavour:
    """The server by its version text; raises `SourceError` for one that is too old."""
    mariadb = "mariadb" in told.lower()
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", told)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < (_MARIADB if mariadb else _MYSQL):
        raise SourceError(
            "SOURCE_UNAVAILABLE", "the server is older than MariaDB 10.4 or MySQL 8.0"
        )
    return Flavour(mariadb, version)


class MysqlDriver:
    """Sessions of one server."""

    errors: tuple[type[Exception], ...] = (
        pymysql.err.Error,
        OSError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        AssertionError,
        struct.error,
    )
    """The driver's own, and what it raises over packets that make no sense."""

    def __init__(self, parameters: Mapping[str, Any], *, statement_timeout_s: float) -> None:
        self._parameters = parameters
        self._longest = statement_timeout_s
        self._aside = Aside()
        self.flavour: Flavour | None = None

    def _connected(self, within_s: float) -> Any:
        return pymysql.connect(
            **self._parameters,
            charset="utf8mb4",
            autocommit=True,
            conv=_DECODERS,
            local_infile=False,
            auth_plugin_map=_PLUGINS,
            program_name="hub",
            connect_timeout=within_s,
            read_timeout=self._longest + _SLACK_S,
            write_timeout=self._longest + _SLACK_S,
        )

    def connect(self) -> Any:
        """A session that cannot write and has its limits."""
        made = self._connected(_CONNECT_S)
        try:
            flavour = self.flavour or flavour_of(made.get_server_info())
            with made.cursor() as cursor:
                for text in flavour.settings(self._longest):
                    cursor.execute(text)
        except BaseException:
            self.close(made)
            raise
        self.flavour = flavour
        return made

    def run(self, connection: Any, text: str, arguments: Sequence[Any], within_s: float) -> Rows:
        """The rows; `text` holds its values already."""
        del arguments
        assert self.flavour is not None  # noqa: S101 - invariant: there is a connection
        with connection.cursor() as cursor:
            cursor.execute(self.flavour.limited(text, within_s))
            rows: Rows = cursor.fetchall()
            return rows

    def stop(self, connection: Any) -> None:
        """Cut the connection, which wakes whoever reads from it, and end the statement."""
        held = connection._sock
        if held is None:
            return
        with contextlib.suppress(OSError):
            socket.socket.shutdown(held, socket.SHUT_RDWR)
        number = connection.thread_id()
        self._aside.do(lambda: self._kill(number))  # else the statement ends by its own limit

    def _kill(self, number: int) -> None:
        """The server looks for a lost client only when it has rows to send."""
        try:
            with self._connected(_KILL_S) as connection, connection.cursor() as cursor:
                cursor.execute(f"KILL {int(number)}")
        except self.errors as error:
            if error.args[:1] != (_NO_SUCH_THREAD,):
                _log.warning("fetch.failed", error=type(error).__name__, state="kill")

    def close(self, connection: Any) -> None:
        """Let go of a session."""
        with contextlib.suppress(pymysql.err.Error, OSError):
            connection.close()

    def failure(self, error: Exception) -> Failure:
        """By the server's number; its text goes nowhere."""
        number = error.args[0] if error.args and isinstance(error.args[0], int) else -1
        state = str(number) if isinstance(error, pymysql.err.Error) else ""
        if not isinstance(error, pymysql.err.Error):
            if isinstance(error, ValueError):
                return Failure(code="SOURCE_BAD_DATA")
            return Failure(code="SOURCE_UNAVAILABLE", lost=True)
        if number in _TIMEOUT:
            return Failure(code="SOURCE_TIMEOUT", state=state)
        if number in _BUSY:
            return Failure(code="SOURCE_BUSY", state=state)
        if number in _BAD_DATA:
            return Failure(code="SOURCE_BAD_DATA", state=state)
        return Failure(code="SOURCE_UNAVAILABLE", state=state, lost=number in _LOST)


def parameters_of(url: URL, where: str) -> tuple[Mapping[str, Any], str]:
    """What the driver connects with, and the database; raises `HubError` FRAGMENT_INVALID."""
    unknown = sorted(set(url.query) - _PARAMETERS)
    if unknown:
        raise HubError(
            "FRAGMENT_INVALID",
            f"{where}: `connect.url` has a parameter that is not known, `{unknown[0]}`",
            hint=f"known are {', '.join(f'`{name}`' for name in sorted(_PARAMETERS))}",
        )
    if not url.database:
        raise HubError(
            "FRAGMENT_INVALID",
            f"{where}: `connect.url` names no database",
            hint="such as `mysql://user@host/name`",
        )
    made: dict[str, Any] = {
        "host": url.host or "localhost",
        "port": url.port or 3306,
        "user": url.username or "",
        "password": (str(url.password) if url.password else "").encode(),
        "database": url.database,
    }
    if "unix_socket" in url.query:
        made["unix_socket"] = str(url.query["unix_socket"])
    if _TLS & set(url.query):
        made["ssl"] = _verifying(url, where)
    return made, url.database


def _verifying(url: URL, where: str) -> ssl.SSLContext:
    """TLS that checks the server's name and certificate; there is no other."""
    files = {name: str(url.query[name]) for name in sorted(_TLS & set(url.query))}
    if files.pop("ssl", "true") != "true":
        raise HubError("FRAGMENT_INVALID", f"{where}: `ssl` in `connect.url` is `true` or absent")
    for name, path in files.items():
        if not Path(path).is_file():
            raise HubError("FRAGMENT_INVALID", f"{where}: `{name}` in `connect.url` is no file")
    try:
        made = ssl.create_default_context(cafile=files.get("ssl_ca"))
        if "ssl_cert" in files:
            made.load_cert_chain(files["ssl_cert"], files.get("ssl_key"))
    except (ssl.SSLError, OSError):
        raise HubError(
            "FRAGMENT_INVALID", f"{where}: the certificates of `connect.url` cannot be read"
        ) from None
    return made


class MysqlEngine:
    """MySQL and MariaDB."""

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
        parameters, database = parameters_of(url, where)
        self._driver = MysqlDriver(parameters, statement_timeout_s=statement_timeout_s)
        self._pool = Pool(
            self._driver,
            size=size,
            statement_timeout_s=statement_timeout_s,
            thread_name="hub-mysql",
        )
        self.dialect: Dialect = Mysql(zone)
        self._schema = schema or database
        self._declared = declared

    async def _metadata(self) -> mysql_catalogue.Metadata:
        schemas = {self._schema} | {
            str(entry["schema"])
            for entry in self._declared.values()
            if isinstance(entry, Mapping) and "schema" in entry
        }
        deadline = time.monotonic() + _OPEN_S
        return await mysql_catalogue.read_metadata(self._asked, sorted(schemas), deadline)

    async def _asked(self, text: str, deadline: float) -> Rows:
        rows: Rows = await self._pool.run(text, (), deadline)
        return rows

    async def open(self) -> Mapping[str, TableMeta]:
        """Tables and views by the names that Asks use."""
        held = (await self._metadata()).tables
        return named_tables(held, self._schema, self._declared)

    async def discover(self) -> SourceShape:
        """Tables, keys and references."""
        deadline = time.monotonic() + _OPEN_S
        return await mysql_catalogue.shape(
            self._asked, await self._metadata(), self._schema, deadline
        )

    async def fetch(self, statement: Statement, call: Call) -> Batch:
        """Run a statement; rows become columns in the thread as well."""
        try:
            text = written(statement.text, statement.slots, statement.arguments(call))
        except ValueError:
            raise SourceError("INTERNAL", "a value could not be sent to the source") from None
        made: Batch = await self._pool.run(
            text, (), call.deadline, lambda rows: statement.batch(rows, call)
        )
        return made

    async def ping(self, deadline: float) -> None:
        """One round trip."""
        await self._pool.run("SELECT 1", (), deadline)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

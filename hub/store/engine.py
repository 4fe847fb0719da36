"""Opening the Hub's own database: SQLite or PostgreSQL, brought to the newest shape."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from hub.store.every_table import METADATA
from schema.errors import HubError

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x4855_4253_544F_5245
_WAIT_S = 30


def open_engine(url: str) -> Engine:
    """An engine on the Hub's database; the folder of a SQLite file is made.

    Every SQLite transaction begins IMMEDIATE and is synced to disk when it commits.
    Raises: `HubError` CONFIG_INVALID for a URL of another kind; the URL itself is never shown.
    """
    try:
        where = make_url(url)
    except SQLAlchemyError:
        raise _not_usable("the address of the state database does not parse") from None
    if where.drivername == "sqlite" and where.database not in (None, "", ":memory:"):
        return _sqlite(where)
    if where.drivername in ("postgresql", "postgres"):
        return _postgres(where.set(drivername="postgresql+psycopg"))
    raise _not_usable("the state database is neither a SQLite file nor PostgreSQL")


def migrate(engine: Engine) -> None:
    """Bring the database to the newest shape; several processes may do so at once.

    Raises: `HubError` CONFIG_INVALID if the database does not answer or is newer than this hub.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    def steps(current: Any, _: Any) -> Any:
        return script._upgrade_revs("head", current)

    try:
        with engine.begin() as connection:
            _alone(connection)
            _refuse_newer(connection, script)
            with EnvironmentContext(config, script, fn=steps) as environment:
                environment.configure(connection=connection, target_metadata=METADATA)
                environment.run_migrations()
    except SQLAlchemyError as error:
        raise HubError(
            "CONFIG_INVALID",
            "the state database does not answer or cannot be written",
            hint="check `state` in the configuration, the server and the file's permissions",
            cause=error,
        ) from error


def _alone(connection: Connection) -> None:
    """Hold off other processes that migrate, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return
    known = {step.revision for step in script.walk_revisions()}
    versions = sa.table("alembic_version", sa.column("version_num", sa.String))
    if not set(connection.scalars(sa.select(versions.c.version_num))) <= known:
        raise _not_usable("the state database was made by a newer hub")


def _sqlite(where: URL) -> Engine:
    file = Path(str(where.database)).absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _not_usable("the folder of the state database cannot be made") from error
    engine = sa.create_engine(
        where.set(database=str(file)),
        connect_args={"timeout": _WAIT_S, "isolation_level": None},
    )

    def connected(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        prepare_sqlite(connection)

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begun)
    return engine


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Write-ahead log, synced at every commit."""
    give_up = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError:
            # another process changes the mode at this moment; SQLite does not wait here itself
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _postgres(where: URL) -> Engine:
    return sa.create_engine(
        where,
        pool_size=4,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 10,
            "options": "-c synchronous_commit=on -c lock_timeout=30s",
            "prepare_threshold": None,
        },
    )


def _not_usable(message: str) -> HubError:
    hint = "write `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`"
    return HubError("CONFIG_INVALID", message, hint=hint)

"""Releases in the Hub's own database: which epoch is in force, and which came before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import converted
from hub.store.tables import bundles, releases
from schema.errors import HubError

_NEWEST = "SELECT epoch, active_from FROM releases WHERE NOT dropped ORDER BY epoch DESC LIMIT 2"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    epoch: int
    digest: str
    """Of its rules."""
    release: str
    """The signed release."""
    rollback: str | None
    """The signed order to go back to it."""
    kind: str
    active_from: float
    recorded_at: float
    recorded_by: str
    revokes_after: int | None
    """Epochs after this one and before its own are revoked."""
    dropped: bool
    """Another took its place before it came into force."""


def epoch_now(engine: Engine, now: float) -> int:
    """The epoch in force; 0 if none ever was. Cost: one look at an index, and no lock.

    Raises: `HubError` RULES_UNAVAILABLE.
    """
    return next((int(epoch) for epoch, start in look(engine, _NEWEST) if start <= now), 0)


def look(engine: Engine, statement: str) -> Sequence[Sequence[Any]]:
    """The rows of a constant statement, read in no transaction, which would lock SQLite.

    Raises: `HubError` RULES_UNAVAILABLE.
    """
    try:
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            found = cursor.fetchall()
            cursor.close()
        finally:
            connection.close()
    except (SQLAlchemyError, _driver_error(engine)) as error:
        raise unreadable(error) from error
    return found


def history(engine: Engine) -> tuple[Stored, ...]:
    """Every release by its epoch. Raises: `HubError` RULES_UNAVAILABLE."""
    try:
        with engine.connect() as connection:
            return _rows(connection)
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def in_force(rows: Sequence[Stored], now: float) -> Stored | None:
    """The newest release whose time has come."""
    held = [row for row in rows if not row.dropped and row.active_from <= now]
    return held[-1] if held else None


def next_epoch(engine: Engine) -> int:
    """The number that the next release gets. Raises: `HubError` RULES_UNAVAILABLE."""
    try:
        with engine.connect() as connection:
            return _next(connection)
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def put(engine: Engine, row: Stored, *, base: int, now: float, content: str) -> None:
    """Make a release the newest, in the place of any that is yet to come.

    `base`: the epoch that must be in force.
    Raises: `HubError` RELEASE_REFUSED if another is, or has the number; RULES_UNAVAILABLE.
    """
    try:
        with engine.begin() as connection:
            held = in_force(_rows(connection), now)
            if (0 if held is None else held.epoch) != base or _next(connection) != row.epoch:
                raise stale()
            waiting = releases.c.active_from > now
            connection.execute(sa.update(releases).where(waiting).values(dropped=True))
            connection.execute(sa.insert(releases).values(msgspec.structs.asdict(row)))
            connection.execute(
                sa.insert(bundles).values(
                    epoch=row.epoch,
                    digest=row.digest,
                    content=content,
                    activated_at=row.active_from,
                    activated_by=row.recorded_by,
                )
            )
    except IntegrityError as error:
        raise stale() from error  # another took the number at this moment
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def stale() -> HubError:
    """Somebody else was first."""
    return HubError(
        "RELEASE_REFUSED",
        "other rules are in force than those it was compared with",
        hint="build and sign the release anew",
    )


def unreadable(cause: BaseException | None = None) -> HubError:
    """The database does not say what is in force."""
    hint = "check `state` in the configuration and the database"
    message = "the rules in force cannot be read"
    return HubError("RULES_UNAVAILABLE", message, hint=hint, cause=cause)


def _next(connection: Connection) -> int:
    """The epochs of files and of releases are numbered together."""
    tables = (bundles, releases)
    return 1 + max(connection.scalar(sa.select(sa.func.max(t.c.epoch))) or 0 for t in tables)


def _rows(connection: Connection) -> tuple[Stored, ...]:
    found = connection.execute(sa.select(releases).order_by(releases.c.epoch))
    try:
        return converted(found, Stored)
    except msgspec.ValidationError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error


def _driver_error(engine: Engine) -> type[Exception]:
    """What the driver itself raises, as nothing wraps it here."""
    kind: type[Exception] = engine.dialect.loaded_dbapi.Error
    return kind

"""Which requests at the control door were carried out already, and what was answered."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import converted
from hub.store.tables import control_replies
from schema.errors import HubError


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    key: str
    request: str
    reply: bytes | None
    ends: float


def begin(engine: Engine, row: Held, now: float) -> Held | None:
    """Note that a request begins, or say what is there under its key.

    Raises: `HubError` REGISTRY_UNAVAILABLE.
    """
    table = control_replies
    try:
        with engine.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.ends <= now))
            connection.execute(sa.insert(table).values(msgspec.structs.asdict(row)))
    except IntegrityError:
        return _held(engine, row.key)
    except SQLAlchemyError as error:
        raise _unreadable(error) from error
    return None


def finish(engine: Engine, key: str, reply: bytes, ends: float) -> None:
    """Keep what was answered. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    table = control_replies
    _write(engine, sa.update(table).where(table.c.key == key).values(reply=reply, ends=ends))


def forget(engine: Engine, key: str) -> None:
    """Nothing was done: the key may be used again. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    _write(engine, sa.delete(control_replies).where(control_replies.c.key == key))


def _held(engine: Engine, key: str) -> Held:
    query = sa.select(control_replies).where(control_replies.c.key == key)
    try:
        with engine.connect() as connection:
            found = converted(connection.execute(query), Held)
    except (SQLAlchemyError, msgspec.ValidationError) as error:
        raise _unreadable(error) from error
    if not found:
        raise _unreadable(None)  # it ended at this moment
    return found[0]


def _write(engine: Engine, statement: sa.Update | sa.Delete) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(statement)
    except SQLAlchemyError as error:
        raise _unreadable(error) from error


def _unreadable(cause: BaseException | None) -> HubError:
    message = "whether the request was carried out already cannot be read"
    return HubError("REGISTRY_UNAVAILABLE", message, hint="try again", cause=cause)

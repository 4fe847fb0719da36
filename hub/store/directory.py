"""The directory in the Hub's own database: entries by kind and id, changed as a whole or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import converted
from hub.store.releases import look
from hub.store.tables import directory_entries as table
from schema.errors import HubError

Kind = Literal["department", "app", "person", "duty-item"]
_NUMBER = "SELECT MAX(number) FROM directory_entries"
_LONGEST = 200


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is kept."""

    kind: Kind
    id: str
    revision: int
    """Counts the changes of this entry, from 1."""
    number: int = 0
    """Of its last change among all changes of the directory."""
    department: str | None
    """The one it belongs to; of a department, the one above it."""
    external: str | None = None
    """What a provisioning client calls it."""
    suspended: bool = False
    removed: bool = False
    body: str
    """The entry as JSON."""
    confirmed: str = "{}"
    """JSON of attribute -> when it was last known to be so, and by what."""
    changed_at: float
    changed_by: str


class Change:
    """A transaction over the directory; what it reads holds until what it writes is kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # taken before anything is read: two changes at once have one number, and one of them fails
        self._number: int = connection.scalar(sa.select(sa.func.max(table.c.number))) or 0

    def find(self, kind: Kind, name: str) -> Row | None:
        """An entry, also one that was removed."""
        query = sa.select(table).where(table.c.kind == kind, table.c.id == name)
        return next(iter(_rows(self._connection, query)), None)

    def refers(self, department: str) -> bool:
        """Whether any entry belongs to a department."""
        query = sa.select(table.c.id).where(table.c.department == department, ~table.c.removed)
        return self._connection.execute(query.limit(1)).first() is not None

    def put(self, row: Row) -> None:
        """Write an entry that is new, or follows the revision before its own.

        Raises: `HubError` EDIT_CONFLICT.
        """
        self._number += 1
        kept = msgspec.structs.replace(
            row, number=self._number, changed_by=row.changed_by[:_LONGEST]
        )
        values = msgspec.structs.asdict(kept)
        if row.revision == 1:
            self._connection.execute(sa.insert(table).values(values))
            return
        same = sa.and_(table.c.kind == row.kind, table.c.id == row.id)
        before = sa.and_(same, table.c.revision == row.revision - 1)
        if self._connection.execute(sa.update(table).where(before).values(values)).rowcount != 1:
            raise overtaken()


@contextmanager
def changing(engine: Engine, *, keep: bool = True) -> Iterator[Change]:
    """All that is written in here is kept, or nothing is; without `keep` nothing is.

    Raises: `HubError` EDIT_CONFLICT if somebody else was first; DIRECTORY_UNAVAILABLE.
    """
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            yield Change(connection)
            if not keep:
                transaction.rollback()
    except IntegrityError as error:
        raise overtaken() from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def number_now(engine: Engine) -> int:
    """The number of the last change; 0 if there never was one. Cost: one look at an index, no lock.

    Raises: `HubError` DIRECTORY_UNAVAILABLE.
    """
    try:
        return int(look(engine, _NUMBER)[0][0] or 0)
    except HubError as error:
        raise unreadable(error) from error


def found(engine: Engine, wanted: tuple[tuple[Kind, str], ...]) -> tuple[Row | None, ...]:
    """Entries that were not removed, in the order asked, all of one moment's reading.

    Raises: `HubError` DIRECTORY_UNAVAILABLE.
    """
    if not wanted:
        return ()
    pairs = [sa.and_(table.c.kind == kind, table.c.id == name) for kind, name in wanted]
    rows = _read(engine, sa.select(table).where(sa.or_(*pairs), ~table.c.removed))
    by_name = {(row.kind, row.id): row for row in rows}
    return tuple(by_name.get(one) for one in wanted)


def listed(
    engine: Engine,
    kind: Kind,
    *,
    department: str | None = None,
    external: str | None = None,
    offset: int = 0,
    most: int = 1_000,
) -> tuple[tuple[Row, ...], int]:
    """Entries of a kind by id, from a place on; and how many there are in all.

    Raises: `HubError` DIRECTORY_UNAVAILABLE.
    """
    held = [table.c.kind == kind, ~table.c.removed]
    if department is not None:
        held.append(table.c.department == department)
    if external is not None:
        held.append(table.c.external == external)
    query = sa.select(table).where(*held).order_by(table.c.id).offset(offset).limit(most)
    count = sa.select(sa.func.count()).select_from(table).where(*held)
    try:
        with engine.connect() as connection:
            return _rows(connection, query), connection.scalar(count) or 0
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def confirm(engine: Engine, row: Row, confirmed: str) -> bool:
    """Note what an entry was confirmed by, if it is as it was read; whether that was so.

    It is no change of the entry: neither its revision nor the directory's number grows.
    Raises: `HubError` DIRECTORY_UNAVAILABLE.
    """
    same = sa.and_(
        table.c.kind == row.kind, table.c.id == row.id, table.c.revision == row.revision,
        ~table.c.removed,
    )  # fmt: skip
    try:
        with engine.begin() as connection:
            done = connection.execute(sa.update(table).where(same).values(confirmed=confirmed))
            return done.rowcount == 1
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def overtaken() -> HubError:
    """Somebody else was first."""
    message = "somebody else has changed it meanwhile"
    return HubError("EDIT_CONFLICT", message, hint="look at it anew")


def unreadable(cause: BaseException | None = None) -> HubError:
    """The database does not say who is who."""
    hint = "check `state` in the configuration and the database"
    return HubError("DIRECTORY_UNAVAILABLE", "the directory cannot be read", hint=hint, cause=cause)


def _read(engine: Engine, query: sa.Select[tuple[object, ...]]) -> tuple[Row, ...]:
    try:
        with engine.connect() as connection:
            return _rows(connection, query)
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def _rows(connection: Connection, query: sa.Select[tuple[object, ...]]) -> tuple[Row, ...]:
    try:
        return converted(connection.execute(query), Row)
    except msgspec.ValidationError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error

"""Signed statements in the Hub's own database: what was signed last about each thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import converted
from hub.store.releases import look, unreadable
from hub.store.tables import vouched
from schema.errors import HubError

Kind = Literal["floor", "bound"]
_SERIALS: Mapping[Kind, str] = {
    "floor": "SELECT about, MAX(serial) FROM vouched WHERE kind = 'floor' GROUP BY about",
    "bound": "SELECT about, MAX(serial) FROM vouched WHERE kind = 'bound' GROUP BY about",
}


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    kind: Kind
    about: str
    """A department, or a document's digest."""
    serial: int
    """Grows with the statements about one thing, from 1."""
    statement: str
    """The signed statement."""
    recorded_at: float
    recorded_by: str


def serials(engine: Engine, kind: Kind) -> Mapping[str, int]:
    """The newest serial number about each thing. Cost: one look at an index, and no lock.

    Raises: `HubError` RULES_UNAVAILABLE.
    """
    return {str(about): int(serial) for about, serial in look(engine, _SERIALS[kind])}


def newest(engine: Engine, kind: Kind) -> Mapping[str, Vouched]:
    """What was signed last about each thing. Raises: `HubError` RULES_UNAVAILABLE."""
    query = sa.select(vouched).where(vouched.c.kind == kind)
    last = sa.select(vouched.c.about, sa.func.max(vouched.c.serial).label("serial"))
    last_of = last.where(vouched.c.kind == kind).group_by(vouched.c.about).subquery()
    both = sa.and_(vouched.c.about == last_of.c.about, vouched.c.serial == last_of.c.serial)
    query = query.join(last_of, both)
    try:
        with engine.connect() as connection:
            rows = converted(connection.execute(query), Vouched)
    except (SQLAlchemyError, msgspec.ValidationError) as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error
    return {row.about: row for row in rows}


def put(engine: Engine, row: Vouched) -> None:
    """Add the next statement about a thing.

    Raises: `HubError` RELEASE_REFUSED if another has its number or a greater one,
    RULES_UNAVAILABLE.
    """
    same = sa.and_(vouched.c.kind == row.kind, vouched.c.about == row.about)
    try:
        with engine.begin() as connection:
            last = connection.scalar(sa.select(sa.func.max(vouched.c.serial)).where(same)) or 0
            if row.serial <= last:
                raise _taken()
            connection.execute(sa.insert(vouched).values(msgspec.structs.asdict(row)))
    except IntegrityError as error:
        raise _taken() from error  # another took the number at this moment
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def _taken() -> HubError:
    message = "somebody else has signed at this moment"
    return HubError("RELEASE_REFUSED", message, hint="look what is signed now, and sign anew")

"""Releases that wait for signatures, in the Hub's own database."""

from __future__ import annotations

from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import converted
from hub.store.releases import unreadable
from hub.store.tables import release_proposals
from schema.errors import HubError

State = Literal["open", "activated", "withdrawn"]
_MOST = 1_000


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    digest: str
    """SHA-256 of what is signed."""
    name: str
    state: State
    revision: int
    """Counts the steps."""
    release: str
    """With the signatures so far."""
    kind: str
    epoch: int | None = None
    """Under which it was put in force."""
    reason: str | None = None
    """Why it was withdrawn."""
    changed_at: float
    changed_by: str


def proposals(engine: Engine) -> tuple[Proposal, ...]:
    """The newest ones, the last changed first. Raises: `HubError` RULES_UNAVAILABLE."""
    table = release_proposals
    query = sa.select(table).order_by(table.c.changed_at.desc(), table.c.digest).limit(_MOST)
    return _found(engine, query)


def proposal(engine: Engine, digest: str) -> Proposal:
    """One by its digest. Raises: `HubError` NOT_FOUND, RULES_UNAVAILABLE."""
    table = release_proposals
    found = _found(engine, sa.select(table).where(table.c.digest == digest))
    if not found:
        raise HubError("NOT_FOUND", "there is no such proposal")
    return found[0]


def keep(engine: Engine, row: Proposal) -> None:
    """Take a step: the row is new, or follows the revision before its own.

    Raises: `HubError` EDIT_CONFLICT, RULES_UNAVAILABLE.
    """
    table = release_proposals
    values = msgspec.structs.asdict(row)
    try:
        with engine.begin() as connection:
            if row.revision == 1:
                connection.execute(sa.insert(table).values(values))
                return
            before = sa.and_(table.c.digest == row.digest, table.c.revision == row.revision - 1)
            if connection.execute(sa.update(table).where(before).values(values)).rowcount != 1:
                raise overtaken()
    except IntegrityError as error:
        raise overtaken() from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def overtaken() -> HubError:
    """Somebody else was first."""
    return HubError(
        "EDIT_CONFLICT", "somebody else has changed it meanwhile", hint="look at it anew"
    )


def _found(engine: Engine, query: sa.Select[tuple[object, ...]]) -> tuple[Proposal, ...]:
    try:
        with engine.connect() as connection:
            return converted(connection.execute(query), Proposal)
    except msgspec.ValidationError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error

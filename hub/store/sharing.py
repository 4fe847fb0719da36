"""Requests for shares and the grants that come of them, in the Hub's own database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import Row, converted
from hub.store.releases import look
from hub.store.share_tables import (
    share_grants,
    share_parts,
    share_reach,
    share_requests,
    share_steps,
)
from schema.errors import HubError

GrantState = Literal["offered", "live", "revoked"]
_MOST = 1_000
_LONGEST = 200


class StoredRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `body` is JSON."""

    id: str
    revision: int
    department: str
    state: str
    body: str
    changed_at: float
    changed_by: str


class StoredPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one department answers of a request."""

    request: str
    part: int
    department: str
    state: str
    due: float | None
    answered_at: float | None


class StoredStep(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did to a request."""

    request: str
    revision: int
    act: str
    part: int | None = None
    by: str
    at: float
    reason: str | None = None


class StoredGrant(msgspec.Struct, frozen=True, kw_only=True):
    """One grant; `offered` until its recipient accepts it, where that is asked for."""

    id: str
    number: int = 0
    request: str
    part: int
    owner: str
    department: str
    app: str
    state: GrantState
    text: str
    since: float
    expires: float
    certified_at: float
    changed_at: float
    changed_by: str
    reason: str | None = None
    mac: bytes = b""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """When a worker had taken up what was changed."""

    number: int
    worker: str
    at: float


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One step, all or nothing."""

    request: StoredRequest
    parts: Sequence[StoredPart] = ()
    step: StoredStep
    grants: Sequence[StoredGrant] = ()
    """New, or in the place of those with their ids."""


def request_of(engine: Engine, ident: str) -> StoredRequest | None:
    """One request. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    query = sa.select(share_requests).where(share_requests.c.id == ident)
    return next(iter(_read(engine, query, StoredRequest)), None)


def requests(engine: Engine, department: str | None) -> tuple[StoredRequest, ...]:
    """The newest of a department's own and of those that it answers; ``None``: of all."""
    table = share_requests
    query = sa.select(table).order_by(table.c.changed_at.desc(), table.c.id).limit(_MOST)
    if department is not None:
        answered = sa.select(share_parts.c.request).where(share_parts.c.department == department)
        query = query.where(sa.or_(table.c.department == department, table.c.id.in_(answered)))
    return _read(engine, query, StoredRequest)


def steps_of(engine: Engine, request: str) -> tuple[StoredStep, ...]:
    """The steps of a request in order."""
    query = sa.select(share_steps).where(share_steps.c.request == request)
    return _read(engine, query.order_by(share_steps.c.revision), StoredStep)


def grants(engine: Engine, *, department: str | None = None) -> tuple[StoredGrant, ...]:
    """The newest grants of what a department owns or uses; ``None``: of all."""
    table = share_grants
    query = sa.select(table).order_by(table.c.number.desc()).limit(_MOST)
    if department is not None:
        query = query.where(sa.or_(table.c.owner == department, table.c.department == department))
    return _read(engine, query, StoredGrant)


def grant_of(engine: Engine, ident: str) -> StoredGrant | None:
    """One grant."""
    return next(
        iter(_read(engine, sa.select(share_grants).where(share_grants.c.id == ident), StoredGrant)),
        None,
    )


def grants_now(engine: Engine, now: float) -> tuple[int, tuple[StoredGrant, ...]]:
    """The number of the last change, and the grants that have not ended, revoked ones too."""
    table = share_grants
    try:
        with engine.connect() as connection:
            number = connection.scalar(sa.select(sa.func.max(table.c.number))) or 0
            kept = sa.select(table).where(table.c.expires > now).order_by(table.c.id)
            return int(number), converted(connection.execute(kept), StoredGrant)
    except (SQLAlchemyError, msgspec.ValidationError) as error:
        raise unreadable(error) from error


def number_now(engine: Engine) -> int:
    """The number of the last change to any grant. Cost: one look at an index.

    Raises: `HubError` RULES_UNAVAILABLE.
    """
    return next((int(number or 0) for (number,) in look(engine, _NUMBER)), 0)


def put(engine: Engine, write: Write) -> None:
    """Take one step, if nobody has taken another since.

    Raises: `HubError` EDIT_CONFLICT, REGISTRY_UNAVAILABLE.
    """
    request = write.request
    table = share_requests
    try:
        with engine.begin() as connection:
            if request.revision == 1:
                connection.execute(sa.insert(table).values(_values(request)))
            else:
                before = sa.and_(table.c.id == request.id, table.c.revision == request.revision - 1)
                changed = sa.update(table).where(before).values(_values(request))
                if connection.execute(changed).rowcount != 1:
                    raise overtaken()
            connection.execute(sa.insert(share_steps).values(_values(write.step)))
            connection.execute(sa.delete(share_parts).where(share_parts.c.request == request.id))
            for part in write.parts:
                connection.execute(sa.insert(share_parts).values(_values(part)))
            for grant in write.grants:
                _replace(connection, grant)
    except IntegrityError as error:
        raise overtaken() from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def reached(engine: Engine, row: Reached) -> None:
    """Note that a worker has taken up the grants. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    table = share_reach
    try:
        with engine.begin() as connection:
            old = sa.and_(table.c.worker == row.worker, table.c.number == row.number)
            connection.execute(sa.delete(table).where(old))
            connection.execute(sa.insert(table).values(_values(row)))
            connection.execute(sa.delete(table).where(table.c.at < row.at - _KEPT_S))
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def reach_of(engine: Engine, number: int) -> tuple[Reached, ...]:
    """When each worker first had a change."""
    table = share_reach
    query = (
        sa.select(sa.func.min(table.c.number).label("number"), table.c.worker,
                  sa.func.min(table.c.at).label("at"))
        .where(table.c.number >= number)
        .group_by(table.c.worker)
        .order_by(table.c.worker)
    )  # fmt: skip
    return _read(engine, query, Reached)


def overtaken() -> HubError:
    """Somebody else was first."""
    hint = "look at it anew with `hub share show`"
    return HubError("EDIT_CONFLICT", "somebody else has changed it meanwhile", hint=hint)


def unreadable(cause: BaseException | None = None) -> HubError:
    """The database does not say."""
    hint = "check `state` in the configuration and the database"
    message = "requests and grants cannot be read"
    return HubError("REGISTRY_UNAVAILABLE", message, hint=hint, cause=cause)


_NUMBER = "SELECT MAX(number) FROM share_grants"
_KEPT_S = 30 * 86_400.0


def _replace(connection: Connection, grant: StoredGrant) -> None:
    """Each change has a number of its own, under which the code over the row was made."""
    table = share_grants
    last = connection.scalar(sa.select(sa.func.max(table.c.number))) or 0
    if grant.number != last + 1:
        raise overtaken()
    connection.execute(sa.delete(table).where(table.c.id == grant.id))
    connection.execute(sa.insert(table).values(_values(grant)))


def _values(row: msgspec.Struct) -> dict[str, Any]:
    told = msgspec.structs.asdict(row)
    return {
        name: value[:_LONGEST] if name in ("by", "changed_by") else value
        for name, value in told.items()
    }


def _read(engine: Engine, query: sa.Select[Any], kind: type[Row]) -> tuple[Row, ...]:
    try:
        with engine.connect() as connection:
            return converted(connection.execute(query), kind)
    except (SQLAlchemyError, msgspec.ValidationError) as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error

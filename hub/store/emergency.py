"""Emergencies in the Hub's own database: what is declared, opened, revoked and reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.emergency_tables import emergencies, emergency_openings, emergency_steps
from hub.store.releases import look
from schema.errors import HubError

Outcome = Literal["justified", "unjustified"]
Act = Literal["declare", "end", "break", "revoke", "review", "overdue"]
_NUMBER = "SELECT MAX(number) FROM emergency_steps"
_ALONE = "LOCK TABLE emergency_steps IN SHARE ROW EXCLUSIVE MODE"
Row = TypeVar("Row", bound=msgspec.Struct)


class Emergency(msgspec.Struct, frozen=True, kw_only=True):
    """A declared emergency. Units: Unix seconds."""

    id: str
    title: str
    region: str | None
    """Where; ``None`` = everywhere."""
    opens: str
    """JSON of the lists that may be opened in it."""
    since: float
    until: float
    declared_by: str
    declared_at: float
    ended_at: float | None = None
    ended_by: str | None = None

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists that may be opened in it."""
        return msgspec.json.decode(self.opens, type=tuple[str, ...])

    @property
    def over(self) -> float:
        """When it ends, or has ended."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has opened. Units: Unix seconds."""

    id: str
    emergency: str
    list: str
    digest: str
    app: str
    user: str
    subject: str
    department: str | None
    region: str | None
    acr: str
    case_id: str
    reason: str
    owners: str
    """JSON of the departments whose fields it shows."""
    since: float
    until: float
    revoked_at: float | None = None
    revoked_by: str | None = None
    review_due: float
    outcome: Outcome | None = None
    reviewed_by: str | None = None
    reviewed_at: float | None = None
    review_note: str | None = None
    overdue_told: bool = False

    @property
    def departments(self) -> tuple[str, ...]:
        """The departments whose fields it shows."""
        return msgspec.json.decode(self.owners, type=tuple[str, ...])

    @property
    def over(self) -> float:
        """When it closes, or has closed."""
        return self.until if self.revoked_at is None else min(self.until, self.revoked_at)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. `about`: an emergency's id or an opening's."""

    number: int
    act: Act
    about: str
    by: str
    at: float
    told: bool = False


def number_now(engine: Engine) -> int:
    """The number of the last step; 0 = there was none. Cost: one look at an index, and no lock.

    Raises: `HubError` EMERGENCY_UNAVAILABLE.
    """
    try:
        return int(look(engine, _NUMBER)[0][0] or 0)
    except HubError as error:
        raise unreadable(error) from error


def all_emergencies(engine: Engine) -> tuple[Emergency, ...]:
    """Every emergency, the newest first. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
    table = emergencies
    return _read(engine, sa.select(table).order_by(table.c.declared_at.desc()), Emergency)


def emergency(engine: Engine, name: str) -> Emergency | None:
    """One emergency. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
    found = _read(engine, sa.select(emergencies).where(emergencies.c.id == name), Emergency)
    return found[0] if found else None


def openings(
    engine: Engine,
    *,
    only: str | None = None,
    of: str | None = None,
    concerning: float | None = None,
) -> tuple[Opened, ...]:
    """Openings, the newest first: one, those of an emergency, or those that are not reviewed or
    still open at a time. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
    table = emergency_openings
    query = sa.select(table).order_by(table.c.since.desc(), table.c.id)
    if only is not None:
        query = query.where(table.c.id == only)
    if of is not None:
        query = query.where(table.c.emergency == of)
    if concerning is not None:
        query = query.where(sa.or_(table.c.outcome.is_(None), table.c.until > concerning))
    return _read(engine, query, Opened)


def untold(engine: Engine, most: int) -> tuple[Step, ...]:
    """Steps of which nobody was told, in order. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
    table = emergency_steps
    query = sa.select(table).where(table.c.told.is_(False)).order_by(table.c.number).limit(most)
    return _read(engine, query, Step)


def told(engine: Engine, numbers: Sequence[int]) -> None:
    """Those concerned were told of steps. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
    table = emergency_steps
    change = sa.update(table).where(table.c.number.in_(numbers)).values(told=True)
    _write(engine, lambda connection: connection.execute(change))


def declare(engine: Engine, made: Emergency) -> None:
    """Keep a new emergency.

    Raises: `HubError` EMERGENCY_REFUSED for an id that is known; EMERGENCY_UNAVAILABLE.
    """
    if emergency(engine, made.id) is not None:
        raise _taken(made.id)

    def write(connection: Connection) -> None:
        connection.execute(sa.insert(emergencies).values(msgspec.structs.asdict(made)))
        _step(connection, "declare", made.id, made.declared_by, made.declared_at)

    _write(engine, write)


def end(engine: Engine, name: str, by: str, at: float) -> None:
    """End an emergency, and close all that was opened in it.

    Raises: `HubError` EMERGENCY_UNAVAILABLE; EDIT_CONFLICT if somebody else has ended it.
    """
    table, held = emergencies, emergency_openings

    def write(connection: Connection) -> None:
        ours = sa.and_(table.c.id == name, table.c.ended_at.is_(None))
        ended = sa.update(table).where(ours).values(ended_at=at, ended_by=by[:200])
        if not connection.execute(ended).rowcount:
            raise overtaken()
        alive = sa.and_(held.c.emergency == name, held.c.revoked_at.is_(None), held.c.until > at)
        connection.execute(sa.update(held).where(alive).values(revoked_at=at, revoked_by=by[:200]))
        _step(connection, "end", name, by, at)

    _write(engine, write)


def open_glass(engine: Engine, made: Opened, most: int) -> None:
    """Keep an opening, while its emergency is in force and its application has few enough.

    Raises: `HubError` NO_EMERGENCY, EMERGENCY_REFUSED, EMERGENCY_UNAVAILABLE.
    """
    table, held = emergencies, emergency_openings

    def write(connection: Connection) -> None:
        going = sa.and_(
            table.c.id == made.emergency, table.c.ended_at.is_(None), table.c.until > made.since
        )
        if connection.scalar(sa.select(sa.func.count()).select_from(table).where(going)) != 1:
            raise no_emergency()
        alive = sa.and_(
            held.c.app == made.app, held.c.revoked_at.is_(None), held.c.until > made.since
        )
        count = connection.scalar(sa.select(sa.func.count()).select_from(held).where(alive))
        if (count or 0) >= most:
            hint = "let one close, or have one revoked"
            message = "the application has as much open as it may"
            raise HubError("EMERGENCY_REFUSED", message, hint=hint)
        connection.execute(sa.insert(held).values(msgspec.structs.asdict(made)))
        _step(connection, "break", made.id, made.subject, made.since)

    _write(engine, write)


def revoke(engine: Engine, name: str, by: str, at: float) -> None:
    """Close an opening. Raises: `HubError` EDIT_CONFLICT, EMERGENCY_UNAVAILABLE."""
    held = emergency_openings
    alive = sa.and_(held.c.id == name, held.c.revoked_at.is_(None))
    _change(engine, alive, {"revoked_at": at, "revoked_by": by[:200]}, ("revoke", name, by, at))


def review(engine: Engine, name: str, outcome: Outcome, note: str, by: str, at: float) -> None:
    """Keep what a review came to. Raises: `HubError` EDIT_CONFLICT, EMERGENCY_UNAVAILABLE."""
    held = emergency_openings
    waiting = sa.and_(held.c.id == name, held.c.outcome.is_(None))
    values = {
        "outcome": outcome,
        "review_note": note,
        "reviewed_by": by[:200],
        "reviewed_at": at,
    }
    _change(engine, waiting, values, ("review", name, by, at))


def overdue(engine: Engine, name: str, at: float) -> None:
    """Note that a review is overdue, once. Raises: `HubError` EDIT_CONFLICT,
    EMERGENCY_UNAVAILABLE."""
    held = emergency_openings
    late = sa.and_(held.c.id == name, held.c.outcome.is_(None), held.c.overdue_told.is_(False))
    _change(engine, late, {"overdue_told": True}, ("overdue", name, "hub", at))


def no_emergency() -> HubError:
    """Nothing is declared that would open it: the same whatever is missing."""
    return HubError("NO_EMERGENCY", "no emergency in force opens this for the application")


def overtaken() -> HubError:
    """Somebody else was first."""
    hint = "look at it anew with `hub emergency list`"
    return HubError("EDIT_CONFLICT", "somebody else has changed it meanwhile", hint=hint)


def unreadable(cause: BaseException | None = None) -> HubError:
    """The database does not say what is open."""
    hint = "check `state` in the configuration and the database"
    message = "emergencies cannot be read or kept"
    return HubError("EMERGENCY_UNAVAILABLE", message, hint=hint, cause=cause)


def _taken(name: str) -> HubError:
    message, hint = f"an emergency `{name}` was declared before", "give it an id of its own"
    return HubError("EMERGENCY_REFUSED", message, hint=hint)


def _change(
    engine: Engine,
    where: sa.ColumnElement[bool],
    values: dict[str, Any],
    step: tuple[Act, str, str, float],
) -> None:
    def write(connection: Connection) -> None:
        if not connection.execute(
            sa.update(emergency_openings).where(where).values(values)
        ).rowcount:
            raise overtaken()
        _step(connection, *step)

    _write(engine, write)


def _step(connection: Connection, act: Act, about: str, by: str, at: float) -> None:
    table = emergency_steps
    number = connection.scalar(sa.select(sa.func.max(table.c.number))) or 0
    values = {"act": act, "about": about, "by": by[:200], "at": at, "told": False}
    connection.execute(sa.insert(table).values(number=number + 1, **values))


def _write(engine: Engine, write: Any) -> None:
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # one writer after the other, as in SQLite: nobody who ends something loses a race
                connection.exec_driver_sql(_ALONE)
            write(connection)
    except IntegrityError as error:
        raise overtaken() from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def _read(engine: Engine, query: sa.Select[Any], kind: type[Row]) -> tuple[Row, ...]:
    try:
        with engine.connect() as connection:
            found = connection.execute(query).mappings().all()
        return tuple(msgspec.convert({str(k): v for k, v in row.items()}, kind) for row in found)
    except (SQLAlchemyError, msgspec.ValidationError) as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error

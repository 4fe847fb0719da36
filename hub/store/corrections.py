"""Doubts about values in the Hub's own database; what may be data of persons is there encrypted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.emergency_tables import correction_steps, corrections
from schema.errors import HubError

State = Literal["reported", "accepted", "rejected", "corrected", "unfounded", "withdrawn"]
Act = Literal["report", "accept", "reject", "resolve", "extend", "overdue"]
OPEN: tuple[State, ...] = ("reported", "accepted")
_MOST_MARKS = 50_000
_CHUNK = 500
Row = TypeVar("Row", bound=msgspec.Struct)


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt about one field of one row. Units: Unix seconds."""

    id: str
    element: str
    """``Type.field``."""
    department: str
    """Whose stewards look into it."""
    mark: str
    """Keyed hash of type, key and field."""
    sealed: bytes
    """Key, claimed value and evidence, encrypted."""
    reporter: str
    app: str
    reporter_department: str | None
    purpose: str | None
    reported_at: float
    due_at: float
    extended: bool = False
    state: State = "reported"
    revision: int = 1
    overdue_told: bool = False

    @property
    def open(self) -> bool:
        """Whether it is not settled yet."""
        return self.state in OPEN


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did with a doubt."""

    id: str
    revision: int
    act: Act
    state: State
    by: str
    at: float
    note: bytes | None = None
    """Encrypted."""
    told: bool = False


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How a department keeps the clock."""

    department: str
    open: int
    overdue: int
    """Open, and over time."""
    settled: int
    late: int
    """Of those that are settled, the ones that once were over time."""


def report(engine: Engine, made: Sequence[Correction], steps: Sequence[Step], most: int) -> None:
    """Keep new doubts of one application.

    Raises: `HubError` CORRECTION_REFUSED where too many of its doubts are open;
    CORRECTIONS_UNAVAILABLE.
    """
    table = corrections

    def write(connection: Connection) -> None:
        ours = sa.and_(table.c.app == made[0].app, table.c.state.in_(OPEN))
        held = connection.scalar(sa.select(sa.func.count()).select_from(table).where(ours)) or 0
        if held + len(made) > most:
            hint = "wait until some of them are settled"
            message = "too many doubts of the application are open"
            raise HubError("CORRECTION_REFUSED", message, hint=hint)
        connection.execute(sa.insert(table), [msgspec.structs.asdict(one) for one in made])
        connection.execute(
            sa.insert(correction_steps), [msgspec.structs.asdict(one) for one in steps]
        )

    _write(engine, write)


def found(
    engine: Engine,
    *,
    only: str | None = None,
    department: str | None = None,
    overdue_at: float | None = None,
    most: int = 1_000,
) -> tuple[Correction, ...]:
    """Doubts, those that are due first: one, those of a department, or those that ran over time
    and nobody knows. Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
    table = corrections
    query = sa.select(table).order_by(table.c.due_at, table.c.id).limit(most)
    if only is not None:
        query = query.where(table.c.id == only)
    if department is not None:
        query = query.where(table.c.department == department)
    if overdue_at is not None:
        late = sa.and_(table.c.due_at <= overdue_at, table.c.overdue_told.is_(False))
        query = query.where(table.c.state.in_(OPEN), late)
    return _read(engine, query, Correction)


def steps_of(engine: Engine, name: str) -> tuple[Step, ...]:
    """What was done with a doubt, in order. Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
    table = correction_steps
    query = sa.select(table).where(table.c.id == name).order_by(table.c.revision)
    return _read(engine, query, Step)


def untold(engine: Engine, most: int) -> tuple[Step, ...]:
    """Steps that nobody was told of. Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
    table = correction_steps
    query = sa.select(table).where(table.c.told.is_(False)).order_by(table.c.at, table.c.id)
    return _read(engine, query.limit(most), Step)


def told(engine: Engine, steps: Sequence[Step]) -> None:
    """Those concerned were told. Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
    table = correction_steps

    def write(connection: Connection) -> None:
        for step in steps:
            same = sa.and_(table.c.id == step.id, table.c.revision == step.revision)
            connection.execute(sa.update(table).where(same).values(told=True))

    _write(engine, write)


def take(engine: Engine, before: Correction, after: Correction, step: Step) -> None:
    """Take one step, if nobody has taken another since.

    Raises: `HubError` EDIT_CONFLICT, CORRECTIONS_UNAVAILABLE.
    """
    table = corrections
    same = sa.and_(table.c.id == before.id, table.c.revision == before.revision)
    changed = msgspec.structs.asdict(after)

    def write(connection: Connection) -> None:
        if not connection.execute(sa.update(table).where(same).values(changed)).rowcount:
            raise overtaken()
        connection.execute(sa.insert(correction_steps).values(msgspec.structs.asdict(step)))

    _write(engine, write)


def accepted_marks(engine: Engine, elements: Collection[str]) -> frozenset[str]:
    """The marks of doubts that stewards have taken up, in some fields.

    Raises: `HubError` CORRECTIONS_UNAVAILABLE, also where there are too many to tell.
    """
    table = corrections
    names, marks = sorted(elements), set[str]()
    for start in range(0, len(names), _CHUNK):
        taken_up = sa.and_(
            table.c.state == "accepted", table.c.element.in_(names[start : start + _CHUNK])
        )
        query = sa.select(table.c.mark).where(taken_up).limit(_MOST_MARKS + 1)
        try:
            with engine.connect() as connection:
                marks.update(connection.scalars(query))
        except SQLAlchemyError as error:
            raise unreadable(error) from error
        if len(marks) > _MOST_MARKS:
            raise unreadable()
    return frozenset(marks)


def scores(engine: Engine, now: float) -> tuple[Score, ...]:
    """How departments keep the clock, by name. Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
    table = corrections
    is_open = table.c.state.in_(OPEN)
    late = sa.or_(table.c.overdue_told.is_(True), sa.and_(is_open, table.c.due_at <= now))

    def count(*which: sa.ColumnElement[bool]) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*which), 1), else_=0)), 0)

    query = sa.select(
        table.c.department,
        count(is_open).label("open"),
        count(is_open, late).label("overdue"),
        count(sa.not_(is_open)).label("settled"),
        count(sa.not_(is_open), late).label("late"),
    )
    return _read(engine, query.group_by(table.c.department).order_by(table.c.department), Score)


def overtaken() -> HubError:
    """Somebody else was first."""
    hint = "look at it anew with `hub correction show`"
    return HubError("EDIT_CONFLICT", "somebody else has changed it meanwhile", hint=hint)


def unreadable(cause: BaseException | None = None) -> HubError:
    """The database does not say what is doubted."""
    hint = "check `state` in the configuration and the database"
    message = "doubts about values cannot be read or kept"
    return HubError("CORRECTIONS_UNAVAILABLE", message, hint=hint, cause=cause)


def _write(engine: Engine, write: Any) -> None:
    try:
        with engine.begin() as connection:
            write(connection)
    except IntegrityError as error:
        raise overtaken() from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def _read(engine: Engine, query: sa.Select[Any], kind: type[Row]) -> tuple[Row, ...]:
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(msgspec.convert({str(k): v for k, v in row.items()}, kind) for row in rows)
    except (SQLAlchemyError, msgspec.ValidationError) as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error

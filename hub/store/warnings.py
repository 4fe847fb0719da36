"""Early warnings in the Hub's own database, what became of them, and who was told."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from hub.store.converted import converted
from hub.store.counts import JUDGED, moved
from hub.store.proposals import overtaken
from hub.store.warning_tables import warning_deliveries, warning_uses, warnings
from schema.errors import HubError

State = Literal["open", "acknowledged", "closed"]
STATES: tuple[State, ...] = ("open", "acknowledged", "closed")
MOST = 500
"""Warnings that are listed at once."""
_HUB = "hub"


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One warning: names and numbers, never a data value. Units: Unix seconds."""

    id: str
    rule: str
    kind: str
    severity: str
    owner: str
    """``duty:NAME`` or ``app:NAME``."""
    title_en: str
    title_zh: str
    app: str
    department: str
    source: str
    what: str
    """An element of the catalogue, a code, a grant or nothing."""
    since: float
    """When the stretch began that was judged."""
    first_at: float
    last_at: float
    times: int
    """How often it was found in its quiet period."""
    amount: int
    """The most that was counted."""
    expected: float
    """What it was compared with."""
    state: State = "open"
    revision: int = 1
    changed_at: float
    changed_by: str = _HUB
    reason: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver of one warning."""

    warning: str
    receiver: str
    state: Literal["waiting", "sent", "failed"]
    tries: int
    due: float
    outcome: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A warning as it was found, its quiet period in seconds, and who is told."""

    warned: Warned
    quiet_s: float
    tell: tuple[str, ...]


class Warnings:
    """The tables, blocking; raises ``SQLAlchemyError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, before: int, after: int, found: Sequence[Found]) -> tuple[Warned, ...] | None:
        """What was found up to `after`; those that are new. ``None`` where somebody else has."""
        new = []
        with self._engine.begin() as connection:
            if not moved(connection, JUDGED, before, after):
                return None
            for one in found:
                if not self._again(connection, one):
                    self._first(connection, one)
                    new.append(one.warned)
        return tuple(new)

    def _again(self, connection: Connection, one: Found) -> bool:
        """Whether it is one that is there already, and quiet."""
        table, warned = warnings, one.warned
        same = sa.and_(
            table.c.rule == warned.rule, table.c.app == warned.app,
            table.c.source == warned.source, table.c.what == warned.what,
            table.c.first_at > warned.last_at - one.quiet_s,
        )  # fmt: skip
        query = sa.select(table.c.id, table.c.amount).where(same).order_by(table.c.first_at.desc())
        held = connection.execute(query.limit(1)).first()
        if held is None:
            return False
        changes = {
            "times": table.c.times + 1,
            "last_at": warned.last_at,
            "amount": max(held.amount, warned.amount),
        }
        connection.execute(sa.update(table).where(table.c.id == held.id).values(changes))
        return True

    def _first(self, connection: Connection, one: Found) -> None:
        connection.execute(sa.insert(warnings).values(msgspec.structs.asdict(one.warned)))
        for receiver in one.tell:
            row = Delivery(
                warning=one.warned.id, receiver=receiver, state="waiting", tries=0,
                due=one.warned.first_at, outcome="",
            )  # fmt: skip
            connection.execute(sa.insert(warning_deliveries).values(msgspec.structs.asdict(row)))

    def listed(
        self, *, state: State | None = None, since: float = 0.0, most: int = MOST
    ) -> tuple[Warned, ...]:
        """Warnings, the latest first."""
        table = warnings
        query = sa.select(table).where(table.c.last_at >= since)
        if state is not None:
            query = query.where(table.c.state == state)
        query = query.order_by(table.c.last_at.desc(), table.c.id).limit(min(most, MOST))
        with self._engine.connect() as connection:
            return converted(connection.execute(query), Warned)

    def one(self, id: str) -> Warned:
        """One by its id. Raises: `HubError` NOT_FOUND."""
        with self._engine.connect() as connection:
            return _one(connection, id)

    def open_count(self) -> int:
        """How many are open."""
        query = sa.select(sa.func.count()).select_from(warnings).where(warnings.c.state == "open")
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def check(self, held: Warned, state: State, *, based_on: int) -> None:
        """Whether a step can be taken. Raises: `HubError` EDIT_CONFLICT."""
        if held.state in ("closed", state):
            message, hint = f"the warning is {held.state} already", "nothing is left to do"
            raise HubError("EDIT_CONFLICT", message, hint=hint)
        if based_on != held.revision:
            raise overtaken()

    def step(
        self, id: str, state: State, *, by: str, at: float, reason: str | None, based_on: int
    ) -> Warned:
        """Acknowledge or close one.

        Raises: `HubError` NOT_FOUND; EDIT_CONFLICT where somebody has meanwhile.
        """
        with self._engine.begin() as connection:
            held = _one(connection, id)
            self.check(held, state, based_on=based_on)
            changes = {
                "state": state, "revision": based_on + 1, "changed_at": at, "changed_by": by,
                "reason": reason,
            }  # fmt: skip
            there = sa.and_(warnings.c.id == id, warnings.c.revision == based_on)
            if connection.execute(sa.update(warnings).where(there).values(changes)).rowcount != 1:
                raise overtaken()
        return msgspec.structs.replace(held, **changes)

    def deliveries(self, id: str) -> tuple[Delivery, ...]:
        """Who was told of one, and whether they took it."""
        table = warning_deliveries
        query = sa.select(table).where(table.c.warning == id).order_by(table.c.receiver)
        with self._engine.connect() as connection:
            return converted(connection.execute(query), Delivery)

    def due(self, now: float, most: int) -> tuple[tuple[Delivery, Warned], ...]:
        """What is to be sent now, the longest due first."""
        table = warning_deliveries
        query = sa.select(table).where(table.c.state == "waiting", table.c.due <= now)
        query = query.order_by(table.c.due, table.c.warning, table.c.receiver).limit(most)
        with self._engine.connect() as connection:
            rows = converted(connection.execute(query), Delivery)
            return tuple((row, _one(connection, row.warning)) for row in rows)

    def delivered(self, row: Delivery) -> None:
        """Note what became of a try."""
        table = warning_deliveries
        same = sa.and_(table.c.warning == row.warning, table.c.receiver == row.receiver)
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(same).values(msgspec.structs.asdict(row)))

    def purge(self, before: float) -> None:
        """Forget warnings, and uses that ended, before a moment."""
        old = sa.select(warnings.c.id).where(warnings.c.last_at < before)
        with self._engine.begin() as connection:
            told = warning_deliveries.c.warning.in_(old)
            connection.execute(sa.delete(warning_deliveries).where(told))
            connection.execute(sa.delete(warnings).where(warnings.c.last_at < before))
            gone = sa.and_(warning_uses.c.last_at < before, warning_uses.c.element != "")
            connection.execute(sa.delete(warning_uses).where(gone))


def new_id() -> str:
    """Of a warning."""
    return secrets.token_hex(16)


def _one(connection: Connection, id: str) -> Warned:
    query = sa.select(warnings).where(warnings.c.id == id)
    found = converted(connection.execute(query), Warned)
    if not found:
        raise HubError("NOT_FOUND", "there is no such warning")
    return found[0]

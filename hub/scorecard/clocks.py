"""The clocks that departments answer by: of requests for shares, and of doubts about values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.scorecard.departments import Departments
from hub.scorecard.figure import Step
from hub.settings import Settings
from hub.store.emergency_tables import correction_steps, corrections
from hub.store.share_tables import share_parts
from schema.errors import HubError
from schema.model.catalogue import Catalogue

_SETTLED = ("reject", "resolve")


class RequestClocks:
    """Answers to requests for shares; what was withdrawn had no answer to wait for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due_between(self, start: float, end: float) -> Sequence[Step]:
        """By owner. Raises: `HubError` REGISTRY_UNAVAILABLE."""
        table = share_parts
        query = sa.select(
            table.c.request, table.c.part, table.c.department, table.c.due, table.c.answered_at
        ).where(table.c.due >= start, table.c.due < end, table.c.state != "withdrawn")
        return [
            Step(
                department=row.department, reference=f"{row.request}/{row.part}", step="answer",
                due=row.due, done_at=row.answered_at,
            )
            for row in _rows(self._engine, query)
        ]  # fmt: skip


class CorrectionClocks:
    """Doubts that are settled or rejected; what was withdrawn had nothing to be settled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due_between(self, start: float, end: float) -> Sequence[Step]:
        """By the authoritative department. Raises: `HubError` REGISTRY_UNAVAILABLE."""
        table, steps = corrections, correction_steps
        done = (
            sa.select(sa.func.min(steps.c.at))
            .where(steps.c.id == table.c.id, steps.c.act.in_(_SETTLED))
            .scalar_subquery()
        )
        query = sa.select(table.c.id, table.c.department, table.c.due_at, done.label("done")).where(
            table.c.due_at >= start, table.c.due_at < end, table.c.state != "withdrawn"
        )
        return [
            Step(
                department=row.department, reference=row.id, step="settle", due=row.due_at,
                done_at=row.done,
            )
            for row in _rows(self._engine, query)
        ]  # fmt: skip


def departments_of(settings: Settings, engine: Engine, catalogue: Catalogue) -> Departments:
    """All departments, with the clocks that the settings have."""
    weights: Mapping[str, float] = {
        str(name): weight for name, weight in settings.scorecards.weights.items()
    }
    return Departments(
        engine,
        catalogue,
        weights,
        requests=RequestClocks(engine) if settings.sharing.enabled else None,
        corrections=CorrectionClocks(engine) if settings.corrections.enabled else None,
    )


def _rows(engine: Engine, query: sa.Select[Any]) -> Sequence[Any]:
    try:
        with engine.connect() as connection:
            return connection.execute(query).all()
    except SQLAlchemyError as error:
        message = "the clocks of departments cannot be read"
        raise HubError("REGISTRY_UNAVAILABLE", message, cause=error) from error

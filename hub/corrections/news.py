"""What departments and the authority are told of doubts; never a key, a value or a note."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine

from hub.registry.teller import Teller
from hub.registry.webhook import Event
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.store import corrections as store
from hub.store.corrections import Correction, Step
from schema.errors import HubError

log = structlog.get_logger("hub.corrections")

_MOST = 100


class CorrectionNews:
    """Steps that nobody was told of yet. One worker asks; what it was given counts as told."""

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._acts = Acts(engine, settings, clock)

    def found(self) -> Sequence[Event]:
        """The events, in order; blocking. Raises: `HubError` CORRECTIONS_UNAVAILABLE."""
        self._escalate()
        steps = store.untold(self._engine, _MOST)
        if not steps:
            return ()
        events = [
            _event(step, one) for step in steps for one in store.found(self._engine, only=step.id)
        ]
        store.told(self._engine, steps)
        return events

    def _escalate(self) -> None:
        """Put on record, once, that a clock has run out; nothing else comes of it."""
        now = self._clock()
        for one in store.found(self._engine, overdue_at=now, most=_MOST):
            log.warning("corrections.overdue", correction=one.id, department=one.department)
            revision = one.revision + 1
            step = Step(
                id=one.id, revision=revision, act="overdue", state=one.state, by="hub", at=now
            )
            details = {"correction": one.id, "field": one.element, "department": one.department}
            self._acts.record("correction.overdue", "hub", details=details)
            after = msgspec.structs.replace(one, overdue_told=True, revision=revision)
            try:
                store.take(self._engine, one, after, step)
            except HubError as error:
                if error.code != "EDIT_CONFLICT":
                    raise  # somebody has taken a step at this moment: it is looked at again


def tell_of_doubts(
    settings: Settings, engine: Engine, clock: Callable[[], float], look_s: float
) -> tuple[Coroutine[Any, Any, None], ...]:
    """What a worker does about doubts all the time it serves. Raises: `HubError`."""
    declared = settings.corrections
    if not declared.enabled:
        return ()
    news = CorrectionNews(engine, settings, clock).found
    teller = Teller("corrections", news, declared.webhooks, engine, clock=clock)
    return (teller.run(look_s),)


def _event(step: Step, one: Correction) -> Event:
    return Event(
        type=f"correction.{step.act}",
        at=step.at,
        data={
            "to": "authority" if step.act == "overdue" else "owner",
            "correction": one.id,
            "department": one.department,
            "field": one.element,
            "state": step.state,
            "due": one.due_at,
            "by_department": one.reporter_department,
        },
    )

"""What owning departments and security officers are told of emergencies; never a value, a case or a
reason, which may speak of persons."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Engine

from hub.registry.webhook import Event
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.store import emergency as store
from hub.store.emergency import Opened, Step
from schema.errors import HubError

log = structlog.get_logger("hub.emergency")

_MOST = 100
_EVENTS = {
    "break": "emergency.broken",
    "revoke": "emergency.revoked",
    "review": "emergency.reviewed",
    "overdue": "emergency.overdue",
}


class EmergencyNews:
    """Steps that nobody was told of yet. One worker asks; what it was given counts as told."""

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._acts = Acts(engine, settings, clock)

    def found(self) -> Sequence[Event]:
        """The events, in order; blocking. Raises: `HubError` EMERGENCY_UNAVAILABLE."""
        self._suspend()
        steps = store.untold(self._engine, _MOST)
        if not steps:
            return ()
        events = [event for step in steps for event in self._events(step)]
        store.told(self._engine, [step.number for step in steps])
        for step in steps:
            log.info("emergency.told", act=step.act, about=step.about)
        return events

    def _suspend(self) -> None:
        """Put on record, once, what follows from time alone: that a review is overdue."""
        now = self._clock()
        for one in store.openings(self._engine, concerning=now):
            if one.outcome is not None or one.review_due > now or one.overdue_told:
                continue
            log.error("emergency.overdue", app=one.app, opening=one.id)
            details = {"opening": one.id, "emergency": one.emergency, "app": one.app}
            self._acts.record("emergency.suspend", "hub", details=details)
            try:
                store.overdue(self._engine, one.id, now)
            except HubError as error:
                if error.code != "EDIT_CONFLICT":
                    raise  # somebody has reviewed it at this moment: nobody is suspended

    def _events(self, step: Step) -> Sequence[Event]:
        kind = _EVENTS.get(step.act)
        if kind is None:
            data = {"emergency": step.about, "by": step.by}
            return (Event(type=f"emergency.{step.act}", at=step.at, data=data),)
        # one event for each owning department, and one for the security officer
        return tuple(
            _event(kind, step, one, to)
            for one in store.openings(self._engine, only=step.about)
            for to in (*one.departments, None)
        )


def _event(kind: str, step: Step, one: Opened, department: str | None) -> Event:
    return Event(
        type=kind,
        at=step.at,
        data={
            "to": "owner" if department is not None else "security-officer",
            "department": department,
            "emergency": one.emergency,
            "opening": one.id,
            "list": one.list,
            "app": one.app,
            "user": one.user,
            "by": step.by,
            "until": one.over,
            "review_due": one.review_due,
            "outcome": one.outcome,
        },
    )

"""What staff do with warnings: look, acknowledge, close; on record before it is done or shown."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from sqlalchemy import Engine

from hub.rollout.act import Acts
from hub.settings import Settings
from hub.store.warnings import MOST, Delivery, State, Warned, Warnings
from schema.errors import HubError

LONGEST_REASON = 1_000


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One warning, and who was told of it."""

    warned: Warned
    deliveries: tuple[Delivery, ...]


class WarningDesk:
    """Blocking. Who may come here, whoever opens it decides."""

    def __init__(
        self, engine: Engine, settings: Settings, *, by: str, clock: Callable[[], float] = time.time
    ) -> None:
        """`by`: who is on record."""
        self._warnings = Warnings(engine)
        self._acts = Acts(engine, settings, clock)
        self._by = by
        self._clock = clock

    def listed(
        self, *, state: State | None = None, since: float = 0.0, most: int = MOST
    ) -> tuple[Warned, ...]:
        """Warnings, the latest first. Raises: `HubError` AUDIT_UNAVAILABLE."""
        self._acts.record("warning.listed", self._by)
        return self._warnings.listed(state=state, since=since, most=most)

    def show(self, id: str) -> Shown:
        """One. Raises: `HubError` NOT_FOUND, AUDIT_UNAVAILABLE."""
        self._acts.record("warning.shown", self._by, details={"warning": id[:64]})
        return Shown(warned=self._warnings.one(id), deliveries=self._warnings.deliveries(id))

    def acknowledge(self, id: str, *, based_on: int | None = None) -> Warned:
        """Say that somebody looks into it. Raises: `HubError` NOT_FOUND, EDIT_CONFLICT."""
        return self._step(id, "acknowledged", None, based_on)

    def close(self, id: str, reason: str, *, based_on: int | None = None) -> Warned:
        """Say what it was. Raises: `HubError` NOT_FOUND, EDIT_CONFLICT, BAD_USER_INPUT."""
        if not reason.strip() or len(reason) > LONGEST_REASON:
            message = "a warning is closed with a reason that is not long"
            hint = f"write one of at most {LONGEST_REASON} characters"
            raise HubError("BAD_USER_INPUT", message, hint=hint)
        return self._step(id, "closed", reason, based_on)

    def _step(self, id: str, state: State, reason: str | None, based_on: int | None) -> Warned:
        about = {"warning": id[:64]}
        with self._acts.refusals(f"warning.{state}", self._by, details=about):
            held = self._warnings.one(id)
            revision = held.revision if based_on is None else based_on
            self._warnings.check(held, state, based_on=revision)
            self._acts.record(f"warning.{state}", self._by, details={**about, "rule": held.rule})
            return self._warnings.step(
                id, state, by=self._by, at=self._clock(), reason=reason, based_on=revision
            )

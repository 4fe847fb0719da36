"""What becomes of doubts: the steps of the authoritative department's stewards, and the authority's
consent to more time. Nothing happens by itself: a clock that runs out is told and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import msgspec
from sqlalchemy import Engine

from hub.corrections.reporting import check_enabled, due_at
from hub.corrections.sealed import Doubt, seal_of
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.store import corrections as store
from hub.store.corrections import Act, Correction, Score, State, Step
from policies.packs import Packs
from schema.errors import HubError
from schema.model.subject import Subject

Settled = Literal["corrected", "unfounded", "withdrawn"]
_LONGEST = 200
_LONGEST_NOTE = 2_000


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A step as those who may read it see it."""

    step: Step
    note: str | None
    """``None`` also for who may not read it."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt with its history."""

    correction: Correction
    doubt: Doubt
    steps: tuple[Noted, ...]


class CorrectionDesk:
    """One hub's doubts; blocking."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        packs: Callable[[], Packs],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises: `HubError` NOT_FOUND where doubts are not taken; CONFIG_INVALID."""
        check_enabled(settings)
        self._engine = engine
        self._declared = settings.corrections
        self._packs = packs
        self._clock = clock
        self._seal = seal_of(settings)
        self._acts = Acts(engine, settings, clock)

    # -- to look at

    def corrections(self, subject: Subject) -> tuple[Correction, ...]:
        """Those about the steward's department; for the authority all. Never what they say."""
        if self._authority(subject):
            return store.found(self._engine)
        return store.found(self._engine, department=self._department(subject))

    def show(self, subject: Subject, name: str) -> Shown:
        """All of a doubt, for a steward of its department alone; the look is on record.

        Raises: `HubError` FORBIDDEN, NOT_FOUND, alike for another department's.
        """
        with self._refusals("show", subject, name):
            held = self._steward(subject, name)
            doubt = self._seal.open(held.id, held.sealed)
            steps = tuple(
                Noted(step=step, note=self._note(step))
                for step in store.steps_of(self._engine, held.id)
            )
            self._record("show", subject, held)
            return Shown(correction=held, doubt=doubt, steps=steps)

    def scores(self, subject: Subject) -> tuple[Score, ...]:
        """How departments keep the clock; for the authority."""
        self._check_authority(subject)
        return store.scores(self._engine, self._clock())

    # -- the steward's steps

    def accept(
        self, subject: Subject, name: str, note: str, *, based_on: int | None = None
    ) -> Correction:
        """Take the doubt up: who sees the value is told that it is disputed."""
        return self._decide(subject, name, "accept", "accepted", note, based_on)

    def reject(
        self, subject: Subject, name: str, note: str, *, based_on: int | None = None
    ) -> Correction:
        """Do not take it up, with reasons."""
        return self._decide(subject, name, "reject", "rejected", note, based_on)

    def resolve(
        self,
        subject: Subject,
        name: str,
        outcome: Settled,
        note: str,
        *,
        based_on: int | None = None,
    ) -> Correction:
        """Settle what was taken up. The value itself is mended at the source, never here."""
        return self._decide(subject, name, "resolve", outcome, note, based_on)

    def extend(
        self, subject: Subject, name: str, note: str, *, based_on: int | None = None
    ) -> Correction:
        """Consent to more time, once; the authority's.

        Raises: `HubError` FORBIDDEN, NOT_FOUND, CORRECTION_REFUSED, EDIT_CONFLICT.
        """
        with self._refusals("extend", subject, name):
            self._check_authority(subject)
            held = self._found(name)
            if not held.open:
                raise refused(f"it is {held.state}")
            if held.extended:
                raise refused("it was extended before")
            clock = self._declared.clock
            ends = due_at(self._packs(), clock, held.reported_at, extended=True)
            # fails closed: what ran over time stays counted as late
            after = msgspec.structs.replace(held, extended=True, due_at=ends)
            return self._take(subject, held, after, "extend", note, based_on)

    def _decide(
        self,
        subject: Subject,
        name: str,
        act: Act,
        state: State,
        note: str,
        based_on: int | None,
    ) -> Correction:
        with self._refusals(act, subject, name):
            held = self._steward(subject, name)
            wanted = "accepted" if act == "resolve" else "reported"
            if held.state != wanted:
                raise refused(f"it is {held.state}, not {wanted}")
            if held.reporter == subject.id[:_LONGEST]:
                raise refused("nobody decides on what they have reported themselves")
            after = msgspec.structs.replace(held, state=state)
            return self._take(subject, held, after, act, note, based_on)

    # -- what the steps share

    def _take(
        self,
        subject: Subject,
        held: Correction,
        after: Correction,
        act: Act,
        note: str,
        based_on: int | None,
    ) -> Correction:
        """Put one step on record, then take it."""
        if based_on is not None and based_on != held.revision:
            raise store.overtaken()
        if not note.strip() or len(note) > _LONGEST_NOTE:
            hint = f"say why, in 1 to {_LONGEST_NOTE} signs"
            raise HubError("BAD_REQUEST", "the note cannot be taken", hint=hint)
        revision = held.revision + 1
        after = msgspec.structs.replace(after, revision=revision)
        step = Step(
            id=held.id,
            revision=revision,
            act=act,
            state=after.state,
            by=subject.id[:_LONGEST],
            at=self._clock(),
            note=self._seal.close_note(held.id, revision, note),
        )
        self._record(act, subject, after)
        store.take(self._engine, held, after, step)
        return after

    def _note(self, step: Step) -> str | None:
        if step.note is None:
            return None
        return self._seal.open_note(step.id, step.revision, step.note)

    def _steward(self, subject: Subject, name: str) -> Correction:
        department = self._department(subject)
        held = self._found(name)
        if held.department != department:
            raise _unknown(name)
        return held

    def _found(self, name: str) -> Correction:
        found = store.found(self._engine, only=name)
        if not found:
            raise _unknown(name)
        return found[0]

    def _department(self, subject: Subject) -> str:
        """Raises: `HubError` FORBIDDEN for who is no department's steward."""
        duty = self._declared.steward_duty
        # fails closed: a steward of no department, or on somebody's behalf, is nobody's
        if duty not in subject.duties or subject.department is None or subject.acting_for:
            raise _forbidden(duty)
        return str(subject.department)

    def _authority(self, subject: Subject) -> bool:
        return self._declared.authority_duty in subject.duties and not subject.acting_for

    def _check_authority(self, subject: Subject) -> None:
        if not self._authority(subject):
            raise _forbidden(self._declared.authority_duty)

    def _refusals(self, act: str, subject: Subject, name: str) -> AbstractContextManager[None]:
        """What is refused in here is on record too."""
        details = {"correction": name[:32]}
        return self._acts.refusals(f"correction.{act}", subject.id[:_LONGEST], details=details)

    def _record(self, act: str, subject: Subject, held: Correction) -> None:
        details = {"correction": held.id, "field": held.element, "state": held.state}
        self._acts.record(f"correction.{act}", subject.id[:_LONGEST], details=details)


def refused(message: str) -> HubError:
    """A step that cannot be taken."""
    hint = "look at it with `hub correction show`"
    return HubError("CORRECTION_REFUSED", message, hint=hint)


def _forbidden(duty: str) -> HubError:
    hint = f"it asks for the duty `{duty}`"
    return HubError("FORBIDDEN", "this is for staff with a duty in corrections", hint=hint)


def _unknown(name: str) -> HubError:
    hint = "`hub correction list` shows those that are your department's"
    shown = name[:32] if name.isprintable() else "?"
    return HubError("NOT_FOUND", f"there is no doubt `{shown}`", hint=hint)

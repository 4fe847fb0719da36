"""The steps in an emergency. Command line and control door take them here, and nowhere else.

Whoever takes a step is who their credentials say: nobody is anybody by an argument.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import Engine

from hub.emergency.suspended import suspended_apps
from hub.loading import Loaded
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.store import emergency as store
from hub.store.emergency import Emergency, Opened, Outcome
from policies.breakglass import BreakGlass
from policies.clock import due
from schema.errors import HubError
from schema.model.names import Coordinate
from schema.model.subject import Subject

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")
_LONGEST = 200
_LONGEST_TEXT = 2_000
_REGION = re.compile(r"[A-Za-z0-9/._-]{1,64}\Z")


class EmergencyDesk:
    """One hub's emergencies; blocking.

    `loaded`: what is in force, read when it is needed.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        loaded: Callable[[], Loaded],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises: `HubError` CONFIG_INVALID where nothing could be opened."""
        if not settings.emergency.enabled:
            hint = "name files of lists under `emergency.lists`"
            raise HubError("CONFIG_INVALID", "this hub has no break-glass", hint=hint)
        self.engine = engine
        self._duties = settings.emergency
        self._loaded = loaded
        self._clock = clock
        self._acts = Acts(engine, settings, clock)

    # -- to look at

    def emergencies(self, subject: Subject) -> tuple[Emergency, ...]:
        """Every emergency, for whoever has a duty in one."""
        self._check_any(subject)
        return store.all_emergencies(self.engine)

    def openings(self, subject: Subject) -> tuple[Opened, ...]:
        """What was opened: officers see all, others what they have opened themselves."""
        self._check_any(subject)
        found = store.openings(self.engine)
        if self._officer(subject):
            return found
        return tuple(one for one in found if one.subject == subject.id)

    def suspended(self, subject: Subject) -> tuple[str, ...]:
        """The applications that are suspended for want of a review; for officers."""
        self._check_duty(subject, self._duties.review_duty)
        waiting = store.openings(self.engine, concerning=self._clock())
        return tuple(sorted(suspended_apps(waiting, self._clock())))

    # -- an officer declares

    def declare(
        self,
        subject: Subject,
        name: str,
        *,
        title: str,
        opens: Iterable[str],
        hours: int,
        region: str | None = None,
    ) -> Emergency:
        """Declare an emergency from now on.

        Raises: `HubError` FORBIDDEN, BAD_REQUEST, EMERGENCY_REFUSED.
        """
        lists = tuple(sorted(set(opens)))
        with self._refusals("declare", subject, emergency=name):
            self._check_duty(subject, self._duties.declare_duty)
            if not _ID.match(name):
                raise _bad("the emergency's id", "small letters, digits, `-`, `_` and `.`")
            _check_text("the title", title, _LONGEST)
            if region is not None and not _REGION.match(region):
                raise _bad("the region", "a region's code")
            if not 1 <= hours <= self._duties.longest_hours:
                raise _bad("the length", f"1 to {self._duties.longest_hours} hours")
            known = {one.id for one in self._loaded().break_glass}
            if not lists or not known.issuperset(lists):
                hint = f"there are {', '.join(f'`{one}`' for one in sorted(known)) or 'none'}"
                message = "an emergency opens lists that the hub has"
                raise HubError("EMERGENCY_REFUSED", message, hint=hint)
            now = self._clock()
            made = Emergency(
                id=name,
                title=title,
                region=region,
                opens=msgspec.json.encode(lists).decode(),
                since=now,
                until=now + hours * 3600,
                declared_by=subject.id[:_LONGEST],
                declared_at=now,
            )
            self._record("declare", subject, emergency=name, lists=" ".join(lists), hours=hours)
            store.declare(self.engine, made)
            return made

    def end(self, subject: Subject, name: str) -> None:
        """End an emergency; all that was opened in it is closed at once."""
        with self._refusals("end", subject, emergency=name):
            self._check_duty(subject, self._duties.declare_duty)
            found = store.emergency(self.engine, name)
            if found is None:
                raise _unknown("emergency", name)
            if found.ended_at is not None:
                raise refused(f"`{name}` has ended already")
            self._record("end", subject, emergency=name)
            store.end(self.engine, name, subject.id, self._clock())

    # -- a person breaks the glass

    def open_glass(
        self, subject: Subject, name: str, which: str, *, case_id: str, reason: str
    ) -> Opened:
        """Open a list for the person and application that ask, in one case.

        Raises: `HubError` FORBIDDEN, APP_SUSPENDED, NO_EMERGENCY, PURPOSE_NOT_ALLOWED,
        STEP_UP_REQUIRED, CASE_REQUIRED, BAD_REQUEST, EMERGENCY_REFUSED.
        """
        with self._refusals("break", subject, emergency=name, list=which):
            opened = self._opening(subject, name, which, case_id=case_id, reason=reason)
            self._record(
                "break", subject, emergency=name, list=which, opening=opened.id, case=case_id
            )
            store.open_glass(self.engine, opened, self._duties.most_open)
            return opened

    def _opening(
        self, subject: Subject, name: str, which: str, *, case_id: str, reason: str
    ) -> Opened:
        self._check_duty(subject, self._duties.use_duty)
        # fails closed: an application alone, or somebody's representative, answers for nothing
        if subject.user is None or subject.link is not None:
            hint = "log in as a person, at the hub itself"
            raise HubError("FORBIDDEN", "only a person breaks the glass", hint=hint)
        if max(len(subject.id), len(subject.app), len(subject.user)) > _LONGEST:
            raise _bad("the caller's name", f"at most {_LONGEST} signs long")
        now = self._clock()
        if subject.app in suspended_apps(store.openings(self.engine, concerning=now), now):
            raise suspension()
        loaded = self._loaded()
        found = self._in_force(subject, name, which, loaded, now)
        emergency, listed = found
        if not any(listed.serves(one, loaded.packs) for one in subject.purposes):
            message = "the credentials do not allow the purpose that this is for"
            raise HubError("PURPOSE_NOT_ALLOWED", message)
        if subject.acr not in listed.acr:
            hint = f"log in with one of {', '.join(f'`{one}`' for one in listed.acr)}"
            raise HubError("STEP_UP_REQUIRED", "a stronger log-in is required", hint=hint)
        if not case_id.strip():
            raise HubError("CASE_REQUIRED", "a case must be stated")
        _check_text("the case", case_id, _LONGEST)
        _check_text("the reason", reason, _LONGEST_TEXT)
        until = min(now + listed.minutes * 60, emergency.until)
        return Opened(
            id=secrets.token_hex(8),
            emergency=name,
            list=listed.id,
            digest=listed.digest,
            app=subject.app,
            user=subject.user,
            subject=subject.id,
            department=None if subject.department is None else str(subject.department),
            region=emergency.region,
            acr=str(subject.acr),
            case_id=case_id,
            reason=reason,
            owners=msgspec.json.encode(owners_of(listed, loaded)).decode(),
            since=now,
            until=until,
            review_due=review_due(listed, loaded, until),
        )

    def _in_force(
        self, subject: Subject, name: str, which: str, loaded: Loaded, now: float
    ) -> tuple[Emergency, BreakGlass]:
        """The emergency and the list, where both are for the caller: else nothing is told."""
        found = store.emergency(self.engine, name)
        listed = next((one for one in loaded.break_glass if one.id == which), None)
        if found is None or listed is None or which not in found.lists:
            raise store.no_emergency()
        within = found.region is None or (subject.region or "").startswith(found.region)
        if not (found.since <= now < found.over and listed.eligible(subject) and within):
            raise store.no_emergency()
        return found, listed

    # -- an officer revokes and reviews

    def revoke(self, subject: Subject, opening: str) -> None:
        """Close what was opened, at once on all workers."""
        with self._refusals("revoke", subject, opening=opening):
            held = self._for_officer(subject, opening)
            if held.over <= self._clock():
                raise refused("it is closed already")
            self._record("revoke", subject, opening=opening, emergency=held.emergency)
            store.revoke(self.engine, opening, subject.id, self._clock())

    def review(self, subject: Subject, opening: str, outcome: Outcome, note: str) -> None:
        """Say whether what was done was justified, once it is closed.

        Raises: `HubError` FORBIDDEN, NOT_FOUND, BAD_REQUEST, EMERGENCY_REFUSED, EDIT_CONFLICT.
        """
        with self._refusals("review", subject, opening=opening):
            held = self._for_officer(subject, opening)
            # fails closed: under whatever application, it is the same person
            if subject.user is None or subject.user == held.user:
                raise refused("nobody reviews what they have opened themselves")
            if held.over > self._clock():
                raise refused("it is still open", "revoke it first")
            if held.outcome is not None:
                raise refused("it was reviewed before")
            _check_text("the note", note, _LONGEST_TEXT)
            self._record(
                "review", subject, opening=opening, emergency=held.emergency, result=outcome
            )
            store.review(self.engine, opening, outcome, note, subject.id, self._clock())

    # -- what the steps share

    def _for_officer(self, subject: Subject, opening: str) -> Opened:
        self._check_duty(subject, self._duties.review_duty)
        found = store.openings(self.engine, only=opening)
        if not found:
            raise _unknown("opening", opening)
        return found[0]

    def _officer(self, subject: Subject) -> bool:
        officers = {self._duties.review_duty, self._duties.declare_duty}
        return subject.acting_for is None and bool(subject.duties & officers)

    def _check_any(self, subject: Subject) -> None:
        if not (self._officer(subject) or self._duties.use_duty in subject.duties):
            raise _forbidden(self._duties.use_duty)

    def _check_duty(self, subject: Subject, duty: str) -> None:
        # fails closed: a duty is a person's own; whoever acts for another has not lent it
        if duty not in subject.duties or subject.acting_for is not None:
            raise _forbidden(duty)

    def _refusals(
        self, act: str, subject: Subject, **about: str | int | bool
    ) -> AbstractContextManager[None]:
        """What is refused in here is on record too."""
        told = {name: _short(value) for name, value in about.items()}
        return self._acts.refusals(f"emergency.{act}", subject.id[:_LONGEST], details=told)

    def _record(self, act: str, subject: Subject, **about: str | int | bool) -> None:
        """Durable before it takes effect."""
        told = {name: _short(value) for name, value in about.items()}
        self._acts.record(f"emergency.{act}", subject.id[:_LONGEST], details=told)


def owners_of(listed: BreakGlass, loaded: Loaded) -> tuple[str, ...]:
    """The departments whose fields a list shows."""
    found = set()
    for element in listed.fields:
        field = loaded.catalogue.field(Coordinate(element))
        relation = loaded.catalogue.relation(Coordinate(element))
        if field is not None:
            found.add(str(field.owner))
        elif relation is not None:
            found.add(str(relation.owner))
    return tuple(sorted(found))


def review_due(listed: BreakGlass, loaded: Loaded, end: float) -> float:
    """Until when it is to be reviewed. Raises: `HubError` CONFIG_INVALID."""
    review = listed.review
    if review.clock is None:
        return end + (review.hours or 0) * 3600
    clock = loaded.packs.clocks[review.clock]
    return due(clock, loaded.packs.calendars[clock.calendar], math.ceil(end)).at


def suspension() -> HubError:
    """The application has to wait for a review."""
    hint = "a security officer reviews what it opened in an emergency"
    return HubError("APP_SUSPENDED", "the application is suspended", hint=hint)


def refused(message: str, hint: str | None = None) -> HubError:
    """A step that cannot be taken."""
    return HubError("EMERGENCY_REFUSED", message, hint=hint)


def _forbidden(duty: str) -> HubError:
    hint = f"it asks for the duty `{duty}`"
    return HubError("FORBIDDEN", "this is for staff with a duty in emergencies", hint=hint)


def _unknown(what: str, name: str) -> HubError:
    hint = "`hub emergency list` shows those that there are"
    return HubError("NOT_FOUND", f"there is no {what} `{_short(name)}`", hint=hint)


def _bad(what: str, wanted: str) -> HubError:
    return HubError("BAD_REQUEST", f"{what} cannot be taken", hint=f"it is {wanted}")


def _check_text(what: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most or not text.replace("\n", " ").isprintable():
        raise _bad(what, f"1 to {most} signs of text")


def _short(value: str | int | bool) -> str | int | bool:
    return value[:_LONGEST] if isinstance(value, str) else value

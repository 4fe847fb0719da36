"""What the directory knows of callers completes and narrows what their credentials say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine

from auth.refusal import RefusedError
from auth.told import Told
from hub.directory.entry import App, Confirmed, Held, Person, held_of, kind_of
from hub.settings.steps import DirectorySettings
from hub.store.directory import Kind, Row, confirm, found
from schema.errors import HubError
from schema.model.names import DepartmentName
from schema.model.subject import Subject

log = structlog.get_logger("hub.directory")

_DEEPEST = 40
_DAY_S = 86_400.0
_NOTHING: frozenset[str] = frozenset()


class KnownCallers:
    """An `auth.told.Completing` over the hub's database.

    What the directory says counts; credentials narrow purposes and duties, and add none.
    """

    def __init__(self, engine: Engine, settings: DirectorySettings) -> None:
        self._engine = engine
        self._settings = settings

    async def complete(self, told: Told, now: float) -> Subject:
        """The subject as it counts. Raises: `RefusedError`."""
        try:
            return await asyncio.to_thread(self._complete, told, now)
        except HubError as error:
            # fails closed: nobody is anybody while the directory does not say who is suspended
            log.warning("directory.unread", code=error.code)
            raise RefusedError("directory") from error

    def _complete(self, told: Told, now: float) -> Subject:
        subject = told.subject
        wanted: list[tuple[Kind, str]] = [("app", subject.app)]
        if subject.user is not None:
            wanted.append(("person", subject.user))
        rows = found(self._engine, tuple(wanted))
        if self._settings.unknown == "refuse" and None in rows:
            raise RefusedError("directory")
        app = None if rows[0] is None else held_of(rows[0])
        person = None
        if subject.user is not None and rows[1] is not None:
            person = self._confirmed(rows[1], told, now)
        _refuse_suspended(app, person)
        return self._narrowed(told, app, person, now)

    def _narrowed(self, told: Told, app: Held | None, person: Held | None, now: float) -> Subject:
        subject, view = told.subject, _View(now, self._settings.freshness_days)
        changed: dict[str, Any] = {}
        holder = person if subject.user is not None else app
        if holder is not None:
            duties = view.told(holder, "duties") or _NOTHING
            changed["duties"] = duties if "duties" in told.unsaid else duties & subject.duties
        if app is not None:
            purposes = view.told(app, "purposes") or _NOTHING
            silent = "purposes" in told.unsaid
            changed["purposes"] = purposes if silent else purposes & subject.purposes
            lent = view.told(app, "acting_for") or _NOTHING
            if subject.acting_for is not None and subject.acting_for not in lent:
                raise RefusedError("directory")
        name = _department(subject, app, person, view)
        changed["department"] = None if name is None else DepartmentName(name)
        others = {one for one in (_stated(app), _stated(person), subject.acting_for) if one}
        departments = self._departments({*others, *({name} if name else ())})
        if name is not None:
            department = departments.get(name)
            if department is not None:
                changed["org_kind"] = view.told(department, "kind")
                changed["tier"] = view.told(department, "tier")
                changed["region"] = view.told(department, "region")
            elif self._settings.unknown == "refuse":
                raise RefusedError("directory")
        elif holder is not None:
            changed |= {"org_kind": None, "tier": None, "region": None}
        known = None if person is None else person.entry
        if person is not None and isinstance(known, Person) and known.clearance is not None:
            changed["clearance"] = view.told(person, "clearance") or {}
        changed["expires_at"] = min(subject.expires_at, view.ends)
        return msgspec.structs.replace(subject, **changed)

    def _departments(self, names: set[str]) -> Mapping[str, Held]:
        """Departments by name, with all that are above them.

        Raises: `RefusedError` where any is suspended.
        """
        known: dict[str, Held] = {}
        level = set(names)
        for _ in range(_DEEPEST):
            if not level:
                return known
            rows = found(self._engine, tuple(("department", name) for name in sorted(level)))
            level = set()
            for row in rows:
                if row is None:
                    continue
                held = known[row.id] = held_of(row)
                _refuse_suspended(held)
                if row.department is not None and row.department not in known:
                    level.add(row.department)
        # fails closed: some that are above them were not looked at
        raise RefusedError("directory")

    def _confirmed(self, row: Row, told: Told, now: float) -> Held:
        """A person, and what their token confirms noted."""
        held = held_of(row)
        if told.issuer is None or told.issuer not in self._settings.from_claims:
            return held
        after = confirm_from_claims(held, told, now)
        if after is held:
            return held
        text = msgspec.json.encode(after.confirmed, order="sorted").decode()
        try:
            if not confirm(self._engine, row, text):
                return held  # somebody has changed it meanwhile
        except HubError as error:
            log.warning("directory.unconfirmed", code=error.code)
            return held
        return after


def confirm_from_claims(held: Held, told: Told, now: float) -> Held:
    """A person with what a token says just as the directory does confirmed anew; the same object
    where nothing is, or was confirmed within a day. What a token says otherwise changes nothing."""
    entry, subject = held.entry, told.subject
    if not isinstance(entry, Person):
        return held
    same = {
        "department": entry.department is not None and entry.department == subject.department,
        "duties": "duties" not in told.unsaid and entry.duties == subject.duties,
        "clearance": entry.clearance is not None and entry.clearance == subject.clearance,
    }
    confirmed = {
        name: Confirmed(at=now, by="claims")
        for name, agrees in same.items()
        if agrees and not held.fresh(name, now, 1)
    }
    if not confirmed:
        return held
    return msgspec.structs.replace(held, confirmed={**held.confirmed, **confirmed})


class _View:
    """Attributes that are fresh, and until when all that were read are."""

    def __init__(self, now: float, days: int) -> None:
        self._now = now
        self._days = days
        self.ends = float("inf")

    def told(self, held: Held, attribute: str) -> Any:
        """The attribute, ``None`` once it is stale."""
        value = getattr(held.entry, attribute)
        if not held.fresh(attribute, self._now, self._days):
            if value:
                log.warning("directory.stale", kind=kind_of(held.entry), attribute=attribute)
            return None
        self.ends = min(self.ends, held.confirmed[attribute].at + self._days * _DAY_S)
        return value


def _department(subject: Subject, app: Held | None, person: Held | None, view: _View) -> str | None:
    """Whose staff or application it is; credentials say so only where the directory does not."""
    holder = person if subject.user is not None else app
    if holder is None or _stated(holder) is None:
        return subject.department
    found: str | None = view.told(holder, "department")
    return found


def _stated(held: Held | None) -> str | None:
    entry = None if held is None else held.entry
    return entry.department if isinstance(entry, App | Person) else None


def _refuse_suspended(*held: Held | None) -> None:
    if any(one is not None and one.suspended for one in held):
        raise RefusedError("suspended")

"""Who asks at the control door, and what they ask it of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from typing import Protocol

from sqlalchemy import Engine
from strawberry.types import Info

from hub.control.areas import known_duties
from hub.corrections.desk import CorrectionDesk
from hub.emergency.desk import EmergencyDesk
from hub.loading import Loaded
from hub.registration.actor import Actor
from hub.registration.publishing import Publisher
from hub.settings import Settings
from hub.sharing.asking import Sharing
from hub.sharing.party import Party, party_of
from schema.errors import HubError
from schema.model.subject import Subject


class Following(Protocol):
    """What tells of changes."""

    def follow(self, areas: frozenset[str]) -> AsyncIterator[tuple[str, str]]: ...


class Context:
    """One request's. Services are made when they are first asked for, on the thread that asks."""

    def __init__(
        self,
        subject: Subject,
        settings: Settings,
        database: Engine,
        *,
        checking: asyncio.Semaphore,
        changes: Following,
        loaded: Callable[[], Loaded],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.subject = subject
        self.settings = settings
        self.database = database
        self.checking = checking
        """One check at a time: it composes everything and reaches a source."""
        self.changes = changes
        self.loaded = loaded
        """Files and registered sources as this worker has taken them up."""
        self.clock = clock
        self.taken = False
        """Whether a step was taken, or might have been."""

    @cached_property
    def actor(self) -> Actor:
        """Who takes steps with sources. Raises: `HubError` FORBIDDEN."""
        return source_actor(self.subject, self.settings)

    @cached_property
    def party(self) -> Party:
        """Who takes steps with shares. Raises: `HubError` FORBIDDEN, NOT_FOUND."""
        if not self.settings.sharing.enabled:
            raise absent("requests for shares", "sharing.enabled")
        release = self.settings.release
        lookers = frozenset({release.officer_duty, release.auditor_duty})
        return party_of(self.subject, self.settings.sharing, lookers)

    @cached_property
    def sharing(self) -> Sharing:
        """The steps of requests for shares; blocking. Raises: `HubError`."""
        return Sharing(self.database, self.settings, self.loaded(), clock=self.clock)

    @cached_property
    def registrar(self) -> Publisher:
        """The steps of registered sources; blocking.

        Raises: `HubError` NOT_FOUND where there are none.
        """
        if not self.settings.registry.enabled:
            raise absent("registered sources", "registry.enabled")
        return Publisher(self.database, self.settings)

    @cached_property
    def emergencies(self) -> EmergencyDesk:
        """The steps in emergencies; blocking. Raises: `HubError` NOT_FOUND where there are none."""
        if not self.settings.emergency.enabled:
            raise absent("break-glass", "emergency.lists")
        return EmergencyDesk(self.database, self.settings, self.loaded, self.clock)

    @cached_property
    def corrections(self) -> CorrectionDesk:
        """The steps with doubts; blocking. Raises: `HubError` NOT_FOUND where there are none."""
        return CorrectionDesk(self.database, self.settings, lambda: self.loaded().packs, self.clock)


Asked = Info[Context, None]


def check_staff(subject: Subject, settings: Settings) -> None:
    """Who has none of the duties that this door knows is shown nothing.

    Raises: `HubError` FORBIDDEN.
    """
    known = known_duties(settings)
    if subject.acting_for is not None or not subject.duties & known:
        told = ", ".join(f"`{duty}`" for duty in sorted(known))
        raise HubError(
            "FORBIDDEN", "the control door is for staff with duties", hint=f"such as {told}"
        )


def source_actor(subject: Subject, settings: Settings) -> Actor:
    """Somebody with the duties that their credentials say.

    Raises: `HubError` FORBIDDEN for everybody else.
    """
    duties = settings.registry
    officer = duties.officer_duty in subject.duties
    # fails closed: staff of no department would be staff of every one
    steward = duties.steward_duty in subject.duties and subject.department is not None
    if not (officer or steward):
        hint = f"it asks for the duty `{duties.steward_duty}` or `{duties.officer_duty}`"
        raise HubError("FORBIDDEN", "this is for staff with duties", hint=hint)
    names = {subject.user} if subject.user is not None else {subject.app}
    return Actor(
        name=subject.id,
        names=frozenset(names),
        department=None if subject.department is None else str(subject.department),
        steward=steward,
        officer=officer,
    )


def absent(what: str, setting: str) -> HubError:
    """This hub does not have an area."""
    return HubError("NOT_FOUND", f"this hub has no {what}", hint=f"an operator sets `{setting}`")

"""Who asks at the control door, and what they ask it of."""

from __future__ import annotations

import asyncio

import msgspec
from strawberry.types import Info

from hub.registration.actor import Actor
from hub.registration.publishing import Publisher
from hub.settings.declared import RegistrySettings
from schema.errors import HubError
from schema.model.subject import Subject


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """One request's."""

    actor: Actor
    registrar: Publisher
    checking: asyncio.Semaphore
    """One check at a time: it composes everything and reaches a source."""


Asked = Info[Context, None]


def actor_of(subject: Subject, settings: RegistrySettings) -> Actor:
    """Somebody with the duties that their credentials say.

    Raises: `HubError` FORBIDDEN for everybody else.
    """
    officer = settings.officer_duty in subject.duties
    # fails closed: staff of no department would be staff of every one
    steward = settings.steward_duty in subject.duties and subject.department is not None
    if subject.acting_for is not None or not (officer or steward):
        hint = f"it asks for the duty `{settings.steward_duty}` or `{settings.officer_duty}`"
        raise HubError("FORBIDDEN", "the control door is for staff with duties", hint=hint)
    names = {subject.user} if subject.user is not None else {subject.app}
    return Actor(
        name=subject.id,
        names=frozenset(names),
        department=None if subject.department is None else str(subject.department),
        steward=steward,
        officer=officer,
    )

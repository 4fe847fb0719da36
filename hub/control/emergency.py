"""Emergencies at the control door: declared, used, revoked and reviewed by whom it is a duty."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import strawberry

from hub.control.context import Asked, Context
from hub.control.outcome import StepConflict, StepRefused, conflict, moment, refusal
from hub.store.emergency import Emergency, Opened, Outcome
from schema.errors import HubError

Id = Annotated[str, strawberry.argument(description="The emergency's.")]
Opening = Annotated[str, strawberry.argument(description="The opening's id.")]
CaseId = Annotated[str, strawberry.argument(description="The case that it is for; on record.")]
Reason = Annotated[str, strawberry.argument(description="Why; officers and reviewers read it.")]


@strawberry.enum(name="ReviewOutcome", description="What a review comes to.")
class ReviewOutcome(Enum):
    """As it is kept."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


@strawberry.type(name="Emergency", description="A declared emergency.")
class DeclaredEmergency:
    """As an officer has declared it."""

    id: str
    title: str
    region: str | None = strawberry.field(description="Where; null: everywhere.")
    opens: list[str] = strawberry.field(description="The lists that may be opened in it.")
    since: dt.datetime
    until: dt.datetime = strawberry.field(description="When it ends, or has ended.")
    declared_by: str


@strawberry.type(description="What a person has opened in an emergency, for one case.")
class GlassOpening:
    """With what its review came to."""

    id: str
    emergency: str
    listed: str = strawberry.field(name="list", description="What was opened.")
    app: str
    user: str
    case_id: str
    reason: str
    departments: list[str] = strawberry.field(description="Whose fields it shows.")
    since: dt.datetime
    until: dt.datetime = strawberry.field(description="When it closes, or has closed.")
    review_due: dt.datetime = strawberry.field(description="After that the app is suspended.")
    outcome: ReviewOutcome | None
    reviewed_by: str | None
    review_note: str | None


@strawberry.type(description="An emergency was declared or ended.")
class EmergencyStep:
    """The emergency then."""

    emergency: DeclaredEmergency


@strawberry.type(description="Glass was broken, or what was opened was revoked or reviewed.")
class GlassStep:
    """The opening then."""

    opening: GlassOpening


EmergencyOutcome = Annotated[
    EmergencyStep | StepRefused | StepConflict, strawberry.union("EmergencyOutcome")
]
GlassOutcome = Annotated[GlassStep | StepRefused | StepConflict, strawberry.union("GlassOutcome")]


@strawberry.type(description="Emergencies, for whoever has a duty in them.")
class EmergencyQuery:
    """Questions."""

    @strawberry.field(description="Every emergency, the newest first.")
    async def emergencies(self, info: Asked) -> list[DeclaredEmergency]:
        """For all with a duty."""
        at = info.context
        found = await asyncio.to_thread(lambda: at.emergencies.emergencies(at.subject))
        return [_emergency(one) for one in found]

    @strawberry.field(description="What was opened: officers see all, others their own.")
    async def glass_openings(self, info: Asked) -> list[GlassOpening]:
        """The newest first."""
        at = info.context
        found = await asyncio.to_thread(lambda: at.emergencies.openings(at.subject))
        return [_opening(one) for one in found]

    @strawberry.field(description="Applications that are suspended for want of a review.")
    async def suspended_apps(self, info: Asked) -> list[str]:
        """For officers."""
        at = info.context
        return list(await asyncio.to_thread(lambda: at.emergencies.suspended(at.subject)))


@strawberry.type(description="Steps in emergencies; all are on record.")
class EmergencyMutation:
    """Steps."""

    @strawberry.mutation(description="Declare an emergency from now on.")
    async def declare_emergency(
        self,
        info: Asked,
        id: Id,
        title: str,
        opens: list[str],
        hours: int,
        region: str | None = None,
    ) -> EmergencyOutcome:
        """For emergency officers."""
        at = info.context
        return await _declared(
            lambda: at.emergencies.declare(
                at.subject, id, title=title, opens=opens, hours=hours, region=region
            )
        )

    @strawberry.mutation(description="End an emergency, and close all that was opened in it.")
    async def end_emergency(self, info: Asked, id: Id) -> EmergencyOutcome:
        """For emergency officers."""
        at = info.context

        def ended() -> Emergency:
            at.emergencies.end(at.subject, id)
            found = at.emergencies.emergencies(at.subject)
            return next(one for one in found if one.id == id)

        return await _declared(ended)

    @strawberry.mutation(description="Open a list, for yourself and the application you use.")
    async def break_glass(
        self,
        info: Asked,
        emergency: Id,
        which: Annotated[str, strawberry.argument(name="list", description="What to open.")],
        case_id: CaseId,
        reason: Reason,
    ) -> GlassOutcome:
        """For persons with the duty, logged in as the list asks."""
        at = info.context
        return await _glass(
            lambda: at.emergencies.open_glass(
                at.subject, emergency, which, case_id=case_id, reason=reason
            )
        )

    @strawberry.mutation(description="Close what was opened, at once.")
    async def revoke_glass(self, info: Asked, opening: Opening) -> GlassOutcome:
        """For security officers."""
        at = info.context

        def revoked() -> Opened:
            at.emergencies.revoke(at.subject, opening)
            return _found(at, opening)

        return await _glass(revoked)

    @strawberry.mutation(description="Say whether what was done was justified.")
    async def review_glass(
        self,
        info: Asked,
        opening: Opening,
        outcome: ReviewOutcome,
        note: Annotated[str, strawberry.argument(description="What was found, what follows.")],
    ) -> GlassOutcome:
        """For security officers who have not opened it themselves."""
        at = info.context
        kept: Outcome = outcome.value

        def reviewed() -> Opened:
            at.emergencies.review(at.subject, opening, kept, note)
            return _found(at, opening)

        return await _glass(reviewed)


async def _declared(take: Callable[[], Emergency]) -> EmergencyStep | StepRefused | StepConflict:
    try:
        return EmergencyStep(emergency=_emergency(await asyncio.to_thread(take)))
    except HubError as error:
        return _failed(error)


async def _glass(take: Callable[[], Opened]) -> GlassStep | StepRefused | StepConflict:
    try:
        return GlassStep(opening=_opening(await asyncio.to_thread(take)))
    except HubError as error:
        return _failed(error)


def _failed(error: HubError) -> StepRefused | StepConflict:
    return conflict(error) if error.code == "EDIT_CONFLICT" else refusal(error)


def _found(at: Context, opening: str) -> Opened:
    return next(one for one in at.emergencies.openings(at.subject) if one.id == opening)


def _emergency(one: Emergency) -> DeclaredEmergency:
    return DeclaredEmergency(
        id=one.id,
        title=one.title,
        region=one.region,
        opens=list(one.lists),
        since=moment(one.since),
        until=moment(one.over),
        declared_by=one.declared_by,
    )


def _opening(one: Opened) -> GlassOpening:
    return GlassOpening(
        id=one.id,
        emergency=one.emergency,
        listed=one.list,
        app=one.app,
        user=one.user,
        case_id=one.case_id,
        reason=one.reason,
        departments=list(one.departments),
        since=moment(one.since),
        until=moment(one.over),
        review_due=moment(one.review_due),
        outcome=None if one.outcome is None else ReviewOutcome(one.outcome),
        reviewed_by=one.reviewed_by,
        review_note=one.review_note,
    )

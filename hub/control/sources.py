"""Registered sources at the control door: what their staff and officers ask and do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from hub.control import source_types as types
from hub.control.context import Asked, Context
from hub.control.outcome import EditConflict, StepRefused, moment, refusal
from hub.control.source_types import ApprovalStatement, Source, StepOutcome, StepTaken
from hub.registration.history import ConflictError
from hub.rollout.release import canonical
from hub.rollout.signature import SOURCE, Envelope, read_envelope
from hub.store.registrations import Version
from schema.errors import HubError

BasedOn = Annotated[
    int, strawberry.argument(description="The revision you have looked at; 0 for a new source.")
]
Name = Annotated[str, strawberry.argument(description="The source's name.")]
Reason = Annotated[str, strawberry.argument(description="Why; it stands on record.")]
Approval = Annotated[
    str, strawberry.argument(description="`approvalStatement`, signed: JWS JSON, general form.")
]


@strawberry.type(description="What is registered. Staff see their department's, officers all.")
class SourceQuery:
    """Questions."""

    @strawberry.field(description="Every registered source that you may see, by name.")
    async def sources(self, info: Asked) -> list[Source]:
        """Sorted by name."""
        context = info.context
        found = await asyncio.to_thread(lambda: context.registrar.sources(context.actor))
        return [types.source(one) for one in found]

    @strawberry.field(description="One source; null alike where there is none or not for you.")
    async def source(self, info: Asked, name: Name) -> Source | None:
        """By its name."""
        context = info.context
        try:
            return types.source(
                await asyncio.to_thread(lambda: context.registrar.source(context.actor, name))
            )
        except HubError as error:
            if error.code != "NOT_FOUND":
                raise
            return None

    @strawberry.field(description="What an officer signs to approve, or to roll back to `to`.")
    async def approval_statement(
        self, info: Asked, name: Name, to: int | None = None
    ) -> ApprovalStatement:
        """For officers."""
        context = info.context
        statement = await asyncio.to_thread(
            lambda: context.registrar.statement(context.actor, name, to)
        )
        payload = canonical(statement).decode()
        return ApprovalStatement(payload=payload, typ=SOURCE, part="approver")


@strawberry.type(description="Steps. Each states the revision it is based on; all are on record.")
class SourceMutation:
    """Steps of staff and officers."""

    @strawberry.mutation(description="Register a fragment, or edit the version under way.")
    async def register_source(self, info: Asked, text: str, based_on: BasedOn) -> StepOutcome:
        """For the department's staff."""
        at = info.context
        return await _step(at, lambda: at.registrar.edit(at.actor, text, based_on=based_on or None))

    @strawberry.mutation(description="Check the version under way; the report says what it found.")
    async def check_source(self, info: Asked, name: Name, based_on: BasedOn) -> StepOutcome:
        """For staff and officers."""
        at = info.context

        async def checked() -> Version:
            if at.checking.locked():
                # whoever waited would keep others from the door
                raise HubError(
                    "OVERLOADED", "another check is under way", hint="try again when it has ended"
                )
            async with at.checking:
                registrar = await asyncio.to_thread(lambda: at.registrar)
                return (await registrar.check(at.actor, name, based_on=based_on))[0]

        return await _awaited(at, checked)

    @strawberry.mutation(description="Ask an officer to approve what was checked.")
    async def submit_source(self, info: Asked, name: Name, based_on: BasedOn) -> StepOutcome:
        """For the department's staff."""
        at = info.context
        return await _step(at, lambda: at.registrar.submit(at.actor, name, based_on=based_on))

    @strawberry.mutation(description="Make a draft again of what was submitted or approved.")
    async def recall_source(self, info: Asked, name: Name, based_on: BasedOn) -> StepOutcome:
        """For the department's staff."""
        at = info.context
        return await _step(at, lambda: at.registrar.recall(at.actor, name, based_on=based_on))

    @strawberry.mutation(description="Approve what is submitted, by a signature.")
    async def approve_source(
        self, info: Asked, name: Name, based_on: BasedOn, approval: Approval
    ) -> StepOutcome:
        """For officers."""
        at = info.context
        return await _step(
            at,
            lambda: at.registrar.approve(
                at.actor, name, _envelope(at, approval), based_on=based_on
            ),
        )

    @strawberry.mutation(description="Send back what is submitted or approved.")
    async def reject_source(
        self, info: Asked, name: Name, based_on: BasedOn, reason: Reason
    ) -> StepOutcome:
        """For officers."""
        at = info.context
        return await _step(
            at, lambda: at.registrar.reject(at.actor, name, reason, based_on=based_on)
        )

    @strawberry.mutation(description="Put what is approved in force, without a restart.")
    async def publish_source(self, info: Asked, name: Name, based_on: BasedOn) -> StepOutcome:
        """For the department's staff and officers."""
        at = info.context
        return await _step(at, lambda: at.registrar.publish(at.actor, name, based_on=based_on))

    @strawberry.mutation(description="Publish an earlier version's text again, by a signature.")
    async def roll_back_source(
        self,
        info: Asked,
        name: Name,
        based_on: BasedOn,
        to: Annotated[int, strawberry.argument(description="The version to go back to.")],
        reason: Reason,
        approval: Approval,
    ) -> StepOutcome:
        """For officers."""
        at = info.context
        return await _step(
            at,
            lambda: at.registrar.roll_back(
                at.actor, name, _envelope(at, approval), to=to, reason=reason, based_on=based_on
            ),
        )

    @strawberry.mutation(description="Take a source out of the catalogue, or its draft back.")
    async def withdraw_source(
        self, info: Asked, name: Name, based_on: BasedOn, reason: Reason
    ) -> StepOutcome:
        """For the department's staff and officers."""
        at = info.context
        return await _step(
            at, lambda: at.registrar.withdraw(at.actor, name, reason, based_on=based_on)
        )


Taken = Version | tuple[Version, tuple[str, ...]]


async def _step(at: Context, take: Callable[[], Taken]) -> StepTaken | StepRefused | EditConflict:
    async def taken() -> Taken:
        return await asyncio.to_thread(take)

    return await _awaited(at, taken)


async def _awaited(
    at: Context, take: Callable[[], Awaitable[Taken]]
) -> StepTaken | StepRefused | EditConflict:
    """What became of a step; only what nobody foresaw is raised."""
    try:
        done = await take()
        version, gone = done if isinstance(done, tuple) else (done, ())
        found = await asyncio.to_thread(lambda: at.registrar.source(at.actor, version.source))
    except ConflictError as error:
        return EditConflict(
            code=error.code, message=error.message, hint=error.hint,
            revision=error.last.revision, by=error.last.by, at=moment(error.last.at),
            act=error.last.act, difference=error.difference,
        )  # fmt: skip
    except HubError as error:
        return refusal(error)
    return StepTaken(source=types.source(found), version=types.version(version), gone=list(gone))


def _envelope(at: Context, text: str) -> Envelope:
    at.actor.check_officer()
    try:
        return read_envelope(text)
    except HubError as error:
        hint = "sign what `approvalStatement` says"
        raise HubError("REGISTRATION_INVALID", error.message, hint=hint, cause=error) from error

"""Doubts at the control door: what stewards and the authority ask and do."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import msgspec
import strawberry

from hub.control.context import Asked
from hub.control.outcome import StepConflict, StepRefused, conflict, moment, refusal
from hub.corrections.desk import Settled, Shown
from hub.store.corrections import Correction, Score
from schema.errors import HubError

Id = Annotated[str, strawberry.argument(description="The doubt's.")]
BasedOn = Annotated[int, strawberry.argument(description="The revision that you have looked at.")]
Note = Annotated[str, strawberry.argument(description="Why; the department's stewards read it.")]


@strawberry.enum(name="CorrectionOutcome", description="How a doubt that was taken up ends.")
class CorrectionOutcome(Enum):
    """As it is kept."""

    CORRECTED = "corrected"
    UNFOUNDED = "unfounded"
    WITHDRAWN = "withdrawn"


@strawberry.type(name="Correction", description="A doubt about one field of one row.")
class DoubtedField:
    """Without what it says."""

    id: str
    field: str
    department: str
    state: str
    revision: int
    reported_at: dt.datetime
    reporter: str
    reporter_department: str | None
    purpose: str | None
    due_at: dt.datetime
    extended: bool
    overdue: bool


@strawberry.type(description="What was done with a doubt.")
class CorrectionStepTaken:
    """One step."""

    revision: int
    act: str
    state: str
    by: str
    at: dt.datetime
    note: str | None


@strawberry.type(description="A doubt as its department's stewards read it; the look is on record.")
class CorrectionShown:
    """With key, claimed value and evidence."""

    correction: DoubtedField
    key: str = strawberry.field(description="The row's key, as JSON.")
    claimed: str | None = strawberry.field(description="The claimed value, as JSON.")
    evidence: str
    steps: list[CorrectionStepTaken]


@strawberry.type(description="How a department keeps the clock.")
class CorrectionScore:
    """Figures alone."""

    department: str
    open: int
    overdue: int
    settled: int
    late: int


@strawberry.type(description="A step with a doubt was taken.")
class CorrectionStep:
    """The doubt then."""

    correction: DoubtedField


CorrectionStepOutcome = Annotated[
    CorrectionStep | StepRefused | StepConflict, strawberry.union("CorrectionStepOutcome")
]


@strawberry.type(description="Doubts: stewards see their department's, the authority all.")
class CorrectionQuery:
    """Questions."""

    @strawberry.field(description="Doubts, those that are due first; at most a thousand.")
    async def corrections(self, info: Asked) -> list[DoubtedField]:
        """Never what they say."""
        at = info.context
        found = await asyncio.to_thread(lambda: at.corrections.corrections(at.subject))
        return [_doubted(one, at.clock()) for one in found]

    @strawberry.field(description="One doubt with what it says, for its department's stewards.")
    async def correction(self, info: Asked, id: Id) -> CorrectionShown | None:
        """Null alike where there is none and where it is another department's."""
        at = info.context
        try:
            found = await asyncio.to_thread(lambda: at.corrections.show(at.subject, id))
        except HubError as error:
            if error.code != "NOT_FOUND":
                raise
            return None
        return _shown(found, at.clock())

    @strawberry.field(description="How departments keep the clock, for the authority.")
    async def correction_scores(self, info: Asked) -> list[CorrectionScore]:
        """By department."""
        at = info.context
        found = await asyncio.to_thread(lambda: at.corrections.scores(at.subject))
        return [_score(one) for one in found]


@strawberry.type(description="Steps with doubts; all are on record.")
class CorrectionMutation:
    """Steps."""

    @strawberry.mutation(description="Take a doubt up; answers then tell that it is disputed.")
    async def accept_correction(
        self,
        info: Asked,
        id: Id,
        based_on: BasedOn,
        note: Note,
    ) -> CorrectionStepOutcome:
        """For the department's stewards."""
        at = info.context
        return await _step(
            at.clock, lambda: at.corrections.accept(at.subject, id, note, based_on=based_on)
        )

    @strawberry.mutation(description="Do not take a doubt up, with reasons.")
    async def reject_correction(
        self,
        info: Asked,
        id: Id,
        based_on: BasedOn,
        note: Note,
    ) -> CorrectionStepOutcome:
        """For the department's stewards."""
        at = info.context
        return await _step(
            at.clock, lambda: at.corrections.reject(at.subject, id, note, based_on=based_on)
        )

    @strawberry.mutation(description="Settle a doubt that was taken up.")
    async def resolve_correction(
        self,
        info: Asked,
        id: Id,
        based_on: BasedOn,
        outcome: CorrectionOutcome,
        note: Note,
    ) -> CorrectionStepOutcome:
        """For the department's stewards; the value itself is mended at the source."""
        at = info.context
        settled: Settled = outcome.value
        return await _step(
            at.clock,
            lambda: at.corrections.resolve(at.subject, id, settled, note, based_on=based_on),
        )

    @strawberry.mutation(description="Consent to more time, once.")
    async def extend_correction(
        self,
        info: Asked,
        id: Id,
        based_on: BasedOn,
        note: Note,
    ) -> CorrectionStepOutcome:
        """For the authority."""
        at = info.context
        return await _step(
            at.clock, lambda: at.corrections.extend(at.subject, id, note, based_on=based_on)
        )


async def _step(
    clock: Callable[[], float], take: Callable[[], Correction]
) -> CorrectionStep | StepRefused | StepConflict:
    try:
        return CorrectionStep(correction=_doubted(await asyncio.to_thread(take), clock()))
    except HubError as error:
        return conflict(error) if error.code == "EDIT_CONFLICT" else refusal(error)


def _doubted(one: Correction, now: float) -> DoubtedField:
    return DoubtedField(
        id=one.id,
        field=one.element,
        department=one.department,
        state=one.state,
        revision=one.revision,
        reported_at=moment(one.reported_at),
        reporter=one.reporter,
        reporter_department=one.reporter_department,
        purpose=one.purpose,
        due_at=moment(one.due_at),
        extended=one.extended,
        overdue=one.open and one.due_at <= now,
    )


def _shown(found: Shown, now: float) -> CorrectionShown:
    claimed = found.doubt.claimed
    return CorrectionShown(
        correction=_doubted(found.correction, now),
        key=_json(found.doubt.key),
        claimed=None if claimed is None else _json(claimed),
        evidence=found.doubt.evidence,
        steps=[
            CorrectionStepTaken(
                revision=one.step.revision,
                act=one.step.act,
                state=one.step.state,
                by=one.step.by,
                at=moment(one.step.at),
                note=one.note,
            )
            for one in found.steps
        ],
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _score(one: Score) -> CorrectionScore:
    return CorrectionScore(
        department=one.department,
        open=one.open,
        overdue=one.overdue,
        settled=one.settled,
        late=one.late,
    )

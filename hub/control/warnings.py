"""Early warnings at the control door: looked at, acknowledged, closed."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import strawberry

from hub.control.context import Asked, Context, absent
from hub.control.outcome import StepConflict, StepRefused, conflict, moment, refusal
from hub.store.warnings import STATES, Warned
from hub.warning.desk import WarningDesk
from schema.errors import HubError

Id = Annotated[str, strawberry.argument(description="The warning's.")]
BasedOn = Annotated[int, strawberry.argument(description="The revision that you have looked at.")]
Reason = Annotated[str, strawberry.argument(description="What it was; it stands on record.")]


@strawberry.enum(description="Where a warning stands.")
class WarningState(Enum):
    """As the store names them."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@strawberry.type(description="Who is told of a warning, and whether they took it.")
class WarningDelivery:
    """See `hub.store.warnings`."""

    receiver: str = strawberry.field(description="Its name, and `webhook` or `mail`.")
    state: str = strawberry.field(description="waiting, sent or failed")
    tries: int
    outcome: str


@strawberry.type(description="An early warning: names and numbers, never a data value.")
class EarlyWarning:
    """See `hub.store.warnings`."""

    id: str
    rule: str
    kind: str
    severity: str
    owner: str = strawberry.field(description="Whose rule it is: `duty:NAME` or `app:NAME`.")
    title_en: str
    title_zh: str
    app: str | None
    department: str | None
    source: str | None
    what: str | None = strawberry.field(description="An element, a code or a grant.")
    since: dt.datetime
    first_at: dt.datetime
    last_at: dt.datetime
    times: int = strawberry.field(description="How often it was found while it was quiet.")
    count: float = strawberry.field(description="The most that was counted.")
    expected: float = strawberry.field(description="What that was compared with.")
    state: WarningState
    revision: int
    changed_at: dt.datetime
    changed_by: str
    reason: str | None


@strawberry.type(description="One warning, and who was told of it.")
class WarningLook:
    """See `hub.warning.desk`."""

    warning: EarlyWarning
    deliveries: list[WarningDelivery]


@strawberry.type(description="The step was taken.")
class WarningStep:
    """What it led to."""

    warning: EarlyWarning


WarningOutcome = Annotated[
    WarningStep | StepRefused | StepConflict, strawberry.union("WarningOutcome")
]


@strawberry.type(description="Early warnings: for those who are warned. Each look is on record.")
class WarningsQuery:
    """Questions."""

    @strawberry.field(description="Warnings, the latest first; at most 500.")
    async def early_warnings(
        self, info: Asked, state: WarningState | None = None, since: dt.datetime | None = None
    ) -> list[EarlyWarning]:
        """As `hub warning list`."""
        desk = _desk(info.context)
        chosen = next((one for one in STATES if state is not None and one == state.value), None)
        start = 0.0 if since is None else since.timestamp()
        found = await asyncio.to_thread(lambda: desk.listed(state=chosen, since=start))
        return [_warning(one) for one in found]

    @strawberry.field(description="One of them; null where there is none.")
    async def early_warning(self, info: Asked, id: Id) -> WarningLook | None:
        """By its id."""
        desk = _desk(info.context)
        try:
            found = await asyncio.to_thread(desk.show, id)
        except HubError as error:
            if error.code != "NOT_FOUND":
                raise
            return None
        deliveries = [
            WarningDelivery(
                receiver=one.receiver, state=one.state, tries=one.tries, outcome=one.outcome
            )
            for one in found.deliveries
        ]
        return WarningLook(warning=_warning(found.warned), deliveries=deliveries)


@strawberry.type(description="What becomes of warnings.")
class WarningsMutation:
    """Steps."""

    @strawberry.mutation(description="Say that somebody looks into it.")
    async def acknowledge_warning(self, info: Asked, id: Id, based_on: BasedOn) -> WarningOutcome:
        """For those who are warned."""
        desk = _desk(info.context)
        return await _taken(lambda: desk.acknowledge(id, based_on=based_on))

    @strawberry.mutation(description="Say what it was.")
    async def close_warning(
        self, info: Asked, id: Id, based_on: BasedOn, reason: Reason
    ) -> WarningOutcome:
        """For those who are warned."""
        desk = _desk(info.context)
        return await _taken(lambda: desk.close(id, reason, based_on=based_on))


def _desk(at: Context) -> WarningDesk:
    """Raises: `HubError` FORBIDDEN, NOT_FOUND."""
    declared = at.settings.warnings
    if not declared.enabled:
        raise absent("early warnings", "warnings.enabled")
    if not at.subject.duties & set(declared.duties):
        hint = f"it asks for one of the duties {', '.join(f'`{one}`' for one in declared.duties)}"
        raise HubError("FORBIDDEN", "warnings are for those who are warned", hint=hint)
    return WarningDesk(at.database, at.settings, by=at.subject.id, clock=at.clock)


async def _taken(take: Callable[[], Warned]) -> WarningStep | StepRefused | StepConflict:
    try:
        return WarningStep(warning=_warning(await asyncio.to_thread(take)))
    except HubError as error:
        return conflict(error) if error.code == "EDIT_CONFLICT" else refusal(error)


def _warning(one: Warned) -> EarlyWarning:
    return EarlyWarning(
        id=one.id,
        rule=one.rule,
        kind=one.kind,
        severity=one.severity,
        owner=one.owner,
        title_en=one.title_en,
        title_zh=one.title_zh,
        app=one.app or None,
        department=one.department or None,
        source=one.source or None,
        what=one.what or None,
        since=moment(one.since),
        first_at=moment(one.first_at),
        last_at=moment(one.last_at),
        times=one.times,
        count=float(one.amount),
        expected=one.expected,
        state=WarningState(one.state),
        revision=one.revision,
        changed_at=moment(one.changed_at),
        changed_by=one.changed_by,
        reason=one.reason,
    )

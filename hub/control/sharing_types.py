"""What the control door shows of requests for shares and of grants."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from hub.control.outcome import StepConflict, StepRefused, moment
from hub.sharing.desk import Shown
from hub.sharing.request import Part, Terms
from hub.sharing.search import Listed
from hub.store.sharing import Reached, StoredGrant


@strawberry.enum(description="Where a request stands.")
class ShareRequestState(Enum):
    """As the store names them."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


@strawberry.enum(description="What a department has answered.")
class SharePartState(Enum):
    """As the store names them."""

    WAITING = "waiting"
    GRANTED = "granted"
    AGREED = "agreed"
    REFUSED = "refused"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


@strawberry.enum(description="Why an owner may refuse.")
class ShareRefusal(Enum):
    """Grounds that a data authority can judge."""

    LAW_FORBIDS = "law-forbids"
    SECRET = "secret"  # noqa: S105  # a ground
    PURPOSE_NOT_A_DUTY = "purpose-not-a-duty"
    MORE_THAN_NECESSARY = "more-than-necessary"
    NOT_HELD = "not-held"
    QUALITY_NOT_SUFFICIENT = "quality-not-sufficient"
    PROTECTION_NOT_SUFFICIENT = "protection-not-sufficient"
    OTHER_SOURCE_AUTHORITATIVE = "other-source-authoritative"


@strawberry.enum(description="What a data authority judges of a refusal.")
class ShareJudgement(Enum):
    """It permits nothing by itself."""

    UPHOLD = "uphold"
    RECONSIDER = "reconsider"


@strawberry.enum(description="Where a grant stands.")
class GrantState(Enum):
    """`LIVE` within its period."""

    OFFERED = "offered"
    LIVE = "live"
    REVOKED = "revoked"


@strawberry.input(description="What is shared, as a grant says it.")
class ShareTermsInput:
    """See `docs/policies.md`, Grants."""

    purpose: str
    fields: JSON = strawberry.field(
        description="An object: `Type.field` to `allow`, or to a mask as rules write it."
    )
    modes: list[str] = strawberry.field(default_factory=lambda: ["read"])
    rows: JSON | None = strawberry.field(default=None, description="A condition as rules write it.")
    since: dt.date = strawberry.field(name="from", description="The first day.")
    expires: dt.date = strawberry.field(description="The last day.")
    zone: str = "UTC"
    obligations: list[JSON] = strawberry.field(default_factory=list)


@strawberry.input(description="A request for a share.")
class ShareRequestInput:
    """Who wants what of whom, why, for how long."""

    app: str = strawberry.field(description="The application that will read.")
    department: str = strawberry.field(description="Whose it is.")
    legal_basis: str
    duty_item: str
    scenario: str
    terms: ShareTermsInput
    volume: str = ""
    recipient_ack: bool = False
    no_onward_transfer: bool = True


@strawberry.type(description="What is shared, as a grant says it.")
class ShareTerms:
    """See `docs/policies.md`, Grants."""

    purpose: str
    fields: JSON
    modes: list[str]
    rows: JSON | None
    since: str = strawberry.field(name="from")
    expires: str
    zone: str
    obligations: list[JSON]


@strawberry.type(description="What one department answers of a request.")
class SharePart:
    """By its number, from 0."""

    number: int
    department: str
    unconditional: bool = strawberry.field(description="All of it is shared unconditionally.")
    fields: list[str]
    state: SharePartState
    clock: str | None
    due: dt.datetime | None = strawberry.field(description="When the owner's clock runs out.")
    late: bool = strawberry.field(
        description="It has: the data authority sees it; nothing is permitted by that."
    )
    answered_at: dt.datetime | None
    answered_by: str | None
    reason: ShareRefusal | None
    said: str
    terms: ShareTerms | None = strawberry.field(description="What was agreed.")
    grant: str | None


@strawberry.type(description="What somebody did to a request.")
class ShareStep:
    """See `hub.store.sharing`."""

    revision: int
    act: str
    part: int | None
    by: str
    at: dt.datetime
    reason: str | None


@strawberry.type(description="A request for a share, and what became of it.")
class ShareRequest:
    """See `hub.sharing.request`."""

    id: str
    revision: int = strawberry.field(description="Counts the steps; each states the one before.")
    state: ShareRequestState
    app: str
    department: str
    legal_basis: str
    duty_item: str
    scenario: str
    volume: str
    recipient_ack: bool
    no_onward_transfer: bool
    renews: str | None
    terms: ShareTerms
    submitted_at: dt.datetime | None
    changed_at: dt.datetime
    changed_by: str
    parts: list[SharePart]
    steps: list[ShareStep] = strawberry.field(description="Of one request that was asked for.")


@strawberry.type(description="An approved share.")
class ShareGrant:
    """See `hub.store.sharing`."""

    id: str
    request: str
    owner: str
    department: str
    app: str
    state: GrantState
    text: str = strawberry.field(description="The grant, as a file would have it.")
    since: dt.datetime
    expires: dt.datetime
    certified_at: dt.datetime
    certify_by: dt.datetime = strawberry.field(description="When its owner is to confirm it.")
    changed_at: dt.datetime
    changed_by: str
    reason: str | None


@strawberry.type(description="When a worker had taken up the last change to a grant.")
class GrantReach:
    """One worker."""

    worker: str
    at: dt.datetime


@strawberry.type(description="A grant, and where its last change has arrived.")
class GrantReached:
    """See `docs/sharing.md`."""

    grant: ShareGrant
    workers: list[GrantReach]


@strawberry.type(description="A field that could be asked for.")
class ShareableField:
    """As far as the caller may know of it."""

    coordinate: str
    title: JSON
    about: JSON
    owner: str
    share: str
    conditions: list[str]
    how: str = strawberry.field(description="How to get it.")


@strawberry.type(description="A step with a request was taken.")
class ShareTaken:
    """The request then."""

    request: ShareRequest


@strawberry.type(description="A step with a grant was taken.")
class GrantTaken:
    """The grant then."""

    grant: ShareGrant


ShareOutcome = Annotated[
    ShareTaken | StepRefused | StepConflict,
    strawberry.union("ShareOutcome", description="What became of a step."),
]
GrantOutcome = Annotated[
    GrantTaken | StepRefused | StepConflict,
    strawberry.union("GrantOutcome", description="What became of a step."),
]


def request(found: Shown, now: float) -> ShareRequest:
    """A request as it is shown."""
    held = found.held
    asked = held.request
    return ShareRequest(
        id=found.id, revision=found.revision, state=ShareRequestState(held.state), app=asked.app,
        department=asked.department, legal_basis=asked.legal_basis, duty_item=asked.duty_item,
        scenario=asked.scenario, volume=asked.volume, recipient_ack=asked.recipient_ack,
        no_onward_transfer=asked.no_onward_transfer, renews=asked.renews,
        terms=terms(asked.terms), submitted_at=_moment(held.submitted_at),
        changed_at=moment(found.changed_at), changed_by=found.changed_by,
        parts=[_part(number, one, now) for number, one in enumerate(held.parts)],
        steps=[
            ShareStep(
                revision=one.revision, act=one.act, part=one.part, by=one.by, at=moment(one.at),
                reason=one.reason,
            )
            for one in found.steps
        ],
    )  # fmt: skip


def terms(found: Terms) -> ShareTerms:
    """Terms as they are shown."""
    return ShareTerms(
        purpose=found.purpose, fields=_json(found.fields), modes=found.modes,
        rows=None if found.rows is None else _json(found.rows), since=found.since,
        expires=found.expires, zone=found.zone,
        obligations=[_json(one) for one in found.obligations],
    )  # fmt: skip


def grant(found: StoredGrant, certify_s: float) -> ShareGrant:
    """A grant as it is shown."""
    return ShareGrant(
        id=found.id, request=found.request, owner=found.owner, department=found.department,
        app=found.app, state=GrantState(found.state), text=found.text, since=moment(found.since),
        expires=moment(found.expires), certified_at=moment(found.certified_at),
        certify_by=moment(found.certified_at + certify_s), changed_at=moment(found.changed_at),
        changed_by=found.changed_by, reason=found.reason,
    )  # fmt: skip


def reach(found: Reached) -> GrantReach:
    """A worker as it is shown."""
    return GrantReach(worker=found.worker, at=moment(found.at))


def listed(found: Listed) -> ShareableField:
    """A field as it is shown."""
    return ShareableField(
        coordinate=found.coordinate, title=_json(dict(found.title)), about=_json(dict(found.about)),
        owner=found.owner, share=found.share, conditions=list(found.conditions), how=found.how,
    )  # fmt: skip


def _part(number: int, one: Part, now: float) -> SharePart:
    waits = one.state == "waiting"
    end = now if waits else one.answered_at
    return SharePart(
        number=number, department=one.department, unconditional=one.unconditional,
        fields=one.fields, state=SharePartState(one.state), clock=one.clock, due=_moment(one.due),
        late=one.due is not None and end is not None and end > one.due,
        answered_at=_moment(one.answered_at), answered_by=one.answered_by,
        reason=None if one.reason is None else ShareRefusal(one.reason), said=one.said,
        terms=None if one.terms is None else terms(one.terms), grant=one.grant,
    )  # fmt: skip


def _moment(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else moment(seconds)


def _json(found: Any) -> JSON:
    return JSON(found)

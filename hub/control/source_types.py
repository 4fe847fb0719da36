"""What the control door shows of registered sources: versions, reports and steps."""

from __future__ import annotations

import asyncio
import datetime as dt
from enum import Enum
from typing import Annotated

import strawberry

from hub.control.context import Asked
from hub.control.outcome import EditConflict, StepRefused, moment
from hub.registration.history import Source as Found
from hub.registration.registrar import report_of
from hub.registration.report import Report as FoundReport
from hub.store.registrations import Step as FoundStep
from hub.store.registrations import Version as FoundVersion


@strawberry.enum(description="Where a version of a source stands.")
class SourceState(Enum):
    """As the store names them."""

    DRAFT = "draft"
    CHECKED = "checked"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


@strawberry.type(description="One thing that a check found.")
class Finding:
    """See `hub.registration.report`."""

    kind: str = strawberry.field(description="reach, labels, composition, rules or probe")
    severity: str = strawberry.field(description="error: it cannot be submitted; or note")
    code: str
    message: str
    where: str | None = strawberry.field(description="file:line:column")
    hint: str | None


@strawberry.type(description="One difference to the catalogue in force.")
class CatalogueChange:
    """See `schema.compose.evolve`."""

    kind: str = strawberry.field(description="safe, dangerous or breaking")
    coordinate: str
    message: str


@strawberry.type(description="A field that is labelled or shared otherwise.")
class LabelChange:
    """See `hub.registration.report`."""

    coordinate: str
    what: str = strawberry.field(description="label or share")
    before: str
    after: str
    way: str = strawberry.field(description="new, raised, lowered, changed or gone")


@strawberry.type(description="An operation by its name and the digest of its text.")
class OperationExample:
    """See `hub.registration.report`."""

    name: str | None
    digest: str
    asked: int
    reason: str


@strawberry.type(description="What becomes of the recorded operations of one application.")
class OperationEffect:
    """See `hub.registration.report`."""

    department: str | None
    app: str
    breaks: int
    changes: int
    asked: int
    examples: list[OperationExample]


@strawberry.type(description="What the last check of a text found.")
class CheckReport:
    """See `hub.registration.report`."""

    passed: bool
    at: dt.datetime
    by: str
    digest: str
    base: str = strawberry.field(description="The catalogue that it was checked against.")
    findings: list[Finding]
    changes: list[CatalogueChange]
    labels: list[LabelChange]
    operations: int = strawberry.field(description="Recorded operations that were decided anew.")
    effects: list[OperationEffect]


@strawberry.type(description="One version of a source.")
class SourceVersion:
    """See `hub.store.registrations`."""

    row: strawberry.Private[FoundVersion]
    version: int
    state: SourceState
    digest: str = strawberry.field(description="SHA-256 of its text.")
    follows: int = strawberry.field(description="What was published when it was begun; or 0.")
    changed_at: dt.datetime
    changed_by: str
    submitted_by: str | None
    reason: str | None

    @strawberry.field(description="The fragment.")
    async def text(self, info: Asked) -> str:
        """Its text, read when it is asked for."""
        return await asyncio.to_thread(info.context.registrar.text, self.row)

    @strawberry.field(description="What the last check of its text found.")
    def report(self) -> CheckReport | None:
        """Its report."""
        return None if self.row.report is None else report(report_of(self.row))


@strawberry.type(description="What somebody did to a source.")
class SourceStep:
    """See `hub.store.registrations`."""

    revision: int
    version: int
    act: str
    state: SourceState
    digest: str
    by: str
    at: dt.datetime
    reason: str | None


@strawberry.type(description="A registered source.")
class Source:
    """All that is known of it."""

    found: strawberry.Private[Found]
    name: str
    department: str
    revision: int = strawberry.field(description="Counts the steps; each states the one before.")
    published: SourceVersion | None
    under_way: SourceVersion | None
    versions: list[SourceVersion]
    steps: list[SourceStep]

    @strawberry.field(description="A unified difference of two versions' texts.")
    async def difference(
        self,
        info: Asked,
        old: Annotated[int | None, strawberry.argument(description="Or what is published.")] = None,
        new: Annotated[int | None, strawberry.argument(description="Or the newest.")] = None,
    ) -> str:
        """Read when it is asked for."""
        registrar = info.context.registrar
        return await asyncio.to_thread(registrar.difference, self.found, old, new)


@strawberry.type(description="What an officer signs: JWS, Ed25519, with these headers.")
class ApprovalStatement:
    """See `hub.registration.approval`."""

    payload: str = strawberry.field(description="The exact text to sign, in UTF-8.")
    typ: str
    part: str


@strawberry.type(description="A step was taken.")
class StepTaken:
    """What became of the source."""

    source: Source
    version: SourceVersion
    gone: list[str] = strawberry.field(description="Of a withdrawal: what disappears.")


StepOutcome = Annotated[
    StepTaken | StepRefused | EditConflict,
    strawberry.union("StepOutcome", description="What became of a step."),
]


def source(found: Found) -> Source:
    """A source as it is shown."""
    published, under_way = found.published, found.under_way
    return Source(
        found=found,
        name=found.name,
        department=found.department,
        revision=found.revision,
        published=None if published is None else version(published),
        under_way=None if under_way is None else version(under_way),
        versions=[version(one) for one in found.versions],
        steps=[step(one) for one in found.steps],
    )


def version(row: FoundVersion) -> SourceVersion:
    """A version as it is shown."""
    return SourceVersion(
        row=row,
        version=row.version,
        state=SourceState(row.state),
        digest=row.digest,
        follows=row.follows,
        changed_at=moment(row.changed_at),
        changed_by=row.changed_by,
        submitted_by=row.submitted_by,
        reason=row.reason,
    )


def step(row: FoundStep) -> SourceStep:
    """A step as it is shown."""
    return SourceStep(
        revision=row.revision, version=row.version, act=row.act, state=SourceState(row.state),
        digest=row.digest, by=row.by, at=moment(row.at), reason=row.reason,
    )  # fmt: skip


def report(found: FoundReport) -> CheckReport:
    """A report as it is shown."""
    return CheckReport(
        passed=found.passed, at=moment(found.at), by=found.by, digest=found.digest,
        base=found.base,
        findings=[
            Finding(
                kind=one.kind, severity=one.severity, code=one.code, message=one.message,
                where=one.where, hint=one.hint,
            )
            for one in found.findings
        ],
        changes=[
            CatalogueChange(kind=one.kind, coordinate=str(one.coordinate), message=one.message)
            for one in found.changes
        ],
        labels=[
            LabelChange(
                coordinate=one.coordinate, what=one.what, before=one.before, after=one.after,
                way=one.way,
            )
            for one in found.labels
        ],
        operations=found.operations,
        effects=[
            OperationEffect(
                department=one.department, app=one.app, breaks=one.breaks, changes=one.changes,
                asked=one.asked,
                examples=[
                    OperationExample(
                        name=held.name, digest=held.digest, asked=held.asked, reason=held.reason
                    )
                    for held in one.examples
                ],
            )
            for one in found.effects
        ],
    )  # fmt: skip

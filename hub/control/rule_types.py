"""What the control door shows of rules: epochs, proposals, and what was found about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Annotated

import strawberry

from hub.control.outcome import StepConflict, StepRefused, moment
from hub.rollout.release import Release
from hub.rollout.signature import Signed
from hub.store.proposals import Proposal
from hub.store.releases import Stored


@strawberry.enum(description="What became of an epoch of rules.")
class EpochState(Enum):
    """As `hub policy status` has them."""

    ACTIVE = "active"
    SCHEDULED = "scheduled"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled back"
    REPLACED = "replaced before it began"


@strawberry.enum(description="Where a proposal stands.")
class ProposalState(Enum):
    """As the store names them."""

    OPEN = "open"
    ACTIVATED = "activated"
    WITHDRAWN = "withdrawn"


@strawberry.enum(description="What rules change for callers, compared with those in force.")
class RulesChangeKind(Enum):
    """See `hub.rollout.release`."""

    EQUAL = "equal"
    TIGHTENING = "tightening"
    LOOSENING = "loosening"
    BOTH = "both"
    UNDECIDED = "undecided"


@strawberry.type(description="A file of a release.")
class RulesFile:
    """By its name."""

    name: str
    text: str


@strawberry.type(description="Who has signed a release.")
class ReleaseSignature:
    """A signature that holds."""

    who: str = strawberry.field(description="An officer, or the department that consents.")
    part: str = strawberry.field(description="author, approver or owner")
    at: dt.datetime = strawberry.field(description="When the signer says it was.")


@strawberry.type(description="What came of one assertion.")
class RulesProof:
    """See `hub.rollout.release`."""

    assertion: str
    verdict: str


@strawberry.type(description="What rules change for callers, compared with those in force.")
class RulesChange:
    """See `hub.rollout.release`."""

    kind: RulesChangeKind
    more: list[str] = strawberry.field(description="Uses that somebody has more of.")
    less: list[str]
    owners: list[str] = strawberry.field(description="Whose fields are shown to more.")
    unasserted: list[str] = strawberry.field(
        description="Assertions that are gone or say something else."
    )


@strawberry.type(description="A release: rules, and what the gate found about them.")
class RulesRelease:
    """What is signed."""

    name: str
    rules: str = strawberry.field(description="The digest of its rules.")
    made_at: dt.datetime
    expires: dt.datetime
    activate_at: dt.datetime | None
    base: int = strawberry.field(description="The epoch that it was compared with.")
    bundles: list[RulesFile]
    assertions: list[RulesFile]
    tests: list[RulesFile]
    notes: list[str]
    expectations: int = strawberry.field(description="Of tests, all met.")
    proofs: list[RulesProof]
    change: RulesChange


@strawberry.type(description="Rules that are, were or will be in force.")
class RulesEpoch:
    """One row of `hub policy status`."""

    epoch: int
    state: EpochState
    revoked: bool
    kind: str = strawberry.field(description="What it changed, or rollback.")
    rules: str = strawberry.field(description="The digest of its rules.")
    active_from: dt.datetime
    by: str
    release: RulesRelease | None = strawberry.field(
        description="Null where its signatures hold no more."
    )
    signatures: list[ReleaseSignature]


@strawberry.type(description="A release that waits for signatures, or did.")
class RulesProposal:
    """See `hub.store.proposals`."""

    digest: str = strawberry.field(description="SHA-256 of what is signed.")
    name: str
    state: ProposalState
    revision: int = strawberry.field(description="Counts the steps; each states the one before.")
    epoch: int | None
    reason: str | None
    changed_at: dt.datetime
    changed_by: str
    envelope: str = strawberry.field(description="JWS JSON, general form: what others sign too.")
    release: RulesRelease | None = strawberry.field(
        description="Null where its signatures hold no more."
    )
    signatures: list[ReleaseSignature]
    missing: str | None = strawberry.field(description="What its quorum lacks; null: complete.")


@strawberry.type(description="What an officer signs: JWS, Ed25519, with these headers.")
class RulesStatement:
    """See `hub.rollout.signature`."""

    payload: str = strawberry.field(description="The exact text to sign, in UTF-8.")
    typ: str
    part: str


@strawberry.type(description="A step with a proposal was taken.")
class ProposalStep:
    """What became of it."""

    proposal: RulesProposal


@strawberry.type(description="Rules came into force, or will.")
class RulesPut:
    """What became of an activation."""

    epoch: int
    active_from: dt.datetime
    replaced: list[int] = strawberry.field(description="Epochs that were to come and do not.")


StatementOutcome = Annotated[
    RulesStatement | StepRefused,
    strawberry.union("RulesStatementOutcome", description="What to sign, or why not."),
]
ProposalOutcome = Annotated[
    ProposalStep | StepRefused | StepConflict,
    strawberry.union("ProposalOutcome", description="What became of a step."),
]
PutOutcome = Annotated[
    RulesPut | StepRefused | StepConflict,
    strawberry.union("RulesPutOutcome", description="What became of an activation."),
]


def release(found: Release) -> RulesRelease:
    """A release as it is shown."""
    evidence, change = found.evidence, found.evidence.change
    return RulesRelease(
        name=found.name, rules=found.rules, made_at=moment(found.made_at),
        expires=moment(found.expires),
        activate_at=None if found.activate_at is None else moment(found.activate_at),
        base=found.base.epoch, bundles=_files(found.bundles), assertions=_files(found.assertions),
        tests=_files(found.tests), notes=list(evidence.notes), expectations=evidence.expectations,
        proofs=[
            RulesProof(assertion=one.assertion, verdict=one.verdict) for one in evidence.proofs
        ],
        change=RulesChange(
            kind=RulesChangeKind(change.kind), more=list(change.more), less=list(change.less),
            owners=list(change.owners), unasserted=list(change.unasserted),
        ),
    )  # fmt: skip


def signatures(found: tuple[Signed, ...]) -> list[ReleaseSignature]:
    """Who has signed, as it is shown."""
    return [ReleaseSignature(who=one.signer.who, part=one.part, at=moment(one.at)) for one in found]


def epoch(
    row: Stored, state: str, held: Release | None, by: tuple[Signed, ...], *, revoked: bool
) -> RulesEpoch:
    """An epoch as it is shown."""
    return RulesEpoch(
        epoch=row.epoch, state=EpochState(state), revoked=revoked, kind=row.kind, rules=row.digest,
        active_from=moment(row.active_from), by=row.recorded_by,
        release=None if held is None else release(held), signatures=signatures(by),
    )  # fmt: skip


def proposal(
    row: Proposal, held: Release | None, by: tuple[Signed, ...], missing: str | None
) -> RulesProposal:
    """A proposal as it is shown."""
    return RulesProposal(
        digest=row.digest, name=row.name, state=ProposalState(row.state), revision=row.revision,
        epoch=row.epoch, reason=row.reason, changed_at=moment(row.changed_at),
        changed_by=row.changed_by, envelope=row.release,
        release=None if held is None else release(held), signatures=signatures(by),
        missing=missing,
    )  # fmt: skip


def _files(texts: Mapping[str, str]) -> list[RulesFile]:
    return [RulesFile(name=name, text=text) for name, text in sorted(texts.items())]

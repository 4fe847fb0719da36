"""Rules at the control door: what is in force, and the steps of releases."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated

import strawberry

from hub.control import rule_types as types
from hub.control.apart import take_apart
from hub.control.context import Asked, Context, absent
from hub.control.outcome import StepConflict, StepRefused, conflict, moment, refusal
from hub.control.rule_types import (
    ProposalOutcome,
    ProposalStep,
    PutOutcome,
    RulesEpoch,
    RulesProposal,
    RulesPut,
    RulesStatement,
    StatementOutcome,
)
from hub.rollout.act import Acts
from hub.rollout.active import revoked_epochs, states_of
from hub.rollout.proposal_view import looked_at, release_in
from hub.rollout.signature import RELEASE, ROLLBACK
from hub.rollout.signer import Signers, read_signers
from hub.rollout.step import (
    Activate,
    Countersign,
    GoBack,
    OrderBack,
    Outcome,
    Prepare,
    Propose,
    Step,
    Work,
)
from hub.rollout.withdrawal import withdraw
from hub.store.proposals import proposal, proposals
from hub.store.releases import history
from schema.errors import HubError

_MOST_S = 120.0
_FILES = 500

Digest = Annotated[str, strawberry.argument(description="The proposal's.")]
BasedOn = Annotated[int, strawberry.argument(description="The revision that you have looked at.")]
Envelope = Annotated[
    str, strawberry.argument(description="What was stated, signed: JWS JSON, general form.")
]
Seconds = Annotated[
    float,
    strawberry.argument(description="For each assertion, and for the comparison; at most 120."),
]


@strawberry.input(description="A file of rules, assertions or tests.")
class RulesFileInput:
    """By its name, without a folder."""

    name: str
    text: str


@strawberry.type(description="Rules: for security officers and auditors.")
class RulesQuery:
    """Questions."""

    @strawberry.field(description="Every epoch of rules so far, the first one first.")
    async def rules_epochs(self, info: Asked) -> list[RulesEpoch]:
        """As `hub policy status`."""
        at = info.context
        check_reader(at)
        return await asyncio.to_thread(_epochs, at)

    @strawberry.field(description="Releases that wait for signatures, or did; the newest first.")
    async def rules_proposals(self, info: Asked) -> list[RulesProposal]:
        """At most the newest thousand."""
        at = info.context
        check_reader(at)
        return await asyncio.to_thread(_proposals, at)

    @strawberry.field(description="One of them; null where there is none.")
    async def rules_proposal(self, info: Asked, digest: Digest) -> RulesProposal | None:
        """By its digest."""
        at = info.context
        check_reader(at)
        try:
            return await asyncio.to_thread(_proposal, at, digest)
        except HubError as error:
            if error.code != "NOT_FOUND":
                raise
            return None


@strawberry.type(description="Steps of releases. Officers sign at their own machines.")
class RulesMutation:
    """For officers."""

    @strawberry.mutation(
        description="Lint, test, prove and compare a draft; what its author would sign."
    )
    async def prepare_release(
        self,
        info: Asked,
        name: str,
        bundles: list[RulesFileInput],
        assertions: list[RulesFileInput],
        tests: list[RulesFileInput],
        valid_days: int | None = None,
        activate_at: dt.datetime | None = None,
        seconds: Seconds = 60.0,
    ) -> StatementOutcome:
        """Nothing is kept."""
        try:
            step = Prepare(
                name=name, bundles=_texts(bundles), assertions=_texts(assertions),
                tests=_texts(tests), days=_days(valid_days),
                activate_at=None if activate_at is None else int(_instant(activate_at)),
            )  # fmt: skip
            found = await _taken(info.context, step, seconds)
        except HubError as error:
            return refusal(error)
        return RulesStatement(payload=found.text or "", typ=RELEASE, part="author")

    @strawberry.mutation(description="Propose a release that its author has signed.")
    async def propose_release(
        self, info: Asked, envelope: Envelope, seconds: Seconds = 60.0
    ) -> ProposalOutcome:
        """Everything in it is found anew."""
        return await _proposed(info.context, Propose(envelope=envelope), seconds)

    @strawberry.mutation(description="Add one signature, of an officer or of an owner.")
    async def countersign_release(
        self,
        info: Asked,
        digest: Digest,
        based_on: BasedOn,
        envelope: Envelope,
        seconds: Seconds = 60.0,
    ) -> ProposalOutcome:
        """Everything in it is found anew."""
        step = Countersign(digest=digest, envelope=envelope, based_on=based_on)
        return await _proposed(info.context, step, seconds)

    @strawberry.mutation(description="Take a proposal back.")
    async def withdraw_release(
        self, info: Asked, digest: Digest, based_on: BasedOn, reason: str
    ) -> ProposalOutcome:
        """For officers."""
        at = info.context
        try:
            check_officer(at)
            now = at.clock()
            acts = Acts(at.database, at.settings, at.clock, at.subject.id)
            step = (digest, based_on, reason)
            await asyncio.to_thread(withdraw, at.database, acts, now, at.subject.id, step)
            return ProposalStep(proposal=await asyncio.to_thread(_proposal, at, digest))
        except HubError as error:
            return _failed(error)

    @strawberry.mutation(description="Put a proposal in force, at once or from a moment on.")
    async def activate_release(
        self,
        info: Asked,
        digest: Digest,
        based_on: BasedOn,
        at: dt.datetime | None = None,
        seconds: Seconds = 60.0,
    ) -> PutOutcome:
        """Signatures must be enough, and everything is found anew."""
        try:
            start = None if at is None else _instant(at)
            step = Activate(digest=digest, at=start, based_on=based_on)
            return _put(await _taken(info.context, step, seconds))
        except HubError as error:
            return _failed(error)

    @strawberry.mutation(description="What an officer signs to go back to an earlier epoch.")
    async def prepare_rollback(
        self, info: Asked, to: int, reason: str, *, revoke: bool = False
    ) -> StatementOutcome:
        """Nothing is kept; `revoke` also refuses what the epochs in between have decided."""
        try:
            step = OrderBack(to=to, reason=reason, revoke=revoke)
            found = await _taken(info.context, step, 1.0)
        except HubError as error:
            return refusal(error)
        return RulesStatement(payload=found.text or "", typ=ROLLBACK, part="author")

    @strawberry.mutation(description="Go back, by an officer's signed order.")
    async def roll_back_rules(self, info: Asked, envelope: Envelope) -> PutOutcome:
        """As an epoch of its own; grants that were revoked stay so."""
        try:
            return _put(await _taken(info.context, GoBack(envelope=envelope), 1.0))
        except HubError as error:
            return _failed(error)


def check_reader(at: Context) -> None:
    """Raises: `HubError` FORBIDDEN, NOT_FOUND."""
    _check(at, at.settings.release.officer_duty, at.settings.release.auditor_duty)


def check_officer(at: Context) -> None:
    """Raises: `HubError` FORBIDDEN, NOT_FOUND."""
    _check(at, at.settings.release.officer_duty)


def _check(at: Context, *duties: str) -> None:
    if not at.settings.release.control:
        raise absent("steps of rules over HTTP", "release.control")
    if not at.subject.duties & set(duties):
        hint = f"it asks for the duty `{duties[0]}`"
        raise HubError("FORBIDDEN", "rules are a security officer's", hint=hint)


async def _taken(at: Context, step: Step, seconds: float) -> Outcome:
    """Take a step in a process of its own."""
    check_officer(at)
    if not 0 < seconds <= _MOST_S:
        raise HubError("BAD_REQUEST", f"`seconds` is not above 0 and up to {_MOST_S:.0f}")
    if at.checking.locked():
        # whoever waited would keep others from the door
        hint = "try again when it has ended"
        raise HubError("OVERLOADED", "another check is under way", hint=hint)
    async with at.checking:
        work = Work(settings=at.settings, step=step, asked_by=at.subject.id, seconds=seconds)
        return await take_apart(work)


async def _proposed(
    at: Context, step: Step, seconds: float
) -> ProposalStep | StepRefused | StepConflict:
    try:
        found = await _taken(at, step, seconds)
        shown = await asyncio.to_thread(_proposal, at, found.digest or "")
    except HubError as error:
        return _failed(error)
    return ProposalStep(proposal=shown)


def _failed(error: HubError) -> StepRefused | StepConflict:
    return conflict(error) if error.code == "EDIT_CONFLICT" else refusal(error)


def _put(found: Outcome) -> RulesPut:
    return RulesPut(
        epoch=found.epoch or 0,
        active_from=moment(found.active_from or 0.0),
        replaced=list(found.replaced),
    )


def _epochs(at: Context) -> list[RulesEpoch]:
    rows, signers = history(at.database), _signers(at)
    states, revoked = states_of(rows, at.clock()), revoked_epochs(rows)
    return [
        types.epoch(
            row, states[row.epoch], *release_in(row.release, signers), revoked=row.epoch in revoked
        )
        for row in rows
    ]


def _proposals(at: Context) -> list[RulesProposal]:
    signers = _signers(at)
    return [
        types.proposal(row, *looked_at(row.release, signers, at.settings.release))
        for row in proposals(at.database)
    ]


def _proposal(at: Context, digest: str) -> RulesProposal:
    row = proposal(at.database, digest)
    return types.proposal(row, *looked_at(row.release, _signers(at), at.settings.release))


def _signers(at: Context) -> Signers:
    return read_signers(at.settings.release)


def _texts(files: list[RulesFileInput]) -> dict[str, str]:
    if len(files) > _FILES:
        raise HubError("BAD_REQUEST", f"there are more than {_FILES} files")
    found: dict[str, str] = {}
    for file in files:
        if not file.name or len(file.name) > 200 or "/" in file.name or "\\" in file.name:
            raise HubError("BAD_REQUEST", "a file has no plain name", hint="name it without folder")
        if file.name in found:
            raise HubError("BAD_REQUEST", "two files have one name", hint="rename one")
        found[file.name] = file.text
    return found


def _days(days: int | None) -> int | None:
    if days is not None and not 0 < days <= 366:
        raise HubError("BAD_REQUEST", "`validDays` is not from 1 to 366")
    return days


def _instant(when: dt.datetime) -> float:
    if when.tzinfo is None:
        hint = "write it as 2026-06-01T10:00:00+08:00"
        raise HubError("BAD_REQUEST", "the moment has no zone", hint=hint)
    return when.timestamp()

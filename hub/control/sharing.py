"""Shares at the control door: searching, asking, answering, and the life of grants."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Annotated

import msgspec
import strawberry

from hub.control import sharing_types as types
from hub.control.context import Asked, Context
from hub.control.outcome import StepConflict, StepRefused, conflict, refusal
from hub.control.sharing_types import (
    GrantOutcome,
    GrantReached,
    GrantTaken,
    ShareableField,
    ShareGrant,
    ShareJudgement,
    ShareOutcome,
    ShareRefusal,
    ShareRequest,
    ShareRequestInput,
    ShareTaken,
    ShareTermsInput,
)
from hub.sharing.desk import Shown
from hub.sharing.request import Request, Terms, read_request
from hub.sharing.search import search
from hub.store.sharing import StoredGrant
from schema.errors import HubError

DAY_S = 86_400.0
Id = Annotated[str, strawberry.argument(description="The request's.")]
GrantId = Annotated[str, strawberry.argument(description="The grant's.")]
Part = Annotated[int, strawberry.argument(description="Which part, from 0.")]
BasedOn = Annotated[int, strawberry.argument(description="The revision that you have looked at.")]
Said = Annotated[str, strawberry.argument(description="In words; it stands on record.")]


@strawberry.type(description="Shares. Everybody sees what their department asks or answers.")
class SharingQuery:
    """Questions."""

    @strawberry.field(description="Fields that the words are about, of those one may know of.")
    async def shareable_fields(self, info: Asked, words: str) -> list[ShareableField]:
        """The best first, at most two hundred."""
        at = info.context
        party = at.party
        found = await asyncio.to_thread(search, at.loaded(), words, party.department)
        return [types.listed(one) for one in found]

    @strawberry.field(description="Requests, the last changed first.")
    async def share_requests(self, info: Asked) -> list[ShareRequest]:
        """At most the newest thousand."""
        at = info.context
        found = await asyncio.to_thread(lambda: at.sharing.requests(at.party))
        return [types.request(one, at.clock()) for one in found]

    @strawberry.field(description="One request; null alike where there is none or not for you.")
    async def share_request(self, info: Asked, id: Id) -> ShareRequest | None:
        """By its id."""
        at = info.context
        try:
            found = await asyncio.to_thread(lambda: at.sharing.request(at.party, id))
        except HubError as error:
            if error.code != "NOT_FOUND":
                raise
            return None
        return types.request(found, at.clock())

    @strawberry.field(description="Grants of what the department owns or uses.")
    async def share_grants(self, info: Asked) -> list[ShareGrant]:
        """At most the newest thousand."""
        at = info.context
        found = await asyncio.to_thread(lambda: at.sharing.grants(at.party))
        return [types.grant(one, _certify_s(at)) for one in found]

    @strawberry.field(description="A grant, and when each worker had taken up its last change.")
    async def share_grant_reach(self, info: Asked, grant: GrantId) -> GrantReached | None:
        """Null alike where there is none or not for you."""
        at = info.context
        try:
            row, workers = await asyncio.to_thread(lambda: at.sharing.reach(at.party, grant))
        except HubError as error:
            if error.code != "NOT_FOUND":
                raise
            return None
        return GrantReached(
            grant=types.grant(row, _certify_s(at)), workers=[types.reach(one) for one in workers]
        )


@strawberry.type(description="Steps with requests and grants; all are on record.")
class SharingMutation:
    """Steps of requesters, owners and the data authority."""

    @strawberry.mutation(description="Begin a request, or write a draft anew.")
    async def write_share_request(
        self,
        info: Asked,
        request: ShareRequestInput,
        id: Id | None = None,
        based_on: BasedOn | None = None,
    ) -> ShareOutcome:
        """For the requesting department."""
        at = info.context
        return await _taken(
            at,
            lambda: at.sharing.write(at.party, _request(at, request), ident=id, based_on=based_on),
        )

    @strawberry.mutation(description="Ask the owners; what is unconditional is granted at once.")
    async def submit_share_request(self, info: Asked, id: Id, based_on: BasedOn) -> ShareOutcome:
        """For the requesting department."""
        at = info.context
        return await _taken(at, lambda: at.sharing.submit(at.party, id, based_on=based_on))

    @strawberry.mutation(description="Take back what is not answered.")
    async def withdraw_share_request(
        self, info: Asked, id: Id, based_on: BasedOn, reason: Said
    ) -> ShareOutcome:
        """For the requesting department."""
        at = info.context
        return await _taken(
            at, lambda: at.sharing.withdraw(at.party, id, reason, based_on=based_on)
        )

    @strawberry.mutation(description="Give what was asked for, or less.")
    async def agree_to_share(
        self,
        info: Asked,
        id: Id,
        part: Part,
        based_on: BasedOn,
        terms: ShareTermsInput | None = None,
        said: Said = "",
    ) -> ShareOutcome:
        """For the owning department."""
        at = info.context
        return await _taken(
            at,
            lambda: at.sharing.agree(
                at.party, id, part, terms=None if terms is None else _terms(terms), said=said,
                based_on=based_on,
            ),
        )  # fmt: skip

    @strawberry.mutation(description="Refuse, for a reason of the list and in words.")
    async def refuse_share(
        self, info: Asked, id: Id, part: Part, based_on: BasedOn, reason: ShareRefusal, said: Said
    ) -> ShareOutcome:
        """For the owning department."""
        at = info.context
        return await _taken(
            at,
            lambda: at.sharing.refuse(
                at.party, id, part, reason=reason.value, said=said, based_on=based_on
            ),
        )

    @strawberry.mutation(description="Ask the data authority to judge a refusal.")
    async def dispute_refusal(
        self, info: Asked, id: Id, part: Part, based_on: BasedOn, reason: Said
    ) -> ShareOutcome:
        """For the requesting department."""
        at = info.context
        return await _taken(
            at, lambda: at.sharing.dispute(at.party, id, part, reason, based_on=based_on)
        )

    @strawberry.mutation(description="Judge a dispute; it permits nothing by itself.")
    async def judge_dispute(
        self,
        info: Asked,
        id: Id,
        part: Part,
        based_on: BasedOn,
        judgement: ShareJudgement,
        said: Said,
    ) -> ShareOutcome:
        """For the data authority."""
        at = info.context
        return await _taken(
            at,
            lambda: at.sharing.judge(
                at.party, id, part, judgement=judgement.value, said=said, based_on=based_on
            ),
        )

    @strawberry.mutation(description="A draft that asks for a grant's share again.")
    async def renew_share(self, info: Asked, grant: GrantId, expires: dt.date) -> ShareOutcome:
        """For the department that uses it."""
        at = info.context
        return await _taken(at, lambda: at.sharing.renew(at.party, grant, expires.isoformat()))

    @strawberry.mutation(description="Sign for what is received; then the grant is live.")
    async def accept_grant(self, info: Asked, grant: GrantId) -> GrantOutcome:
        """For the department that uses it."""
        at = info.context
        return await _granted(at, lambda: at.sharing.accept(at.party, grant))

    @strawberry.mutation(description="Confirm that a grant is still needed and in order.")
    async def certify_grant(self, info: Asked, grant: GrantId) -> GrantOutcome:
        """For the owning department."""
        at = info.context
        return await _granted(at, lambda: at.sharing.certify(at.party, grant))

    @strawberry.mutation(description="End a grant now, on all workers.")
    async def revoke_grant(self, info: Asked, grant: GrantId, reason: Said) -> GrantOutcome:
        """For the owning department, and the data authority."""
        at = info.context
        return await _granted(at, lambda: at.sharing.revoke(at.party, grant, reason))


async def _taken(at: Context, take: Callable[[], Shown]) -> ShareTaken | StepRefused | StepConflict:
    try:
        shown = await asyncio.to_thread(take)
    except HubError as error:
        return conflict(error) if error.code == "EDIT_CONFLICT" else refusal(error)
    return ShareTaken(request=types.request(shown, at.clock()))


async def _granted(
    at: Context, take: Callable[[], StoredGrant]
) -> GrantTaken | StepRefused | StepConflict:
    try:
        row = await asyncio.to_thread(take)
    except HubError as error:
        return conflict(error) if error.code == "EDIT_CONFLICT" else refusal(error)
    return GrantTaken(grant=types.grant(row, _certify_s(at)))


def _certify_s(at: Context) -> float:
    return at.settings.sharing.certify_days * DAY_S


def _request(at: Context, given: ShareRequestInput) -> Request:
    at.party.check_requests(given.department)
    return read_request({
        "app": given.app, "department": given.department, "legal_basis": given.legal_basis,
        "duty_item": given.duty_item, "scenario": given.scenario, "volume": given.volume,
        "recipient_ack": given.recipient_ack, "no_onward_transfer": given.no_onward_transfer,
        "terms": msgspec.to_builtins(_terms(given.terms)),
    })  # fmt: skip


def _terms(given: ShareTermsInput) -> Terms:
    if not isinstance(given.fields, dict):
        hint = 'write `{"Type.field": "allow"}`'
        raise HubError("SHARE_INVALID", "`fields` is not an object", hint=hint)
    return Terms(
        purpose=given.purpose, fields=given.fields, modes=given.modes, rows=given.rows,
        since=given.since.isoformat(), expires=given.expires.isoformat(), zone=given.zone,
        obligations=given.obligations,
    )  # fmt: skip

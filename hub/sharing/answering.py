"""The owner's and the authority's steps: agree, refuse, revoke, certify, judge."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import msgspec

from hub.sharing.desk import Desk, Shown
from hub.sharing.party import Party
from hub.sharing.request import Held, Part, PartState, RefusalReason, Request, Terms
from hub.sharing.terms import check_narrower, fields_of, grant_of, grant_text, part_of
from hub.store import sharing as store
from hub.store.sharing import Reached, StoredGrant
from policies.window import zone_of
from schema.errors import HubError

Judgement = ("uphold", "reconsider")
_MOST_SAID = 2_000


class Owners(Desk):
    """Steps of who owns, and of the data authority."""

    def agree(
        self,
        party: Party,
        ident: str,
        part: int,
        *,
        terms: Terms | None = None,
        said: str = "",
        based_on: int | None = None,
    ) -> Shown:
        """Give what was asked for, or less: `terms` may narrow and add obligations.

        Raises: `HubError` FORBIDDEN, SHARE_INVALID, SHARE_REFUSED, EDIT_CONFLICT.
        """
        with self.refusals("share.agree", party, ident):
            shown, old = self._to_answer(party, ident, part, based_on)
            request = shown.held.request
            self._check_owner(request, old)
            wanted = part_of(request.terms, old.fields)
            given = wanted if terms is None else terms
            check_narrower(
                grant_of("request", request, wanted, self.loaded),
                grant_of("request", request, given, self.loaded),
            )
            new, grant = self.granted(shown, part, old, given)
            new = msgspec.structs.replace(
                new, state="agreed", answered_by=party.name, said=said[:_MOST_SAID]
            )
            held = self.with_part(shown, part, new)
            return self.take("agree", party, shown, held, part=part, grants=(grant,))

    def refuse(
        self,
        party: Party,
        ident: str,
        part: int,
        *,
        reason: str,
        said: str,
        based_on: int | None = None,
    ) -> Shown:
        """Refuse, for a reason of the list, and in words."""
        with self.refusals("share.refuse", party, ident):
            shown, old = self._to_answer(party, ident, part, based_on)
            if reason not in get_args(RefusalReason):
                hint = "one of " + ", ".join(get_args(RefusalReason))
                raise HubError("SHARE_INVALID", "the reason is not on the list", hint=hint)
            if not said.strip() or len(said) > _MOST_SAID:
                raise HubError("SHARE_INVALID", "a refusal is in words too")
            new = msgspec.structs.replace(
                old, state="refused", answered_at=self.now, answered_by=party.name,
                reason=reason, said=said,
            )  # fmt: skip
            held = self.with_part(shown, part, new)
            return self.take("refuse", party, shown, held, part=part, reason=reason)

    def judge(
        self,
        party: Party,
        ident: str,
        part: int,
        *,
        judgement: str,
        said: str,
        based_on: int | None = None,
    ) -> Shown:
        """Uphold a refusal, or let the owner reconsider it by a new clock; it permits nothing."""
        with self.refusals("share.judge", party, ident):
            party.check_judges()
            shown = self.based_on(party, ident, based_on)
            old = self.part(shown, part, "disputed")
            if judgement not in Judgement:
                raise HubError("SHARE_INVALID", "the judgement is `uphold` or `reconsider`")
            if not said.strip() or len(said) > _MOST_SAID:
                raise HubError("SHARE_INVALID", "a judgement states its reason")
            if party.names & set(shown.held.written_by) or old.answered_by in party.names:
                raise _apart()
            if judgement == "uphold":
                new = msgspec.structs.replace(old, state="refused", said=said)
            else:
                clock, now = self.clock_of(unconditional=old.unconditional), self.now
                new = msgspec.structs.replace(
                    old, state="waiting", since=now, due=self.due(clock, now), answered_at=None,
                    answered_by=None, reason=None, said=said,
                )  # fmt: skip
            held = self.with_part(shown, part, new)
            return self.take(judgement, party, shown, held, part=part, reason=said)

    def revoke(self, party: Party, grant: str, reason: str) -> StoredGrant:
        """End a grant now, on all workers: the owner or the authority."""
        with self.refusals("share.revoke", party, grant):
            party.check_owns(judging=True)
            row = self.grant(party, grant)
            if not party.authority:
                party.check_answers(row.owner)
            if not reason.strip() or len(reason) > _MOST_SAID:
                raise HubError("SHARE_INVALID", "a revocation states its reason")
            if row.state == "revoked":
                raise HubError("SHARE_REFUSED", "the grant is revoked already")
            return self.change_grant("revoke", party, row, state="revoked", reason=reason)

    def certify(self, party: Party, grant: str) -> StoredGrant:
        """Confirm that a grant is still needed and in order."""
        with self.refusals("share.certify", party, grant):
            party.check_owns()
            row = self.grant(party, grant)
            party.check_answers(row.owner)
            if row.state != "live":
                raise HubError("SHARE_REFUSED", f"the grant is {row.state}")
            return self.change_grant("certify", party, row, certified_at=self.now)

    def reach(self, party: Party, grant: str) -> tuple[StoredGrant, tuple[Reached, ...]]:
        """A grant, and when each worker had taken up its last change."""
        row = self.grant(party, grant)
        return row, store.reach_of(self.engine, row.number)

    # -- for these and the requester's

    def part(self, shown: Shown, part: int, *states: PartState) -> Part:
        """One part in one of some states. Raises: `HubError` NOT_FOUND, SHARE_REFUSED."""
        if not 0 <= part < len(shown.held.parts):
            raise HubError("NOT_FOUND", "the request has no such part")
        found = shown.held.parts[part]
        if found.state not in states:
            raise HubError("SHARE_REFUSED", f"the part is {found.state}")
        return found

    def with_part(self, shown: Shown, part: int, new: Part) -> Held:
        """The request with one part changed."""
        parts = [new if at == part else one for at, one in enumerate(shown.held.parts)]
        open_ = any(one.state in ("waiting", "disputed") for one in parts)
        return msgspec.structs.replace(
            shown.held, parts=parts, state="submitted" if open_ else "answered"
        )

    def granted(
        self, shown: Shown, number: int, part: Part, terms: Terms
    ) -> tuple[Part, StoredGrant]:
        """A part with its grant, which is live once the recipient has accepted it."""
        request, now = shown.held.request, self.now
        ident = f"share-{shown.id}-{number}"
        live = grant_of(ident, request, terms, self.loaded).live
        row = StoredGrant(
            id=ident, request=shown.id, part=number, owner=part.department,
            department=request.department, app=request.app,
            state="offered" if request.recipient_ack else "live",
            text=grant_text(ident, request, terms), since=live.since, expires=live.until,
            certified_at=now, changed_at=now, changed_by=shown.changed_by,
        )  # fmt: skip
        new = msgspec.structs.replace(part, answered_at=now, terms=terms, grant=ident)
        return new, row

    def change_grant(
        self, act: str, party: Party, row: StoredGrant, **changed: object
    ) -> StoredGrant:
        """A step with a grant is one with its request. Raises: `HubError`."""
        stored = store.request_of(self.engine, row.request)
        if stored is None:
            raise store.unreadable()
        shown = self._shown(stored)
        new = msgspec.structs.replace(
            row, changed_at=self.now, changed_by=party.name[:200], **changed
        )
        reason = new.reason if act == "revoke" else None
        self.take(act, party, shown, shown.held, part=row.part, reason=reason, grants=(new,))
        return self.grant(party, row.id)

    def day(self, seconds: float, zone: str = "UTC") -> str:
        """The day of a moment, ISO 8601."""
        return dt.datetime.fromtimestamp(seconds, zone_of(zone)).date().isoformat()

    def _check_owner(self, request: Request, part: Part) -> None:
        """Whose the fields are, and whether they may be shared, as the catalogue says today."""
        fields = fields_of(request, self.loaded)
        for name in part.fields:
            field = fields[name]
            if str(field.owner) != part.department or field.share == "withheld":
                hint = "let it be withdrawn and submitted anew"
                message = f"`{name}` is shared otherwise than when it was asked for"
                raise HubError("SHARE_REFUSED", message, hint=hint)

    def _to_answer(
        self, party: Party, ident: str, part: int, based_on: int | None
    ) -> tuple[Shown, Part]:
        party.check_owns()
        shown = self.based_on(party, ident, based_on)
        if not 0 <= part < len(shown.held.parts):
            raise HubError("NOT_FOUND", "the request has no such part")
        party.check_answers(shown.held.parts[part].department)
        if party.names & set(shown.held.written_by):
            raise _apart()
        return shown, self.part(shown, part, "waiting")


def _apart() -> HubError:
    # fails closed: two pairs of eyes, whatever duties one person has
    hint = "let somebody else take the step"
    return HubError("SHARE_REFUSED", "nobody answers or judges what they had a hand in", hint=hint)

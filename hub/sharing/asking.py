"""The requester's steps: write, submit, withdraw, accept, renew, dispute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from hub.directory.keeping import duty_item
from hub.sharing.answering import Owners
from hub.sharing.desk import Shown
from hub.sharing.party import Party
from hub.sharing.request import Held, Part, Request
from hub.sharing.terms import check_days, fields_of, grant_of, part_of
from hub.store import sharing as store
from hub.store.sharing import StoredGrant
from schema.errors import HubError
from schema.model.entity import Field

_MOST_SAID = 2_000


class Sharing(Owners):
    """All steps; see `Desk` and `Owners`."""

    def write(
        self,
        party: Party,
        request: Request,
        *,
        ident: str | None = None,
        based_on: int | None = None,
    ) -> Shown:
        """Begin a request, or write it anew while it is a draft.

        Raises: `HubError` FORBIDDEN, SHARE_INVALID, SHARE_REFUSED, NOT_FOUND, EDIT_CONFLICT.
        """
        with self.refusals("share.write", party, ident or "new"):
            party.check_requests(request.department)
            self._check(request)
            if ident is None:
                empty = Held(request=request, written_by=sorted(party.names))
                shown = Shown(
                    id=self.new_id(), revision=0, held=empty, changed_at=self.now,
                    changed_by=party.name,
                )  # fmt: skip
                return self.take("write", party, shown, empty)
            shown = self._own(party, ident, based_on, "draft")
            hands = sorted({*shown.held.written_by, *party.names})
            held = msgspec.structs.replace(shown.held, request=request, written_by=hands)
            return self.take("write", party, shown, held)

    def submit(self, party: Party, ident: str, *, based_on: int | None = None) -> Shown:
        """Ask the owners; what is shared unconditionally is granted at once, and on record.

        Raises: `HubError`; SHARE_REFUSED where something is not shared at all.
        """
        with self.refusals("share.submit", party, ident):
            shown = self._own(party, ident, based_on, "draft")
            request = shown.held.request
            self._check(request)
            fields = fields_of(request, self.loaded)
            withheld = [name for name, field in fields.items() if field.share == "withheld"]
            if withheld:
                hint = "what law withholds is shared by nobody's answer: leave it out"
                raise _refused(f"`{withheld[0]}` is not shared", hint)
            now = self.now
            parts: list[Part] = []
            grants: list[StoredGrant] = []
            for department, unconditional in sorted(
                {(str(field.owner), field.share == "unconditional") for field in fields.values()}
            ):
                part = self._part(department, fields, unconditional=unconditional)
                if unconditional and self._is_public(party):
                    part, grant = self.granted(shown, len(parts), part, part_of(
                        request.terms, part.fields
                    ))  # fmt: skip
                    part = msgspec.structs.replace(part, state="granted", answered_by="hub")
                    grants.append(grant)
                parts.append(part)
            hands = sorted({*shown.held.written_by, *party.names})
            state = "submitted" if any(one.state == "waiting" for one in parts) else "answered"
            held = msgspec.structs.replace(
                shown.held, state=state, submitted_at=now, parts=parts, written_by=hands
            )
            return self.take("submit", party, shown, held, grants=tuple(grants))

    def withdraw(self, party: Party, ident: str, reason: str, *, based_on: int | None) -> Shown:
        """Take back what is not answered; grants that came of it stay until they are revoked."""
        with self.refusals("share.withdraw", party, ident):
            shown = self._own(party, ident, based_on, "draft", "submitted")
            parts = [
                msgspec.structs.replace(one, state="withdrawn", answered_at=self.now)
                if one.state in ("waiting", "disputed") else one
                for one in shown.held.parts
            ]  # fmt: skip
            held = msgspec.structs.replace(shown.held, state="withdrawn", parts=parts)
            return self.take("withdraw", party, shown, held, reason=said(reason))

    def dispute(
        self, party: Party, ident: str, part: int, reason: str, *, based_on: int | None
    ) -> Shown:
        """Ask the data authority to judge a refusal."""
        with self.refusals("share.dispute", party, ident):
            shown = self._own(party, ident, based_on, "submitted", "answered")
            old = self.part(shown, part, "refused")
            new = msgspec.structs.replace(old, state="disputed", said=said(reason))
            held = self.with_part(shown, part, new)
            return self.take("dispute", party, shown, held, part=part, reason=said(reason))

    def accept(self, party: Party, grant: str) -> StoredGrant:
        """Sign for what is received: the recipient answers for it. Then the grant is live."""
        with self.refusals("share.accept", party, grant):
            party.check_asks()
            row = self.grant(party, grant)
            party.check_requests(row.department)
            if row.state != "offered":
                raise _refused(f"the grant is {row.state}", "see `hub share grants`")
            return self.change_grant("accept", party, row, state="live")

    def renew(self, party: Party, grant: str, expires: str) -> Shown:
        """A draft that asks for the same again, until another day."""
        with self.refusals("share.renew", party, grant):
            party.check_asks()
            row = self.grant(party, grant)
            party.check_requests(row.department)
            before = store.request_of(self.engine, row.request)
            if before is None:
                raise store.unreadable()
            old = self._shown(before).held
            terms = old.parts[row.part].terms or old.request.terms
            today = self.day(row.expires)
            request = msgspec.structs.replace(
                old.request,
                renews=grant,
                terms=msgspec.structs.replace(terms, since=today, expires=expires),
            )
        return self.write(party, request)

    def _own(self, party: Party, ident: str, based_on: int | None, *states: str) -> Shown:
        """A request of the party's department in one of some states."""
        party.check_asks()
        shown = self.based_on(party, ident, based_on)
        party.check_requests(shown.held.request.department)
        if shown.held.state not in states:
            raise _refused(f"the request is {shown.held.state}", "begin another one")
        return shown

    def _check(self, request: Request) -> None:
        check_days(request.terms, self.now, self.settings.sharing.max_days)
        fields_of(request, self.loaded)
        grant_of("request", request, request.terms, self.loaded)
        if self.settings.directory.enabled:
            self._check_duty(request)

    def _check_duty(self, request: Request) -> None:
        """The directory has the duty, of this department, for this purpose, today."""
        item = duty_item(self.engine, request.duty_item)
        today = dt.datetime.fromtimestamp(self.now, dt.UTC).date()
        if item is None or item.department != request.department or not item.valid_on(today):
            hint = "name a duty item of your department, as the directory has it"
            raise HubError("SHARE_INVALID", "there is no such duty item", hint=hint)
        if item.purposes and request.terms.purpose not in item.purposes:
            hint = f"it is for {', '.join(sorted(item.purposes))}"
            raise HubError("SHARE_INVALID", "the duty item is not for this purpose", hint=hint)

    def _part(self, department: str, fields: Mapping[str, Field], *, unconditional: bool) -> Part:
        names = [
            name
            for name, field in fields.items()
            if (str(field.owner), field.share == "unconditional") == (department, unconditional)
        ]
        clock, now = self.clock_of(unconditional=unconditional), self.now
        return Part(
            department=department, unconditional=unconditional, fields=sorted(names),
            clock=None if clock is None else clock.id, since=now, due=self.due(clock, now),
        )  # fmt: skip

    def _is_public(self, party: Party) -> bool:
        return party.org_kind in self.settings.sharing.unconditional_kinds


def said(text: str) -> str:
    """Words of a step. Raises: `HubError` SHARE_INVALID for none, or too many."""
    if not text.strip() or len(text) > _MOST_SAID:
        hint = f"1 to {_MOST_SAID} characters"
        raise HubError("SHARE_INVALID", "the step states no reason", hint=hint)
    return text


def _refused(message: str, hint: str) -> HubError:
    return HubError("SHARE_REFUSED", message, hint=hint)

"""What all steps with requests have in common: looking, revisions, records, writing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from hub.loading import Loaded
from hub.query.profile import Profile
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.sharing.party import Party
from hub.sharing.request import Held, Part, read_held
from hub.sharing.signed import Code, is_ours, signed_row
from hub.store import sharing as store
from hub.store.secret import shared_secret
from hub.store.sharing import StoredGrant, StoredPart, StoredRequest, StoredStep, Write
from policies.clock import Clock, due
from schema.errors import HubError


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request as somebody looks at it."""

    id: str
    revision: int
    held: Held
    changed_at: float
    changed_by: str
    steps: tuple[StoredStep, ...] = ()


class Desk:
    """One look at requests and grants; blocking. `loaded` says what is in force."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        loaded: Loaded,
        *,
        clock: Callable[[], float] = time.time,
        ids: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.loaded = loaded
        self.acts = Acts(engine, settings, clock)
        self._clock = clock
        self._ids = ids

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    # -- looking

    def requests(self, party: Party) -> list[Shown]:
        """Those that somebody may see, the last changed first."""
        department = None if party.sees_all else party.department or ""
        return [self._shown(row) for row in store.requests(self.engine, department)]

    def request(self, party: Party, ident: str) -> Shown:
        """One of them. Raises: `HubError` NOT_FOUND, alike where there is none or not for them."""
        row = store.request_of(self.engine, ident)
        if row is not None:
            shown = self._shown(row, steps=store.steps_of(self.engine, ident))
            mine = {shown.held.request.department, *(one.department for one in shown.held.parts)}
            if party.sees_all or party.department in mine:
                return shown
        raise HubError("NOT_FOUND", "there is no such request", hint="see `hub share list`")

    def grants(self, party: Party) -> list[StoredGrant]:
        """The grants that somebody's department owns or uses; all for who sees all."""
        department = None if party.sees_all else party.department or ""
        return list(store.grants(self.engine, department=department))

    def grant(self, party: Party, ident: str) -> StoredGrant:
        """One of them. Raises: `HubError` NOT_FOUND."""
        row = store.grant_of(self.engine, ident)
        if row is None or not (party.sees_all or party.department in (row.owner, row.department)):
            raise HubError("NOT_FOUND", "there is no such grant", hint="see `hub share grants`")
        if not is_ours(row, self._code()):
            # fails closed: a step would sign what somebody else has written
            raise store.unreadable()
        return row

    # -- for the steps

    def based_on(self, party: Party, ident: str, based_on: int | None) -> Shown:
        """A request as somebody has looked at it. Raises: `HubError` NOT_FOUND, EDIT_CONFLICT."""
        shown = self.request(party, ident)
        if based_on is not None and shown.revision != based_on:
            raise store.overtaken()
        return shown

    def refusals(self, act: str, party: Party, ident: str) -> AbstractContextManager[None]:
        """What is refused in here is on record too."""
        return self.acts.refusals(act, party.name, details={"request": ident[:64]})

    def new_id(self) -> str:
        """An id that nobody can guess."""
        return self._ids()

    def take(
        self,
        act: str,
        party: Party,
        shown: Shown,
        held: Held,
        *,
        part: int | None = None,
        reason: str | None = None,
        grants: tuple[StoredGrant, ...] = (),
    ) -> Shown:
        """Put one step on record, then take it. Raises: `HubError`, EDIT_CONFLICT among them."""
        revision, now = shown.revision + 1, self.now
        details: dict[str, str | int | bool] = {"request": shown.id, "revision": revision}
        if part is not None:
            details["part"] = part
        if reason:
            details["reason"] = reason[:200]
        if grants:
            details["grant"] = grants[0].id
        self.acts.record(f"share.{act}", party.name, details=details)
        first = store.number_now(self.engine) + 1
        code = self._code()
        request = StoredRequest(
            id=shown.id, revision=revision, department=held.request.department, state=held.state,
            body=msgspec.json.encode(held).decode(), changed_at=now, changed_by=party.name,
        )  # fmt: skip
        step = StoredStep(
            request=shown.id, revision=revision, act=act, part=part, by=party.name, at=now,
            reason=reason,
        )  # fmt: skip
        write = Write(
            request=request,
            step=step,
            parts=[_stored(shown.id, number, one) for number, one in enumerate(held.parts)],
            grants=[
                signed_row(msgspec.structs.replace(one, number=first + at), code)
                for at, one in enumerate(grants)
            ],
        )
        store.put(self.engine, write)
        return self._shown(request, steps=store.steps_of(self.engine, shown.id))

    def clock_of(self, *, unconditional: bool) -> Clock | None:
        """How long an owner may take, as the packs in force say; ``None`` where they do not."""
        name = "reply.unconditional" if unconditional else "reply.conditional"
        return self.loaded.packs.clocks.get(name)

    def due(self, clock: Clock | None, start: float) -> float | None:
        """When it runs out. Raises: `HubError` CONFIG_INVALID for a year without a calendar."""
        if clock is None:
            return None
        return due(clock, self.loaded.packs.calendars[clock.calendar], start).at

    def _code(self) -> Code:
        return code_of(self.settings)

    def _shown(self, row: StoredRequest, steps: tuple[StoredStep, ...] = ()) -> Shown:
        return Shown(
            id=row.id, revision=row.revision, held=read_held(row.body), changed_at=row.changed_at,
            changed_by=row.changed_by, steps=steps,
        )  # fmt: skip


def code_of(settings: Settings) -> Code:
    """What vouches for the rows of grants. Raises: `HubError` CONFIG_INVALID."""
    profile = Profile(settings.instance.crypto_profile)
    secret = shared_secret(Path(settings.state.directory))
    return profile.mac(profile.derive(secret, b"share grants"))


def _stored(request: str, number: int, part: Part) -> StoredPart:
    return StoredPart(
        request=request, part=number, department=part.department, state=part.state, due=part.due,
        answered_at=part.answered_at,
    )  # fmt: skip

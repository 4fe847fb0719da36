"""The steps of a release: built, approved, put in force, taken back. Each is on the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

from hub.loading import Loaded, pack_stamps
from hub.rollout.desk import Desk, Held
from hub.rollout.floors import keep_floors
from hub.rollout.gate import Draft, Gate
from hub.rollout.quorum import check_active, check_authors, check_quorum
from hub.rollout.release import (
    Release,
    Rollback,
    Simulated,
    canonical,
    read_release,
    read_rollback,
)
from hub.rollout.signature import RELEASE, ROLLBACK, Envelope, Part, Signed, opened, signed
from hub.rollout.signer import Signer
from hub.store.releases import Stored, next_epoch, put, stale
from schema.errors import HubError

DAY_S = 86_400
_AHEAD_S = 300
"""How far the clocks of two machines may be apart."""
_ORDER_S = 3_600
"""How long after it was given an order to go back may come into force."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What an author wants to release."""

    name: str
    draft: Draft
    days: int
    activate_at: int | None = None
    simulation: dict[str, Any] | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an activation."""

    epoch: int
    active_from: float
    replaced: tuple[int, ...] = ()
    """Epochs that were to come and do not."""


def build(desk: Desk, gate: Gate, wish: Wish, key: OKPKey) -> tuple[Release, Envelope]:
    """A release over what is in force, signed by its author.

    Raises: `HubError` where the gate finds something against it.
    """
    author = _officer(desk, key)
    digest = hashlib.sha256(canonical(dict(wish.draft.bundles))).hexdigest()
    with desk.acts.refusals("policy.signed", author.who, digest=digest):
        release = prepare(desk, gate, wish)
        made = signed(
            canonical(release), key, purpose=RELEASE, part="author", at=release.made_at,
            others=None,
        )  # fmt: skip
        _record_signed(desk, release, author.who, "author")
    return release, made


def prepare(desk: Desk, gate: Gate, wish: Wish) -> Release:
    """A release over what is in force, which nobody has signed yet.

    Raises: `HubError` where the gate finds something against it.
    """
    keep_floors(desk, gate.loaded)
    held = desk.held()
    evidence = gate.evidence(wish.draft, _before(held))
    made_at = int(desk.now)
    release = Release(
        name=wish.name,
        made_at=made_at,
        expires=made_at + wish.days * DAY_S,
        activate_at=wish.activate_at,
        bundles=dict(wish.draft.bundles),
        assertions=dict(wish.draft.assertions),
        tests=dict(wish.draft.tests),
        base=held.base,
        evidence=msgspec.structs.replace(evidence, simulation=wish.simulation),
    )
    _check_times(desk, release, made_at)
    _check_simulation(gate, release, _before(held))
    return release


def approve(desk: Desk, gate: Gate, envelope: Envelope, key: OKPKey) -> tuple[Release, Envelope]:
    """A release with one signature more, after everything in it was found anew.

    Raises: `HubError`.
    """
    signer = desk.signer(key)
    with desk.acts.refusals("policy.signed", signer.who):
        payload, before = opened(envelope, desk.signers, RELEASE)
        if any((one.signer.sort, one.signer.who) == (signer.sort, signer.who) for one in before):
            hint = "let another officer sign"
            raise HubError("RELEASE_REFUSED", f"`{signer.who}` has signed it already", hint=hint)
        made = signed(
            payload, key, purpose=RELEASE, part="owner" if signer.sort == "owner" else "approver",
            at=int(desk.now), others=envelope,
        )  # fmt: skip
        _, by = opened(made, desk.signers, RELEASE)
        return _entered(desk, gate, payload, by), made


def enter(desk: Desk, gate: Gate, envelope: Envelope) -> Release:
    """Take a release whose newest signature was made elsewhere, after everything in it was found
    anew. Raises: `HubError`."""
    with desk.acts.refusals("policy.signed", "unknown"):
        payload, by = opened(envelope, desk.signers, RELEASE)
    with desk.acts.refusals("policy.signed", by[-1].signer.who):
        check_authors(by)
        return _entered(desk, gate, payload, by)


def _entered(desk: Desk, gate: Gate, payload: bytes, by: Sequence[Signed]) -> Release:
    release = read_release(payload)
    check_active(by)
    _check(desk, gate, release, desk.now)
    _record_signed(desk, release, by[-1].signer.who, by[-1].part)
    return release


def _record_signed(desk: Desk, release: Release, who: str, part: Part) -> None:
    change = release.evidence.change
    desk.acts.record("policy.signed", who, digest=release.rules, details={
        "part": part, "release": release.name, "change": change.kind, "base": release.base.epoch,
    })  # fmt: skip


def activate(desk: Desk, gate: Gate, envelope: Envelope, at: float | None) -> Done:
    """Put a release in force, at once or when its time comes. Raises: `HubError`."""
    with desk.acts.refusals("policy.activated", "unknown"):
        payload, by = opened(envelope, desk.signers, RELEASE)
        release = read_release(payload)
    who = _names(by)
    with desk.acts.refusals("policy.activated", who, digest=release.rules):
        now = desk.now
        start = max(now, at or now, release.activate_at or now)
        check_active(by)
        # a release that cannot be enough is told so before the proofs are made again
        check_quorum(by, release.evidence.change, desk.settings.release)
        _check(desk, gate, release, start)
        now = desk.now  # proofs take their time, and what was to come may have begun
        start = max(start, now)
        return _put(
            desk, now,
            act="policy.activated" if start <= now else "policy.scheduled",
            row=Stored(
                epoch=next_epoch(desk.engine), digest=release.rules, release=envelope.text(),
                rollback=None, kind=release.evidence.change.kind, active_from=start,
                recorded_at=now, recorded_by=who[:200], revokes_after=None, dropped=False,
            ),
            release=release, base=release.base.epoch, details={"release": release.name},
        )  # fmt: skip


def roll_back(
    desk: Desk, loaded: Loaded, gate: Gate, key: OKPKey, *, to: int, reason: str, revoke: bool
) -> Done:
    """Put the rules of an earlier epoch in force again, as an epoch of their own.

    Grants are not part of rules: what was revoked or has ended since stays so.
    Raises: `HubError` NOT_FOUND, RELEASE_REFUSED, POLICY_INVALID if they fit no more.
    """
    signer = _officer(desk, key)
    with desk.acts.refusals("policy.rolled_back", signer.who, details={"to": to}):
        order = order_back(desk, loaded, gate, to=to, reason=reason, revoke=revoke)
        made = signed(
            canonical(order), key, purpose=ROLLBACK, part="author", at=order.made_at, others=None
        )
        return _go_back(desk, order, made, signer.who)


def order_back(
    desk: Desk, loaded: Loaded, gate: Gate, *, to: int, reason: str, revoke: bool
) -> Rollback:
    """The order to go back to an epoch, which nobody has signed yet; as `roll_back`."""
    now = desk.now
    if not reason.strip():
        raise HubError("RELEASE_REFUSED", "a roll-back states its reason")
    release = desk.release_of(_epoch(desk, to, now))
    gate.fits(release.bundles)
    keep_floors(desk, loaded)
    return Rollback(
        to=to, digest=release.rules, packs=pack_stamps(loaded.packs), base=desk.held().base,
        reason=reason, revoke=revoke, made_at=int(now), expires=int(now) + _ORDER_S,
    )  # fmt: skip


def go_back(desk: Desk, loaded: Loaded, gate: Gate, envelope: Envelope) -> Done:
    """Carry out an order to go back that was signed elsewhere; as `roll_back`."""
    with desk.acts.refusals("policy.rolled_back", "unknown"):
        payload, by = opened(envelope, desk.signers, ROLLBACK)
        order = read_rollback(payload)
    with desk.acts.refusals("policy.rolled_back", _names(by), details={"to": order.to}):
        check_authors(by)
        check_active(by)
        found = order_back(
            desk, loaded, gate, to=order.to, reason=order.reason, revoke=order.revoke
        )
        times = {"made_at": order.made_at, "expires": order.expires}
        if msgspec.structs.replace(found, **times) != order:
            raise stale()
        now = desk.now
        if not (now < order.expires <= order.made_at + _ORDER_S <= now + _ORDER_S + _AHEAD_S):
            hint = "order it anew; check the clocks"
            raise HubError("RELEASE_REFUSED", "the order is not of this hour", hint=hint)
        return _go_back(desk, order, envelope, _names(by))


def _epoch(desk: Desk, to: int, now: float) -> Stored:
    """The row of an epoch that was in force."""
    rows = [row for row in desk.rows() if not row.dropped and row.active_from <= now]
    row = next((one for one in rows if one.epoch == to), None)
    if row is None:
        hint = "`hub policy status` lists those that were"
        raise HubError("NOT_FOUND", f"epoch {to} was never in force", hint=hint)
    return row


def _go_back(desk: Desk, order: Rollback, made: Envelope, who: str) -> Done:
    now = desk.now
    row = _epoch(desk, order.to, now)
    return _put(
        desk, now, act="policy.rolled_back",
        row=msgspec.structs.replace(
            row, epoch=next_epoch(desk.engine), rollback=made.text(), kind="rollback",
            active_from=now, recorded_at=now, recorded_by=who[:200],
            revokes_after=order.to if order.revoke else None,
        ),
        release=desk.release_of(row), base=order.base.epoch,
        details={"to": order.to, "reason": order.reason, "revoke": order.revoke},
    )  # fmt: skip


def _put(
    desk: Desk,
    now: float,
    *,
    act: str,
    row: Stored,
    release: Release,
    base: int,
    details: dict[str, str | int | bool],
) -> Done:
    waiting = tuple(one.epoch for one in desk.rows() if not one.dropped and one.active_from > now)
    told = {**details, "base": base, "from": int(row.active_from)}
    if waiting:
        told["replaces"] = waiting[-1]
    # durable before it is in force; if it then does not come into force, that is on record too
    desk.acts.record(act, row.recorded_by, epoch=row.epoch, digest=row.digest, details=told)
    content = canonical(release.bundles).decode()
    put(desk.engine, row, base=base, now=now, content=content)
    return Done(epoch=row.epoch, active_from=row.active_from, replaced=waiting)


def _check(desk: Desk, gate: Gate, release: Release, start: float) -> None:
    """Everything but who has signed: found anew over what is in force now."""
    _check_times(desk, release, start)
    keep_floors(desk, gate.loaded)
    held = desk.held()
    if release.base != held.base:
        known = {row.digest for row in desk.rows() if not row.dropped}
        if release.rules in known and release.base.epoch < held.base.epoch:
            # fails closed: an old release must not take back what came after it
            hint = "go back to an earlier epoch with `hub policy rollback`"
            message = "its rules were in force already"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        raise stale()
    draft = Draft(bundles=release.bundles, assertions=release.assertions, tests=release.tests)
    _check_simulation(gate, release, _before(held))
    found = gate.evidence(draft, _before(held))
    if found.packs != release.evidence.packs:
        hint = "build and sign it anew"
        message = "other rule packs are in force than those it was checked with"
        raise HubError("RELEASE_REFUSED", message, hint=hint)
    if not release.evidence.change.covers(found.change):
        hint = "the catalogue may have changed: build it anew; undecided: give --timeout more"
        raise HubError("RELEASE_REFUSED", "it shows more than it says", hint=hint)


def _check_times(desk: Desk, release: Release, start: float) -> None:
    longest = desk.settings.release.valid_days * DAY_S
    hint = "build and sign it anew"
    if release.made_at > desk.now + _AHEAD_S:
        raise HubError("RELEASE_REFUSED", "it was made in the future", hint="check the clocks")
    if release.expires - release.made_at > longest:
        raise HubError("RELEASE_REFUSED", "it is valid for longer than allowed", hint=hint)
    if max(start, release.activate_at or 0) >= release.expires:
        raise HubError("RELEASE_REFUSED", "it has expired, or does before it begins", hint=hint)


def _check_simulation(gate: Gate, release: Release, before: Draft) -> None:
    """What was simulated is this very release, over what it follows."""
    if release.evidence.simulation is None:
        return
    hint = "simulate these rules anew, with `hub policy simulate --save`"
    try:
        summary = msgspec.convert(release.evidence.simulation, Simulated).summary
    except msgspec.ValidationError as error:
        message = "the simulation is not one of `hub policy simulate`"
        raise HubError("RELEASE_REFUSED", message, hint=hint, cause=error) from error
    for side, rules, message in (
        (summary.candidate, release.bundles, "the simulation is of other rules"),
        (summary.base, before.bundles, "the simulation is against rules that are not in force"),
    ):
        if side.digest != gate.stamp(rules):
            raise HubError("RELEASE_REFUSED", message, hint=hint)
    if summary.catalogue != release.evidence.catalogue:
        message = "the simulation is over another catalogue"
        raise HubError("RELEASE_REFUSED", message, hint=hint)


def _before(held: Held) -> Draft:
    release = held.release
    if release is None:
        return Draft(bundles={}, assertions={}, tests={})
    return Draft(bundles=release.bundles, assertions=release.assertions, tests=release.tests)


def _officer(desk: Desk, key: OKPKey) -> Signer:
    signer = desk.signer(key)
    if signer.sort != "officer":
        message, hint = "an owner consents, but does not do this", "let an officer sign"
        raise HubError("RELEASE_REFUSED", message, hint=hint)
    return signer


def _names(by: Sequence[Signed]) -> str:
    return ", ".join(one.signer.who for one in by)

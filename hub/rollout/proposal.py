"""Releases that people propose, sign and put in force who are not at the hub's machine."""

from __future__ import annotations

import hashlib

import msgspec

from hub.rollout.desk import Desk
from hub.rollout.gate import Draft, Gate
from hub.rollout.lifecycle import Done, Wish, activate, enter, go_back, order_back, prepare
from hub.rollout.release import canonical
from hub.rollout.signature import Envelope, payload_of, read_envelope
from hub.rollout.step import (
    Activate,
    Countersign,
    GoBack,
    OrderBack,
    Outcome,
    Prepare,
    Propose,
    Step,
)
from hub.rollout.withdrawal import changed_row, opened_for
from hub.store.proposals import Proposal, keep
from schema.errors import HubError


class Proposals:
    """Takes steps at a desk in somebody's name; needs the solver."""

    def __init__(self, desk: Desk, gate: Gate, asked_by: str) -> None:
        self._desk = desk
        self._gate = gate
        self._by = asked_by

    def take(self, step: Step) -> Outcome:
        """One step. Raises: `HubError`."""
        match step:
            case Prepare():
                return Outcome(text=canonical(self._prepared(step)).decode())
            case Propose():
                return self._propose(read_envelope(step.envelope))
            case Countersign():
                return self._countersign(step)
            case Activate():
                return self._activate(step)
            case OrderBack():
                order = order_back(
                    self._desk, self._gate.loaded, self._gate,
                    to=step.to, reason=step.reason, revoke=step.revoke,
                )  # fmt: skip
                return Outcome(text=canonical(order).decode())
            case GoBack():
                envelope = read_envelope(step.envelope)
                return _told(go_back(self._desk, self._gate.loaded, self._gate, envelope))

    def _prepared(self, step: Prepare) -> msgspec.Struct:
        wish = Wish(
            name=step.name,
            draft=Draft(bundles=step.bundles, assertions=step.assertions, tests=step.tests),
            days=step.days or self._desk.settings.release.valid_days,
            activate_at=step.activate_at,
            simulation=step.simulation,
        )
        return prepare(self._desk, self._gate, wish)

    def _propose(self, envelope: Envelope) -> Outcome:
        if len(envelope.signatures) != 1:
            hint = "the others sign what is proposed"
            raise HubError("RELEASE_REFUSED", "a proposal has its author's signature", hint=hint)
        release = enter(self._desk, self._gate, envelope)
        row = Proposal(
            digest=hashlib.sha256(payload_of(envelope)).hexdigest(),
            name=release.name[:200], state="open", revision=1,
            release=envelope.text(), kind=release.evidence.change.kind,
            changed_at=self._desk.now, changed_by=self._by[:200],
        )  # fmt: skip
        keep(self._desk.engine, row)
        return Outcome(digest=row.digest)

    def _countersign(self, step: Countersign) -> Outcome:
        row = opened_for(self._desk.engine, step.digest, step.based_on)
        envelope, before = read_envelope(step.envelope), read_envelope(row.release)
        added = len(envelope.signatures) - len(before.signatures)
        kept = envelope.signatures[: len(before.signatures)] == before.signatures
        if envelope.payload != before.payload or not kept or added != 1:
            hint = "add one signature to the release as it is there"
            raise HubError("RELEASE_REFUSED", "it is not what was proposed", hint=hint)
        enter(self._desk, self._gate, envelope)
        self._keep(row, release=envelope.text())
        return Outcome(digest=row.digest)

    def _activate(self, step: Activate) -> Outcome:
        row = opened_for(self._desk.engine, step.digest, step.based_on)
        done = activate(self._desk, self._gate, read_envelope(row.release), step.at)
        self._keep(row, state="activated", epoch=done.epoch)
        told = _told(done)
        return msgspec.structs.replace(told, digest=row.digest)

    def _keep(self, row: Proposal, **changed: object) -> None:
        keep(self._desk.engine, changed_row(row, self._desk.now, self._by, **changed))


def _told(done: Done) -> Outcome:
    return Outcome(epoch=done.epoch, active_from=done.active_from, replaced=done.replaced)

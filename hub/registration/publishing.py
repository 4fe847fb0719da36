"""The officers' steps, and those that change what is in force."""

from __future__ import annotations

import msgspec

from hub.loading import Loaded
from hub.registration.actor import Actor
from hub.registration.approval import (
    FRESH_S,
    SKEW_S,
    Approval,
    check_approved,
    read_approval,
)
from hub.registration.checking import differences
from hub.registration.ground import Ground, registered
from hub.registration.history import Source, check_based_on, read_source
from hub.registration.reach import unreachable
from hub.registration.registrar import Registrar, refused, report_of, told
from hub.registration.report import shown_digest
from hub.rollout.signature import Envelope
from hub.store.registrations import Act, Published, State, Version
from schema.compose.fragment import read_fragment
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue

_TRIES = 5
"""Publications of other sources that may come between."""
_BACK_TO = ("superseded", "rolled_back", "withdrawn")


class Publisher(Registrar):
    """All steps; see `Registrar`."""

    # -- the officer's

    def statement(self, actor: Actor, name: str, to: int | None = None) -> Approval:
        """What an officer signs to approve what is submitted, or to roll back to a version.

        Raises: `HubError` where there is nothing of the kind, or it would be refused.
        """
        actor.check_officer()
        if to is None:
            _, version = self._under_way(actor, name, None, ("submitted",))
            return _statement(version, report_of(version).shown)
        source = self.source(actor, name)
        version = self._back(actor, source, to)
        ground, loaded = self._with(version)
        return _statement(version, _shown(ground, loaded.catalogue))

    def approve(
        self, actor: Actor, name: str, envelope: Envelope, *, based_on: int | None = None
    ) -> Version:
        """Take an officer's signed approval of what is submitted.

        Raises: `HubError` REGISTRATION_INVALID for a signature that does not hold or is of
        something else; REGISTRATION_REFUSED for who had a hand in it, and where the catalogue
        has changed in what it is about.
        """
        with self._refusals("source.approve", actor, name):
            actor.check_officer()
            source, version = self._under_way(actor, name, based_on, ("submitted",))
            report = report_of(version)
            who = self._signed(envelope, _statement(version, report.shown))
            self._check_apart(actor, who, version)
            self._fitting(source, version)
            approved = self._changed(version, actor, "approved", approval=envelope.text())
            return self._take("approve", actor, source, approved, signed_by=who)

    def reject(
        self, actor: Actor, name: str, reason: str, *, based_on: int | None = None
    ) -> Version:
        """Send back what is submitted or approved, with a reason."""
        with self._refusals("source.reject", actor, name):
            actor.check_officer()
            source, version = self._under_way(actor, name, based_on, ("submitted", "approved"))
            stated = _reason(reason, "a rejection")
            rejected = self._changed(version, actor, "rejected", approval=None, reason=stated)
            return self._take("reject", actor, source, rejected)

    def _signed(self, envelope: Envelope, wanted: Approval) -> str:
        """The officer who signed exactly this, today."""
        approval, by = read_approval(envelope, self.signers)
        if by.signer.retired:
            raise refused(f"`{by.signer.who}` signs nothing new", "let another officer sign")
        if approval != wanted:
            message = "the approval is of something else than what is there now"
            raise HubError("REGISTRATION_INVALID", message, hint="look at it anew, and sign that")
        if not self.now - FRESH_S <= by.at <= self.now + SKEW_S:
            message = "the approval was not signed today"
            raise HubError("REGISTRATION_INVALID", message, hint="sign it anew; check the clocks")
        return by.signer.who

    def _check_apart(self, actor: Actor, officer: str, version: Version) -> None:
        hands = msgspec.json.decode(version.written_by, type=frozenset[str])
        if hands & {officer, *actor.known_as}:
            # fails closed: two pairs of eyes, whatever duties one person has
            message = f"`{officer}` has written or submitted it"
            raise refused(message, "let another officer approve it")

    # -- what changes the catalogue

    def publish(self, actor: Actor, name: str, *, based_on: int | None = None) -> Version:
        """Put what is approved in force; workers take it up by themselves.

        Raises: `HubError` REGISTRATION_REFUSED where it changes by now something else than was
        approved, REGISTRATION_INVALID, `ManyErrors` where it does not fit any more.
        """
        with self._refusals("source.publish", actor, name):
            for _ in range(_TRIES):
                source, version = self._under_way(actor, name, based_on, ("approved",))
                actor.check_either(source.department)
                check_approved(version, self.text(version), self.signers)
                ground, loaded = self._fitting(source, version)
                now = self._changed(version, actor, "published")
                if self._in_place("publish", actor, source, now, "superseded", ground, loaded):
                    return now
            raise _busy()

    def roll_back(
        self,
        actor: Actor,
        name: str,
        envelope: Envelope,
        *,
        to: int,
        reason: str,
        based_on: int | None = None,
    ) -> Version:
        """Publish an earlier version's text again, as a version of its own, signed by an officer.

        Raises: `HubError`, `ManyErrors` where it does not fit any more.
        """
        with self._refusals("source.roll_back", actor, name, to=to):
            actor.check_officer()
            stated = _reason(reason, "a roll-back")
            for _ in range(_TRIES):
                source = self.source(actor, name)
                if based_on is not None:
                    check_based_on(self.engine, source, based_on)
                version = self._back(actor, source, to)
                ground, loaded = self._with(version)
                shown = _shown(ground, loaded.catalogue)
                who = self._signed(envelope, _statement(version, shown))
                version = msgspec.structs.replace(version, approval=envelope.text(), reason=stated)
                done = self._in_place(
                    "roll_back", actor, source, version, "rolled_back", ground, loaded, who
                )
                if done:
                    return version
            raise _busy()

    def withdraw(
        self, actor: Actor, name: str, reason: str, *, based_on: int | None = None
    ) -> tuple[Version, tuple[str, ...]]:
        """Take a source out of the catalogue, or what is under way back where none is published.

        Gives what disappears, by coordinate. Raises: `ManyErrors` COMPOSITION_FAILED,
        POLICY_INVALID with all that depends on it.
        """
        with self._refusals("source.withdraw", actor, name):
            stated = _reason(reason, "a withdrawal")
            for _ in range(_TRIES):
                source = self.source(actor, name)
                actor.check_either(source.department)
                if based_on is not None:
                    check_based_on(self.engine, source, based_on)
                held = source.published
                if held is None:
                    return self._taken_back(actor, source, stated), ()
                ground = Ground(self.engine, self.settings, self._clock)
                loaded = self._without(ground, held)
                gone = self._changed(held, actor, "withdrawn", reason=stated)
                if self._in_place("withdraw", actor, source, gone, None, ground, loaded):
                    return gone, disappearing(ground.loaded.catalogue, loaded.catalogue)
            raise _busy()

    def _taken_back(self, actor: Actor, source: Source, reason: str) -> Version:
        version = source.under_way
        if version is None:
            newest = source.versions[-1]
            message = f"there is nothing to withdraw: version {newest.version}"
            raise refused(f"{message} is {told(newest.state)}", "see `hub source history`")
        gone = self._changed(version, actor, "withdrawn", approval=None, reason=reason)
        return self._take("withdraw", actor, source, gone)

    def _without(self, ground: Ground, held: Version) -> Loaded:
        try:
            return ground.without(held.source)
        except ManyErrors as error:
            problems = [_depends(one, held.source) for one in error.problems]
            raise ManyErrors(error.code, problems) from error
        except HubError as error:
            raise _depends(error, held.source) from error

    # -- shared

    def _back(self, actor: Actor, source: Source, to: int) -> Version:
        """The version that a roll-back makes, but for its signature."""
        target = source.version(to)
        if target.approval is None or target.state not in _BACK_TO:
            message = f"version {to} is {told(target.state)} and was not in force before"
            raise refused(message, "`hub source history` shows which were")
        held = source.published
        return Version(
            source=source.name, version=source.next_version, state="published",
            digest=target.digest, department=target.department,
            follows=0 if held is None else held.version, written_by=target.written_by,
            submitted_by=target.submitted_by, report=target.report,
            changed_at=self.now, changed_by=actor.name,
        )  # fmt: skip

    def _with(self, version: Version) -> tuple[Ground, Loaded]:
        """What is in force and would be with a version, if it reaches only what is allowed by now.

        Raises: `ManyErrors`.
        """
        held = registered(version, self.text(version))
        barred = unreachable(read_fragment(held.text, held.path), self.settings.registry)
        if barred:
            # fails closed: settings may have been narrowed since it was checked
            problems = [HubError(o.code, o.message, where=o.where, hint=o.hint) for o in barred]
            raise ManyErrors("REGISTRATION_REFUSED", problems)
        ground = Ground(self.engine, self.settings, self._clock)
        return ground, ground.with_source(version, held.text)

    def _fitting(self, source: Source, version: Version) -> tuple[Ground, Loaded]:
        """What is in force and would be, if that changes what was checked and nothing else."""
        held = source.published
        if version.follows != (0 if held is None else held.version):
            hint = (
                f"`hub source recall {version.source}`, and register it anew on what is there now"
            )
            message = f"version {version.version} was begun in the place of another version"
            raise refused(message, hint)
        ground, loaded = self._with(version)
        if _shown(ground, loaded.catalogue) != report_of(version).shown:
            hint = f"`hub source recall {version.source}`, then check, submit and approve it anew"
            raise refused("it changes by now something else than its check says", hint)
        return ground, loaded

    def _in_place(
        self,
        act: Act,
        actor: Actor,
        source: Source,
        version: Version,
        ends: State | None,
        ground: Ground,
        loaded: Loaded,
        signed_by: str | None = None,
    ) -> bool:
        """Change what is in force; ``False`` where another source was published meanwhile."""
        held = source.published
        others = () if held is None or ends is None else (self._changed(held, actor, ends),)
        sources = {**ground.held.published.sources, source.name: version.version}
        if version.state == "withdrawn":
            del sources[source.name]
        number = ground.held.published.number + 1
        try:
            self._take(
                act, actor, source, version, *others,
                published=Published(number=number, sources=sources),
                catalogue=loaded.catalogue.version, signed_by=signed_by,
            )  # fmt: skip
        except HubError as error:
            same = read_source(self.engine, source.name).revision == source.revision
            if error.code != "EDIT_CONFLICT" or not same:
                raise
            return False
        return True


def disappearing(before: Catalogue, after: Catalogue) -> tuple[str, ...]:
    """Types, and fields of types that stay, which are gone."""
    gone = [str(name) for name in before.types if name not in after.types]
    for name, kept in after.types.items():
        if name in before.types:
            old = before.types[name]
            parts = (old.fields.keys() | old.relations.keys()) - kept.fields.keys()
            gone += [f"{name}.{part}" for part in parts - kept.relations.keys()]
    return tuple(sorted(gone))


def _statement(version: Version, shown: str) -> Approval:
    return Approval(
        source=version.source, version=version.version, digest=version.digest,
        follows=version.follows, shown=shown,
    )  # fmt: skip


def _shown(ground: Ground, after: Catalogue) -> str:
    return shown_digest(*differences(ground.loaded.catalogue, after))


def _depends(error: HubError, source: str) -> HubError:
    message = f"without `{source}`: {error.message}"
    return HubError(error.code, message, where=error.where, hint=error.hint)


def _reason(text: str, what: str) -> str:
    stated = " ".join(text.split())
    if not stated or len(stated) > 1000:
        raise refused(f"{what} states its reason", "in at most 1000 characters")
    return stated


def _busy() -> HubError:
    message = "other sources are published at this moment"
    return HubError("REGISTRY_UNAVAILABLE", message, hint="try again")

"""The steps of a registration. Command line and control door take them here, and nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import Engine

from hub.registration.actor import Actor
from hub.registration.approval import digest_of
from hub.registration.checking import check
from hub.registration.ground import Ground
from hub.registration.history import (
    Source,
    check_based_on,
    read_source,
    read_text,
    unified,
)
from hub.registration.report import Report, read_report
from hub.rollout.act import Acts
from hub.rollout.signer import Signers, read_signers
from hub.settings import Settings
from hub.store.registrations import (
    Act,
    Published,
    State,
    Step,
    Version,
    Write,
    number_now,
    put,
    versions,
)
from schema.compose.fragment import read_fragment
from schema.errors import HubError
from schema.model.names import SOURCE_NAME

_LONGEST_NAME = 63


class Registrar:
    """One hub's registered sources; blocking, but for `check`.

    Every step states the revision it is based on, or is based on the newest where it is left out
    (which edits of what is there may not).
    """

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises: `HubError` CONFIG_INVALID for keys that cannot be read, and where registered
        sources are off."""
        if not settings.registry.enabled:
            hint = "set `registry.enabled: true`"
            raise HubError("CONFIG_INVALID", "this hub takes its sources from files", hint=hint)
        self.engine = engine
        self.settings = settings
        self.signers: Signers = read_signers(settings.release)
        self.acts = Acts(engine, settings, clock)
        self._clock = clock

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    # -- to look at

    def sources(self, actor: Actor) -> tuple[Source, ...]:
        """Every source that is shown to somebody, by name."""
        names = sorted({one.source for one in versions(self.engine)})
        found = (read_source(self.engine, name) for name in names)
        return tuple(one for one in found if actor.sees(one.department))

    def source(self, actor: Actor, name: str) -> Source:
        """One source. Raises: `HubError` NOT_FOUND, alike for what is not shown."""
        found = read_source(self.engine, name) if SOURCE_NAME.match(name) else None
        if found is None or not found.versions or not actor.sees(found.department):
            hint = "`hub source list` shows those that are registered"
            raise HubError("NOT_FOUND", f"no source `{name}` is registered", hint=hint)
        return found

    def text(self, version: Version) -> str:
        """The text of a version."""
        return read_text(self.engine, version.digest)

    def difference(self, source: Source, old: int | None, new: int | None) -> str:
        """From one version's text to another's: unsaid, from what is published to the newest."""
        held = source.published
        before = held if old is None else source.version(old)
        after = source.versions[-1] if new is None else source.version(new)
        text = "" if before is None else self.text(before)
        names = ("nothing" if before is None else f"version {before.version}", after.version)
        return unified(text, self.text(after), names[0], f"version {names[1]}")

    # -- the department's steps

    def edit(self, actor: Actor, text: str, *, based_on: int | None = None) -> Version:
        """Register a text, or put it in the place of the version that is under way.

        Raises: `ManyErrors` FRAGMENT_INVALID; `ConflictError`; `HubError` FORBIDDEN,
        REGISTRATION_REFUSED.
        """
        with self._refusals("source.edit", actor, "unknown"):
            actor.check_registers()
        fragment = read_fragment(text, "fragment")
        name, department = str(fragment.source.name), str(fragment.source.department)
        with self._refusals("source.edit", actor, name):
            actor.check_steward(department)
            source = read_source(self.engine, name)
            if source.versions and source.department != department:
                hint = "choose another name"
                raise refused(f"the source `{name}` is another department's", hint)
            if based_on is None and source.steps:
                hint = f"it is at revision {source.revision}"
                raise refused("an edit states the revision that it is based on", hint)
            check_based_on(self.engine, source, based_on or 0)
            held = source.under_way
            if held is not None and held.state in ("submitted", "approved"):
                hint = "recall it first with `hub source recall`"
                raise refused(f"version {held.version} is {held.state}", hint)
            version = self._drafted(actor, source, department, text)
            return self._take("edit", actor, source, version, text=text)

    def _drafted(self, actor: Actor, source: Source, department: str, text: str) -> Version:
        held, published = source.under_way, source.published
        hands = () if held is None else msgspec.json.decode(held.written_by, type=tuple[str, ...])
        return Version(
            source=source.name,
            version=source.next_version if held is None else held.version,
            state="draft",
            digest=digest_of(text),
            department=department,
            follows=0 if published is None else published.version,
            written_by=hands_of({*hands, *actor.known_as}),
            changed_at=self.now,
            changed_by=actor.name,
        )

    async def check(
        self, actor: Actor, name: str, *, based_on: int | None = None
    ) -> tuple[Version, Report]:
        """Check the version that is under way, and keep the report with it.

        Raises: `HubError` FORBIDDEN, NOT_FOUND, REGISTRATION_REFUSED, `ConflictError`.
        """
        source, version = await asyncio.to_thread(self._to_check, actor, name, based_on)
        text = await asyncio.to_thread(self.text, version)
        report = await check(self.engine, self.settings, version, text, by=actor.name, now=self.now)
        state: State = "checked" if report.passed else "draft"
        checked = self._changed(version, actor, state, report=report.text())
        return await asyncio.to_thread(self._keep, actor, source, checked), report

    def _keep(self, actor: Actor, source: Source, checked: Version) -> Version:
        with self._refusals("source.check", actor, source.name):
            return self._take("check", actor, source, checked)

    def _to_check(self, actor: Actor, name: str, based_on: int | None) -> tuple[Source, Version]:
        with self._refusals("source.check", actor, name):
            source, version = self._under_way(actor, name, based_on, ("draft", "checked"))
            actor.check_either(source.department)
            return source, version

    def submit(self, actor: Actor, name: str, *, based_on: int | None = None) -> Version:
        """Ask an officer to approve what was checked.

        Raises: `HubError` REGISTRATION_REFUSED unless this very text passed a check against the
        catalogue that is in force.
        """
        with self._refusals("source.submit", actor, name):
            actor.check_registers()
            source, version = self._under_way(actor, name, based_on, ("draft", "checked"))
            actor.check_steward(source.department)
            self._check_passed(version)
            hands = msgspec.json.decode(version.written_by, type=tuple[str, ...])
            submitted = self._changed(
                version, actor, "submitted", submitted_by=actor.name,
                written_by=hands_of({*hands, *actor.known_as}),
            )  # fmt: skip
            return self._take("submit", actor, source, submitted)

    def _check_passed(self, version: Version) -> None:
        hint = f"check it with `hub source check {version.source}`"
        if version.report is None:
            raise refused(f"version {version.version} was not checked", hint)
        report = report_of(version)
        if not report.passed or version.state != "checked":
            hint = f"mend what it found and check it anew; `hub source show {version.source}`"
            raise refused(f"version {version.version} did not pass its check", hint)
        if report.digest != version.digest:
            raise refused("another text was checked", hint)
        if report.base != Ground(self.engine, self.settings, self._clock).loaded.catalogue.version:
            raise refused("the catalogue has changed since it was checked", hint)

    def recall(self, actor: Actor, name: str, *, based_on: int | None = None) -> Version:
        """Make a draft again of what was submitted or approved."""
        with self._refusals("source.recall", actor, name):
            actor.check_registers()
            source, version = self._under_way(actor, name, based_on, ("submitted", "approved"))
            actor.check_steward(source.department)
            draft = self._changed(version, actor, "draft", approval=None, submitted_by=None)
            return self._take("recall", actor, source, draft)

    # -- what the steps share

    def _refusals(
        self, act: str, actor: Actor, name: str, **more: int
    ) -> AbstractContextManager[None]:
        """What is refused in here is on record too."""
        details: dict[str, str | int | bool] = {"source": name[:_LONGEST_NAME], **more}
        return self.acts.refusals(act, actor.name, details=details)

    def _under_way(
        self, actor: Actor, name: str, based_on: int | None, states: tuple[State, ...]
    ) -> tuple[Source, Version]:
        source = self.source(actor, name)
        if based_on is not None:
            check_based_on(self.engine, source, based_on)
        version = source.under_way
        if version is None:
            newest = source.versions[-1]
            hint = "register a new text with `hub source register`"
            message = f"nothing is under way: version {newest.version} is {told(newest.state)}"
            raise refused(message, hint)
        if version.state not in states:
            wanted = " or ".join(states)
            message = f"version {version.version} is {told(version.state)}, not {wanted}"
            raise refused(message, _NEXT.get(version.state, "see `hub source show`"))
        return source, version

    def _changed(
        self, version: Version, actor: Actor, state: State, **more: str | int | None
    ) -> Version:
        return msgspec.structs.replace(
            version, state=state, changed_at=self.now, changed_by=actor.name, **more
        )

    def _take(
        self,
        act: Act,
        actor: Actor,
        source: Source,
        version: Version,
        *others: Version,
        text: str | None = None,
        published: Published | None = None,
        catalogue: str = "",
        signed_by: str | None = None,
    ) -> Version:
        """Put one step on record, then take it. Raises: `HubError`, EDIT_CONFLICT among them."""
        step = Step(
            source=source.name, revision=source.revision + 1, version=version.version, act=act,
            state=version.state, digest=version.digest, by=actor.name, at=self.now,
            reason=version.reason,
        )  # fmt: skip
        details: dict[str, str | int | bool] = {
            "source": source.name, "version": version.version, "revision": step.revision,
            "state": version.state,
        }  # fmt: skip
        if published is not None:
            details["publication"] = published.number
        if version.reason is not None:
            details["reason"] = version.reason
        if signed_by is not None:
            details["signed_by"] = signed_by
        # durable before it takes effect; if it then does not, that is on record too
        self.acts.record(f"source.{act}", actor.name, digest=version.digest, details=details)
        write = Write(
            step=step, versions=(version, *others), text=text, published=published,
            catalogue=catalogue,
        )  # fmt: skip
        try:
            put(self.engine, write)
        except HubError as error:
            if error.code == "EDIT_CONFLICT":
                check_based_on(self.engine, read_source(self.engine, source.name), source.revision)
            raise
        return version

    def next_publication(self) -> int:
        """The number that the next publication gets."""
        return number_now(self.engine) + 1


_NEXT = {
    "draft": "check it, then submit it: `hub source check`, `hub source submit`",
    "checked": "submit it with `hub source submit`",
    "submitted": "an officer approves or rejects it: `hub source approve`, `hub source reject`",
    "approved": "publish it with `hub source publish`",
}


def told(state: str) -> str:
    """A state in words."""
    return state.replace("_", " ")


def hands_of(names: set[str]) -> str:
    """All who had a hand in a version, as stored."""
    return msgspec.json.encode(sorted(names)).decode()


def report_of(version: Version) -> Report:
    """The stored report. Raises: `HubError` REGISTRATION_REFUSED for one that cannot be read."""
    try:
        return read_report(version.report or "")
    except msgspec.DecodeError as error:
        message = f"the report on version {version.version} cannot be read"
        raise refused(message, "check it anew", error) from error


def refused(message: str, hint: str, cause: BaseException | None = None) -> HubError:
    """A step that cannot be taken."""
    return HubError("REGISTRATION_REFUSED", message, hint=hint, cause=cause)

"""One report on one text: everything that can be known before anybody is asked to approve it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy import Engine

from hub.loading import Loaded
from hub.registration.approval import named
from hub.registration.effect import effects_on
from hub.registration.ground import Ground
from hub.registration.labels import label_changes
from hub.registration.probe import probe
from hub.registration.reach import unreachable
from hub.registration.report import Effect, Finding, FindingKind, LabelChange, Report
from hub.settings import Settings
from hub.store.recorded import read_recorded
from hub.store.registrations import Version
from schema.compose.evolve import Change, compare
from schema.compose.fragment import read_fragment
from schema.compose.part import Fragment
from schema.compose.review import overdue
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue

_DAY_S = 86_400
_KINDS: dict[str, FindingKind] = {"POLICY_INVALID": "rules", "FRAGMENT_INVALID": "composition"}


async def check(
    engine: Engine, settings: Settings, version: Version, text: str, *, by: str, now: float
) -> Report:
    """What was found about a version. Raises: `HubError` where what is in force cannot be read.

    Cost: one composition, one look at the live source, some milliseconds for each operation that
    was recorded lately.
    """
    return await _Check(engine, settings, version, text, by, now).run()


def differences(
    before: Catalogue, after: Catalogue
) -> tuple[tuple[Change, ...], tuple[LabelChange, ...]]:
    """What a catalogue changes, and the table of labels."""
    return compare(before, after), label_changes(before, after)


class _Check:
    def __init__(
        self, engine: Engine, settings: Settings, version: Version, text: str, by: str, now: float
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.version = version
        self.text = text
        self.by = by
        self.now = now
        self.findings: list[Finding] = []

    async def run(self) -> Report:
        """The report."""
        ground = await asyncio.to_thread(Ground, self.engine, self.settings, lambda: self.now)
        report = Report(
            digest=self.version.digest, base=ground.loaded.catalogue.version, catalogue=None,
            at=self.now, by=self.by,
        )  # fmt: skip
        fragment = read_fragment(self.text, named(self.version))
        self.findings += unreachable(fragment, self.settings.registry)
        barred = bool(self.findings)
        loaded = await asyncio.to_thread(self._composed, ground)
        if loaded is None:
            return msgspec.structs.replace(report, findings=tuple(self.findings))
        self._labels(fragment, loaded)
        await asyncio.to_thread(self._attempt, "rules", lambda: self._ruled(ground, loaded))
        if not barred:
            # nothing is connected to that the department may not reach
            source = fragment.source.name
            self.findings += await probe(loaded, source, _places(fragment), self.settings)
        changes, labels = differences(ground.loaded.catalogue, loaded.catalogue)
        report = msgspec.structs.replace(
            report, catalogue=loaded.catalogue.version, changes=changes, labels=labels,
            findings=tuple(self.findings),
        )  # fmt: skip
        if not report.passed:
            return report
        try:
            operations, effects = await asyncio.to_thread(self._effects, ground, loaded, changes)
        except HubError as error:
            # rules may have been written before what they are about: only nothing can be compared
            note = msgspec.structs.replace(found(_unfit(error), "rules"), severity="note")
            return msgspec.structs.replace(report, findings=(*report.findings, note))
        return msgspec.structs.replace(report, operations=operations, effects=effects)

    def _composed(self, ground: Ground) -> Loaded | None:
        return self._attempt("composition", lambda: ground.composed(self.version, self.text))

    def _ruled(self, ground: Ground, loaded: Loaded) -> Loaded:
        ground.check_fits(loaded)
        return loaded

    def _attempt(self, kind: FindingKind, work: Callable[[], Loaded]) -> Loaded | None:
        try:
            return work()
        except ManyErrors as error:
            problems: Iterable[HubError] = error.problems
        except HubError as error:
            problems = (error,)
        self.findings += [found(one, _KINDS.get(one.code, kind)) for one in problems]
        return None

    def _labels(self, fragment: Fragment, loaded: Loaded) -> None:
        ours = f"{fragment.path}:"
        for note in loaded.notes:
            if (note.where or "").startswith(ours):
                self.findings.append(found(note, "labels"))
        today = dt.datetime.fromtimestamp(self.now, dt.UTC).date()
        late = overdue([fragment], today=today, basis=loaded.packs.label_basis)
        self.findings += [found(one, "labels") for one in late]

    def _effects(
        self, ground: Ground, loaded: Loaded, changes: tuple[Change, ...]
    ) -> tuple[int, tuple[Effect, ...]]:
        since = self.now - self.settings.registry.recent_days * _DAY_S
        rows = read_recorded(self.engine, since)
        return effects_on(rows, ground.loaded, loaded, self.settings, changes)


def _unfit(error: HubError) -> HubError:
    message = "recorded operations were not decided anew: the catalogue in force does not fit"
    return HubError(error.code, f"{message} the rules in force", hint="see `hub check`")


def found(error: HubError, kind: FindingKind) -> Finding:
    """A problem as a finding that keeps a version from being submitted."""
    return Finding(
        kind=kind, severity="error", code=error.code, message=error.message,
        where=error.where, hint=error.hint,
    )  # fmt: skip


def _places(fragment: Fragment) -> dict[str, str]:
    """Where each type is written; the source itself under no name."""
    places = {str(part.name): fragment.where(part.at) for part in fragment.types}
    return {"": fragment.where(fragment.source_at), **places}

"""The gate before a release: lint, tests, proofs, and what the rules change. Needs the solver."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from hub.loading import Loaded, engine_of, opened_wide, pack_stamps, rules_over
from hub.rollout.release import ChangeFound, Evidence, Proof
from hub.settings import Settings
from policies.engine import Engine
from policies.lint import lint
from policies.prove.assertion import Assertion
from policies.prove.assertion_syntax import read_assertions
from policies.prove.change import Change, Comparison, compare
from policies.prove.prover import prove
from policies.trial import Trial, read_trials, try_out
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.names import split_coordinate

Texts = Mapping[str, str]
Held = TypeVar("Held")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be released: texts by file name."""

    bundles: Texts
    assertions: Texts
    tests: Texts


class Gate:
    """Judges drafts over one catalogue, its packs and grants."""

    def __init__(self, loaded: Loaded, settings: Settings, *, seconds: float, begin: float) -> None:
        """`seconds`: for each assertion, and for the comparison; `begin`: from when on, in Unix
        seconds."""
        self._loaded = loaded
        self._settings = settings
        self._seconds = seconds
        self._begin = begin

    @property
    def loaded(self) -> Loaded:
        """What it judges over."""
        return self._loaded

    def fits(self, bundles: Texts) -> Engine:
        """The engine of rules, as the hub would make it.

        Raises: `ManyErrors` POLICY_INVALID.
        """
        loaded = rules_over(self._loaded, bundles)
        return engine_of(loaded, self._settings, 1)

    def _opened(self, bundles: Texts) -> Engine:
        """As `fits`, with all that could be opened in an emergency: what is proved holds then too.

        Raises: `ManyErrors` POLICY_INVALID.
        """
        return engine_of(opened_wide(rules_over(self._loaded, bundles)), self._settings, 1)

    def notes(self, bundles: Texts) -> tuple[str, ...]:
        """What lint tells of rules that fit. Raises: `ManyErrors` POLICY_INVALID."""
        self.fits(bundles)
        held = rules_over(self._loaded, bundles).bundles
        found = lint(held, self._loaded.catalogue, self._loaded.packs)
        return tuple(f"{one.where}: {one.message} ({one.hint})" for one in found)

    def evidence(self, draft: Draft, before: Draft) -> Evidence:
        """All there is to find, where nothing is against it.

        Raises: `ManyErrors` or `HubError` POLICY_INVALID, POLICY_NOT_PROVED, RELEASE_REFUSED.
        """
        notes = self.notes(draft.bundles)
        engine = self.fits(draft.bundles)
        met = _tested(_read(read_trials, draft.tests), engine)
        stated = _read(read_assertions, draft.assertions)
        proofs = self._proved(self._opened(draft.bundles), stated)
        found = self._compared(before.bundles, draft.bundles)
        kept = {(one.name, _said(one)) for one in stated}
        gone = [one for one in _read(read_assertions, before.assertions)
                if (one.name, _said(one)) not in kept]  # fmt: skip
        return Evidence(
            catalogue=self._loaded.catalogue.version,
            packs=pack_stamps(self._loaded.packs),
            notes=(*notes, *_unseen(found), *_untested(before.tests, draft.tests)),
            expectations=met,
            proofs=proofs,
            change=msgspec.structs.replace(
                self._told(found),
                unasserted=tuple(sorted({one.name for one in gone})),
            ),
        )

    def change(self, before: Texts, after: Texts) -> ChangeFound:
        """What new rules change. Raises: `ManyErrors` POLICY_INVALID for the new ones."""
        return self._told(self._compared(before, after))

    def stamp(self, bundles: Texts) -> str:
        """The digest by which a simulation names rules, their packs included."""
        return hashlib.sha256(rules_over(self._loaded, bundles).rules.encode()).hexdigest()

    def _compared(self, before: Texts, after: Texts) -> Comparison:
        """Rules that fit the catalogue no more are compared as if there had been none: whatever
        the new ones show counts as more."""
        new = self._opened(after)
        try:
            old = self._opened(before) if before else self._nothing()
        except HubError:
            old = self._nothing()
        return compare(old, new, seconds=self._seconds, begin=self._begin)

    def _nothing(self) -> Engine:
        """Before the first release nobody is permitted anything, grants included."""
        bare = msgspec.structs.replace(rules_over(self._loaded, {}), grants=())
        return engine_of(bare, self._settings, 1)

    def _told(self, found: Comparison) -> ChangeFound:
        more = [change for change in found.changes if change.direction == "more"]
        less = [change for change in found.changes if change.direction == "less"]
        catalogue = self._loaded.catalogue
        owners = {who for one in more for who in _owners(one, catalogue)}
        if found.duties_differ or found.delegated or found.lowered or not found.complete:
            # fails closed: what is not told field by field may be about anybody's fields
            owners |= {str(field.owner) for entity in catalogue.types.values()
                       for field in entity.fields.values()}  # fmt: skip
        return ChangeFound(
            kind=found.kind,
            more=_uses(more),
            less=_uses(less),
            owners=tuple(sorted(owners)),
        )

    def _proved(self, engine: Engine, stated: Sequence[Assertion]) -> tuple[Proof, ...]:
        if not stated:
            hint = "write what must never happen, as `*.assert.yaml` beside the bundles"
            raise HubError("POLICY_NOT_PROVED", "a release states nothing to prove", hint=hint)
        results = prove(engine, stated, seconds=self._seconds, begin=self._begin)
        open_ = [
            HubError(
                "POLICY_NOT_PROVED", f"`{one.assertion.name}` is {one.verdict}",
                where=one.assertion.where, hint="see why with `hub policy prove`",
            )
            for one in results
            if one.verdict != "proved"
        ]  # fmt: skip
        if open_:
            raise ManyErrors("POLICY_NOT_PROVED", open_)
        return tuple(Proof(assertion=one.assertion.name, verdict=one.verdict) for one in results)


def _tested(trials: Sequence[Trial], engine: Engine) -> int:
    failures = try_out(trials, engine)
    if failures:
        raise ManyErrors("RELEASE_REFUSED", [
            HubError(
                "RELEASE_REFUSED", f"expected {one.expected}, found {one.found}", where=one.where,
                hint="see why with `hub policy test`",
            )
            for one in failures
        ])  # fmt: skip
    return sum(len(trial.expectations) for trial in trials)


def _read(read: Callable[[str, str], Sequence[Held]], texts: Texts) -> list[Held]:
    found: list[Held] = []
    problems: list[HubError] = []
    for name, text in sorted(texts.items()):
        try:
            found += read(text, name)
        except ManyErrors as error:
            problems += error.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return found


def _unseen(found: Comparison) -> Iterator[str]:
    """What a comparison of fields does not say, for whoever signs."""
    if found.duties_differ:
        yield "obligations or rules about fields together differ; what that comes to is not known"
    yield from (f"no longer in force: {told}" for told, _ in found.apart)
    yield from (f"declassified: {told}" for told, _ in found.lowered)
    if found.delegated:
        yield "who acts for others by delegation may have more; that is not compared"
    if not found.complete:
        yield "not everything was compared in time; give --timeout more"


def _untested(before: Texts, after: Texts) -> list[str]:
    """What tests of the base expect and none does any more."""
    kept: dict[object, list[object]] = {}
    for trial in _read(read_trials, after):
        for expected in _expected(trial):
            kept.setdefault(expected, []).append((trial.subject, trial.context))
    gone = {
        trial.name
        for trial in _read(read_trials, before)
        for expected in _expected(trial)
        if (trial.subject, trial.context) not in kept.get(expected, ())
    }
    return [f"no longer tested, or otherwise: {name}" for name in sorted(gone)]


def _expected(trial: Trial) -> Iterator[object]:
    for one in trial.expectations:
        yield (one.use, one.outcome, one.code, one.because)


def _said(one: Assertion) -> object:
    return (one.sort, one.who, one.parts, one.mask, one.assume)


def _uses(changes: Iterable[Change]) -> tuple[str, ...]:
    found = set()
    for change in changes:
        use = change.use
        asked = use.mode if use.function is None else f"{use.mode}:{use.function}"
        type_name, _ = split_coordinate(use.coordinate)
        found.add(f"{asked} {use.coordinate}")
        found.update(f"{asked} {type_name}.{name}" for name in change.like)
    return tuple(sorted(found))


def _owners(change: Change, catalogue: Catalogue) -> set[str]:
    """Whose fields a use is of."""
    type_name, name = split_coordinate(change.use.coordinate)
    entity = catalogue.types[type_name]
    if name is None:
        return {str(entity.owner)}
    relation = entity.relations.get(name)
    if relation is not None:
        return {str(relation.owner), str(catalogue.types[relation.to].owner)}
    named = {str(name), *change.like}
    return {str(field.owner) for at, field in entity.fields.items() if str(at) in named}

"""Delegations: one application acts for another, for a time; state beside grants, not rules.

A delegation lends rights and gives none: whoever acts has what its principal has, within what
rules and labels leave to itself (`policies.acting`). Ended or revoked, it lends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import msgspec

from policies.condition import TRUE, Condition
from policies.granted import Acting, LiveGrant
from policies.packs import Packs
from policies.positions import Place, Report, did_you_mean, shown
from policies.rule import Bundle, Effect, Rule, Selector
from policies.ruling import Null
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.subject import Context, Subject
from schema.model.use import UseMode

_EVERY_MODE: frozenset[UseMode] = frozenset(get_args(UseMode))


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """One delegation."""

    live: LiveGrant
    """To whom, for which purposes and how long."""
    principal: Subject
    """For whom: what is known of the application that is acted for."""
    fields: frozenset[str] = frozenset()
    """``Type.field`` or ``Type.relation``; none: all that the principal has."""
    rows: Condition = TRUE
    about: Mapping[str, str] = {}
    path: str = ""
    places: Mapping[str, Place] = {}

    @property
    def id(self) -> str:
        """What audit and reasons name, after ``delegation.``."""
        return self.live.id

    @property
    def end(self) -> float:
        """Unix seconds from which it lends nothing."""
        return min(self.live.until, self.live.revoked or math.inf)


class Delegations:
    """Looks up who acts under what. Cost: none for callers who act for nobody."""

    def __init__(self, held: Sequence[Delegation], packs: Packs) -> None:
        self._packs = packs
        self._by_principal: dict[str, list[Delegation]] = {}
        for one in held:
            self._by_principal.setdefault(one.principal.department or "", []).append(one)

    def known(self, subject: Subject, purpose: str) -> tuple[Delegation, ...]:
        """Those that name a caller and purpose, whenever they hold."""
        return tuple(
            one
            for one in self._by_principal.get(subject.acting_for or "", ())
            if one.live.names(subject) is True and one.live.serves(purpose, self._packs)
        )

    def live(self, subject: Subject, context: Context) -> Delegation | None:
        """The one that a caller acts under; ``None`` if there is none."""
        found = [
            one
            for one in self._by_principal.get(subject.acting_for or "", ())
            if one.live.holds(subject, context, self._packs, lapsed=False, timeless=False) is True
        ]
        # fails closed: of two it would not be clear whose rights are lent
        return found[0] if len(found) == 1 else None


def delegation_bundles(held: Iterable[Delegation], catalogue: Catalogue) -> list[Bundle]:
    """What delegations leave out, as rules about whoever acts under them."""
    by_path: dict[str, list[Rule]] = {}
    for one in held:
        by_path.setdefault(one.path, []).extend(_limits(one, catalogue))
    return [Bundle(path=path, rules=tuple(rules), digest="") for path, rules in by_path.items()]


def _limits(of: Delegation, catalogue: Catalogue) -> Iterable[Rule]:
    if of.fields:
        elements = {
            f"{entity.name}.{name}"
            for entity in catalogue.types.values()
            for name in (*entity.fields, *entity.relations)
        }
        if left_out := elements - of.fields:
            yield _limit(of, "forbid", Selector(fields=frozenset(left_out)))
    if of.rows != TRUE:
        yield _limit(of, "require", Selector(types=frozenset({"*"})))


def _limit(of: Delegation, effect: Effect, selector: Selector) -> Rule:
    forbids = effect == "forbid"
    return Rule(
        name=f"delegation.{of.id}" if forbids else f"delegation.{of.id}.rows",
        version=1,
        effect=effect,
        about=of.about,
        selector=selector,
        modes=_EVERY_MODE,
        when=Acting(of.id),
        rows=None if forbids else of.rows,
        outcome=Null() if forbids else None,
        delegation=of.id,
        path=of.path,
        places={**of.places, "policy": of.places.get("delegation", Place(1, 1))},
    )


def check_delegations(held: Sequence[Delegation], catalogue: Catalogue, packs: Packs) -> None:
    """That what delegations name exists, and that it is always clear which one holds.

    Raises: `ManyErrors` POLICY_INVALID.
    """
    problems: list[HubError] = []
    for number, one in enumerate(held):
        report = Report(one.path)
        _check_names(one, catalogue, packs, report)
        for other in held[:number]:
            if _overlap(one, other, packs):
                message = f"`{one.id}` and `{other.id}` let the same caller act for a department"
                hint = "for one purpose and time there can be one; end the first before, or join"
                report.add(one.places.get("delegation", Place(1, 1)), message, hint)
        problems += report.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)


def _check_names(one: Delegation, catalogue: Catalogue, packs: Packs, report: Report) -> None:
    known = {
        f"{entity.name}.{name}"
        for entity in catalogue.types.values()
        for name in (*entity.fields, *entity.relations)
    }
    for element in sorted(one.fields - known):
        at = one.places.get(f"fields:{element}", Place(1, 1))
        report.add(at, f"there is no `{shown(element)}`", did_you_mean(element, known))
    for purpose in one.live.purposes:
        if purpose not in packs.purposes:
            at = one.places.get("purpose", Place(1, 1))
            hint = did_you_mean(purpose, packs.purposes)
            report.add(at, f"there is no purpose `{shown(purpose)}`", hint)
    for name, level in sorted(one.principal.clearance.items()):
        ladder = packs.scheme.ladder(name)
        if ladder is None or level not in ladder.levels:
            at = one.places.get("for", Place(1, 1))
            ladders = [held.id for held in packs.scheme.ladders]
            hint = did_you_mean(*((name, ladders) if ladder is None else (level, ladder.levels)))
            report.add(at, f"there is no level `{shown(level)}` on `{shown(name)}`", hint)


def _overlap(one: Delegation, other: Delegation, packs: Packs) -> bool:
    """Whether a caller could act under both at once."""
    for ours, theirs in (
        (one.live.app, other.live.app), (one.live.department, other.live.department)
    ):  # fmt: skip
        if ours is not None and theirs is not None and ours != theirs:
            return False
    same = one.principal.department == other.principal.department
    at_once = one.live.since < other.end and other.live.since < one.end
    purposes = {*packs.purposes, *one.live.purposes, *other.live.purposes}
    return (
        same
        and at_once
        and any(
            one.live.serves(purpose, packs) and other.live.serves(purpose, packs)
            for purpose in purposes
        )
    )

"""Who stands alike: the standings of callers in their circumstances, kept by all that they hang on.

Whoever acts for another is looked up by the delegation that is live for it; others pay nothing.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import structs

from policies.acting import StandingActing, StandingNobody
from policies.age import is_known, next_day
from policies.compile import Tables
from policies.condition import Circumstances, YoungerThan, leaves_of
from policies.delegation import Delegation, Delegations
from policies.grant import Grant
from policies.packs import Packs
from policies.remedy import reading, remedies
from policies.rule import Rule
from policies.ruling import Lent
from policies.standing import Standing, StandingKey
from policies.window import Hours
from schema.model.subject import CIRCUMSTANCES, Context, Subject

Decision = TypeVar("Decision")
_MOST_SUBJECTS = 2048
_MOST_CLASSES = 256
_NOBODY = Subject(id="", app="")


class Standings(Generic[Decision]):
    """How rules stand for callers. Cost: a look-up after the first of a kind."""

    def __init__(
        self,
        tables: Tables,
        packs: Packs,
        *,
        ceiling: Mapping[str, str],
        rules: Sequence[Rule],
        grants: Sequence[Grant],
        delegations: Sequence[Delegation],
    ) -> None:
        """`rules`: those with windows; the tables hold what is decided by."""
        self._tables = tables
        self._packs = packs
        self._ceiling = ceiling
        self._reading = reading(tables)
        self._remedies = remedies(tables)
        self._moments = sorted({one for grant in grants for one in grant.live.moments()})
        self._windows = tuple(rule.window for rule in rules if rule.window is not None)
        self._delegations = Delegations(delegations, packs)
        self._nobody: Standing[Decision] = StandingNobody(
            tables, Circumstances(subject=_NOBODY, context=Context(), packs=packs), ceiling=ceiling
        )
        self.reads = frozenset(name for name in CIRCUMSTANCES if self._reading[name])
        """The circumstances that rules speak of, the purpose aside."""
        self._read = sorted(self.reads)
        self._by_purpose = bool(self._reading["purpose"])
        self._by_day = any(
            isinstance(leaf, YoungerThan)
            for variant in tables.variants
            for condition in (variant.when, variant.rows)
            if condition is not None
            for leaf in leaves_of(condition)
        )
        self._hours = Hours(self._windows, self._moments)
        self._held: dict[tuple[Any, ...], Standing[Decision]] = {}
        self._classes: dict[StandingKey, int] = {}
        self._class_ids = itertools.count()

    def foreseen(self, subject: Subject) -> list[Standing[Decision]]:
        """Those in any purpose that may be stated, circumstance and time; each class once."""
        purposes = sorted(subject.purposes)
        stated: list[tuple[str | None, Delegation | None]]
        if subject.acting_for is None:
            stated = [(one, None) for one in (None, *(purposes if self._by_purpose else ()))]
        else:
            known = self._delegations.known
            stated = [(purpose, one) for purpose in purposes for one in known(subject, purpose)]
        found = {}
        for purpose, under in stated:
            context = Context(purpose=purpose)
            one = self.of(subject, context, foresee=True, open_windows=True, under=under)
            found[self.class_of(one)] = one
        return list(found.values())

    def class_of(self, standing: Standing[Decision]) -> int:
        """The number of a class of subjects; never one's that was forgotten."""
        if standing.class_id is None:
            key = standing.key()
            found = self._classes.get(key)
            if found is None:
                found = next(self._class_ids)
                keep(self._classes, key, found, _MOST_CLASSES)
            standing.class_id = found
        return standing.class_id

    def live(self, subject: Subject, context: Context) -> Delegation | None:
        """What a caller acts under; ``None`` also for those who act for nobody."""
        return None if subject.acting_for is None else self._delegations.live(subject, context)

    def delegations_of(self, subject: Subject, context: Context) -> tuple[Lent, ...]:
        """Those that are live for a caller who acts for somebody: in the stated purpose, or in
        any that it may state."""
        purposes = sorted(subject.purposes) if context.purpose is None else [context.purpose]
        stated = (structs.replace(context, purpose=purpose) for purpose in purposes)
        found = (self._delegations.live(subject, one) for one in stated)
        return tuple({one.id: Lent(one.id, one.principal) for one in found if one}.values())

    def turn(self, now: float) -> bool:
        """Whether windows and grants may stand otherwise than when asked last."""
        return self._hours.turn(now)

    def until(self, now: float, under: Delegation | None) -> float:
        """The next moment at which a window, a grant or the delegation opens or ends, or at which
        persons are a day older."""
        self._hours.turn(now)
        ends = [self._hours.until]
        ends += [next_day(now)] if self._by_day else []
        ends += [] if under is None else [under.end]
        return min(ends)

    def key(
        self,
        subject: Subject,
        context: Context,
        under: Delegation | None,
        *,
        foresee: bool | None = None,
        open_windows: bool = False,
        lapsed: bool = False,
    ) -> tuple[Any, ...]:
        """All that a ruling may depend on, but for the uses."""
        states: tuple[bool | None, ...] = ()
        if self._windows and not open_windows:
            self._hours.turn(context.now)
            states = self._hours.states
        return (
            subject.app, subject.user, subject.department, subject.org_kind, subject.tier,
            subject.region, tuple(sorted(subject.clearance.items())), subject.compartments,
            subject.roles, subject.purposes, subject.duties, subject.acting_for,
            subject.link, context.purpose if self._by_purpose else None, states,
            tuple([getattr(context, name) for name in self._read]), foresee, open_windows,
            bisect_right(self._moments, context.now), lapsed,
            next_day(context.now) if self._by_day else None, is_known(context.now),
            None if under is None else under.id,
        )  # fmt: skip

    def of(
        self,
        subject: Subject,
        context: Context,
        *,
        foresee: bool | None = None,
        open_windows: bool = False,
        lapsed: bool = False,
        under: Delegation | None = None,
        plain: bool = False,
        base: Standing[Decision] | None = None,
        differs: frozenset[int] = frozenset(),
    ) -> Standing[Decision]:
        """`under`: the delegation, if it is known already; `plain`: none is looked for; `base`:
        one from which only the variants `differs` stand otherwise."""
        if subject.acting_for is not None and under is None and not plain:
            under = self._delegations.live(subject, context)
            if under is None:
                return self._nobody
        key = self.key(
            subject, context, under, foresee=foresee, open_windows=open_windows, lapsed=lapsed
        )
        held = self._held.get(key)
        if held is None:
            circumstances = Circumstances(
                subject=subject, context=context, packs=self._packs, foresee=foresee, lapsed=lapsed
            )
            if under is None:
                held = Standing(
                    self._tables, circumstances, ceiling=self._ceiling,
                    open_windows=open_windows, base=base, differs=differs,
                )  # fmt: skip
            else:
                held = StandingActing(
                    self._tables, circumstances, under, ceiling=self._ceiling,
                    open_windows=open_windows,
                )  # fmt: skip
            keep(self._held, key, held, _MOST_SUBJECTS)
        return held

    def others(
        self, subject: Subject, context: Context, standing: Standing[Decision]
    ) -> list[tuple[str, Standing[Decision]]]:
        """Other circumstances, each with the code that names what is other about them."""
        found: list[tuple[str, Standing[Decision]]] = []

        def other(code: str, read: str, asked: Context, **how: Any) -> None:
            # in another purpose another delegation may be live: then everything may be other
            base = standing if subject.acting_for is None else None
            made = self.of(subject, asked, base=base, differs=self._reading[read], **how)
            found.append((code, made))

        if self._windows:
            other("TIME_WINDOW", "window", context, open_windows=True)
        if context.purpose is None and self._by_purpose:
            for purpose in sorted(subject.purposes):
                asked = structs.replace(context, purpose=purpose)
                other("PURPOSE_REQUIRED", "purpose", asked)
        for remedy in self._remedies:
            applied = remedy.applied(context)
            if applied is not None:
                other(remedy.code, remedy.attribute, applied)
        if self._moments:
            other("GRANT_EXPIRED", "grant", context, lapsed=True)
        return found


def keep(store: dict[Any, Any], key: object, value: object, most: int) -> None:
    """Put into a bounded store; the oldest entry goes."""
    if len(store) >= most:
        store.pop(next(iter(store)))
    store[key] = value

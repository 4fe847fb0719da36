"""One worker of all counts what comes on record, judges it and tells who wants to know."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.entry import read_body
from hub.settings import Settings, expand
from hub.store.counts import COUNTED, JUDGED, Counts
from hub.store.leases import Lease
from hub.store.ledger import LedgerError, Row, open_ledger
from hub.store.sourcehours import SourceHours
from hub.store.warnings import Found, Warned, Warnings, new_id
from hub.telemetry.metrics import Metrics
from hub.warning.fold import DAY, KEPT_S, SHORT, Folding
from hub.warning.judge import Judged, Match, counted, moments, standing
from hub.warning.owned import check_rules, permitted
from hub.warning.rule import Rule
from hub.warning.rule_syntax import read_all_rules
from hub.warning.telling import Telling
from policies.engine import Engine as Rules
from schema.errors import HubError, ManyErrors

log = structlog.get_logger("hub.warning")

_BATCH = 1_000
"""Entries of one transaction: a longer one would hold up the audit log in the same file."""
_BATCHES = 100
"""Batches of one turn, after which the lease is renewed."""
_MOMENTS = 500
"""Moments judged in one turn."""
_LAG_S = 30
"""How long after a stretch has ended it is judged: entries become durable a little later."""
_PURGE_S = 3_600.0
_MISSED = 6
"""Turns that a worker may miss before another one takes over."""


class WarningWatch:
    """Early warning in one worker. Raises, when made: `HubError` for settings that do not fit.

    `rules`: the policy engine in force, ``None`` while none can be applied.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        rules: Callable[[], Rules | None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        declared = self._declared = settings.warnings
        self._engine = engine
        self._rules = rules
        self._clock = clock
        self._lease = Lease(engine, "warnings", lasts_s=_MISSED * declared.every_s, clock=clock)
        self._turning = threading.Lock()
        self._over = False
        self._counts = Counts(engine)
        self._hours = SourceHours(engine)
        self._warnings = Warnings(engine)
        self._telling = Telling(declared, self._warnings, hub=settings.instance.name, clock=clock)
        self._held: tuple[Rule, ...] = ()
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._unfit: tuple[str, ...] = ()
        self._asleep: frozenset[str] = frozenset()
        self._purged = float("-inf")
        self.open = 0
        """Warnings that are open, as of the last turn of this worker."""

    def watched_by(self, metrics: Metrics) -> None:
        """Tell how many warnings are open."""
        metrics.watch("hub.warnings.open", lambda: self.open)

    async def run(self) -> None:
        """Turn after turn until cancelled, and let another worker do so then."""
        try:
            while True:
                await self.turn()
                await asyncio.sleep(self._declared.every_s)
        finally:
            await asyncio.shield(asyncio.to_thread(self._give_back))

    async def turn(self) -> bool:
        """Count, judge and tell once, if it is this worker's to do; whether it was."""
        try:
            if not await asyncio.to_thread(self._take):
                return False
            engine = self._rules()
            await asyncio.to_thread(self._read_rules, engine)
            last, all_counted = await asyncio.to_thread(self._count)
            await self._judge(engine, last if not all_counted else None)
            await self._telling.send()
            await asyncio.to_thread(self._tidy)
        except (SQLAlchemyError, LedgerError) as error:
            log.warning("warning.unwatched", kind=type(error).__name__)
            return False
        except Exception as error:
            # nobody else looks while this worker has the lease: it goes on
            log.exception("warning.unwatched", kind=type(error).__name__)
            return False
        return True

    def _read_rules(self, engine: Rules | None) -> None:
        """Take up the files as they are now; those that do not fit leave the rules as they were."""
        if engine is None:
            return
        try:
            files = expand(self._declared.rules)
            seen = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
            if seen != self._seen:
                known = self._telling.receivers
                self._held = rules_of(files, engine, self._declared.duties, known)
                self._seen = seen
        except (OSError, UnicodeDecodeError, HubError) as error:
            problems: Iterable[BaseException] = (
                error.problems if isinstance(error, ManyErrors) else (error,)
            )
            told = tuple(
                str(one) if isinstance(one, HubError) else type(one).__name__ for one in problems
            )
            if told != self._unfit:
                for problem in told:
                    log.error("warning.rules_unfit", problem=problem)
            self._unfit = told
        else:
            self._unfit = ()

    def _count(self) -> tuple[float, bool]:
        """The latest moment that was counted, and whether everything was. Exactly once each."""
        before = self._counts.position(COUNTED)
        if before is None:
            now = int(self._clock())
            # what was before is learnt from and never told
            self._counts.begin(0, now - now % SHORT)
            before = 0
        last = 0.0
        with closing(open_ledger(self._engine, wait_s=30.0)) as ledger:
            for _ in range(_BATCHES):
                rows = list(islice(ledger.rows(before), _BATCH))
                if not rows:
                    return last, True
                folded = folded_rows(rows)
                if not self._counts.add(before, rows[-1].seq, folded.counts, folded.uses):
                    return last, False
                before, last = rows[-1].seq, folded.last
                if len(rows) < _BATCH:
                    return last, True
        return last, False

    async def _judge(self, engine: Rules | None, behind: float | None) -> None:
        """Judge what has ended. `behind`: up to when entries were counted, if not all were."""
        if engine is None:
            return  # fails closed: nobody knows who may be told; it is judged later
        now = self._clock()
        before = await asyncio.to_thread(self._counts.position, JUDGED)
        edge = int(min(now, now if behind is None else behind) - _LAG_S)
        until = edge - edge % SHORT
        if before is None or until <= before:
            return
        awake = self._awake(engine, now)
        ends = await asyncio.to_thread(moments, self._counts, before, until)
        if len(ends) > _MOMENTS:
            ends = ends[:_MOMENTS]
            until = ends[-1]
        judged = Judged(
            calendars=engine.packs.calendars, grants=engine.grants,
            hours=await asyncio.to_thread(self._hours.last, now - DAY),
        )  # fmt: skip
        matches = await asyncio.to_thread(found_in, awake, self._counts, ends, judged)
        for rule in awake:
            matches += standing(rule, now, judged)
        # whether the owner may be told of each element, by the rules of this moment
        may = [one for one in matches if _told(engine, one, now)]
        await asyncio.to_thread(self._write, before, until, may)

    def _awake(self, engine: Rules, now: float) -> tuple[Rule, ...]:
        """The rules whose owners may use what they speak of as filters, now."""
        awake = tuple(
            rule for rule in self._held if permitted(engine, rule, rule.types | rule.fields, now)
        )
        asleep = frozenset(rule.name for rule in self._held) - {rule.name for rule in awake}
        for name in sorted(asleep - self._asleep):
            log.warning("warning.asleep", rule=name)
        self._asleep = asleep
        return awake

    def _write(self, before: int, until: int, matches: Sequence[Match]) -> None:
        apps = {use.app: use.department for use in self._counts.uses(element="")} if matches else {}
        ordered = sorted(matches, key=lambda one: one.at)
        found = [
            Found(
                warned=warned_of(one, one.department or apps.get(one.app, "")),
                quiet_s=one.rule.quiet_s, tell=self._telling.ways(one.rule.tell),
            )
            for one in ordered
        ]  # fmt: skip
        for warned in self._warnings.write(before, until, found) or ():
            log.warning(
                "warning.opened",
                rule=warned.rule, kind=warned.kind, severity=warned.severity, app=warned.app,
                source=warned.source, what=warned.what, count=warned.amount,
            )  # fmt: skip

    def _tidy(self) -> None:
        now = self._clock()
        self.open = self._warnings.open_count()
        if now < self._purged + _PURGE_S:
            return
        days = self._declared.days * DAY
        ends = [(span, now - kept) for span, kept in KEPT_S.items()]
        self._counts.purge([*ends, (DAY, now - days)], self._declared.most)
        self._warnings.purge(now - days)
        self._purged = now

    def _take(self) -> bool:
        with self._turning:
            return not self._over and self._lease.take()

    def _give_back(self) -> None:
        try:
            with self._turning:
                # a turn that was cancelled may still be on its way to the lease
                self._over = True
                self._lease.give_back()
        except SQLAlchemyError as error:
            log.warning("warning.unwatched", kind=type(error).__name__)


def rules_of(
    files: Iterable[Path], engine: Rules, duties: Iterable[str], receivers: Iterable[str]
) -> tuple[Rule, ...]:
    """The rules of files, checked. Raises: `ManyErrors` POLICY_INVALID, ``OSError``,
    ``UnicodeDecodeError``."""
    rules = read_all_rules((file.read_text(encoding="utf-8"), str(file)) for file in files)
    check_rules(rules, engine, duties=duties, receivers=receivers)
    return rules


def folded_rows(rows: Iterable[Row]) -> Folding:
    """What rows of the record come to; a body that is no entry is told and left out."""
    folded = Folding()
    for row in rows:
        try:
            folded.add(read_body(row.body))
        except msgspec.DecodeError:
            log.error("warning.unread", entry=row.seq)
    return folded


def found_in(
    rules: Sequence[Rule], counts: Counts, ends: Sequence[int], judged: Judged
) -> list[Match]:
    """What rules find at moments, in order; one that cannot be judged is told and left out."""
    matches: list[Match] = []
    for rule in rules:
        try:
            for end in ends:
                matches += counted(rule, counts, end, judged)
        except HubError as error:
            log.error("warning.unjudged", rule=rule.name, problem=str(error))
    return sorted(matches, key=lambda one: one.at)


def warned_of(match: Match, department: str) -> Warned:
    """A warning as it is kept."""
    rule = match.rule
    title_en, title_zh = rule.titles
    return Warned(
        id=new_id(), rule=rule.name, kind=rule.kind, severity=rule.severity,
        owner=rule.owner.name, title_en=title_en, title_zh=title_zh, app=match.app,
        department=department, source=match.source, what=match.what, since=match.since,
        first_at=match.at, last_at=match.at, times=1, amount=match.amount,
        expected=match.expected, changed_at=match.at,
    )  # fmt: skip


def _told(engine: Rules, match: Match, now: float) -> bool:
    elements = (match.element,) if match.element else ()
    return permitted(engine, match.rule, elements, now)

"""Early warnings: what is wrong with a source before anybody complains, each told once."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec
import structlog

from connectors.kit.local import apply
from connectors.spi import Aggregate, Ask, Call, Column, Connector, Health, Measure
from hub.registry.figures import Figures, Seen
from hub.settings.declared import HealthSettings
from hub.store.sourcehours import Look
from schema.errors import HubError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

log = structlog.get_logger("hub.sources")

Condition = Literal["down", "failing", "slow", "stale"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
PROBE_S = 5.0
_STEADY = 2
"""Looks in a row that have to agree before a condition is told, or told to have gone."""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of a source came (`since`) or went. Units: Unix seconds; `age_s` seconds.

    It holds figures about calls, never a value of the source or a text of its errors.
    """

    source: str
    department: str
    condition: Condition
    open: bool
    at: float
    since: float
    calls: int = 0
    failed: int = 0
    slowest_s: float | None = None
    age_s: float | None = None


class SourceHealth:
    """The sources of one hub. `look` is for one worker of all; `fetched` for each."""

    def __init__(
        self,
        settings: HealthSettings,
        warn: Callable[[Warned], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._warn = warn
        self._clock = clock
        self._figures: dict[str, Figures] = {}
        self._held: dict[SourceName, _Source] = {}
        self._newest: dict[str, float] = {}

    def fetched(self, source: str, seconds: float, ok: bool) -> None:
        """Count one call of an operation."""
        held = self._figures.get(source)
        if held is None:
            window = self._settings.window_s
            held = self._figures[source] = Figures(window_s=window, clock=self._clock)
        held.record(seconds, ok=ok)

    def newest(self, source: str) -> float:
        """As of when a source's data was at the last look of this worker; 0 = not known."""
        return self._newest.get(source, 0.0)

    @property
    def warnings(self) -> int:
        """Conditions that hold now."""
        return sum(len(held.open) for held in self._held.values())

    async def look(
        self, sources: Mapping[SourceName, tuple[SourceDecl, Connector | None]]
    ) -> list[Look]:
        """Probe every source and tell what changed; ``None`` stands for one that is not open."""
        for name in [name for name in self._held if name not in sources]:
            del self._held[name]
        async with asyncio.TaskGroup() as group:
            probes = {
                name: group.create_task(probed(decl, connector))
                for name, (decl, connector) in sources.items()
            }
        return [self._judge(decl, probes[name].result()) for name, (decl, _) in sources.items()]

    def _judge(self, decl: SourceDecl, probe: Health) -> Look:
        held = self._held.setdefault(decl.name, _Source())
        figures, now = self._figures.get(decl.name), self._clock()
        seen = figures.seen() if figures is not None else Seen()
        self._newest[decl.name] = probe.as_of
        age = max(0.0, now - probe.as_of) if probe.as_of else None
        wrong = conditions(self._settings, decl, probe, seen, age)
        for condition in CONDITIONS:
            since = held.turned(condition, now, wrong=condition in wrong)
            if since is None:
                continue
            self._warn(
                Warned(
                    source=decl.name, department=decl.department, condition=condition,
                    open=condition in wrong, at=now, since=since, calls=seen.calls,
                    failed=seen.failed, slowest_s=seen.slowest_s, age_s=age,
                )
            )  # fmt: skip
        promised = None if decl.freshness is None else decl.freshness.expect_s
        return Look(
            source=decl.name, department=decl.department, at=now, answered=probe.ok, age_s=age,
            expect_s=promised,
        )  # fmt: skip


class _Source:
    """Which conditions of one source hold, and which may be about to."""

    def __init__(self) -> None:
        self.open: dict[Condition, float] = {}
        self._turning: dict[Condition, tuple[int, float]] = {}

    def turned(self, condition: Condition, now: float, *, wrong: bool) -> float | None:
        """Since when it holds or held, where it has just come or gone for sure."""
        if wrong == (condition in self.open):
            self._turning.pop(condition, None)
            return None
        looks, first = self._turning.get(condition, (0, now))
        if looks + 1 < _STEADY:
            self._turning[condition] = (looks + 1, first)
            return None
        self._turning.pop(condition, None)
        if wrong:
            self.open[condition] = first
            return first
        return self.open.pop(condition)


def conditions(
    settings: HealthSettings, decl: SourceDecl, probe: Health, seen: Seen, age: float | None
) -> frozenset[Condition]:
    """What is wrong with a source now; `age` of its data in seconds, ``None`` if it says none."""
    found: set[Condition] = set()
    if not probe.ok:
        found.add("down")
    if seen.calls >= settings.least_calls:
        if seen.failing > settings.error_budget:
            found.add("failing")
        if seen.slowest_s is not None and seen.slowest_s > settings.slow_s:
            found.add("slow")
    if decl.freshness is not None and age is not None and age > decl.freshness.expect_s:
        found.add("stale")
    return frozenset(found)


async def probed(decl: SourceDecl, connector: Connector | None) -> Health:
    """Whether a source answers, and how old its data is; never raises."""
    if connector is None:
        return Health(ok=False, code="SOURCE_UNAVAILABLE")
    try:
        async with asyncio.timeout(PROBE_S):
            health = await connector.probe()
            fresh = decl.freshness
            if not health.ok or fresh is None or fresh.table is None or fresh.column is None:
                return health
            newest = await _newest(connector, fresh.table, fresh.column)
            return msgspec.structs.replace(health, as_of=newest)
    except TimeoutError:
        return Health(ok=False, code="SOURCE_TIMEOUT")
    except HubError as error:
        return Health(ok=False, code=error.code)
    except Exception as error:
        # a connector may be anybody's code; the others are looked at all the same
        log.exception("source.failed", source=decl.name, kind=type(error).__name__)
        return Health(ok=False, code="INTERNAL")


async def _newest(connector: Connector, table: str, name: str) -> float:
    """Unix seconds of the newest moment in a column, 0 without one; raises `HubError`."""
    column = Column(name, "DateTime")
    asked = Aggregate(group_by=(), measures=(Measure(name="newest", function="max", column=name),))
    offer = connector.offer(Ask(table=table, columns=(), known=(column,), aggregate=asked))
    call = Call(deadline=time.monotonic() + PROBE_S)
    newest = 0.0
    async for batch in connector.fetch(offer.handle, call):
        done = batch if offer.residual is None else apply(batch, offer.residual, {})
        for value in done.columns["newest"]:
            if value is not None:
                newest = max(newest, dt.datetime.fromisoformat(value).timestamp())
    return newest

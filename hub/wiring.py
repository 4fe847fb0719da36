"""The composition root: settings become a running hub."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine as Database

from auth.devissuer import DevIssuer
from auth.identify import Identifier
from connectors.kit.together import ended
from connectors.spi import Connector
from hub.audit.chain import AuditLog
from hub.audit.heads import HeadWatch
from hub.audit.opening import open_audit
from hub.audit.persons import person_hashes
from hub.callers import callers_of
from hub.corrections.disputes import disputes_of
from hub.corrections.news import tell_of_doubts
from hub.directory.watch import forgetting
from hub.emergency.work import watch_glass
from hub.loading import Loaded, engine_of, query_limits, watched_files
from hub.login.logins import Logins
from hub.login.tokens import Tokens
from hub.packaging import guard_names
from hub.query.answer import Pipeline
from hub.query.contest import Differing
from hub.query.cursor import Seal
from hub.query.inforce import InForce
from hub.query.keys import Keyring
from hub.query.profile import Profile
from hub.query.quota import Meter
from hub.query.recording import Recording
from hub.query.run import World
from hub.query.steps import Check
from hub.registration.ground import load_held
from hub.registration.watch import SourcesWatch
from hub.registry.sources import Sources, retry_missing
from hub.registry.watching import SourceWatch
from hub.rollout.watch import RulesWatch
from hub.settings import Settings
from hub.sharing.watch import GrantsWatch, watch_shares
from hub.store.engine import migrate, open_engine
from hub.store.epochs import epoch_of
from hub.store.mosaics import StoredMosaics
from hub.store.once import StoredOnce
from hub.store.quotas import StoredCounters
from hub.store.recorded import StoredOperations
from hub.store.secret import MASK, shared_secret
from hub.telemetry.metrics import Metrics
from hub.telemetry.trace import open_tracing
from hub.warning.watch import WarningWatch
from policies.engine import Engine
from policies.masks import MASKS
from policies.replay import reads_person
from policies.ruling import PolicyEngine
from schema.errors import HubError
from schema.model.catalogue import Catalogue

log = structlog.get_logger("hub")

LOOK_S = 0.5
"""How often a worker looks which epoch is in force."""
GRACE_S = 15.0
"""How long connectors that are no longer used stay open for operations in flight."""


class Hub:
    """One worker's hub. `pipeline` and `identifier` are swapped whole by `reload`."""

    pipeline: Pipeline
    identifier: Identifier
    logins: Logins | None = None
    tokens: Tokens | None = None

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        guard_names()
        self.settings = settings
        self._profile = Profile(settings.instance.crypto_profile)
        self._clock = clock
        self._released = settings.release.required
        self._loaded, number = load_held(settings, rules=not self._released)
        self._published = SourcesWatch(number) if settings.registry.enabled else None
        self._in_force = InForce()
        self._watch: RulesWatch | None = None
        self._shares: GrantsWatch | None = None
        self._swapping = asyncio.Lock()
        self._sources = Sources(vault=settings.vault)
        self._issuer = self._development_issuer()
        declared = settings.telemetry
        self._metrics = Metrics(service_name=declared.service_name)
        self._tracing = open_tracing(declared.otlp_endpoint, service_name=declared.service_name)
        self._audit: AuditLog | None = None
        self._recording: Recording | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        prefix, numbers = secrets.token_hex(6), itertools.count(1)
        self._ids = lambda: f"{prefix}-{next(numbers):x}"

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return self._loaded.catalogue

    @property
    def loaded(self) -> Loaded:
        """Files and registered sources as they were taken up last."""
        return self._loaded

    def rules(self, app: str) -> PolicyEngine:
        """What decides now, for one application.

        Raises: `HubError` RULES_UNAVAILABLE, EPOCH_REVOKED, APP_SUSPENDED.
        """
        self._in_force.begin(self.pipeline.engine.epoch)
        self._glass.check_app(app)
        return self.pipeline.engine

    @property
    def database(self) -> Database:
        """The hub's own database; open while the hub is."""
        return self._database

    @property
    def issuer(self) -> DevIssuer | None:
        """The development issuer, where the settings have one."""
        return self._issuer

    def _development_issuer(self) -> DevIssuer | None:
        declared = self.settings.auth.development_issuer
        if declared is None:
            return None
        return DevIssuer(
            declared,
            mode=self.settings.instance.mode,
            host=self.settings.listen.host,
            clock=self._clock,
        )

    async def open(self) -> None:
        """Open the hub's database, the audit log and the sources; raises `HubError`."""
        state = self.settings.state
        await asyncio.to_thread(Path(state.directory).mkdir, parents=True, exist_ok=True)
        self._database = open_engine(state.database_url)
        wait_s = self.settings.audit.wait_s
        self._quotas = StoredCounters(self._database, wait_s=wait_s, clock=self._clock)
        self._mosaics = StoredMosaics(self._database, wait_s=wait_s, clock=self._clock)
        self._once = StoredOnce(self._database, wait_s=wait_s, clock=self._clock)
        try:
            await self._open_parts()
        except BaseException:
            await self.close()  # what is open so far; nobody closes a hub that did not open
            raise

    async def _open_parts(self) -> None:
        settings = self.settings
        await asyncio.to_thread(migrate, self._database)
        self._audit = await open_audit(settings, self._database, self._metrics)
        if self._audit is not None:
            self._start(HeadWatch(settings, self._database, self._clock).run())
        secret = shared_secret(home := Path(settings.state.directory))
        self._seal = Seal(secret, self._clock, profile=self._profile)
        self._keys = Keyring(shared_secret(home, MASK), self._profile)
        self._meter = Meter(self._quotas, secret, self._clock)
        self._record_operations(secret)
        self._health = SourceWatch(settings.health, self._database, self._clock)
        callers = callers_of(
            settings, self._database, issuer=self._issuer, scheme=self._loaded.packs.scheme,
            once=self._once, secret=secret, clock=self._clock,
        )  # fmt: skip
        self.identifier, self.logins = callers.identifier, callers.logins
        self.tokens = callers.tokens
        await self._sources.use(self._loaded.sources)
        self._glass, work = await watch_glass(
            settings, self._database, self._clock, self._plan_anew, LOOK_S
        )
        self._disputes = disputes_of(settings, self._database)
        forget = forgetting(settings, self._database, lambda: self.identifier, LOOK_S)
        for one in (*work, *tell_of_doubts(settings, self._database, self._clock, LOOK_S), *forget):
            self._start(one)
        self._shares = await watch_shares(settings, self._database, self._in_force, self._clock)
        if self._shares is not None:
            self._start(self._shares.run(self._plan_anew, LOOK_S))
        if self._released:
            self._watch = RulesWatch(self._database, settings, self._in_force, self._clock)
            self.pipeline = await self._pipeline(self._watch.over(self._loaded))
            await self.look()
            self._start(self._watch_rules())
        else:
            if settings.instance.mode == "production":
                log.warning("rules.unsigned")
            self.pipeline = await self._pipeline(self._loaded)
        if self._published is not None:
            self._start(self._published.run(self._database, self.reload, LOOK_S))
        self._start(retry_missing(self._sources, self._plan_anew))
        health = self._health.health
        self._metrics.watch("hub.sources.warnings", lambda: health.warnings)
        self._start(self._health.run(self._sources.every))
        if settings.warnings.enabled:
            watch = WarningWatch(settings, self._database, self._rules, clock=self._clock)
            watch.watched_by(self._metrics)
            self._start(watch.run())

    def _rules(self) -> Engine | None:
        engine = self.pipeline.engine
        return engine if self._in_force.usable and isinstance(engine, Engine) else None

    def _record_operations(self, secret: bytes) -> None:
        declared = self.settings.recording
        if declared.enabled:
            kept = StoredOperations(self._database, days=declared.days, most=declared.most)
            recording = self._recording = Recording(kept, secret, clock=self._clock)
            self._metrics.watch("hub.recording.dropped", lambda: recording.dropped)
            self._start(recording.run())

    async def _pipeline(self, loaded: Loaded) -> Pipeline:
        settings = self.settings
        loaded, glass = self._glass.over(loaded)
        unruled = self._watch is not None and self._watch.epoch == 0
        loaded = loaded if self._shares is None else self._shares.over(loaded, none=unruled)
        if self._watch is not None:
            epoch = self._watch.epoch
        else:
            epoch = await asyncio.to_thread(epoch_of, self._database, loaded.rules)
        engine = await asyncio.to_thread(engine_of, loaded, settings, epoch)
        world = World(
            dict(self._sources.open),
            MASKS,
            self._seal.at_epoch(epoch),
            keys=self._keys,
            deadlines={n: decl.deadline_s for n, (decl, _) in loaded.sources.items()},
            on_failure=_source_failed,
            on_fetch=self._fetched,
            on_outside=self._outside,
            on_differing=self._differing,
            newest=self._health.health.newest,
            whose=person_hashes(Path(settings.state.directory)) if settings.audit.persons else None,
        )
        limits, recording = query_limits(settings), self._recording
        return Pipeline(
            catalogue=loaded.catalogue,
            engine=engine,
            world=world,
            recorder=self._audit,
            limits=limits,
            deadline_s=settings.limits.deadline_s,
            clock=self._clock,
            ids=self._ids,
            hub=settings.instance.name,
            tracing=self._tracing,
            meter=self._meter,
            in_force=self._in_force,
            glass=glass,
            disputes=self._disputes,
            mosaics=self._mosaics,
            covered=None if self._watch is None else self._watch.covered(engine, limits),
            notes=None
            if recording is None
            else recording.under(loaded.catalogue, epoch, limits, persons=reads_person(engine)),
        )

    def _fetched(self, source: str, seconds: float, ok: bool) -> None:
        self._metrics.fetch(source, seconds, ok=ok)
        self._health.health.fetched(source, seconds, ok)

    def _outside(self, check: Check, state: str, count: int) -> None:
        counted = self._health.norms
        counted.add(check.source, check.department, check.coordinate, state, count)

    def _differing(self, one: Differing) -> None:
        departments = (one.department, one.other_department)
        counted = self._health.disagreements
        counted.add(one.coordinate, (one.source, one.other), departments, one.count, one.keys)

    def observe(self, outcome: str, code: str | None, seconds: float) -> None:
        """Count one answer of a door."""
        self._metrics.operation(outcome, code, seconds)

    async def reload(self) -> None:
        """Make catalogue and policies anew from their files, or raise and change nothing."""
        async with self._swapping:
            await self._swap()

    async def _swap(self) -> None:
        loaded, _ = await asyncio.to_thread(
            load_held, self.settings, rules=not self._released, engine=self._database
        )
        ruled = loaded if self._watch is None else self._watch.over(loaded)
        # it only shows that the rules fit before any source is touched
        engine_of(ruled, self.settings, 0)
        gone = await self._sources.use(loaded.sources)
        self.pipeline = await self._pipeline(ruled)
        self._loaded = loaded
        if self._watch is not None:
            self._watch.fits()
        if gone:
            self._start(self._close_later(gone))

    async def look(self) -> None:
        """Put in force what the database says is, or refuse until it fits."""
        watch = self._watch
        if watch is None:
            return
        async with self._swapping:
            if not await asyncio.to_thread(watch.changed):
                return
            try:
                await self._take_up(watch)
            except HubError as error:
                watch.unfit(error)
            except Exception as error:
                # fails closed: whatever it was, this worker does not have the rules in force
                log.exception("rules.failed", kind=type(error).__name__)
                watch.unfit(HubError("INTERNAL", "an internal error"))

    async def _take_up(self, watch: RulesWatch) -> None:
        try:
            ruled = watch.over(self._loaded)
        except HubError as error:
            if error.code != "FLOOR_LOWERED":
                raise
            # an owner has signed a higher floor: its fragment may not have been taken up yet
            await self._swap()
            return
        self.pipeline = await self._pipeline(ruled)
        watch.fits()

    async def _watch_rules(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:
                # fails closed: without a look operations are refused after a while
                log.exception("rules.failed", kind=type(error).__name__)

    async def _close_later(self, gone: Sequence[Connector]) -> None:
        await asyncio.sleep(GRACE_S)
        await self._sources.let_go(gone)

    async def _plan_anew(self) -> None:
        async with self._swapping:
            if self._watch is None:
                self.pipeline = await self._pipeline(self._loaded)
            elif self._in_force.usable:
                self.pipeline = await self._pipeline(self._watch.over(self._loaded))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Close sources, audit log and database."""
        await ended(list(self._tasks))
        if self._recording is not None:
            await self._recording.close()
        await self._sources.close()
        if self._audit is not None:
            await self._audit.close()
        await asyncio.to_thread(self._quotas.close)
        await asyncio.to_thread(self._mosaics.close)
        await asyncio.to_thread(self._once.close)
        if self.logins is not None:
            await asyncio.to_thread(self.logins.sessions.close)
        self._database.dispose()
        self._metrics.close()
        self._tracing.close()

    async def ready(self) -> Mapping[str, bool]:
        """The hub answers without a source, so only its own parts must work."""
        audit = self._audit
        return {
            "catalogue": True,
            "audit": audit is None or audit.ready,
            "rules": self._in_force.usable,
        }

    def metrics(self) -> tuple[bytes, str]:
        """The metrics page."""
        return self._metrics.render()

    def watched(self) -> Sequence[Path]:
        """Fragments, bundles, grants and lists of break-glass."""
        return watched_files(self.settings, rules=not self._released)


def build_hub(settings: Settings) -> Hub:
    """A hub of these settings, its files read and checked; `open` it before use."""
    return Hub(settings)


def _source_failed(source: str, cause: BaseException) -> None:
    log.warning("source.error", source=source, kind=type(cause).__name__)

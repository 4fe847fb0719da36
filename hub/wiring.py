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
from hub.audit.link import linker
from hub.callers import identifier_of
from hub.directory.watch import DirectoryWatch
from hub.loading import Loaded, engine_of, query_limits
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
from hub.registry.sources import Sources
from hub.registry.watching import SourceWatch
from hub.rollout.watch import RulesWatch
from hub.settings import Settings
from hub.store.engine import migrate, open_engine
from hub.store.epochs import epoch_of
from hub.store.ledger import open_ledger
from hub.store.mosaics import StoredMosaics
from hub.store.once import StoredOnce
from hub.store.quotas import StoredCounters
from hub.store.recorded import StoredOperations
from hub.store.secret import MASK, shared_secret
from hub.telemetry.metrics import Metrics
from hub.telemetry.trace import open_tracing
from policies.masks import MASKS
from policies.replay import reads_person
from schema.errors import HubError
from schema.model.catalogue import Catalogue

log = structlog.get_logger("hub")

RETRY_S = 10.0
LOOK_S = 0.5
"""How often a worker looks which epoch is in force."""
GRACE_S = 15.0
"""How long connectors that are no longer used stay open for operations in flight."""


class Hub:
    """One worker's hub. `pipeline` and `identifier` are swapped whole by `reload`."""

    pipeline: Pipeline
    identifier: Identifier

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
        if settings.audit.enabled:
            head = settings.audit.head
            self._audit = AuditLog(
                open_ledger(self._database, wait_s=settings.audit.wait_s),
                queue=settings.audit.queue,
                wait_s=settings.audit.wait_s,
                head=None if head is None else Path(head),
                link=linker(settings.instance.crypto_profile),
            )
            await self._audit.open()
            self._metrics.watch(
                "hub.audit.entries", lambda: self._audit.entries if self._audit else 0
            )
            self._metrics.watch(
                "hub.audit.flushes", lambda: self._audit.flushes if self._audit else 0
            )
        home = Path(settings.state.directory)
        secret = shared_secret(home)
        self._seal = Seal(secret, self._clock, profile=self._profile)
        self._keys = Keyring(shared_secret(home, MASK), self._profile)
        self._meter = Meter(self._quotas, secret, self._clock)
        self._record_operations(secret)
        self._health = SourceWatch(settings.health, self._database, self._clock)
        self.identifier = identifier_of(
            settings,
            self._database,
            issuer=self._issuer,
            scheme=self._loaded.packs.scheme,
            once=self._once,
            clock=self._clock,
        )
        await self._sources.use(self._loaded.sources)
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
        if settings.directory.enabled:
            watch = DirectoryWatch(lambda: self.identifier.forget())
            self._start(watch.run(self._database, LOOK_S))
        self._start(self._watch_sources())
        health = self._health.health
        self._metrics.watch("hub.sources.warnings", lambda: health.warnings)
        self._start(self._health.run(self._sources.every))

    def _record_operations(self, secret: bytes) -> None:
        declared = self.settings.recording
        if declared.enabled:
            kept = StoredOperations(self._database, days=declared.days, most=declared.most)
            recording = self._recording = Recording(kept, secret, clock=self._clock)
            self._metrics.watch("hub.recording.dropped", lambda: recording.dropped)
            self._start(recording.run())

    async def _pipeline(self, loaded: Loaded) -> Pipeline:
        settings = self.settings
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

    async def _watch_sources(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                if self._sources.missing and await self._sources.open_missing():
                    # plans made while a source was away say so: they are made anew
                    await self._plan_anew()
            except Exception as error:
                # what stays away is asked for again; the pipeline in use goes on without it
                log.exception("sources.failed", kind=type(error).__name__)

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
        """Fragments, bundles and grants."""
        settings = self.settings
        drafts = () if self._released else settings.policies
        patterns = (*settings.fragments, *drafts, *settings.grants)
        return sorted({Path(pattern).parent for pattern in patterns if "*" in Path(pattern).name}
                      | {Path(p) for p in patterns if "*" not in Path(p).name})  # fmt: skip


def build_hub(settings: Settings) -> Hub:
    """A hub of these settings, its files read and checked; `open` it before use."""
    return Hub(settings)


def _source_failed(source: str, cause: BaseException) -> None:
    log.warning("source.error", source=source, kind=type(cause).__name__)

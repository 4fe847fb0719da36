"""The pipeline: each room called once, in order; every door comes through here."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import orjson
import structlog
from graphql import execute_sync

from hub.query.delegated import acts_under, may_state
from hub.query.disputed import Disputes
from hub.query.duties import duties_of
from hub.query.envelope import (
    Answer,
    audited_fields,
    error_entry,
    governance,
    refusal,
    rejection,
)
from hub.query.executor import PlanRunner
from hub.query.extensions import extensions_of
from hub.query.glass import Glass, Whole, holding, types_of
from hub.query.inforce import InForce
from hub.query.label import label_of
from hub.query.limits import Limits
from hub.query.mosaic import PartCounts, kept_apart
from hub.query.paging import cursors_in, open_cursors
from hub.query.parse import Document, RequestError, build_operation, read_document
from hub.query.plancache import BoundedStore, WeighedStore
from hub.query.planner import plan_operation
from hub.query.prepared import Caller, Key, Known, Prepared, Runnable, check_still, ruled
from hub.query.quota import Meter, dues_of, metered
from hub.query.record import METADATA, Recorder, Told
from hub.query.recording import Kept, Notes
from hub.query.request import Covering, Request, asker_of
from hub.query.run import Run, World
from hub.query.show import plan_text
from hub.query.steps import Plan
from hub.telemetry.trace import Tracing, new_trace, traceparent
from policies.ruling import PolicyEngine
from schema.errors import HubError
from schema.graph.build import Face, build_face
from schema.model.catalogue import Catalogue
from schema.model.subject import Context, Subject

log = structlog.get_logger("hub.query")

_encode = msgspec.json.Encoder().encode


class Pipeline:
    """Answers operations under one catalogue version and one policy epoch.

    A new version or epoch is a new Pipeline: no cache outlives what it was made from.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        engine: PolicyEngine,
        world: World,
        recorder: Recorder | None,
        limits: Limits,
        deadline_s: float = 10.0,
        clock: Callable[[], float] = time.time,
        ids: Callable[[], str],
        hub: str = "hub",
        traces: Callable[[], str] = new_trace,
        tracing: Tracing | None = None,
        meter: Meter | None = None,
        in_force: InForce | None = None,
        mosaics: PartCounts | None = None,
        notes: Notes | None = None,
        covered: Covering | None = None,
        glass: Glass | None = None,
        disputes: Disputes | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.engine = engine
        self.world = world
        self.limits = limits
        self._recorder = recorder
        self._meter = meter
        self._in_force = in_force or InForce()
        self._mosaics = mosaics
        self._notes = notes
        self._covered = covered
        self._glass: Glass = glass or Whole()
        self._disputes = disputes
        self._deadline_s = deadline_s
        self._clock = clock
        self._ids = ids
        self._hub = hub
        self._traces = traces
        self._tracing = tracing or Tracing(None)
        self._callers: BoundedStore[int, Caller] = BoundedStore(1024)
        self._documents: WeighedStore[Key, Known] = WeighedStore(limits.max_kept_bytes)
        self._faces: BoundedStore[str, Face] = BoundedStore(32)
        self._plans: WeighedStore[tuple[Any, ...], Runnable] = WeighedStore(limits.max_kept_bytes)

    async def answer(self, request: Request) -> Answer:
        """One operation from text to bytes; never raises for what a caller can cause."""
        operation_id = self._ids()
        if request.trace is None:
            request = msgspec.structs.replace(request, trace=self._traces())
        if not self._tracing.enabled:
            return await self._answer(request, operation_id)
        with self._tracing.span(
            "operation",
            {"hub.operation_id": operation_id, "hub.door": request.door},
            parent=traceparent(request.trace or ""),
        ):
            return await self._answer(request, operation_id)

    async def _answer(self, request: Request, operation_id: str) -> Answer:
        told = Told(request, operation_id, self.engine.epoch, self.catalogue.version)
        try:
            self._in_force.begin(self.engine.epoch)
            told.emergency = self._glass.enter(request)
            may_state(request)
            if request.subject.acting_for is not None:
                told.lent = acts_under(told, self.engine, self._context(request))
            known = self._known(request)
            told.digest = known.text_digest
            if known.introspects:
                return await self._introspect(told, known.document)
            if self._covered is not None:
                self._covered.check(request, known.text_digest)
            prepared = self._prepared(request, known)
            if self._notes is not None:
                self._notes.seen(prepared.kept, prepared.operation.name, known.document, request)
            told.name, told.fields = prepared.operation.name, prepared.fields
            # fails closed: labels go down once it is known by how many each value is shared
            told.duties, told.label = prepared.duties, prepared.label.kept or prepared.label
            told.together = prepared.ruling.together
            return await self._run(told, known.document, prepared)
        except RequestError as error:
            if self._notes is not None and error.code == "GRAPHQL_VALIDATION_FAILED":
                self._notes.refused(request)
            unrecorded = await self._record_refusal(told, "refused", error.code)
            if unrecorded is None:
                return refusal(error.errors, error.code, operation_id)
            error_told: HubError = unrecorded
        except HubError as error:
            error_told = error
            if error.code != "AUDIT_UNAVAILABLE":
                error_told = await self._record_refusal(told, "refused", error.code) or error
        except Exception as error:
            # fails closed: nothing of what was fetched leaves, and it is on record that it was
            log.exception("operation.failed", kind=type(error).__name__)
            failed = HubError("INTERNAL", "an internal error")
            error_told = await self._record_refusal(told, "failed", failed.code) or failed
        return refusal([error_entry(error_told)], error_told.code, operation_id)

    def face(self, subject: Subject) -> Face:
        """The subject's schema."""
        return self._caller(subject).face

    async def show(self, request: Request, made: Callable[[Face], Any]) -> Answer:
        """What is made of the subject's schema, on record as introspection is."""
        told = Told(
            request, self._ids(), self.engine.epoch, self.catalogue.version, fields=METADATA
        )
        try:
            self._in_force.begin(self.engine.epoch)
            self._glass.enter(request)
            body = _encode(made(self.face(request.subject)))
            await self._record(told, outcome="ok", code=None)
        except HubError as error:
            return refusal([error_entry(error)], error.code, told.operation_id)
        return Answer(body=body, kind="data", code=None, operation_id=told.operation_id)

    def plan(self, request: Request) -> Plan:
        """The plan of an operation; raises what `answer` would answer with."""
        prepared = self._prepared(request, self._known(request))
        if prepared.rejected is not None:
            raise prepared.rejected
        nulls = {use.at: (False,) * use.width for use in prepared.cursors}
        return plan_operation(
            prepared.operation, self.catalogue, prepared.ruling, self.world.connectors, nulls,
            self.limits,
        )  # fmt: skip

    def plan_text(self, request: Request) -> str:
        """The plan of an operation as text."""
        return plan_text(self.plan(request))

    def _caller(self, subject: Subject) -> Caller:
        caller = self._callers.get(id(subject))
        if caller is not None and caller.subject is subject:
            return caller
        visible = self.engine.visible(subject)
        digest = visible.digest
        face = self._faces.get(digest)
        if face is None:
            face = build_face(self.catalogue, visible)
            self._faces.put(digest, face)
        caller = Caller(subject, face)
        self._callers.put(id(subject), caller)
        return caller

    def _known(self, request: Request) -> Known:
        caller = self._caller(request.subject)
        key = (caller, request.text, request.operation_name, request.purpose)
        known = self._documents.get(key)
        if known is None:
            document = read_document(request.text, caller.face, self.limits)
            known = Known(document, request.operation_name)
            self._keep(key, known)
        return known

    def _keep(self, key: Key, known: Known) -> None:
        """Keep a document, or weigh it again; a long one is read afresh each time."""
        length = len(key[1]) + len(key[2] or "") + len(key[3] or "")
        if length <= self.limits.max_kept_text:
            self._documents.put(key, known, known.bytes * (1 + len(known.variants)))

    def _prepared(self, request: Request, known: Known) -> Prepared:
        context = self._context(request)
        shape = (
            known.document.shape(request.operation_name, request.variables),
            context.network_zone,
            context.acr,
            context.case_id,
        )
        prepared = known.variants.get(shape)
        if prepared is not None and prepared.since <= context.now < prepared.ruling.valid_until:
            return prepared
        operation = build_operation(known.document, request.operation_name, request.variables)
        ruling = ruled(self.engine, operation, request.subject, context)
        prepared = Prepared(
            operation=operation,
            ruling=ruling,
            since=context.now,
            cursors=cursors_in(operation, self.catalogue, ruling),
            fields=audited_fields(ruling, operation.uses),
            duties=duties_of(ruling),
            label=label_of(operation, ruling, self.catalogue, request.subject),
            dues=dues_of(ruling),
            policy_class=ruling.policy_class,
            rejected=rejection(ruling, operation.uses),
            bytes=known.bytes,
            runners={},
            kept=Kept(),
            types=types_of(operation),
        )
        known.variants.put(shape, prepared)
        caller = self._caller(request.subject)
        self._keep((caller, request.text, request.operation_name, request.purpose), known)
        return prepared

    def _context(self, request: Request) -> Context:
        """The circumstances; those that no rule reads are left out, so that they part no callers.

        Rulings are kept by what stands here and are made from nothing else.
        """
        reads = self.engine.reads
        return Context(
            purpose=request.purpose,
            now=self._clock(),
            network_zone=request.network_zone if "network_zone" in reads else None,
            acr=request.subject.acr if "acr" in reads else None,
            case_id=request.case_id if "case_id" in reads else None,
        )

    async def _run(self, told: Told, document: Document, prepared: Prepared) -> Answer:
        request, operation, ruling = told.request, prepared.operation, prepared.ruling
        if prepared.rejected is not None:
            raise prepared.rejected
        params: dict[str, Any] = {
            **ruling.params,
            **document.bind(operation, request.variables),
        }
        nulls = open_cursors(self.world.seal, prepared.cursors, request.subject.id, params)
        runnable = prepared.runners.get(nulls)
        if runnable is None:
            runnable = self._runnable(prepared, nulls)
            prepared.runners[nulls] = runnable
        broken = told.emergency = self._glass.about(told.emergency, prepared.types)
        run = told.run = Run(
            self.world,
            request.subject,
            params,
            operation_id=told.operation_id,
            deadline=time.monotonic() + self._deadline_s,
            twins=runnable.runner.plan.twins,
            purpose=request.purpose,
            principal=ruling.principal,
            asker=asker_of(request, self._hub),
            holds=holding(self._glass, broken),
        )
        whose = [one for one in (request.subject, ruling.principal) if one is not None]
        fetching = partial(self._fetch, runnable.runner, run)
        work = kept_apart(self._mosaics, ruling.together, whose, fetching)
        data = await (metered(self._meter, prepared.dues, run, work) if prepared.dues else work())
        errors = [*runnable.field_errors, *run.errors]
        code = errors[0]["extensions"]["code"] if errors else None
        told.label = prepared.label.after(run.singled)
        check_still(self.engine, prepared, request.subject, self._context(request))
        self._glass.check(broken)
        await self._record(told, "partial" if errors else "ok", code)
        body: dict[str, Any] = {"data": data}
        if errors:
            body["errors"] = errors
        extensions = await extensions_of(
            prepared, runnable, run, request, told, catalogue=self.catalogue,
            marks=self._glass.marks(broken), now=self._clock(), disputes=self._disputes, data=data,
        )  # fmt: skip
        if extensions is not None:
            body["extensions"] = extensions
        return Answer(
            body=_encode(body),
            kind="partial" if errors else "data",
            code=code,
            operation_id=told.operation_id,
        )

    async def _fetch(self, runner: PlanRunner, run: Run) -> dict[str, Any]:
        recorder = self._recorder
        if recorder is not None:
            recorder.expected += 1
        try:
            with self._tracing.span("run", {"hub.operation_id": run.operation_id}):
                return await runner.run(run)
        finally:
            if recorder is not None:
                recorder.expected -= 1

    def _runnable(self, prepared: Prepared, nulls: tuple[tuple[bool, ...], ...]) -> Runnable:
        said = prepared.policy_class + prepared.label.key
        key = (prepared.operation.digest, self.catalogue.version, said, nulls)
        found = self._plans.get(key)
        if found is not None:
            return found
        by_place = {use.at: null for use, null in zip(prepared.cursors, nulls, strict=True)}
        plan = plan_operation(
            prepared.operation,
            self.catalogue,
            prepared.ruling,
            self.world.connectors,
            by_place,
            self.limits,
        )
        made = Runnable(
            runner=PlanRunner(plan, self.world),
            extensions=governance(plan.notices, label=prepared.label.told),
            field_errors=tuple(
                error_entry(
                    HubError(notice.code or "FIELD_FORBIDDEN", "the field may not be read"),
                    notice.path,
                )
                for notice in plan.notices
                if notice.outcome == "error"
            ),
        )
        self._plans.put(key, made, prepared.bytes)
        return made

    async def _introspect(self, told: Told, document: Document) -> Answer:
        request = told.request
        told.name, told.fields = request.operation_name, METADATA
        result = execute_sync(
            self._caller(request.subject).face.schema,
            document.ast,
            operation_name=request.operation_name,
            variable_values=dict(request.variables),
        )
        if result.errors:
            raise HubError("BAD_USER_INPUT", "the operation cannot be carried out")
        body = orjson.dumps({"data": result.data})
        await self._record(told, "ok", None)
        return Answer(body=body, kind="data", code=None, operation_id=told.operation_id)

    async def _record(self, told: Told, outcome: str, code: str | None) -> None:
        """Make the entry durable; raises ``AUDIT_UNAVAILABLE``, and ``EPOCH_REVOKED`` for what
        must not leave any more."""
        if outcome in ("ok", "partial"):
            self._in_force.end(self.engine.epoch, told.fields)
        if self._recorder is not None:
            named = {"hub.operation_id": told.operation_id}
            with self._tracing.span("record", named if self._tracing.enabled else None):  # type: ignore[arg-type]
                await self._recorder.record(told.entry(self._clock(), outcome, code))

    async def _record_refusal(self, told: Told, outcome: str, code: str) -> HubError | None:
        """Whatever a caller asked is on record, also what was refused or failed."""
        try:
            await self._record(told, outcome, code)
        except HubError as failure:
            return failure
        return None

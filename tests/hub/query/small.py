"""A small world for the query path: three departments, four sources' tables, a plain engine."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import orjson

from connectors.memory import EVERYTHING, MemoryConnector
from connectors.spi import Batch, Call, Capabilities
from hub.audit.entry import Entry
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.keys import Keyring
from hub.query.limits import Limits
from hub.query.profile import Profile
from hub.query.quota import Meter
from hub.query.request import Request
from hub.query.run import World
from policies.masks import MASKS
from policies.obligation import Obligation
from policies.ruling import Allow, Lent, Outcome, Ruling
from schema.errors import HubError
from schema.model.binding import ColumnBinding, SourceDecl, TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, Relation
from schema.model.label import Label, LabelScheme, Ladder
from schema.model.names import DepartmentName, FieldName, SourceName, TypeName
from schema.model.predicate import TRUE, Predicate
from schema.model.scalar import ScalarKind
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from schema.model.visible import Visible
from schema.model.whole import see_everything

SECRET = b"k" * 32
DEPARTMENTS = {"civil": "civil-affairs", "hr": "human-resources", "tax": "tax-bureau"}
SUBJECT = Subject(id="app:one", app="one", purposes=frozenset({"p"}))
OTHER = Subject(id="app:two", app="two", purposes=frozenset({"p"}))


def _field(name: str, kind: ScalarKind, source: str) -> Field:
    return Field(
        name=FieldName(name),
        kind=kind,
        label=Label(levels=(("l", "low"),)),
        share="unconditional",
        owner=DepartmentName(DEPARTMENTS[source]),
        source=SourceName(source),
    )


def _relation(of: str, name: str, to: str, many: bool, ours: str, theirs: str) -> Relation:
    return Relation(
        name=FieldName(name), of=TypeName(of), to=TypeName(to), many=many,
        match=((FieldName(ours), FieldName(theirs)),), owner=DepartmentName("civil-affairs"),
    )  # fmt: skip


def _entity(
    name: str,
    plural: str,
    anchor: str,
    fields: Mapping[str, tuple[ScalarKind, str]],
    *relations: Relation,
) -> EntityType:
    first = FieldName(next(iter(fields)))
    return EntityType(
        name=TypeName(name), plural=FieldName(plural), singular=FieldName(name.lower()),
        keys=((first,),),
        fields={FieldName(n): _field(n, kind, source) for n, (kind, source) in fields.items()},
        relations={relation.name: relation for relation in relations},
        owner=DepartmentName(DEPARTMENTS[anchor]), anchor=SourceName(anchor),
    )  # fmt: skip


TYPES = (
    _entity(
        "Person", "persons", "civil",
        {
            "number": ("String", "civil"), "name": ("String", "civil"), "age": ("Int", "civil"),
            "score": ("Decimal", "civil"), "born": ("Date", "civil"),
            "homeCode": ("String", "civil"), "income": ("Decimal", "tax"),
        },
        _relation("Person", "home", "Home", False, "homeCode", "code"),
        _relation("Person", "jobs", "Job", True, "number", "personNumber"),
    ),
    _entity(
        "Home", "homes", "civil",
        {"code": ("String", "civil"), "street": ("String", "civil")},
        _relation("Home", "people", "Person", True, "code", "homeCode"),
    ),
    _entity(
        "Job", "jobs", "hr",
        {
            "jobId": ("String", "hr"), "personNumber": ("String", "hr"),
            "title": ("String", "hr"), "pay": ("Int", "hr"),
        },
        _relation("Job", "person", "Person", False, "personNumber", "number"),
    ),
)  # fmt: skip


def _binding(entity: EntityType, source: str) -> TypeBinding:
    held = {
        name: ColumnBinding(column=str(name), kind=field.kind)
        for name, field in entity.fields.items()
        if field.source == source or name in entity.key
    }
    return TypeBinding(
        type=entity.name, source=SourceName(source), table=str(entity.plural), columns=held
    )


CATALOGUE = Catalogue(
    version="small",
    scheme=LabelScheme(ladders=(Ladder(id="l", levels=("low", "high")),)),
    types={entity.name: entity for entity in TYPES},
    sources={
        SourceName(source): SourceDecl(
            name=SourceName(source), department=DepartmentName(department), kind="memory"
        )
        for source, department in DEPARTMENTS.items()
    },
    bindings={
        entity.name: {
            SourceName(source): _binding(entity, source)
            for source in sorted({str(field.source) for field in entity.fields.values()})
        }
        for entity in TYPES
    },
)

PERSONS: list[dict[str, Any]] = [
    {"number": "1", "name": "Ann", "age": 31, "score": "1.50", "born": "1990-01-01",
     "homeCode": "h1"},
    {"number": "2", "name": "Bob", "age": None, "score": "-2.00", "born": None, "homeCode": "h1"},
    {"number": "3", "name": "Cid", "age": 20, "score": None, "born": "2001-02-03",
     "homeCode": None},
    {"number": "4", "name": "Ann", "age": 31, "score": "1.5", "born": "1970-12-31",
     "homeCode": "h2"},
    {"number": "5", "name": None, "age": 20, "score": "10.00", "born": None, "homeCode": "gone"},
]  # fmt: skip
TABLES: dict[str, dict[str, list[dict[str, Any]]]] = {
    "civil": {
        "persons": PERSONS,
        "homes": [{"code": "h1", "street": "East"}, {"code": "h2", "street": None}],
    },
    "hr": {
        "jobs": [
            {"jobId": "a", "personNumber": "1", "title": "cook", "pay": 10},
            {"jobId": "b", "personNumber": "1", "title": "clerk", "pay": None},
            {"jobId": "c", "personNumber": "4", "title": "cook", "pay": 30},
        ]
    },
    "tax": {"persons": [{"number": "1", "income": "99.90"}, {"number": "2", "income": "5.00"}]},
}


class Recording(MemoryConnector):
    """A memory connector that notes its calls and can be made to fail."""

    def __init__(
        self,
        name: str,
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        capabilities: Capabilities = EVERYTHING,
    ) -> None:
        super().__init__(SourceName(name), tables, capabilities)
        self.calls = 0
        self.callers: list[str] = []
        self.fails: BaseException | None = None
        self.sleeps = 0.0

    async def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        self.calls += 1
        self.callers.append(call.caller)
        if self.sleeps:
            await asyncio.sleep(self.sleeps)
        if self.fails is not None:
            raise self.fails
        async for batch in super().fetch(handle, call):
            yield batch


class PlainEngine:
    """Allows everything but what it is told otherwise."""

    epoch = 1
    reads: frozenset[str] = frozenset()

    def __init__(
        self,
        catalogue: Catalogue = CATALOGUE,
        outcomes: Mapping[tuple[str, str], Outcome] | None = None,
        rows: Mapping[str, Predicate] | None = None,
        hidden: frozenset[str] = frozenset(),
        obligations: Mapping[tuple[str, str], tuple[Obligation, ...]] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.obligations = dict(obligations or {})
        self.outcomes = dict(outcomes or {})
        self.rows = dict(rows or {})
        self.hidden = hidden
        self.valid_until = float("inf")
        self.asked: list[tuple[FieldUse, ...]] = []

    def visible(self, _subject: Subject) -> Visible:
        whole = see_everything(self.catalogue)
        return Visible(
            selectable=frozenset(at for at in whole.selectable if at not in self.hidden),
            uses=frozenset(use for use in whole.uses if use.coordinate not in self.hidden),
        )

    def rule(
        self,
        _subject: Subject,
        uses: Sequence[FieldUse],
        _context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        uses = (*uses, *implied)
        self.asked.append(tuple(uses))
        return Ruling(
            epoch=self.epoch,
            outcomes={use: self.outcomes.get((use.coordinate, use.mode), Allow()) for use in uses},
            row_filters={name: self.rows.get(name, TRUE) for name in self.catalogue.types},
            params={},
            reasons={},
            obligations={
                use: found
                for use in uses
                if (found := self.obligations.get((use.coordinate, use.mode)))
            },
            valid_until=self.valid_until,
        )

    def delegations_of(self, _subject: Subject, _context: Context) -> tuple[Lent, ...]:
        return ()

    def explain(
        self, _subject: Subject, _use: FieldUse, _context: Context, *, redacted: bool = False
    ) -> str:
        return ""


class Recorder:
    """Keeps entries, or refuses to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.broken = False
        self.expected = 0

    async def record(self, entry: Entry) -> int:
        if self.broken:
            raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot record")
        self.entries.append(entry)
        return len(self.entries)


def without_label(told: dict[str, Any]) -> dict[str, Any]:
    """A response as tests that are not about labels compare it."""
    said = told.get("extensions", {}).get("governance", {})
    if said.pop("label", None) and not said:
        del told["extensions"]
    return told


class Small:
    """A pipeline over the small world with everything at hand that tests look at."""

    def __init__(
        self,
        engine: PlainEngine | None = None,
        *,
        tables: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = TABLES,
        capabilities: Capabilities = EVERYTHING,
        limits: Limits | None = None,
        deadline_s: float = 10.0,
        clock: Callable[[], float] = lambda: 1_000.0,
        keys: Keyring | None = None,
        profile: Profile | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.engine = engine or PlainEngine()
        self.recorder = Recorder()
        self.sources = {name: Recording(name, held, capabilities) for name, held in tables.items()}
        self.failures: list[tuple[str, BaseException]] = []
        world = World(
            dict(self.sources),  # type: ignore[arg-type]
            MASKS,
            Seal(SECRET, clock, ttl_s=100.0, profile=profile),
            keys=keys,
            on_failure=lambda source, cause: self.failures.append((source, cause)),
        )
        numbers = itertools.count(1)
        self.pipeline = Pipeline(
            catalogue=self.engine.catalogue,
            engine=self.engine,
            world=world,
            recorder=self.recorder,
            limits=limits or Limits(),
            deadline_s=deadline_s,
            clock=clock,
            ids=lambda: f"op-{next(numbers)}",
            meter=meter,
        )

    @property
    def calls(self) -> int:
        """Calls of any source."""
        return sum(source.calls for source in self.sources.values())

    async def ask(
        self, text: str, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The whole response."""
        request = Request(
            text=text, variables=variables or {}, **{"subject": SUBJECT, "purpose": "p", **more}
        )
        told: dict[str, Any] = orjson.loads((await self.pipeline.answer(request)).body)
        return without_label(told)

    async def code(self, text: str, variables: Mapping[str, Any] | None = None) -> str:
        """The code of a request that must be refused before any source is called."""
        before = self.calls
        told = await self.ask(text, variables)
        assert "data" not in told, told
        assert self.calls == before
        found: str = told["errors"][0]["extensions"]["code"]
        return found

"""Taking a doubt: who may report it is decided as for every use; no source is ever asked.

The answer is the same whether the row exists, whether the value is right, and who is doubted.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine

from hub.corrections.sealed import Doubt, seal_of
from hub.query.envelope import rejection
from hub.rollout.act import Acts
from hub.settings import Settings
from hub.store import corrections as store
from hub.store.corrections import Correction, Step
from policies.clock import due
from policies.obligation import Quota
from policies.packs import Packs
from policies.ruling import Allow, PolicyEngine, Ruling
from schema.errors import HubError
from schema.model.entity import EntityType, Field
from schema.model.names import Coordinate, FieldName, TypeName, coordinate
from schema.model.scalar import canonical
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse

MOST_FIELDS = 20
_LONGEST = 500
_LONGEST_EVIDENCE = 2_000
_LONGEST_NAME = 200
_TEXT = str | int | float | bool


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One doubted field."""

    field: str
    claimed: _TEXT | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a caller sends it."""

    type: str
    key: dict[str, _TEXT]
    fields: tuple[Claim, ...]
    evidence: str
    purpose: str | None = None
    case_id: str | None = msgspec.field(default=None, name="case")


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A report that its caller may make, in canonical values."""

    said: Report
    entity: EntityType
    fields: Sequence[Field]
    key: Mapping[str, Any]
    claimed: Sequence[Any]


class Reporting:
    """Takes doubts for one hub; blocking."""

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises: `HubError` NOT_FOUND where doubts are not taken; CONFIG_INVALID."""
        self._declared = settings.corrections
        check_enabled(settings)
        self._engine = engine
        self._seal = seal_of(settings)
        self._clock = clock
        self._acts = Acts(engine, settings, clock)

    def report(
        self, subject: Subject, said: Report, *, rules: PolicyEngine, packs: Packs
    ) -> tuple[str, ...]:
        """`admit` and `keep` in one, blocking."""
        try:
            admitted = self.admit(subject, said, rules=rules)
        except HubError as error:
            self.refuse(subject, error)
            raise
        return self.keep(subject, admitted, packs)

    def admit(
        self,
        subject: Subject,
        said: Report,
        *,
        rules: PolicyEngine,
        network_zone: str | None = None,
    ) -> Admitted:
        """What may be kept of it. Asks nothing of the world, and so nothing of the row.

        Raises: `HubError` USE_FORBIDDEN and what else a ruling says, BAD_USER_INPUT.
        """
        _check_size(said)
        context = Context(
            purpose=said.purpose, now=self._clock(), network_zone=network_zone, acr=subject.acr,
            case_id=said.case_id,
        )  # fmt: skip
        entity, fields = _allowed(subject, said, rules, context)
        key = _key(entity, said.key)
        claimed = [
            _value(field, claim.claimed) for field, claim in zip(fields, said.fields, strict=True)
        ]
        return Admitted(said=said, entity=entity, fields=fields, key=key, claimed=claimed)

    def refuse(self, subject: Subject, error: HubError) -> None:
        """What is refused is on record too; blocking. Raises: `HubError` AUDIT_UNAVAILABLE."""
        by = subject.id[:_LONGEST_NAME]
        self._acts.record("correction.report", by, outcome="refused", code=error.code)

    def keep(self, subject: Subject, admitted: Admitted, packs: Packs) -> tuple[str, ...]:
        """Keep a doubt for each field; their ids, in the order of the fields. Blocking.

        Raises: `HubError` CORRECTION_REFUSED, CORRECTIONS_UNAVAILABLE, CONFIG_INVALID.
        """
        now, by = self._clock(), subject.id[:_LONGEST_NAME]
        with self._acts.refusals("correction.report", by):
            ends = due_at(packs, self._declared.clock, now)
            made = [
                self._made(subject, admitted, place, now, ends)
                for place in range(len(admitted.fields))
            ]
            steps = [
                Step(id=one.id, revision=1, act="report", state="reported", by=by, at=now)
                for one in made
            ]
            for one in made:
                details = {"correction": one.id, "field": one.element, "to": one.department}
                self._acts.record("correction.report", by, details=details)
            store.report(self._engine, made, steps, self._declared.most_open)
        return tuple(one.id for one in made)

    def _made(
        self, subject: Subject, admitted: Admitted, place: int, now: float, ends: float
    ) -> Correction:
        name, field, said = secrets.token_hex(8), admitted.fields[place], admitted.said
        at = coordinate(admitted.entity.name, field.name)
        doubt = Doubt(key=admitted.key, claimed=admitted.claimed[place], evidence=said.evidence)
        department = subject.department
        return Correction(
            id=name,
            element=at,
            department=str(field.owner),
            mark=self._seal.mark(at, admitted.key),
            sealed=self._seal.close(name, doubt),
            reporter=subject.id[:_LONGEST_NAME],
            app=subject.app[:_LONGEST_NAME],
            reporter_department=None if department is None else str(department)[:63],
            purpose=None if said.purpose is None else said.purpose[:_LONGEST_NAME],
            reported_at=now,
            due_at=ends,
        )


def check_enabled(settings: Settings) -> None:
    """Raises: `HubError` NOT_FOUND where doubts are not taken."""
    if not settings.corrections.enabled:
        hint = "an operator sets `corrections.enabled`"
        raise HubError("NOT_FOUND", "this hub takes no doubts about values", hint=hint)


def due_at(packs: Packs, name: str, start: float, *, extended: bool = False) -> float:
    """When a doubt is to be settled. Raises: `HubError` CONFIG_INVALID, BAD_REQUEST."""
    found = packs.clocks.get(name)
    if found is None:
        hint = "load a pack that has it, or name another one in `corrections.clock`"
        message = f"no pack has the clock `{name}`"
        raise HubError("CONFIG_INVALID", message, where="corrections.clock", hint=hint)
    return due(found, packs.calendars[found.calendar], start, extended=extended).at


def _check_size(said: Report) -> None:
    if not 1 <= len(said.fields) <= MOST_FIELDS:
        raise _bad("the fields", f"1 to {MOST_FIELDS} of one row")
    if len({one.field for one in said.fields}) < len(said.fields):
        raise _bad("the fields", "each named once")
    texts = [one for one in said.key.values() if isinstance(one, str)]
    texts += [one.claimed for one in said.fields if isinstance(one.claimed, str)]
    names = [said.type, *said.key, *(one.field for one in said.fields)]
    if len(said.key) > MOST_FIELDS or any(len(one) > _LONGEST for one in (*texts, *names)):
        raise _bad("a name or value", f"at most {_LONGEST} signs long")
    if not said.evidence.strip() or len(said.evidence) > _LONGEST_EVIDENCE:
        raise _bad("the evidence", f"1 to {_LONGEST_EVIDENCE} signs of text")


def _allowed(
    subject: Subject, said: Report, rules: PolicyEngine, context: Context
) -> tuple[EntityType, list[Field]]:
    """The doubted fields, where the caller may doubt them all and see the key."""
    entity = rules.catalogue.types.get(TypeName(said.type))
    key = () if entity is None else entity.key
    doubts = [FieldUse(Coordinate(f"{said.type}.{one.field}"), "correct") for one in said.fields]
    shown = [FieldUse(coordinate(said.type, name), "project") for name in key]
    ruling: Ruling = rules.rule(subject, [*doubts, *shown], context)
    refused = rejection(ruling, doubts)
    if refused is not None:
        raise refused
    for use in (*doubts, *shown):
        # fails closed: a mask, a row of some, or a field that is none: all are refused alike
        if not isinstance(ruling.outcomes.get(use), Allow):
            raise _forbidden(doubts[0])
        if any(isinstance(one, Quota) for one in ruling.obligations.get(use, ())):
            raise _forbidden(doubts[0])  # fails closed: nobody counts here
    if entity is None:
        raise _forbidden(doubts[0])
    fields = [entity.fields.get(FieldName(one.field)) for one in said.fields]
    known = [one for one in fields if one is not None]
    if len(known) < len(fields):
        raise _forbidden(doubts[0])
    return entity, known


def _forbidden(use: FieldUse) -> HubError:
    return HubError("USE_FORBIDDEN", f"`{use.coordinate}` may not be used to {use.mode}")


def _key(entity: EntityType, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row's key in canonical values; whether there is such a row is not looked at."""
    if set(given) != {str(name) for name in entity.key}:
        raise _bad("the key", "all fields of the type's key and no others")
    return {str(name): _value(entity.fields[name], given[name]) for name in entity.key}


def _value(field: Field, value: Any) -> Any:
    if value is None:
        return None
    try:
        return canonical(field.kind, value)
    except ValueError:
        raise _bad("a value", f"a `{field.kind}`") from None


def _bad(what: str, wanted: str) -> HubError:
    return HubError("BAD_USER_INPUT", f"{what} cannot be taken", hint=f"it is {wanted}")

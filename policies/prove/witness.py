"""Counterexamples: one caller, circumstance and row, as the real engine takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from policies.attributes import SET_ATTRIBUTES, TEXT_ATTRIBUTES
from policies.condition import Circumstances, Condition, Facts, reduce, specialise
from policies.engine import Engine
from policies.meet import Shown
from policies.prove.periods import moment
from policies.prove.world import World
from policies.residue import bound_params, residue
from policies.ruling import Allow, Masked, Outcome, Rowwise, Ruling
from schema.model.entity import EntityType
from schema.model.names import split_coordinate
from schema.model.predicate import evaluate, params_in
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse

Row = Mapping[str, Any]


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, in what circumstances, and the values of a row that rules look at."""

    subject: Subject
    context: Context
    rows: Mapping[str, Row] = {}
    """Type -> the fields of its row that rules speak of."""

    def row(self, entity: EntityType) -> Row:
        """A whole row of a type; what no rule speaks of is null."""
        return {**dict.fromkeys(entity.fields, None), **self.rows.get(entity.name, {})}


def witness_of(world: World, model: Any, place: int = 0) -> Witness | None:
    """What a model of z3 says of one place; ``None`` if at no moment the windows are open so."""

    def value(of: Any) -> Any:
        number = model.eval(world.moved(of.term, place), model_completion=True).as_long()
        return None if number == 0 else of.values[number - 1]

    def true(of: Any) -> bool:
        return bool(model.eval(world.moved(of, place), model_completion=True))

    said = {key: value(variable) for key, variable in world.variables.items()}
    sets = {
        name: frozenset(held for held, flag in world.members.get(name, {}).items() if true(flag))
        for name in SET_ATTRIBUTES
    }
    texts = {name: said.get(("subject", name)) for name in TEXT_ATTRIBUTES}
    app = texts.pop("app") or ""
    clearance = {
        ladder: level
        for ladder, variable in world.clearance.items()
        if (level := value(variable)) is not None
    }
    states = {period: true(flag) for period, flag in world.periods.items()}
    now = moment(states, world.begin) if true(world.clock) else 0.0
    if now is None:
        return None
    rows: dict[str, dict[str, Any]] = {}
    for key, held in said.items():
        if key[0] == "row":
            rows.setdefault(key[1], {})[key[2]] = held
    subject = Subject(id=f"app:{app}", app=app, clearance=clearance, **texts, **sets)  # type: ignore[arg-type]
    context = Context(
        purpose=said.get(("context", "purpose")),
        now=now,
        network_zone=said.get(("context", "network_zone")),
        acr=said.get(("context", "acr")),
        case_id=said.get(("context", "case_id")),
    )
    return Witness(subject=subject, context=context, rows=rows)


def shown_in(ruling: Ruling, use: FieldUse, entity: EntityType, row: Row) -> Shown | None:
    """What a ruling lets be seen, or done, in one row; ``None`` for nothing."""
    rows = ruling.row_filters.get(entity.name)
    if rows is None or evaluate(rows, row, ruling.params) is not True:
        return None
    outcome: Outcome = ruling.outcomes[use]
    if isinstance(outcome, Rowwise):
        for where, seen in outcome.cases:
            if evaluate(where, row, ruling.params) is True:
                return seen
        return None
    return outcome if isinstance(outcome, Allow | Masked) else None


def ruled(engine: Engine, witness: Witness, use: FieldUse) -> tuple[Shown | None, tuple[str, ...]]:
    """What the real engine says of a use in the witness's row, and the rules that decide."""
    type_name, _ = split_coordinate(use.coordinate)
    entity = engine.catalogue.types[type_name]
    ruling = engine.rule_as_principal(witness.subject, [use], witness.context)
    return shown_in(ruling, use, entity, witness.row(entity)), ruling.reasons[use]


def truth(
    condition: Condition, engine: Engine, witness: Witness, entity: EntityType, facts: Facts
) -> bool | None:
    """A condition by the engine's own evaluation: TRUE, FALSE or UNKNOWN."""
    held = Circumstances(subject=witness.subject, context=witness.context, packs=engine.packs)
    left = reduce(specialise(condition, facts), held)
    row = witness.row(entity)
    for positive in (True, False):
        where = residue(left, entity, positive=positive)
        params = bound_params(witness.subject, params_in(where), witness.context.now)
        if evaluate(where, row, params) is True:
            return positive
    return None

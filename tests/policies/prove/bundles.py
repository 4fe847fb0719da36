"""Small random worlds for proofs: rules over one type, and requests with every attribute."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import z3
from hypothesis import strategies as st
from msgspec import structs

from policies.engine import Engine
from policies.grant_syntax import read_grants
from policies.prove.cells import Decisions
from policies.prove.conditions import Conditions
from policies.prove.logic import lifted
from policies.prove.uses import Uses
from policies.prove.witness import Witness, witness_of
from policies.prove.world import World
from policies.syntax import read_bundle
from schema.model.entity import RowLabel
from schema.model.label import Label
from tests.policies.fixture import CEILING, PACKS, catalogue, entity, field, label, relation
from tests.policies.test_properties import rule, text_of

THING = entity(
    "Thing",
    field("key", label("G1")),
    field("idNo", label("G3", "pi"), "conditional"),
    field("name", label("G2", "pi"), "conditional"),
    field("day", label("G2"), "conditional", "Date"),
    field("pay", label("G3", "pi.sensitive.finance"), "conditional", "Decimal"),
    field("secret", label("G4", compartments=("LE",)), "withheld", metadata="hidden"),
    field("region", label("G1")),
    region="region",
    relations=(relation("Thing", "incomes", "Income"),),
)
INCOME = entity("Income", field("idNo", label("G3", "pi"), "conditional", owner="tax"))
WORLD = catalogue(THING, INCOME)
GRANTS = read_grants(
    """
grant: g1
grantee: {app: one}
fields: {Thing.name: allow, Thing.pay: {mask: {bucket: {width: 1000}}}}
modes: [read]
purpose: {descendant_of: benefits}
from: 2026-01-01
expires: 2026-12-31
""",
    "grants.yaml",
)
CONDITIONS = (
    "{eq: [subject.acting_for, x]}",
    "{ne: [subject.department, subject.acting_for]}",
    "{present: subject.user}",
    "{not: {present: context.case_id}}",
    "{in: [context.network_zone, [extranet, intranet]]}",
    "{in: [clerk, subject.roles]}",
    "{in: [context.purpose, subject.duties]}",
    "{present: subject.compartments}",
    "{eq: [resource.owner, subject.department]}",
    "{lt: [row.pay, 100]}",
    "{ge: [row.day, '2000-01-01']}",
    "{in: [row.name, subject.roles]}",
    "{present: row.day}",
    "{eq: [row.region, subject.region]}",
    "{any: [{eq: [row.name, a]}, {clearance: G4}]}",
    "{purpose: tax.audit}",
    "{clearance: {at_least: {cn-secrecy: NONE}}}",
    "grant.live",
    "{region_within: [subject.region, '33']}",
    "{ne: [row.key, k]}",
    "{younger_than: [row.day, 14]}",
    "{not: {younger_than: [row.day, 60]}}",
)
_WINDOWS = (
    "{from: '08:00', to: '20:00', zone: Asia/Shanghai}",
    "{days: [mon, tue], last: 2027-01-01}",
)


@st.composite
def rules(draw: st.DrawFn, effect: str) -> str:
    """One rule; some have more conditions, some a window."""
    text = draw(rule(effect))
    if "Thing" in text and draw(st.booleans()):
        word = draw(st.sampled_from(["unless", "unless", "unless", "when"]))
        if f"{word}:" not in text:
            text += f"\n{word}: {draw(st.sampled_from(CONDITIONS))}"
    if draw(st.integers(0, 5)) == 0:
        text += f"\nwindow: {draw(st.sampled_from(_WINDOWS))}"
    return text


bundles = st.builds(
    lambda permits, limits: [*permits, *limits],
    st.lists(rules("permit"), min_size=1, max_size=4),
    st.lists(rules("require") | rules("forbid"), max_size=4),
)
RELATION = "effect: permit\nsubjects: {app: one}\nresources: {fields: [Thing.incomes]}"


row_labels = st.lists(
    st.builds(
        lambda when, held, fields, existence: RowLabel(
            name="label.Thing", when=when, label=held, fields=fields, existence=existence
        ),
        st.sampled_from([
            '{"younger_than": ["row.day", 14]}', '{"not": {"eq": ["row.region", "3301"]}}',
            '{"present": "row.day"}', '{"any": [{"eq": ["row.name", "a"]}, '
            '{"younger_than": ["row.day", 18]}]}',
        ]),
        st.sampled_from([
            label("G4"), Label(categories=frozenset({"pi.sensitive.minor"})),
            label("G3", "pi.sensitive.finance", compartments=("LE",)),
        ]),
        st.frozensets(st.sampled_from([*THING.fields]), min_size=1),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=2,
)  # fmt: skip


def engine_of(texts: list[str], labels: Sequence[RowLabel] = ()) -> Engine:
    """The engine of some rules, with a grant and a relation beside them."""
    bundle = read_bundle(text_of([*texts, RELATION]), "random.yaml")
    named = tuple(
        structs.replace(one, name=f"label.Thing.{number}") for number, one in enumerate(labels, 1)
    )
    thing = structs.replace(THING, row_labels=named)
    world = structs.replace(WORLD, types={**WORLD.types, THING.name: thing})
    return Engine(world, [bundle], PACKS, epoch=1, ceiling=CEILING, grants=GRANTS)


class Proof:
    """The formulas of one engine, and random requests over its world."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = World(engine.packs)
        self.decisions = Decisions(engine.tables, engine.catalogue, engine.packs, engine.ceiling)
        self.decisions.gather(self.world)
        self.world.close()
        self.decisions.use(Conditions(self.world))
        self.uses = Uses(self.decisions)
        self.solver = z3.SolverFor("QF_FD")
        self.solver.add(*self.world.rules)
        self.model: Any = None

    def request(self, chance: random.Random) -> Witness | None:
        """One request at random; ``None`` where no moment has its windows so."""
        world = self.world
        wishes = [
            of.term == chance.randint(0, len(of.values))
            for of in (*world.variables.values(), *world.clearance.values())
        ]
        flags = [flag for held in world.members.values() for flag in held.values()]
        wishes += [flag == (chance.random() < 0.5) for flag in [*flags, *world.periods.values()]]
        wishes.append(world.clock == (chance.random() < 0.9))
        chance.shuffle(wishes)
        while self.solver.check(*wishes) != z3.sat:
            core = {str(one) for one in self.solver.unsat_core()}
            wishes = [one for one in wishes if str(one) not in core]
        self.model = self.solver.model()
        return witness_of(world, self.model)

    def holds(self, formula: Any) -> bool:
        """A formula for the last request."""
        return bool(z3.is_true(self.model.eval(lifted(formula), model_completion=True)))

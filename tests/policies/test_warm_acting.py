"""What an engine was asked before changes no ruling: ages, delegations, fields together."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from policies.engine import Engine
from policies.grant_syntax import read_approved
from schema.model.names import DepartmentName
from schema.model.subject import Context, Subject
from schema.model.use import UseMode
from tests.policies.fixture import CEILING, NOON, PACKS, bundle, subject, use
from tests.policies.test_row_label import raised

BENEFIT = "benefits.eligibility"
CITY = raised({"younger_than": ["row.birthDate", 14]}, "name", "phone", level="G4")
RULES = """
policy: reads
effect: permit
subjects: {department: civil}
resources: {fields: [Person.name, Person.phone, Person.birthDate, Person.district]}
modes: [read, filter, sort]
unless: {younger_than: [row.birthDate, 3]}
---
policy: at-night
effect: forbid
subjects: {org_kind: contractor}
resources: {fields: [Person.phone]}
window: {from: "20:00", to: "08:00", zone: Asia/Shanghai}
---
policy: near
effect: require
subjects: {role: clerk}
resources: {types: [Person]}
rows: {region_within: [row.region, subject.region]}
---
mosaic: little
fields: [Person.name, Person.phone]
most: 1
within: day
when: {eq: [context.network_zone, outside]}
---
combination: both
of: [{fields: [Person.name]}, {fields: [Person.birthDate]}]
raises: G4
when: {eq: [context.purpose, benefits.eligibility]}
"""
LENT = """
delegation: d1
to: {app: builder}
for: {app: office, department: civil, region: "3301", clearance: {cn-gbt43697: G4}, roles: [clerk]}
purpose: benefits.eligibility
from: 2026-09-01
expires: 2026-09-30
revoked: 2026-09-25T00:00:00Z
---
delegation: d2
to: {app: builder}
for: {app: pay, department: civil, clearance: {cn-gbt43697: G3}}
purpose: statistics
from: 2026-09-20
expires: 2026-10-15
fields: [Person.name, Person.birthDate]
rows: {younger_than: [row.birthDate, 60]}
---
delegation: d3
to: {app: builder}
for: {app: pay, department: civil, region: "3302", clearance: {cn-gbt43697: G3}}
purpose: benefits.eligibility
from: 2026-10-01
expires: 2026-10-15
"""
FIELDS = ("name", "phone", "birthDate", "district", "idNo")
MODES: tuple[UseMode, ...] = ("project", "filter_eq", "sort")
USES = (
    *(use(f"Person.{name}", mode) for name in FIELDS for mode in MODES),
    *(use("Person", "list"), use("Person", "count"), use("Person.incomes", "traverse")),
)


def engine() -> Engine:
    lent = read_approved(LENT, "grants.yaml").delegations
    return Engine(CITY, [bundle(RULES)], PACKS, epoch=1, ceiling=CEILING, delegations=lent)


def _made(who: Subject, acting_for: DepartmentName | None, user: str | None) -> Subject:
    return structs.replace(who, acting_for=acting_for, user=user)


people = st.builds(
    subject,
    st.sampled_from(["builder", "office"]),
    st.sampled_from(["G2", "G3", "G4"]),
    st.just(BENEFIT),
    st.sampled_from(["statistics", BENEFIT]),
    department=st.sampled_from(["civil", "soft"]),
    region=st.sampled_from(["3301", "330102"]),
    org_kind=st.sampled_from(["government", "contractor"]),
    roles=st.sampled_from([frozenset[str](), frozenset({"clerk"})]),
)
whoever = st.builds(
    _made, people, st.sampled_from([None, DepartmentName("civil")]), st.sampled_from([None, "u"])
)
HOUR = 3600.0
circumstances = st.builds(
    Context,
    purpose=st.sampled_from([None, BENEFIT, "statistics"]),
    now=st.sampled_from(
        [NOON + hours * HOUR for hours in (-600, -24, 0, 2, 11, 13, 24, 100, 245, 500, 9000)]
        + [0.0]
    ),
    network_zone=st.sampled_from([None, "inside", "outside"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(whoever, circumstances), min_size=2, max_size=6), st.data())
def test_the_rulings_of_a_warm_engine_are_those_of_a_cold_one(
    asked: list[tuple[Subject, Context]], data: st.DataObject
) -> None:
    warm = engine()
    for who, context in [*asked, *asked[::-1]]:
        uses = tuple(data.draw(st.lists(st.sampled_from(USES), min_size=1, max_size=8)))
        implied = tuple(data.draw(st.lists(st.sampled_from(USES), max_size=2)))
        implied = tuple(one for one in implied if one not in uses)
        if data.draw(st.booleans()):
            assert warm.visible(who) == engine().visible(who)
        found, cold = (by.rule(who, uses, context, implied) for by in (warm, engine()))
        assert found == cold
        later = data.draw(st.floats(0, 1)) * (
            min(cold.valid_until, context.now + 1e6) - context.now
        )
        if context.now > 0 and later >= 0 and context.now + later < cold.valid_until:
            then = structs.replace(context, now=context.now + later)
            assert engine().rule(who, uses, then, implied) == cold

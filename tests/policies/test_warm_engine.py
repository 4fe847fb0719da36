"""What an engine was asked before changes no ruling."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from policies.engine import Engine
from policies.grant_syntax import read_grants
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, bundle, subject, use
from tests.policies.test_grants import G1

RULES = """
policy: names
effect: permit
subjects: {purpose: {descendant_of: benefits}}
resources: {fields: [Person.name, Person.district]}
---
policy: by-day
effect: permit
subjects: {app: [benefits, other]}
resources: {types: [Person]}
modes: [read, filter]
window: {from: "08:00", to: "20:00", zone: Asia/Shanghai}
---
policy: inside
effect: permit
subjects: {app: other, network_zone: intranet}
resources: {types: [Person]}
rows: {region_within: [row.region, subject.region]}
---
policy: phones
effect: require
subjects: {role: clerk}
resources: {fields: [Person.phone]}
outcome: {mask: {partial: {keep_last: 4}}}
---
policy: not-for-x
effect: forbid
resources: {fields: [Income.amount]}
when: {all: [{present: subject.acting_for}, {eq: [subject.acting_for, x]}]}
unless: grant.live
---
policy: strong
effect: permit
subjects: {department: [psb, tax]}
when: {eq: [context.acr, high]}
resources: {types: [Person, Income]}
modes: all
"""
USES = tuple(
    use(f"{of.name}.{name}", mode)  # type: ignore[arg-type]
    for of in CITY.types.values()
    for name in of.fields
    for mode in ("project", "filter_eq")
) + tuple(
    use(of, mode)  # type: ignore[arg-type]
    for of in CITY.types
    for mode in ("list", "count")
)
REGIONS = ("3301", "330102")


def engine() -> Engine:
    read = read_grants(G1, "grants.yaml")
    return Engine(CITY, [bundle(RULES)], PACKS, epoch=1, ceiling=CEILING, grants=read)


whoever = st.builds(
    subject,
    st.sampled_from(["benefits", "other"]),
    st.just("G4"),
    st.sampled_from(["benefits.eligibility", "tax.audit"]),
    department=st.sampled_from(["civil", "psb", "tax", None]),
    region=st.sampled_from(REGIONS),
    roles=st.sampled_from([frozenset[str](), frozenset({"clerk"})]),
)
circumstances = st.builds(
    Context,
    purpose=st.sampled_from([None, "benefits.eligibility", "tax.audit"]),
    now=st.sampled_from([NOON, NOON + 6 * 3600, NOON + 12 * 3600, NOON + 365 * 86400, 0.0]),
    network_zone=st.sampled_from([None, "intranet", "extranet"]),
    acr=st.sampled_from([None, "high"]),
)
Asked = list[tuple[Subject, Context]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(whoever, circumstances), min_size=2, max_size=6), st.data())
def test_the_rulings_of_a_warm_engine_are_those_of_a_cold_one(
    asked: Asked, data: st.DataObject
) -> None:
    warm = engine()
    for who, context in [*asked, *asked]:
        uses = tuple(data.draw(st.lists(st.sampled_from(USES), min_size=1, max_size=12)))
        if data.draw(st.booleans()):
            assert warm.visible(who) == engine().visible(who)
        assert warm.rule(who, uses, context) == engine().rule(who, uses, context)


def test_a_known_ruling_is_not_made_again_until_an_hour_strikes() -> None:
    warm, uses = engine(), USES[:6]
    who = subject("benefits", "G4", "benefits.eligibility", department="civil")
    context = Context(purpose="benefits.eligibility", now=NOON)
    first = warm.rule(who, uses, context)
    assert warm.rule(who, list(uses), context) is first
    later = structs.replace(context, now=first.valid_until - 1)
    assert warm.rule(structs.replace(who, id="another"), uses, later) is first
    assert warm.rule(who, uses, structs.replace(context, now=first.valid_until)) is not first
    assert warm.rule(structs.replace(who, user="u"), uses, context) is not first

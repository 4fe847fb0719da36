"""Circumstances that rules tell apart: any other is decided like one of them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from policies.circumstances import OTHER, circumstances
from policies.engine import Engine
from policies.grant_syntax import read_all_approved
from policies.ruling import Ruling
from schema.errors import HubError
from schema.model.subject import Context
from tests.policies import fixture
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, A, use

RULES = """
policy: by-day
effect: permit
subjects: {app: benefits, purpose: {descendant_of: benefits}}
resources: {fields: [Person.name, Person.birthDate]}
modes: [read, filter]
window: {days: [mon, tue], from: "08:00", to: "20:00", zone: Asia/Shanghai}
---
policy: by-night
effect: permit
when: {in: [context.network_zone, [intranet, office]]}
resources: {fields: [Person.phone]}
window: {from: "22:00", to: "04:00", zone: Europe/Berlin}
outcome: {mask: {partial: {keep_last: 4}}}
---
policy: with-a-case
effect: permit
subjects: {app: benefits}
resources: {fields: [Person.phone]}
obligations: [case_id, {step_up: {acr: [mfa, key]}}]
---
policy: never-from-outside
effect: forbid
when: {eq: [context.network_zone, internet]}
resources: {fields: [Person.birthDate]}
"""
GRANT = """
grant: g1
grantee: {app: benefits}
purpose: benefits.eligibility
fields: {Person.track: allow}
from: 2026-10-01
expires: 2026-12-31
zone: Asia/Shanghai
"""
PLAIN = """
policy: plain
effect: permit
subjects: {app: benefits}
resources: {fields: [Person.name]}
"""
USES = [use(f"Person.{name}") for name in ("name", "birthDate", "phone", "track")]
USES += [use("Person.birthDate", "filter_range"), use("Person", "list")]


@pytest.fixture(scope="module")
def engine() -> Engine:
    grants = read_all_approved([(GRANT, "grants.yaml")]).grants
    return Engine(CITY, [fixture.bundle(RULES)], PACKS, epoch=1, ceiling=CEILING, grants=grants)


def seen(ruling: Ruling) -> str:
    """What of a ruling a bound speaks of."""
    return repr((sorted(map(repr, ruling.outcomes.items())), dict(ruling.row_filters)))


@pytest.fixture(scope="module")
def known(engine: Engine) -> set[str]:
    """What the engine says in the circumstances that are listed."""
    listed = circumstances(engine.tables, engine.grants, A, begin=NOON)
    return {seen(engine.rule(A, USES, context)) for context in listed}


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_circumstance_is_decided_like_a_listed_one(
    engine: Engine, known: set[str], data: st.DataObject
) -> None:
    context = Context(
        purpose=data.draw(st.sampled_from([None, *sorted(A.purposes)])),
        now=NOON + data.draw(st.floats(0, 3 * 366 * 86_400.0)),
        network_zone=data.draw(st.sampled_from([None, "intranet", "office", "internet", "lab"])),
        acr=data.draw(st.sampled_from([None, "mfa", "pwd", ""])),
        case_id=data.draw(st.sampled_from([None, "C-1"])),
    )
    assert seen(engine.rule(A, USES, context)) in known


def test_what_no_rule_reads_is_not_told_apart() -> None:
    engine = fixture.engine(PLAIN)
    (only,) = circumstances(engine.tables, (), A, begin=NOON)
    assert only == Context(now=NOON)


def test_zones_that_no_rule_names_count_as_one(engine: Engine) -> None:
    zones = {one.network_zone for one in circumstances(engine.tables, (), A, begin=NOON)}
    assert {None, "intranet", "office", "internet", OTHER} <= zones


def test_only_the_purposes_that_are_named(engine: Engine) -> None:
    named = circumstances(engine.tables, (), A, begin=NOON, purposes=["benefits"])
    assert {one.purpose for one in named} == {"benefits"}


def test_what_has_ended_is_not_looked_at(engine: Engine) -> None:
    after = dt.datetime(2027, 1, 2, tzinfo=dt.UTC).timestamp()
    listed = circumstances(engine.tables, engine.grants, A, begin=after)
    assert all(one.now >= after for one in listed)
    track = {engine.rule(A, USES, context).outcomes[USES[3]] for context in listed}
    assert not any(type(one).__name__ == "Allow" for one in track)


def test_too_many_are_refused(engine: Engine) -> None:
    many = structs.replace(A, purposes=frozenset(f"p{n}" for n in range(5_000)))
    with pytest.raises(HubError, match="too many circumstances"):
        circumstances(engine.tables, engine.grants, many, begin=NOON)

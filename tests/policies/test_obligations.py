"""Obligations: read, met, decided; what cannot be carried out denies."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from policies.engine import Engine
from policies.obligation import (
    EVERY,
    AggregateOnly,
    NoStore,
    Notify,
    Obligation,
    Quota,
    Retain,
    Watermark,
    meet_obligations,
)
from policies.ruling import Allow, Masked, Reject
from policies.syntax import read_bundle
from schema.errors import ManyErrors
from schema.model.subject import Context
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, B, N, engine, outcome, ruled, use

OPEN = """
policy: firms
effect: permit
subjects: {app: tax}
resources: {types: [Firm]}
modes: [read, filter, sort]
"""
CODE = use("Firm.creditCode")


def permit(obligations: str) -> str:
    return f"{OPEN}obligations: {obligations}\n"


def require(obligations: str, modes: str = "all") -> str:
    rule = "effect: require\nsubjects: {app: tax}\nresources: {types: [Firm]}"
    return f"{OPEN}---\npolicy: duty\n{rule}\nmodes: {modes}\nobligations: {obligations}\n"


def said(text: str) -> list[str]:
    with pytest.raises(ManyErrors) as held:
        read_bundle(text, "a.yaml")
    return [str(problem) for problem in held.value.problems]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no_store", NoStore()),
        ("[no_store]", NoStore()),
        ("{retain: {days: 1095}}", Retain(1095)),
        ("[{notify: owner}]", Notify("owner")),
        ("[{watermark: For the tax bureau only}]", Watermark("For the tax bureau only")),
        ("[{quota: {persons: 5000, per: day}}]", Quota("persons", 5000, 86400)),
        ("[{quota: {calls: 3, per: minute, by: user}}]", Quota("calls", 3, 60, "user")),
    ],
)
def test_read_and_told_with_the_ruling(written: str, read: Obligation) -> None:
    for text, rule in ((permit(written), "firms"), (require(written), "duty")):
        ruling = ruled(engine(text), B, CODE, purpose="tax.audit")
        assert ruling.outcomes[CODE] == Allow()
        found = structs.replace(read, rule=rule) if isinstance(read, Quota) else read
        assert ruling.obligations == {CODE: (found,)}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[]", "a.yaml:7:14: `obligations` of a rule is empty"),
        ("[no_stor]", "did you mean `no_store`"),
        ("[{quota: {rows: 5}}]", "has no `per`"),
        ("[{quota: {per: day}}]", "does not count one thing"),
        ("[{quota: {rows: 5, calls: 5, per: day}}]", "does not count one thing"),
        ("[{quota: {rows: 0, per: day}}]", "is not a whole number from 1"),
        ("[{aggregate_only: {k: 1}}]", "is not a whole number from 2"),
        ("[{aggregate_only: {}}]", "has no `k`"),
        ("[{aggregate_only: {k: 10}}]", "a permit for figures alone lists other modes"),
        ("[{step_up: {}}]", "has no `acr`"),
        ("[{retain: {days: many}}]", "is not a whole number"),
        ("[{notify: everybody}]", "cannot be `everybody`"),
        ("[{case_id: {a: 1}}]", "has no key `a`"),
        (f"[{{watermark: {'x' * 201}}}]", "is too long"),
        ("[{no_store: {}, case_id: {}}]", "is not one `word: value`"),
    ],
)
def test_mistakes_say_where_and_how(written: str, told: str) -> None:
    assert told in "\n".join(said(permit(written)))


def test_a_forbid_has_no_obligations() -> None:
    text = "policy: a\neffect: forbid\nresources: {types: [Firm]}\nobligations: [no_store]\n"
    assert "a.yaml:4:1: a forbid cannot have obligations" in said(text)[0]


@pytest.mark.parametrize("text", [permit("[{step_up: {acr: [gold, mfa]}}]"),
                                  require("[{step_up: {acr: [gold, mfa]}}]")])  # fmt: skip
def test_a_stronger_log_in(text: str) -> None:
    by = engine(text)

    def seen(acr: str | None) -> object:
        context = Context(purpose="tax.audit", now=NOON, acr=acr)
        return by.rule(B, [CODE], context).outcomes[CODE]

    assert seen(None) == seen("password") == Reject("STEP_UP_REQUIRED")
    assert seen("mfa") == seen("gold") == Allow()
    assert CODE.coordinate in by.visible(B).selectable


@pytest.mark.parametrize("text", [permit("case_id"), require("case_id")])
def test_a_case(text: str) -> None:
    by = engine(text)
    assert outcome(by, B, CODE, "tax.audit") == Reject("CASE_REQUIRED")
    assert outcome(by, B, CODE, "tax.audit", "C-1") == Allow()
    assert ruled(by, B, CODE, case_id="C-1").obligations == {}


def test_a_network_zone() -> None:
    """Scenario 21."""
    by = engine(f"{OPEN}when: {{in: [context.network_zone, [extranet]]}}\n")

    def seen(zone: str | None) -> object:
        return by.rule(B, [CODE], Context(now=NOON, network_zone=zone)).outcomes[CODE]

    assert seen("internet") == seen(None) == Reject("NETWORK_ZONE")
    assert seen("extranet") == Allow()


def test_what_nobody_carries_out_denies() -> None:
    quota = "[{quota: {rows: 5, per: day}}]"
    for text in (permit(quota), require(quota)):
        without = EVERY - {Quota}
        by = Engine(CITY, [read_bundle(text, "a.yaml")], PACKS, epoch=1, ceiling=CEILING,
                    enforced=without)  # fmt: skip
        found = by.rule(B, [CODE, use("Firm", "list")], Context(purpose="tax.audit", now=NOON))
        assert not any(isinstance(one, Allow | Masked) for one in found.outcomes.values())


FIGURES = """
policy: figures
effect: permit
subjects: {role: analyst}
resources: {types: [Person]}
modes: [group, aggregate, count]
obligations: [{aggregate_only: {k: 10, round_to: 5}}]
"""


def test_figures_alone() -> None:
    """Scenarios 22 and 24."""
    by = engine(FIGURES)
    count = use("Person", "count")
    ruling = ruled(by, N, count, use("Person.district", "group"))
    assert set(ruling.outcomes.values()) == {Allow()}
    assert set(ruling.obligations.values()) == {(AggregateOnly(10, 5),)}
    for single in (use("Person.name"), use("Person.name", "filter_eq"), use("Person", "list"),
                   use("Person.birthDate", "aggregate", "min")):  # fmt: skip
        assert not isinstance(outcome(by, N, single), Allow)
    assert outcome(by, N, use("Person.name")) == Reject("AGGREGATE_ONLY")
    assert outcome(by, N, use("Person", "list")) == Reject("AGGREGATE_ONLY")


def test_a_requirement_of_figures_forbids_everything_else() -> None:
    by = engine(require("[{aggregate_only: {k: 5}}]"))
    assert not isinstance(outcome(by, B, CODE, "tax.audit"), Allow)
    ruling = ruled(by, B, use("Firm", "count"), purpose="tax.audit")
    assert ruling.obligations == {use("Firm", "count"): (AggregateOnly(5),)}


def test_the_permit_with_fewer_duties_is_used() -> None:
    other = OPEN.replace("firms", "all-firms")
    for text in (f"{permit('no_store')}---{other}", f"{other}---{permit('no_store')}"):
        ruling = ruled(engine(text), B, CODE, use("Firm", "list"))
        assert ruling.obligations == {}
        assert set(ruling.reasons.values()) == {("all-firms@1",)}


def test_obligations_make_another_policy_class() -> None:
    plain, bound = (ruled(engine(text), B, CODE) for text in (OPEN, permit("no_store")))
    assert plain.outcomes == bound.outcomes
    assert plain.policy_class != bound.policy_class


def test_a_denied_use_obliges_to_nothing() -> None:
    by = engine(require("no_store").replace("types: [Firm]}\nmodes: all", "types: ['*']}"))
    denied, allowed = use("Person.name"), use("Firm.creditCode", "sort")
    ruling = ruled(by, B, denied, allowed, purpose="tax.audit")
    assert not isinstance(ruling.outcomes[denied], Allow)
    assert ruling.obligations == {allowed: (NoStore(),)}


OBLIGATIONS = st.one_of(
    st.builds(AggregateOnly, st.integers(2, 9), st.integers(1, 9), st.integers(0, 3)),
    st.builds(
        Quota,
        st.sampled_from(["rows", "calls"]),
        st.integers(1, 9),
        st.just(60),
        rule=st.sampled_from(["one", "two"]),
    ),
    st.builds(Retain, st.integers(1, 9)),
    st.sampled_from([NoStore(), Notify("owner"), Watermark("x")]),
)


@given(st.lists(OBLIGATIONS, max_size=4))
def test_the_strictest_of_each_kind_in_any_order(held: list[Obligation]) -> None:
    met = meet_obligations(held)
    assert all(meet_obligations(order) == met for order in permutations(held))
    assert meet_obligations([*met, *held]) == meet_obligations(met) == met
    figures = [one for one in held if isinstance(one, AggregateOnly)]
    for one in met:
        if isinstance(one, AggregateOnly):
            assert one.k == max(other.k for other in figures)
            assert all(one.round_to % other.round_to == 0 for other in figures)
            assert one.dimensions == min(other.dimensions for other in figures)
        if isinstance(one, Quota):
            rivals = [q for q in held if isinstance(q, Quota) and q.unit == one.unit]
            # each rule's quota is counted for itself
            assert one.most == min(q.most for q in rivals if q.rule == one.rule)

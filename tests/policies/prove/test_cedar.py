"""Permits, forbids and mandatory checks decide as Cedar decides on the exported rules."""

from __future__ import annotations

import cedarpy
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from policies.condition import (
    Any_,
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    Not,
    OneOf,
    Present,
    PurposeWithin,
    RegionWithin,
    every,
)
from policies.engine import Engine
from policies.rule import Bundle, Effect, Rule, Selector
from policies.ruling import Allow
from policies.syntax import MODE_GROUPS
from schema.model.names import DepartmentName
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, LADDER, PACKS, use
from tests.policies.prove.bundles import THING, WORLD
from tests.policies.prove.cedar import entities, exported, request
from tests.properties.cases import CEDAR_BUNDLES, CEDAR_MANY_BUNDLES, CEDAR_REQUESTS

WORDS = ["one", "two", "tax", "psb", "clerk"]
REGIONS = ["3301", "330102", "3302", "33"]
MODES = [
    MODE_GROUPS["all"],
    frozenset({"project"}),
    frozenset({"sort"}),
    frozenset({"export", "correct", "see_metadata"}),
]
PURPOSES = ["benefits", "benefits.eligibility", "tax.audit"]
texts = st.sampled_from(["app", "user", "department", "org_kind", "tier", "acting_for"])
own = texts.map(lambda name: Attribute("subject", name))
sets = st.sampled_from(["roles", "duties"]).map(lambda name: Attribute("subject", name))
words = st.sampled_from(WORDS)
leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Compares, st.sampled_from(["eq", "ne"]), own, words.map(Literally) | own),
    st.builds(Compares, st.just("eq"), own, st.just(Attribute("resource", "owner"))),
    st.just(Compares("eq", Attribute("resource", "owned"), Literally(True))),
    st.builds(OneOf, own, st.lists(words, min_size=1, max_size=3).map(tuple)),
    st.builds(OneOf, words.map(Literally) | own, sets),
    st.sampled_from(REGIONS).map(
        lambda region: RegionWithin(Attribute("subject", "region"), Literally(region))
    ),
    st.builds(PurposeWithin, st.sampled_from(PURPOSES).map(lambda one: (one,)), st.booleans()),
    st.builds(Cleared, st.just(LADDER), st.sampled_from(["G1", "G3", "G4"])),
    st.builds(Present, own),
    st.just(OneOf(Attribute("context", "network_zone"), ("one", "two"))),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: every(*parts)),
        st.lists(inner, max_size=3).map(lambda parts: Any_(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)
selectors = st.one_of(
    st.just(Selector(types=frozenset({"Thing"}))),
    st.sets(st.sampled_from(sorted(THING.fields)), min_size=1, max_size=3).map(
        lambda names: Selector(fields=frozenset(f"Thing.{name}" for name in names))
    ),
)


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rule:
    effect: Effect = draw(st.sampled_from(["permit", "permit", "forbid"]))
    return Rule(
        name=f"r{number}",
        version=1,
        effect=effect,
        selector=draw(selectors),
        modes=draw(st.sampled_from(MODES)),
        when=draw(conditions),
        outcome=Allow() if effect == "permit" else None,
        path="random.yaml",
        places={},
    )  # fmt: skip


bundles = st.integers(1, 6).flatmap(
    lambda count: st.tuples(*(rules(number) for number in range(count)))
)
subjects = st.builds(
    Subject,
    id=st.just("u"),
    app=words,
    user=words,
    department=words.map(DepartmentName),
    org_kind=words,
    tier=words,
    region=st.sampled_from(REGIONS),
    acting_for=words.map(DepartmentName),
    clearance=st.sampled_from(["G1", "G2", "G3", "G4", "CORE"]).map(lambda level: {LADDER: level}),
    compartments=st.sampled_from([frozenset(), frozenset({"LE"})]),
    roles=st.frozensets(words, max_size=2),
    duties=st.frozensets(words, max_size=2),
    purposes=st.just(frozenset(PURPOSES)),
)
contexts = st.builds(
    Context,
    purpose=st.sampled_from(PURPOSES),
    now=st.just(1.0e9),
    network_zone=words,
    acr=words,
    case_id=words,
)
requests = st.lists(st.tuples(subjects, contexts), min_size=CEDAR_REQUESTS, max_size=CEDAR_REQUESTS)


def compare(some: tuple[Rule, ...], asked: list[tuple[Subject, Context]]) -> None:
    engine = Engine(
        WORLD, [Bundle(path="random.yaml", rules=some, digest="")], PACKS, epoch=1, ceiling=CEILING
    )
    policies = cedarpy.PolicySet.from_str(exported(some))
    for who, context in asked:
        held = entities(who, WORLD)
        for name in THING.fields:
            one = use(f"Thing.{name}")
            ours = engine.rule_as_principal(who, [one], context).outcomes[one]
            theirs = cedarpy.is_authorized(
                request(one.coordinate, "project", context), policies, held
            )
            assert not theirs.diagnostics.errors
            assert isinstance(ours, Allow) is theirs.allowed, (one, who, context)  # fmt: skip


@settings(max_examples=CEDAR_BUNDLES, deadline=None)
@given(bundles, requests)
def test_cedar_decides_alike(some: tuple[Rule, ...], asked: list[tuple[Subject, Context]]) -> None:
    compare(some, asked)


@pytest.mark.slow
@pytest.mark.timeout(900)
@seed(9)
@settings(max_examples=CEDAR_MANY_BUNDLES, deadline=None)
@given(bundles, requests)
def test_cedar_decides_alike_ten_thousand_times(
    some: tuple[Rule, ...], asked: list[tuple[Subject, Context]]
) -> None:
    compare(some, asked)


def test_an_unknown_forbid_denies_here_and_passes_in_cedar() -> None:
    """The one difference that is meant: why Cedar is not the engine that decides."""
    secret = Compares("eq", Attribute("subject", "acting_for"), Literally("x"))
    common = {"version": 1, "modes": frozenset({"project"}), "path": "x.yaml", "places": {}}
    selector = Selector(fields=frozenset({"Thing.key"}))
    some = (
        Rule(name="p", effect="permit", selector=selector, when=every(), outcome=Allow(), **common),  # type: ignore[arg-type]
        Rule(name="f", effect="forbid", selector=selector, when=secret, **common),  # type: ignore[arg-type]
    )
    who = Subject(id="u", app="one", clearance={LADDER: "G4"})
    engine = Engine(
        WORLD, [Bundle(path="x.yaml", rules=some, digest="")], PACKS, epoch=1, ceiling=CEILING
    )
    asked, context = use("Thing.key"), Context(now=1.0e9)
    assert not isinstance(engine.rule_as_principal(who, [asked], context).outcomes[asked], Allow)
    held = entities(who, WORLD)
    for one in held:
        one["attrs"] = {name: value for name, value in one["attrs"].items() if value is not None}
    bare = {**request("Thing.key", "project", context), "context": {}}
    theirs = cedarpy.is_authorized(bare, exported(some), held)
    assert theirs.allowed
    assert theirs.diagnostics.errors

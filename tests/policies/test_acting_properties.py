"""Laws of acting for another: never more than the principal, nor than the caller's own limits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from policies.acting import lent_to, principal_of
from policies.delegation import Delegation
from policies.engine import Engine
from policies.granted import LiveGrant
from policies.syntax import read_bundle
from schema.model.names import DepartmentName
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, PACKS, subject
from tests.policies.test_properties import (
    THING,
    USES,
    WORLD,
    discloses_no_more,
    limits,
    made,
    permits,
    row_dependent,
    text_of,
)

PURPOSE = "benefits.eligibility"
NOW = 1.0e9
EVERYTHING = (
    "effect: permit\nmodes: [all, join, subscribe, export, correct, see_metadata]\n"
    "subjects: {app: [one, two, builder]}\n"
    f"resources: {{fields: [{', '.join(f'Thing.{name}' for name in THING.fields)}]}}"
)
FIGURES = EVERYTHING.replace(EVERYTHING.splitlines()[1], "modes: [group, aggregate, count]")
"""A permit for figures alone needs no reading; one for everything does."""
PRINCIPALS = [
    subject("one", "G3", department="tax", region="3301"),
    subject("one", "G4", department="psb", region="330102"),
    subject("two", "G4", department="civil", region="3302", tier=None),
]
CALLERS = [
    subject("one", "G4", PURPOSE, "tax.audit", department="builder", region="3302"),
    subject("builder", "G3", PURPOSE, department=None, tier=None, region=None),
    subject("two", "G4", PURPOSE, department="tax", region="3301"),
    subject("builder", "G1", PURPOSE, department="builder", org_kind="contractor"),
]
rights = st.sampled_from(PRINCIPALS)
whoever = st.sampled_from(CALLERS)


def lent(to: Subject, by: Subject, fields: frozenset[str]) -> Delegation:
    live = LiveGrant(
        id="d1", app=to.app, department=None, purposes=("benefits",), below=True,
        since=1.0, until=2.0e9, revoked=None,
    )  # fmt: skip
    return Delegation(live=live, principal=by, fields=fields)


def engine(rules: list[str], *held: Delegation) -> Engine:
    bundles = [read_bundle(text_of(rules), "random.yaml")]
    return Engine(WORLD, bundles, PACKS, epoch=1, ceiling=CEILING, delegations=held)


def acting(caller: Subject, principal: Subject) -> Subject:
    assert principal.department is not None
    return structs.replace(caller, acting_for=DepartmentName(principal.department))


narrowed = st.sampled_from([frozenset[str](), frozenset({"Thing.key", "Thing.pay"})])


@settings(max_examples=150)
@given(permits, limits, rights, whoever, narrowed)
def test_never_more_than_whom_it_acts_for(
    some: list[str], others: list[str], principal: Subject, caller: Subject, fields: frozenset[str]
) -> None:
    rules, context = some + others, Context(purpose=PURPOSE, now=NOW)
    one = lent(caller, principal, fields)
    who = acting(caller, principal)
    by, alone = engine(rules, one), made(rules)
    ours = by.rule(who, USES, context)
    assert ours.delegation == "d1"
    first = principal_of(one, who, PACKS)
    by_row = row_dependent(rules)
    discloses_no_more([ours], [alone.rule(first, USES, context)], by_row=by_row)
    # what proofs look at: the principal's organisation with the caller's person
    looked_at = alone.rule_as_principal(lent_to(first, who), USES, context)
    discloses_no_more([ours], [looked_at], by_row=by_row)


about_callers = st.lists(
    st.builds(
        "effect: forbid\n{}\nresources: {{fields: [Thing.pay, Thing.name]}}\noutcome: error".format,
        st.sampled_from(
            ["subjects: {app: builder}", "subjects: {org_kind: contractor}",
             "subjects: {department: builder}", "subjects: {clearance: G1}"]
        ),
    ),
    max_size=2,
)  # fmt: skip


@settings(max_examples=150)
@given(permits, limits, about_callers, rights, whoever)
def test_never_more_than_its_own_limits_leave(
    some: list[str], others: list[str], mine: list[str], principal: Subject, caller: Subject
) -> None:
    # ownership and grants are rights, which are lent; all else is the caller's own
    own = [rule for rule in others if "resource.owned" not in rule] + mine
    rules, context = some + own, Context(purpose=PURPOSE, now=NOW)
    who = acting(caller, principal)
    by = engine(rules, lent(caller, principal, frozenset()))
    within = made([EVERYTHING, FIGURES, *own])
    most = within.rule_as_principal(who, USES, context)
    discloses_no_more([by.rule(who, USES, context)], [most], by_row=row_dependent(rules))


@settings(max_examples=60)
@given(permits, limits, limits, rights, whoever)
def test_another_limit_never_discloses_more_to_whoever_acts(
    some: list[str], others: list[str], added: list[str], principal: Subject, caller: Subject
) -> None:
    context, one = Context(purpose=PURPOSE, now=NOW), lent(caller, principal, frozenset())
    who = acting(caller, principal)
    rules = [*some, *others, *added]
    less = engine(rules, one).rule(who, USES, context)
    more = engine(some + others, one).rule(who, USES, context)
    discloses_no_more([less], [more], by_row=row_dependent(rules))


@settings(max_examples=40)
@given(permits, limits, rights, whoever, st.booleans())
def test_who_acts_for_nobody_is_decided_as_before(
    some: list[str], others: list[str], principal: Subject, caller: Subject, is_principal: bool
) -> None:
    who = structs.replace(principal if is_principal else caller, purposes=frozenset({PURPOSE}))
    rules, context = some + others, Context(purpose=PURPOSE, now=NOW)
    with_some = engine(rules, lent(caller, principal, frozenset({"Thing.key"})))
    ours, theirs = with_some.rule(who, USES, context), made(rules).rule(who, USES, context)
    assert ours == theirs
    assert with_some.visible(who) == made(rules).visible(who)


@settings(max_examples=40)
@given(permits, limits, rights, whoever)
def test_what_is_allowed_is_visible_and_no_attribute_is_a_constant(
    some: list[str], others: list[str], principal: Subject, caller: Subject
) -> None:
    caller = structs.replace(caller, region="330199977")
    by = engine(some + others, lent(caller, principal, frozenset()))
    who = acting(caller, principal)
    ruling = by.rule(who, USES, Context(purpose=PURPOSE, now=NOW))
    assert "330199977" not in repr((ruling.row_filters, ruling.outcomes))
    visible = by.visible(who)
    for asked in USES:
        seen = type(ruling.outcomes[asked]).__name__
        if seen in ("Allow", "Masked", "Rowwise") and asked.mode == "project":
            assert asked.coordinate in visible.selectable

"""Grants: what they open, until when, and what stands above them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine import Engine
from policies.grant_syntax import read_all_approved, read_grants
from policies.ruling import Allow, Hidden, Masked, Null, Outcome, Reject, Rowwise
from schema.errors import ManyErrors
from schema.model.predicate import TRUE
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, A, B, H, bundle, subject, use

BENEFIT = "benefits.eligibility"
G1 = """
grant: g1
grantee: {app: benefits, department: civil}
purpose: {descendant_of: benefits}
fields:
  Person.idNo: allow
  Person.birthDate: {mask: {generalise: {to: year}}}
  Income.amount: {mask: {bucket: {width: 1000}}}
from: 2026-01-01
expires: 2026-12-31
zone: Asia/Shanghai
"""
OPEN = """
policy: names
effect: permit
subjects: {purpose: {descendant_of: benefits}}
resources: {fields: [Person.name, Person.district]}
"""
END = dt.datetime(2027, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()


def engine(grants: str = G1, rules: str = OPEN) -> Engine:
    read = read_grants(grants, "grants.yaml") if grants else ()
    return Engine(CITY, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING, grants=read)


def seen(
    by: Engine,
    who: Subject,
    asked: FieldUse,
    purpose: str | None = BENEFIT,
    now: float = NOON,
) -> Outcome:
    return by.rule(who, [asked], Context(purpose=purpose, now=now)).outcomes[asked]


def test_5_to_8_what_a_grant_gives() -> None:
    by = engine(G1)
    assert seen(by, A, use("Person.idNo")) == Allow()
    year = Masked("generalise", (("kind", "Date"), ("to", "year")))
    assert seen(by, A, use("Person.birthDate")) == year
    assert seen(by, A, use("Income.amount")) == Masked("bucket", (("width", "1000"),))
    assert seen(by, A, use("Person.phone")) == Null("NO_GRANT")
    ruling = by.rule(A, [use("Person.idNo")], Context(purpose=BENEFIT, now=NOON))
    assert ruling.reasons[use("Person.idNo")] == ("grant.g1",)


@pytest.mark.parametrize(
    ("who", "purpose"),
    [
        (A, None),
        (subject("benefits", "G4", BENEFIT, department="town"), BENEFIT),
        (subject("other", "G4", BENEFIT, department="civil"), BENEFIT),
        (subject("benefits", "G4", BENEFIT), BENEFIT),
        (subject("benefits", "G4", "statistics", department="civil"), "statistics"),
    ],
)
def test_for_nobody_else_and_nothing_else(who: Subject, purpose: str | None) -> None:
    assert not isinstance(
        seen(engine(G1), who, use("Person.idNo"), purpose), Allow | Masked | Rowwise
    )


def test_9_a_purpose_outside_the_credentials() -> None:
    asked = use("Income.amount")
    assert seen(engine(), A, asked, "statistics") == Reject("PURPOSE_NOT_ALLOWED")


def test_for_its_rows_alone() -> None:
    rows = 'rows: {region_within: [row.region, "330102"]}\n'
    grant = "".join(line for line in G1.splitlines(keepends=True) if "Income" not in line)
    outcome = seen(engine(grant + rows), A, use("Person.idNo"))
    assert isinstance(outcome, Rowwise)
    assert [case for _, case in outcome.cases] == [Allow()]
    assert outcome.cases[0][0] != TRUE


def test_12_no_grant_overrides_the_mandatory_checks() -> None:
    mistake = """
grant: mistake
grantee: {app: tax}
purpose: tax.audit
fields: {Health.diagnosis: allow, Health.idNo: allow}
from: 2026-01-01
expires: 2026-12-31
"""
    by = engine(mistake)
    asked = use("Health.diagnosis")
    ruling = by.rule(B, [asked], Context(purpose="tax.audit", now=NOON))
    assert ruling.outcomes[asked] in (Null(), Hidden())
    assert ruling.reasons[asked] == ("mandatory.dominance",)
    withheld = mistake.replace("Health.diagnosis", "Health.hiv").replace("tax}", "benefits}")
    withheld = withheld.replace("tax.audit", BENEFIT)
    found = engine(withheld).rule(A, [use("Health.hiv")], Context(purpose=BENEFIT, now=NOON))
    assert found.reasons[use("Health.hiv")] == ("mandatory.withheld",)


def test_18_after_its_last_day() -> None:
    by = engine(G1)
    number, name = use("Person.idNo"), use("Person.name")
    assert seen(by, A, number, now=END - 1) == Allow()
    assert seen(by, A, number, now=END) == Null("GRANT_EXPIRED")
    assert seen(by, A, name, now=END) == Allow()
    assert seen(by, A, use("Income", "list"), now=END) == Reject("GRANT_EXPIRED")
    assert number.coordinate in by.visible(A).selectable
    assert seen(by, A, use("Person.phone"), now=END) == Null("NO_GRANT")


def test_a_ruling_ends_with_the_grant() -> None:
    by = engine()
    ruling = by.rule(A, [use("Person.idNo")], Context(purpose=BENEFIT, now=NOON))
    assert ruling.valid_until == END
    late = by.rule(A, [use("Person.idNo")], Context(purpose=BENEFIT, now=END))
    assert late.valid_until == float("inf")


def test_before_its_first_day_there_is_none() -> None:
    asked = use("Person.idNo")
    early = dt.datetime(2025, 12, 31, 12, tzinfo=dt.UTC).timestamp()
    assert seen(engine(G1), A, asked, now=early) == Null("NO_GRANT")


def test_19_revoked_it_opens_nothing() -> None:
    by = engine(G1 + "revoked: 2026-09-21T22:13:20+08:00\n")
    asked = use("Person.idNo")
    assert seen(by, A, asked, now=NOON - 1) == Allow()
    assert seen(by, A, asked, now=NOON) == Null("NO_GRANT")
    assert seen(by, A, asked, now=END) == Null("NO_GRANT")
    assert seen(by, A, use("Income.amount"), now=NOON) in (Null("NO_GRANT"), Hidden())


def test_an_unknown_time_opens_nothing() -> None:
    for now in (0.0, -1.0, float("nan"), float("inf")):
        outcome = seen(engine(G1), A, use("Person.idNo"), now=now)
        assert not isinstance(outcome, Allow | Masked | Rowwise)


def test_requirements_are_met_into_what_it_gives() -> None:
    must = """---
policy: ends
effect: require
subjects: {app: benefits}
resources: {fields: [Person.idNo]}
outcome: {mask: {partial: {keep_last: 4}}}
"""
    by = engine(G1, OPEN + must)
    assert seen(by, A, use("Person.idNo")) == Masked("partial", (("keep_last", 4),))
    none = must.replace("require", "forbid").replace("{mask: {partial: {keep_last: 4}}}", "error")
    assert not isinstance(seen(engine(G1, OPEN + none), A, use("Person.idNo")), Allow)


MINORS = """
policy: income
effect: permit
subjects: {purpose: {descendant_of: benefits}}
resources: {fields: [Income.amount, Income.idNo, Person.name]}
---
policy: granted-only
effect: require
resources: {types: [Income]}
unless: grant.live
outcome: redact
"""


def test_rules_ask_for_a_live_grant() -> None:
    assert seen(engine("", MINORS), A, use("Income.idNo")) == Masked(
        "redact", (("kind", "String"),)
    )
    by = engine(G1, MINORS)
    assert seen(by, A, use("Income.idNo")) == Masked("redact", (("kind", "String"),))
    assert seen(by, A, use("Income.amount")) == Allow()
    assert seen(by, A, use("Income.amount"), now=END) == Masked("redact", (("kind", "Decimal"),))


def test_rules_ask_for_a_grant_that_speaks_of_a_category() -> None:
    rules = MINORS.replace("unless: grant.live", "unless: {grant_covers: pi.sensitive.minor}")
    redacted = Masked("redact", (("kind", "Decimal"),))
    assert seen(engine(G1, rules), A, use("Income.amount")) == redacted
    covers = G1 + "covers: [pi.sensitive.minor]\n"
    assert seen(engine(covers, rules), A, use("Income.amount")) == Allow()


def said(text: str) -> str:
    with pytest.raises(ManyErrors) as held:
        read_grants(text, "g.yaml")
    return str(held.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("grant: g1", "grant: G 1", "g.yaml:2:8: `G 1` cannot be a name"),
        ("grantee: {app: benefits, department: civil}", "grantee: {}", "names nobody"),
        ("grantee: {app: benefits, department: civil}", "", "the grant has no `grantee`"),
        ("expires: 2026-12-31", "", "the grant has no `expires`"),
        ("expires: 2026-12-31", "expires: 2025-12-31", "the grant ends before it begins"),
        ("expires: 2026-12-31", "expires: soon", "is not a date"),
        ("Person.idNo: allow", "Person.*: allow", "`Person.*` is not a field"),
        ("Person.idNo: allow", "Person.idNo: hidden", "a grant cannot have this outcome"),
        ("zone: Asia/Shanghai", "zone: Asia/Shangri-La", "is not a time zone"),
        ("zone: Asia/Shanghai", "revoked: 2026-01-01", "is not a moment"),
        ("zone: Asia/Shanghai", "zones: x", "did you mean `zone`"),
    ],
)
def test_mistakes_say_where_and_how(old: str, new: str, told: str) -> None:
    assert told in said(G1.replace(old, new))


def test_two_grants_of_one_id() -> None:
    assert "two grants have the id `g1`" in said(f"{G1}---{G1}")
    with pytest.raises(ManyErrors, match=r"b\.yaml:2:1: two grants have the id `g1`"):
        read_all_approved([(G1, "a.yaml"), (G1, "b.yaml")])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Person.idNo", "Person.idNumber", "grants.yaml:6:3: the type `Person` has no field"),
        ("descendant_of: benefits", "descendant_of: sport", "there is no purpose `sport`"),
        ("Income.amount", "Person.name", "the mask `bucket` does not fit"),
        ("zone: Asia/Shanghai", "covers: [pj]", "there is no category `pj`"),
    ],
)  # fmt: skip
def test_a_grant_on_what_does_not_exist_is_refused(old: str, new: str, told: str) -> None:
    with pytest.raises(ManyErrors) as held:
        engine(G1.replace(old, new))
    assert told in str(held.value)


MOMENTS = st.sampled_from([NOON, END - 1, END, NOON - 40_000_000])
WHO = st.sampled_from([A, B, H])


@given(MOMENTS, WHO, st.permutations(["idNo", "birthDate", "name", "phone"]))
def test_taking_a_grant_away_never_shows_more(
    now: float, who: Subject, names: Sequence[str]
) -> None:
    purpose = next(iter(sorted(who.purposes)))
    uses = [use(f"Person.{name}") for name in names]
    context = Context(purpose=purpose, now=now)
    more = engine(G1).rule(who, uses, context).outcomes
    less = engine("").rule(who, uses, context).outcomes
    for asked in uses:
        if isinstance(less[asked], Allow):
            assert more[asked] == Allow()

"""Delegations: whose rights are lent, until when, and what stays the caller's own."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec import structs

from policies.engine import Engine
from policies.grant_syntax import read_all_approved, read_approved
from policies.ruling import Allow, Hidden, Masked, Null, Outcome, Reject, Ruling
from schema.errors import ManyErrors
from schema.model.names import DepartmentName
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, bundle, subject, use

BENEFIT = "benefits.eligibility"
CHINA = dt.timezone(dt.timedelta(hours=8))
END = dt.datetime(2027, 1, 1, tzinfo=CHINA).timestamp()
D1 = """
delegation: d1
to: {app: builder, department: soft}
for:
  app: benefits
  department: civil
  org_kind: government
  tier: city
  region: "3301"
  clearance: {cn-gbt43697: G4}
  roles: [clerk]
purpose: {descendant_of: benefits}
from: 2026-01-01
expires: 2026-12-31
zone: Asia/Shanghai
"""
G1 = """---
grant: g1
grantee: {app: benefits, department: civil}
purpose: {descendant_of: benefits}
fields:
  Person.idNo: {mask: {tokenise: {key_scope: grant}}}
  Income.amount: {mask: {bucket: {width: 1000}}}
from: 2026-01-01
expires: 2027-12-31
"""
RULES = """
policy: names
effect: permit
subjects: {department: civil, purpose: {descendant_of: benefits}}
resources: {fields: [Person.name, Person.district]}
---
policy: own
effect: permit
when: resource.owned
resources: {types: [Aid]}
---
policy: for-clerks
effect: permit
subjects: {role: clerk}
resources: {fields: [Person.birthDate]}
---
policy: nobody-else
effect: permit
subjects: {app: benefits}
when: {not: {present: subject.acting_for}}
resources: {fields: [Person.phone]}
"""
X = structs.replace(
    subject("builder", "G3", BENEFIT, "statistics", department="soft", org_kind="contractor"),
    acting_for=DepartmentName("civil"),
)
PRINCIPAL = subject("benefits", "G4", BENEFIT, department="civil", roles=frozenset({"clerk"}))
NAME, NUMBER = use("Person.name"), use("Person.idNo")
AMOUNT, BIRTH = use("Income.amount"), use("Person.birthDate")


def engine(approved: str = D1 + G1, rules: str = RULES) -> Engine:
    read = read_approved(approved, "grants.yaml")
    return Engine(
        CITY, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING,
        grants=read.grants, delegations=read.delegations,
    )  # fmt: skip


def ruled(
    by: Engine, *uses: FieldUse, who: Subject = X, purpose: str | None = BENEFIT, now: float = NOON
) -> Ruling:
    return by.rule(who, uses, Context(purpose=purpose, now=now))


def seen(by: Engine, asked: FieldUse, who: Subject = X) -> Outcome:
    return ruled(by, asked, who=who).outcomes[asked]


def test_what_the_principal_has_and_no_more() -> None:
    by = engine()
    for asked in (NAME, NUMBER, AMOUNT, use("Aid.status")):
        assert seen(by, asked) == seen(by, asked, PRINCIPAL)
    ruling = ruled(by, NUMBER, AMOUNT)
    assert ruling.reasons == {NUMBER: ("grant.g1",), AMOUNT: ("grant.g1",)}
    assert ruling.delegation == "d1"
    assert ruling.principal == PRINCIPAL
    assert seen(by, use("Firm.arrears")) == seen(by, use("Firm.arrears"), PRINCIPAL)


def test_rights_of_its_own_count_for_nothing() -> None:
    rules = (
        RULES
        + """---
policy: builders
effect: permit
subjects: {app: builder}
resources: {fields: [Person.phone]}
---
policy: those-who-act
effect: permit
subjects: {acting_for: civil}
resources: {fields: [Person.phone]}
"""
    )
    by, phone = engine(rules=rules), use("Person.phone")
    assert isinstance(seen(by, phone), Null)
    assert seen(by, phone, structs.replace(X, acting_for=None)) == Allow()


def test_permits_that_leave_out_whoever_acts_do() -> None:
    by = engine()
    assert seen(by, use("Person.phone"), PRINCIPAL) == Allow()
    assert seen(by, use("Person.phone")) == Null("NO_GRANT")


def test_a_role_is_needed_on_both_sides() -> None:
    by = engine()
    clerk = structs.replace(X, roles=frozenset({"clerk"}))
    assert seen(by, BIRTH) == Null("NO_GRANT")
    assert seen(by, BIRTH, clerk) == Allow()
    assert seen(engine(D1.replace("roles: [clerk]", "roles: [other]")), BIRTH, clerk) != Allow()


def test_its_clearance_stays_its_own() -> None:
    low = structs.replace(X, clearance={"cn-gbt43697": "G2"})
    ruling = ruled(engine(), NUMBER, NAME, who=low)
    assert ruling.outcomes == {NUMBER: Null(), NAME: Allow()}
    assert ruling.reasons[NUMBER] == ("mandatory.dominance",)
    principal = D1.replace("G4", "G2") + G1
    assert ruled(engine(principal), NUMBER).reasons[NUMBER] == ("mandatory.dominance",)


def test_limits_on_it_meet_those_of_its_principal() -> None:
    limit = """---
policy: builders-see-less
effect: require
subjects: {app: builder}
resources: {fields: [Income.amount]}
outcome: {mask: {%s}}
"""
    coarser = engine(rules=RULES + limit % "bucket: {width: 5000}")
    assert seen(coarser, AMOUNT) == Masked("bucket", (("width", "5000"),))
    assert ruled(coarser, AMOUNT).reasons[AMOUNT] == ("grant.g1", "builders-see-less@1")
    assert seen(coarser, AMOUNT, PRINCIPAL) == Masked("bucket", (("width", "1000"),))
    other = engine(rules=RULES + limit % "noise: {epsilon: 0.1, bound: 50}")
    assert seen(other, AMOUNT) == Masked("redact", (("kind", "Decimal"),))
    forbid = "---\npolicy: no\neffect: forbid\nsubjects: {org_kind: contractor}\n"
    shut = engine(rules=f"{RULES}{forbid}resources: {{fields: [Person.name]}}\noutcome: error")
    assert ruled(shut, NAME).reasons[NAME] == ("no@1",)
    assert seen(shut, NAME, PRINCIPAL) == Allow()


def test_rows_are_those_of_both() -> None:
    rows = """---
policy: regions
effect: require
resources: {types: [Aid]}
rows: {region_within: [row.region, subject.region]}
"""
    who = structs.replace(X, region="330102")
    ruling = ruled(engine(rules=RULES + rows), use("Aid.status"), who=who)
    assert ruling.params == {"s.region": "3301", "d.region": "330102"}
    assert {"s.region", "d.region"} <= set(repr(ruling.row_filters).split("'"))
    unplaced = structs.replace(X, region=None)
    ruling = ruled(engine(rules=RULES + rows), use("Aid.status"), who=unplaced)
    assert "Always(value=False)" in repr(ruling.row_filters)


def test_what_is_withheld_is_for_the_owner_itself() -> None:
    who = structs.replace(X, acting_for=DepartmentName("health"), clearance={"cn-gbt43697": "G4"})
    lent = D1.replace("department: civil", "department: health")
    rules = "policy: own\neffect: permit\nwhen: resource.owned\nresources: {types: ['*']}"
    by = engine(lent, rules)
    owner = subject("benefits", "G4", BENEFIT, department="health")
    assert seen(by, use("Health.hiv"), owner) == Allow()
    assert ruled(by, use("Health.hiv"), who=who).reasons[use("Health.hiv")] == (
        "mandatory.withheld",
    )
    assert seen(by, use("Health.diagnosis"), who) == Allow()


@pytest.mark.parametrize(
    ("lent", "now", "who"),
    [
        ("", NOON, X),
        (D1.replace("expires: 2026-12-31", "expires: 2026-08-31"), NOON, X),
        (D1, END, X),
        (D1, NOON - 40_000_000, X),
        (D1 + "revoked: 2026-09-01T00:00:00Z\n", NOON, X),
        (D1.replace("app: builder", "app: other"), NOON, X),
        (D1, NOON, structs.replace(X, department=None)),
        (D1, NOON, structs.replace(X, acting_for=DepartmentName("tax"))),
        (D1.replace("descendant_of: benefits", "descendant_of: tax"), NOON, X),
    ],
)
def test_without_one_that_holds_nothing_is_lent(lent: str, now: float, who: Subject) -> None:
    by = engine(lent + G1)
    uses = (NAME, NUMBER, use("Person", "list"), use("Person.incomes", "traverse"))
    ruling = ruled(by, *uses, who=who, now=now)
    assert set(ruling.outcomes.values()) == {Reject("NO_DELEGATION")}
    assert set(ruling.reasons.values()) == {("mandatory.delegation",)}
    assert (ruling.row_filters, ruling.params, ruling.principal) == ({}, {}, None)
    assert by.delegations_of(who, Context(purpose=BENEFIT, now=now)) == ()
    assert "without a delegation" in by.explain(who, NAME, Context(purpose=BENEFIT, now=now))


def test_a_purpose_is_always_stated() -> None:
    by = engine()
    assert ruled(by, NAME, purpose=None).outcomes[NAME] == Reject("PURPOSE_REQUIRED")
    late = ruled(by, NAME, purpose=None, now=END).outcomes[NAME]
    assert late == Reject("NO_DELEGATION")
    assert ruled(by, NAME, purpose="statistics").outcomes[NAME] == Reject("NO_DELEGATION")
    assert ruled(by, NAME, purpose="tax.audit").outcomes[NAME] == Reject("PURPOSE_NOT_ALLOWED")


def test_a_ruling_ends_with_the_delegation() -> None:
    assert ruled(engine(D1), NAME).valid_until == END
    revoked = D1 + "revoked: 2026-10-01T00:00:00Z\n"
    at = dt.datetime(2026, 10, 1, tzinfo=dt.UTC).timestamp()
    assert ruled(engine(revoked), NAME).valid_until == at


def test_no_ruling_is_kept_for_another_delegation() -> None:
    narrow = D1.replace("d1", "d2") + "fields: [Person.name]\n"
    later = narrow.replace("from: 2026-01-01\nexpires: 2026", "from: 2027-01-01\nexpires: 2027")
    by, district = engine(f"{D1}---{later}"), use("Person.district")
    first = ruled(by, district)
    assert (first.outcomes[district], first.delegation) == (Allow(), "d1")
    second = ruled(by, district, now=END)
    assert (second.outcomes[district], second.delegation) == (Null(), "d2")


def test_rules_about_several_fields_bind_whoever_acts() -> None:
    mosaic = "---\nmosaic: who-where\nfields: [Person.name, Person.district]\nmost: 1\n"
    raises = (
        "---\ncombination: who-where\nof: [{fields: Person.name}, {fields: Person.district}]\n"
        "raises: G3\n"
    )

    def is_refused(rule: str, whose: str, who: Subject = X) -> bool:
        rules = f"{RULES}{rule}subjects: {{app: {whose}}}\n"
        together = ruled(engine(rules=rules), NAME, use("Person.district"), who=who).together
        return together is not None and together.refused is not None

    low = structs.replace(X, clearance={"cn-gbt43697": "G2"})
    for whose in ("builder", "benefits"):
        assert is_refused(mosaic, whose)
        assert is_refused(raises, whose, low)
        assert not is_refused(raises, whose)
    assert not is_refused(mosaic, "other")


def test_fields_and_rows_that_are_lent() -> None:
    narrow = D1 + (
        "fields: [Person.name, Aid.number, Aid.status]\nrows: {region_within: [row.region, '3301']}"
    )
    by = engine(narrow + "\n" + G1)
    district = use("Person.district")
    ruling = ruled(by, NAME, district, use("Aid.status"))
    assert ruling.outcomes[NAME] == Allow()
    assert ruling.outcomes[district] == Null()
    assert ruling.reasons[district] == ("delegation.d1",)
    assert "'3301'" in repr(ruling.row_filters)
    assert isinstance(seen(by, NUMBER), Null)
    assert isinstance(seen(by, AMOUNT), Hidden), "no field of the type is lent"
    assert seen(by, district, PRINCIPAL) == Allow()
    assert "'3301'" not in repr(ruled(by, NAME, who=PRINCIPAL).row_filters)


def test_what_is_there_is_what_the_principal_has() -> None:
    by = engine()
    ours, theirs = by.visible(X).selectable, by.visible(PRINCIPAL).selectable
    assert ours == theirs
    assert not engine("").visible(X).selectable


def test_the_explanation_names_both() -> None:
    english, chinese = engine().explain(X, NUMBER, Context(purpose=BENEFIT, now=NOON)).split("\n")
    assert "`builder` acts for `benefits` of `civil` under `delegation.d1`" in english
    assert "grant.g1" in english
    assert "`builder`依 `delegation.d1` 代 `civil` 的 `benefits` 行事" in chinese


def said(text: str) -> str:
    with pytest.raises(ManyErrors) as held:
        engine(text)
    return str(held.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("delegation: d1", "delegation: D 1", "grants.yaml:2:13: `D 1` cannot be a name"),
        ("to: {app: builder, department: soft}", "", "the delegation has no `to`"),
        ("to: {app: builder, department: soft}", "to: {}", "names nobody"),
        ("  department: civil\n", "", "has no `department`"),
        ("  tier: city", "  tires: city", "has no key `tires`"),
        ("expires: 2026-12-31", "expires: 2025-12-31", "the delegation ends before it begins"),
        ("zone: Asia/Shanghai", "fields: [Person.*]", "`Person.*` is not a field"),
        ("zone: Asia/Shanghai", "fields: [Person.nam]", "there is no `Person.nam`"),
        ("zone: Asia/Shanghai", "grantee: {app: x}", "a delegation has no key `grantee`"),
        ("descendant_of: benefits", "descendant_of: benefit", "there is no purpose `benefit`"),
        ("G4", "G44", "there is no level `G44` on `cn-gbt43697`"),
        ("cn-gbt43697", "cn-gbt", "there is no level `G4` on `cn-gbt`"),
    ],
)
def test_mistakes_say_where_and_how(old: str, new: str, told: str) -> None:
    assert old in D1
    assert told in said(D1.replace(old, new))


def test_it_is_always_clear_whose_rights_are_lent() -> None:
    second = "---" + D1.replace("d1", "d2").replace("app: benefits", "app: payroll")
    assert "grants.yaml:17:1: `d2` and `d1` let the same caller act" in said(D1 + second)
    for change in (
        ("descendant_of: benefits", "descendant_of: tax"),
        ("app: builder", "app: other"),
        ("department: civil", "department: tax"),
        ("from: 2026-01-01\nexpires: 2026", "from: 2027-01-01\nexpires: 2027"),
    ):
        assert engine(D1 + second.replace(*change)).delegations
    assert engine(D1 + "revoked: 2025-12-31T00:00:00Z\n" + second).delegations
    assert "two delegations have the id `d1`" in said(f"{D1}---{D1}")
    with pytest.raises(ManyErrors, match=r"b\.yaml:2:1: two delegations have the id `d1`"):
        read_all_approved([(D1, "a.yaml"), (D1, "b.yaml")])

"""Scenarios of who may do what; numbers are those of the scenario table of the design."""

from __future__ import annotations

import msgspec
import pytest

from policies.engine import Engine
from policies.ruling import Allow, Hidden, Masked, Null, Reject
from schema.errors import ManyErrors
from schema.model.label import Label
from schema.model.names import TypeName
from schema.model.subject import Context
from tests.policies.fixture import (
    CEILING,
    CITY,
    NOON,
    PACKS,
    RULES,
    A,
    B,
    H,
    N,
    O,
    Q,
    U,
    bundle,
    catalogue,
    engine,
    entity,
    field,
    label,
    outcome,
    ruled,
    subject,
    use,
)

CITY_ENGINE = engine()
BENEFIT = "benefits.eligibility"
FORBIDDEN = Reject("USE_FORBIDDEN")


def test_1_nobody_in_particular_gets_nothing() -> None:
    nobody = subject("nobody", "G4", department=None, tier=None, region=None, org_kind=None)
    assert outcome(CITY_ENGINE, nobody, use("Firm.creditCode")) == Hidden()
    assert outcome(CITY_ENGINE, nobody, use("Firm", "list")) == FORBIDDEN
    assert CITY_ENGINE.visible(nobody).selectable == frozenset()
    assert ruled(CITY_ENGINE, nobody, use("Firm", "list")).row_filters == {}


def test_2_an_open_field_for_a_stated_purpose() -> None:
    ruling = ruled(CITY_ENGINE, B, use("Firm.creditCode"), use("Firm", "list"), purpose="tax.audit")
    assert set(ruling.outcomes.values()) == {Allow()}
    assert ruling.reasons[use("Firm.creditCode")] == ("open-to-government@1",)
    assert ruling.epoch == 7


def test_3_a_purpose_must_be_stated() -> None:
    assert outcome(CITY_ENGINE, B, use("Firm.creditCode")) == Reject("PURPOSE_REQUIRED")
    assert outcome(CITY_ENGINE, B, use("Aid", "list")) == Reject("PURPOSE_REQUIRED")


def test_4_a_name_for_benefits() -> None:
    assert outcome(CITY_ENGINE, A, use("Person.name"), BENEFIT) == Allow()


def test_6_a_birth_date_becomes_its_year() -> None:
    asked = use("Person.birthDate")
    ruling = ruled(CITY_ENGINE, A, asked, purpose=BENEFIT)
    assert ruling.outcomes[asked] == Masked("generalise", (("kind", "Date"), ("to", "year")))
    assert ruling.reasons[asked] == ("benefits-persons@1", "benefits-birth-year@1")
    for mode in ("filter_eq", "filter_range", "sort", "group"):
        assert outcome(CITY_ENGINE, A, use("Person.birthDate", mode), BENEFIT) == FORBIDDEN


def test_7_what_no_permit_names_is_null_and_says_why() -> None:
    ruling = ruled(CITY_ENGINE, A, use("Person.phone"), use("Person.name"), purpose=BENEFIT)
    assert list(ruling.outcomes.values()) == [Null("NO_GRANT"), Allow()]


def test_8_an_amount_becomes_its_bucket() -> None:
    assert outcome(CITY_ENGINE, A, use("Income.amount"), BENEFIT) == Masked(
        "bucket", (("width", "1000"),)
    )


def test_9_a_purpose_that_the_credentials_do_not_hold() -> None:
    ruling = ruled(
        CITY_ENGINE, A, use("Income.amount"), use("Person", "list"), purpose="statistics"
    )
    assert set(ruling.outcomes.values()) == {Reject("PURPOSE_NOT_ALLOWED")}
    assert ruling.row_filters == {}


def test_10_an_owner_reads_its_own() -> None:
    assert outcome(CITY_ENGINE, H, use("Health.diagnosis")) == Allow()
    assert outcome(CITY_ENGINE, H, use("Health.hiv")) == Allow()


def test_11_another_department_does_not() -> None:
    assert outcome(CITY_ENGINE, A, use("Health.diagnosis"), BENEFIT) == Hidden()
    rules = RULES + "---\npolicy: more\neffect: permit\nsubjects: {app: benefits}\n"
    rules += "resources: {fields: [Health.idNo]}\n"
    assert outcome(engine(rules), A, use("Health.diagnosis"), BENEFIT) == Null("NO_GRANT")
    assert outcome(engine(rules), A, use("Health.hiv"), BENEFIT) == Hidden()


def test_12_no_permit_overrides_dominance() -> None:
    ruling = ruled(CITY_ENGINE, B, use("Health.diagnosis"))
    assert ruling.outcomes == {use("Health.diagnosis"): Hidden()}
    assert ruling.reasons[use("Health.diagnosis")] == ("mandatory.dominance",)


def test_13_and_14_compartments() -> None:
    asked = use("Person.keyWatch")
    assert outcome(CITY_ENGINE, Q, asked, "case", "C-1") == Allow()
    outside = subject("police", "IMPORTANT", "case", department="psb")
    assert outcome(CITY_ENGINE, outside, asked, "case", "C-1") == Hidden()
    assert "Person.keyWatch" in CITY_ENGINE.visible(Q).selectable
    assert "Person.keyWatch" not in CITY_ENGINE.visible(outside).selectable


def test_15_what_is_hidden_looks_like_what_is_not() -> None:
    hidden = ruled(CITY_ENGINE, A, use("Person.keyWatch"), purpose=BENEFIT)
    absent = ruled(CITY_ENGINE, A, use("Person.keyWatcx"), purpose=BENEFIT)
    assert list(hidden.outcomes.values()) == list(absent.outcomes.values()) == [Hidden()]
    assert "Person.keyWatch" not in CITY_ENGINE.visible(A).selectable
    for mode in ("filter_eq", "sort", "aggregate"):
        assert outcome(CITY_ENGINE, A, use("Person.keyWatch", mode), BENEFIT) == FORBIDDEN
    told = CITY_ENGINE.explain(A, use("Person.keyWatch"), Context(purpose=BENEFIT, now=NOON))
    other = CITY_ENGINE.explain(A, use("Person.keyWatcx"), Context(purpose=BENEFIT, now=NOON))
    assert told == other.replace("keyWatcx", "keyWatch")


def test_20_outside_the_hours_of_a_rule() -> None:
    rules = """
policy: office-hours
effect: permit
subjects: {app: tax}
resources: {types: [Firm]}
window: {from: "08:00", to: "20:00", zone: Asia/Shanghai}
"""
    by = engine(rules)
    night, day = NOON, NOON + 12 * 3600
    assert outcome(by, B, use("Firm.creditCode"), now=night) == Reject("TIME_WINDOW")
    assert outcome(by, B, use("Firm.creditCode"), now=day) == Allow()
    assert ruled(by, B, use("Firm", "list"), now=day).valid_until == day + 35200
    assert by.visible(B).may("Firm", "list")


def test_22_and_24_an_analyst_has_aggregates_only() -> None:
    assert outcome(CITY_ENGINE, N, use("Person", "count")) == Allow()
    assert outcome(CITY_ENGINE, N, use("Person.district", "group")) == Allow()
    assert outcome(CITY_ENGINE, N, use("Income.amount", "aggregate", "avg")) == Allow()
    assert outcome(CITY_ENGINE, N, use("Income.amount", "aggregate", "min")) == FORBIDDEN
    assert outcome(CITY_ENGINE, N, use("Person.district", "aggregate", "countDistinct")) == Allow()
    assert outcome(CITY_ENGINE, N, use("Person.district", "aggregate", "max")) == FORBIDDEN
    for asked in (use("Person.name"), use("Person.district"), use("Person.birthDate")):
        assert isinstance(outcome(CITY_ENGINE, N, asked), Null)
    assert outcome(CITY_ENGINE, N, use("Person", "list")) == FORBIDDEN
    assert outcome(CITY_ENGINE, N, use("Person.district", "filter_eq")) == FORBIDDEN


def test_no_sums_of_what_must_be_masked() -> None:
    by = engine(RULES.replace("department: [civil, health]", "department: [civil, data]"))
    assert outcome(by, N, use("Income.amount", "aggregate", "avg")) == FORBIDDEN
    assert outcome(by, N, use("Income", "count")) == Allow()


def test_grouping_by_a_key_is_reading_it() -> None:
    rules = """
policy: counts
effect: permit
subjects: {role: analyst}
resources: {types: [Firm]}
modes: [group, aggregate, count]
"""
    assert outcome(engine(rules), N, use("Firm.creditCode", "group")) == FORBIDDEN
    assert outcome(engine(rules), N, use("Firm.arrears", "group")) == Allow()


@pytest.mark.parametrize("who", [O, U])
def test_27_officers_and_auditors_have_no_data(who: object) -> None:
    visible = CITY_ENGINE.visible(who)  # type: ignore[arg-type]
    assert (visible.selectable, visible.uses) == (frozenset(), frozenset())


def test_a_relation_needs_a_visible_target() -> None:
    incomes, health = use("Person.incomes", "traverse"), use("Person.health", "traverse")
    ruling = ruled(CITY_ENGINE, A, incomes, health, purpose=BENEFIT)
    assert ruling.outcomes == {incomes: Allow(), health: FORBIDDEN}
    assert TypeName("Income") in ruling.row_filters
    without = engine(RULES.replace("resources: {fields: [Income.amount, Income.idNo]}",
                                   "resources: {fields: [Map.pipeline]}"))  # fmt: skip
    assert outcome(without, A, incomes, BENEFIT) == FORBIDDEN
    assert "Person.incomes" not in without.visible(A).selectable


def test_a_forbid_that_cannot_be_decided_denies() -> None:
    rules = (
        RULES
        + """
---
policy: no-contractors
effect: forbid
when: {eq: [subject.acting_for, nobody]}
resources: {types: [Firm]}
"""
    )
    assert outcome(engine(rules), B, use("Firm.creditCode"), "tax.audit") == Hidden()
    known = subject("tax", "G3", "tax.audit", department="tax")
    known = msgspec.structs.replace(known, acting_for="tax")
    asked, context = use("Firm.creditCode"), Context(purpose="tax.audit", now=NOON)
    ruling = engine(rules).rule_as_principal(known, [asked], context)
    assert ruling.outcomes[asked] == Allow()


def test_how_a_denial_looks() -> None:
    template = (
        RULES
        + """
---
policy: no-names
effect: forbid
subjects: {app: benefits}
resources: {fields: [Person.name]}
modes: [project]
outcome: %s
"""
    )
    seen = {
        word: type(outcome(engine(template % word), A, use("Person.name"), BENEFIT)).__name__
        for word in ("null", "error", "hidden")
    }
    assert seen == {"null": "Null", "error": "FieldError", "hidden": "Hidden"}
    both = (
        template % "error"
        + "---\n"
        + (template % "null").split("---\n")[-1].replace("no-names", "no-names-at-all")
    )
    assert outcome(engine(both), A, use("Person.name"), BENEFIT) == Null()


def test_members_see_that_a_field_exists() -> None:
    of = catalogue(
        entity("Case", field("number", label("G1")), field("file", label("G4"), metadata="members"))
    )
    rules = """
policy: numbers
effect: permit
subjects: {app: [police, tax]}
resources: {fields: [Case.number]}
"""
    by = Engine(of, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING)
    member = subject("police", "G4", department="psb")
    assert "Case.file" in by.visible(member).selectable
    assert "Case.file" not in by.visible(B).selectable


def test_a_permit_must_name_what_is_sensitive() -> None:
    rules = """
policy: whole-type
effect: permit
subjects: {app: benefits}
resources: {types: [Person, Income]}
"""
    by = engine(rules)
    assert outcome(by, A, use("Income.idNo")) == Allow()
    assert outcome(by, A, use("Income.amount")) == Null("NO_GRANT")
    listed = "types: [Income], categories: [pi, pi.sensitive.finance]"
    by = engine(rules.replace("types: [Person, Income]", listed))
    assert outcome(by, A, use("Income.amount")) == Allow()


def test_a_department_elsewhere_is_not_the_owner() -> None:
    source = CITY.sources
    placed = {name: msgspec.structs.replace(held, region="3301") for name, held in source.items()}
    of = msgspec.structs.replace(CITY, sources=placed)
    by = Engine(of, [bundle()], PACKS, epoch=1, ceiling=CEILING)
    assert outcome(by, H, use("Health.diagnosis")) == Allow()
    elsewhere = subject("health", "G4", department="health", region="3302")
    assert outcome(by, elsewhere, use("Health.diagnosis")) == Hidden()


def test_the_ceiling_binds_whoever_asks() -> None:
    low = Engine(CITY, [bundle()], PACKS, epoch=1, ceiling={"cn-gbt43697": "G3"})
    assert outcome(low, H, use("Health.diagnosis")) == Null("FIELD_FORBIDDEN")
    ruling = low.rule(H, [use("Health.diagnosis")], Context(now=NOON))
    assert ruling.reasons[use("Health.diagnosis")] == ("mandatory.ceiling",)


def test_a_field_without_a_level_is_for_its_owner() -> None:
    of = catalogue(entity("Case", field("number", Label())))
    rules = "policy: all\neffect: permit\nsubjects: {}\nresources: {types: [Case]}\n"
    by = Engine(of, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING)
    assert outcome(by, B, use("Case.number")) == Hidden()
    assert outcome(by, subject("police", department="psb"), use("Case.number")) == Allow()


def test_what_the_catalogue_does_not_know() -> None:
    asked = (
        use("Nothing.x"),
        use("Nothing", "list"),
        use("Person", "sort"),
        use("Person.x", "sort"),
    )
    assert list(ruled(CITY_ENGINE, A, *asked, purpose=BENEFIT).outcomes.values()) == [
        Hidden(), FORBIDDEN, FORBIDDEN, FORBIDDEN
    ]  # fmt: skip


def test_a_faulty_bundle_makes_no_engine() -> None:
    with pytest.raises(ManyErrors) as caught:
        engine(RULES.replace("Person.keyWatch]", "Person.keyWacht]"))
    assert "did you mean `keyWatch`?" in str(caught.value)

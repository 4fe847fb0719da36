"""Explanations: both languages, what decided, how to ask; nothing of what is hidden."""

from __future__ import annotations

import pytest

from policies.explain import Told, explained, explained_to_app
from policies.ruling import Allow, FieldError, Masked, Null, Reject, Rowwise
from schema.model.predicate import FALSE
from schema.model.subject import Context
from tests.policies.fixture import NOON, A, B, T, engine, use

BY = engine()


def told(who: object, asked: object, purpose: str | None = "benefits.eligibility") -> list[str]:
    return BY.explain(who, asked, Context(purpose=purpose, now=NOON)).splitlines()  # type: ignore[arg-type]


def test_masked() -> None:
    english, chinese = told(A, use("Person.birthDate"))
    assert english == (
        "to read `Person.birthDate`: masked by generalise (to year), because the rules show it "
        "masked; decided by `benefits-persons@1`, `benefits-birth-year@1`; ask `psb` to share it, "
        "with purpose, fields and rows."
    )
    assert "脱敏" in chinese
    assert "`benefits-birth-year@1`" in chinese


def test_denied() -> None:
    english, chinese = told(A, use("Person.phone"))
    assert "null (NO_GRANT), because no permit covers it" in english
    assert "共享申请" in chinese
    english, _ = told(A, use("Person.birthDate", "sort"))
    assert "refused (USE_FORBIDDEN)" in english


def test_purpose() -> None:
    assert "state one of your purposes" in told(B, use("Firm.creditCode"), None)[0]
    assert "not among those of the credentials" in told(B, use("Firm.creditCode"), "case")[0]


def test_rows() -> None:
    english, chinese = told(T, use("Aid.status"), None)
    assert english.endswith("rows outside the row filter do not exist.")
    assert "行过滤" in chinese


def test_what_its_own_team_may_read_of_it() -> None:
    context = Context(purpose="benefits.eligibility", now=NOON)
    english, chinese = BY.explain(A, use("Person.birthDate"), context, redacted=True).splitlines()
    assert english == (
        "to read `Person.birthDate`: masked by generalise (to year); ask `psb` to share it, with "
        "purpose, fields and rows."
    )
    assert chinese.endswith("写明目的、字段和数据范围。")
    hidden, absent = (
        BY.explain(A, use(f"Person.{name}"), context, redacted=True).replace(name, "it")
        for name in ("keyWatch", "keyWatcx")
    )
    assert hidden == absent


@pytest.mark.parametrize("outcome", [Null(), FieldError(), Masked("redact")])
def test_no_reason_tells_a_team_of_labels_or_rules(outcome: object) -> None:
    seen = {
        explained_to_app(
            Told(
                use=use("Person.name"), outcome=outcome, rules=rules, why=why,  # type: ignore[arg-type]
                owner="psb", share="conditional", filtered=filtered,
            ),
            "en",
        )
        for rules in ((), ("others@1",))
        for filtered in (False, True)
        for why in ("ceiling", "dominance", "compartment", "forbid", "default", "rows", "mask")
    }  # fmt: skip
    assert len(seen) == 1


@pytest.mark.parametrize(
    "outcome",
    [Allow(), Masked("redact"), Null(), FieldError(), Reject(), Rowwise(((FALSE, Allow()),))],
)
@pytest.mark.parametrize("why", ["ceiling", "dominance", "withheld", "forbid", "rows", "no-target"])
def test_every_outcome_in_both_languages(outcome: object, why: str) -> None:
    facts = Told(
        use=use("Person.name", "aggregate", "sum"),
        outcome=outcome,  # type: ignore[arg-type]
        rules=("a@1",),
        why=why,
        owner="psb",
        share="conditional",
    )
    english, chinese = explained(facts, "en"), explained(facts, "zh")
    assert english.isascii()
    assert "`Person.name`" in chinese
    assert chinese.endswith("。")

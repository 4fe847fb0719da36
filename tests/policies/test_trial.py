"""Tests that officers write: read with their places, met or not by the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.trial import read_trials, try_out, unknown_uses
from schema.errors import ManyErrors
from tests import city
from tests.policies.fixture import CITY, engine

TRIALS = """
subjects:
  tax: {app: tax, department: tax, org_kind: government, purposes: [tax.audit],
        clearance: {cn-gbt43697: G3}, roles: [analyst]}
---
test: an open field for a duty
subject: tax
context: {purpose: tax.audit, at: 2026-09-21T12:00:00+08:00}
expect:
  - {use: Firm.creditCode, outcome: allow, because: open-to-government}
  - {use: list Firm, outcome: allow, because: [open-to-government@1]}
  - {use: Health.diagnosis, outcome: hidden, because: mandatory.dominance}
---
test: without a purpose
subject: {app: tax, org_kind: government, purposes: [tax.audit], clearance: {cn-gbt43697: G3}}
expect: [{use: Firm, outcome: reject PURPOSE_REQUIRED}]
"""


def said(text: str) -> str:
    with pytest.raises(ManyErrors) as held:
        read_trials(text, "t.yaml")
    return str(held.value)


def test_what_is_met_says_nothing() -> None:
    trials = read_trials(TRIALS, "t.yaml")
    assert [trial.name for trial in trials] == ["an open field for a duty", "without a purpose"]
    assert trials[0].subject.roles == {"analyst"}
    assert try_out(trials, engine()) == []
    assert unknown_uses(trials, CITY) == []


@pytest.mark.parametrize(
    ("old", "new", "expected", "found"),
    [
        ("outcome: allow, because: open-to", "outcome: bucket, because: open-to",
         "bucket because open-to-government", "allow because open-to-government@1"),
        ("because: open-to-government}", "because: own-data}",
         "allow because own-data", "allow because open-to-government@1"),
        ("because: open-to-government}", "because: [open-to-government, own-data]}",
         "allow because open-to-government, own-data", "allow because open-to-government@1"),
        ("PURPOSE_REQUIRED", "USE_FORBIDDEN", "reject USE_FORBIDDEN", "reject PURPOSE_REQUIRED"),
        ("outcome: hidden", 'outcome: "null"', "null because mandatory.dominance",
         "hidden because mandatory.dominance"),
    ],
)  # fmt: skip
def test_what_is_not_met_is_told_with_its_place(
    old: str, new: str, expected: str, found: str
) -> None:
    assert old in TRIALS
    (failure,) = try_out(read_trials(TRIALS.replace(old, new, 1), "t.yaml"), engine())
    assert (failure.expected, failure.found) == (expected, found)
    assert failure.where.startswith("t.yaml:")
    assert failure.explanation


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("subject: tax\n", "subject: tex\n", "t.yaml:7:10: there is no subject `tex` (did you"),
        ("outcome: hidden", "outcome: hiden", "cannot be `hiden`"),
        ("PURPOSE_REQUIRED", "PURPOSE", "`PURPOSE` is not a code"),
        ("use: list Firm", "use: lists Firm", "`lists Firm` is not a use"),
        ("use: list Firm", "use: aggregate Firm.name", "is not a use"),
        ("use: list Firm", "use: 'sort:sum Firm.name'", "is not a use"),
        ("use: list Firm, ", "", "has no `use`"),
        ("test: without a purpose\n", "", "the test has no `test`"),
        ("at: 2026-09-21T12:00:00+08:00", "at: noon", "is not a moment"),
        ("{app: tax, department", "{department", "has no `app`"),
        ("expect: [{use: Firm, outcome: reject PURPOSE_REQUIRED}]", "expect: []", "is not a list"),
        ("roles:", "role:", "did you mean `roles`"),
    ],
)  # fmt: skip
def test_mistakes_say_where_and_how(old: str, new: str, told: str) -> None:
    assert old in TRIALS
    assert told in said(TRIALS.replace(old, new, 1))


def test_uses_of_what_does_not_exist_are_told() -> None:
    trials = read_trials(TRIALS.replace("Firm.creditCode", "Firm.creditCod"), "t.yaml")
    ((where, at, hint),) = unknown_uses(trials, CITY)
    assert (where, at) == ("t.yaml:10", "Firm.creditCod")
    assert "creditCode" in hint


def test_the_tests_of_the_sample_city_are_met() -> None:
    file = Path(city.CITY) / "policy-tests" / "city.yaml"
    trials = read_trials(file.read_text(encoding="utf-8"), str(file))
    assert len(trials) >= 5
    assert try_out(trials, city.ENGINE) == []
    assert unknown_uses(trials, city.CATALOGUE) == []

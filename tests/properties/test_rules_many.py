"""The laws of rules in many more cases, and that cases are counted as the page says."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mutation.point import ROOT
from tests.policies import test_properties as laws
from tests.policies.test_masks import CASES
from tests.properties import cases

pytestmark = pytest.mark.timeout(900)


@pytest.mark.slow
@settings(max_examples=cases.ORDERS_MANY)
@given(laws.permits, laws.limits, st.randoms(use_true_random=False))
def test_order_and_names(some: list[str], others: list[str], chance: random.Random) -> None:
    laws.test_order_and_names_do_not_matter.hypothesis.inner_test(some, others, chance)  # type: ignore[attr-defined]


@pytest.mark.slow
@settings(max_examples=cases.LIMITS_MANY)
@given(laws.permits, laws.limits, laws.rule("require") | laws.rule("forbid"))
def test_another_limit(some: list[str], others: list[str], added: str) -> None:
    laws.test_another_limit_never_discloses_more.hypothesis.inner_test(some, others, added)  # type: ignore[attr-defined]


@pytest.mark.slow
@settings(max_examples=cases.PERMITS_MANY)
@given(laws.permits, laws.limits, laws.rule("permit"))
def test_one_permit_less(some: list[str], others: list[str], removed: str) -> None:
    laws.test_one_permit_less_never_discloses_more.hypothesis.inner_test(some, others, removed)  # type: ignore[attr-defined]


@pytest.mark.slow
@settings(max_examples=cases.LABELS_MANY)
@given(
    laws.permits,
    laws.limits,
    st.sampled_from(sorted(laws.THING.fields)),
    st.sampled_from(["level", "category", "compartment", "secrecy", "share"]),
)
def test_a_stricter_label(some: list[str], others: list[str], name: str, how: str) -> None:
    inner = laws.test_a_stricter_label_never_discloses_more.hypothesis.inner_test  # type: ignore[attr-defined]
    inner(some, others, name, how)


def table() -> str:
    """The tests that stand for each property, with their cases."""
    lines = ["| Property | Test | Cases in `make test` | Further in `make test-all` |",
             "|---|---|---|---|"]  # fmt: skip
    stands = cases.cases_of(len(CASES))
    lines += [f"| {one.property} | `{one.test}` | {one.fast:,} | {one.many:,} |" for one in stands]
    fast, many = sum(one.fast for one in stands), sum(one.many for one in stands)
    return "\n".join([*lines, f"| all | | {fast:,} | {many:,} |", ""])


def test_the_page_counts_the_cases() -> None:
    page = (ROOT / "docs" / "enforcement.md").read_text(encoding="utf-8")
    assert table() in page, table()


def test_there_are_enough() -> None:
    stands = cases.cases_of(len(CASES))
    assert sum(one.fast + one.many for one in stands) >= 20_000
    each: Counter[str] = Counter()
    for one in stands:
        each[one.property] += one.fast + one.many
    # of a series of epochs each answer is looked at
    assert each.pop("P6") >= 40
    assert min(each.values()) >= 400
    for file in {one.test.partition("::")[0] for one in stands}:
        assert (ROOT / file).is_file()

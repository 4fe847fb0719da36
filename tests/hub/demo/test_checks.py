"""Comparing answers with what a persona should see."""

from __future__ import annotations

from typing import Any

import pytest

from hub.demo.checks import problems, values_at

ANSWER: dict[str, Any] = {"data": {"a": {"nodes": [{"x": "ab", "n": 3}, {"x": None, "n": 5}]}}}


def test_a_path_reads_every_value_and_nothing_below_a_null() -> None:
    assert values_at(ANSWER["data"], "a.nodes[*].x") == ["ab", None]
    assert values_at({"a": None}, "a.nodes[*].x") == []
    assert values_at(None, "a.x") == []
    with pytest.raises(ValueError, match="not a path"):
        values_at(ANSWER["data"], "a.nodes[0]")


@pytest.mark.parametrize(
    "check",
    [
        {"path": "a.nodes[*].x", "matches": "a."},
        {"path": "a.nodes[*].x", "starts_with": "a"},
        {"path": "a.nodes[*].x", "count": 2},
        {"path": "a.nodes[*].x", "min_count": 1},
        {"path": "a.nodes[*].n", "at_least": 3},
        {"path": "a.nodes[*].n", "null": False},
        {"path": "a.gone", "null": True},
    ],
)
def test_a_check_that_holds_says_nothing(check: dict[str, Any]) -> None:
    assert problems(ANSWER, {"checks": [check]}) == []


@pytest.mark.parametrize(
    "check",
    [
        {"path": "a.nodes[*].x", "matches": "a"},
        {"path": "a.nodes[*].x", "starts_with": "b"},
        {"path": "a.nodes[*].x", "equals": "ab"},
        {"path": "a.nodes[*].x", "null": True},
        {"path": "a.nodes[*].x", "count": 3},
        {"path": "a.nodes[*].x", "min_count": 2},
        {"path": "a.nodes[*].n", "at_least": 4},
    ],
)
def test_a_check_that_fails_is_told_with_its_path(check: dict[str, Any]) -> None:
    (problem,) = problems(ANSWER, {"checks": [check]})
    assert problem.startswith(check["path"])


def test_error_codes_must_be_those_expected() -> None:
    failed = {"errors": [{"extensions": {"code": "TOO_DEEP"}}]}
    assert problems(failed, {"errors": ["TOO_DEEP"]}) == []
    assert problems(failed, {})
    assert problems(ANSWER, {"errors": ["TOO_DEEP"]})


def test_a_word_that_is_no_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a check"):
        problems(ANSWER, {"checks": [{"path": "a.nodes[*].x", "equal": "ab"}]})

"""Assertions are read with positions, and mistakes are told with a mend."""
# ruff: noqa: E501  # one mistake per line

from __future__ import annotations

import pytest

from policies.prove.assertion_syntax import read_assertions
from schema.errors import ManyErrors


def problem(text: str) -> str:
    with pytest.raises(ManyErrors) as caught:
        read_assertions(text, "x.assert.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "1:1: an assertion is not a mapping (begin with `assert: some-name`)"),
        ("nobody: at all\nof: {types: [A]}", "1:1: the assertion has no name"),
        ("assert: A B", "1:9: `A B` cannot name an assertion"),
        ("assert: a", "1:1: the assertion states nothing (write one of `nobody`, "),
        ("assert: a\nnobody: at all", "1:1: the assertion has no `of`"),
        ("assert: a\nnobody: at all\nreaders: owner\nof: {types: [A]}", "states two things"),
        ("assert: a\nnobodi: at all", "2:1: an assertion has no key `nobodi` (did you mean `nobody`?)"),
        ("assert: a\nnobody: all\nof: {types: [A]}", "2:9: `nobody` of an assertion cannot be `all`"),
        ("assert: a\nnobody: {bellow: G3}\nof: {types: [A]}", "has no key `bellow` (did you mean `below`?)"),
        ("assert: a\nnobody: at all\nreads: row\nof: {types: [A]}", "cannot be `row` (did you mean `raw`?)"),
        ("assert: a\nnobody: at all\nof: {level: {at_most: G3}}", "an assertion cannot say `at_most`"),
        ("assert: a\npermits: owner\nreads: raw\nof: {types: [A]}", "`reads` does not go with `permits`"),
        ("assert: a\nshows_at_most: allow\nof: {types: [A]}", "is not a mask"),
        ("assert: a\nnobody_both: [{of: {types: [A]}}]", "does not list two things"),
        ("assert: a\nnobody_both: [{reads: raw}, {reads: raw}]", "an item of `nobody_both` of an assertion has no `of`"),
        ("assert: no dead rules\nnobody: at all", "`no dead rules` has no `nobody`"),
        ("assert: no dead rule", "cannot name an assertion"),
        ("assert: a\nassume: {eq: [subject.tear, a]}\nnobody: at all\nof: {types: [A]}", "no attribute `tear`"),
        (
            "assert: a\nnobody: at all\nof: {types: [A]}\n---\nassert: a\nnobody: at all\nof: {types: [A]}",
            "5:1: two assertions are named `a` (the first stands in line 1; rename one)",
        ),
    ],
)  # fmt: skip
def test_mistakes(text: str, told: str) -> None:
    assert told in problem(text)


def test_every_problem_at_once() -> None:
    assert len(problem("assert: a\n---\nassert: b\n").splitlines()) == 2

"""Lint: what is allowed but probably not meant; and the rules of the tests are clean."""

from __future__ import annotations

import pytest

from policies.lint import lint
from tests.policies.fixture import CITY, PACKS, bundle

WIDE = """
policy: wide
effect: permit
subjects: {app: desk}
resources: {types: [Person]}
"""


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.sort, finding.rule) for finding in lint([bundle(text)], CITY, PACKS)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", []),
        (
            "policy: narrow\neffect: permit\nsubjects: {app: desk}\n"
            "resources: {fields: [Person.name]}\noutcome: {mask: {partial: {keep_first: 1}}}\n",
            [("shadowed", "narrow@1")],
        ),
        (
            "policy: narrow\neffect: permit\nsubjects: {app: desk, tier: city}\n"
            "resources: {types: [Person]}\n",
            [("shadowed", "narrow@1")],
        ),
        (
            "policy: other\neffect: permit\nsubjects: {app: other}\nresources: {types: [Person]}\n",
            [],
        ),
        (
            "policy: same\neffect: permit\nsubjects: {app: desk}\nresources: {types: [Person]}\n",
            [("shadowed", "wide@1")],
        ),
        (
            "policy: idle\neffect: forbid\nresources: {types: [Firm], categories: [infra]}\n",
            [("never-matches", "idle@1")],
        ),
        (
            "policy: all\neffect: permit\nsubjects: {}\nresources: {types: [Firm]}\n",
            [("everybody", "all@1")],
        ),
        (
            "policy: unfit\neffect: require\nresources: {types: [Firm]}\n"
            "outcome: {mask: {partial: {keep_last: 2}}}\n",
            [("unfit-mask", "unfit@1")],
        ),
        (
            "policy: figures\neffect: permit\nsubjects: {app: x}\nresources: {fields: [Aid.status]}"
            "\nmodes: [count]\nobligations: [{aggregate_only: {k: 5}}]\n",
            [("uncounted", "figures@1")],
        ),
        (
            "policy: one\neffect: require\nresources: {fields: [Person.name]}\n"
            "outcome: {mask: {partial: {keep_last: 2}}}\n---\n"
            "policy: two\neffect: require\nresources: {fields: [Person.name]}\n"
            "outcome: {mask: {generalise: {prefix: 2}}}\n",
            [("meets-in-redact", "one@1")],
        ),
        (  # what takes rows away says more than what closes the modes that it lists
            "policy: closed\neffect: forbid\nresources: {types: [Aid]}\nmodes: [read]\n---\n"
            "policy: taken\neffect: forbid\nresources: {types: [Aid]}\nmodes: [read]\n"
            "rows: {eq: [row.status, x]}\n",
            [],
        ),
        (
            "policy: closed\neffect: forbid\nresources: {types: [Aid]}\n---\n"
            "policy: taken\neffect: forbid\nresources: {types: [Aid]}\nmodes: [read]\n"
            "rows: {eq: [row.status, x]}\n",
            [("shadowed", "taken@1")],
        ),
    ],
)
def test_findings(more: str, expected: list[tuple[str, str]]) -> None:
    assert found(WIDE + ("---\n" + more if more else "")) == expected


def test_a_finding_says_where_and_how_to_mend() -> None:
    text = "policy: idle\neffect: forbid\nresources: {types: [Firm], categories: [infra]}\n"
    (finding,) = lint([bundle(text)], CITY, PACKS)
    assert finding.where == "rules.yaml:3:1"
    assert finding.hint


def test_the_rules_of_the_scenarios_are_clean() -> None:
    assert lint([bundle()], CITY, PACKS) == ()

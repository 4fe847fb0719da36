"""Assertions proved and refuted; every refutation names a caller whom the engine lets through."""

from __future__ import annotations

import time

import pytest

from policies.engine import Engine
from policies.grant_syntax import read_approved, read_grants
from policies.granted import Granted
from policies.prove.assertion import Result
from policies.prove.assertion_syntax import read_assertions
from policies.prove.prover import prove
from policies.prove.told import premises, result_told
from policies.prove.witness import ruled
from policies.prove.world import World
from schema.errors import HubError, ManyErrors
from tests.policies import test_city as city
from tests.policies.fixture import CEILING, CITY, PACKS, RULES, bundle, engine

BASE = """
policy: clerks
effect: permit
subjects: {role: clerk, purpose: {descendant_of: benefits}}
resources: {fields: [Person.idNo, Person.name, Person.phone]}
rows: {region_within: [row.region, subject.region]}
---
policy: clerk-masks
effect: require
subjects: {role: clerk}
resources: {fields: [Person.phone]}
outcome: {mask: {partial: {keep_last: 4}}}
---
policy: analysts
effect: permit
subjects: {app: numbers}
resources: {fields: [Person.district]}
modes: [group, aggregate, count]
"""
SMALL = "\n".join([
    "policy: all", "effect: permit", "subjects: {role: clerk}", "resources: {types: [Firm]}"
])  # fmt: skip


def asked(text: str, rules: str = BASE, by: Engine | None = None, **more: float) -> list[Result]:
    return list(prove(by or engine(rules), read_assertions(text, "x.assert.yaml"), **more))


def verdict(text: str, rules: str = BASE) -> str:
    (result,) = asked(f"assert: it\n{text}", rules)
    return result.verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nobody: {below: G2}\nreads: raw\nof: {level: {at_least: G2}}", "proved"),
        ("nobody: {below: G3}\nreads: raw\nof: {level: {at_least: G2}}", "refuted"),
        ("nobody: {outside: [psb]}\nreads: raw\nof: {fields: [Person.name]}", "refuted"),
        ("nobody: {outside: [psb]}\nreads: raw\nof: {fields: [Person.phone]}", "proved"),
        ("nobody: {outside: [psb]}\nreads: masked\nof: {fields: [Person.phone]}", "refuted"),
        ("readers: {purpose: {descendant_of: benefits}}\nof: {categories: [pi]}", "proved"),
        ("readers: {purpose: benefits}\nof: {categories: [pi]}", "refuted"),
        ("readers: {role: clerk}\nreads: anything\nof: {fields: [Person.name]}", "proved"),
        ("readers: {role: clerk}\nreads: masked\nof: {fields: [Person.district]}", "proved"),
        ("readers: {role: clerk}\nreads: anything\nof: {fields: [Person.district]}", "refuted"),
        ("readers: owner\nreads: anything\nof: {share: withheld}", "proved"),
        ("nobody: at all\nreads: raw\nof: {fields: [Income.amount]}", "proved"),
        ("nobody: {role: auditor}\nreads: anything\nof: {types: ['*']}", "refuted"),
        (
            "readers: {when: {region_within: [row.region, subject.region]}}\n"
            "reads: masked\nof: {types: [Person]}",
            "proved",
        ),
        (
            "readers: {when: {eq: [row.region, subject.region]}}\n"
            "reads: masked\nof: {types: [Person]}",
            "refuted",
        ),
        (
            "shows_at_most: {mask: {partial: {keep_last: 4}}}\nof: {fields: [Person.phone]}",
            "proved",
        ),
        (
            "shows_at_most: {mask: {partial: {keep_last: 3}}}\nof: {fields: [Person.phone]}",
            "refuted",
        ),
        (
            "nobody_both: [{reads: raw, of: {fields: [Person.name]}},"
            " {reads: anything, of: {fields: [Person.district]}}]",
            "refuted",
        ),
        (
            "nobody_both: [{reads: raw, of: {fields: [Person.name]}},"
            " {reads: anything, of: {fields: [Person.district]}}]\n"
            "assume: {not: {eq: [subject.app, numbers]}}",
            "proved",
        ),
        ("permits: {states: purpose}\nof: {share: conditional}", "proved"),
        ("permits: {states: case_id}\nof: {share: conditional}", "refuted"),
        ("permits: {when: grant.live}\nof: {share: conditional}", "refuted"),
    ],
)
def test_verdicts(text: str, expected: str) -> None:
    assert verdict(text) == expected


def test_a_missing_attribute_speaks_against_an_assertion() -> None:
    text = "nobody: {tier: township}\nreads: raw\nof: {fields: [Person.name]}"
    rules = BASE + '---\npolicy: no\neffect: forbid\nwhen: {all: [{present: subject.tier}, ' + (
        "{eq: [subject.tier, township]}]}\nresources: {types: [Person]}\n"
    )  # fmt: skip
    assert verdict(text, rules) == "refuted", "a caller whose tier is not known"
    assert verdict(f"{text}\nassume: {{present: subject.tier}}", rules) == "proved"


def test_the_counterexample_is_a_caller_for_whom_the_engine_decides_so() -> None:
    by = engine(BASE)
    (result,) = asked(
        "assert: it\nreaders: {when: {eq: [row.region, subject.region]}}\n"
        "reads: raw\nof: {fields: [Person.name]}",
        by=by,
    )
    (example,) = result.examples
    row = example.witness.rows["Person"]
    assert str(row["district"]).startswith(str(example.witness.subject.region))
    assert row["district"] != example.witness.subject.region
    assert ruled(by, example.witness, example.use)[0] is not None
    assert example.rules == ("clerks@1",)
    assert "roles clerk" in result_told(result, "en")[1]
    assert "角色 clerk" in result_told(result, "zh")[1]


def test_two_things_are_done_at_two_times() -> None:
    """Each purpose opens one of two: one caller may have both purposes, one request states one."""
    rules = "\n---\n".join(
        f"policy: {name}\neffect: permit\nsubjects: {{purpose: {purpose}}}\n"
        f"resources: {{fields: [{field}]}}\n{window}"
        for name, purpose, field, window in (
            ("one", "tax.audit", "Person.name", "window: {from: '08:00', to: '12:00'}"),
            ("two", "case", "Person.district", "window: {from: '14:00', to: '16:00'}"),
        )
    )
    text = "nobody_both:\n  - {of: {fields: [Person.name]}}\n  - {of: {fields: [Person.district]}}"
    (result,) = asked(f"assert: it\n{text}", rules)
    purposes = {example.witness.context.purpose for example in result.examples}
    assert (result.verdict, purposes) == ("refuted", {"tax.audit", "case"})
    assert len({example.witness.subject.purposes for example in result.examples}) == 1


def test_windows_that_are_never_open_together() -> None:
    rules = (
        "policy: day\neffect: permit\nsubjects: {role: a}\nresources: {fields: [Person.name]}\n"
        "window: {from: '08:00', to: '12:00'}\n---\n"
        "policy: no\neffect: forbid\nresources: {fields: [Person.name]}\n"
        "window: {from: '%s', to: '23:00'}\n"
    )
    text = "nobody: at all\nreads: raw\nof: {fields: [Person.name]}"
    assert verdict(text, rules % "07:00") == "proved"
    assert verdict(text, rules % "11:00") == "refuted"


def test_grants_open_while_they_last() -> None:
    grant = (
        "grant: g1\ngrantee: {app: one}\nfields: {Person.phone: allow}\n"
        "purpose: {descendant_of: benefits}\nfrom: 2026-01-01\nexpires: 2026-12-31\n"
    )
    by = Engine(
        CITY, [bundle(BASE)], PACKS, epoch=1, ceiling=CEILING, grants=read_grants(grant, "g.yaml")
    )
    text = "nobody: {app: one}\nreads: raw\nof: {fields: [Person.phone]}"
    text += "\n---\nassert: two\nreaders: {when: grant.live}\nof: {fields: [Person.phone]}"
    found = asked(f"assert: one\n{text}", by=by, begin=1.79e9)
    assert [one.verdict for one in found] == ["refuted", "proved"]
    after = asked(f"assert: one\n{text}", by=by, begin=1.9e9)
    assert [one.verdict for one in after] == ["proved", "proved"]


@pytest.mark.parametrize(
    ("more", "dead", "shadowed"),
    [
        ("", (), ()),
        (
            "policy: idle\neffect: permit\nsubjects: {role: a}\nresources: {fields: [Firm.arrears]}"
            "\nunless: {in: [a, subject.roles]}",
            ("idle@1",),
            (),
        ),
        (
            "policy: none\neffect: forbid\nresources: {types: [Firm], categories: [infra]}",
            ("none@1",),
            (),
        ),
        (
            "policy: narrow\neffect: permit\nsubjects: {role: clerk, tier: city}\n"
            "resources: {fields: [Firm.creditCode]}",
            (),
            ("narrow@1",),
        ),
        (
            "policy: other\neffect: forbid\nsubjects: {app: x}\nresources: {types: [Firm]}",
            (),
            (),
        ),
        (  # it closes relations, whether or not anybody has a permit to join
            "policy: apart\neffect: forbid\nmodes: [join]\nresources: {fields: [Firm.creditCode]}",
            (),
            (),
        ),
        (  # it takes rows away, from figures too
            "policy: figures\neffect: permit\nsubjects: {role: b}\nmodes: [group]\n"
            "resources: {fields: [Map.pipeline]}\n---\n"
            "policy: taken\neffect: forbid\nmodes: [list, open, count]\n"
            "resources: {types: [Map]}\nrows: {eq: [row.pipeline, x]}",
            (),
            (),
        ),
        (  # what another takes away already is no row for whatever else a rule says
            "policy: figures\neffect: permit\nsubjects: {role: b}\nmodes: [group, read]\n"
            "resources: {fields: [Map.pipeline]}\n---\n"
            "policy: taken\neffect: forbid\nmodes: [list, open, count]\n"
            "resources: {types: [Map]}\nrows: {eq: [row.pipeline, x]}\n---\n"
            "policy: twice\neffect: forbid\nmodes: [group]\nresources: {types: [Map]}\n"
            "rows: {eq: [row.pipeline, x]}",
            (),
            ("twice@1",),
        ),
        (
            "policy: masks\neffect: require\nresources: {types: [Person]}\noutcome: redact",
            (),
            ("masks@1",),
        ),
        (
            "policy: masks\neffect: require\nresources: {types: [Firm]}\noutcome: redact\n---\n"
            "policy: all-masks\neffect: require\nresources: {types: [Firm]}\noutcome: 'null'",
            (),
            ("masks@1",),
        ),
    ],
)
def test_idle_rules(more: str, dead: tuple[str, ...], shadowed: tuple[str, ...]) -> None:
    rules = f"{SMALL}\n---\n{more}" if more else SMALL
    results = asked("assert: no dead rules\n---\nassert: no shadowed rules", rules)
    found = [tuple(one.partition(" ")[0] for one in result.findings) for result in results]
    assert found == [dead, shadowed]
    assert [one.verdict for one in results] == [
        "refuted" if names else "proved" for names in (dead, shadowed)
    ]


@pytest.mark.parametrize(
    ("who", "expected"), [("{role: clerk}", "refuted"), ("{app: [a, b]}", "proved")]
)
def test_contradictory_requires(who: str, expected: str) -> None:
    rules = (
        f"{SMALL}\n---\npolicy: one\neffect: require\nsubjects: {who}\n"
        "when: {present: subject.app}\n"
        "resources: {fields: [Firm.creditCode]}\noutcome: {mask: {partial: {keep_last: 2}}}\n---\n"
        "policy: two\neffect: require\nwhen: {ne: [subject.app, a]}\n"
        "unless: {in: [subject.app, [b]]}\n"
        "resources: {fields: [Firm.creditCode]}\noutcome: {mask: {generalise: {prefix: 2}}}\n"
    )
    (result,) = asked("assert: no contradictory requires", rules)
    assert result.verdict == expected
    assert len(result.findings) == (2 if expected == "refuted" else 0)


def test_what_is_not_decided_in_time_is_not_proved() -> None:
    text = "assert: it\nnobody: {below: G2}\nreads: raw\nof: {level: {at_least: G2}}"
    (result,) = asked(text, RULES, seconds=1e-9)
    assert result.verdict == "undecided"
    assert result_told(result, "en")[0] == "it: not decided in time"


def test_the_premises_name_what_was_proved_over() -> None:
    told = premises(engine(BASE))
    assert "4 rules and 0 grants" in told[0][0], "three, and one of the pack"
    assert all(english and chinese for english, chinese in told)


LENT = """
delegation: d1
to: {app: builder}
for: {app: numbers, department: civil, clearance: {cn-gbt43697: G4}}
purpose: {descendant_of: benefits}
from: 2026-01-01
expires: 2026-12-31
"""


def with_delegations(rules: str = BASE) -> Engine:
    held = read_approved(LENT, "g.yaml").delegations
    return Engine(CITY, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING, delegations=held)


def test_who_acts_for_two_may_have_what_nobody_has_alone() -> None:
    apart = (
        "assert: apart\nnobody_both:\n"
        "  - {reads: anything, of: {fields: [Person.idNo]}}\n"
        "  - {reads: anything, of: {fields: [Firm.arrears]}}"
    )
    assert [one.verdict for one in asked(apart, by=engine(BASE))] == ["proved"]
    (result,) = asked(apart, by=with_delegations(), begin=1.79e9)
    assert result.verdict == "undecided"
    assert "by delegations one may act for two" in str(result_told(result, "en"))
    (ended,) = asked(apart, by=with_delegations(), begin=1.9e9)
    assert ended.verdict == "proved"
    assert any("(1 delegations)" in told for told, _ in premises(with_delegations()))


def test_who_acts_is_looked_at_with_what_is_its_principals() -> None:
    forbid = "\n---\npolicy: no\neffect: forbid\nsubjects: {acting_for: civil}\n"
    rules = f"{BASE}{forbid}resources: {{fields: [Person.idNo]}}"
    text = (
        "assert: none\nnobody: {acting_for: civil}\nreads: masked\n"
        "of: {fields: [Person.idNo]}\n---\nassert: no dead rules"
    )
    found = asked(text, by=with_delegations(rules), begin=1.79e9)
    assert [one.verdict for one in found] == ["proved", "proved"]
    assert asked(text, by=with_delegations(), begin=1.79e9)[0].verdict == "refuted"


def test_names_that_do_not_exist_are_told_with_their_place() -> None:
    with pytest.raises(ManyErrors, match=r"x\.assert\.yaml:4:\d+: .* has no field `nam`"):
        asked("assert: it\nnobody: at all\nreads: raw\nof: {fields: [Person.nam]}")
    with pytest.raises(ManyErrors, match="there is no purpose `benefit`"):
        asked("assert: it\nreaders: {purpose: benefit}\nof: {fields: [Person.name]}")


def test_a_comparison_that_proofs_do_not_know_is_an_error() -> None:
    with pytest.raises(HubError, match="proofs do not know the condition `Granted`"):
        World(PACKS).speaks_of(Granted(), None)


def test_the_sample_citys_assertions_are_proved() -> None:
    path = city.CITY / "policies" / "city.assert.yaml"
    stated = read_assertions(path.read_text(encoding="utf-8"), path.name)
    results = prove(city.BY, stated, begin=time.time())
    assert [(one.assertion.name, one.verdict) for one in results if one.verdict != "proved"] == []
    assert len(results) == 13

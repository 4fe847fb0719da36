"""What a rule declares of masked values: written with a reason, said, compared, never assumed."""

from __future__ import annotations

import pytest

from policies.prove.change import compare
from policies.prove.told import comparison_told
from policies.ruling import Declassified
from policies.syntax import read_bundle
from schema.errors import ManyErrors
from schema.model.subject import Context
from tests.policies.fixture import NOON, engine, subject, use

BORN = use("Person.birthDate")
WHO = subject("office", department="civil")
PERMIT = """policy: office
effect: permit
subjects: {app: office}
resources: {fields: [Person.birthDate, Person.name]}
"""
YEARS = """---
policy: years
effect: require
resources: {fields: [Person.birthDate]}
outcome: {mask: {generalise: {to: year}}}
declassify: {level: G1, reason: shared by thousands}
"""
MONTHS = YEARS.replace("years", "months").replace("year}", "month}").replace("G1", "G2")
PLAIN = YEARS.replace("years", "plain").replace(
    "declassify: {level: G1, reason: shared by thousands}\n", ""
)
BY_ROW = YEARS.replace("declassify", "rows: {eq: [row.district, x]}\ndeclassify")
UNKNOWN = YEARS.replace("declassify", "when: {ne: [subject.acting_for, x]}\ndeclassify")
LOWERED = Declassified("", "G1", "shared by thousands")


def declared(rules: str) -> tuple[Declassified, ...]:
    ruling = engine(PERMIT + rules).rule(WHO, [BORN], Context(now=NOON))
    return ruling.declassified.get(BORN, ())


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("", ()),
        (PLAIN, ()),
        (YEARS, (LOWERED,)),
        (PLAIN + YEARS, (LOWERED,)),
        (PLAIN + MONTHS, (Declassified("", "G2", "shared by thousands"),)),
        (PLAIN.replace("year}", "month}") + YEARS, (LOWERED,)),
        (PLAIN.replace("{mask: {generalise: {to: year}}}", "redact") + YEARS, (LOWERED,)),
        (UNKNOWN, ()),
        (BY_ROW, ()),
    ],
)
def test_it_holds_of_the_mask_and_of_coarser_ones(
    rules: str, found: tuple[Declassified, ...]
) -> None:
    assert declared(rules) == found


def test_a_finer_mask_of_another_permit_is_not_declassified() -> None:
    year = PERMIT.replace("office\n", "year\n", 1)
    year += "outcome: {mask: {generalise: {to: year}}}\n" + YEARS.splitlines()[-1] + "\n"
    year = year.replace(", Person.name", "")
    assert engine(year).rule(WHO, [BORN], Context(now=NOON)).declassified[BORN] == (LOWERED,)
    month = year.replace("year", "month").replace(YEARS.splitlines()[-1] + "\n", "")
    ruling = engine(f"{year}---\n{month}").rule(WHO, [BORN], Context(now=NOON))
    assert dict(ruling.declassified) == {}


def test_plans_are_not_shared_over_it() -> None:
    one, other = (
        engine(PERMIT + rules).rule(WHO, [BORN], Context(now=NOON)) for rules in (YEARS, PLAIN)
    )
    assert one.outcomes == other.outcomes
    assert one.policy_class != other.policy_class


def test_officers_are_told_and_the_apps_team_is_not() -> None:
    by, context = engine(PERMIT + YEARS), Context(now=NOON)
    english, chinese = by.explain(WHO, BORN, context).splitlines()
    assert "declassified to `G1` where 10 persons or more share it (shared by thousands)" in english
    assert "至少 10 人共有的脱敏值降级为 `G1`（shared by thousands）" in chinese
    assert "G1" not in by.explain(WHO, BORN, context, redacted=True)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (PLAIN, YEARS.replace("years", "plain"), "loosening"),
        (YEARS, PLAIN.replace("plain", "years"), "tightening"),
        (YEARS, YEARS.replace("G1", "G2"), "both"),
        (YEARS, YEARS.replace("thousands", "many"), "equal"),
        (YEARS, YEARS.replace("G1,", "G1, k: 5,"), "both"),
        (YEARS, YEARS.replace("G1,", "G1, k: 10,"), "equal"),
        (YEARS, YEARS.replace("policy: years", "policy: other"), "equal"),
        (YEARS + MONTHS, YEARS, "both"),
        (YEARS, YEARS.replace("\ndeclassify", "\nunless: {eq: [subject.app, a]}\ndeclassify"),
         "both"),
    ],
)  # fmt: skip
def test_comparisons_count_it(old: str, new: str, kind: str) -> None:
    found = compare(engine(PERMIT + old), engine(PERMIT + new), begin=NOON)
    assert found.kind == kind
    assert any("declassified" in line for line in comparison_told(found, "en")) is (kind != "equal")
    assert any("降级" in line for line in comparison_told(found, "zh")) is (kind != "equal")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (YEARS.replace(", reason: shared by thousands", ""), "has no `reason`"),
        (YEARS.replace("level: G1, ", ""), "has no `level`"),
        (YEARS.replace("shared by thousands", "' '"), "is not a text"),
        (YEARS.replace("G1,", "G1, k: 1,"), "2"),
        (YEARS.replace("G1,", "G1, k: many,"), "not a whole number"),
        (YEARS.replace("shared by thousands", "x" * 201), "is too long"),
        (YEARS.replace("{mask: {generalise: {to: year}}}", "'null'"), "nothing is masked"),
        (YEARS.replace("effect: require", "effect: forbid").replace(
            "{mask: {generalise: {to: year}}}", "error"), "nothing is masked"),
        (PERMIT + YEARS.splitlines()[-1], "nothing is masked"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(text: str, said: str) -> None:
    with pytest.raises(ManyErrors, match=said) as found:
        read_bundle(text.removeprefix("---\n"), "rules.yaml")
    assert str(found.value.problems[0].where).startswith("rules.yaml:")
    assert found.value.problems[0].hint


def test_the_level_must_exist() -> None:
    with pytest.raises(ManyErrors, match="is on no ladder"):
        engine(PERMIT + YEARS.replace("G1", "G77"))


SHOWN = """policy: {name}
effect: permit
subjects: {{app: office}}
resources: {{fields: [Person.birthDate]}}
{rows}outcome: {{mask: {{generalise: {{to: year}}}}}}
{declared}---
"""
DECLARES = "declassify: {level: G1, reason: shared by thousands}\n"
OPEN = PERMIT.replace("Person.birthDate, ", "").replace(
    "Person.name", "Person.name, Person.district"
)


def years_by(*permits: tuple[str, str, str]) -> tuple[Declassified, ...]:
    text = "".join(SHOWN.format(name=n, rows=rows, declared=d) for n, rows, d in permits)
    ruling = engine(f"{OPEN}---\n{text.removesuffix('---' + chr(10))}").rule(
        WHO, [BORN], Context(now=NOON)
    )
    return ruling.declassified.get(BORN, ())


def test_names_of_permits_do_not_matter() -> None:
    assert years_by(("aa", "", DECLARES), ("bb", "", "")) == years_by(
        ("zz", "", DECLARES), ("bb", "", "")
    )
    assert years_by(("aa", "", DECLARES)) == (LOWERED,)


def test_it_holds_in_rows_only_where_each_permit_declares_it() -> None:
    x, y = "rows: {eq: [row.district, x]}\n", "rows: {eq: [row.district, y]}\n"
    opened = "".join(
        f"{OPEN.replace('policy: office', f'policy: {name}')}{rows}---\n"
        for name, rows in (("in-x", x), ("in-y", y))
    )
    shown = SHOWN.format(name="aa", rows=x, declared=DECLARES)
    for declared, found in (("", ()), (DECLARES, (LOWERED,))):
        text = f"{opened}{shown}{SHOWN.format(name='bb', rows=y, declared=declared)}"
        ruling = engine(text.removesuffix("---\n")).rule(WHO, [BORN], Context(now=NOON))
        assert ruling.declassified.get(BORN, ()) == found

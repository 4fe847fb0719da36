"""The sample city's rules, for each of its personas."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hub.settings import expand
from policies.engine import Engine
from policies.lint import lint
from policies.packs import load
from policies.ruling import Allow, Masked, Null, Outcome, Reject
from policies.syntax import read_bundle
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.names import TypeName
from schema.model.predicate import TRUE, Compare, Param
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, use

CITY = Path(__file__).resolve().parents[2] / "examples" / "city"
PACKS = load(["cn"])


def files(folder: str) -> list[Path]:
    return list(expand([str(CITY / folder / "*.yaml")]))


CATALOGUE = compose(
    [read_fragment(path.read_text(encoding="utf-8"), path.name) for path in files("fragments")],
    PACKS.scheme,
    ceiling=CEILING,
)
BUNDLES = [read_bundle(path.read_text(encoding="utf-8"), path.name) for path in files("policies")]
BY = Engine(CATALOGUE, BUNDLES, PACKS, epoch=1, ceiling=CEILING)
SETS = ("compartments", "roles", "purposes")


def persona(name: str) -> Subject:
    for entry in yaml.safe_load((CITY / "personas.yaml").read_text(encoding="utf-8")):
        if entry["name"] == name:
            claims = dict(entry["claims"])
            sets = {key: frozenset(claims.pop(key, ())) for key in SETS}
            return Subject(id=claims.pop("sub"), **claims, **sets)
    raise AssertionError(name)


def outcome(name: str, coordinate: str, mode: str = "project") -> Outcome:
    who = persona(name)
    asked = use(coordinate, mode)  # type: ignore[arg-type]
    purpose = min(who.purposes, default=None)
    return BY.rule(who, [asked], Context(purpose=purpose, now=1.0e9)).outcomes[asked]


LAST_FOUR = Masked("partial", (("keep_last", 4),))
SURNAME = Masked("partial", (("fill", "**"), ("keep_first", 1)))
YEAR = Masked("generalise", (("kind", "Date"), ("to", "year")))
THOUSANDS = Masked("bucket", (("width", "1000"),))
NO_GRANT = Null("NO_GRANT")


@pytest.mark.parametrize(
    ("coordinate", "benefits", "tax", "clerk"),
    [
        ("Person.idNumber", Allow(), LAST_FOUR, LAST_FOUR),
        ("Person.name", Allow(), SURNAME, Allow()),
        ("Person.birthDate", Allow(), NO_GRANT, YEAR),
        ("Person.phone", Allow(), NO_GRANT, LAST_FOUR),
        ("Employment.monthlySalary", THOUSANDS, Allow(), NO_GRANT),
        ("Employment.personIdNumber", Allow(), LAST_FOUR, LAST_FOUR),
        ("Enterprise.registeredCapital", Allow(), Allow(), Allow()),
        ("Enterprise.legalRepresentativeId", NO_GRANT, LAST_FOUR, NO_GRANT),
    ],
)
def test_what_each_sees(coordinate: str, benefits: Outcome, tax: Outcome, clerk: Outcome) -> None:
    assert outcome("benefits-app", coordinate) == benefits
    assert outcome("tax-app", coordinate) == tax
    assert outcome("township-clerk", coordinate) == clerk


def test_the_clerk_has_the_township() -> None:
    who = persona("township-clerk")
    uses = [use(f"{name}", "list") for name in ("Person", "Household", "Enterprise")]
    ruling = BY.rule(who, uses, Context(purpose="grassroots.visit", now=1.0e9))
    own = Compare("districtCode", "prefix", Param("s.region"), "String")
    assert ruling.row_filters == {
        TypeName("Person"): own, TypeName("Household"): own, TypeName("Enterprise"): TRUE
    }  # fmt: skip
    assert ruling.params == {"s.region": "330102001"}
    visible = BY.visible(who)
    assert not visible.may("Employment", "list")
    assert not visible.may("Person.idNumber", "filter_eq")
    assert "Person.employments" in visible.selectable
    assert "Enterprise.employments" not in visible.selectable, "employees may live elsewhere"


def test_tax_reaches_persons_only_from_their_work() -> None:
    visible = BY.visible(persona("tax-app"))
    assert "Employment.person" in visible.selectable
    assert not visible.may("Person", "list")
    assert not any(name.startswith(("Insurance", "Talent")) for name in visible.selectable)


def test_the_analyst_has_figures_only() -> None:
    visible = BY.visible(persona("statistics-analyst"))
    modes = {held.mode for held in visible.uses}
    assert modes == {"group", "aggregate", "count"}
    assert use("Employment.monthlySalary", "aggregate", "avg") in visible.uses
    assert use("Employment.monthlySalary", "group") not in visible.uses
    for name in sorted(visible.selectable):
        seen = outcome("statistics-analyst", name)
        assert isinstance(seen, Null) or seen == Reject("AGGREGATE_ONLY")
    assert outcome("statistics-analyst", "Person.gender") == Reject("AGGREGATE_ONLY")


@pytest.mark.parametrize("name", ["security-officer", "auditor"])
def test_officers_have_nothing(name: str) -> None:
    visible = BY.visible(persona(name))
    assert (visible.selectable, visible.uses) == (frozenset(), frozenset())


def test_lint_finds_nothing() -> None:
    assert lint(BUNDLES, CATALOGUE, PACKS) == ()


def test_a_person_who_may_not_be_known_is_not_reached_by_a_relation() -> None:
    """The enterprise's key to its representative is null; following it would show the number."""
    assert outcome("benefits-app", "Enterprise.legalRepresentativeId") == NO_GRANT
    assert outcome("benefits-app", "Enterprise.legalRepresentative", "traverse") == Reject()
    visible = BY.visible(persona("benefits-app"))
    assert "Enterprise.legalRepresentative" not in visible.selectable
    assert not visible.may("Enterprise.legalRepresentative", "traverse")
    assert visible.may("Person.employments", "traverse")


def test_masked_alike_at_both_ends_a_relation_may_be_followed() -> None:
    assert outcome("township-clerk", "Person.idNumber") == LAST_FOUR
    assert outcome("township-clerk", "Employment.personIdNumber") == LAST_FOUR
    assert outcome("township-clerk", "Person.employments", "traverse") == Allow()

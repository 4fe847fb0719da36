"""Lists of break-glass: how they read, what they open at most, and what is proved of them."""

from __future__ import annotations

import pytest
from msgspec import structs

from policies.breakglass import BreakGlass, Opening, widest
from policies.breakglass_syntax import check_break_glass, read_break_glass
from policies.engine import Engine
from policies.prove.assertion_syntax import read_assertions
from policies.prove.prover import prove
from policies.ruling import Allow, Outcome
from schema.errors import ManyErrors
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, CITY, NOON, PACKS, bundle, subject, use

LIST = """
break_glass: rescue
to: {app: desk, department: fire}
purpose: emergency
fields: {Person.phone: allow, Person.keyWatch: allow}
minutes: 60
acr: [card]
review: {hours: 48}
"""
NAMES = (
    "policy: names\neffect: permit\nsubjects: {purpose: case}\nresources: {fields: [Person.name]}\n"
)
BY = Opening(
    id="o1", app="desk", user="zhou", case_id="c1", region=None, since=NOON, until=NOON + 60
)


def lists(text: str = LIST) -> tuple[BreakGlass, ...]:
    return read_break_glass([(text, "lists.yaml")])


def who(**more: object) -> Subject:
    held = subject("desk", "G3", "emergency", department="fire")
    return structs.replace(held, **{"user": "zhou", "acr": "card", **more})


def seen(engine: Engine, by: Subject, coordinate: str, now: float = NOON, **more: str) -> Outcome:
    given = {"purpose": "emergency", "case_id": "c1", "acr": by.acr, **more}
    asked = use(coordinate)
    return engine.rule(by, [asked], Context(now=now, **given)).outcomes[asked]  # type: ignore[arg-type]


def engine(*, opened: bool = True, text: str = LIST, rules: str = NAMES) -> Engine:
    held = lists(text)
    grants = [one.opened(BY) for one in held] if opened else list(widest(held))
    return Engine(CITY, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING, grants=grants)


def test_what_one_person_opens() -> None:
    by = engine()
    assert seen(by, who(), "Person.phone") == Allow()
    assert seen(by, who(), "Person.phone", NOON + 60) != Allow()
    for other in ({"user": "wu"}, {"acr": "password"}, {"acting_for": "civil"}, {"link": "l"}):
        assert seen(by, who(**other), "Person.phone") != Allow(), other
    assert seen(by, who(), "Person.phone", case_id="c2") != Allow()
    # withheld fields are nobody's but the owner's, and a list is no owner
    assert seen(by, who(compartments=frozenset({"LE"})), "Person.keyWatch") != Allow()


def test_at_most_is_more_than_any_opening() -> None:
    by = engine(opened=False)
    for person, case in (("zhou", "c1"), ("wu", "c2")):
        assert seen(by, who(user=person), "Person.phone", case_id=case) == Allow()
    assert seen(by, who(user=None), "Person.phone") != Allow()
    assert seen(by, who(acr="password"), "Person.phone") != Allow()


NEVER = """
assert: phones-stay-with-their-owner-unless-glass-is-broken
nobody: {app: desk}
of: {fields: [Person.phone]}
"""
WITHHELD = """
assert: break-glass-never-reaches-watch-lists
nobody: {app: desk}
of: {fields: [Person.keyWatch]}
"""
CASES = """
assert: whoever-reads-phones-states-a-case
permits: {states: case_id}
of: {fields: [Person.phone]}
"""


@pytest.mark.parametrize(
    ("stated", "verdict"), [(NEVER, "refuted"), (WITHHELD, "proved"), (CASES, "proved")]
)
def test_proofs_look_at_all_that_could_be_opened(stated: str, verdict: str) -> None:
    by = engine(opened=False)
    (result,) = prove(by, read_assertions(stated, "a.assert.yaml"), seconds=20, begin=NOON)
    assert result.verdict == verdict, result
    if verdict == "refuted":
        assert result.examples[0].rules == ("grant.break-glass:rescue",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("minutes: 60", "minutes: 1441", "more than 1440"),
        ("minutes: 60", "minutes: 0", "whole number from 1"),
        ("acr: [card]\n", "", "no `acr`"),
        ("acr: [card]", "acr: []", "empty"),
        ("to: {app: desk, department: fire}", "to: {}", "names nobody"),
        ("Person.phone: allow", "Person.*: allow", "not a field"),
        ("Person.phone: allow", 'Person.phone: "null"', "cannot have this outcome"),
        ("{hours: 48}", "{hours: 48, clock: correct}", "one time"),
        ("{hours: 48}", "{clock: nothing}", "no clock `nothing`"),
        ("Person.phone", "Person.fone", "fone"),
        ("purpose: emergency", "purpose: nothing", "no purpose `nothing`"),
        ("minutes: 60", "minutes: 60\nmodus: read", "no key `modus`"),
    ],
)
def test_what_is_wrong_with_a_list(old: str, new: str, said: str) -> None:
    assert old in LIST
    with pytest.raises(ManyErrors) as caught:
        check_break_glass(lists(LIST.replace(old, new, 1)), CITY, PACKS)
    assert said in str(caught.value)
    assert "lists.yaml:" in str(caught.value)


def test_two_lists_of_one_name() -> None:
    with pytest.raises(ManyErrors, match="two lists have the id `rescue`"):
        lists(f"{LIST}---{LIST}")


def test_a_digest_stands_for_all_that_is_opened() -> None:
    ((one,), (same,)) = lists(), lists("about: rescue\n" + LIST.lstrip())
    assert one.digest == same.digest
    for old, new in (
        ("minutes: 60", "minutes: 61"),
        ("acr: [card]", "acr: [card, pin]"),
        ("Person.phone: allow, ", ""),
        ("purpose: emergency", "purpose: case"),
    ):
        assert lists(LIST.replace(old, new))[0].digest != one.digest

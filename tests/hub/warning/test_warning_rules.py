"""Files of rules: every mistake is told with its place and a mend."""

from __future__ import annotations

import pytest

from hub.warning.rule_syntax import read_all_rules, read_rules
from hub.warning.watch import rules_of
from schema.errors import ManyErrors
from tests.hub.warning.outlook import OFFICER, TEAM, Outlook, outlook

__all__ = ["outlook"]

HEAD = "warning: a\ntitle: A\n"
GOOD = f"{HEAD}kind: probing\n{OFFICER}\nleast: 5\n"


def problems(text: str) -> list[str]:
    with pytest.raises(ManyErrors) as refused:
        read_rules(text, "w.yaml")
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("title: A\n", "1:1", "no rule of early warning"),
        (f"{HEAD}{OFFICER}\n", "1:1", "no `kind`"),
        (f"{HEAD}kind: volumes\n{OFFICER}\n", "3:7", "did you mean `volume`?"),
        (f"{HEAD}kind: volume\n{OFFICER}\n", "1:1", "no `least`"),
        (f"{HEAD}kind: probing\nleast: 1\n", "1:1", "no `owner`"),
        (GOOD + "sources: [civil]\n", "6:1", "no key `sources`"),
        (GOOD.replace("a\n", "A b\n", 1), "1:10", "cannot be a name"),
        (GOOD + "codes: [NO_SUCH]\n", "6:8", "cannot be `NO_SUCH`"),
        (GOOD + "window: soon\n", "6:9", "is not a time"),
        (GOOD + "window: 7 minutes\n", "6:1", "cannot be this long"),
        (GOOD + "window: 2 days\n", "6:1", "cannot be this long"),
        (GOOD.replace("{duty: security-officer}", "{}"), "4:8", "neither staff"),
        (GOOD.replace("{duty: s", "{app: a, duty: s"), "4:8", "neither staff"),
        (GOOD.replace("{duty: s", "{region: '33', duty: s"), "4:8", "neither staff"),
        (GOOD.replace(OFFICER, TEAM) + "apps: [tax]\n", "6:1", "told of itself only"),
        (f"{HEAD}kind: late\n{TEAM}\n", "4:1", "this kind is for staff"),
        (f"{HEAD}kind: volume\n{OFFICER}\nleast: 1\nwindow: 90 minutes\n", "6:1", "whole hours"),
        (f"{HEAD}kind: volume\n{OFFICER}\nleast: 1\ntypes: [Person]\n", "6:1", "not counted by"),
        (f"{HEAD}kind: volume\n{OFFICER}\nleast: 1\nspread: 0\n", "6:9", "not above 0"),
        (
            f"{HEAD}kind: enumeration\n{OFFICER}\nleast: 9\nof: lookups\n", "6:1",
            "do not go together",
        ),
        (
            f'{HEAD}kind: hours\n{OFFICER}\ncalendar: cn\nfrom: "18:00"\nto: "08:00"\n', "6:1",
            "ends before it begins",
        ),
        (
            f'{HEAD}kind: hours\n{OFFICER}\ncalendar: cn\nfrom: "08:02"\nto: "18:00"\n', "6:7",
            "is not a time of day",
        ),
        (GOOD + "---\n" + GOOD, "7:1", "two rules have the name `a`"),
    ],
)  # fmt: skip
def test_a_mistake_and_its_place(text: str, where: str, told: str) -> None:
    first = problems(text)[0]
    assert first.startswith(f"w.yaml:{where}: ")
    assert told in first


def test_a_name_of_two_files() -> None:
    with pytest.raises(ManyErrors) as refused:
        read_all_rules([(GOOD, "a.yaml"), (GOOD, "b.yaml")])
    assert str(refused.value.problems[0]).startswith("b.yaml:1:1: two rules have the name `a`")


def test_rules_that_do_not_fit_the_hub(outlook: Outlook) -> None:
    outlook.rule(
        f"{GOOD.replace('security-officer', 'clerk')}tell: [nobody]\n---\n"
        f"warning: b\ntitle: B\nkind: first_use\n{OFFICER}\ntypes: [Planet]\n"
        "fields: [Person.moons, Person.name]\n---\n"
        f'warning: c\ntitle: C\nkind: hours\n{OFFICER}\ncalendar: mars\nfrom: "08:00"\n'
        'to: "18:00"\n---\n'
        f"warning: d\ntitle: D\nkind: late\n{OFFICER}\nsources: [moon]\n---\n"
        f"warning: e\ntitle: E\nkind: lapse\n{OFFICER}\ndays: 999\n"
    )
    assert outlook.rules is not None
    with pytest.raises(ManyErrors) as refused:
        rules_of([outlook.home / "warn.yaml"], outlook.rules, ["security-officer"], ["soc"])
    found = [str(problem).partition("warn.yaml:")[2] for problem in refused.value.problems]
    assert [one.split(" (")[0] for one in found] == [
        "4:1: the duty `clerk` is not one that is warned",
        "6:1: there is no receiver `nobody`",
        "12:1: there is no type `Planet`",
        "13:1: there is no field `Person.moons`",
        "19:1: there is no calendar `mars`",
        "27:1: there is no source `moon`",
        "33:1: `days` is over 800",
    ]


@pytest.mark.asyncio
async def test_rules_that_do_not_fit_leave_those_before_them(outlook: Outlook) -> None:
    outlook.rule(GOOD)
    await outlook.begin()
    outlook.rule("warning: [")
    outlook.asked(5, outcome="refused", code="TOO_DEEP")
    await outlook.turn(400)
    assert [told.rule for told in outlook.told] == ["a"]
    outlook.rule(GOOD.replace("warning: a", "warning: other"))
    outlook.asked(5, outcome="refused", code="TOO_DEEP")
    await outlook.turn(7 * 3_600)
    assert [told.rule for told in outlook.told] == ["a", "other"]

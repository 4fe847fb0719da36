"""Scorecards: what each figure is made of, that no data is not nought, and what is proposed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli.main import cli
from hub.loading import load_files
from hub.scorecard.applications import applications
from hub.scorecard.departments import Departments
from hub.scorecard.figure import FIGURES, Card, Step
from hub.scorecard.period import read_period
from hub.store.sourcehours import Look, SourceHours
from policies.grant_syntax import read_grants
from schema.errors import HubError
from tests.hub.warning.outlook import BEGIN, OFFICER, Outlook, fields, outlook

__all__ = ["outlook"]

DAY = 86_400
OTHER = """\
hub: 1
source: {{name: tax, department: tax-office, kind: sql, connect: {{url: "sqlite:///{home}/t.db"}}}}
types:
  Payer:
    key: [taxNumber]
    from: {{table: payers}}
    label: internal
    share: unconditional
    fields:
      taxNumber: {{type: String}}
      rate: {{type: Int}}
"""
JUNE = read_period("2026-06", BEGIN)


class Clocks:
    """What keeps the clocks of requests."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def due_between(self, start: float, end: float) -> Sequence[Step]:
        return [one for one in self.steps if start <= one.due < end]


@pytest.fixture
def city(outlook: Outlook) -> Outlook:
    """Two departments."""
    (outlook.home / "tax.yaml").write_text(OTHER.format(home=outlook.home))
    config = outlook.home / "hub.yaml"
    config.write_text(config.read_text().replace('"civil.yaml"', '"civil.yaml", "tax.yaml"'))
    return outlook


def cards(at: Outlook, *, weights: dict[str, float] | None = None, **steps: Clocks) -> list[Card]:
    catalogue = load_files(at.settings).catalogue
    return list(Departments(at.engine, catalogue, weights or {}, **steps).cards(JUNE))


def values(card: Card) -> dict[str, float | None]:
    return {one.name: one.value for one in card.figures}


def look(source: str, at: float, *, answered: bool = True, age_s: float | None = 60.0) -> Look:
    department = {"civil": "civil-affairs", "tax": "tax-office"}[source]
    return Look(
        source=source, department=department, at=at, answered=answered, age_s=age_s,
        expect_s=100.0,
    )  # fmt: skip


def test_nothing_known_is_no_data(city: Outlook) -> None:
    for card in cards(city):
        assert values(card) == {**dict.fromkeys(FIGURES), "collected_once": 100.0}
        assert card.score == 100.0, "what has no data does not count"


@pytest.mark.asyncio
async def test_figures_and_what_they_are_made_of(city: Outlook) -> None:
    SourceHours(city.engine).add([
        look("civil", BEGIN), look("civil", BEGIN + 30, answered=False, age_s=None),
        look("civil", BEGIN + 60, age_s=200.0), look("civil", BEGIN + 90),
        look("tax", BEGIN), look("civil", JUNE.end + 1.0, answered=False),
    ])  # fmt: skip
    used = fields("project Person.name", "filter_eq Person.salary")
    city.asked(2, at=BEGIN, fields=used, app="tax-app", department="tax-office")
    city.asked(9, at=BEGIN, fields=used, app="own", department="civil-affairs")
    city.asked(9, at=BEGIN, fields=used, app="nobody", department=None)
    city.asked(9, at=JUNE.end + 1.0, fields=fields("project Person.idNumber"), app="tax-app",
               department="tax-office")  # fmt: skip
    city.rule(f"warning: a\ntitle: A\nkind: probing\n{OFFICER}\nleast: 9\n")
    await city.begin()
    requests = Clocks(*(
        Step(department="civil-affairs", reference=f"r{n}", step="answer", due=BEGIN, done_at=done)
        for n, done in enumerate((BEGIN - 5, BEGIN + 5, None))
    ))  # fmt: skip
    found = {card.department: card for card in cards(city, requests=requests)}
    civil = found["civil-affairs"]
    assert values(civil) == {
        "availability": 75.0, "freshness": 66.67, "timeliness": 33.33, "corrections": None,
        "collected_once": 100.0, "used_by_others": 66.67,
    }  # fmt: skip
    assert civil.score == round((75 + 66.67 + 33.33 + 100 + 66.67) / 5, 2)
    assert (civil.rank, found["tax-office"].rank) == (2, 1)
    figures = {one.name: one for one in civil.figures}
    assert figures["availability"].parts == {"answered": 3, "looks": 4}
    assert figures["availability"].events == ("civil 2026-06-29T00Z: 3 of 4 answered",)
    assert figures["used_by_others"].events == (
        "Person.name: tax-app, 2 uses",
        "Person.salary: tax-app, 2 uses",
    )
    assert figures["timeliness"].events[1:] == (
        "r1 answer: due 2026-06-29, done 2026-06-29",
        "r2 answer: due 2026-06-29, open",
    )
    weighed = cards(city, weights={"availability": 3, "used_by_others": 0})
    scores = {card.department: card.score for card in weighed}
    assert scores["civil-affairs"] == round((75 * 3 + 66.67 + 100) / 5, 2)


def test_what_is_kept_twice_is_told(outlook: Outlook) -> None:
    civil = outlook.home / "civil.yaml"
    named = "name: {type: String, authoritative: true}"
    civil.write_text(civil.read_text().replace("name: {type: String}", named))
    (outlook.home / "again.yaml").write_text(
        "hub: 1\n"
        "source: {name: again, department: tax-office, kind: sql,"
        f' connect: {{url: "sqlite:///{outlook.home}/a.db"}}}}\n'
        "types:\n  Person:\n    extend: true\n    key: [idNumber]\n    from: {table: payers}\n"
        "    label: internal\n    share: unconditional\n"
        "    fields:\n      idNumber: {column: id_number}\n      name: {authoritative: false}\n"
    )
    config = outlook.home / "hub.yaml"
    config.write_text(config.read_text().replace('"civil.yaml"', '"civil.yaml", "again.yaml"'))
    found = {card.department: card for card in cards(outlook)}
    once = next(one for one in found["tax-office"].figures if one.name == "collected_once")
    assert once.events == ("Person.name: Person.name of civil-affairs",)
    assert once.parts["repeated"] == 1
    assert values(found["civil-affairs"])["collected_once"] == 100.0


@pytest.mark.asyncio
async def test_grants_that_are_not_used_are_proposed_to_be_taken_back(outlook: Outlook) -> None:
    grants = read_grants(
        "\n---\n".join(
            f"grant: {name}\ngrantee: {who}\npurpose: benefits\n"
            "fields: {Person.name: allow, Person.salary: allow}\n"
            f"from: {first}\nexpires: 2027-01-01{more}"
            for name, who, first, more in (
                ("own", "{app: benefits}", "2026-01-01", ""),
                ("all", "{department: civil}", "2026-01-01", ""),
                ("young", "{app: benefits}", "2026-06-20", ""),
                ("gone", "{app: benefits}", "2026-01-01", "\nrevoked: 2026-06-01T00:00:00Z"),
            )
        ),
        "grants.yaml",
    )
    outlook.asked(1, at=BEGIN - 40 * DAY, fields=fields("project Person.salary"))
    outlook.asked(1, at=BEGIN - 1 * DAY, fields=fields("project Person.name"))
    await outlook.begin()
    now = outlook.now
    found = applications(outlook.engine, grants, now=now, unused_days=30)
    assert [(one.grant, one.element, one.last_at) for one in found.proposals] == [
        ("all", "Person.salary", BEGIN - 40 * DAY),
        ("own", "Person.salary", BEGIN - 40 * DAY),
    ]
    (card,) = found.cards
    assert ([use.element for use in card.uses], card.idle) == (
        ["Person.name", "Person.salary"],
        ("Person.salary",),
    )
    early = applications(outlook.engine, grants, now=now, unused_days=60)
    assert (early.judged, early.proposals) == (False, ()), "it is not watched for that long"


@pytest.mark.parametrize(
    ("text", "days"), [("2026-06", 30), ("2026-Q1", 90), ("2028-Q1", 91), ("2026", 365), (None, 30)]
)
def test_periods(text: str | None, days: int) -> None:
    found = read_period(text, BEGIN)
    assert (found.end - found.start) / DAY == days
    assert found.start % DAY == 0


@pytest.mark.parametrize("text", ["2026-13", "June", "2026-Q5", "1999", ""])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(HubError) as refused:
        read_period(text, BEGIN)
    assert refused.value.code == "BAD_USER_INPUT"


def hub(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["scorecard", *words, "--config", str(home / "hub.yaml")])


@pytest.mark.asyncio
async def test_at_the_command_line(city: Outlook) -> None:
    SourceHours(city.engine).add([look("civil", BEGIN), look("civil", BEGIN, answered=False)])
    city.asked(1, at=BEGIN, fields=fields("project Person.name"))
    await city.begin()
    shown = hub(city.home, "departments", "--period", "2026-06").output.splitlines()
    assert shown[0] == "1  civil-affairs  70.83"
    assert "  Sources answer: no data  (weight 1)" in shown
    assert "  Sources answer: 50  (weight 1)" in shown
    chinese = hub(city.home, "departments", "--period", "2026-06", "--language", "zh").output
    assert "数据源可用率: 无数据  (权重 1)" in chinese
    words = ("explain", "civil-affairs", "availability", "--period", "2026-06")
    assert "    civil 2026-06-29T00Z: 1 of 2 answered\n" in hub(city.home, *words).output
    told = json.loads(hub(city.home, *words, "--json").output)
    assert told["formula"][1] == "100 × 探测成功次数 / 对该部门数据源的探测次数"
    wrong = hub(city.home, "explain", "civil-affairs", "beauty")
    assert isinstance(wrong.exception, HubError)
    assert wrong.exception.code == "NOT_FOUND"
    assert "benefits  civil\n  Person.name  1 uses" in hub(city.home, "apps").output

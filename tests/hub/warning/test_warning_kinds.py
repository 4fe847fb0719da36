"""Each kind of early warning, over a record as it grows."""

from __future__ import annotations

import pytest

from hub.audit.entry import Entry
from hub.store.sourcehours import Look, SourceHours
from hub.store.warnings import Warned
from tests.hub.audit.chains import entry
from tests.hub.rollout.office import permit
from tests.hub.warning.outlook import BEGIN, OFFICER, TEAM, Outlook, fields, outlook

__all__ = ["outlook"]

WEEK = 7 * 86_400
HOUR = 3_600


def brief(told: Warned) -> tuple[str, str, str, int]:
    return told.rule, told.app, told.what, told.amount


@pytest.mark.asyncio
async def test_probing(outlook: Outlook) -> None:
    outlook.rule(
        f"warning: guesses\ntitle: {{en: Guesses, zh: 猜测}}\nkind: probing\n{OFFICER}\n"
        "codes: [USE_FORBIDDEN]\nwindow: 15 minutes\nleast: 5\n"
    )
    await outlook.begin()
    outlook.asked(3, outcome="refused", code="USE_FORBIDDEN")
    outlook.asked(9, outcome="refused", code="TOO_DEEP")
    outlook.asked(9, outcome="ok")
    await outlook.turn(400)
    assert outlook.told == (), "three of five, and others of which the rule does not speak"
    outlook.asked(2, outcome="refused", code="USE_FORBIDDEN")
    await outlook.turn(400)
    (told,) = outlook.told
    assert brief(told) == ("guesses", "benefits", "USE_FORBIDDEN", 5)
    assert (told.title_en, told.title_zh, told.department) == ("Guesses", "猜测", "civil")
    assert told.state == "open"
    outlook.asked(4, outcome="refused", code="USE_FORBIDDEN")
    await outlook.turn(400)
    (again,) = outlook.told
    assert (again.id, again.times, again.amount) == (told.id, 2, 9), "quiet, and counted on"
    outlook.asked(5, at=BEGIN + 7 * HOUR, outcome="refused", code="USE_FORBIDDEN")
    await outlook.turn(7 * HOUR)
    assert len(outlook.told) == 2, "after the quiet period it is another one"


@pytest.mark.asyncio
async def test_volume_against_the_same_hours_of_past_weeks(outlook: Outlook) -> None:
    outlook.rule(
        f"warning: much\ntitle: Much\nkind: volume\n{OFFICER}\nof: rows\ntypes: [Person]\n"
        "window: 1 hour\nleast: 50\nweeks: 6\n"
    )
    for week, rows in enumerate((100, 110, 90, 100, 3_000, 100), start=1):
        outlook.asked(1, at=BEGIN - week * WEEK)
        outlook.record(*_rows(outlook, rows, BEGIN - week * WEEK))
    await outlook.begin()
    outlook.record(*_rows(outlook, 130, outlook.now))
    outlook.record(*_rows(outlook, 49, outlook.now, app="small"))
    outlook.record(*_rows(outlook, 5_000, outlook.now, app="new"))
    await outlook.turn(HOUR)
    assert outlook.told == (), (
        "median 100, MAD 5, so that the root of the median counts: up to 135 is usual, "
        "whatever one week was; what is new has nothing that is usual"
    )
    for week in range(1, 7):
        outlook.record(*_rows(outlook, 100, BEGIN + HOUR - week * WEEK))
    outlook.record(*_rows(outlook, 136, BEGIN + HOUR))
    await outlook.turn(HOUR)
    (told,) = outlook.told
    assert brief(told) == ("much", "benefits", "Person", 136)
    assert told.expected == 135
    assert told.since == BEGIN - BEGIN % HOUR + HOUR


def _rows(outlook: Outlook, rows: int, at: float, app: str = "benefits") -> list[Entry]:
    return [entry(ts=at, rows={"Person": rows}, app=app)]


@pytest.mark.asyncio
async def test_first_use(outlook: Outlook) -> None:
    outlook.rule(
        f"warning: fresh\ntitle: Fresh\nkind: first_use\n{OFFICER}\ntypes: [Person]\n"
        "learn: 2 days\n"
    )
    outlook.asked(1, at=BEGIN - 3 * 86_400, fields=fields("project Person.name"))
    await outlook.begin()
    outlook.asked(1, fields=fields("project Person.name", "sort Person.salary"))
    outlook.asked(1, fields=fields("project Person.salary"), app="new")
    outlook.asked(1, fields=b'[["Person.idNumber","project","reject",[]]]', outcome="ok")
    await outlook.turn(400)
    assert [brief(told) for told in outlook.told] == [("fresh", "benefits", "Person.salary", 1)]


@pytest.mark.asyncio
async def test_hours(outlook: Outlook) -> None:
    outlook.rule(
        f"warning: night\ntitle: Night\nkind: hours\n{OFFICER}\ncalendar: cn\n"
        'from: "08:30"\nto: "18:00"\nleast: 2\n'
    )
    await outlook.begin()
    outlook.asked(5)
    outlook.asked(1, at=BEGIN + 10 * HOUR)
    await outlook.turn(11 * HOUR)
    assert outlook.told == (), "in working hours, and too few in the evening"
    saturday = BEGIN + 5 * 86_400
    outlook.asked(2, at=saturday)
    await outlook.turn(5 * 86_400)
    assert [(told.app, told.since, told.amount) for told in outlook.told] == [
        ("benefits", saturday, 2)
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("keys", "use", "what"),
    [
        ("of: opens\ntypes: [Person]", "open Person", "Person"),
        ("of: misses", "open Person", "Person"),
        ("of: lookups\nfields: [Person.idNumber]", "filter_eq Person.idNumber", "Person.idNumber"),
        ("of: repeats", "list Person", f"Person {'d' * 16}"),
    ],
)
async def test_enumeration(outlook: Outlook, keys: str, use: str, what: str) -> None:
    outlook.rule(
        f"warning: row\ntitle: One after the other\nkind: enumeration\n{OFFICER}\n{keys}\n"
        "window: 10 minutes\nleast: 20\n"
    )
    await outlook.begin()
    outlook.asked(19, fields=fields(use))
    outlook.asked(30, fields=fields("project Person.name"))
    await outlook.turn(400)
    assert outlook.told == ()
    outlook.asked(1, fields=fields(use), at=BEGIN + 301)
    await outlook.turn(400)
    assert [brief(told) for told in outlook.told] == [("row", "benefits", what, 20)]


@pytest.mark.asyncio
async def test_opens_count_what_was_found(outlook: Outlook) -> None:
    outlook.rule(f"warning: row\ntitle: Many\nkind: enumeration\n{OFFICER}\nof: opens\nleast: 40\n")
    await outlook.begin()
    outlook.record(entry(ts=outlook.now, rows={"Person": 40}, fields=fields("open Person")))
    await outlook.turn(400)
    assert [told.amount for told in outlook.told] == [40], "forty keys in one operation"


@pytest.mark.asyncio
async def test_grants_about_to_lapse(outlook: Outlook) -> None:
    (outlook.home / "grants.yaml").write_text(
        "\n---\n".join(
            f"grant: {name}\ngrantee: {{app: {app}}}\npurpose: benefits\n"
            f"fields: {{Person.name: allow}}\nfrom: 2026-01-01\nexpires: {last}{more}"
            for name, app, last, more in (
                ("soon", "benefits", "2026-07-10", ""),
                ("later", "benefits", "2026-12-10", ""),
                ("over", "benefits", "2026-06-10", ""),
                ("taken", "benefits", "2026-07-10", "\nrevoked: 2026-06-01T00:00:00+08:00"),
                ("other", "tax", "2026-07-11", ""),
            )
        )
    )
    outlook.configure(settings="grants: [grants.yaml]\n")
    outlook.rules = outlook.in_force()
    lapse = "title: Ends\nkind: lapse\ndays: 14\nquiet: 14 days\n"
    outlook.rule(f"warning: all\n{lapse}{OFFICER}\n---\nwarning: own\n{lapse}{TEAM}\n")
    await outlook.begin()
    await outlook.turn(400)
    await outlook.turn(400)
    assert sorted((told.rule, told.app, told.what) for told in outlook.told) == [
        ("all", "benefits", "soon"),
        ("all", "tax", "other"),
        ("own", "benefits", "soon"),
    ]


@pytest.mark.asyncio
async def test_late_sources(outlook: Outlook) -> None:
    outlook.rule(f"warning: old\ntitle: Old\nkind: late\n{OFFICER}\ngrace: 1 hour\n")
    hours = SourceHours(outlook.engine)
    await outlook.begin()

    def look(source: str, age_s: float | None, at: float) -> Look:
        return Look(
            source=source, department="civil-affairs", at=at, answered=True, age_s=age_s,
            expect_s=86_400.0,
        )  # fmt: skip

    now = outlook.now
    hours.add([look("civil", 95_000.0, now), look("tax", 89_000.0, now), look("air", None, now)])
    hours.add([look("gone", 99_000.0, now - 4 * HOUR)])
    await outlook.turn(400)
    (told,) = outlook.told
    assert (told.source, told.department, told.amount, told.expected) == (
        "civil", "civil-affairs", 95_000, 86_400.0,
    )  # fmt: skip


@pytest.mark.asyncio
async def test_an_application_is_told_of_itself_only(outlook: Outlook) -> None:
    outlook.rule(f"warning: own\ntitle: Own\nkind: probing\n{TEAM}\nwindow: 5 minutes\nleast: 2\n")
    await outlook.begin()
    for app in ("benefits", "tax"):
        outlook.asked(2, outcome="refused", code="USE_FORBIDDEN", app=app)
    await outlook.turn(400)
    assert [told.app for told in outlook.told] == ["benefits"]


@pytest.mark.asyncio
async def test_an_owner_is_told_only_while_it_may_filter(outlook: Outlook) -> None:
    outlook.office.draft(_filtered("name"))
    outlook.rules = outlook.in_force()
    rule = f"title: T\nkind: enumeration\n{TEAM}\nof: lookups\nwindow: 5 minutes\nleast: 2\n"
    outlook.rule(
        f"warning: names\n{rule}fields: [Person.name]\n---\n"
        f"warning: pay\n{rule}fields: [Person.salary]\n---\n"
        f"warning: both\n{rule}fields: [Person.name, Person.salary]\n"
    )
    await outlook.begin()

    async def looked_up() -> list[str]:
        before = len(outlook.told)
        outlook.asked(2, fields=fields("filter_eq Person.name", "filter_eq Person.salary"))
        await outlook.turn(7 * HOUR)
        return sorted(told.rule for told in outlook.told[before:])

    assert await looked_up() == ["names"], "it may not filter by pay"
    outlook.office.draft(permit("name"))
    outlook.rules = outlook.in_force()
    assert await looked_up() == [], "and now no more by name"
    outlook.office.draft(_filtered("name", "salary"))
    outlook.rules = outlook.in_force()
    assert await looked_up() == ["both", "both", "names", "pay"]
    outlook.rules = None
    outlook.asked(2, fields=fields("filter_eq Person.name"))
    before = len(outlook.told)
    await outlook.turn(7 * HOUR)
    assert len(outlook.told) == before, "nobody knows who may be told"


@pytest.mark.asyncio
async def test_what_is_found_is_held_back_too(outlook: Outlook) -> None:
    """A rule that names no field finds fields, of which its owner may not be told each."""
    outlook.office.draft(_filtered("name"))
    outlook.rules = outlook.in_force()
    outlook.rule(f"warning: fresh\ntitle: F\nkind: first_use\n{TEAM}\nlearn: 1 day\n")
    outlook.asked(1, at=BEGIN - 3 * 86_400, fields=fields("list Person"))
    await outlook.begin()
    outlook.asked(1, fields=fields("project Person.name", "project Person.salary"))
    await outlook.turn(400)
    assert [told.what for told in outlook.told] == ["Person.name"]


def _filtered(*names: str) -> dict[str, str]:
    ((name, text),) = permit(*names).items()
    return {name: text.replace("[read, sort]", "[read, sort, filter]")}

"""Clocks: working days by a calendar, which is never guessed."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.clock import Calendar, Clock, Extension, due
from policies.packs import load
from schema.errors import HubError

DAY = dt.date
# Monday 2 and Tuesday 3 March are off; Saturday 7 is worked for it
SPRING = Calendar(
    id="spring",
    zone="Asia/Shanghai",
    holidays=frozenset({DAY(2026, 3, 2), DAY(2026, 3, 3)}),
    working_days=frozenset({DAY(2026, 3, 7)}),
    years=frozenset({2026}),
)


def clock(days: int, extension: Extension | None = None) -> Clock:
    return Clock(
        id="reply",
        start_event="request.received",
        days=days,
        calendar="spring",
        extension=extension,
        on_expiry="escalate",
    )


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        ("2026-02-27T09:00+08:00", 1, "2026-03-04"),
        ("2026-02-27T09:00+08:00", 3, "2026-03-06"),
        ("2026-02-27T09:00+08:00", 4, "2026-03-07"),
        ("2026-02-27T09:00+08:00", 5, "2026-03-09"),
        ("2026-02-28T23:00+08:00", 1, "2026-03-04"),
        ("2026-03-10T00:00+08:00", 1, "2026-03-11"),
        # still the ninth in London, the tenth in Shanghai
        ("2026-03-09T20:00+00:00", 1, "2026-03-11"),
    ],
)
def test_due(start: str, days: int, last: str) -> None:
    found = due(clock(days), SPRING, at(start))
    assert found.day == DAY.fromisoformat(last)
    assert found.at == at(f"{last}T00:00+08:00") + 86_400


def test_a_zone_with_summer_time() -> None:
    london = Calendar(id="london", zone="Europe/London", years=frozenset({2026}))
    found = due(clock(1), london, at("2026-03-27T12:00+00:00"))
    assert found.at == at("2026-03-31T00:00+01:00")


def test_an_extension() -> None:
    more = clock(1, Extension(days=2, needs="data_authority"))
    start = at("2026-02-27T09:00+08:00")
    assert due(more, SPRING, start).day == DAY(2026, 3, 4)
    assert due(more, SPRING, start, extended=True).day == DAY(2026, 3, 6)
    with pytest.raises(HubError, match="no extension"):
        due(clock(1), SPRING, start, extended=True)


@pytest.mark.parametrize(
    ("start", "year"), [("2026-12-31T09:00+08:00", 2027), ("2025-12-30T09:00+08:00", 2025)]
)
def test_a_year_that_is_not_covered(start: str, year: int) -> None:
    with pytest.raises(HubError, match=f"does not cover the year {year}") as caught:
        due(clock(1), SPRING, at(start))
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("start", [0.0, -1.0, float("nan"), float("inf")])
def test_a_start_that_is_no_instant(start: float) -> None:
    with pytest.raises(HubError, match="no start"):
        due(clock(1), SPRING, start)


@given(
    offset=st.integers(0, 200 * 86_400),
    days=st.integers(1, 40),
    off=st.frozensets(st.dates(DAY(2026, 1, 1), DAY(2026, 12, 31)), max_size=20),
)
def test_as_many_days_are_worked_as_the_clock_says(
    offset: int, days: int, off: frozenset[dt.date]
) -> None:
    calendar = Calendar(id="any", zone="+08:00", holidays=off, years=frozenset({2026}))
    start = at("2026-01-01T00:00+08:00") + offset
    first = DAY(2026, 1, 1) + dt.timedelta(days=offset // 86_400)
    found = due(clock(days), calendar, start)
    between = [first + dt.timedelta(days=ahead) for ahead in range(1, (found.day - first).days + 1)]
    assert sum(calendar.works(day) for day in between) == days
    assert calendar.works(found.day)


def test_the_chinese_calendar_in_spots() -> None:
    packs = load(["cn"])
    calendar = packs.calendars["cn"]
    assert calendar.zone == "Asia/Shanghai"
    assert not calendar.works(DAY(2025, 10, 8))
    assert calendar.works(DAY(2025, 10, 11))
    assert calendar.works(DAY(2026, 2, 14))
    assert not calendar.works(DAY(2026, 2, 23))
    assert not calendar.works(DAY(2026, 2, 1))
    reply = packs.clocks["reply.conditional"]
    start = at("2026-09-24T10:00+08:00")
    assert due(reply, calendar, start).day == DAY(2026, 10, 15)
    assert not calendar.verified
    assert not any(held.verified for held in packs.clocks.values())

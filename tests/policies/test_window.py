"""Time windows in the rule's own zone, over midnight, and when they change."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.window import Hours, Window, zone_of


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


OFFICE = Window(days=frozenset(range(5)), start=480, end=1200, zone="Asia/Shanghai")
NIGHT = Window(days=frozenset({4}), start=1320, end=360, zone="+08:00")
TERM = Window(zone="Asia/Shanghai", first="2026-03-01", last="2026-12-31")


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        (OFFICE, "2026-09-21T08:00:00+08:00", True),
        (OFFICE, "2026-09-21T19:59:59+08:00", True),
        (OFFICE, "2026-09-21T20:00:00+08:00", False),
        (OFFICE, "2026-09-21T07:00:00+00:00", True),
        (OFFICE, "2026-09-20T12:00:00+08:00", False),
        (NIGHT, "2026-09-25T23:00:00+08:00", True),
        (NIGHT, "2026-09-26T05:59:00+08:00", True),
        (NIGHT, "2026-09-26T06:00:00+08:00", False),
        (NIGHT, "2026-09-26T23:00:00+08:00", False),
        (NIGHT, "2026-09-25T05:00:00+08:00", False),
        (TERM, "2026-02-28T23:59:59+08:00", False),
        (TERM, "2026-03-01T00:00:00+08:00", True),
        (TERM, "2026-12-31T23:59:59+08:00", True),
        (TERM, "2027-01-01T00:00:00+08:00", False),
    ],
)
def test_open(window: Window, moment: str, is_open: bool) -> None:
    assert window.is_open(at(moment)) is is_open


@pytest.mark.parametrize("now", [0.0, -5.0, float("nan"), float("inf")])
def test_an_unknown_time_is_unknown(now: float) -> None:
    assert OFFICE.is_open(now) is None


@given(
    st.sampled_from([OFFICE, NIGHT, TERM, Window(start=60, end=180, zone="Europe/Berlin")]),
    st.integers(1_700_000_000, 1_900_000_000),
    st.integers(0, 8 * 86400),
)
def test_nothing_changes_before_the_next_change(window: Window, now: int, later: int) -> None:
    change = window.next_change(float(now))
    assert now < change <= now + 86400 + 7200
    if now + later < change:
        assert window.is_open(float(now + later)) == window.is_open(float(now))


@pytest.mark.parametrize("name", ["Mars/Base", "+8", "", "../etc", "08:00"])
def test_unknown_zones(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several texts
        zone_of(name)


@given(
    st.lists(st.integers(1_790_000_000, 1_790_000_000 + 3 * 86400), min_size=1, max_size=8),
    st.lists(st.integers(1_790_000_000, 1_790_000_000 + 3 * 86400), max_size=2),
)
def test_hours_are_those_of_their_windows_whatever_was_asked_before(
    times: list[int], moments: list[int]
) -> None:
    windows = (OFFICE, NIGHT, TERM, OFFICE)
    hours = Hours(windows, sorted(map(float, moments)))
    for now in map(float, times):
        again = Hours(windows, sorted(map(float, moments)))
        hours.turn(now)
        assert again.turn(now)
        assert hours.states == again.states == tuple(one.is_open(now) for one in windows)
        assert hours.until == again.until > now
        assert all(one <= now or one >= hours.until for one in moments)
        assert not hours.turn(now)


@pytest.mark.parametrize("now", [0.0, float("nan"), float("inf")])
def test_hours_of_an_unknown_time_are_never_kept(now: float) -> None:
    hours = Hours((OFFICE,), ())
    for _ in range(2):
        assert hours.turn(now)
        assert hours.states == (None,)
    assert hours.turn(at("2026-09-21T08:00:00+08:00"))
    assert hours.states == (True,)


@pytest.mark.parametrize("night", ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31"])
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York"]),
    st.integers(0, 240),
    st.integers(0, 240),
    st.integers(1, 4000),
)
def test_hours_are_right_in_nights_when_clocks_change(
    night: str, zone: str, start: int, end: int, step: int
) -> None:
    window = Window(start=start, end=end, zone=zone)
    hours, now = Hours([window], []), at(f"{night}T12:00:00+00:00")
    for _ in range(86_400 // max(step, 300)):
        hours.turn(now)
        assert hours.states == (window.is_open(now),)
        now += max(step, 300)

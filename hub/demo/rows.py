"""What the sample city holds: every row of every department, and the real regions it lies in."""

from __future__ import annotations

import csv
import datetime as dt
from random import Random
from typing import Any

import msgspec

from hub.demo.place import city_dir

TODAY = dt.date(2026, 6, 30)
YEAR = 365.25


class City(msgspec.Struct, kw_only=True):
    """Every row of every department, as tuples in column order."""

    regions: list[tuple[str, str, str | None, str]]
    persons: list[tuple[Any, ...]] = []
    households: list[tuple[Any, ...]] = []
    employments: list[tuple[Any, ...]] = []
    insurances: list[tuple[Any, ...]] = []
    statuses: list[tuple[str, str]] = []
    enterprises: list[tuple[Any, ...]] = []
    talents: list[tuple[Any, ...]] = []
    qualifications: list[tuple[Any, ...]] = []
    organisations: list[tuple[Any, ...]] = []
    activities: list[tuple[Any, ...]] = []

    def townships(self) -> list[str]:
        """The codes of the townships, where persons and enterprises are registered."""
        return [code for code, _, _, tier in self.regions if tier == "township"]


def read_regions() -> list[tuple[str, str, str | None, str]]:
    """The real regions of Hangzhou: (code, name, parent code, tier)."""
    file = city_dir() / "data" / "regions-hangzhou.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return [(row[0], row[1], row[2] or None, row[3]) for row in rows]


def age(birth: dt.date) -> int:
    """Full years on the city's day."""
    return TODAY.year - birth.year - ((TODAY.month, TODAY.day) < (birth.month, birth.day))


def birthday(birth: dt.date, years: int) -> dt.date:
    """The day a person comes of an age; the first of March for a leap day."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return dt.date(birth.year + years, 3, 1)


def day_between(chance: Random, first: dt.date, last: dt.date) -> dt.date:
    """A day from first to last, both included; the first where the two are out of order."""
    return first + dt.timedelta(days=chance.randrange(max(1, (last - first).days + 1)))

"""Market regulation and social security: the sample city's enterprises, jobs and insurances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import Any

from hub.demo.numbers import credit_code, organisation_body
from hub.demo.people import GIVEN
from hub.demo.rows import TODAY, City, age, birthday, day_between

INDUSTRIES = {
    "C": "制造业",
    "F": "批发零售",
    "G": "交通运输",
    "H": "住宿餐饮",
    "I": "信息技术",
    "J": "金融业",
    "L": "商务服务",
    "M": "科学研究",
}
POSITIONS = ("clerk", "driver", "engineer", "teacher", "manager", "worker")
WORKING_AGE, RETIREMENT = 16, 65


def found_enterprises(city: City, chance: Random, count: int) -> None:
    """Enterprises all over the city, each represented by an adult who lives there."""
    adults = [person for person in city.persons if age(person[3]) >= 18]
    townships, industries = city.townships(), list(INDUSTRIES)
    for number in range(count):
        township = chance.choice(townships)
        head = chance.choice(adults)
        earliest = max(dt.date(1993, 8, 1), birthday(head[3], 18))
        industry = chance.choice(industries)
        short = f"{chance.choice(GIVEN)}{chance.choice(GIVEN)}{INDUSTRIES[industry][:2]}"
        city.enterprises.append(
            (
                credit_code(township[:6], organisation_body(number * 7919 + 12345)),
                f"杭州{short}有限公司",
                industry,
                INDUSTRIES[industry],
                f"{chance.randrange(10, 100_000)}000.00",
                day_between(chance, earliest, TODAY).isoformat(),
                township,
                chance.choices(("active", "suspended", "closed"), (90, 5, 5))[0],
                head[0],
            )
        )


def employ(city: City, chance: Random) -> None:
    """Jobs, present and past, and what social security calls each person."""
    open_ones = [enterprise for enterprise in city.enterprises if enterprise[7] == "active"]
    employers = open_ones or city.enterprises
    for person in city.persons:
        years = age(person[3])
        status = _standing(chance, years)
        city.statuses.append((person[0], status))
        if status == "employed":
            for _ in range(chance.choices((1, 2, 3), (88, 10, 2))[0]):
                _hire(city, chance, person, chance.choice(employers), over=False)
        if years >= WORKING_AGE + 2 and chance.random() < 0.25:
            _hire(city, chance, person, chance.choice(city.enterprises), over=True)


def _standing(chance: Random, years: int) -> str:
    if years < WORKING_AGE:
        return "minor"
    if years >= RETIREMENT:
        return "retired"
    return "employed" if chance.random() < 0.78 else "unemployed"


def _hire(
    city: City, chance: Random, person: Sequence[Any], employer: Sequence[Any], *, over: bool
) -> None:
    """A job after the person's sixteenth birthday and the enterprise's foundation; none where
    the two leave no day."""
    first = max(birthday(person[3], WORKING_AGE), dt.date.fromisoformat(employer[5]))
    last = min(TODAY, birthday(person[3], RETIREMENT))
    if first >= last:
        if over:
            return
        first = last
    start = day_between(chance, first, last)
    end = day_between(chance, start, last).isoformat() if over else None
    city.employments.append(
        (
            len(city.employments) + 1,
            person[0],
            employer[0],
            chance.choice(POSITIONS),
            start.isoformat(),
            end,
            f"{chance.randrange(2_500, 60_000)}.{chance.randrange(100):02d}",
        )
    )


def insure(city: City, chance: Random) -> None:
    """Social insurance of adults: paid for at most the months since its beginning."""
    for person in city.persons:
        years = age(person[3])
        if years < 18 or chance.random() >= 0.85:
            continue
        for kind in chance.sample(("pension", "medical", "unemployment"), chance.choice((1, 1, 2))):
            since = day_between(chance, max(dt.date(1998, 1, 1), birthday(person[3], 18)), TODAY)
            months = (TODAY.year - since.year) * 12 + TODAY.month - since.month
            city.insurances.append(
                (
                    len(city.insurances) + 1,
                    person[0],
                    kind,
                    since.isoformat(),
                    chance.randrange(months // 2, months + 1),
                    f"{chance.randrange(3000, 25000)}.00",
                )
            )

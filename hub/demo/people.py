"""Civil affairs: who lives in the sample city, and with whom."""

from __future__ import annotations

import datetime as dt
from random import Random

from hub.demo.numbers import citizen_number
from hub.demo.rows import TODAY, YEAR, City

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹"
GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰涛明超秀霞平刚桂英华建国志文玉兰梅海波宇欣怡"
# Shapes of households: ages of the members, the head first; (weight, ((youngest, oldest), ...)).
_HOUSEHOLDS = (
    (12, ((20, 60),)),
    (10, ((62, 94),)),
    (14, ((24, 60), (24, 60))),
    (12, ((62, 90), (60, 90))),
    (22, ((27, 55), (25, 55), (0, 22))),
    (16, ((29, 55), (27, 55), (0, 22), (0, 18))),
    (5, ((25, 50), (0, 19))),
    (9, ((30, 55), (28, 55), (0, 22), (62, 90), (62, 90))),
)


class Births:
    """Citizen numbers, each given once: within an area and a day they are counted up."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, dt.date, bool], int] = {}

    def number(self, area: str, birth: dt.date, *, male: bool) -> str:
        """The next number; its sequence is odd for men, even for women."""
        order = self._given.get((area, birth, male), 0)
        self._given[area, birth, male] = order + 1
        sequence = 2 * order + (1 if male else 2)
        if sequence > 999:
            raise ValueError("more births in one area and day than citizen numbers")
        return citizen_number(area, birth.strftime("%Y%m%d"), sequence)


def person_name(chance: Random) -> str:
    """A family name and one or two characters."""
    return chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2))))


def settle(city: City, chance: Random, scale: int) -> None:
    """Fill the city with `scale` persons in households, each headed by an adult."""
    moment = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)
    townships = city.townships()
    weights = [weight for weight, _ in _HOUSEHOLDS]
    births = Births()
    while len(city.persons) < scale:
        township = chance.choice(townships)
        household = f"H{len(city.households) + 1:07d}"
        _, ages = chance.choices(_HOUSEHOLDS, weights)[0]
        members = []
        for youngest, oldest in ages[: scale - len(city.persons)]:
            days = chance.randrange(int(youngest * YEAR) + 1, int((oldest + 1) * YEAR))
            birth = TODAY - dt.timedelta(days=days)
            male = chance.random() < 0.51
            members.append(
                (
                    births.number(township[:6], birth, male=male),
                    person_name(chance),
                    "1" if male else "2",
                    birth,
                    township,
                    f"1{chance.choice('3578')}{chance.randrange(10**9):09d}",
                    f"{township[-3:]}路{chance.randrange(1, 400)}号",
                    household,
                    moment + dt.timedelta(seconds=chance.randrange(15_000_000)),
                )
            )
        address = members[0][6]
        city.persons.extend((*member[:6], address, *member[7:]) for member in members)
        low_income = chance.random() < 0.08
        city.households.append((household, members[0][0], township, len(members), low_income))

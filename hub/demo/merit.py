"""The talent office and civic organisations: certificates, associations, activities."""

from __future__ import annotations

import datetime as dt
from random import Random

from hub.demo.rows import TODAY, City, age, birthday, day_between

FIELDS = ("软件", "材料", "生物医药", "金融", "教育", "机械")
PROFESSIONS = ("engineer", "accountant", "lawyer", "physician", "teacher")
ORGANISATIONS = ("association", "foundation", "volunteer group")
SUBJECTS = ("job fair", "training", "charity", "lecture")


def certify(city: City, chance: Random) -> None:
    """One person in twenty is a talent; most of them, and some others, hold qualifications."""
    adults = [person for person in city.persons if age(person[3]) >= 23]
    chosen = chance.sample(adults, min(len(adults), max(1, len(city.persons) // 20)))
    for number, person in enumerate(chosen):
        graduated = birthday(person[3], 22)
        if number % 12:
            city.talents.append(
                (
                    person[0],
                    chance.choices("ABCDE", (1, 3, 10, 30, 56))[0],
                    chance.choice(FIELDS),
                    day_between(chance, max(graduated, dt.date(2015, 1, 1)), TODAY),
                )
            )
        for profession in chance.sample(PROFESSIONS, chance.choice((0, 1, 1, 2))):
            city.qualifications.append(
                (
                    f"Q{len(city.qualifications) + 1:06d}",
                    person[0],
                    profession,
                    day_between(chance, graduated, TODAY),
                    round(chance.uniform(60, 100), 1),
                )
            )


def associate(city: City, chance: Random) -> None:
    """A quarter of the enterprises found an organisation, which is active since."""
    adults = [person for person in city.persons if age(person[3]) >= 18]
    founders = chance.sample(city.enterprises, max(1, len(city.enterprises) // 4))
    for enterprise in founders:
        name = enterprise[1].replace("有限公司", "协会")
        contact = chance.choice(adults)[5]
        city.organisations.append((enterprise[0], name, chance.choice(ORGANISATIONS), contact))
        founded = dt.date.fromisoformat(enterprise[5])
        for _ in range(chance.randrange(1, 5)):
            held = day_between(chance, max(founded, dt.date(2022, 1, 1)), TODAY)
            city.activities.append(
                (
                    f"A{len(city.activities) + 1:06d}",
                    enterprise[0],
                    chance.choice(SUBJECTS),
                    held.isoformat(),
                    enterprise[6],
                    chance.randrange(5, 800),
                )
            )

"""The sample city: valid numbers, the same each time, joined across departments."""

from __future__ import annotations

from hub.demo.generate import make_city
from hub.demo.numbers import (
    citizen_number,
    citizen_number_is_valid,
    credit_code_is_valid,
)


def test_check_digits_follow_the_standards() -> None:
    assert citizen_number_is_valid("11010519491231002X")  # the example of GB 11643
    assert not citizen_number_is_valid("110105194912310021")
    assert citizen_number("340524", "19800101", 1) == "34052419800101001X"
    assert credit_code_is_valid("91350100M000100Y43")  # the example of GB 32100
    assert not credit_code_is_valid("91350100M000100Y44")


def test_the_city_is_the_same_each_time_and_joins() -> None:
    one, two = make_city(500, 7), make_city(500, 7)
    assert one == two
    assert make_city(500, 8).persons != one.persons
    numbers = {person[0] for person in one.persons}
    codes = {enterprise[0] for enterprise in one.enterprises}
    assert len(numbers) == 500
    assert all(map(citizen_number_is_valid, numbers))
    assert all(map(credit_code_is_valid, codes))
    assert {job[1] for job in one.employments} <= numbers
    assert {job[2] for job in one.employments} <= codes
    assert {talent[0] for talent in one.talents} <= numbers
    assert {row[0] for row in one.organisations} <= codes
    townships = {code for code, _, _, tier in one.regions if tier == "township"}
    assert {person[4] for person in one.persons} <= townships

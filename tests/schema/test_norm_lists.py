"""Conversions are exact, undo each other and keep what they say they keep."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.model.norm import DateText, Scale, converted, in_order, inverted, is_date_form, is_exact

FORMS = ("yyyymmdd", "yyyy-mm-dd", "yyyy/mm/dd", "dd.mm.yyyy", "mm/dd/yyyy", "yyyy年mm月dd日")


@given(day=st.dates(min_value=dt.date(1000, 1, 1)), form=st.sampled_from(FORMS))
def test_each_date_has_one_text_in_each_form(day: dt.date, form: str) -> None:
    way = DateText(form)
    text = inverted(way, day.isoformat())
    assert len(text) == len(form)
    assert converted(way, text) == day.isoformat()


@given(one=st.dates(), two=st.dates())
def test_forms_in_order_keep_the_order(one: dt.date, two: dt.date) -> None:
    for form in FORMS:
        way = DateText(form)
        if in_order(way):
            first, second = (inverted(way, day.isoformat()) for day in (one, two))
            assert (first < second) == (one < two)


@pytest.mark.parametrize(
    "text",
    ["", "2001022", "20010229", "20010000", "2001-2-3", "２００１０２０３", "00000101", "abcdefgh"],
)
def test_what_is_no_date_has_no_counterpart(text: str) -> None:
    assert converted(DateText("yyyymmdd"), text) is None


def test_forms_are_forms() -> None:
    assert all(map(is_date_form, FORMS))
    for form in ("yymmdd", "yyyymm", "yyyymmddmm", "yyyymmdd hh", "dmy", ""):
        assert not is_date_form(form)


@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**15),
    over=st.sampled_from([1, 2, 10, 100, 125, 10_000]),
    under=st.sampled_from([1, 4, 10, 1_000, 6_250]),
)
def test_exact_factors_are_undone_exactly(value: Decimal, over: int, under: int) -> None:
    way = Scale(over, under)
    assert is_exact(way)
    made = converted(way, format(value, "f"))
    assert Fraction(made) == Fraction(value) * Fraction(over, under)
    assert Decimal(inverted(way, made)) == value


@pytest.mark.parametrize(
    ("value", "made"),
    [("1", "666.67"), ("3", "2000.00"), ("-1", "-666.67"), ("0", "0.00"), ("0.0000075", "0.00")],
)
def test_what_never_ends_is_rounded_to_its_digits(value: str, made: str) -> None:
    assert not is_exact(Scale(2_000, 3, 2))
    assert converted(Scale(2_000, 3, 2), value) == made


def test_rounding_is_exact_for_long_numbers() -> None:
    made = converted(Scale(2_000, 3, 2), f"1{'0' * 40}")
    assert abs(Fraction(made) - Fraction(2_000 * 10**40, 3)) <= Fraction(1, 200)

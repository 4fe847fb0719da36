"""Columns as drivers give them to canonical values: the quick ways equal the slow one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql import bind, finish
from schema.model.scalar import canonical

MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))  # noqa: DTZ001


def printed(moment: dt.datetime) -> str:
    """As PostgreSQL prints a timestamp."""
    text = moment.strftime("%m-%d %H:%M:%S")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.year:04d}-{text}{fraction}"


@given(st.lists(st.one_of(st.none(), MOMENTS)))
def test_timestamps(moments: list[dt.datetime | None]) -> None:
    held = tuple(None if m is None else printed(m) for m in moments)
    zoned = tuple(None if text is None else f"{text}+00" for text in held)
    assert list(finish.local(held)) == [canonical("LocalDateTime", text) for text in held]
    assert list(finish.datetime(zoned)) == [canonical("DateTime", text) for text in zoned]


@given(
    st.integers(0, 4),
    st.lists(
        st.one_of(
            st.none(),
            st.integers(-(10**12), 10**12),
            st.decimals(-(10**7), 10**7, places=2).map(float),
            st.floats(allow_nan=False, allow_infinity=False, min_value=-1e18, max_value=1e18),
        )
    ),
)
def test_decimals_keep_their_value_and_have_at_least_the_scale(
    scale: int, column: list[Any]
) -> None:
    made = finish.Scaled(scale)(tuple(column))
    for value, text in zip(column, made, strict=True):
        if value is None:
            assert text is None
        else:
            assert Decimal(text) == Decimal(repr(value))
            assert "e" not in text.lower()
            assert len(text.partition(".")[2]) >= scale


@given(st.lists(st.one_of(st.none(), st.text(alphabet="aé\u0301\u0065中", max_size=4))))
def test_text_is_in_nfc(column: list[str | None]) -> None:
    assert list(finish.text(tuple(column))) == [canonical("String", value) for value in column]


@pytest.mark.parametrize(
    ("function", "column"),
    [
        (finish.date, ("2020-01-01", "infinity")),
        (finish.date, ("infinity", "12020-01-01")),
        (finish.date, ("0044-03-15 BC", None)),
        (finish.datetime, ("10000-01-01 00:00:00+00",)),
        (finish.local, ("-infinity", "2020-01-01 00:00:00")),
        (finish.time, ("24:00:00",)),
        (finish.decimal, ("1.5", "NaN", None)),
        (finish.number, (1.0, float("nan"))),
        (finish.number, (float("-inf"), None, float("inf"))),
        (finish.int_from_number, (2**31,)),
        (finish.int_from_number, (1.5,)),
        (finish.text_from_number, (1.5,)),
        (finish.bigint_from_number, ("many",)),
    ],
)
def test_values_without_a_canonical_form_are_refused(
    function: Callable[[Sequence[Any]], Any], column: Sequence[Any]
) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        function(column)


@pytest.mark.parametrize(
    ("function", "column", "wanted"),
    [
        (finish.number, (1e308, 1e308, None), [1e308, 1e308, None]),
        (finish.int_from_number, (1, None, 2.0), [1, None, 2]),
        (finish.int_from_number, (None, None), [None, None]),
        (finish.bigint_from_number, (1, 2**40), ["1", str(2**40)]),
        (finish.text_from_number, (7, "x", None), ["7", "x", None]),
        (finish.boolean, (1, 0, None), [True, False, None]),
        (finish.json, ('{"a": 1}', None), [{"a": 1}, None]),
        (finish.Conform("Int"), ("5", None), [5, None]),
    ],
)
def test_ordinary_values(
    function: Callable[[Sequence[Any]], Sequence[Any]],
    column: Sequence[Any],
    wanted: list[Any],
) -> None:
    assert list(function(column)) == wanted


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.floats(-1e9, 1e9))
def test_bounds_on_binary_numbers_decide_as_decimals_do(bound: Decimal, value: float) -> None:
    stored = Decimal(repr(value))
    up, down, same = (f(str(bound)) for f in (bind.double_up, bind.double_down, bind.double))
    assert up is not None
    assert down is not None
    assert (value < up) == (stored < bound)
    assert (value >= up) == (stored >= bound)
    assert (value <= down) == (stored <= bound)
    assert (value > down) == (stored > bound)
    assert (value == same) == (stored == bound)


@given(st.text(max_size=3), st.text(max_size=4))
def test_the_range_of_a_prefix_holds_what_starts_with_it(prefix: str, text: str) -> None:
    if "\0" in prefix + text:
        return
    above = bind.after_prefix(prefix)
    assert above is not None
    assert (prefix <= text < above) == text.startswith(prefix)


@given(st.lists(st.one_of(st.integers().map(str), st.text(max_size=3), st.none()), max_size=5))
def test_bulk_conversion_is_the_single_one_in_one_go(values: list[Any]) -> None:
    for convert in (bind.int2, bind.int4, bind.int8, bind.int8_text, bind.text):
        quick = bind.bulk(convert, values)
        if quick is not None:
            assert list(quick) == [convert(value) for value in values]

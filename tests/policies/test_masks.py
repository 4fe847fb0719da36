"""Mask laws: kind, length and null stay, nothing raises, nothing of the hidden part is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.masks import MASKS
from policies.masks.graphemes import graphemes
from schema.model.scalar import NUMERIC, TEXTUAL, ScalarKind, canonical
from tests.properties.cases import MASKED_COLUMNS

Params = dict[str, str | int]
CASES: list[tuple[str, ScalarKind, Params]] = [
    ("partial", "String", {"keep_last": 4}),
    ("partial", "ID", {"keep_first": 1}),
    ("partial", "String", {"keep_first": 2, "keep_last": 2, "fill": "#"}),
    ("partial", "String", {}),
    ("generalise", "Date", {"to": "month", "kind": "Date"}),
    ("generalise", "Date", {"to": "quarter", "kind": "Date"}),
    ("generalise", "Date", {"to": "year", "kind": "Date"}),
    ("generalise", "Date", {"to": "decade", "kind": "Date"}),
    ("generalise", "DateTime", {"to": "day", "kind": "DateTime"}),
    ("generalise", "LocalDateTime", {"to": "year", "kind": "LocalDateTime"}),
    ("generalise", "String", {"prefix": 3}),
    ("generalise", "String", {"region": "county"}),
    ("generalise", "ID", {"region": "province"}),
    ("generalise", "String", {"parent": 1}),
    ("bucket", "Int", {"width": 1000}),
    ("bucket", "BigInt", {"edges": "0,100,5000"}),
    ("bucket", "Decimal", {"width": "2500.50"}),
    ("bucket", "Float", {"edges": "-1,0,1"}),
    ("redact", "String", {"kind": "String"}),
    ("redact", "Decimal", {"kind": "Decimal"}),
    ("constant", "String", {"value": "withheld"}),
    ("null", "Date", {}),
]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "String": st.text(max_size=30),
    "ID": st.text(max_size=30),
    "Int": st.integers(-(2**31) + 2000, 2**31 - 2000),
    "BigInt": st.integers(-(10**15), 10**15),
    "Decimal": st.decimals(-(10**9), 10**9, allow_nan=False, places=3),
    "Float": st.floats(-1e9, 1e9),
    "Date": st.dates(),
    "DateTime": st.datetimes(timezones=st.timezones()).filter(
        lambda moment: 1 < moment.year < 9999
    ),
    "LocalDateTime": st.datetimes(),
}
CODES = st.from_regex(r"[0-9]{1,12}|[a-z]{1,3}(\.[a-z]{1,3}){0,4}", fullmatch=True)
odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2), st.just("1957-13-99"), st.just("-0044-03-15"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "params"), CASES)
@settings(max_examples=MASKED_COLUMNS)
@given(data=st.data())
def test_laws(name: str, kind: ScalarKind, params: Params, data: st.DataObject) -> None:
    column = [
        canonical(kind, value)
        for value in data.draw(st.lists(VALUES[kind] | st.none(), max_size=6))
    ]
    mask = MASKS[name]
    assert mask.name == name
    assert mask.output_kind(kind, params) == kind
    masked = mask.apply(column, params)
    assert len(masked) == len(column)
    assert all(
        after is None for before, after in zip(column, masked, strict=True) if before is None
    )
    assert [canonical(kind, value) for value in masked] == masked, "still canonical"
    if "parent" not in params:
        assert mask.apply(masked, params) == masked, "idempotent"
    assert mask.apply(column, params) == masked, "deterministic"


def shows_anyway(name: str, params: Params, value: Any) -> bool:
    """Whether a value is one that the mask may leave: it is as coarse or as empty as its result."""
    match name:
        case "partial":
            return str(params.get("fill", "****")) in value
        case "generalise" if "prefix" in params:
            return len(graphemes(value)) <= int(params["prefix"])
        case "generalise" if "region" in params:
            return value.isdigit() and len(value) <= 6
        case "generalise" if params["to"] == "day":
            return "T00:00:00" in value
        case "generalise":
            return value[8:10] == "01"
        case "bucket":
            edges = str(params["edges"]).split(",") if "edges" in params else None
            number = Decimal(str(value))
            if edges is None:
                return number % Decimal(str(params["width"])) == 0
            return number in [Decimal(edge) for edge in edges]
        case _:
            return False


@pytest.mark.parametrize(("name", "kind", "params"), [case for case in CASES if case[2]])
@given(data=st.data())
def test_nothing_comes_out_as_it_went_in(
    name: str, kind: ScalarKind, params: Params, data: st.DataObject
) -> None:
    strategy = CODES if {"region", "parent"} & params.keys() else VALUES[kind]
    value = canonical(kind, data.draw(strategy))
    (shown,) = MASKS[name].apply([value], params)
    assert shown != value or value in ("****", "withheld") or shows_anyway(name, params, value)


@pytest.mark.parametrize(
    ("value", "params", "shown"),
    [
        ("330102001007", {"region": "township"}, "330102001"),
        ("330102001", {"region": "county"}, "330102"),
        ("330102", {"region": "city"}, "3301"),
        ("330102", {"region": "province"}, "33"),
        ("33", {"region": "county"}, "33"),
        ("\uff13\uff13\uff10\uff11", {"region": "province"}, "****"),
        ("Hangzhou", {"region": "province"}, "****"),
        ("", {"region": "city"}, "****"),
        ("a.b.c", {"parent": 1}, "a.b"),
        ("a.b.c", {"parent": 2}, "a"),
        ("a.b.c", {"parent": 3}, "****"),
        ("a", {"parent": 1}, "****"),
        ("a", {"parent": 0}, None),
        ("33", {"region": "village"}, None),
        ("33", {"region": "city", "prefix": 1}, None),
    ],
)
def test_regions_and_parents(value: str, params: Params, shown: str | None) -> None:
    assert MASKS["generalise"].apply([value], params) == [shown]


@pytest.mark.parametrize(("name", "kind", "params"), CASES)
@given(column=st.lists(odd, max_size=8))
def test_odd_values_never_raise(
    name: str, kind: ScalarKind, params: Params, column: list[Any]
) -> None:
    masked = MASKS[name].apply(column, params)
    assert len(masked) == len(column)
    assert all(
        after is None for before, after in zip(column, masked, strict=True) if before is None
    )


@given(st.text(min_size=5, max_size=40), st.text(min_size=5, max_size=40))
def test_a_partial_mask_shows_only_the_ends(first: str, second: str) -> None:
    params: Params = {"keep_last": 2}
    ends = ["".join(graphemes(text)[-2:]) for text in (first, second)]
    masked = MASKS["partial"].apply([first, second], params)
    if ends[0] == ends[1] and min(len(graphemes(text)) for text in (first, second)) > 2:
        assert masked[0] == masked[1], "neither length nor beginning shows"
    for text, shown in zip((first, second), masked, strict=True):
        assert shown == (
            "****" if len(graphemes(text)) <= 2 else "****" + "".join(graphemes(text)[-2:])
        )


ends = st.integers(0, 5)
fills = st.sampled_from(["****", "#", "\N{FULL BLOCK}", "\0"])
alphabets = st.sampled_from(["0123456789", "ab*\0\r\n", "#*", "张三丰a", "e\u0301\U0001f468\u200d"])


@given(st.data(), alphabets, ends, ends, fills, st.booleans())
def test_a_partial_mask_shows_of_a_value_in_a_column_what_it_shows_of_it_alone(
    data: st.DataObject, alphabet: str, first: int, last: int, fill: str, alike: bool
) -> None:
    size = data.draw(st.integers(0, 12))
    texts = st.text(alphabet, min_size=size if alike else 0, max_size=size)
    values = texts | st.just(fill) if data.draw(st.booleans()) else texts
    if data.draw(st.booleans()):
        values |= st.none()
    column = data.draw(st.lists(values, min_size=7, max_size=12))
    params: Params = {"keep_first": first, "keep_last": last, "fill": fill}
    mask = MASKS["partial"]
    for held in (column, tuple(column)):
        assert mask.apply(held, params) == [mask.apply([one], params)[0] for one in column]
    for value in column:
        if value is not None:
            parts = graphemes(value)
            whole = value == fill or len(parts) <= first + last
            tail = "".join(parts[-last:]) if last else ""
            shown = fill if whole else "".join(parts[:first]) + fill + tail
            assert mask.apply([value], params) == [shown]


@pytest.mark.parametrize(
    ("value", "params", "shown"),
    [
        ("330102195703091234", {"keep_last": 4}, "****1234"),
        ("1234", {"keep_last": 4}, "****"),
        ("张三丰", {"keep_first": 1, "fill": "**"}, "张**"),
        ("张", {"keep_first": 1}, "****"),
        ("e\u0301clair", {"keep_first": 1}, "e\u0301****"),
        ("👨‍👩‍👧x🇨🇳", {"keep_last": 1}, "****🇨🇳"),
        ("", {"keep_last": 4}, "****"),
        ("ab\r\n", {"keep_last": 2}, "****b\r\n"),
        ("é00\r\n", {"keep_last": 2}, "****0\r\n"),
        (5, {"keep_last": 4}, None),
    ],
)
def test_partial(value: object, params: Params, shown: object) -> None:
    assert MASKS["partial"].apply([value], params) == [shown]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("1957-03-09", "month", "1957-03-01"),
        ("1957-12-09", "quarter", "1957-10-01"),
        ("1957-03-09", "year", "1957-01-01"),
        ("1957-03-09", "decade", "1950-01-01"),
        ("0003-03-09", "decade", "0001-01-01"),
        ("yesterday, about ten", "year", None),
    ],
)
def test_generalise(value: str, unit: str, shown: str | None) -> None:
    assert MASKS["generalise"].apply([value], {"to": unit, "kind": "Date"}) == [shown]


@pytest.mark.parametrize(
    ("value", "params", "shown"),
    [
        ("4321.00", {"width": 1000}, "4000"),
        (4321, {"width": 1000}, 4000),
        (-1, {"width": 1000}, -1000),
        (-1000, {"width": 1000}, -1000),
        (4321.5, {"width": 1000}, 4000.0),
        ("99", {"edges": "100,200"}, None),
        ("200", {"edges": "100,200"}, "200"),
        ("1" + "0" * 500, {"width": 1}, None),
        ("0." + "0" * 28 + "1", {"width": "0.0000000000000000001"}, "0"),
        ("12", {"width": 0}, None),
    ],
)
def test_bucket(value: object, params: Params, shown: object) -> None:
    assert MASKS["bucket"].apply([value], params) == [shown]


def test_masks_refuse_kinds_that_they_would_change() -> None:
    for kind in sorted(NUMERIC):
        with pytest.raises(ValueError, match="would give text"):
            MASKS["partial"].output_kind(kind, {"keep_last": 4})  # type: ignore[arg-type]
    for kind in sorted(TEXTUAL):
        with pytest.raises(ValueError, match="would give a number"):
            MASKS["bucket"].output_kind(kind, {"width": 5})  # type: ignore[arg-type]
    for params in ({"width": 0}, {"edges": "2,1"}, {}, {"width": 1, "edges": "1"}):
        with pytest.raises(ValueError):  # noqa: PT011 - the texts differ
            MASKS["bucket"].output_kind("Int", params)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="whole number"):
        MASKS["bucket"].output_kind("Int", {"width": "0.5"})
    for wrong in ({}, {"region": "village"}, {"parent": 0}, {"region": "city", "prefix": 2}):
        with pytest.raises(ValueError):  # noqa: PT011 - the texts differ
            MASKS["generalise"].output_kind("String", wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no region"):
        MASKS["generalise"].output_kind("Date", {"region": "city"})
    with pytest.raises(ValueError, match="has no year"):
        MASKS["generalise"].output_kind("String", {"to": "year"})


@given(st.text(max_size=30))
@example("\r\n")
@example("🇨🇳🇫🇷🇩")
def test_graphemes_lose_nothing(text: str) -> None:
    assert "".join(graphemes(text)) == text

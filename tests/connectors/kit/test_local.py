"""Carrying out residuals: equal to the slow, obvious meaning."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit.local import apply, compile_predicate, key_turn, total
from connectors.spi import Aggregate, Ask, Batch, Column, Measure, Nested, OrderBy
from schema.errors import HubError, SourceError
from schema.model.predicate import (
    TRUE,
    Always,
    And,
    Compare,
    Const,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    Related,
    evaluate,
)

KINDS: dict[str, Any] = {"t": "String", "n": "Int", "b": "BigInt", "d": "Decimal",
                         "m": "DateTime", "f": "Boolean"}  # fmt: skip
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "t": st.sampled_from(["", "a", "ab", "B", "é", "😀", "%"]),
    "n": st.integers(-2, 2),
    "b": st.sampled_from(["-1", "2", "10", "9223372036854775807"]),
    "d": st.sampled_from(["1.5", "1.50", "-0.1", "10", "0.00"]),
    "m": st.sampled_from(
        ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z", "1999-12-31T00:00:00Z"]
    ),
    "f": st.booleans(),
}  # fmt: skip
COLUMNS = tuple(Column(name, kind) for name, kind in KINDS.items())
ROWS = st.lists(
    st.fixed_dictionaries({n: st.none() | held for n, held in VALUES.items()}), max_size=8
)


@st.composite
def leaves(draw: st.DrawFn) -> Predicate:
    name = draw(st.sampled_from(sorted(KINDS)))
    value, kind = VALUES[name], KINDS[name]
    shape = draw(st.integers(0, 5))
    if shape == 0:
        return Always(draw(st.booleans()))
    if shape == 1:
        return IsNull(name)
    if shape == 2:
        return In(name, tuple(map(Const, draw(st.lists(value, max_size=2)))), kind)
    if shape == 3:
        return In(name, Param(f"list {name}"), kind)
    if shape == 4:
        return InKeys((name, "n"), Param(f"keys {name}"), (kind, "Int"))
    ops = ["eq", "ne", "lt", "le", "gt", "ge"] + (["prefix", "contains"] if name == "t" else [])
    operand = draw(value.map(Const) | st.just(Param(f"value {name}")))
    return Compare(name, draw(st.sampled_from(ops)), operand, kind)  # type: ignore[arg-type]


PREDICATES = st.recursive(
    leaves(),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)
PARAMS = st.fixed_dictionaries(
    {f"value {n}": st.none() | held for n, held in VALUES.items()}
    | {f"list {n}": st.lists(st.none() | held, max_size=3) for n, held in VALUES.items()}
    | {f"keys {n}": st.lists(st.tuples(held, st.integers(-2, 2)), max_size=3)
       for n, held in VALUES.items()}
)  # fmt: skip


def batch_of(rows: list[dict[str, Any]]) -> Batch:
    return Batch({name: [row[name] for row in rows] for name in KINDS}, len(rows))


@settings(max_examples=400, deadline=None)
@given(PREDICATES, ROWS, PARAMS)
def test_a_compiled_predicate_is_true_where_the_evaluated_one_is(
    predicate: Predicate, rows: list[dict[str, Any]], params: dict[str, Any]
) -> None:
    batch = batch_of(rows)
    kept = compile_predicate(predicate)(batch.columns, batch.rows, params)
    assert kept == [evaluate(predicate, row, params) is True for row in rows]


def test_an_unbound_param_or_unknown_column_fails_closed() -> None:
    columns = {"n": [1, 2]}
    with pytest.raises(KeyError):
        compile_predicate(Compare("n", "eq", Param("nowhere"), "Int"))(columns, 2, {})
    with pytest.raises(KeyError):
        compile_predicate(IsNull("other"))(columns, 2, {})
    with pytest.raises(HubError):
        compile_predicate(Related("employments", "some", TRUE))


@settings(max_examples=150, deadline=None)
@given(ROWS, st.sampled_from(sorted(KINDS)), st.booleans(), st.none() | st.integers(0, 4))
def test_order_is_stable_with_nulls_as_the_largest(
    rows: list[dict[str, Any]], name: str, descending: bool, limit: int | None
) -> None:
    ask = Ask(
        table="t",
        columns=COLUMNS,
        order=(OrderBy(name, descending),),
        limit=None if limit is None else Param("n"),
    )
    made = apply(batch_of(rows), ask, {"n": limit})
    turn = key_turn([KINDS[name]])
    nulls = [row for row in rows if row[name] is None]
    held = [row for row in rows if row[name] is not None]
    for i in range(1, len(held)):  # insertion sort: slow, stable, obvious
        j = i
        while j and (
            turn((held[j][name],)) > turn((held[j - 1][name],))
            if descending
            else turn((held[j][name],)) < turn((held[j - 1][name],))
        ):
            held[j], held[j - 1] = held[j - 1], held[j]
            j -= 1
    wanted = (nulls + held if descending else held + nulls)[:limit]
    assert [
        dict(zip(KINDS, row, strict=True)) for row in zip(*made.columns.values(), strict=True)
    ] == wanted
    assert made.rows == len(wanted)


def test_a_limit_is_per_key_and_keys_compare_by_value() -> None:
    batch = Batch({"d": ["1.5", "1.50", "2", "1.5", None], "n": [5, 4, 3, 2, 1]}, 5)
    ask = Ask(
        table="t", columns=(Column("n", "Int"),), known=(Column("d", "Decimal"),),
        key_columns=("d",), order=(OrderBy("n"),), limit=2,
    )  # fmt: skip
    assert apply(batch, ask, {}, [("1.500",), ("2.0",)]).columns == {"n": [2, 3, 4]}


def test_sums_are_exact() -> None:
    assert total(["0.10"] * 3 + ["1" + "0" * 40], "Decimal") == "1" + "0" * 40 + ".30"
    assert total(["1e0", "0.5"], "Decimal") == "1.5"
    assert total(["9223372036854775807", "1"], "BigInt") == "9223372036854775808"
    assert total([2147483647, 1], "Int") == "2147483648"
    assert total([0.1] * 10, "Float") == 1.0
    assert total([], "Int") is None
    with pytest.raises(SourceError):
        total([1e308, 1e308], "Float")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3), min_size=1))
def test_a_decimal_sum_keeps_the_largest_scale(numbers: list[Decimal]) -> None:
    made = total([format(number, "f") for number in numbers], "Decimal")
    assert Fraction(made) == sum(map(Fraction, numbers))
    assert len(made.partition(".")[2]) == 3


def test_groups_come_ordered_with_nulls_last_and_equal_decimals_together() -> None:
    batch = Batch({"d": [None, "2", "1.5", "1.50", None], "n": [1, 2, 3, None, 5]}, 5)
    measures = (
        Measure("rows", "count"), Measure("held", "count", "n"), Measure("sum", "sum", "n"),
        Measure("least", "min", "n"), Measure("most", "max", "d"),
        Measure("kinds", "countDistinct", "d"),
    )  # fmt: skip
    ask = Ask(
        table="t", columns=(), known=(Column("d", "Decimal"), Column("n", "Int")),
        aggregate=Aggregate(("d",), measures),
    )  # fmt: skip
    made = apply(batch, ask, {}).columns
    assert made["d"] == ["1.5", "2", None]
    assert made["rows"] == [2, 1, 2]
    assert made["held"] == [1, 1, 2]
    assert made["sum"] == ["3", "2", "6"]
    assert made["least"] == [3, 2, 1]
    assert made["most"] == ["1.5", "2", None]
    assert made["kinds"] == [1, 1, 0]


def test_an_aggregate_of_nothing_is_one_row_without_groups_and_none_with() -> None:
    empty = Batch({"n": []}, 0)
    measures = (Measure("rows", "count"), Measure("sum", "sum", "n"), Measure("least", "min", "n"))
    ask = Ask(table="t", columns=(), known=(Column("n", "Int"),), aggregate=Aggregate((), measures))
    assert apply(empty, ask, {}).columns == {"rows": [0], "sum": [None], "least": [None]}
    grouped = Ask(
        table="t", columns=(), known=(Column("n", "Int"),), aggregate=Aggregate(("n",), measures)
    )
    assert apply(empty, grouped, {}).rows == 0


def test_nested_rows_go_with_their_parents() -> None:
    child = Batch({"c": [10, 20, 21, 30]}, 4)
    batch = Batch({"n": [3, 1, 2]}, 3, nested={"many": Nested(child, [0, 1, 3, 4])})
    ask = Ask(table="t", columns=(Column("n", "Int"),), order=(OrderBy("n"),), limit=2)
    made = apply(batch, ask, {})
    assert made.columns == {"n": [1, 2]}
    assert list(made.nested["many"].offsets) == [0, 2, 3]
    assert made.nested["many"].batch.columns == {"c": [20, 21, 30]}

"""Raw rows to canonical columns: the quick paths say what `canonical` says."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit.rows import columns_of, conform
from connectors.spi import Column
from schema.errors import SourceError
from schema.model.scalar import SCALAR_KINDS, canonical

RAW = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=6),
    st.sampled_from(["e\u0301", "12.50", "-0", "007", "1.0", "2020-01-02", "12:00:00", "+1",
                     "2020-01-01T00:00:00+08:00", "2020-01-01 00:00:00", "1e3", ".5"]),
    st.decimals(), st.datetimes(), st.dates(), st.binary(max_size=2),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(SCALAR_KINDS - {"JSON"})),
    st.lists(RAW, max_size=4) | st.lists(st.integers(-5, 2**31), max_size=4),
)
def test_a_column_is_converted_as_each_of_its_values(kind: Any, values: list[Any]) -> None:
    try:
        wanted = [canonical(kind, value) for value in values]
    except ValueError:
        with pytest.raises(SourceError) as raised:
            conform(values, Column("c", kind))
        assert raised.value.code == "SOURCE_BAD_DATA"
        return
    assert conform(values, Column("c", kind)) == wanted


def test_rows_may_lack_columns() -> None:
    rows = [{"a": 1, "at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, {"d": Decimal("12.50")}]
    columns = (Column("a", "BigInt"), Column("d", "Decimal"), Column("at", "DateTime"))
    batch = columns_of(rows, columns)
    assert batch.columns == {
        "a": ["1", None], "d": [None, "12.50"], "at": ["2020-01-01T00:00:00Z", None]
    }  # fmt: skip
    assert batch.rows == 2


def test_codes_are_converted_however_the_source_writes_them() -> None:
    column = Column("c", "String", (("1", "male"), ("true", "yes")))
    assert conform([1, "1", 1.0, True, "x", None], column) == [
        "male", "male", "male", "yes", "x", None
    ]  # fmt: skip


def test_an_error_shows_no_value() -> None:
    with pytest.raises(SourceError) as raised:
        conform(["hunter2"], Column("n", "Int"))
    assert "hunter2" not in str(raised.value)

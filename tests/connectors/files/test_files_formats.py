"""Files as departments write them: kinds as text, encodings, headers, sheets, native types."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files import sheets
from connectors.spi import Ask, Column, OrderBy
from schema.model.predicate import Compare, Const, In, Not, Param
from tests.connectors.files.source import (
    NUMBER,
    TEXT,
    book,
    columns,
    failure,
    opened,
    rows,
)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("Int", {"7": 7, " -7 ": -7, "7.00": 7, "": None, " ": None},
         ["7.5", "1_0", "x", "3000000000"]),
        ("BigInt", {"007": "7", "9223372036854775807": "9223372036854775807"}, ["1e3"]),
        ("Float", {"1e-3": 0.001, "-.5": -0.5, "1.": 1.0}, ["nan", "inf", "1e400", "1,5"]),
        ("Decimal", {"12.50": "12.50", "+.5": "0.5", "7": "7"}, ["1e3", "1,000", "12.5€"]),
        ("Boolean", {"TRUE": True, "no": False, "1": True, "f": False}, ["2", "maybe"]),
        ("Date", {"2020-03-01": "2020-03-01", "2020/3/1": "2020-03-01",
                  "2020-03-01 00:00:00": "2020-03-01"},
         ["2020-02-30", "01.03.2020", "2020-03-01 12:00", "0000-01-01"]),
        ("LocalDateTime", {"2020-03-01T12:00:00.50": "2020-03-01T12:00:00.5",
                           "2020-03-01 1:02": "2020-03-01T01:02:00", "2020-03-01":
                           "2020-03-01T00:00:00"}, ["2020-03-01T12:00:00Z", "12:00"]),
        ("DateTime", {"2020-03-01T12:00:00+08:00": "2020-03-01T04:00:00Z",
                      "2020-03-01 12:00:00.25Z": "2020-03-01T12:00:00.25Z"},
         ["2020-03-01T12:00:00", "2020-03-01T25:00:00Z"]),
        ("Time", {"9:05": "09:05:00", "23:59:59.10": "23:59:59.1"}, ["24:00", "9"]),
    ],
)  # fmt: skip
async def test_text_is_read_as_one_thing_or_refused(
    tmp_path: Path, kind: Any, good: dict[str, Any], bad: list[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("n,v\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(good)))
    (tmp_path / "bad.csv").write_text("n,v\n" + "".join(f'{i},"{v}"\n' for i, v in enumerate(bad)))
    column = Column("v", kind)
    async with opened(tmp_path) as held:
        batch = await rows(held, "t", column, known=(NUMBER,), order=(OrderBy("n"),))
        assert list(batch.columns["v"]) == list(good.values())
        for value in {v for v in good.values() if v is not None}:
            found = await rows(held, "t", column, wish=Compare("v", "eq", Const(value), kind))
            assert set(found.columns["v"]) == {value}
        for place in range(len(bad)):
            only = Compare("n", "eq", Const(place), "Int")
            error = await failure(held, "bad", column, known=(NUMBER,), wish=only)
            assert error.code == "SOURCE_BAD_DATA"
            assert bad[place] not in str(error)


@pytest.mark.asyncio
async def test_encodings_delimiters_headers_and_line_breaks(tmp_path: Path) -> None:
    (tmp_path / "gb.csv").write_bytes('编号;姓名\n1;"张;三"\n2;""\n3;\n'.encode("gb18030"))
    (tmp_path / "wide.csv").write_bytes("n\tname\n1\té\n".encode("utf-16"))
    (tmp_path / "bom.csv").write_bytes('\ufeff"n","na\nme"\r\n1,"x\r\ny"\r\n'.encode())
    (tmp_path / "late.csv").write_text("made by an office\n\nn|name\n1|a\n")
    (tmp_path / "none.csv").write_text("1,a\n2,NA\n")
    tables = {
        "gb": {"path": "gb.csv", "encoding": "GB18030"},
        "wide": {"path": "wide.csv", "encoding": "utf-16"},
        "late": {"path": "late.csv", "header": 3},
        "none": {"path": "none.csv", "header": False, "null": "NA"},
    }
    async with opened(tmp_path, tables) as held:
        one = await rows(held, "gb", Column("编号", "Int"), Column("姓名", "String"))
        assert columns(one) == {"编号": [1, 2, 3], "姓名": ["张;三", "", None]}
        assert columns(await rows(held, "wide", TEXT)) == {"name": ["é"]}
        broken = await rows(held, "bom", NUMBER, Column("na\nme", "String"))
        assert columns(broken) == {"n": [1], "na\nme": ["x\r\ny"]}
        assert columns(await rows(held, "late", NUMBER, TEXT)) == {"n": [1], "name": ["a"]}
        bare = await rows(held, "none", Column("column1", "Int"), Column("column2", "String"))
        assert columns(bare) == {"column1": [1, 2], "column2": ["a", None]}


@pytest.mark.asyncio
async def test_text_is_compared_after_normalisation_in_any_column_type(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("name\ne\u0301\nf\n", encoding="utf-8")
    pq.write_table(pa.table({"name": ["e\u0301", "f"]}), tmp_path / "p.parquet")
    async with opened(tmp_path) as held:
        for table in ("c", "p"):
            wish = Compare("name", "eq", Param("v"), "String")
            found = await rows(held, table, TEXT, wish=wish, params={"v": "é"})
            assert columns(found) == {"name": ["é"]}


@pytest.mark.asyncio
async def test_several_files_are_one_table(tmp_path: Path) -> None:
    for year in (2023, 2024):
        (tmp_path / f"y{year}.csv").write_text(f"n,name\n{year},a\n")
    (tmp_path / "odd[1].csv").write_text("n,name\n1,odd\n")
    tables = {"years": {"path": "y*.csv"}, "odd": {"path": "odd[1].csv"}}
    async with opened(tmp_path, tables) as held:
        assert sorted((await rows(held, "years", NUMBER)).columns["n"]) == [2023, 2024]
        assert columns(await rows(held, "odd", TEXT)) == {"name": ["odd"]}
        (tmp_path / "y2025.csv").write_text("n,name\n2025,a\n")
        assert (await rows(held, "years", NUMBER)).rows == 3
        (tmp_path / "y2026.csv").write_text("name,n\nb,2026\n")
        assert (await failure(held, "years", NUMBER)).code == "SOURCE_BAD_DATA"


MOMENT = dt.datetime.fromisoformat("2020-01-02T03:04:05")
MIDNIGHT = dt.datetime.fromisoformat("2020-01-02T00:00:00")
LINES = [
    ["n", "name", "when", "day", "clock", None, "name"],
    [1, "001", MOMENT, dt.date(2020, 1, 2), dt.time(1, 2, 3)],
    [],
    [2.0, 12.5, MIDNIGHT, None, None, "x", True],
    [3, "#N/A", None, None, None, None, "é"],
]
SHEET = {
    "n": [1, 2, 3],
    "name": ["001", "12.5", None],
    "when": ["2020-01-02T03:04:05", "2020-01-02T00:00:00", None],
    "day": ["2020-01-02", None, None],
    "clock": ["01:02:03", None, None],
    "column6": [None, "x", None],
    "name_2": [None, "true", "é"],
}
KINDS: dict[str, Any] = {"n": "Int", "when": "LocalDateTime", "day": "Date", "clock": "Time"}


@pytest.mark.asyncio
@pytest.mark.parametrize("streamed", [False, True])
async def test_sheets_are_read_alike_by_both_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    if streamed:
        monkeypatch.setattr(sheets, "QUICK_BYTES", 0)
    book(tmp_path / "b.xlsx", LINES, "second")
    async with opened(tmp_path, {"moved": {"path": "b.xlsx#second"}}) as held:
        wanted = [Column(name, KINDS.get(name, "String")) for name in SHEET]
        assert columns(await rows(held, "b", *wanted)) == SHEET
        for table in ("b.xlsx#second", "moved"):
            assert columns(await rows(held, table, NUMBER)) == {"n": [1]}
    book(tmp_path / "b.xlsx", [[], ["a title"], [None, "n", "name"], [None, 1, "x"]])
    async with opened(tmp_path, {"b": {"path": "b.xlsx", "header": 3}}) as held:
        assert columns(await rows(held, "b", NUMBER, TEXT)) == {"n": [1], "name": ["x"]}


@pytest.mark.asyncio
async def test_parquet_types_of_every_width(tmp_path: Path) -> None:
    moment = MOMENT.replace(microsecond=250000)
    table = pa.table({
        "tiny": pa.array([1, None], pa.uint8()),
        "huge": pa.array([2**64 - 1, 0], pa.uint64()),
        "real": pa.array([2.0, 0.5], pa.float32()),
        "wide": pa.array([None, 1], pa.decimal128(38, 0)),
        "nano": pa.array([moment, None], pa.timestamp("ns")),
        "milli": pa.array([moment, None], pa.timestamp("ms", tz="UTC")),
        "inner": pa.array([{"a": [1, None]}, None]),
        "word": pa.array(["x", None]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    wanted: list[tuple[str, Any, list[Any]]] = [
        ("tiny", "Int", [1, None]), ("tiny", "String", ["1", None]),
        ("tiny", "Decimal", ["1", None]), ("tiny", "Boolean", [True, None]),
        ("huge", "Decimal", ["18446744073709551615", "0"]),
        ("huge", "String", ["18446744073709551615", "0"]), ("real", "Float", [2.0, 0.5]),
        ("wide", "Decimal", [None, "1"]), ("wide", "Int", [None, 1]),
        ("nano", "LocalDateTime", ["2020-01-02T03:04:05.25", None]),
        ("milli", "DateTime", ["2020-01-02T03:04:05.25Z", None]),
        ("inner", "JSON", [{"a": [1, None]}, None]), ("word", "ID", ["x", None]),
    ]  # fmt: skip
    async with opened(tmp_path) as held:
        for name, kind, values in wanted:
            assert list((await rows(held, "t", Column(name, kind))).columns[name]) == values, name
        assert (await failure(held, "t", Column("real", "Int"))).code == "SOURCE_BAD_DATA"
        assert (await failure(held, "t", Column("inner", "Int"))).code == "SOURCE_BAD_DATA"
        assert (await failure(held, "t", Column("none", "Int"))).code == "SOURCE_BAD_DATA"
        # what DuckDB cannot compare exactly is left to the hub
        for name, kind, value in (("wide", "Decimal", "1"), ("inner", "JSON", 1)):
            column = Column(name, kind)  # type: ignore[arg-type]
            wish = Not(In(name, (Const(value),), kind))  # type: ignore[arg-type]
            left = held.offer(Ask(table="t", columns=(column,), wish=wish, limit=1)).residual
            assert left is not None
            assert (left.wish, left.limit) == (wish, 1)


@pytest.mark.asyncio
async def test_discovery_guesses_kinds_and_keys(tmp_path: Path) -> None:
    lines = ["code,id,n,big,amount,ratio,day,at,stamp,clock,flag,name,region,blank"]
    lines += [
        f"c{i % 7},{i + 1},{i % 3},{5_000_000_000 + i % 2 * 10_000_000_000},{i}.50,{i}e-{i % 9},"
        f"2020-01-{i % 9 + 1:02},2020-01-01 00:00:0{i % 9},2020-01-01T00:00:00+0{i % 9}:00,"
        f"12:00:0{i % 9},{'true' if i % 2 else 'false'},n{i % 3},33010{i % 9},"
        for i in range(20)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "pair.csv").write_text("a,b\n1,1\n1,2\n2,1\n")
    pq.write_table(pa.table({"n": pa.array([1, 1])}), tmp_path / "p.parquet")
    async with opened(tmp_path) as held:
        shape = {table.name: table for table in (await held.discover()).tables}
    assert {c.name: c.kind for c in shape["t"].columns} == {
        "code": "String", "id": "Int", "n": "Int", "big": "BigInt", "amount": "Decimal",
        "ratio": "Float", "day": "Date", "at": "LocalDateTime", "stamp": "DateTime",
        "clock": "Time", "flag": "Boolean", "name": "String", "region": "String",
        "blank": "String",
    }  # fmt: skip
    assert shape["t"].keys[0] == ("id",)
    assert (shape["t"].rows, shape["t"].detail) == (20, {"path": "t.csv"})
    assert [c.name for c in shape["t"].columns if c.nullable] == ["blank"]
    assert shape["pair"].keys == (("a", "b"),)
    assert shape["p"].columns[0].kind == "BigInt"
    assert shape["p"].keys == ()

"""JSON files as tables, files below folders, and columns that folders' names hold."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files import records
from connectors.spi import Column
from schema.errors import HubError
from schema.model.predicate import Compare, Param
from tests.connectors.files.source import NUMBER, TEXT, columns, failure, opened, rows

MONEY = Column("money", "Decimal")
SIZE = Column("size", "BigInt")


@pytest.mark.asyncio
async def test_numbers_are_as_they_are_written_and_what_is_missing_is_null(tmp_path: Path) -> None:
    (tmp_path / "held.jsonl").write_text(
        '{"n": 1, "money": 1234567890123456789.10, "size": 9223372036854775807}\n'
        "\n"
        '{"name": "", "n": null, "money": 1.5e3}\n'
        '{"name": "\\u00e9", "deep": {"a": [1, 2]}, "n": 2}\n'
    )
    async with opened(tmp_path) as held:
        deep = Column("deep", "JSON")
        assert columns(await rows(held, "held", NUMBER, TEXT, MONEY, SIZE, deep)) == {
            "n": [1, None, 2],
            "name": [None, "", "é"],
            "money": ["1234567890123456789.10", "1500", None],
            "size": ["9223372036854775807", None, None],
            "deep": [None, None, {"a": [1, 2]}],
        }


@pytest.mark.asyncio
async def test_an_array_is_read_like_lines(tmp_path: Path) -> None:
    (tmp_path / "held.json").write_text(json.dumps([{"n": 1}, {"n": 2, "name": "b"}], indent=1))
    tables = {"listed": {"path": "held.json"}}
    async with opened(tmp_path, tables) as held:
        found = await rows(held, "listed", NUMBER, TEXT)
        assert columns(found) == {"n": [1, 2], "name": [None, "b"]}
        assert [table.name for table in (await held.discover()).tables] == ["listed"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text",
    ['{"n": 1}\n{"n": 2', '{"n": 1}\n[2]', "7", '{"n": 1, "N": 2}', "", '{"n": 1} {"n": 2}'],
)
async def test_what_is_no_list_of_objects_is_refused_until_it_is_mended(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "held.ndjson"
    file.write_text('{"n": 1}')
    async with opened(tmp_path, {"held": {"path": "held.ndjson"}}) as held:
        assert columns(await rows(held, "held", NUMBER)) == {"n": [1]}
        file.write_text(text)
        assert (await failure(held, "held", NUMBER)).code == "SOURCE_BAD_DATA"
        file.write_text('{"n": 3}')
        assert columns(await rows(held, "held", NUMBER)) == {"n": [3]}


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ['{"name": "0123456789"}', '[{"name": "0123456789"}]'])
async def test_sizes_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "held.json").write_text(text)
    tables = {"held": {"path": "held.json"}}
    monkeypatch.setattr(records, "MAX_LINE", 24)
    monkeypatch.setattr(records, "WHOLE_BYTES", 24)
    async with opened(tmp_path, tables) as held:
        assert columns(await rows(held, "held", TEXT)) == {"name": ["0123456789"]}
    monkeypatch.setattr(records, "MAX_LINE" if text[0] == "{" else "WHOLE_BYTES", 12)
    with pytest.raises(HubError) as raised:
        async with opened(tmp_path, tables):
            pass
    assert raised.value.code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_files_below_folders_are_one_table(tmp_path: Path) -> None:
    for place in ("a", "b/c"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "day.csv").write_text(f"n,name\n{len(place)},{place}\n")
    (tmp_path / "b" / "other.txt").write_text("no table")
    tables = {"days": {"path": "**/*.csv"}, "named": {"path": f"{tmp_path}/b/*/day.csv"}}
    async with opened(tmp_path, tables) as held:
        assert columns(await rows(held, "days", TEXT)) == {"name": ["a", "b/c"]}
        assert columns(await rows(held, "named", TEXT)) == {"name": ["b/c"]}
        (tmp_path / "b" / "day.csv").write_text("n,name\n7,b\n")
        assert sorted((await rows(held, "days", TEXT)).columns["name"]) == ["a", "b", "b/c"]


@pytest.mark.asyncio
async def test_what_folders_are_called_is_a_column(tmp_path: Path) -> None:
    for year, month in (("2023", "01"), ("2024", "02"), ("2024", "10")):
        folder = tmp_path / f"year={year}" / f"month={month}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"n": pa.array([int(month)], pa.int32())}), folder / "p.parquet")
    tables = {"sales": {"path": "**/*.parquet", "partitions": True}}
    async with opened(tmp_path, tables) as held:
        month, year = Column("month", "String"), Column("year", "Int")
        wish = Compare("year", "eq", Param("y"), "Int")
        found = await rows(
            held, "sales", NUMBER, month, known=(year,), wish=wish, params={"y": 2024}
        )
        assert sorted(zip(*columns(found).values(), strict=True)) == [(2, "02"), (10, "10")]
        (table,) = (one for one in (await held.discover()).tables if one.name == "sales")
        assert {column.name for column in table.columns} == {"n", "year", "month"}
        assert table.detail == {"path": "**/*.parquet", "partitions": True}

"""Files that change, that are damaged, that are slow; and a database closed to the world."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files import database
from connectors.spi import Aggregate, Ask, Call, Column, Measure
from schema.errors import HubError, SourceError
from schema.model.predicate import Compare, Const
from tests.connectors.files.source import (
    NUMBER,
    TEXT,
    book,
    columns,
    connector,
    connector_of,
    failure,
    opened,
    rows,
)


@pytest.mark.asyncio
@pytest.mark.parametrize("keep", [database.LOAD_BYTES, 0])
async def test_a_changed_file_is_read_again_and_never_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    """A writer replaces the file all the time; each answer is one version of it."""
    monkeypatch.setattr(database, "LOAD_BYTES", keep)
    path = tmp_path / "t.csv"

    def write(version: int) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_text("n,name\n" + f"{version},x\n" * (1000 + version))
        fresh.replace(path)

    write(0)
    total = Aggregate((), (Measure("rows", "count"), Measure("least", "min", "n"),
                           Measure("most", "max", "n")))  # fmt: skip
    ask = Ask(table="t", columns=(), known=(NUMBER,), aggregate=total)
    seen = set()
    async with opened(tmp_path) as held:
        offer = held.offer(ask)
        for version in range(1, 25):
            await asyncio.to_thread(write, version)
            asked = [asyncio.ensure_future(held.fetch_all(offer.handle, Call())) for _ in range(3)]
            await asyncio.sleep(0.001)
            await asyncio.to_thread(write, version)
            for batch in await asyncio.gather(*asked, return_exceptions=True):
                if isinstance(batch, BaseException):
                    assert isinstance(batch, SourceError)
                    assert batch.code == "SOURCE_UNAVAILABLE"
                    continue
                (count,), (least,), (most,) = batch.columns.values()
                assert least == most == count - 1000
                seen.add(least)
        final = await held.fetch_all(offer.handle, Call())
        assert list(final.columns["most"]) == [24]
    assert len(seen) > 5


@pytest.mark.asyncio
async def test_a_damaged_file_is_refused_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("n,name\n1,a\n")
    async with opened(tmp_path, {"t": {"path": "t.csv"}}) as held:
        for damage in (b"n,name\n1\n", b'n,name\n1,"a\n', b"n,name\n1,\xff\xfe\n", b"\n", b""):
            path.write_bytes(damage)
            error = await failure(held, "t", NUMBER, TEXT)
            assert error.code == "SOURCE_BAD_DATA", damage
            assert "xff" not in str(error)
        path.write_text("n,other\n1,a\n")
        assert (await failure(held, "t", NUMBER, TEXT)).code == "SOURCE_BAD_DATA"
        path.unlink()
        assert (await failure(held, "t", NUMBER)).code == "SOURCE_UNAVAILABLE"
        assert (await held.probe()).code == "SOURCE_UNAVAILABLE"
        path.write_text("n,name\n2,b\n")
        assert columns(await rows(held, "t", NUMBER, TEXT)) == {"n": [2], "name": ["b"]}
        assert (await held.probe()).ok


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["t.parquet", "t.xlsx", "t.xls"])
async def test_garbage_is_refused_when_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00garbage" * 100)
    held = connector(tmp_path, {"t": {"path": name}})
    with pytest.raises(SourceError) as raised:
        await held.open()
    assert raised.value.code in ("SOURCE_BAD_DATA", "SOURCE_UNAVAILABLE")
    assert str(tmp_path) not in str(raised.value)
    await held.close()
    async with opened(tmp_path) as folder:  # nobody described it: it is left out
        assert (await folder.discover()).tables == ()


@pytest.mark.asyncio
async def test_a_parquet_file_that_changes_its_types_is_planned_again(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": pa.array([1, 2], pa.int32())}), path)
    async with opened(tmp_path) as held:
        wish = Compare("n", "gt", Const(1), "Int")
        offer = held.offer(Ask(table="t", columns=(NUMBER,), wish=wish))
        pq.write_table(pa.table({"n": ["3", "0"]}), path)
        batch = await held.fetch_all(offer.handle, Call())
        assert columns(batch) == {"n": [3]}


@pytest.mark.asyncio
async def test_a_slow_statement_is_interrupted_at_once(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("n\n" + "".join(f"{i}\n" for i in range(200_000)))
    async with opened(tmp_path, {"t": {"path": "t.csv"}}) as held:
        cursor = held._database.cursor()
        cursor.execute("CREATE VIEW slow AS SELECT a.n FROM t a, t b WHERE hash(a.n, b.n) = 1")
        held._database.tables["slow"] = slow = database.Held(held._database.held("t").table)
        slow.natives, slow.stamp = {"n": "VARCHAR"}, held._database.held("t").stamp
        handle = held.offer(Ask(table="slow", columns=(NUMBER,))).handle
        for _ in range(2):
            task = asyncio.ensure_future(held.fetch_all(handle, Call()))
            await asyncio.sleep(0.2)
            started = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for _ in range(held.capabilities.max_in_flight):  # every place is free again
                await held._flight.enter(started + 1)
            for _ in range(held.capabilities.max_in_flight):
                held._flight.leave()
        with pytest.raises(SourceError) as raised:
            await held.fetch_all(handle, Call(deadline=time.monotonic() + 0.1))
        assert raised.value.code == "SOURCE_TIMEOUT"
        assert columns(await rows(held, "t", NUMBER, limit=1)) == {"n": [0]}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd', delim=':', all_varchar=true)",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/never.csv'",
        "ATTACH '/tmp/never.duckdb'",
        "INSTALL httpfs",
        "LOAD '/tmp/never.duckdb_extension'",
        "SELECT * FROM 'http://127.0.0.1:1/x.csv'",
        "SET enable_external_access=true",
        "SET allowed_directories=['/']",
        "SET memory_limit='64GB'",
    ],
)
async def test_the_database_is_closed_to_the_world(tmp_path: Path, statement: str) -> None:
    (tmp_path / "t.csv").write_text("n\n1\n")
    async with opened(tmp_path) as held:
        with pytest.raises(duckdb.Error):
            held._database.cursor().execute(statement).fetchall()
    assert not any(tmp_path.parent.parent.parent.glob("never.*"))


@pytest.mark.asyncio
async def test_names_from_files_are_quoted(tmp_path: Path) -> None:
    name = 'n" FROM t; DROP TABLE t; --'
    (tmp_path / "t.csv").write_text('"n"" FROM t; DROP TABLE t; --",{}\n1,2\n')
    table = "x'); DROP TABLE t; --"
    (tmp_path / f"{table}.csv").write_text("n\n7\n")
    async with opened(tmp_path) as held:
        batch = await rows(held, "t", Column(name, "Int"), Column("{}", "Int"))
        assert columns(batch) == {name: [1], "{}": [2]}
        assert columns(await rows(held, table, NUMBER)) == {"n": [7]}


@pytest.mark.asyncio
async def test_private_copies_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOAD_BYTES", 0)
    book(tmp_path / "b.xlsx", [["n"], [1], [2], [3]])
    held = connector(tmp_path, {"b": {"path": "b.xlsx"}})
    await held.open()
    private = held._database._private
    assert private is not None
    assert len(list(private.glob("*.csv"))) == 1
    book(tmp_path / "b.xlsx", [["n"], [1], [2], [3], [9]])
    assert (await rows(held, "b", NUMBER)).rows == 4
    assert len(list(private.glob("*.csv"))) == 1
    await held.close()
    assert not private.exists()


@pytest.mark.parametrize(
    ("connect", "tables"),
    [
        ({"path": 7}, {}),
        ({}, {}),
        ({"path": "/tmp", "threads": 0}, {}),
        ({"path": "/tmp"}, {"t": 7}),
        ({"path": "/tmp"}, {"t": {"path": "t.doc"}}),
        ({"path": "/tmp"}, {"t": {"path": "t.csv", "colour": "red"}}),
        ({"path": "/tmp"}, {"t": {"path": "t.csv", "header": "first"}}),
        ({"path": "/tmp"}, {"t": {"path": "t.csv", "delimiter": "ab"}}),
        ({"path": "/tmp"}, {"t": {"path": "t.csv", "encoding": "klingon"}}),
        ({"path": "/tmp"}, {"t": {"path": "t.csv"}, "T": {"path": "u.csv"}}),
    ],
)
def test_a_wrong_declaration_is_refused(connect: dict[str, Any], tables: dict[str, Any]) -> None:
    with pytest.raises(HubError) as raised:
        connector_of(connect, tables)
    assert raised.value.code == "CONFIG_INVALID"


@pytest.mark.asyncio
async def test_one_file_is_a_source(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n\n1\n")
    (tmp_path / "other.csv").write_text("n\n2\n")
    async with opened(tmp_path / "t.csv") as held:
        assert [table.name for table in (await held.discover()).tables] == ["t"]
    async with opened(tmp_path / "o*.csv") as held:
        assert columns(await rows(held, "other", NUMBER)) == {"n": [2]}
    missing = connector(tmp_path / "none.csv")
    with pytest.raises(SourceError):
        await missing.open()
    await missing.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "detail",
    [{"path": "t.csv"}, {"path": "t.csv", "encoding": "gb18030"}, {"path": "*.csv"},
     {"path": "t.xlsx"}, {"path": "t.json"}],
)  # fmt: skip
async def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    tmp_path: Path, detail: dict[str, Any]
) -> None:
    """Who may write into a department's folder does not read what lies beside it."""
    ours, theirs = tmp_path / "civil", tmp_path / "tax"
    ours.mkdir()
    theirs.mkdir()
    (theirs / "t.csv").write_text("n,name\n1,Li\n")
    (theirs / "t.json").write_text('[{"n": 1, "name": "Li"}]')
    book(theirs / "t.xlsx", [["n", "name"], [1, "Li"]])
    async with opened(theirs, {"t": detail}) as held:
        assert columns(await rows(held, "t", NUMBER, TEXT)) == {"n": [1], "name": ["Li"]}
    for file in theirs.iterdir():
        (ours / file.name).symlink_to(file)
    with pytest.raises(SourceError) as refused:
        async with opened(ours, {"t": detail}):
            pass
    assert refused.value.code == "SOURCE_BAD_DATA"
    # a link within the folder is one more name of a file
    for file in theirs.iterdir():
        (ours / file.name).unlink()
        (ours / f"kept-{file.name}.old").write_bytes(file.read_bytes())
        (ours / file.name).symlink_to(ours / f"kept-{file.name}.old")
    async with opened(ours, {"t": detail}) as held:
        assert columns(await rows(held, "t", NUMBER, TEXT)) == {"n": [1], "name": ["Li"]}

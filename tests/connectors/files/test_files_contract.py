"""CSV, Parquet, Excel and JSON files keep every law of the connector SPI."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connectors import contract
from connectors.files import database
from connectors.spi import Connector
from tests.connectors.files.source import loader


def _taking_away(folder: Path):  # type: ignore[no-untyped-def]
    async def fail(_: Connector) -> None:
        shutil.rmtree(folder)

    return fail


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["csv", "gb18030", "parquet", "excel", "jsonl"])
async def test_the_laws(tmp_path: Path, kind: str) -> None:
    report = await contract.check(
        loader(tmp_path, kind),
        contract.Setting(
            asks=150,
            empty_text=kind != "excel",  # a cell is empty or it is not
            secret=(str(tmp_path), tmp_path.name),
            fail=_taking_away(tmp_path),
        ),
    )
    assert report.ok, report


@pytest.mark.asyncio
async def test_the_laws_for_a_file_too_large_to_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOAD_BYTES", 0)
    report = await contract.check(loader(tmp_path, "csv"), contract.Setting(asks=60))
    assert report.ok, report

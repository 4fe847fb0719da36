"""`hub source norms`: what of a source's values no norm knows, told to its department."""

from __future__ import annotations

import asyncio
from pathlib import Path

from click.testing import CliRunner

from hub.cli.source import source
from tests.hub.normed import FRAGMENT, ROWS, asking, sqlite_file


def test_the_report_names_the_codes_to_the_department(tmp_path: Path) -> None:
    asyncio.run(_opened(tmp_path))
    run = CliRunner().invoke(source, ["norms", "civil", "--config", str(tmp_path / "hub.yaml")])
    assert run.exit_code == 0, run.output
    assert run.output.splitlines() == [
        "Resident.sex · gb-t-2261.1: 1 of 6 values outside",
        "  X: 1 (no code of the list)",
        "Resident.region · gb-t-2260: 3 of 6 values outside",
        "  330104 -> 330102, 330114: 1 (what it stood for was divided)",
        "  330110 -> 330110, 330113: 1 (what it stood for was divided)",
        "  999999: 1 (no code of the list)",
        "Resident.born · Date of yyyymmdd: 3 of 6 values outside",
        "  00000000: 1 (cannot be read)",
        "  1990-1-2: 1 (cannot be read)",
        "  20010229: 1 (cannot be read)",
    ]
    missing = CliRunner().invoke(source, ["norms", "tax", "--config", str(tmp_path / "hub.yaml")])
    assert "known: civil" in str(missing.exception)


async def _opened(home: Path) -> None:
    connect = sqlite_file(home / "civil.sqlite", ROWS)
    async with asking(home, {"civil": FRAGMENT.format(kind="sql", connect=connect)}):
        pass

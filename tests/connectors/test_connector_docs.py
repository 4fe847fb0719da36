"""The page about connectors: its example runs, its fragment is one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from connectors.files.connector import connect
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

PAGE = Path(__file__).resolve().parents[2] / "docs" / "connectors.md"


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S
    )


def test_the_example_holds_a_connector_against_the_contract(tmp_path: Path) -> None:
    (text,) = blocks("python")
    file = tmp_path / "example.py"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=PAGE.parents[1],
        env={"PYTHONPATH": str(PAGE.parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ", 0 failures" in done.stdout


def test_the_fragment_of_files_is_taken() -> None:
    (text,) = blocks("yaml")
    told = yaml.safe_load(text)
    decl = SourceDecl(
        name=SourceName("civic"),
        department=DepartmentName("civic"),
        kind="files",
        connect=told["connect"],
        tables=told["tables"],
    )
    connect(decl, lambda held: held)

"""The five packages are ours, whatever distributions of the same names exist."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("hub", "schema", "connectors", "auth", "policies")


@pytest.mark.parametrize("room", ROOMS)
def test_package_lies_in_the_repository(room: str) -> None:
    found = importlib.import_module(room).__file__
    assert found is not None
    assert Path(found).resolve() == ROOT / room / "__init__.py"


@pytest.mark.parametrize("room", ROOMS)
def test_package_is_found_from_another_folder(room: str, tmp_path: Path) -> None:
    """Without the working folder on the path, the editable install must still win."""
    code = f"import {room}; print({room}.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(run.stdout.strip()).resolve() == ROOT / room / "__init__.py"


def test_lock_names_no_shadowing_distribution() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    names = {re.sub(r"[-_.]+", "-", package["name"]).lower() for package in lock["package"]}
    assert not names & set(ROOMS)
    assert "governed-data-hub" in names


def test_wheel_takes_exactly_the_five_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert tuple(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == ROOMS


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[<>=!;\[ ]", line, maxsplit=1)[0].lower() for line in wanted}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    told = {m.lower() for m in re.findall(r"^- `([^`]+)`: \S", page, flags=re.MULTILINE)}
    assert names - told == set(), "docs/dependencies.md: no line for these"
    assert told - names == set(), "docs/dependencies.md: no longer a dependency"

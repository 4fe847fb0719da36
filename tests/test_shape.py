"""The shape of the code: short files, no catch-all modules, packages that hold only a docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("hub", "schema", "connectors", "auth", "policies")
BANNED = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}
LONGEST = 400


def sources() -> Iterator[Path]:
    for folder in (*ROOMS, "tests", "bench", "examples"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def test_no_catch_all_names() -> None:
    names = {
        str(path.relative_to(ROOT))
        for path in sources()
        if {part.removesuffix(".py").strip("_") for part in path.relative_to(ROOT).parts} & BANNED
    }
    assert names == set()


@pytest.mark.parametrize("room", ROOMS)
def test_modules_say_what_they_are(room: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / room).rglob("*.py"))
        if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []


def test_packages_hold_no_code() -> None:
    """``__init__`` is a docstring, imports and ``__all__``."""
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    busy = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("__init__.py")):
            body = ast.parse(path.read_text(encoding="utf-8")).body[1:]
            if any(not isinstance(node, allowed) for node in body):
                busy.append(str(path.relative_to(ROOT)))
    assert busy == []

"""The page on registration: its commands run, its operations are of the control API."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from hub.cli.main import run
from hub.control.schema import control_sdl
from tests.hub.registration.bureau import SALARY, Bureau, Captured

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "registration.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)


def test_its_commands(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    bureau = Bureau(tmp_path, capsys)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "civil.yaml"
    file.write_text(bureau.civil())
    (commands,) = blocks("sh")
    lines = [line.split("  #")[0].split("   #")[0].strip() for line in commands.splitlines()]
    assert len(lines) > 15
    for line in lines:
        if "--based-on" in line:
            file.write_text(bureau.civil(SALARY))
        status = run(shlex.split(line, comments=True)[1:])
        assert status == 0, (line, bureau.printed())


def test_its_operations() -> None:
    schema = build_schema(control_sdl())
    found = blocks("graphql")
    assert len(found) == 2
    for text in found:
        assert validate(schema, parse(text)) == []

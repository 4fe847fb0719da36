"""`hub policy prove` and `hub policy diff`: real files, no source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from hub.cli.main import run
from hub.settings import expand
from tests.hub.cli.test_check import BUNDLE, FRAGMENT

ASSERTIONS = """\
assert: readers-state-a-purpose
readers: {states: purpose}
of: {types: [Person]}
---
assert: no dead rules
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A configuration with one bundle and assertions beside it."""
    for name in ("fragments", "policies", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "fragments" / "civil.yaml").write_text(FRAGMENT)
    (tmp_path / "policies" / "rules.yaml").write_text(BUNDLE)
    (tmp_path / "policies" / "rules.assert.yaml").write_text(ASSERTIONS)
    (tmp_path / "hub.yaml").write_text(
        "fragments: ['fragments/*.yaml']\npolicies: ['policies/*.yaml']\n"
    )
    return tmp_path


def test_proved(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "prove", "--config", str(home / "hub.yaml")]) == 0
    out = capsys.readouterr().out
    assert "rules.assert.yaml:1:1: readers-state-a-purpose: proved" in out
    assert "note: callers are what their credentials say" in out


def test_assertions_are_not_read_as_rules(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [file.name for file in expand([f"{home}/policies/*.yaml"])] == ["rules.yaml"]
    assert run(["check", str(home / "fragments"), "--policies", str(home / "policies")]) == 0
    assert "1 bundles" in capsys.readouterr().out


def test_refuted_with_a_caller(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = home / "other.assert.yaml"
    other.write_text("assert: nobody\nnobody: at all\nof: {types: [Person]}\n")
    command = ["policy", "prove", str(home / "policies"), "--fragments", str(home / "fragments")]
    assert run([*command, "--assertions", str(other), "--json"]) == 1
    captured = capsys.readouterr()
    (result,) = orjson.loads(captured.out)["results"]
    assert result["verdict"] == "refuted"
    (example,) = result["examples"]
    assert example["coordinate"].startswith("Person.")
    assert example["caller"]["purpose"] == "administration"
    assert example["rules"] == ["everybody-may-list@1"]
    assert "POLICY_NOT_PROVED" in captured.err
    assert run([*command, "--assertions", str(other), "--language", "zh"]) == 1
    assert "不成立" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "status", "told"),
    [
        ("", "", 0, "equal"),
        ("modes: [read]", "modes: [project]", 0, "tightening"),
        ("purpose: administration", "department: x", 1, "both"),
        ("modes: [read]", "modes: [read, filter]", 1, "loosening"),
    ],
)
def test_diff(
    home: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, status: int, told: str
) -> None:
    (home / "new" / "rules.yaml").write_text(BUNDLE.replace(old, new))
    sides = [str(home / "policies"), str(home / "new")]
    command = ["policy", "diff", *sides, "--config", str(home / "hub.yaml")]
    assert run(command) == status
    assert capsys.readouterr().out.startswith(told)
    assert run([*command, "--fail-on", "never", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["kind"] == told


def test_without_assertions_there_is_nothing_to_prove(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "policies" / "rules.assert.yaml").unlink()
    assert run(["policy", "prove", "--config", str(home / "hub.yaml")]) == 1
    assert "there are no assertions" in capsys.readouterr().err
    assert run(["policy", "prove"]) == 2


def test_serving_does_not_load_the_solver() -> None:
    code = "import hub.serve.runner, hub.wiring, hub.cli.check, sys; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

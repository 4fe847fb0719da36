"""`hub policy reveal`: a bound to approve, and whether the rules still keep within it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from hub.cli.main import run
from tests.scenarios.world import prepare

CALLERS = """
subjects:
  desk:
    {app: desk, department: town, org_kind: government, tier: township, region: "330102001",
     purposes: [grassroots], clearance: {cn-gbt43697: G3}}
  clinic: {app: clinic, department: health, org_kind: government, purposes: [case],
           clearance: {cn-gbt43697: G4}, compartments: [pi.sensitive.health]}
"""
PEOPLE = "query People { persons(first: 5) { nodes { name district } } }"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "callers.yaml").write_text(CALLERS)
    (tmp_path / "people.graphql").write_text(PEOPLE)
    return prepare(tmp_path, monkeypatch)


def reveal(config: Path, *more: str) -> int:
    home = config.parent
    callers = ["--subjects", str(home / "callers.yaml"), "--config", str(config)]
    return run(["policy", "reveal", str(home / "people.graphql"), *callers, *more])


def approved(config: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert reveal(config, "--app", "desk", "--json") == 0
    file = config.parent / "approved.json"
    file.write_text(capsys.readouterr().out)
    return file


def checked(config: Path, file: Path) -> int:
    return run(["policy", "reveal", "--check", str(file), "--config", str(config)])


def rewrite(config: Path, old: str, new: str) -> None:
    rules = config.parent / "rules.yaml"
    text = rules.read_text(encoding="utf-8")
    assert old in text
    rules.write_text(text.replace(old, new), encoding="utf-8")


def test_told_in_both_languages(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reveal(config, "--app", "desk") == 0
    told = capsys.readouterr().out
    assert told.startswith("People: at most 5 rows")
    assert "Person: at most 5 rows; rows where `district` begins with the caller's region" in told
    assert "read `Person.name`: as it is; at most 5 values; label G2, pi; owner psb" in told
    assert reveal(config, "--app", "desk", "--language", "zh") == 0
    assert "开头为调用方所在区域" in capsys.readouterr().out


def test_callers_are_joined_or_chosen(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reveal(config) == 0
    assert "Person: at most 5 rows; every row" in capsys.readouterr().out
    assert reveal(config, "--department", "nobody") == 1
    assert "there is no caller" in capsys.readouterr().err


def test_a_manifest_of_trusted_documents(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = config.parent
    (home / "trusted.json").write_bytes(orjson.dumps({"one": PEOPLE, "two": "{ caller { app } }"}))
    command = ["policy", "reveal", str(home / "trusted.json"), "--config", str(config)]
    assert run([*command, "--subjects", str(home / "callers.yaml"), "--json"]) == 0
    assert len(orjson.loads(capsys.readouterr().out)["operations"]) == 2


def test_nothing_has_changed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = approved(config, capsys)
    assert checked(config, file) == 0
    assert "no more than was approved" in capsys.readouterr().out


def test_tighter_rules_keep_within_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = approved(config, capsys)
    rewrite(config, "[Person.name, Person.district]", "[Person.district]")
    assert checked(config, file) == 0


def test_a_wider_row_condition_is_noticed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = approved(config, capsys)
    old = "resources: {fields: [Person.name, Person.district]}\nrows: {region_within: [row.region, "
    rewrite(config, old + "subject.region]}", "resources: {fields: [Person.name, Person.district]}")
    assert checked(config, file) == 1
    told = capsys.readouterr()
    assert "People: Person: the row condition is wider: every row" in told.out
    assert "can reveal more than was approved" in told.err


def test_what_was_approved_cannot_be_rewritten(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = approved(config, capsys)
    held = orjson.loads(file.read_bytes())
    held["operations"][0]["rows"] = 1_000_000
    file.write_bytes(orjson.dumps(held))
    assert checked(config, file) == 1
    assert "the digest is not that of the bound" in capsys.readouterr().err
    file.write_text("{}")
    assert checked(config, file) == 1
    assert "this is not an approved bound" in capsys.readouterr().err


def test_wrong_usage(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reveal(config, "--check", str(config)) == 2
    assert run(["policy", "reveal", "--config", str(config)]) == 2
    assert "name the operations' files" in capsys.readouterr().err

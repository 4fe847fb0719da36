"""`hub audit` as an operator meets it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.audit.entry import encoder
from hub.audit.link import link
from hub.cli.audit import audit
from hub.store.ledger import open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import engine_at, entry


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "hub-state").mkdir()
    engine = engine_at(tmp_path / "hub-state" / "state.sqlite")
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(entry(number)).decode() for number in range(30)], link)
    file = tmp_path / "hub.yaml"
    file.write_text("")
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(audit, [str(word) for word in words])


def test_verify(config: Path) -> None:
    result = run("verify", "--config", config)
    assert result.exit_code == 0
    assert "whole: 30 entries" in result.output


def test_verify_against_a_head_that_was_taken_before(config: Path, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    assert run("head", "--config", config, "--out", head).exit_code == 0
    assert "holds the head at entry 30" in run("verify", "--config", config, "--head", head).output
    state = tmp_path / "hub-state" / "state.sqlite"
    with closing(sqlite3.connect(state)) as connection, connection:
        connection.execute("DELETE FROM audit_entries WHERE seq > 28")
    result = run("verify", "--config", config, "--head", head)
    assert isinstance(result.exception, HubError)
    assert (result.exception.code, result.exception.where) == ("AUDIT_BROKEN", "entry 29")


def test_a_declared_head_file_that_is_gone_is_told(config: Path) -> None:
    config.write_text("audit: {head: head.json}")
    result = run("verify", "--config", config)
    assert isinstance(result.exception, HubError)
    assert result.exception.code == "NOT_FOUND"


def test_tail(config: Path) -> None:
    lines = run("tail", "-n", 3, "--config", config).output.splitlines()
    assert [line.split()[0] for line in lines] == ["28", "29", "30"]
    assert "benefit.eligibility" in lines[0]
    held = run("tail", "-n", 2, "--json", "--config", config).output.splitlines()
    fields = [json.loads(line)["entry"]["fields"] for line in held]
    assert fields[0] == [["Person.name", "project", "allow", ["r1"]]]
    assert fields[1] == [["Audit.entries", "project", "allow", []]], "who looked before"


def test_no_log_yet(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text("")
    result = run("verify", "--config", file)
    assert isinstance(result.exception, HubError)
    assert result.exception.code == "NOT_FOUND"
    assert not (tmp_path / "hub-state").exists()


@pytest.mark.parametrize("words", [(), ("verify",), ("tail",), ("head",), ("subject",)])
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.output

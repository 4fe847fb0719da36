"""`hub policy approve` and `hub policy reveal --stored`: the stored bound against the present."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from hub.cli.main import run
from tests.hub.rollout.office import Office, permit

Captured = pytest.CaptureFixture[str]
CALLERS = """\
subjects:
  desk: {app: benefits, department: human-resources, clearance: {plain: restricted}}
"""
WHOLE = "query Whole { persons(first: 2) { nodes { idNumber name salary } } }"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    (tmp_path / "callers.yaml").write_text(CALLERS)
    (tmp_path / "whole.graphql").write_text(WHOLE)
    office.release(permit("name"))
    return office


def said(office: Office, captured: Captured, *words: str) -> tuple[int, str]:
    status = run(["policy", *words, "--config", str(office.home / "hub.yaml")])
    found = captured.readouterr()
    return status, found.out + found.err


def approve(office: Office, captured: Captured, who: str = "li") -> tuple[int, str]:
    home = office.home
    callers = ("--subjects", str(home / "callers.yaml"), "--json")
    status, text = said(office, captured, "reveal", str(home / "whole.graphql"), *callers)
    assert status == 0
    (home / "approved.json").write_text(text)
    key = ("--key", str(home / f"{who}.pem"))
    return said(office, captured, "approve", str(home / "approved.json"), *key)


def test_stored_against_current(office: Office, capsys: Captured) -> None:
    assert said(office, capsys, "reveal", "--stored") == (0, "no document was ever approved\n")
    status, text = approve(office, capsys)
    assert (status, "approval 1" in text, "`release.bounds` is off" in text) == (0, True, True)
    status, text = said(office, capsys, "reveal", "--stored")
    assert status == 0
    assert "approval 1, li, " in text
    assert "for benefits: kept" in text
    assert "read `Person.salary`: not open" in text
    office.release(permit("name", "salary"))
    status, text = said(office, capsys, "reveal", "--stored")
    assert (status, "[POLICY_NOT_PROVED]" in text) == (1, True)
    assert "for benefits: more than that now" in text
    lines = [line.strip() for line in text.splitlines()]
    assert any(line.startswith("-   read `Person.salary`: not open") for line in lines)
    assert any(line.startswith("+   read `Person.salary`: as it is") for line in lines)
    assert "! project Person.salary: it was not open" in lines
    status, text = said(office, capsys, "reveal", "--stored", "--language", "zh", "--json")
    found = orjson.loads(text[: text.rindex("]") + 1].rpartition("\nhub:")[0] or text)
    assert found[0]["serial"] == 1
    assert found[0]["more"] == ["project Person.salary: 原不开放"]
    status, text = approve(office, capsys, "wang")
    assert (status, "approval 2" in text) == (0, True)
    status, text = said(office, capsys, "reveal", "--stored")
    assert (status, "approval 2, wang" in text) == (0, True)


def test_withdrawn(office: Office, capsys: Captured) -> None:
    key = ("--key", str(office.home / "wang.pem"))
    status, text = said(office, capsys, "withdraw", "0123456789ab", *key)
    assert (status, "[RELEASE_REFUSED]" in text, "--stored" in text) == (1, True, True)
    _, text = approve(office, capsys)
    document = text.split()[0]
    assert said(office, capsys, "withdraw", document, *key) == (
        0, f"{document}  withdrawn by statement 2\n",
    )  # fmt: skip
    status, text = said(office, capsys, "reveal", "--stored")
    assert (status, text.startswith(f"{document}  statement 2, wang, ")) == (0, True)
    assert text.endswith(": withdrawn\n")


def test_a_bound_that_was_changed_is_not_approved(office: Office, capsys: Captured) -> None:
    approve(office, capsys)
    file = office.home / "approved.json"
    file.write_text(file.read_text().replace('"rows": 2', '"rows": 900', 1))
    status, text = said(office, capsys, "approve", str(file), "--key", str(office.home / "li.pem"))
    assert (status, "the digest is not that of the bound" in text) == (1, True)


def test_stored_takes_nothing_else(office: Office, capsys: Captured) -> None:
    whole = str(office.home / "whole.graphql")
    assert said(office, capsys, "reveal", "--stored", whole)[0] == 2
    approve(office, capsys)
    check = ("--check", str(office.home / "approved.json"))
    assert said(office, capsys, "reveal", "--stored", *check)[0] == 2

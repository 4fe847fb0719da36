"""`hub policy floor`, and what `hub policy status` says of floors."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from hub.cli.main import run
from tests.hub.rollout.floored import BY_ROW, Floored

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def office(tmp_path: Path) -> Floored:
    office = Floored(tmp_path, owner=True)
    office.fragment(by_row=BY_ROW)
    return office


def said(office: Floored, captured: Captured, *words: str) -> tuple[int, str]:
    status = run(["policy", *words, "--config", str(office.home / "hub.yaml")])
    found = captured.readouterr()
    return status, found.out + found.err


def test_a_department_signs_shows_and_verifies(office: Floored, capsys: Captured) -> None:
    key = ("--key", str(office.home / "civil.pem"))
    assert "civil-affairs  not signed" in said(office, capsys, "status")[1]
    status, text = said(office, capsys, "floor", "show", "civil-affairs", "--signed")
    assert (status, "[NOT_FOUND]" in text) == (1, True)
    status, text = said(office, capsys, "floor", "sign", *key)
    assert status == 0
    assert "Person.name: label confidential, pi; conditional; metadata members" in text
    assert "clearance internal" in text
    assert "Person.salary: label internal; unconditional; in some rows restricted" in text
    assert "signed by civil-affairs as its floor 1" in text
    status, text = said(office, capsys, "floor", "verify")
    assert (status, text) == (0, "civil-affairs  floor 1, 3 fields\n")
    office.fragment(by_row=BY_ROW, salary="{type: Int, label: public}")
    for words in (("floor", "verify"), ("floor", "sign", *key)):
        status, text = said(office, capsys, *words)
        assert (status, "[FLOOR_LOWERED]" in text) == (1, True)
        assert "Person.salary" in text
    text = said(office, capsys, "status")[1]
    assert "civil-affairs  floor 1 is not kept: " in text
    assert "note: workers refuse what is in force" in text
    status, text = said(office, capsys, "floor", "sign", "--lower", *key)
    assert status == 0
    assert "no longer: `Person.salary`: its label is `public` on `plain`, not `internal`" in text
    status, text = said(office, capsys, "floor", "show", "civil-affairs", "--signed", "--json")
    held = orjson.loads(text)
    assert held["serial"] == 2
    assert held["fields"]["Person.salary"]["label"]["levels"] == [["plain", "public"]]
    office.fragment(
        by_row=BY_ROW.replace("[salary]", "[salary, pay]"),
        salary="{type: Int, label: public}",
        pay="{column: salary, type: Int, label: public}",
    )
    assert "1 fields not in it" in said(office, capsys, "status")[1]

"""The life of a registered source at the command line: every step, and every refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub.registration.bureau import SALARY, Bureau, Captured


@pytest.fixture
def bureau(tmp_path: Path, capsys: Captured) -> Bureau:
    return Bureau(tmp_path, capsys)


def test_from_draft_to_withdrawal(bureau: Bureau) -> None:
    assert bureau.good("list") == "no source is registered\n"
    assert bureau.register(bureau.civil())[1] == "`civil` version 1 is draft (revision 1)\n"
    report = bureau.good("check", "civil")
    assert ": passed" in report
    assert "safe: Person: a new type" in report
    assert "new: Person.name label: - -> internal" in report
    assert "new: Person.name share: - -> unconditional" in report
    bureau.good("submit", "civil", "--by", "zhang")
    assert "approved (revision 4)" in bureau.good("approve", "civil", *bureau.key("li"))
    assert "published (revision 5)" in bureau.good("publish", "civil")
    assert "version 1 published" in bureau.good("list")
    bureau.published(bureau.civil(SALARY), "civil", "--based-on", "5")
    history = bureau.good("history", "civil")
    assert [line.strip().split("  ")[3].split(" ")[0] for line in history.splitlines()] == [
        "edit", "check", "submit", "approve", "publish",
    ] * 2  # fmt: skip
    assert "+      salary: {type: Int}" in bureau.good("diff", "civil", "--from", "1")
    assert "superseded" in bureau.good("show", "civil", "--version", "1")
    assert bureau.good("show", "civil", "--version", "1", "--text") == bureau.civil()
    back = ("rollback", "civil", "--to", "1", *bureau.key("wang"), "--reason", "too much")
    assert "version 3 is published" in bureau.good(*back)
    assert "rolled back" in bureau.good("show", "civil", "--version", "2")
    said = bureau.good("withdraw", "civil", "--reason", "switched off")
    assert said.splitlines() == ["  gone: Person", "`civil` version 3 is withdrawn (revision 12)"]
    assert "not published" in bureau.good("list")
    acts = [(act, by) for act, by, outcome in bureau.acts() if outcome == "ok"]
    assert ("source.approve", "li") in acts
    assert ("source.roll_back", "wang") in acts
    assert len(acts) == 12


def test_the_norms_of_a_registered_source_are_looked_at(bureau: Bureau) -> None:
    bureau.published(bureau.civil(), "civil")
    assert bureau.good("norms", "civil") == "no field of it has a norm\n"

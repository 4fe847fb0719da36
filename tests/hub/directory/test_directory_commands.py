"""`hub directory`: a file taken whole or not at all, and what is done with single entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.main import run

PEOPLE = """\
departments:
  - {id: tax, kind: government, tier: city, region: "3301", title: {en: Tax Office, zh: 税务局}}
apps:
  - {id: arrears, department: tax, purposes: [tax.audit]}
persons:
  - {id: sun, department: tax, duties: [data-requester]}
duty_items:
  - id: tax-audit-01
    department: tax
    legal_basis: ["Tax Collection Law, article 6"]
    purposes: [tax.audit]
    valid_from: 2026-01-01
"""


class Shell:
    def __init__(self, home: Path, told: pytest.CaptureFixture[str]) -> None:
        self.home, self._told = home, told
        (home / "hub.yaml").write_text("directory: {enabled: true}\n")

    def run(self, *words: str) -> tuple[int, str]:
        status = run(["directory", *words, "--config", str(self.home / "hub.yaml")])
        said = self._told.readouterr()
        return status, said.out + said.err

    def good(self, *words: str) -> str:
        status, said = self.run(*words)
        assert status == 0, said
        return said

    def file(self, text: str) -> str:
        (self.home / "people.yaml").write_text(text, encoding="utf-8")
        return str(self.home / "people.yaml")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_a_file_is_taken_whole(shell: Shell) -> None:
    file = shell.file(PEOPLE)
    assert "would change: 4 entries" in shell.good("import", file, "--dry-run")
    assert shell.good("list", "person") == ""
    said = shell.good("import", file)
    assert "added  person  sun" in said
    assert "taken: 4 entries" in said
    assert "confirmed  app  arrears" in shell.good("import", file)
    moved = PEOPLE.replace("[data-requester]", "[data-requester, source-steward]")
    assert "changed  person  sun: duties" in shell.good("import", shell.file(moved))
    shown = shell.good("show", "person", "sun")
    assert "source-steward" in shown
    assert "confirmed: duties" in shown
    assert "by import" in shown


def test_what_is_wrong_is_told_with_its_place_and_nothing_is_taken(shell: Shell) -> None:
    wrong = PEOPLE.replace("duties: [data-requester]", "duties: [auditor, security-officer]")
    wrong = wrong.replace("id: arrears, department: tax", "id: arrears, department: nowhere")
    wrong = wrong.replace("kind: government", "sort: government")
    status, said = shell.run("import", shell.file(wrong))
    assert status == 1
    assert "people.yaml:2:" in said
    assert "sort" in said
    status, said = shell.run("import", shell.file(wrong.replace("sort: government", "tier: city")))
    assert status == 1
    status, said = shell.run("import", shell.file(wrong.replace("sort:", "kind:")))
    assert "people.yaml:4:" in said
    assert "people.yaml:6:" in said
    assert "nobody holds `auditor` and `security-officer` at once" in said
    for text, told in (
        ("- a list", "not a directory"),
        ("people: []", "not a part: `people`"),
        ("departments: {}", "not a part: `departments`"),
        ("departments: [", "people.yaml:"),
    ):
        status, said = shell.run("import", shell.file(text))
        assert status == 1
        assert told in said, said
    assert shell.good("list", "department") == ""


def test_single_entries(shell: Shell) -> None:
    shell.good("import", shell.file(PEOPLE))
    assert "sun  revision 1" in shell.good("list", "person")
    shell.good("suspend", "person", "sun", "--based-on", "1")
    assert "suspended" in shell.good("list", "person")
    status, said = shell.run("resume", "person", "sun", "--based-on", "1")
    assert (status, "EDIT_CONFLICT" in said) == (1, True)
    shell.good("resume", "person", "sun")
    status, said = shell.run("remove", "department", "tax")
    assert (status, "not empty" in said) == (1, True)
    shell.good("remove", "person", "sun")
    status, said = shell.run("show", "person", "sun")
    assert (status, "NOT_FOUND" in said) == (1, True)

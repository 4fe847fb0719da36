"""`hub emergency`: everybody is who their credentials say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from hub.cli.main import run
from tests.auth import forge
from tests.hub.emergency.brigade import CASE, LISTS, MORE, PEOPLE
from tests.scenarios.world import CONFIG, prepare

ISSUER = f"""
auth:
  issuers: [{{issuer: "{forge.ISSUER}", audience: [hub], jwks: jwks.json}}]
  claims: {{user: [user]}}
"""


class Shell:
    """Commands over one folder, each as somebody."""

    def __init__(
        self, home: Path, patch: pytest.MonkeyPatch, told: pytest.CaptureFixture[str], more: str
    ) -> None:
        self.home, self._told = home, told
        self.config = prepare(home, patch)
        (home / "lists.yaml").write_text(LISTS, encoding="utf-8")
        forge.write_all(home / "jwks.json")
        text = CONFIG.replace("auth: {development_issuer: {directory: issuer}}\n", "")
        self.config.write_text(text + ISSUER + more, encoding="utf-8")

    def run(self, claims: dict[str, Any] | None, *words: str) -> tuple[int, str]:
        """A command's status, and what it printed."""
        file = self.home / "token.txt"
        now = time.time()
        said = {**(claims or {}), "iat": now - 1, "exp": now + 600}
        said["azp"] = said.pop("app", None)
        file.write_text("nothing" if claims is None else forge.token(forge.claims(**said)))
        status = run([*words, "--credentials", str(file), "--config", str(self.config)])
        printed = self._told.readouterr()
        return status, printed.out + printed.err

    def good(self, claims: dict[str, Any], *words: str) -> str:
        """What a command printed that must succeed."""
        status, said = self.run(claims, *words)
        assert status == 0, said
        return said


def test_the_whole_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path, monkeypatch, capsys, MORE)
    e, officer, s = PEOPLE["E"], PEOPLE["E-officer"], PEOPLE["S"]
    declare = ("declare", "flood", "--title", "Flood", "--opens", "rescue", "--hours", "72")
    breaks = ("break", "flood", "rescue", "--case", CASE, "--reason", "find residents")
    for claims, code in ((None, "UNAUTHENTICATED"), (e, "FORBIDDEN")):
        status, said = shell.run(claims, "emergency", *declare)
        assert (status, code in said) == (1, True), said
    assert "`flood` is declared until" in shell.good(officer, "emergency", *declare)
    status, said = shell.run(officer, "emergency", *breaks)
    assert (status, "FORBIDDEN" in said) == (1, True)
    opened = shell.good(e, "emergency", *breaks).split()[1]
    listed = shell.good(s, "emergency", "list")
    assert f"{opened} in flood: `rescue` by" in listed
    assert "to be reviewed by" in listed
    review = ("review", opened, "--outcome", "justified", "--note", "all in the case")
    status, said = shell.run(s, "emergency", *review)
    assert (status, "EMERGENCY_REFUSED" in said) == (1, True)
    shell.good(s, "emergency", "revoke", opened)
    assert "is reviewed: justified" in shell.good(s, "emergency", *review)
    assert "`flood` has ended" in shell.good(officer, "emergency", "end", "flood")
    assert "justified" in shell.good(e, "emergency", "list")


def test_a_hub_without_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path, monkeypatch, capsys, "")
    status, said = shell.run(PEOPLE["S"], "emergency", "list")
    assert status == 1
    assert "emergency.lists" in said


def test_duties_that_must_be_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path, monkeypatch, capsys, f"{MORE}  use_duty: security-officer\n")
    status, said = shell.run(PEOPLE["S"], "emergency", "list")
    assert status == 1
    assert "use_duty" in said


def test_proofs_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path, monkeypatch, capsys, MORE)
    stated = tmp_path / "never.assert.yaml"
    for field, status in (("Person.keyWatch", 0), ("Person.phone", 1)):
        stated.write_text(
            "assert: never\nnobody: {app: emergency-desk}\n"
            f"reads: raw\nof: {{fields: [{field}]}}\n"
            "assume: {not: {eq: [subject.department, psb]}}\n"
        )
        command = ["policy", "prove", "--config", str(shell.config), "--assertions", str(stated)]
        assert run(command) == status, capsys.readouterr()
        said = capsys.readouterr().out
        assert ("grant.break-glass:rescue" in said) == bool(status), said

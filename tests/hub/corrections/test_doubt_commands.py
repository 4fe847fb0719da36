"""`hub correction`: the same steps at the command line, each as somebody."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.cli.main import run
from tests.auth import forge
from tests.hub.corrections.registry_office import MORE, PEOPLE, RULES, SAID
from tests.scenarios.world import CONFIG, prepare

ISSUER = f"""
auth:
  issuers: [{{issuer: "{forge.ISSUER}", audience: [hub], jwks: jwks.json}}]
  claims: {{user: [user]}}
"""


class Shell:
    """Commands over one folder, each as somebody."""

    def __init__(
        self, home: Path, patch: pytest.MonkeyPatch, told: pytest.CaptureFixture[str]
    ) -> None:
        self.home, self._told = home, told
        self.config = prepare(home, patch)
        with (home / "rules.yaml").open("a", encoding="utf-8") as rules:
            rules.write(RULES)
        # a calendar that covers whatever year it is when this runs
        years = list(range(2026, 2100))
        (home / "years.yaml").write_text(
            "pack: years\nversion: 1\ntitle: {en: Years}\n"
            f"calendars: {{always: {{years: {years}, weekend: [sat, sun]}}}}\n"
            "clocks: {doubts: {start_event: doubt.reported, days: 10, calendar: always,"
            " extension: {days: 10, needs: data_authority}, on_expiry: escalate}}\n",
            encoding="utf-8",
        )
        forge.write_all(home / "jwks.json")
        text = CONFIG.replace("auth: {development_issuer: {directory: issuer}}\n", "")
        text = text.replace("packs: [cn, city.yaml]", "packs: [cn, city.yaml, years.yaml]")
        more = MORE.replace("enabled: true", "enabled: true, clock: doubts")
        self.config.write_text(text + ISSUER + more, encoding="utf-8")

    def run(self, claims: dict[str, Any], *words: str) -> tuple[int, str]:
        """A command's status, and what it printed."""
        file, now = self.home / "token.txt", time.time()
        said = {**claims, "iat": now - 1, "exp": now + 600}
        said["azp"] = said.pop("app")
        file.write_text(forge.token(forge.claims(**said)))
        config = str(self.config)
        status = run(["correction", *words, "--credentials", str(file), "--config", config])
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
    shell = Shell(tmp_path, monkeypatch, capsys)
    reporter, steward = PEOPLE["B-li"], PEOPLE["steward"]
    file = tmp_path / "doubt.json"
    file.write_bytes(orjson.dumps(dict(SAID)))
    status, said = shell.run(steward, "report", str(file))
    assert (status, "PURPOSE_NOT_ALLOWED" in said) == (1, True), said
    said = shell.good(reporter, "report", str(file))
    name, _, rest = said.strip().partition(": ")
    assert rest == "accepted for verification"
    assert f"{name}: Aid.status of civil is reported" in shell.good(steward, "list")
    assert shell.run(PEOPLE["market"], "show", name)[0] == 1
    assert 'key: {"number":"a1"}' in shell.good(steward, "show", name)
    note = ("--note", "seen")
    status, said = shell.run(steward, "accept", name, *note, "--based-on", "2")
    assert (status, "EDIT_CONFLICT" in said) == (1, True)
    assert "is accepted" in shell.good(steward, "accept", name, *note, "--based-on", "1")
    assert "(revision 3)" in shell.good(PEOPLE["authority"], "extend", name, *note)
    done = shell.good(steward, "resolve", name, "--outcome", "corrected", *note)
    assert "is corrected" in done
    assert "0 open" in shell.good(PEOPLE["authority"], "list", "--scores")
    status, said = shell.run(steward, "reject", name, *note)
    assert (status, "CORRECTION_REFUSED" in said) == (1, True)
    file.write_text("{}")
    status, said = shell.run(reporter, "report", str(file))
    assert (status, "BAD_REQUEST" in said) == (1, True)

"""`hub share`: the life of a share at the command line, everybody as their credentials say."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.cli.main import run
from tests.auth import forge
from tests.hub.sharing.agency import ASKS, CONFIG, FRAGMENT, JUDGES, OWNS, lay_out

PLAIN = {"clearance": {"plain": "restricted"}}
TODAY = dt.datetime.now(dt.UTC).date()


class Shell:
    """Commands over one folder."""

    def __init__(self, home: Path, told: pytest.CaptureFixture[str]) -> None:
        self.home, self._told = home, told
        lay_out(home)
        fragment = FRAGMENT.format(db=home / "civil.sqlite").replace("label: G2", "label: internal")
        (home / "civil.yaml").write_text(fragment, encoding="utf-8")
        config = CONFIG.format(issuer=forge.ISSUER).replace("packs: [cn]\n", "")
        (home / "hub.yaml").write_text(config)

    def run(self, claims: dict[str, Any], *words: str) -> tuple[int, str]:
        """A command's status, and what it printed."""
        file, now = self.home / "token.txt", time.time()
        said = {"user": None, **claims, **PLAIN, "iat": now - 1, "exp": now + 600}
        file.write_text(forge.token(forge.claims(**said)))
        config = str(self.home / "hub.yaml")
        status = run(["share", *words, "--credentials", str(file), "--config", config])
        printed = self._told.readouterr()
        return status, printed.out + printed.err

    def good(self, claims: dict[str, Any], *words: str) -> str:
        """What a command printed that must succeed."""
        status, said = self.run(claims, *words)
        assert status == 0, said
        return said

    def bad(self, claims: dict[str, Any], *words: str) -> str:
        """What a command printed that must be refused."""
        status, said = self.run(claims, *words)
        assert status == 1, said
        return said

    def file(self, name: str, values: Any) -> str:
        (self.home / name).write_text(yaml.safe_dump(values), encoding="utf-8")
        return str(self.home / name)


def request(days: int = 200, **terms: Any) -> dict[str, Any]:
    until = TODAY + dt.timedelta(days=days)
    return {
        "app": "arrears", "department": "tax", "legal_basis": "Tax Collection Law, article 6",
        "duty_item": "tax-audit-01", "scenario": "declared incomes", "recipient_ack": True,
        "terms": {
            "purpose": "administration", "fields": {"Person.salary": "allow"}, "modes": ["read"],
            "from": TODAY.isoformat(), "expires": until.isoformat(), **terms,
        },
    }  # fmt: skip


def test_the_life_of_a_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(tmp_path, capsys)
    assert "Person.salary" in shell.good(ASKS, "search", "monthly", "salary")
    said = shell.good(ASKS, "request", shell.file("r.yaml", request()))
    ident = re.search(r"request (\w+) is draft", said)
    assert ident is not None, said
    name = ident[1]
    assert "is submitted (revision 2)" in shell.good(ASKS, "submit", name)
    assert "part 0  civil-affairs  waiting" in shell.good(OWNS, "show", name)
    assert name in shell.good(JUDGES, "list")
    refuse = ("refuse", name, "--part", "0", "--reason", "law-forbids", "--said", "article 9")
    assert "SHARE_REFUSED" in shell.bad({**OWNS, "user": "sun"}, *refuse)
    assert "law-forbids: article 9" in shell.good(OWNS, *refuse, "--based-on", "2")
    assert "EDIT_CONFLICT" in shell.bad(OWNS, *refuse, "--based-on", "2")
    assert "disputed" in shell.good(ASKS, "dispute", name, "--part", "0", "--said", "it does not")
    judge = ("judge", name, "--part", "0", "--judgement", "reconsider", "--said", "look again")
    assert "FORBIDDEN" in shell.bad(OWNS, *judge)
    assert "waiting" in shell.good(JUDGES, *judge)
    less = request(100, fields={"Person.salary": {"mask": {"bucket": {"width": 1000}}}})["terms"]
    terms = shell.file("less.yaml", less)
    said = shell.good(OWNS, "agree", name, "--part", "0", "--terms", terms, "--said", "bands")
    grant = f"share-{name}-0"
    assert f"grant {grant}" in said
    assert f"{grant}  offered" in shell.good(OWNS, "grants")
    assert f"{grant}  live" in shell.good(ASKS, "accept", grant)
    assert f"{grant}  live" in shell.good(OWNS, "certify", grant)
    until = (TODAY + dt.timedelta(days=300)).isoformat()
    renewed = shell.good(ASKS, "renew", grant, "--expires", until)
    other = re.search(r"request (\w+) is draft", renewed)
    assert other is not None
    gone = shell.good(ASKS, "withdraw", other[1], "--reason", "not needed")
    assert "is withdrawn" in gone
    assert f"{grant}  revoked" in shell.good(OWNS, "revoke", grant, "--reason", "too much")
    assert f"{grant}  revoked" in shell.good(ASKS, "reach", grant)


def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(tmp_path, capsys)
    for values, said in (
        ("- a list", "SHARE_INVALID"),
        ({**request(), "appp": "x"}, "appp"),
        (request(fields={"Person.nothing": "allow"}), "there is no field `Person.nothing`"),
        (request(days=5000), "too long"),
    ):
        assert said in shell.bad(ASKS, "request", shell.file("wrong.yaml", values))
    (tmp_path / "broken.yaml").write_text("terms: [")
    assert "not readable YAML" in shell.bad(ASKS, "request", str(tmp_path / "broken.yaml"))
    assert "NOT_FOUND" in shell.bad(OWNS, "show", "nothing")
    (tmp_path / "hub.yaml").write_text(
        (tmp_path / "hub.yaml").read_text().replace("sharing: {enabled: true}\n", "")
    )
    assert "sharing.enabled" in shell.bad(ASKS, "list")

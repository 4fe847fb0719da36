"""A hub whose sources are registered: two departments' live databases, officers' keys, commands."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from hub.audit.entry import Act, read_body
from hub.cli.main import run
from hub.rollout.signer import new_key
from hub.settings import Settings, read_settings
from hub.store.engine import open_engine
from hub.store.ledger import open_ledger

CIVIL = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{home}/civil.sqlite"}}}}
types:
  Person:
    key: [idNumber]
    from: {{table: residents}}
    label: internal
    share: unconditional
    fields:
      idNumber: {{column: id_number, type: String}}
      name: {{type: String}}
{more}
"""
TAX = """\
hub: 1
source: {{name: tax, department: tax, kind: sql, connect: {{url: "sqlite:///{home}/tax.sqlite"}}}}
types:
  Person:
    extend: true
    key: [idNumber]
    from: {{table: payers}}
    label: internal
    share: unconditional
    fields:
      idNumber: {{column: id_number, type: String, authoritative: false}}
      arrears: {{type: Int}}
"""
CONFIG = """\
fragments: []
policies: ["rules.yaml"]
instance: {{mode: development}}
listen: {{reload_poll_s: 0}}
release:
  officers:
    - {{id: li, keys: [li.pub.json]}}
    - {{id: wang, keys: [wang.pub.json]}}
    - {{id: zhao, keys: [zhao.pub.json], retired: true}}
  owners: [{{department: tax, keys: [tax.pub.json]}}]
registry:
  enabled: true
  departments:
    - {{department: civil-affairs, places: ["sqlite:///{home}/"], references: ["env:CIVIL_*"]}}
    - {{department: tax, places: ["sqlite:///{home}/"]}}
{more}
"""
RULES = """\
policy: shown
effect: permit
subjects: {app: benefits}
resources: {share: unconditional}
modes: [read, filter, sort]
"""
SALARY = "      salary: {type: Int}"
Captured = pytest.CaptureFixture[str]


class Bureau:
    """One folder with everything, and the commands over it."""

    def __init__(self, home: Path, captured: Captured, *, more: str = "") -> None:
        self.home = home
        self._captured = captured
        for who in ("li", "wang", "zhao", "tax", "stranger"):
            pem, public = new_key()
            (home / f"{who}.pem").write_bytes(pem)
            (home / f"{who}.pem").chmod(0o600)
            (home / f"{who}.pub.json").write_bytes(public)
        rows = ((f"id{n}", f"N{n}", 1000 + n) for n in range(4))
        self._table("civil", "residents (id_number TEXT, name TEXT, salary INTEGER)", rows)
        self._table("tax", "payers (id_number TEXT, arrears INTEGER)", [("id1", 7)])
        (home / "rules.yaml").write_text(RULES)
        (home / "hub.yaml").write_text(CONFIG.format(home=home, more=more))

    def _table(self, name: str, shape: str, rows: object) -> None:
        with closing(sqlite3.connect(self.home / f"{name}.sqlite")) as connection, connection:
            connection.execute(f"CREATE TABLE {shape}")
            table, marks = shape.split(" ")[0], ", ".join("?" * (shape.count(",") + 1))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # type: ignore[arg-type]  # noqa: S608

    @property
    def settings(self) -> Settings:
        """The configuration."""
        return read_settings(self.home / "hub.yaml", {})

    def civil(self, more: str = "") -> str:
        """The fragment of the first department."""
        return CIVIL.format(home=self.home, more=more)

    def tax(self) -> str:
        """The fragment of the second, which adds to the first one's type."""
        return TAX.format(home=self.home)

    def run(self, *words: str) -> tuple[int, str]:
        """A command's status, and what it printed."""
        status = run(["source", *words, "--config", str(self.home / "hub.yaml")])
        return status, self.printed()

    def printed(self) -> str:
        """What was printed since the last look."""
        said = self._captured.readouterr()
        return said.out + said.err

    def good(self, *words: str) -> str:
        """What a command printed that must succeed."""
        status, said = self.run(*words)
        assert status == 0, said
        return said

    def bad(self, *words: str) -> str:
        """The last line of a command that must be refused."""
        status, said = self.run(*words)
        assert status == 1, said
        return said.splitlines()[-1]

    def register(self, text: str, *words: str) -> tuple[int, str]:
        """Register a text."""
        (self.home / "fragment.yaml").write_text(text)
        return self.run("register", str(self.home / "fragment.yaml"), *words)

    def key(self, who: str) -> tuple[str, str]:
        """The option that names a private key."""
        return "--key", str(self.home / f"{who}.pem")

    def submitted(self, text: str, name: str, *words: str) -> None:
        """Register, check and submit."""
        status, said = self.register(text, *words)
        assert status == 0, said
        self.good("check", name)
        self.good("submit", name)

    def published(self, text: str, name: str, *words: str) -> None:
        """All steps."""
        self.submitted(text, name, *words)
        self.good("approve", name, *self.key("li"))
        self.good("publish", name)

    def log(self) -> Sequence[Act]:
        """What the audit log says of steps."""
        engine = open_engine(self.settings.state.database_url)
        with closing(open_ledger(engine)) as ledger:
            found = [read_body(row.body) for row in ledger.rows()]
        engine.dispose()
        return [one for one in found if isinstance(one, Act)]

    def acts(self) -> Sequence[tuple[str, str, str]]:
        """Act, who, and what came of it."""
        return [(one.act, one.by, one.code or one.outcome) for one in self.log()]

"""A hub with officers: drafts, keys, releases in its database, and workers that serve them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import OKPKey

from hub.audit.entry import Act, Entry, read_body
from hub.loading import load_files
from hub.query.request import Request
from hub.rollout import lifecycle
from hub.rollout.desk import Desk, open_desk
from hub.rollout.gate import Draft, Gate
from hub.rollout.signature import Envelope
from hub.rollout.signer import new_key, private_key
from hub.settings import Settings, read_settings
from hub.store.engine import open_engine
from hub.store.ledger import open_ledger
from hub.wiring import Hub
from schema.errors import HubError
from schema.model.names import DepartmentName
from schema.model.subject import Subject

FRAGMENT = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{db}"}}}}
types:
  Person:
    key: [idNumber]
    from: {{table: residents}}
    label: internal
    share: unconditional
    fields:
      idNumber: {{column: id_number, type: String}}
      name: {{type: String}}
      salary: {{type: Int}}
"""
CONFIG = """\
fragments: ["civil.yaml"]
policies: ["drafts/*.yaml"]
{grants}
instance: {{mode: development}}
release:
  required: {required}
  officers:
    - {{id: li, role: security_officer, keys: [li.pub.json]}}
    - {{id: wang, keys: [wang.pub.json]}}
    - {{id: zhao, keys: [zhao.pub.json], retired: {retired}}}
  owners: [{owner}]
"""
OWNER = "{department: civil-affairs, keys: [civil.pub.json]}"
STATED = "assert: only-benefits\nreaders: {app: [benefits, tax]}\nof: {types: [Person]}\n"
NOW = 1_790_000_000.0
DAY = 86_400
CALLER = Subject(
    id="app:benefits",
    app="benefits",
    department=DepartmentName("human-resources"),
    clearance={"plain": "restricted"},
)


def permit(*fields: str, app: str = "benefits") -> dict[str, str]:
    """Rules that show an application these fields, by file name."""
    named = ", ".join(f"Person.{field}" for field in ("idNumber", *fields))
    text = (
        f"policy: shown\neffect: permit\nsubjects: {{app: {app}}}\n"
        f"resources: {{fields: [{named}]}}\nmodes: [read, sort]\n"
    )
    return {"rules.yaml": text}


class Office:
    """One folder with everything, and a clock that stands still until it is moved."""

    def __init__(self, home: Path, *, owner: bool = False, required: bool = True) -> None:
        self.home = home
        self.now = NOW
        for who in ("li", "wang", "zhao", "civil", "stranger"):
            pem, public = new_key()
            (home / f"{who}.pem").write_bytes(pem)
            (home / f"{who}.pem").chmod(0o600)
            (home / f"{who}.pub.json").write_bytes(public)
        database = home / "civil.sqlite"
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE residents (id_number TEXT, name TEXT, salary INTEGER)")
            connection.executemany(
                "INSERT INTO residents VALUES (?, ?, ?)",
                [(f"id{n}", f"N{n}", 1000 + n) for n in range(4)],
            )
        (home / "civil.yaml").write_text(FRAGMENT.format(db=database))
        (home / "drafts").mkdir()
        self.draft(permit("name"))
        self.configure(owner=owner, required=required)

    def configure(
        self,
        *,
        owner: bool = False,
        required: bool = True,
        retired: bool = False,
        grants: bool = False,
    ) -> None:
        """Write the configuration."""
        words = {"required": required, "retired": retired}
        (self.home / "hub.yaml").write_text(
            CONFIG.format(
                owner=OWNER if owner else "",
                grants='grants: ["grants.yaml"]' if grants else "",
                **{name: str(value).lower() for name, value in words.items()},
            )
        )

    def draft(self, rules: Mapping[str, str]) -> None:
        """Write drafts with their assertion."""
        for name, text in {**rules, "rules.assert.yaml": STATED}.items():
            (self.home / "drafts" / name).write_text(text)

    @property
    def settings(self) -> Settings:
        return read_settings(self.home / "hub.yaml", {})

    def key(self, who: str) -> OKPKey:
        """A private key."""
        return private_key(self.home / f"{who}.pem", lambda: "")

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        with open_desk(self.settings, lambda: self.now) as desk:
            yield desk

    def gate(self) -> Gate:
        settings = self.settings
        loaded = load_files(settings, rules=False)
        return Gate(loaded, settings, seconds=60.0, begin=self.now)

    def build(
        self,
        rules: Mapping[str, str],
        *,
        by: str = "li",
        stated: str = STATED,
        tests: Mapping[str, str] | None = None,
        **wish: Any,
    ) -> Envelope:
        """A release by its author."""
        draft = Draft(bundles=rules, assertions={"rules.assert.yaml": stated}, tests=tests or {})
        with self.desk() as desk:
            wanted = lifecycle.Wish(**{"name": "r", "draft": draft, "days": 7, **wish})
            return lifecycle.build(desk, self.gate(), wanted, self.key(by))[1]

    def approve(self, envelope: Envelope, by: str = "wang") -> Envelope:
        """The release with one signature more."""
        with self.desk() as desk:
            return lifecycle.approve(desk, self.gate(), envelope, self.key(by))[1]

    def activate(self, envelope: Envelope, at: float | None = None) -> int:
        """The epoch that a release gets."""
        with self.desk() as desk:
            return lifecycle.activate(desk, self.gate(), envelope, at).epoch

    def release(self, rules: Mapping[str, str], at: float | None = None) -> int:
        """All steps with two officers; the epoch."""
        return self.activate(self.approve(self.build(rules)), at)

    def roll_back(self, to: int, *, by: str = "li", revoke: bool = False) -> int:
        """The epoch that has the rules of an earlier one."""
        with self.desk() as desk:
            loaded = load_files(self.settings, rules=False)
            return lifecycle.roll_back(
                desk, loaded, self.gate(), self.key(by), to=to, reason="wrong", revoke=revoke
            ).epoch

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Hub]:
        """A worker that serves what is in force."""
        hub = Hub(self.settings, clock=lambda: self.now)
        await hub.open()
        try:
            yield hub
        finally:
            await hub.close()

    def log(self) -> Sequence[Entry | Act]:
        """The audit log."""
        engine = open_engine(self.settings.state.database_url)
        with closing(open_ledger(engine)) as ledger:
            found = [read_body(row.body) for row in ledger.rows()]
        engine.dispose()
        return found

    def acts(self) -> list[tuple[str, str, str]]:
        """What officers did, who, and what came of it."""
        return [
            (one.act, one.by, one.code or one.outcome) for one in self.log() if isinstance(one, Act)
        ]


async def asked(hub: Hub, *fields: str, after: str | None = None, **more: Any) -> Any:
    """The persons, or the code of a refusal."""
    chosen = " ".join(("idNumber", *fields))
    page = "first: 2" if after is None else f'first: 2, after: "{after}"'
    text = f"{{ persons({page}, orderBy: ID_NUMBER_ASC) {{ nodes {{ {chosen} }}"
    text += " pageInfo { endCursor } } }"
    answer = await hub.pipeline.answer(Request(text=text, subject=CALLER, **more))
    body = orjson.loads(answer.body)
    if "data" not in body:
        return body["errors"][0]["extensions"]["code"]
    return body["data"]["persons"]


async def sees(hub: Hub, field: str) -> bool:
    """Whether the caller is shown a field."""
    found = await asked(hub, field)
    return not isinstance(found, str) and all(row[field] is not None for row in found["nodes"])


def refused(error: HubError) -> tuple[str, str]:
    """Code and message of an error, the first one of several."""
    problems = getattr(error, "problems", None) or (error,)
    return problems[0].code, problems[0].message

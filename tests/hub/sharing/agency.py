"""A hub with requests for shares: a department that owns, one that asks, an authority, a clock."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx

from hub.audit.entry import Act, Entry, read_body
from hub.control.door import PATH, control_door
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.settings import Settings, read_settings
from hub.store.engine import open_engine
from hub.store.ledger import open_ledger
from hub.wiring import Hub
from tests.auth import forge

FRAGMENT = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{db}"}}}}
types:
  Person:
    key: [idNumber]
    from: {{table: residents}}
    label: G2
    share: conditional
    conditions: [duty-purpose]
    fields:
      idNumber: {{column: id_number, type: String, share: unconditional}}
      name: {{type: String, share: unconditional}}
      salary: {{type: Int, title: {{en: Monthly salary, zh: 月工资}}}}
      district: {{type: String}}
      aid: {{type: String, share: withheld, legal_basis: [statute]}}
      watched: {{type: String, metadata: hidden}}
      inner: {{column: watched, type: String, metadata: members}}
"""
CONFIG = """\
fragments: ["civil.yaml"]
policies: ["rules.yaml"]
packs: [cn]
instance: {{mode: development}}
listen: {{reload_poll_s: 0}}
sharing: {{enabled: true}}
auth:
  issuers: [{{issuer: {issuer}, audience: [hub], jwks: jwks.json}}]
  claims: {{user: [user]}}
"""
RULES = """\
policy: own
effect: permit
subjects: {org_kind: government}
when: resource.owned
resources: {types: ["*"]}
modes: [read, filter, sort]
"""
CHINA = dt.timezone(dt.timedelta(hours=8))
FRIDAY = dt.datetime(2026, 9, 18, 9, tzinfo=CHINA).timestamp()
"""Before a Sunday that is worked, three holidays, and the week of the National Day."""
DAY_S = 86_400.0
ANY = {"org_kind": "government", "clearance": {"cn-gbt43697": "G4"}}
DESK = {**ANY, "sub": "desk", "azp": "desk"}
ASKS = {**DESK, "user": "sun", "department": "tax", "duties": ["data-requester"]}
OWNS = {**DESK, "user": "zhang", "department": "civil-affairs", "duties": ["source-steward"]}
JUDGES = {**DESK, "user": "qian", "department": "bureau", "duties": ["data-authority"]}
AUDITS = {**DESK, "user": "shen", "duties": ["auditor"]}
READER = {**ANY, "sub": "arrears", "azp": "arrears", "department": "tax", "purposes": ["tax.audit"]}
TERMS = {
    "purpose": "tax.audit",
    "fields": {"Person.idNumber": "allow", "Person.salary": "allow"},
    "modes": ["read"],
    "from": "2026-09-01",
    "expires": "2027-08-31",
    "zone": "Asia/Shanghai",
}
REQUEST = {
    "app": "arrears",
    "department": "tax",
    "legalBasis": "Tax Collection Law, article 6",
    "dutyItem": "tax-audit-01",
    "scenario": "checking declared incomes",
    "terms": TERMS,
}
PART = "number unconditional fields state due late answeredBy reason said grant terms { expires }"
SHOWN = f"id revision state parts {{ {PART} }}"
OUTCOME = "... on StepRefused { code message problems { message } } ... on StepConflict { code }"
SHARE = f"... on ShareTaken {{ request {{ {SHOWN} }} }}"
GRANT = "... on GrantTaken { grant { id state reason certifiedAt } }"
KINDS = {"request": "ShareRequestInput!", "terms": "ShareTermsInput", "basedOn": "Int!",
         "part": "Int!", "reason": "String!", "said": "String!", "id": "String!",
         "grant": "String!", "judgement": "ShareJudgement!", "expires": "Date!"}  # fmt: skip


class Agency:
    """Asks at both doors as somebody."""

    def __init__(self, home: Path, hub: Hub, client: httpx.AsyncClient, now: list[float]) -> None:
        self.home = home
        self.hub = hub
        self.client = client
        self.now = now

    async def post(
        self, path: str, claims: dict[str, Any], body: dict[str, Any], **headers: str
    ) -> Any:
        times = {"iat": self.now[0] - 1, "exp": self.now[0] + 600}
        token = forge.token(forge.claims(**{"user": None, **claims}, **times))
        got = await self.client.post(
            path, json=body, headers={"authorization": f"Bearer {token}", **headers}
        )
        return got.json()

    async def ask(self, claims: dict[str, Any], query: str, **variables: Any) -> Any:
        """The one field of an answer without errors."""
        body = await self.post(PATH, claims, {"query": query, "variables": variables})
        assert "errors" not in body, body
        return next(iter(body["data"].values()))

    async def step(self, claims: dict[str, Any], name: str, **given: Any) -> Any:
        """What became of a step."""
        refusing = name == "refuseShare"
        kinds = {**KINDS, "reason": "ShareRefusal!"} if refusing else KINDS
        declared = ", ".join(f"${one}: {kinds[one]}" for one in given)
        passed = ", ".join(f"{one}: ${one}" for one in given)
        of = GRANT if name in ("acceptGrant", "certifyGrant", "revokeGrant") else SHARE
        chosen = f"__typename {of} {OUTCOME}"
        query = f"mutation({declared}) {{ {name}({passed}) {{ {chosen} }} }}"
        return await self.ask(claims, query, **given)

    async def taken(self, claims: dict[str, Any], name: str, **given: Any) -> Any:
        """The request or grant after a step that must be taken."""
        done = await self.step(claims, name, **given)
        assert done["__typename"] in ("ShareTaken", "GrantTaken"), done
        return done.get("request") or done["grant"]

    async def submitted(self, **changes: Any) -> Any:
        """A request that its owners have."""
        at = await self.taken(ASKS, "writeShareRequest", request={**REQUEST, **changes})
        return await self.taken(ASKS, "submitShareRequest", id=at["id"], basedOn=at["revision"])

    async def read(self, *fields: str, claims: dict[str, Any] = READER) -> Any:
        """What the application is shown."""
        chosen = " ".join(fields)
        query = f"{{ persons(first: 2) {{ nodes {{ {chosen} }} }} }}"
        return await self.post("/graphql", claims, {"query": query}, **{"hub-purpose": "tax.audit"})

    async def rows(self, *fields: str, claims: dict[str, Any] = READER) -> list[dict[str, Any]]:
        """The rows that it is shown; none where there is nothing for it."""
        told = await self.read(*fields, claims=claims)
        found: list[dict[str, Any]] = told["data"]["persons"]["nodes"] if "data" in told else []
        return found

    async def look(self) -> None:
        """The worker looks, as it does twice a second."""
        assert self.hub._shares is not None
        await self.hub._shares.look(self.hub._plan_anew)

    def acts(self) -> list[tuple[str, str, str]]:
        """What stands on record: the act, by whom, and what came of it."""
        return [(one.act, one.by, one.code or one.outcome) for one in self._log(Act)]

    def entries(self) -> list[Entry]:
        """What was asked."""
        return self._log(Entry)

    def _log(self, kind: type[Any]) -> list[Any]:
        engine = open_engine(settings_of(self.home).state.database_url)
        with closing(open_ledger(engine)) as ledger:
            found = [read_body(row.body) for row in ledger.rows()]
        engine.dispose()
        return [one for one in found if isinstance(one, kind)]


def settings_of(home: Path) -> Settings:
    """The configuration."""
    return read_settings(home / "hub.yaml", {})


def lay_out(home: Path, more: str = "") -> None:
    """The folder of a hub."""
    database = home / "civil.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "CREATE TABLE residents (id_number TEXT, name TEXT, salary INTEGER, district TEXT,"
            " aid TEXT, watched TEXT)"
        )
        connection.executemany(
            "INSERT INTO residents VALUES (?, ?, ?, 'd', 'a', 'w')",
            [(f"id{n}", f"N{n}", 1000 + n) for n in range(4)],
        )
    (home / "civil.yaml").write_text(FRAGMENT.format(db=database), encoding="utf-8")
    (home / "rules.yaml").write_text(RULES)
    (home / "hub.yaml").write_text(CONFIG.format(issuer=forge.ISSUER) + more)
    forge.write_all(home / "jwks.json")


@asynccontextmanager
async def open_agency(home: Path, more: str = "") -> AsyncIterator[Agency]:
    """The hub on a Friday morning."""
    lay_out(home, more)
    settings, now = settings_of(home), [FRIDAY]
    hub = Hub(settings, clock=lambda: now[0])
    await hub.open()
    door = control_door(hub, settings, clock=lambda: now[0])
    assert door is not None
    app = create_app(hub, door_options(settings), further=door.routes)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        try:
            yield Agency(home, hub, client, now)
        finally:
            await hub.close()

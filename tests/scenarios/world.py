"""The world of the scenarios: six departments' databases, rules, grants, and a hub before them."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from auth.devissuer import DevIssuer
from hub.audit.entry import Entry, read_entry
from hub.control.door import control_door
from hub.corrections.door import correction_routes
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.settings import read_settings
from hub.wiring import Hub
from policies.ruling import Hidden
from schema.model.names import Coordinate
from schema.model.subject import Context
from schema.model.use import FieldUse

HERE = Path(__file__).parent
NOON = dt.datetime(2026, 9, 21, 12, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()
"""A Monday, in Shanghai."""
TABLES: dict[str, dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]] = {
    "psb": {
        "person": (
            ("id_no", "name", "birth_date", "phone", "key_watch", "track", "district"),
            [
                ("p1", "An", "1957-03-09", "111", None, "a", "330102001"),
                ("p2", "Bo", "1990-01-02", "112", "yes", "b", "330102001"),
                ("p3", "Ci", "2015-05-05", "113", None, "c", "330103001"),
                ("p4", "Du", "1980-12-31", "114", None, "d", "330201001"),
            ],
        )
    },
    "health": {
        "health": (("id_no", "diagnosis", "hiv"), [("p1", "flu", "no"), ("p2", "cold", "yes")])
    },
    "tax": {
        "income": (("id_no", "amount"), [("p1", 4321), ("p2", 999)]),
        "arrears": (("credit_code", "arrears"), [("f1", 10)]),
    },
    "civil": {
        "aid": (
            ("number", "id_no", "status", "district"),
            [
                ("a1", "p1", "paid", "330102001"),
                ("a2", "p2", "open", "330102001"),
                ("a3", "p4", "paid", "330201001"),
            ],
        )
    },
    "market": {"firm": (("credit_code", "name"), [("f1", "Tea"), ("f2", "Silk")])},
    "water": {"pipe": (("pipe", "pipeline"), [("w1", "north")])},
}
CONFIG = """
fragments: [departments/*.yaml]
policies: [rules.yaml]
grants: [grants.yaml]
packs: [cn, city.yaml]
ceiling: {cn-gbt43697: IMPORTANT, cn-secrecy: NONE}
instance: {name: scenarios, mode: development}
state: {directory: state}
auth: {development_issuer: {directory: issuer}}
listen:
  reload_poll_s: 0.2
  zones: [{name: gov_extranet, networks: [10.0.0.0/8]}]
  trusted_proxies: [127.0.0.1]
"""


def claims(
    app: str,
    level: str,
    *purposes: str,
    department: str,
    tier: str = "city",
    region: str = "3301",
    **more: Any,
) -> dict[str, Any]:
    return {
        "sub": app, "app": app, "department": department, "org_kind": "government", "tier": tier,
        "region": region, "clearance": {"cn-gbt43697": level}, "purposes": purposes, **more,
    }  # fmt: skip


HEADERS = ("hub_case", "x_forwarded_for")
BENEFIT = "benefits.eligibility"
PI = ["pi.sensitive.finance", "pi.sensitive.health"]
WHO = {
    "A": claims("aid-office", "G4", "benefits.eligibility", "benefits.payment", department="civil",
                compartments=PI),
    "B": claims("tax-audit", "G3", "tax.audit", department="tax", compartments=PI),
    "T": claims("desk", "G3", "grassroots", department="town", tier="township", region="330102001"),
    "H": claims("clinic", "G4", "case", department="health", compartments=PI),
    "Q": claims("police", "IMPORTANT", "case", department="psb", compartments=["LE"]),
    "Q-outside": claims("police", "IMPORTANT", "case", department="psb"),
    "O": claims("console", "IMPORTANT", "case", department="bureau", roles=["security-officer"]),
    "U": claims("console", "IMPORTANT", "case", department="bureau", roles=["auditor"]),
    "N": claims("numbers", "G3", "statistics", department="bureau", roles=["analyst"]),
    "X": claims("builder", "G3", "benefits.eligibility", "statistics", department="soft",
                org_kind="contractor", region="3302", acting_for="civil"),
    "X-alone": claims("builder", "G3", "benefits.eligibility", department="soft",
                      org_kind="contractor"),
    "office": claims("office", "G1", department="bureau"),
}  # fmt: skip


class World:
    """A running hub, spoken to over HTTP."""

    def __init__(self, hub: Hub, client: httpx.AsyncClient, folder: Path, now: list[float]) -> None:
        self.hub = hub
        self.client = client
        self.folder = folder
        self.now = now
        assert hub.issuer is not None
        self.issuer: DevIssuer = hub.issuer

    async def ask(
        self, who: str | None, text: str, purpose: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """The whole response. `more`: headers, or other claims of the token."""
        headers = {name: value for name, value in more.items() if name in HEADERS}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            said = {name: value for name, value in more.items() if name not in HEADERS}
            sent["authorization"] = f"Bearer {self.issuer.sign({**WHO[who], **said})}"
        if purpose is not None:
            sent["hub-purpose"] = purpose
        answer = await self.client.post("/graphql", json={"query": text}, headers=sent)
        told: dict[str, Any] = orjson.loads(answer.content)
        return told

    async def code(self, who: str | None, text: str, purpose: str | None = None) -> str:
        """The code of an operation that is refused whole."""
        told = await self.ask(who, text, purpose)
        assert "data" not in told, told
        found: str = told["errors"][0]["extensions"]["code"]
        return found

    def entries(self) -> list[Entry]:
        """What is on record."""
        with closing(sqlite3.connect(self.folder / "state" / "state.sqlite")) as database:
            rows = database.execute("SELECT body FROM audit_entries ORDER BY seq").fetchall()
        return [read_entry(row[0]) for row in rows]

    def fields(self) -> dict[str, tuple[str, list[str]]]:
        """What the last entry says: use -> what became of it, and by which rules."""
        held = orjson.loads(bytes(self.entries()[-1].fields))
        return {f"{mode} {at}": (word, rules) for at, mode, word, rules in held}

    def rules(self, coordinate: str, mode: str = "project") -> list[str]:
        """The rules that decided a use in the last operation."""
        return self.fields()[f"{mode} {coordinate}"][1]

    async def unseen(self, who: str, coordinate: str, purpose: str) -> tuple[str, ...]:
        """The rules on a field that does not exist for a caller: no operation names it."""
        subject = await self.hub.identifier.identify("bearer", self.issuer.sign(WHO[who]))
        asked = FieldUse(Coordinate(coordinate), "project")
        context = Context(purpose=purpose, now=self.now[0])
        ruling = self.hub.pipeline.engine.rule(subject, [asked], context)
        assert ruling.outcomes[asked] == Hidden()
        return ruling.reasons[asked]

    def insert(self, source: str, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """More rows in a department's database."""
        columns = TABLES[source][table][0]
        statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        with closing(sqlite3.connect(self.folder / f"{source}.sqlite")) as database, database:
            database.executemany(statement, rows)

    def write(self, name: str, old: str, new: str) -> None:
        """Change a file of the configuration."""
        file = self.folder / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def touch(self, name: str) -> None:
        """Let a file look changed."""
        (self.folder / name).touch()

    async def rewrite(self, name: str, old: str, new: str) -> None:
        """Change a file of the configuration and have it taken up."""
        self.write(name, old, new)
        await self.hub.reload()


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Databases and configuration; gives the configuration's path."""
    for source, tables in TABLES.items():
        file = folder / f"{source}.sqlite"
        patch.setenv(f"SCENARIO_{source.upper()}", f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as database:
            for table, (columns, rows) in tables.items():
                database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
                marks = ", ".join("?" * len(columns))
                database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
            database.commit()
    for name in ("rules.yaml", "grants.yaml", "city.yaml"):
        (folder / name).write_bytes((HERE / name).read_bytes())
    config = folder / "hub.yaml"
    shutil.copytree(HERE / "departments", folder / "departments")
    config.write_text(CONFIG, encoding="utf-8")
    return config


@asynccontextmanager
async def running(
    folder: Path, patch: pytest.MonkeyPatch, replaced: Mapping[str, str] | None = None
) -> AsyncIterator[World]:
    """The world, at noon."""
    config = prepare(folder, patch)
    for name, text in (replaced or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = read_settings(config)
    now = [NOON]
    hub = Hub(settings, clock=lambda: now[0])
    await hub.open()
    door = control_door(hub, settings, clock=lambda: now[0])
    routes = (
        *(() if door is None else door.routes),
        *correction_routes(hub, settings, clock=lambda: now[0]),
    )
    app = create_app(hub, door_options(settings), further=routes)
    try:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            yield World(hub, client, folder, now)
    finally:
        await hub.close()


def nodes(told: dict[str, Any], plural: str) -> list[dict[str, Any]]:
    """The rows in an order that tests can compare."""
    found: list[dict[str, Any]] = told["data"][plural]["nodes"]
    return sorted(found, key=lambda row: str(sorted(row.items(), key=str)))


def note(told: dict[str, Any], path: str) -> dict[str, Any]:
    """What an answer says of a field."""
    found: dict[str, Any] = told["extensions"]["governance"]["fields"][path]
    return found

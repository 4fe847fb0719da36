"""A county's hub with a link of its city, asked in process."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from connectors.hub.token import Signer
from connectors.spi import Asker
from hub.cli.serve import build_app
from hub.serve.app import App
from hub.settings import read_settings
from schema.model.names import DepartmentName
from schema.model.subject import Subject
from tests.hub.links.hubs import Site, database

KEY = OKPKey.generate_key("Ed25519", {"kid": "2026-1"})
STRANGER = OKPKey.generate_key("Ed25519")
SUBJECT = Subject(
    id="app:desk|user:zhang",
    app="desk",
    user="zhang",
    department=DepartmentName("welfare"),
    tier="city",
    clearance={"plain": "restricted"},
    roles=frozenset({"clerk", "admin"}),
)
ANN = Asker(
    subject=SUBJECT,
    purpose="administration",
    case_id="2026-17/a",
    trace="0af7651916cd43dd8448eb211c80319c",
    hubs=("city",),
)
WHO = "{ caller { app user department tier purposes roles } }"
NAMES = "{ persons { nodes { name income } } }"
TYPES = "{ __schema { types { name fields { name } } } }"


class Lower:
    """A hub in this process, behind its real door."""

    def __init__(self, site: Site, app: App) -> None:
        self.site = site
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),  # type: ignore[arg-type]
            base_url="http://county",
        )

    async def send(self, token: str, body: bytes, path: str = "/graphql") -> tuple[int, Any]:
        headers = {"authorization": f"Hub-Link {token}", "content-type": "application/json"}
        got = await self.client.post(path, content=body, headers=headers)
        return got.status_code, got.json()

    async def ask(self, query: str, asker: Asker = ANN, **signer: Any) -> Any:
        """The data, or the code of what is wrong."""
        body = json.dumps({"query": query}).encode()
        made = Signer(KEY, **{"name": "city", "audience": "county", **signer})
        _, told = await self.send(made.sign(asker, body), body)
        return told.get("data") or told["errors"][0]["extensions"]["code"]


def county(home: Path, **link: Any) -> Site:
    home.mkdir(exist_ok=True)
    file = home / "city.jwks.json"
    file.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    declared = {
        "name": "city",
        "keys": str(file),
        "ceiling": {"plain": "internal"},
        "purposes": ["administration"],
        "accepts": {"department": {"welfare": "city-welfare"}, "roles": {"clerk": "guest"}},
        "fixed": {"tier": "city"},
        **link,
    }
    site = Site(home, "county", links=[declared])
    rows = database(
        site.home / "rows.sqlite",
        "CREATE TABLE residents (n TEXT PRIMARY KEY, name TEXT, income INTEGER, job INTEGER);"
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, title TEXT);"
        "INSERT INTO jobs VALUES (7, 'baker'); INSERT INTO residents VALUES ('1', 'Zhang', 5, 7);",
    )
    site.fragment(
        "civil",
        f"""\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{rows}"}}}}
types:
  Person:
    key: [n]
    from: {{table: residents}}
    label: {{level: internal, categories: [pi]}}
    share: unconditional
    fields:
      n: {{type: String}}
      name: {{type: String, title: {{en: Name, zh: 姓名}}}}
      income: {{type: Int, label: confidential}}
      job: {{type: Int}}
  Job:
    key: [number]
    from: {{table: jobs}}
    label: public
    share: unconditional
    fields:
      number: {{type: Int, column: id}}
      title: {{type: String}}
relations:
  Person.trade: {{to: Job, match: {{job: number}}}}
""",
    )
    site.rule(
        "city",
        subjects={"link": "city", "purpose": "administration"},
        resources={"types": ["*"]},
    )
    return site


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[Lower]:
    settings = read_settings(site.home / "hub.yaml", {})
    app = build_app(settings)
    await app._hub.open()
    try:
        yield Lower(site, app)
    finally:
        await app._hub.close()


def forged(claims: Mapping[str, Any], body: bytes, *, key: OKPKey = KEY, **header: Any) -> str:
    """A token whose claims differ from those that the connector would sign."""
    now = int(time.time())
    whole = {
        "sub": "app:desk", "app": "desk", "hubs": ["city"], "iss": "city", "aud": "county",
        "iat": now, "exp": now + 30, "jti": hashlib.sha256(repr(claims).encode()).hexdigest(),
        "body": hashlib.sha256(body).hexdigest(), **claims,
    }  # fmt: skip
    told = {name: value for name, value in whole.items() if value is not None}
    parts = ({"alg": "EdDSA", "typ": "hub-link+jwt", **header}, told)
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    signature = JWSRegistry.algorithms["EdDSA"].sign(signed, key)
    return b".".join((signed, urlsafe_b64encode(signature))).decode()

"""A hub that issues tokens, its clients, and what they ask."""

from __future__ import annotations

import base64
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from auth.apikeys import KeyRecord, mint
from hub.login.routes import identity_routes
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.settings import read_settings
from hub.store.keys import StoredKeys
from hub.wiring import Hub
from tests.auth import forge
from tests.hub.login.desk import Clock

HUB = "https://hub.example"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CONFIG = """\
packs: [cn]
instance: {{mode: development, name: here}}
links: [{{name: there, keys: jwks.json, ceiling: {{cn-gbt43697: G3}}}}]
listen: {{reload_poll_s: 0, trusted_proxies: [10.0.0.5/32], certificate_header: Client-Cert}}
auth:
  issuers: [{{issuer: {issuer}, audience: [hub], jwks: jwks.json}}]
  issuer:
    enabled: true
    url: {hub}
    clients:
      - id: signer
        jwks: jwks.json
        department: civil
        purposes: [statistics, benefit]
        clearance: {{cn-gbt43697: G3}}
      - {{id: shower, certificates: [{digest}], department: civil, purposes: [statistics]}}
      - id: desk
        jwks: jwks.json
        department: civil
        roles: [reader]
        whose: {{department: person, roles: both, duties: person}}
"""


def certificate(name: str) -> tuple[str, str]:
    """(what a proxy sends, its digest) of a fresh certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=3_650))
        .sign(key, hashes.SHA256())
    )
    sent = base64.b64encode(made.public_bytes(Encoding.DER)).decode()
    return f":{sent}:", forge.b64(made.fingerprint(hashes.SHA256()))


class Counter:
    """A hub's token door, and its other doors."""

    def __init__(self, hub: Hub, clock: Clock, shown: str) -> None:
        self.hub = hub
        self.clock = clock
        self.shown = shown
        """The certificate of `shower` as the proxy sends it."""
        self.app = create_app(
            hub, door_options(hub.settings), further=identity_routes(hub, hub.settings)
        )
        self.client = self.at("10.0.0.5")
        self.record, self.key = self._keyed()
        self.used = 0

    def at(self, address: str) -> httpx.AsyncClient:
        """A client at an address."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 4711))
        return httpx.AsyncClient(transport=transport, base_url=HUB)

    def _keyed(self) -> tuple[KeyRecord, str]:
        blank = KeyRecord(id="", app="keyed", secrets=(), purposes=frozenset({"statistics"}))
        record, text = mint(blank, now=forge.NOW)
        StoredKeys(self.hub.database).save(record)
        return record, text

    def assertion(self, who: str = "signer", **changes: Any) -> str:
        """What a client signs to prove who it is."""
        self.used += 1
        told = {"iss": who, "sub": who, "aud": f"{HUB}/auth/token", "jti": f"a{self.used}"}
        times = {"iat": self.clock.now, "exp": self.clock.now + 60}
        said = {name: v for name, v in {**told, **times, **changes}.items() if v is not None}
        return forge.token(said, header={"typ": None})

    async def post(self, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        """Ask for a token."""
        form = {"grant_type": "client_credentials", **form}
        return await self.client.post("/auth/token", data=form, headers=headers or {})

    async def signed(self, who: str = "signer", **form: str) -> httpx.Response:
        """Ask as a client that signs."""
        proof = {"client_assertion_type": ASSERTION, "client_assertion": self.assertion(who)}
        return await self.post(**{**proof, **form})

    async def exchange(self, token: str, who: str = "signer", **form: str) -> httpx.Response:
        """Ask on behalf of a person."""
        told = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS}
        return await self.signed(who, **{**told, **form})

    async def asks(self, token: str, **headers: str) -> int:
        """The status of a question with a token."""
        sent = {"authorization": f"Bearer {token}", **headers}
        got = await self.client.post("/graphql", json={"query": "{__typename}"}, headers=sent)
        return got.status_code


def person(**claims: Any) -> str:
    """A person's token of the outer issuer."""
    return forge.token(forge.claims(**{"department": "civil", **claims}))


def basic(ident: str, secret: str) -> dict[str, str]:
    """The header of a client with a secret."""
    pair = f"{quote(ident, safe='')}:{quote(secret, safe='')}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@asynccontextmanager
async def counter(home: Path) -> AsyncIterator[Counter]:
    """A hub that is open."""
    forge.write_all(home / "jwks.json")
    shown, digest = certificate("shower")
    text = CONFIG.format(issuer=forge.ISSUER, hub=HUB, digest=digest)
    (home / "hub.yaml").write_text(text)
    clock = Clock()
    hub = Hub(read_settings(home / "hub.yaml", {}), clock=clock)
    await hub.open()
    made = Counter(hub, clock, shown)
    try:
        yield made
    finally:
        await made.client.aclose()
        await hub.close()

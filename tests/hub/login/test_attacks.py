"""One table of attacks on JWTs, over HTTP, against everything in the hub that verifies one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, Key, OKPKey

from tests.auth import forge
from tests.auth.forge import NOW, b64
from tests.hub.login.desk import desk
from tests.hub.login.issuing import ASSERTION, HUB, Counter, counter
from tests.hub.login.providing import CLIENT, providing
from tests.hub.registration.bureau import Captured

BODY = b'{"query":"{__typename}"}'
STRANGER = ECKey.generate_key("P-256")
EVIL = "https://evil.example/keys"


class Kind(msgspec.Struct, frozen=True):
    """A kind of token: how a good one is made, and how it is shown."""

    claims: Callable[[], dict[str, Any]]
    key: Key
    kid: str
    typ: str | None
    shown: Callable[[str], Awaitable[bool]]
    """Whether the hub takes it."""
    algorithm: str = "EdDSA"


class Forged(msgspec.Struct, frozen=True):
    """How a token differs from a good one."""

    header: Mapping[str, Any] = {}
    claims: Mapping[str, Any] = {}
    key: Any = None
    alg: str | None = None
    made: Callable[[Kind, str], str] | None = None
    """The text, from a good one."""


def text_of(kind: Kind, of: Forged) -> str:
    claims = {**kind.claims(), **of.claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    header = {"kid": kind.kid, "typ": kind.typ, **of.header}
    key, algorithm = of.key or kind.key, of.alg or kind.algorithm
    if key is forge.STRANGER and algorithm == "ES256":
        key = STRANGER
    good = forge.token(claims, kid=None, header=header, key=key, alg=algorithm)
    return good if of.made is None else of.made(kind, good)


def confused(kind: Kind, good: str) -> str:
    """HS256 with the public key as the secret."""
    header = json.dumps({"alg": "HS256", "typ": kind.typ or "JWT", "kid": kind.kid}).encode()
    signed = f"{b64(header)}.{good.split('.')[1]}"
    return f"{signed}.{b64(hmac.digest(kind.key.as_pem(private=False), signed.encode(), 'sha256'))}"


def psychic(kind: Kind, good: str) -> str:
    """ES256 with a signature of zeros."""
    header = json.dumps({"alg": "ES256", "typ": kind.typ or "JWT", "kid": "ec"}).encode()
    return f"{b64(header)}.{good.split('.')[1]}.{b64(bytes(64))}"


def unsigned(kind: Kind, good: str) -> str:
    header = json.dumps({"alg": "none", "typ": kind.typ or "JWT"}).encode()
    return f"{b64(header)}.{good.split('.')[1]}."


def doubled(kind: Kind, good: str) -> str:
    """`sub` twice, well signed."""
    text = json.dumps(kind.claims())
    body = f'{text[:-1]}, "sub": "admin"}}'.encode()
    header = json.dumps({"alg": kind.algorithm, "typ": kind.typ or "JWT", "kid": kind.kid})
    return forge.token(body, header=header.encode(), key=kind.key, alg=kind.algorithm)


ATTACKS: dict[str, Forged] = {
    "alg none": Forged(made=unsigned),
    "alg none beside a signature": Forged(header={"alg": "none"}),
    "HS256 with the public key": Forged(made=confused),
    "ES256 signature of zeros": Forged(made=psychic),
    "a key of another type": Forged(key=forge.RSA, alg="RS256"),
    "alg of another key's type": Forged(header={"alg": "RS256"}),
    "a stranger's key": Forged(key=forge.STRANGER),
    "kid is a path": Forged(header={"kid": "../../../dev/null"}, key=forge.STRANGER),
    "kid is SQL": Forged(header={"kid": "' UNION SELECT 'x' --"}, key=forge.STRANGER),
    "kid is a command": Forged(header={"kid": "|touch /tmp/x"}, key=forge.STRANGER),
    "jku": Forged(header={"jku": EVIL}),
    "x5u": Forged(header={"x5u": EVIL}),
    "jwk": Forged(header={"jwk": forge.jwk(forge.STRANGER, "x")}, key=forge.STRANGER),
    "crit": Forged(header={"crit": ["exp"], "exp": 1}),
    "b64": Forged(header={"b64": False, "crit": ["b64"]}),
    "another typ": Forged(header={"typ": "logout+jwt"}),
    "another audience": Forged(claims={"aud": "https://other.example"}),
    "another issuer": Forged(claims={"iss": "https://evil.example"}),
    "no issuer": Forged(claims={"iss": None}),
    "expired": Forged(claims={"exp": NOW - 400}),
    "no end": Forged(claims={"exp": None}),
    "an end in 100 years": Forged(claims={"exp": NOW + 3e9}),
    "an absurd end": Forged(claims={"exp": 10**400}),
    "an end as text": Forged(claims={"exp": str(NOW + 60)}),
    "a negative beginning": Forged(claims={"iat": -5}),
    "issued tomorrow": Forged(claims={"iat": NOW + 86_400, "exp": NOW + 86_460}),
    "not before tomorrow": Forged(claims={"nbf": NOW + 86_400}),
    "sub twice": Forged(made=doubled),
    "encrypted": Forged(made=lambda _, good: "e30." + good.replace(".", "", 1) + ".YQ.Yg"),
    "a token within a token": Forged(made=lambda _, good: f"{good}.{good}"),
    "oversized": Forged(claims={"pad": "x" * 20_000}),
    "a byte more": Forged(made=lambda _, good: f"{good}A"),
    "padding": Forged(made=lambda _, good: f"{good}="),
    "cut off": Forged(made=lambda _, good: good[:-4]),
}
BOUND: Mapping[str, Forged] = {
    "bound to a certificate": Forged(claims={"cnf": {"x5t#S256": "A" * 43}}),
    "bound in a way nobody knows": Forged(claims={"cnf": {"jkt": "A" * 43}}),
    "bound to nothing": Forged(claims={"cnf": {}}),
    "good once without a name": Forged(claims={"single_use": True, "jti": None}),
    "good once, wrongly said": Forged(claims={"single_use": "yes", "jti": None}),
}
PARTY = {"another party": Forged(claims={"azp": "other"})}


@pytest_asyncio.fixture
async def at(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter(tmp_path) as made:
        yield made


async def turned_away(kind: Kind, *more: Mapping[str, Forged]) -> None:
    """Good tokens are taken and each attack is not; good ones first and last, as proof."""
    assert await kind.shown(text_of(kind, Forged()))
    taken = []
    for table in (ATTACKS, *more):
        for name, of in table.items():
            try:
                text = text_of(kind, of)
            except OverflowError:
                raise AssertionError(name) from None
            if await kind.shown(text):
                taken.append(name)
    assert taken == []
    assert await kind.shown(text_of(kind, Forged()))


def asking(at: Counter) -> Callable[[str], Awaitable[bool]]:
    async def shown(token: str) -> bool:
        status = await at.asks(token)
        assert status in (200, 401)
        return status == 200

    return shown


@pytest.mark.asyncio
async def test_tokens_of_an_outer_issuer(at: Counter) -> None:
    kind = Kind(forge.claims, forge.OKP, "okp", "at+jwt", asking(at))
    await turned_away(kind, BOUND)
    es = Kind(forge.claims, forge.EC, "ec", "at+jwt", asking(at), "ES256")
    await turned_away(es, BOUND)


@pytest.mark.asyncio
async def test_tokens_of_the_hub_s_own(at: Counter, tmp_path: Path) -> None:
    file = tmp_path / "hub-state" / "issuer-keys.json"
    key = OKPKey.import_key(json.loads(file.read_text())["keys"][0]["jwk"])

    def claims() -> dict[str, Any]:
        times = {"iat": NOW, "exp": NOW + 60}
        return {"iss": HUB, "aud": "urn:hub", "sub": "x", "app": "x", **times}

    await turned_away(Kind(claims, key, key.thumbprint(), "at+jwt", asking(at)), BOUND)


@pytest.mark.asyncio
async def test_assertions_of_clients(at: Counter) -> None:
    tokens = at.client

    def claims() -> dict[str, Any]:
        at.used += 1
        times = {"iat": NOW, "exp": NOW + 60, "jti": f"b{at.used}"}
        return {"iss": "signer", "sub": "signer", "aud": HUB, **times}

    async def shown(token: str) -> bool:
        at.client = at.at(f"10.1.0.{at.used % 250}")  # tries in vain are bounded by address
        proof = {"client_assertion_type": ASSERTION, "client_assertion": token}
        got = await at.post(**proof)
        await at.client.aclose()
        assert got.status_code in (200, 401)
        return got.status_code == 200

    try:
        await turned_away(Kind(claims, forge.OKP, "okp", "JWT", shown))
    finally:
        at.client = tokens


@pytest.mark.asyncio
async def test_tokens_of_people_that_are_exchanged(at: Counter) -> None:
    outer = at.client

    async def shown(token: str) -> bool:
        at.client = at.at(f"10.1.1.{at.used % 250}")
        got = await at.exchange(token)
        await at.client.aclose()
        assert got.status_code in (200, 400)
        return got.status_code == 200

    def claims() -> dict[str, Any]:
        return forge.claims(department="civil")

    try:
        await turned_away(Kind(claims, forge.OKP, "okp", "at+jwt", shown), BOUND)
    finally:
        at.client = outer


@pytest.mark.asyncio
async def test_tokens_of_links(at: Counter) -> None:
    def claims() -> dict[str, Any]:
        at.used += 1
        told = {"jti": f"link-token-{at.used:06}", "hubs": ["there"], "app": "a", "sub": "a"}
        body = hashlib.sha256(BODY).hexdigest()
        times = {"iat": NOW, "exp": NOW + 30}
        return {"iss": "there", "aud": "here", "body": body, **told, **times}

    async def shown(token: str) -> bool:
        sent = {"authorization": f"Hub-Link {token}", "content-type": "application/json"}
        got = await at.client.post("/graphql", content=BODY, headers=sent)
        assert got.status_code in (200, 401)
        return got.status_code == 200

    kind = Kind(claims, forge.OKP, "okp", "hub-link+jwt", shown)
    await turned_away(kind)
    used = text_of(kind, Forged())
    assert [await shown(used), await shown(used)] == [True, False]


@pytest.mark.asyncio
async def test_id_tokens_at_log_in(tmp_path: Path, capsys: Captured) -> None:
    with providing() as provider:
        async with desk(tmp_path, capsys, provider) as made:
            asked = await made.begin()

            def claims() -> dict[str, Any]:
                times = {"iat": NOW, "exp": NOW + 60, "nonce": asked["nonce"]}
                return {"iss": provider.url, "aud": CLIENT, "sub": "u", **times}

            async def shown(token: str) -> bool:
                nonlocal asked
                code = provider.grant(asked, text=token)
                got = await made.land(code=code, state=asked["state"])
                assert got.status_code in (303, 400)
                asked = await made.begin()
                return got.status_code == 303

            await turned_away(Kind(claims, forge.OKP, "okp", None, shown), PARTY)


@pytest.mark.asyncio
async def test_used_once_is_used(at: Counter) -> None:
    once = forge.token(forge.claims(single_use=True, jti="only-once"))
    assert [await at.asks(once) for _ in range(3)] == [200, 401, 401]
    again = forge.token(forge.claims(single_use=True, jti="only-once", sub="li"))
    assert await at.asks(again) == 401
    assert await at.asks(forge.token(forge.claims(single_use=True, jti="another"))) == 200
    usual = forge.token(forge.claims(jti="many"))
    assert [await at.asks(usual) for _ in range(2)] == [200, 200]

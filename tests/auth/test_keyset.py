"""Key sets: rotation, fetching no more often than is good, and keys that are not usable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, OKPKey

from auth.issuer import Issuer
from auth.keyset import KeySet, check_place, read_keys
from auth.refusal import RefusedError
from schema.errors import HubError
from tests.auth import forge

ALL = ("RS256", "ES256", "EdDSA")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """An issuer's web server, counting what it is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        answer = self.answers.get(request.url.path)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(404) if answer is None else httpx.Response(200, json=answer)


def remote(server: Server, clock: Clock, **changes: Any) -> KeySet:
    issuer = Issuer(
        **{
            "issuer": "https://login.example",
            "audience": ("hub",),
            "jwks": "https://login.example/jwks",
            **changes,
        }
    )
    return KeySet(issuer, clock=clock, transport=httpx.MockTransport(server))


@pytest.mark.asyncio
async def test_rotation_takes_the_new_key_and_drops_the_old_one() -> None:
    server, clock = Server(), Clock()
    server.answers["/jwks"] = {"keys": [forge.jwk(forge.OKP, "old")]}
    keys = remote(server, clock)
    assert (await keys.find("old", "EdDSA")).kid == "old"
    server.answers["/jwks"] = {"keys": [forge.jwk(forge.STRANGER, "new")]}
    clock.now += 11
    assert (await keys.find("new", "EdDSA")).kid == "new"
    with pytest.raises(RefusedError, match="key"):
        await keys.find("old", "EdDSA")


@pytest.mark.asyncio
async def test_unknown_ids_do_not_make_the_hub_hammer_the_issuer() -> None:
    server, clock = Server(), Clock()
    server.answers["/jwks"] = {"keys": [forge.jwk(forge.OKP, "a")]}
    keys = remote(server, clock)
    for number in range(100):
        clock.now += 0.1
        with pytest.raises(RefusedError):
            await keys.find(f"unknown-{number}", "EdDSA")
    assert len(server.asked) <= 2


@pytest.mark.asyncio
async def test_an_issuer_that_is_away_is_survived_for_an_hour_only() -> None:
    server, clock = Server(), Clock()
    server.answers["/jwks"] = {"keys": [forge.jwk(forge.OKP, "a")]}
    keys = remote(server, clock)
    await keys.find("a", "EdDSA")
    server.answers["/jwks"] = httpx.Response(500)
    clock.now += 3000
    assert (await keys.find("a", "EdDSA")).kid == "a"
    clock.now += 601
    with pytest.raises(RefusedError, match="key_set"):
        await keys.find("a", "EdDSA")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"not json"),
        httpx.Response(200, content=b'{"keys": {}}'),
        httpx.Response(200, content=b" " * 600_000),
        httpx.Response(302, headers={"location": "https://evil.example/jwks"}),
        httpx.Response(200, json={"keys": [{"kty": "RSA"}] * 200}),
    ],
)
async def test_garbage_from_the_issuer(answer: httpx.Response) -> None:
    server, clock = Server(), Clock()
    server.answers["/jwks"] = answer
    with pytest.raises(RefusedError, match="key_set"):
        await remote(server, clock).find("a", "EdDSA")
    assert len(server.asked) == 1


@pytest.mark.asyncio
async def test_discovery_finds_the_key_set() -> None:
    server, clock = Server(), Clock()
    server.answers["/.well-known/openid-configuration"] = {
        "issuer": "https://login.example",
        "jwks_uri": "https://login.example/keys",
    }
    server.answers["/keys"] = {"keys": [forge.jwk(forge.EC, "a")]}
    assert (await remote(server, clock, jwks=None).find("a", "ES256")).kid == "a"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"jwks_uri": "http://login.example/keys"},
        {"jwks_uri": 5},
        {"jwks_uri": None},
    ],
)
async def test_discovery_that_points_elsewhere_is_not_followed(change: dict[str, Any]) -> None:
    server, clock = Server(), Clock()
    server.answers["/.well-known/openid-configuration"] = {
        "issuer": "https://login.example",
        "jwks_uri": "https://login.example/keys",
        **change,
    }
    server.answers["/keys"] = {"keys": [forge.jwk(forge.EC, "a")]}
    with pytest.raises(RefusedError):
        await remote(server, clock, jwks=None).find("a", "ES256")
    assert len(server.asked) == 1


@pytest.mark.asyncio
async def test_a_file_is_read_again_when_an_unknown_key_is_named(tmp_path: Path) -> None:
    file, clock = tmp_path / "jwks.json", Clock()
    forge.write_keys(file, forge.jwk(forge.OKP, "a"))
    keys = KeySet(forge.declared(file), clock=clock)
    assert (await keys.find("a", "EdDSA")).kid == "a"
    forge.write_keys(file, forge.jwk(forge.STRANGER, "b"))
    clock.now += 11
    assert (await keys.find("b", "EdDSA")).kid == "b"


@pytest.mark.asyncio
async def test_without_a_kid_the_only_fitting_key_counts(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    forge.write_keys(file, forge.jwk(forge.OKP, None), forge.jwk(forge.EC, None))
    keys = KeySet(forge.declared(file))
    assert (await keys.find(None, "EdDSA")).algorithm == "EdDSA"
    forge.write_keys(file, forge.jwk(forge.OKP, "a"), forge.jwk(forge.STRANGER, "b"))
    keys = KeySet(forge.declared(file))
    with pytest.raises(RefusedError):
        await keys.find(None, "EdDSA")


def small_rsa() -> dict[str, Any]:
    key = rsa.generate_private_key(65_537, 1024)  # noqa: S505  # weak on purpose
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "e": forge.b64(numbers.e.to_bytes(3, "big")),
        "n": forge.b64(numbers.n.to_bytes(128, "big")),
    }


UNUSABLE: dict[str, dict[str, Any]] = {
    "for encryption": forge.jwk(forge.EC, "a", use="enc"),
    "for signing only": forge.jwk(forge.EC, "a", key_ops=["sign"]),
    "for another algorithm": forge.jwk(forge.RSA, "a", alg="PS256"),
    "another curve": forge.jwk(ECKey.import_key(ec.generate_private_key(ec.SECP384R1())), "a"),
    "Ed448": forge.jwk(OKPKey.generate_key("Ed448"), "a"),
    "symmetric": {"kty": "oct", "k": "AAAA", "kid": "a"},
    "RSA of 1,024 bits": small_rsa(),
    "kid is a number": {**forge.jwk(forge.EC, None), "kid": 3},
    "a point off the curve": {**forge.jwk(forge.EC, "a"), "x": forge.b64(bytes(32))},
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("name", list(UNUSABLE))
def test_keys_that_are_not_usable_are_left_out(name: str) -> None:
    good = forge.jwk(forge.OKP, "good")
    data = json.dumps({"keys": [UNUSABLE[name], good]}).encode()
    assert [key.kid for key in read_keys(data, ALL)] == ["good"]


def test_a_published_private_half_is_not_kept() -> None:
    data = json.dumps({"keys": [{**forge.OKP.as_dict(private=True), "kid": "a"}]}).encode()
    (key,) = read_keys(data, ALL)
    assert not key.key.is_private


@pytest.mark.parametrize("place", ["http://login.example/jwks", "ftp://login.example/jwks"])
def test_places_that_others_could_replace_are_refused(place: str) -> None:
    with pytest.raises(HubError, match="https"):
        check_place(Issuer(issuer="x", audience=("hub",), jwks=place))


def test_loopback_may_be_plain_http() -> None:
    check_place(Issuer(issuer="x", audience=("hub",), jwks="http://127.0.0.1:9/jwks"))

"""The hub's own tokens over HTTP: who gets one, what it says, how long its key counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from auth.decode import segment
from hub.cli.main import run
from tests.auth import forge
from tests.hub.login.issuing import (
    ACCESS,
    ASSERTION,
    EXCHANGE,
    HUB,
    Counter,
    basic,
    certificate,
    counter,
    person,
)

ALIKE = ({"error": "invalid_client"}, {"error": "invalid_grant"}, {"error": "invalid_request"})


@pytest_asyncio.fixture
async def at(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter(tmp_path) as made:
        yield made


def said(got: httpx.Response) -> dict[str, Any]:
    assert got.status_code == 200, got.text
    told: dict[str, Any] = json.loads(segment(got.json()["access_token"].split(".")[1]))
    return told


@pytest.mark.asyncio
async def test_a_client_with_a_secret(at: Counter) -> None:
    for got in (
        await at.post(basic("keyed", at.key)),
        await at.post(client_id="keyed", client_secret=at.key),
    ):
        claims = said(got)
        assert (claims["iss"], claims["aud"], claims["app"]) == (HUB, "urn:hub", "keyed")
        assert claims["exp"] - claims["iat"] == 300
        assert "user" not in claims
        assert await at.asks(got.json()["access_token"]) == 200
    assert got.headers["cache-control"] == "no-store"
    for wrong in (
        await at.post(basic("other", at.key)),
        await at.post(basic("keyed", at.key[:-1] + ("0" if at.key[-1] != "0" else "1"))),
        await at.post(basic("keyed", at.key), client_secret=at.key),
        await at.post(basic("keyed", at.key), client_id="signer"),
        await at.post(client_id="keyed"),
        await at.post(),
        await at.post(basic("keyed", "")),
        await at.post({"authorization": "Basic ####"}),
        await at.post({"authorization": f"Bearer {at.key}"}),
    ):
        assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})


@pytest.mark.asyncio
async def test_a_client_that_signs(at: Counter) -> None:
    claims = said(await at.signed())
    assert (claims["app"], claims["department"]) == ("signer", "civil")
    assert claims["clearance"] == {"cn-gbt43697": "G3"}
    proof = at.assertion()
    again = {"client_assertion_type": ASSERTION, "client_assertion": proof}
    assert (await at.post(**again)).status_code == 200
    assert (await at.post(**again)).status_code == 401  # good once
    for changes in (
        {"aud": "https://evil.example"}, {"sub": "desk"}, {"iss": "desk"}, {"jti": None},
        {"exp": at.clock.now + 3_600}, {"exp": at.clock.now - 60}, {"iss": "nobody"},
    ):  # fmt: skip
        made = {**again, "client_assertion": at.assertion(**changes)}
        assert (await at.post(**made)).json() == {"error": "invalid_client"}, changes
    kind = {**again, "client_assertion": at.assertion(), "client_assertion_type": "x"}
    assert (await at.post(**kind)).status_code == 401


@pytest.mark.asyncio
async def test_a_client_that_shows_a_certificate(at: Counter) -> None:
    got = await at.post({"client-cert": at.shown}, client_id="shower")
    claims, token = said(got), got.json()["access_token"]
    assert set(claims["cnf"]) == {"x5t#S256"}
    for _ in range(2):  # bound each time, not by what a worker remembers
        assert await at.asks(token, **{"client-cert": at.shown}) == 200
        assert await at.asks(token) == 401
        assert await at.asks(token, **{"client-cert": certificate("x")[0]}) == 401
        assert await at.asks(token, **{"client-cert": ":AAAA:"}) == 401
    stranger = at.at("192.0.2.1")
    sent = {"client-cert": at.shown}
    got = await stranger.post("/auth/token", data={"grant_type": "client_credentials",
                              "client_id": "shower"}, headers=sent)  # fmt: skip
    assert got.status_code == 401
    question = {"json": {"query": "{__typename}"}}
    sent = {"authorization": f"Bearer {token}", **sent}
    assert (await stranger.post("/graphql", headers=sent, **question)).status_code == 401
    twice = [("authorization", f"Bearer {token}"), *[("client-cert", at.shown)] * 2]
    assert (await at.client.post("/graphql", headers=twice, **question)).status_code == 401
    await stranger.aclose()


@pytest.mark.asyncio
async def test_on_behalf_of_a_person_it_is_what_both_are(at: Counter) -> None:
    token = person(
        purposes=["statistics", "other"], clearance={"cn-gbt43697": "G4", "x": "X"}, acr="card",
        user="zhang", compartments=["a"],
    )  # fmt: skip
    got = await at.exchange(token)
    claims = said(got)
    assert (claims["app"], claims["user"], claims["act"]) == ("signer", "zhang", {"sub": "signer"})
    assert (claims["department"], claims["purposes"], claims["acr"]) == (
        "civil", ["statistics"], "card"
    )  # fmt: skip
    assert claims["clearance"] == {"cn-gbt43697": "G3"}
    assert "compartments" not in claims
    assert got.json()["issued_token_type"] == ACCESS
    subject = await at.hub.identifier.identify("bearer", got.json()["access_token"])
    assert subject.id == "app:signer|user:zhang"
    assert "department" not in said(await at.exchange(person(department="tax")))
    assert "department" not in said(await at.exchange(person(department=None)))
    low = said(await at.exchange(person(clearance={"cn-gbt43697": "G1"})))
    assert low["clearance"] == {"cn-gbt43697": "G1"}


@pytest.mark.asyncio
async def test_a_role_is_not_lost_on_the_way(at: Counter) -> None:
    # a prohibition about trainees would not meet one whose role was dropped
    assert (await at.exchange(person(roles=["trainee"]))).json() == {"error": "invalid_grant"}
    assert (await at.exchange(person(duties=["auditor"]))).status_code == 400
    both = said(await at.exchange(person(roles=["reader", "x"], duties=["d"], department="tax"),
                                  "desk"))  # fmt: skip
    assert (both["roles"], both["duties"], both["department"]) == (["reader"], ["d"], "tax")


@pytest.mark.asyncio
async def test_who_cannot_be_acted_for(at: Counter) -> None:
    first = (await at.exchange(person())).json()["access_token"]
    own = (await at.signed()).json()["access_token"]
    for token in (
        at.key, "x", "", first, own, person(user=None), person(acting_for="tax"),
        person(exp=at.clock.now - 60), person(aud="other"), forge.token(alg="none"),
        person(cnf={"x5t#S256": "A" * 43}),
    ):  # fmt: skip
        got = await at.exchange(token)
        assert (got.status_code, got.json()) == (400, {"error": "invalid_grant"})
    good = person()
    for form in (
        {"subject_token_type": "urn:x"}, {"requested_token_type": "urn:x"}, {"audience": "x"},
        {"actor_token": good}, {"scope": "other"}, {"grant_type": "password"},
    ):  # fmt: skip
        assert (await at.exchange(good, **form)).json() in ALIKE, form
    assert (await at.exchange(good)).status_code == 200


@pytest.mark.asyncio
async def test_it_lives_no_longer_than_the_person_s(at: Counter) -> None:
    claims = said(await at.exchange(person(exp=at.clock.now + 20)))
    assert claims["exp"] <= at.clock.now + 20 + 30
    assert said(await at.signed(scope="statistics"))["purposes"] == ["statistics"]


@pytest.mark.asyncio
async def test_malformed_questions(at: Counter) -> None:
    url, form = "/auth/token", {"content-type": "application/x-www-form-urlencoded"}
    for body, headers in (
        (b"grant_type=client_credentials&grant_type=password", form),
        (b"\xff=1", form), (b"x" * 70_000, form), (b"&".join([b"a=b"] * 30), form), (b"", form),
        (b'{"grant_type":"client_credentials"}', {"content-type": "application/json"}),
    ):  # fmt: skip
        got = await at.client.post(url, content=body, headers=headers)
        assert got.status_code in (400, 401)
        assert got.json() in ALIKE
    assert (await at.client.get(url)).status_code == 405
    in_url = await at.client.post(f"{url}?client_secret={at.key}", data={"grant_type": "x"})
    assert in_url.status_code == 400


@pytest.mark.asyncio
async def test_tries_in_vain_are_bounded(at: Counter) -> None:
    for _ in range(60):
        assert (await at.post()).status_code == 401
    got = await at.post(basic("keyed", at.key))
    assert (got.status_code, got.json()) == (503, {"error": "temporarily_unavailable"})
    other = at.at("10.0.0.9")
    form = {"grant_type": "client_credentials"}
    got = await other.post("/auth/token", data=form, headers=basic("keyed", at.key))
    assert got.status_code == 200
    await other.aclose()


@pytest.mark.asyncio
async def test_keys_are_rotated_with_an_overlap(at: Counter, tmp_path: Path) -> None:
    told = (await at.client.get("/.well-known/oauth-authorization-server")).json()
    assert (told["issuer"], told["token_endpoint"]) == (HUB, f"{HUB}/auth/token")
    assert EXCHANGE in told["grant_types_supported"]
    file = tmp_path / "hub-state" / "issuer-keys.json"
    assert file.stat().st_mode & 0o777 == 0o600

    async def kids() -> list[str]:
        keys = (await at.client.get("/auth/jwks.json")).json()["keys"]
        assert all("d" not in key for key in keys)
        return [key["kid"] for key in keys]

    def kid(got: httpx.Response) -> str:
        return str(json.loads(segment(got.json()["access_token"].split(".")[0]))["kid"])

    (old,) = await kids()
    before = (await at.signed()).json()["access_token"]
    at.hub.tokens.own.rotate(after_s=600)
    (_, new) = await kids()
    assert kid(await at.signed()) == old
    at.clock.now += 600
    assert kid(await at.signed()) == new
    last = (await at.signed()).json()["access_token"]
    assert await at.asks(last) == 200
    assert await at.asks(before) == 401  # it has ended by itself
    assert await kids() == [old, new]
    at.clock.now += 661
    assert await kids() == [new]
    live = (await at.signed()).json()["access_token"]
    assert run(["keys", "rotate", "--at-once", "--config", str(tmp_path / "hub.yaml")]) == 0
    assert await kids() != [new]
    assert await at.asks(live) == 401
    assert forge.ISSUER not in str(told)

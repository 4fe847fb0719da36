"""People log in over HTTP: the round trip, what must not work, when sessions end."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.store.sessions import LOOK_S, StoredSessions
from tests.auth import forge
from tests.hub.login.desk import CONTROL, HUB, SAME, Desk, desk
from tests.hub.login.providing import CLIENT, Provider, providing
from tests.hub.registration.bureau import Captured

STAFF = {"duties": ["security-officer"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as made:
        yield made


@pytest_asyncio.fixture
async def at(tmp_path: Path, capsys: Captured, provider: Provider) -> AsyncIterator[Desk]:
    async with desk(tmp_path, capsys, provider) as made:
        yield made


@pytest.mark.asyncio
async def test_the_round_trip(at: Desk) -> None:
    asked = await at.begin(return_to="/graphiql?a=1")
    assert asked["redirect_uri"] == f"{HUB}/auth/callback"
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
    assert asked["code_challenge_method"] == "S256"
    got = await at.back(asked, **STAFF, acr="pwd", auth_time=forge.NOW - 5)
    assert (got.status_code, got.headers["location"]) == (303, "/graphiql?a=1")
    (set_session,) = [
        one for one in got.headers.get_list("set-cookie") if "__Host-hub_session" in one
    ]
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(set_session.split("; "))
    assert "Domain" not in set_session
    told = await at.session()
    assert told["active"]
    assert told["user"] == "u-17"
    assert (told["app"], told["acr"], told["auth_time"]) == ("console", "pwd", forge.NOW - 5)
    assert "at-1" not in str(told)
    assert "id_token" not in str(told)
    assert (await at.ask(await at.own())).status_code == 200
    answer = await at.ask(await at.own(), CONTROL)
    assert answer.status_code == 200
    assert "errors" not in answer.json()


@pytest.mark.asyncio
async def test_no_secret_is_stored(at: Desk, tmp_path: Path) -> None:
    ident = await at.log_in()
    file = tmp_path / "hub-state" / "state.sqlite"
    rows = str(sqlite3.connect(file).execute("SELECT * FROM login_sessions").fetchall())
    assert "u-17" in rows
    assert ident not in rows
    assert "at-1" not in rows
    assert "eyJ" not in rows


ELSEWHERE: tuple[dict[str, str | None], ...] = (
    {"hub-csrf": None},
    {"hub-csrf": "A" * 43},
    {"hub-csrf": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example"},
    {"origin": "https://hub.example.evil.example"},
    {"origin": "http://hub.example"},
    {"origin": "null"},
    {"origin": None, "sec-fetch-site": None},
)


@pytest.mark.asyncio
async def test_another_page_cannot_use_the_session(at: Desk) -> None:
    await at.log_in(**STAFF)
    own = await at.own()
    for path in ("/graphql", CONTROL, "/auth/logout"):
        for wrong in ELSEWHERE:
            sent = {k: v for k, v in {**own, **wrong}.items() if v is not None}
            got = await at.ask(sent, path)
            assert got.status_code == 403, (path, wrong)
            assert got.json()["errors"][0]["extensions"]["code"] == "CSRF_REFUSED"
    assert (await at.session())["active"]


@pytest.mark.asyncio
async def test_the_token_of_another_session_is_none(at: Desk) -> None:
    await at.log_in()
    before = await at.own()
    await at.log_in()
    assert (await at.ask(before)).status_code == 403
    assert (await at.ask(await at.own())).status_code == 200


@pytest.mark.asyncio
async def test_a_session_is_no_bearer_token(at: Desk) -> None:
    ident = await at.log_in()
    at.client.cookies.clear()
    for scheme in ("Bearer", "ApiKey", "Session"):
        got = await at.ask({**SAME, "authorization": f"{scheme} {ident}"})
        assert got.status_code == 401


@pytest.mark.asyncio
async def test_two_cookies_of_the_name_are_none(at: Desk) -> None:
    ident, own = await at.log_in(), await at.own()
    at.client.cookies.clear()
    name = "__Host-hub_session"
    twice = {**own, "cookie": f"{name}={ident}; {name}={ident}"}
    assert (await at.ask(twice)).status_code == 401
    assert (await at.ask({**own, "cookie": f"{name}={ident}"})).status_code == 200


@pytest.mark.asyncio
async def test_a_planted_session_is_worth_nothing_after_log_in(at: Desk) -> None:
    planted = await at.log_in(sub="attacker")
    fresh = await at.log_in(sub="victim")
    assert fresh != planted
    assert (await at.session())["user"] == "victim"
    at.client.cookies.clear()
    at.client.cookies.set("__Host-hub_session", planted)
    assert not (await at.session())["active"]
    chosen = "A" * 43
    at.client.cookies.clear()
    at.client.cookies.set("__Host-hub_session", chosen, domain="hub.example")
    assert await at.log_in() != chosen


PLACES = (
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example",
    "javascript:alert(1)", "graphiql", "", "/a\r\nset-cookie: x=1", "/%0d%0a\n",
    "/" + "a" * 600, " /a", "/\t/evil.example", "///evil.example", "/é",
)  # fmt: skip


@pytest.mark.asyncio
async def test_nobody_is_sent_elsewhere(at: Desk) -> None:
    for place in PLACES:
        got = await at.client.get("/auth/login", params={"return_to": place})
        assert got.status_code == 400, place
        assert "set-cookie" not in got.headers
        assert "location" not in got.headers


WRONG_TOKENS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "other"},
    "another party": {"azp": "other"},
    "several audiences without a party": {"aud": [CLIENT, "other"]},
    "another issuer": {"iss": "https://evil.example"},
    "expired": {"exp": forge.NOW - 60},
    "no end": {"exp": None},
    "from tomorrow": {"iat": forge.NOW + 86_400, "exp": forge.NOW + 86_500},
    "no subject": {"sub": None},
    "log-in in the future": {"auth_time": forge.NOW + 600},
    "a user name of another kind": {"duties": 7},
}


@pytest.mark.asyncio
async def test_wrong_id_tokens(at: Desk) -> None:
    for name, claims in WRONG_TOKENS.items():
        got = await at.back(await at.begin(), **claims)
        assert got.status_code == 400, name
        assert "__Host-hub_session" not in at.client.cookies


@pytest.mark.asyncio
async def test_an_id_token_by_a_key_of_another_kind(at: Desk) -> None:
    at.provider.key_id = "nobody"
    try:
        assert (await at.back(await at.begin())).status_code == 400
    finally:
        at.provider.key_id = "okp"


@pytest.mark.asyncio
async def test_wrong_ways_back(at: Desk) -> None:
    asked = await at.begin()
    code = at.provider.grant(asked)
    for params in (
        {"code": code},
        {"code": code, "state": "x" * 43},
        {"state": asked["state"]},
        {"state": asked["state"], "error": "access_denied"},
        {"code": code, "state": asked["state"], "error": "x"},
        {"code": code, "state": asked["state"], "iss": "https://evil.example"},
    ):
        assert (await at.land(**params)).status_code == 400
    assert (await at.land(code=code, state=asked["state"], iss=at.provider.url)).status_code == 303


@pytest.mark.asyncio
async def test_a_way_back_of_another_browser(at: Desk) -> None:
    asked = await at.begin()
    code = at.provider.grant(asked)
    victim = at.browser()
    params = {"code": code, "state": asked["state"]}
    assert (await victim.get("/auth/callback", params=params)).status_code == 400
    await victim.get("/auth/login")
    assert (await victim.get("/auth/callback", params=params)).status_code == 400
    await victim.aclose()


@pytest.mark.asyncio
async def test_a_code_stolen_and_put_into_another_flight(at: Desk) -> None:
    stolen = at.provider.grant(await at.begin())
    asked = await at.begin()
    assert (await at.land(code=stolen, state=asked["state"])).status_code == 400


@pytest.mark.asyncio
async def test_a_flight_that_takes_too_long(at: Desk) -> None:
    asked = await at.begin()
    code = at.provider.grant(asked, exp=forge.NOW + 4_000)
    at.clock.now += 601
    assert (await at.land(code=code, state=asked["state"])).status_code == 400


@pytest.mark.asyncio
async def test_a_forged_flight(at: Desk) -> None:
    asked = await at.begin(return_to="/a")
    name = "__Host-hub_login"
    seed, told, mac = at.client.cookies[name].split(".")
    other = told[:-2] + ("AA" if told[-2:] != "AA" else "BB")
    at.client.cookies.clear()
    at.client.cookies.set(name, f"{seed}.{other}.{mac}")
    assert (await at.back(asked)).status_code == 400


@pytest.mark.asyncio
async def test_a_provider_that_must_name_itself(at: Desk) -> None:
    at.provider.metadata["authorization_response_iss_parameter_supported"] = True
    try:
        at.clock.now += 400  # its description is read anew
        asked = await at.begin()
        code = at.provider.grant(asked, exp=forge.NOW + 700)
        assert (await at.land(code=code, state=asked["state"])).status_code == 400
        right = {"code": code, "state": asked["state"], "iss": at.provider.url}
        assert (await at.land(**right)).status_code == 303
    finally:
        del at.provider.metadata["authorization_response_iss_parameter_supported"]


@pytest.mark.asyncio
async def test_idle_and_absolute_ends(at: Desk) -> None:
    await at.log_in()
    own = await at.own()
    for _ in range(20):  # in use it goes on, past many idle times, to its absolute end
        at.clock.now += 1_750
        if at.clock.now < forge.NOW + 36_000:
            assert (await at.ask(own)).status_code == 200
    at.clock.now = forge.NOW + 35_999
    assert (await at.ask(own)).status_code == 200
    at.clock.now = forge.NOW + 36_000
    assert (await at.ask(own)).status_code == 401
    at.clock.now = forge.NOW
    await at.log_in()
    own = await at.own()
    at.clock.now += 1_799
    assert (await at.session())["active"]  # looking does not keep it
    at.clock.now += 1
    assert not (await at.session())["active"]
    assert (await at.ask(own)).status_code == 401


@pytest.mark.asyncio
async def test_log_out_ends_it_everywhere(at: Desk) -> None:
    ident = await at.log_in()
    other = StoredSessions(at.hub.database, idle_s=1_800, clock=at.clock)
    assert await other.subject(ident) is not None
    own = await at.own()
    got = await at.client.post("/auth/logout", headers=own)
    assert got.status_code == 200
    assert "__Host-hub_session" not in at.client.cookies
    at.client.cookies.set("__Host-hub_session", ident)
    assert (await at.ask(own)).status_code == 401
    at.clock.now += LOOK_S
    assert await other.subject(ident) is None
    other.close()
    assert (await at.client.get("/auth/logout")).status_code == 405


@pytest.mark.asyncio
async def test_a_log_out_without_the_cookie_takes_none_away(at: Desk) -> None:
    # so comes a form of another site, whose answer could still set cookies
    got = await at.browser().post("/auth/logout", headers={"origin": "https://evil.example"})
    assert "set-cookie" not in got.headers


@pytest.mark.asyncio
async def test_stepping_up(at: Desk) -> None:
    first = await at.log_in(acr="pwd", auth_time=forge.NOW)
    asked = await at.begin(acr="card")
    assert (asked["acr_values"], asked["max_age"]) == ("card", "0")
    at.clock.now += 100
    for wrong in (
        {"acr": "pwd", "auth_time": at.clock.now},
        {"acr": "card", "auth_time": forge.NOW - 3_000},
        {"acr": "card"},
        {"acr": "card", "auth_time": at.clock.now, "sub": "somebody-else"},
    ):
        assert (await at.back(asked, **wrong)).status_code == 400
    assert (await at.session())["acr"] == "pwd"
    assert (await at.back(asked, acr="card", auth_time=at.clock.now)).status_code == 303
    told = await at.session()
    assert (told["acr"], told["auth_time"]) == ("card", at.clock.now)
    assert told["ends"] == forge.NOW + 36_000  # the session is no longer for it
    assert at.client.cookies["__Host-hub_session"] != first
    subject = await at.hub.logins.sessions.subject(at.client.cookies["__Host-hub_session"])
    assert subject.acr == "card"
    at.clock.now += 300
    assert (await at.session())["acr"] == "pwd"
    subject = await at.hub.logins.sessions.subject(at.client.cookies["__Host-hub_session"])
    assert subject.acr == "pwd"
    assert (await at.client.get("/auth/login", params={"acr": "retina"})).status_code == 400


@pytest.mark.asyncio
async def test_no_page_may_be_framed(at: Desk) -> None:
    for path in ("/auth/login", "/auth/callback", "/auth/session", "/auth/login?provider=x"):
        got = await at.client.get(path)
        assert got.headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in got.headers["content-security-policy"]
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["referrer-policy"] == "no-referrer"
    got = await at.client.get("/auth/session", headers={"sec-fetch-site": "cross-site"})
    assert got.status_code == 403


@pytest.mark.asyncio
async def test_a_person_has_so_many_sessions(at: Desk) -> None:
    first = await at.log_in()
    for _ in range(20):
        at.clock.now += 1
        at.client.cookies.clear()
        await at.log_in()
    at.clock.now += LOOK_S
    assert await at.hub.logins.sessions.subject(first) is None

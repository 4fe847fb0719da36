"""OAuth 2.0 client credentials against a token server: one token, renewed when it has to be."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner

from connectors.http import token as tokens
from hub.cli.main import cli
from schema.errors import HubError, SourceError
from tests.connectors.rest.source import ID, SECRET, connector, opened, rows
from tests.connectors.rest.wire import Asked, Say, Wire, Writer, reply, serving

TABLES = {"things": {"list": {"path": "/things"}}, "more": {"list": {"path": "/more"}}}
GIVEN = {"access_token": "t1", "token_type": "Bearer", "expires_in": 3600}


class Server:
    """Gives tokens and takes only the last one."""

    def __init__(self, **told: Any) -> None:
        self.told = told
        self.given = 0
        self.withdrawn = False

    def say(self, asked: Asked) -> Any:
        if asked.path == "/token":
            self.given += 1
            self.withdrawn = False
            return {**GIVEN, "access_token": f"t{self.given}", **self.told}
        fits = asked.headers.get("authorization") == f"Bearer t{self.given}"
        return [{"id": 1}] if fits and not self.withdrawn else reply("", status="401 No")


def auth(wire: Wire, **more: Any) -> Mapping[str, Any]:
    told = {"token_url": f"{wire.base}/token", "client_id": "hub", "client_secret": "${secret}"}
    return {"base": wire.base, "auth": {"oauth2": {**told, **more}}}


def asked_of(wire: Wire, path: str) -> list[Asked]:
    return [one for one in wire.asked if one.path == path]


@pytest.mark.asyncio
@pytest.mark.parametrize("send", ["basic", "body"])
async def test_the_client_shows_itself(send: str) -> None:
    async with (
        serving(Server().say) as wire,
        opened(auth(wire, send=send, scope="read all", audience="market"), TABLES) as held,
    ):
        assert await rows(held, ID) == [(1,)]
        (asked,) = asked_of(wire, "/token")
    fields = dict(parse_qsl(asked.body.decode()))
    told = {"grant_type": "client_credentials", "scope": "read all", "audience": "market"}
    if send == "basic":
        shown = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
        assert shown == f"hub:{SECRET}".encode()
        assert fields == told
    else:
        assert "authorization" not in asked.headers
        assert fields == {**told, "client_id": "hub", "client_secret": SECRET}


@pytest.mark.asyncio
async def test_many_wait_for_one_token() -> None:
    server = Server()
    async with serving(server.say) as wire, opened(auth(wire), TABLES) as held:
        many = [rows(held, ID, table=name) for name in ("things", "more") * 4]
        assert await asyncio.gather(*many) == [[(1,)]] * 8
        assert server.given == 1
        assert await rows(held, ID) == [(1,)]
        assert server.given == 1


@pytest.mark.asyncio
async def test_many_that_wait_share_one_refusal() -> None:
    said = reply('{"error": "invalid_client"}', status="401 Unauthorized")
    async with serving(lambda _: said) as wire, opened(auth(wire), TABLES) as held:
        many = [rows(held, ID) for _ in range(6)]
        for error in await asyncio.gather(*many, return_exceptions=True):
            assert isinstance(error, SourceError)
            assert error.code == "SOURCE_UNAVAILABLE"
        assert len(wire.asked) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("told", [{"expires_in": 0}, {"expires_in": "0"}])
async def test_a_token_that_has_ended_is_fetched_anew(told: Any) -> None:
    server = Server(**told)
    async with serving(server.say) as wire, opened(auth(wire), TABLES) as held:
        for number in (1, 2):
            assert await rows(held, ID) == [(1,)]
            assert server.given == number


@pytest.mark.asyncio
async def test_a_token_is_given_up_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(expires_in=120)
    async with serving(server.say) as wire, opened(auth(wire), TABLES) as held:
        later = 0.0
        monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: 1000.0 + later))
        await rows(held, ID)
        later = 60.0
        await rows(held, ID)
        assert server.given == 1
        later = 110.0
        await rows(held, ID)
        assert server.given == 2


@pytest.mark.asyncio
async def test_a_token_that_is_withdrawn_leads_to_one_new_one() -> None:
    server = Server()
    async with serving(server.say) as wire, opened(auth(wire), TABLES) as held:
        await rows(held, ID)
        server.withdrawn = True
        assert await rows(held, ID) == [(1,)]
        assert server.given == 2
        assert len(asked_of(wire, "/things")) == 3


@pytest.mark.asyncio
async def test_a_service_that_takes_no_token_is_asked_twice_and_no_more() -> None:
    def say(asked: Asked) -> Any:
        return GIVEN if asked.path == "/token" else reply("", status="401 No")

    async with serving(say) as wire, opened(auth(wire), TABLES) as held:
        with pytest.raises(SourceError) as raised:
            await rows(held, ID)
        assert raised.value.code == "SOURCE_UNAVAILABLE"
        assert len(asked_of(wire, "/things")) == 2


async def _hang(_: Writer) -> None:
    await asyncio.Event().wait()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "code"),
    [
        (reply("{", status="400 Bad Request"), "SOURCE_UNAVAILABLE"),
        (reply(SECRET, status="500 Oops"), "SOURCE_UNAVAILABLE"),
        (reply("", status="429 Later"), "SOURCE_BUSY"),
        (reply("", "Location: http://127.0.0.1:1/", status="302 Found"), "SOURCE_UNAVAILABLE"),
        (reply("{"), "SOURCE_BAD_DATA"),
        ([], "SOURCE_BAD_DATA"),
        ({**GIVEN, "access_token": None}, "SOURCE_BAD_DATA"),
        ({**GIVEN, "access_token": "a\r\nX: 1"}, "SOURCE_BAD_DATA"),
        ({**GIVEN, "access_token": "a" * 20_000}, "SOURCE_BAD_DATA"),
        ({**GIVEN, "token_type": "mac"}, "SOURCE_BAD_DATA"),
        ({**GIVEN, "expires_in": "soon"}, "SOURCE_BAD_DATA"),
        ({**GIVEN, "expires_in": True}, "SOURCE_BAD_DATA"),
        (_hang, "SOURCE_TIMEOUT"),
    ],
)
async def test_no_token(said: Any, code: str) -> None:
    async with serving(lambda _: said) as wire, opened(auth(wire), TABLES) as held:
        with pytest.raises(SourceError) as raised:
            await rows(held, ID, deadline=time.monotonic() + (0.3 if said is _hang else 20))
        assert raised.value.code == code
        assert SECRET not in str(raised.value)
        assert not asked_of(wire, "/things")


@pytest.mark.asyncio
async def test_a_refusal_is_not_for_ever() -> None:
    server = Server()
    said: list[Say] = [lambda _: reply("", status="503 Later")]

    def say(asked: Asked) -> Any:
        return (said.pop() if said else server.say)(asked)

    async with serving(say) as wire, opened(auth(wire), TABLES) as held:
        with pytest.raises(SourceError):
            await rows(held, ID)
        assert await rows(held, ID) == [(1,)]


@pytest.mark.parametrize(
    "more",
    [
        {"token_url": ""},
        {"token_url": "ftp://h/token"},
        {"token_url": "http://hub:pass@h/token"},
        {"client_id": None},
        {"client_secret": 7},
        {"send": "query"},
        {"scopes": "read"},
    ],
)
def test_what_is_not_declared_rightly(more: Any) -> None:
    told = {"token_url": "https://h/token", "client_id": "hub", "client_secret": "${secret}"}
    with pytest.raises(HubError) as raised:
        connector({"base": "https://h", "auth": {"oauth2": {**told, **more}}}, TABLES)
    assert raised.value.code == "CONFIG_INVALID"
    assert SECRET not in str(raised.value)


def test_one_way_for_one_header() -> None:
    told = {"token_url": "https://h/token", "client_id": "hub", "client_secret": "${secret}"}
    with pytest.raises(HubError, match="two ways"):
        connector({"base": "https://h", "auth": {"oauth2": told, "bearer": "x"}}, TABLES)


FRAGMENT = """\
hub: 1
source:
  name: market
  department: market
  kind: rest
  connect:
    base: https://h
    auth: {{oauth2: {{token_url: "https://h/token", client_id: hub, client_secret: "{secret}"}}}}
types: {{}}
"""


@pytest.mark.parametrize(("secret", "fits"), [("${env:MARKET_SECRET}", True), (SECRET, False)])
def test_the_secret_of_a_client_comes_by_reference(tmp_path: Path, secret: str, fits: bool) -> None:
    file = tmp_path / "market.yaml"
    file.write_text(FRAGMENT.format(secret=secret), encoding="utf-8")
    told = CliRunner().invoke(cli, ["check", str(file)])
    assert (told.exit_code == 0) is fits
    assert SECRET not in told.output
    assert ("in clear" in f"{told.output}{told.exception}") is not fits

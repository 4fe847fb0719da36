"""Bodies asked after by ETag: for the same caller and credential only, and within bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.http import kept
from connectors.rest.connector import RestConnector
from connectors.spi import Ask, Call
from schema.errors import HubError, SourceError
from tests.connectors.rest.source import ID, connector, opened
from tests.connectors.rest.wire import Asked, Wire, reply, serving

TABLES = {"things": {"list": {"path": "/things", "filters": {"id": {"eq": "id"}}},
                     "get": {"path": "/things/{id}"}}}  # fmt: skip


def tagged(*more: str, tag: str = '"v1"') -> Callable[[Asked], Any]:
    """A service that sends no body to whoever has it."""
    told = (f"ETag: {tag}", *more)

    def say(asked: Asked) -> bytes:
        if asked.headers.get("if-none-match") == tag:
            return reply("", *told, status="304 Not Modified")
        return reply(json.dumps([{"id": 1}]), *told)

    return say


async def read(held: RestConnector, caller: str = "app:one", *keys: int) -> int:
    named = ("id",) if keys else ()
    offer = held.offer(Ask(table="things", columns=(ID,), key_columns=named))
    call = Call(caller=caller, keys=[(key,) for key in keys])
    return (await held.fetch_all(offer.handle, call)).rows


def tags(wire: Wire) -> list[str | None]:
    return [asked.headers.get("if-none-match") for asked in wire.asked]


@pytest.mark.asyncio
async def test_a_body_is_asked_after() -> None:
    async with (
        serving(tagged()) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):
        assert [await read(held) for _ in range(3)] == [1, 1, 1]
        assert tags(wire) == [None, '"v1"', '"v1"']


@pytest.mark.asyncio
@pytest.mark.parametrize("told", [{}, {"revalidate": False}])
async def test_nothing_is_kept_unless_the_fragment_says_so(told: Any) -> None:
    async with serving(tagged()) as wire, opened({"base": wire.base, **told}, TABLES) as held:
        assert [await read(held) for _ in range(2)] == [1, 1]
        assert tags(wire) == [None, None]


@pytest.mark.asyncio
async def test_nobody_is_given_what_another_was_sent() -> None:
    async with (
        serving(tagged()) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):
        for caller in ("app:one", "app:two", "", ""):
            await read(held, caller)
        assert tags(wire) == [None] * 4
        await read(held, "app:two")
        assert tags(wire)[-1] == '"v1"'


@pytest.mark.asyncio
async def test_another_token_begins_anew() -> None:
    given = iter(range(1, 10))

    def say(asked: Asked) -> Any:
        if asked.path == "/token":
            told = {"access_token": f"t{next(given)}", "token_type": "bearer", "expires_in": 0}
            return reply(json.dumps(told))
        return tagged()(asked)

    async with serving(say) as wire:
        oauth2 = {"token_url": f"{wire.base}/token", "client_id": "hub", "client_secret": "x"}
        told = {"base": wire.base, "revalidate": True, "auth": {"oauth2": oauth2}}
        async with opened(told, TABLES) as held:
            assert [await read(held) for _ in range(2)] == [1, 1]
        assert tags(wire) == [None] * 4


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("more", "tag"),
    [("Cache-Control: private, no-store", '"v1"'), ("Vary: *", '"v1"'), ("X: 1", "é"),
     ("X: 1", "a" * 300)],
)  # fmt: skip
async def test_what_may_not_be_kept(more: str, tag: str) -> None:
    async with (
        serving(lambda _: reply("[]", more).replace(b"X: 1", f"ETag: {tag}".encode("latin-1"))
                if more == "X: 1" else reply("[]", more, f"ETag: {tag}")) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):  # fmt: skip
        for _ in range(2):
            await read(held)
        assert tags(wire) == [None, None]


@pytest.mark.asyncio
async def test_another_body_takes_the_place_of_the_first() -> None:
    said = [reply('[{"id": 1}]', 'ETag: "a"'), reply("[]", 'ETag: "b"'),
            reply("", status="304 Not Modified")]  # fmt: skip
    async with (
        serving(lambda _: said.pop(0)) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):
        assert [await read(held) for _ in range(3)] == [1, 0, 0]
        assert tags(wire) == [None, '"a"', '"b"']


@pytest.mark.asyncio
async def test_a_304_that_nobody_asked_for_is_an_error() -> None:
    said = reply("", 'ETag: "a"', status="304 Not Modified")
    async with (
        serving(lambda _: said) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):
        with pytest.raises(SourceError) as raised:
            await read(held)
        assert raised.value.code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2)

    def say(asked: Asked) -> Any:
        key = int(asked.path.rpartition("/")[2])
        return reply(json.dumps({"id": key}), f'ETag: "v{key}"')

    async with (
        serving(say) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):
        for key in (1, 2, 3, 2, 1):
            await read(held, "app:one", key)
        assert tags(wire) == [None, None, None, '"v2"', None]


@pytest.mark.asyncio
async def test_a_large_body_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGEST", 5)
    async with (
        serving(tagged()) as wire,
        opened({"base": wire.base, "revalidate": True}, TABLES) as held,
    ):
        for _ in range(2):
            await read(held)
        assert tags(wire) == [None, None]


def test_it_is_said_plainly() -> None:
    with pytest.raises(HubError, match="true or false"):
        connector({"base": "http://h", "revalidate": "yes"}, TABLES)

"""Change events as rows: both ways of writing them, interruptions, bounds, wrong declarations."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from connectors.spi import Ask, Call, Column
from connectors.stream.connector import StreamConnector
from connectors.stream.declare import Events
from connectors.stream.events import BadEventError, Change, change_of
from schema.errors import HubError
from tests.connectors.stream.jetstream import (
    Server,
    client_of,
    connector,
    make_stream,
    opened,
    publish,
    served,
    structured,
)

N, NAME, FEE = Column("n", "Int"), Column("name", "String"), Column("fee", "Decimal")
EVENTS = Events(stream="CIVIC", key=("n",))
TABLES = {"gates": {"stream": "CIVIC", "subject": "civic.gate.*", "key": ["n"]}}


async def rows(held: StreamConnector, *columns: Column, **more: Any) -> list[tuple[Any, ...]]:
    keys = [(key,) for key in more.pop("keys", ())]
    if keys:
        more |= {"key_columns": ("n",), "known": (N,)}
    offer = held.offer(Ask(table="gates", columns=columns or (N, NAME), **more))
    assert offer.residual is None
    batch = await held.fetch_all(offer.handle, Call(keys=keys))
    return sorted(zip(*(batch.columns[c.name] for c in columns or (N, NAME)), strict=True))


async def settle(held: StreamConnector, wanted: list[tuple[Any, ...]]) -> None:
    """Until the view has these rows."""
    async with asyncio.timeout(30):
        while True:
            try:
                if (await held.probe()).ok and await rows(held) == wanted:
                    return
            except HubError as error:
                if error.code != "SOURCE_UNAVAILABLE":  # a view that begins anew between the two
                    raise
            await asyncio.sleep(0.02)


async def unwell(held: StreamConnector) -> None:
    """Until the source says that it is not well."""
    async with asyncio.timeout(30):
        while (await held.probe()).ok:  # noqa: ASYNC110  # a server of its own tells nobody
            await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_the_latest_event_of_a_key_is_its_row(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await make_stream(server, "CIVIC", "civic.>")
        await publish(server, "civic.gate.a", [
            ("gate.opened", {"n": 1, "name": "east", "fee": 0.10}),
            ("gate.opened", {"n": 2, "name": "west"}),
            ("gate.changed", {"n": 1, "name": "é", "fee": 12345678901234567.25}),
        ])  # fmt: skip
        await publish(server, "civic.road.b", [("road.opened", {"n": 9})])
        async with opened(server, TABLES) as held:
            assert await rows(held) == [(1, "é"), (2, "west")]
            assert await rows(held, N, keys=[2, 7]) == [(2,)]
            assert (await held.probe()).as_of > 0
            await publish(server, "civic.gate.c", [
                ("gate.deleted", {"n": 2}), ("gate.opened", {"n": 3, "name": "north"}),
            ])  # fmt: skip
            await settle(held, [(1, "é"), (3, "north")])
            async with client_of(server) as client:
                headers = {"ce-specversion": "1.0", "ce-type": "gate.changed", "ce-id": "7"}
                await client.jetstream().publish(
                    "civic.gate.d", b'{"n": 3, "name": "south", "fee": 1.50}', headers=headers
                )
            await settle(held, [(1, "é"), (3, "south")])
            assert await rows(held, FEE, keys=[3]) == [("1.50",)]


@pytest.mark.asyncio
async def test_a_stream_is_read_on_after_its_server_was_away(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await make_stream(server, "CIVIC", "civic.>")
        await publish(server, "civic.gate.a", [("gate.opened", {"n": 1, "name": "a"})])
        async with opened(server, TABLES, max_silence=1) as held:
            assert await rows(held) == [(1, "a")]
            server.stop()
            await unwell(held)
            with pytest.raises(HubError) as refused:
                await rows(held)
            assert refused.value.code == "SOURCE_UNAVAILABLE"
            await server.start()
            await publish(server, "civic.gate.a", [("gate.opened", {"n": 2, "name": "b"})])
            await settle(held, [(1, "a"), (2, "b")])


@pytest.mark.asyncio
async def test_a_stream_that_is_made_anew_is_read_anew(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await make_stream(server, "CIVIC", "civic.>")
        opening = [("gate.opened", {"n": n, "name": "a"}) for n in range(5)]
        await publish(server, "civic.gate.a", opening)
        async with opened(server, TABLES) as held:
            assert len(await rows(held)) == 5
            async with client_of(server) as client:
                await client.jetstream().delete_stream("CIVIC")
            await make_stream(server, "CIVIC", "civic.>")
            await publish(server, "civic.gate.a", [("gate.opened", {"n": 7, "name": "b"})])
            await settle(held, [(7, "b")])


@pytest.mark.asyncio
async def test_more_rows_than_allowed_are_refused_not_left_out(tmp_path: Path) -> None:
    tables = {"gates": {**TABLES["gates"], "max_rows": 2}}
    async with served(tmp_path) as server:
        await make_stream(server, "CIVIC", "civic.>")
        opening = [("gate.opened", {"n": n, "name": "a"}) for n in range(2)]
        await publish(server, "civic.gate.a", opening)
        async with opened(server, tables) as held:
            assert len(await rows(held)) == 2
            await publish(server, "civic.gate.a", [("gate.opened", {"n": 3, "name": "c"})])
            await unwell(held)
            with pytest.raises(HubError) as refused:
                await rows(held)
            assert refused.value.code == "SCAN_TOO_LARGE"


@pytest.mark.asyncio
async def test_a_bad_event_stops_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await make_stream(server, "CIVIC", "civic.>")
        async with client_of(server) as client:
            await client.jetstream().publish("civic.gate.a", b"no event")
        await publish(server, "civic.gate.a", [
            ("gate.opened", {"name": "no key"}), ("gate.opened", {"n": 1, "name": "a"}),
        ])  # fmt: skip
        async with opened(server, TABLES) as held:
            assert await rows(held) == [(1, "a")]


@pytest.mark.asyncio
async def test_a_server_that_is_not_there_or_wants_a_password(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with pytest.raises(HubError) as refused:
        await connector(server, TABLES).open()
    assert refused.value.code == "SOURCE_UNAVAILABLE"
    login = {"user": "hub", "password": "s3cret-4711"}
    async with served(tmp_path, "--user", "hub", "--pass", "s3cret-4711", **login) as locked:
        await make_stream(locked, "CIVIC", "civic.>", **login)
        await publish(locked, "civic.gate.a", [("gate.opened", {"n": 1, "name": "a"})], **login)
        with pytest.raises(HubError) as refused:
            await connector(locked, TABLES).open()
        assert refused.value.code == "SOURCE_UNAVAILABLE"
        async with opened(locked, TABLES, user="hub", password="${secret}") as held:
            assert await rows(held) == [(1, "a")]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (None, b""),
        (None, b"[]"),
        (None, b"\xff"),
        (None, b'{"type": "a", "data": {"n": 1}}'),
        (None, b'{"specversion": "2.0", "type": "a", "data": {"n": 1}}'),
        (None, b'{"specversion": "1.0", "type": "a"}'),
        (None, b'{"specversion": "1.0", "type": "a", "data": [1]}'),
        (None, b'{"specversion": "1.0", "type": "a", "data": {"n": null}}'),
        (None, b'{"specversion": "1.0", "type": "a", "data": {"n": {"a": 1}}}'),
        (None, b'{"specversion": "1.0", "type": "a", "data_base64": "!"}'),
        ({"content-type": "text/plain"}, structured("a", {"n": 1})),
        ({"ce-specversion": "1.0"}, b'{"n": 1}'),
        ({"ce-specversion": "1.0", "ce-type": "a"}, b"n=1"),
    ],
)
def test_what_is_no_event_is_told(headers: dict[str, str] | None, body: bytes) -> None:
    with pytest.raises(BadEventError):
        change_of(EVENTS, headers, body)


def test_both_modes_say_the_same() -> None:
    wanted = Change((1,), {"n": 1})
    assert change_of(EVENTS, None, structured("a", {"n": 1})) == wanted
    encoded = b'{"specversion": "1.0", "type": "a", "data_base64": "eyJuIjogMX0="}'
    assert change_of(EVENTS, None, encoded) == wanted
    headers = {"CE-SpecVersion": "1.0", "CE-Type": "a"}
    assert change_of(EVENTS, headers, b'{"n": 1}') == wanted
    assert change_of(EVENTS, None, structured("a.deleted", {"n": 1})) == Change((1,), None)


@pytest.mark.parametrize(
    ("connected", "tables", "said"),
    [
        ({"url": "http://a"}, TABLES, "nats://"),
        ({"user": "a", "token": "b"}, TABLES, "keep one"),
        ({"usr": "a"}, TABLES, "may say"),
        ({}, {}, "stream: NAME"),
        ({}, {"gates": {"stream": "A B", "key": ["n"]}}, "may say"),
        ({}, {"gates": {"stream": "A", "key": []}}, "may say"),
    ],
)
def test_a_wrong_declaration_is_told(
    tmp_path: Path, connected: dict[str, Any], tables: dict[str, Any], said: str
) -> None:
    with pytest.raises(HubError) as refused:
        connector(Server(tmp_path), tables, **connected)
    assert refused.value.code == "CONFIG_INVALID"
    assert said in str(refused.value.hint)

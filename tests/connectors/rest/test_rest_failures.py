"""Services that fail, lie or hang: one coded error each, without their text, address or secret."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import json
import logging
import time
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.http import body as bodies
from connectors.http import client
from connectors.rest import walk
from connectors.rest.connector import IN_FLIGHT
from connectors.spi import Ask, Call, Column
from schema.errors import SourceError
from tests.connectors.rest.source import ID, NAME, SECRET, connector, opened, rows
from tests.connectors.rest.wire import Asked, Say, Wire, Writer, reply, serving

MARK = "zqmarked7"
AUTH = {"auth": {"bearer": "${secret}"}}
TABLES: dict[str, Any] = {
    "things": {
        "list": {"path": "/things", "items": "/items"},
        "get": {"path": "/things/{id}"},
        "get_many": {"path": "/many", "param": "ids", "items": "/items"},
    }
}


def paged(**paging: Any) -> dict[str, Any]:
    """A list with paging."""
    return {"things": {"list": {"path": "/things", "items": "/items", "paging": paging}}}


async def failing(
    say: Say, tables: Any = TABLES, *columns: Column, **more: Any
) -> tuple[SourceError, Wire]:
    """The error of a fetch."""
    async with serving(say) as wire, opened({"base": wire.base, **AUTH}, tables) as held:
        with pytest.raises(SourceError) as raised:
            await rows(held, *(columns or (ID, NAME)), **more)
    return raised.value, wire


@pytest.fixture(autouse=True)
def _nothing_told(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Any:
    """No log at its usual level holds what is the source's."""
    caplog.set_level(logging.WARNING)
    yield
    out, err = capsys.readouterr()
    for text in (MARK, SECRET, "127.0.0.1", "Traceback"):
        assert text not in out + err + caplog.text


def coded(error: SourceError, code: str) -> None:
    """One line, the code that was expected, nothing of the source."""
    assert error.code == code, error
    told = str(error)
    assert "\n" not in told
    for text in (MARK, SECRET, "127.0.0.1", "http:", "/things"):
        assert text not in told


def one(**row: Any) -> dict[str, Any]:
    return {"items": [{"id": 1, "name": "a", **row}]}


async def _hang(writer: Writer) -> None:
    await asyncio.sleep(30)


async def _half(writer: Writer) -> None:
    writer.write(reply(b'{"items": [')[:-5])
    await writer.drain()
    await asyncio.sleep(30)


async def _break(writer: Writer) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    await writer.drain()


async def _drip(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(1_500):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _no_http(writer: Writer) -> None:
    writer.write(MARK.encode() * 10)
    await writer.drain()


async def _no_end(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


@pytest.mark.asyncio
async def test_down() -> None:
    async with serving(lambda _: {}) as wire:
        base = wire.base
    async with opened({"base": base, **AUTH}, TABLES) as held:
        with pytest.raises(SourceError) as raised:
            await rows(held, ID)
        coded(raised.value, "SOURCE_UNAVAILABLE")
        health = await held.probe()
        assert (health.ok, health.code) == (False, "SOURCE_UNAVAILABLE")


@pytest.mark.asyncio
@pytest.mark.parametrize("write", [_hang, _half, _drip])
async def test_slow(write: Callable[[Writer], Awaitable[None]]) -> None:
    started = time.monotonic()
    error, _ = await failing(lambda _: write, deadline=started + 0.3)
    coded(error, "SOURCE_TIMEOUT")
    assert time.monotonic() - started < 20  # each of them would go on for 30 s


@pytest.mark.asyncio
async def test_a_deadline_holds_while_waiting_for_room() -> None:
    async with serving(lambda _: _hang) as wire, opened({"base": wire.base}, TABLES) as held:
        started = time.monotonic()
        patient = [asyncio.create_task(rows(held, ID)) for _ in range(IN_FLIGHT)]
        try:
            await asyncio.sleep(0.05)
            with pytest.raises(SourceError) as raised:
                await rows(held, ID, deadline=started + 0.3)
        finally:
            for task in patient:
                task.cancel()
            await asyncio.gather(*patient, return_exceptions=True)
        coded(raised.value, "SOURCE_BUSY")
        assert len(wire.asked) == IN_FLIGHT
    assert time.monotonic() - started < 20


@pytest.mark.asyncio
@pytest.mark.parametrize("write", [_break, _no_http])
async def test_broken(write: Callable[[Writer], Awaitable[None]]) -> None:
    error, wire = await failing(lambda _: write)
    coded(error, "SOURCE_UNAVAILABLE")
    assert len(wire.asked) == client.TRIES


@pytest.mark.asyncio
async def test_a_connection_that_breaks_once_is_tried_again() -> None:
    said: list[Any] = [_break, one()]
    async with serving(lambda _: said.pop(0)) as wire, opened({"base": wire.base}, TABLES) as held:
        assert await rows(held, ID) == [(1,)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("500 Internal Server Error", "SOURCE_UNAVAILABLE"),
        ("503 Service Unavailable", "SOURCE_UNAVAILABLE"),
        ("401 Unauthorized", "SOURCE_UNAVAILABLE"),
        ("403 Forbidden", "SOURCE_UNAVAILABLE"),
        ("404 Not Found", "SOURCE_BAD_DATA"),
        ("400 Bad Request", "SOURCE_BAD_DATA"),
        ("429 Too Many Requests", "SOURCE_BUSY"),
        ("304 Not Modified", "SOURCE_BAD_DATA"),
    ],
)
async def test_status(status: str, code: str) -> None:
    trace = f"Traceback (most recent call last)\n{MARK}"
    error, wire = await failing(lambda _: reply(trace, status=status, kind="text/plain"))
    coded(error, code)
    assert len(wire.asked) == (client.TRIES if status[:3] in ("500", "503", "429") else 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Oops", "404 Not Found"])
async def test_a_source_that_refuses_is_not_well(status: str) -> None:
    said = reply("{}", status=status)
    async with serving(lambda _: said) as wire, opened({"base": wire.base}, TABLES) as held:
        assert not (await held.probe()).ok


def _retry_after(value: str, then: Any) -> Say:
    said = [reply("", f"Retry-After: {value}", status="429 Too Many Requests"), then]
    return lambda _: said.pop(0)


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["1", "date"])
async def test_it_comes_back_when_the_service_says(value: str) -> None:
    if value == "date":
        value = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4), usegmt=True)
    async with (
        serving(_retry_after(value, one())) as wire,
        opened({"base": wire.base}, TABLES) as held,
    ):
        started = time.monotonic()
        assert await rows(held, ID, deadline=started + 60) == [(1,)]
        assert time.monotonic() - started > 0.8


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("value", "deadline"),
    [("600", 50.0), ("3600", 60.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0), ("nan", 60.0),
     ("-1", 60.0), ("9" * 400, 60.0), ("Thu, 99 Foo 0000", 60.0)],
)  # fmt: skip
async def test_it_does_not_wait_longer_than_is_worth_it(value: str, deadline: float) -> None:
    started = time.monotonic()
    error, wire = await failing(_retry_after(value, one()), deadline=started + deadline)
    coded(error, "SOURCE_BUSY")
    assert time.monotonic() - started < 40
    assert len(wire.asked) == 1


BAD_BODIES: dict[str, bytes] = {
    "cut short": reply('{"items": [{"id": 1'),
    "nothing": reply(""),
    "HTML": reply(f"<html>{MARK}</html>", kind="text/html"),
    "HTML that says it is JSON": reply(f"<html>{MARK}</html>"),
    "no list": reply('{"items": {"id": 1}}'),
    "a text": reply('{"items": "abc"}'),
    "another place": reply('{"data": [{"id": 1, "name": "a"}]}'),
    "an error as an answer": reply(f'{{"error": "{MARK}"}}'),
    "no objects": reply("[[1, 2]]"),
    "objects among others": reply('{"items": [{"id": 1}, 7]}'),
    "a wrong type": reply(json.dumps(one(id=MARK))),
    "an object for a text": reply(json.dumps(one(name={"a": 1}))),
    "a number for a text": reply('{"items": [{"id": 1, "name": 1.5}]}'),
    "no UTF-8": reply(b'{"items": [{"id": 1, "name": "\xff\xfe"}]}'),
    "half a character": reply('{"items": [{"id": 1, "name": "\\ud800"}]}'),
    "NaN": reply('{"items": [{"id": NaN}]}'),
    "a fraction": reply('{"items": [{"id": 1.5}]}'),
    "a large integer": reply('{"items": [{"id": %s}]}' % ("9" * 30)),
    "an integer of 10,000 digits": reply('{"items": [{"id": %s}]}' % ("9" * 10_000)),
    "a number with a huge exponent": reply('{"items": [{"id": 1e999999999}]}'),
    "nested without end": reply("[" * 100_000 + "]" * 100_000),
    "objects without end": reply('{"a":' * 100_000 + "1" + "}" * 100_000),
    "packed otherwise": reply(b"abc", "Content-Encoding: br"),
    "packed twice": reply(gzip.compress(gzip.compress(b"{}")), "Content-Encoding: gzip, gzip"),
    "packed wrongly": reply(b"no gzip", "Content-Encoding: gzip"),
    "packed and cut": reply(gzip.compress(json.dumps(one()).encode())[:-9],
                            "Content-Encoding: gzip"),
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("keys", [(), (1,)], ids=["list", "keys"])
async def test_bad_data(name: str, keys: tuple[int, ...]) -> None:
    more: dict[str, Any] = {"keys": keys, "key_columns": ("id",)} if keys else {}
    error, wire = await failing(lambda _: BAD_BODIES[name], **more)
    coded(error, "SOURCE_BAD_DATA")
    assert len(wire.asked) == 1


@pytest.mark.asyncio
async def test_a_row_that_lacks_its_key_is_no_row_of_it() -> None:
    for say in ({"items": [{"name": MARK}]}, {"name": MARK}):
        tables = {"things": {**TABLES["things"], "get_many": None}} if "name" in say else TABLES
        error, _ = await failing(lambda _, said=say: said, tables, keys=(1,), key_columns=("id",))
        coded(error, "SOURCE_BAD_DATA")


@pytest.mark.asyncio
async def test_a_row_that_lacks_another_field_has_null_there() -> None:
    said = {"items": [{"id": 1}, {"id": 2, "name": None}, {"id": 3, "name": "c", "more": [1]}]}
    deep = Column("/name/first", "String")
    async with serving(lambda _: said) as wire, opened({"base": wire.base}, TABLES) as held:
        assert await rows(held, ID, NAME, deep) == [
            (1, None, None),
            (2, None, None),
            (3, "c", None),
        ]


@pytest.mark.asyncio
async def test_numbers_keep_their_digits() -> None:
    body = (
        '{"items": [{"id": 1, "d": 12.50, "n": 12345678901234567.89, "f": 1e-9, "w": 7.0,'
        ' "b": 9223372036854775807, "j": {"x": [1.5, 2]}}]}'
    )
    asked = [Column("d", "Decimal"), Column("n", "Decimal"), Column("f", "Float"),
             Column("w", "Int"), Column("b", "BigInt"), Column("j", "JSON")]  # fmt: skip
    async with serving(lambda _: reply(body)) as wire, opened({"base": wire.base}, TABLES) as held:
        (row,) = await rows(held, *asked)
    assert row == (
        "12.50", "12345678901234567.89", 1e-9, 7, "9223372036854775807", {"x": [1.5, 2]}
    )  # fmt: skip
    assert type(row[5]["x"][0]) is float


@pytest.mark.asyncio
async def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BYTES", 100_000)
    error, _ = await failing(lambda _: reply(" " * 100_001))
    coded(error, "SOURCE_BAD_DATA")
    error, _ = await failing(lambda _: _no_end)
    coded(error, "SOURCE_BAD_DATA")


@pytest.mark.asyncio
async def test_a_small_body_that_unpacks_to_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    monkeypatch.setattr(bodies, "MAX_BYTES", 1_000_000)
    bomb = reply(gzip.compress(b" " * 200_000_000, 1), "Content-Encoding: gzip")
    tracemalloc.start()
    try:
        error, _ = await failing(lambda _: bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    coded(error, "SOURCE_BAD_DATA")
    assert peak < 20_000_000


@pytest.mark.asyncio
async def test_packed_data_is_read() -> None:
    body = reply(gzip.compress(json.dumps(one()).encode()), "Content-Encoding: gzip")
    async with serving(lambda _: body) as wire, opened({"base": wire.base}, TABLES) as held:
        assert await rows(held, ID) == [(1,)]
        assert wire.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.asyncio
async def test_an_error_among_many_requests_is_the_error() -> None:
    tables = {"things": {"get": {"path": "/things/{id}"}}}
    error, _ = await failing(
        lambda asked: {"id": 1} if asked.path.endswith("/1") else reply("", status="500 Oops"),
        tables, ID, keys=tuple(range(1, 30)), key_columns=("id",),
    )  # fmt: skip
    coded(error, "SOURCE_UNAVAILABLE")


@pytest.mark.asyncio
async def test_after_an_error_it_goes_on() -> None:
    said: list[Any] = [reply("{"), reply("", status="401 No"), _hang, one(), one()]
    async with serving(lambda _: said.pop(0)) as wire, opened({"base": wire.base}, TABLES) as held:
        for _ in range(3):
            with pytest.raises(SourceError):
                await rows(held, ID, deadline=time.monotonic() + 0.3)
        assert await rows(held, ID) == [(1,)]
        offer = held.offer(Ask(table="things", columns=(ID,)))
        assert [b.rows async for b in held.fetch(offer.handle, Call())] == [1]


@pytest.mark.asyncio
async def test_no_cookie_is_kept() -> None:
    said = reply(json.dumps(one()), "Set-Cookie: session=abc; Path=/")
    async with serving(lambda _: said) as wire, opened({"base": wire.base}, TABLES) as held:
        await rows(held, ID)
        await rows(held, ID)
        assert "cookie" not in wire.asked[1].headers


def test_bounds_are_there() -> None:
    assert bodies.MAX_BYTES < walk.MAX_BYTES <= 256_000_000
    assert connector({"base": "http://h"}, TABLES).capabilities.max_keys >= 50
    assert Asked("/a?b=c", {}).query == "b=c"

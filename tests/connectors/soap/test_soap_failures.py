"""SOAP services that fail, lie or hang: one coded error each, without their text or address."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.http import body as bodies
from connectors.soap import exchange
from connectors.spi import Column
from schema.errors import SourceError
from tests.connectors.rest.certificates import Authority
from tests.connectors.rest.source import SECRET
from tests.connectors.rest.wire import Asked, Say, Wire, Writer, reply, serving
from tests.connectors.soap.source import opened, rows

MARK = "zqmarked7"
WSDL = str(Path(__file__).with_name("people.wsdl"))
AUTH = {"auth": {"username_token": {"user": "hub", "password": "${secret}"}}}
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ID = Column("personId", "Int")
NAME = Column("name", "String")
TABLES: dict[str, Any] = {
    "people": {
        "list": {"operation": "FindPeople", "rows": "/people/person"},
        "get": {"operation": "GetPerson", "arg": "personId", "key": "personId", "row": "/person"},
    }
}
ONE = "<people><person><personId>1</personId><name>a</name></person></people>"


def said(inner: str, answer: str = "FindPeopleResponse") -> bytes:
    """A whole answer of the service."""
    told = f'<{answer} xmlns="urn:example:people">{inner}</{answer}>'
    return enveloped(told)


def enveloped(body: str, status: str = "200 OK", space: str = ENVELOPE) -> bytes:
    whole = f'<e:Envelope xmlns:e="{space}"><e:Body>{body}</e:Body></e:Envelope>'
    return reply(whole, status=status, kind="text/xml; charset=utf-8")


def fault(code: str, detail: str = "") -> bytes:
    told = (f"<e:Fault><faultcode>{code}</faultcode><faultstring>{MARK}</faultstring>"
            f"<detail>{detail}</detail></e:Fault>")  # fmt: skip
    return enveloped(told, "500 Internal Server Error")


@pytest.fixture(autouse=True)
def _nothing_told(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Any:
    """No log at its usual level holds what is the source's."""
    caplog.set_level(logging.WARNING)
    yield
    out, err = capsys.readouterr()
    for text in (MARK, SECRET, "127.0.0.1", "Traceback"):
        assert text not in out + err + caplog.text


async def read(say: Say, *columns: Column, **more: Any) -> list[tuple[Any, ...]]:
    tables = more.pop("tables", TABLES)
    told = {"wsdl": WSDL, **AUTH}
    async with (
        serving(say) as wire,
        opened({**told, "address": f"{wire.base}/soap"}, tables) as held,
    ):
        return await rows(held, *(columns or (ID, NAME)), table="people", **more)


async def failing(say: Say, *columns: Column, **more: Any) -> SourceError:
    """The error of a fetch."""
    with pytest.raises(SourceError) as raised:
        await read(say, *columns, **more)
    told = str(raised.value)
    assert "\n" not in told
    for text in (MARK, SECRET, "127.0.0.1", "http:"):
        assert text not in told
    return raised.value


@pytest.mark.asyncio
async def test_rows_are_read() -> None:
    person = (
        '<person version="3"><personId> 7 </personId><name> 张 &amp; &lt;b&gt; </name>'
        "<born>1990-01-02+08:00</born><active>1</active><fee>12.50</fee>"
        "<address><city>杭州</city></address><phone>1</phone>"
        '<visit kind="x"><day>2020-01-01</day><minutes>5</minutes></visit></person>'
        '<person><personId>8</personId><name xsi:nil="true"/><fee/></person>'
    )
    told = person.replace(
        "xsi:nil", 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil'
    )
    columns = (ID, NAME, Column("born", "Date"), Column("active", "Boolean"),
               Column("fee", "Decimal"), Column("/address/city", "String"),
               Column("@version", "String"), Column("phone", "JSON"), Column("visit", "JSON"),
               Column("/phone/0", "String"), Column("address", "JSON"))  # fmt: skip
    visit = {"@kind": "x", "day": "2020-01-01", "minutes": 5}
    assert await read(lambda _: said(f"<people>{told}</people>"), *columns) == [
        (7, " 张 & <b> ", "1990-01-02", True, "12.50", "杭州", "3", ["1"], [visit], "1",
         {"city": "杭州"}),
        (8, None, None, None, None, None, None, [], [], None, None),
    ]  # fmt: skip


async def _hang(_: Writer) -> None:
    await asyncio.Event().wait()


async def _half(writer: Writer) -> None:
    writer.write(said(ONE)[:-9])
    await writer.drain()
    await asyncio.Event().wait()


async def _break(writer: Writer) -> None:
    writer.write(said(ONE)[:-9])
    await writer.drain()


@pytest.mark.asyncio
@pytest.mark.parametrize("write", [_hang, _half])
async def test_slow(write: Callable[[Writer], Awaitable[None]]) -> None:
    error = await failing(lambda _: write, deadline=time.monotonic() + 0.5)
    assert error.code == "SOURCE_TIMEOUT"


@pytest.mark.asyncio
async def test_what_may_not_be_safe_is_asked_once() -> None:
    """An operation is a POST: whether it only reads is the fragment's word."""
    for say in (_break, reply("", status="503 Later"), fault("e:Server")):
        asked: list[Asked] = []

        def once(one: Asked, told: Any = say, asked: list[Asked] = asked) -> Any:
            asked.append(one)
            return told

        assert (await failing(once)).code == "SOURCE_UNAVAILABLE"
        assert len(asked) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("e:Server", "SOURCE_UNAVAILABLE"),
        ("e:Client", "SOURCE_BAD_DATA"),
        ("e:Client.Authentication", "SOURCE_UNAVAILABLE"),
        ("wsse:FailedAuthentication", "SOURCE_UNAVAILABLE"),
        (MARK, "SOURCE_UNAVAILABLE"),
    ],
)
async def test_faults(code: str, expected: str) -> None:
    error = await failing(lambda _: fault(code, f"<{MARK}>{MARK}</{MARK}>"))
    assert error.code == expected
    refused = "Authentication" in code
    assert ("credentials" in error.message) is refused


@pytest.mark.asyncio
async def test_a_fault_can_mean_that_there_is_no_row() -> None:
    get = {**TABLES["people"]["get"], "absent": ["NoSuchPerson"]}
    tables = {"people": {**TABLES["people"], "get": get}}
    more: dict[str, Any] = {"tables": tables, "keys": (1,), "key_columns": ("personId",)}
    assert await read(lambda _: fault("e:Server", "<NoSuchPerson/>"), **more) == []
    error = await failing(lambda _: fault("e:Server", "<Other/>"), **more)
    assert error.code == "SOURCE_UNAVAILABLE"


_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
_OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
BAD: dict[str, bytes] = {
    "cut short": reply(said(ONE).partition(b"\r\n\r\n")[2][:-20], kind="text/xml"),
    "nothing": reply("", kind="text/xml"),
    "JSON": reply(json.dumps({"a": MARK})),
    "HTML": reply(f"<html>{MARK}</html>", kind="text/html"),
    "no envelope": reply(f"<x>{MARK}</x>", kind="text/xml"),
    "an empty body": enveloped(""),
    "another answer": said(ONE, "GetPersonResponse"),
    "another version": enveloped(
        '<FindPeopleResponse xmlns="urn:example:people"/>',
        space="http://www.w3.org/2003/05/soap-envelope",
    ),
    "a wrong type": said(ONE.replace("<personId>1<", f"<personId>{MARK}<")),
    "an object for a value": said(ONE.replace("<name>a<", "<name><first>a</first><")),
    "two values for one": said(ONE.replace("<name>", "<name>b</name><name>")),
    "no UTF-8": reply(b"<x>\xff\xfe</x>", kind="text/xml"),
    "laughs": reply(f"{_LAUGHS}<x>&b;</x>", kind="text/xml"),
    "laughs after a comment": reply(f"<!-- - -->\n{_LAUGHS}<x>&b;</x>", kind="text/xml"),
    "laughs in UTF-16": reply(
        f'<?xml version="1.0" encoding="UTF-16"?>{_LAUGHS}<x/>'.encode("utf-16"), kind="text/xml"
    ),
    "an entity from outside": reply(f"{_OUTSIDE}<x>&a;</x>", kind="text/xml"),
    "an entity of nobody": said("<people>&nobody;</people>"),
    "nested without end": said("<a>" * 100_000 + "</a>" * 100_000),
    "a 500 that is no fault": enveloped(
        '<FindPeopleResponse xmlns="urn:example:people"/>', "500 Oops"
    ),
    "elsewhere": reply("", "Location: http://127.0.0.1:1/", status="302 Found"),
    "gone": reply("", status="404 Not Found"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", BAD)
async def test_bad_data(name: str) -> None:
    assert (await failing(lambda _: BAD[name])).code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BYTES", 1000)
    assert (await failing(lambda _: said(" " * 1001))).code == "SOURCE_BAD_DATA"
    monkeypatch.undo()
    monkeypatch.setattr(exchange, "MAX_ROWS", 1)
    two = ONE.replace("</people>", "<person><personId>2</personId></person></people>")
    assert (await failing(lambda _: said(two))).code == "SCAN_TOO_LARGE"


PAGED = {
    "people": {
        "list": {
            "operation": "FindPeople",
            "rows": "/people/person",
            "paging": {"kind": "page", "page": "pageNumber", "size": "pageSize",
                       "total": "/totalCount"},
        },
        "get": TABLES["people"]["get"],
    }
}  # fmt: skip


@pytest.mark.asyncio
async def test_a_list_that_is_not_whole() -> None:
    """Pages that repeat, a row that comes twice, fewer rows than are told, or no number told."""

    def other(asked: Asked) -> bytes:
        number = "2" if b">2<" in asked.body else "1"
        return said(ONE.replace(">1<", f">{number}<") + "<totalCount>9</totalCount>")

    same = said(ONE + "<totalCount>9</totalCount>")
    empty = said("<totalCount>9</totalCount>")
    none = said(ONE + f"<totalCount>{MARK}</totalCount>")
    for say in (lambda _: same, other, lambda _: empty, lambda _: none):
        assert (await failing(say, tables=PAGED)).code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_a_large_answer_does_not_hold_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LARGE", 10)
    assert await read(lambda _: said(ONE)) == [(1, "a")]


@pytest.mark.asyncio
async def test_both_sides_show_a_certificate(tmp_path: Path) -> None:
    ours = Authority(tmp_path)
    shown, key = ours.certificate("hub")
    tls = {"ca": str(ours.ca), "certificate": str(shown), "key": str(key)}

    async def ask(wire: Wire, told: Any) -> list[tuple[Any, ...]]:
        connected = {"wsdl": WSDL, "address": f"{wire.base}/soap", "tls": told}
        async with opened(connected, TABLES) as held:
            return await rows(held, ID, table="people")

    async with serving(lambda _: said(ONE), ours.server()) as wire:
        assert await ask(wire, tls) == [(1,)]
        with pytest.raises(SourceError):
            await ask(wire, {"ca": str(ours.ca)})


@pytest.mark.asyncio
async def test_the_service_is_well_or_it_is_not() -> None:
    for say, ok in ((said(ONE), True), (fault("e:Server"), False)):
        async with (
            serving(lambda _, told=say: told) as wire,
            opened({"wsdl": WSDL, "address": f"{wire.base}/soap"}, TABLES) as held,
        ):
            assert (await held.probe()).ok is ok


@pytest.mark.asyncio
async def test_a_service_without_lists_is_well_if_it_answers_at_all() -> None:
    tables = {"people": {"get": TABLES["people"]["get"]}}
    for status, ok in (("405 Method Not Allowed", True), ("503 Later", False)):
        async with (
            serving(lambda _, told=status: reply("", status=told)) as wire,
            opened({"wsdl": WSDL, "address": f"{wire.base}/soap"}, tables) as held,
        ):
            assert (await held.probe()).ok is ok

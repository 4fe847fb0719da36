"""WSDLs: what is drafted from them, what a fragment may say of them, and what is refused."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors.soap import connector as soap
from connectors.soap import wsdl as wsdls
from connectors.spi import ShapeTable
from hub.cli.main import cli
from schema.errors import HubError, SourceError
from tests.connectors.rest.source import SECRET
from tests.connectors.rest.wire import Asked, Say, reply, serving
from tests.connectors.soap.source import connector, opened

HERE = Path(__file__).parent
WSDL = (HERE / "people.wsdl").read_text(encoding="utf-8")
XSD = (HERE / "people.xsd").read_text(encoding="utf-8")
LIST: dict[str, Any] = {"operation": "FindPeople", "rows": "/people/person"}


async def drafted(place: str) -> dict[str, ShapeTable]:
    async with opened({"wsdl": place}, {}) as held:
        return {table.name: table for table in (await held.discover()).tables}


@pytest.mark.asyncio
async def test_a_draft_of_a_wsdl() -> None:
    (table,) = (await drafted(str(HERE / "people.wsdl"))).values()
    assert table.name == "Person"
    assert {column.name: column.kind for column in table.columns} == {
        "@version": "String", "personId": "Int", "name": "String", "born": "Date",
        "active": "Boolean", "fee": "Decimal", "grade": "Int", "/address/city": "String",
        "/address/postcode": "String", "phone": "JSON", "visit": "JSON",
    }  # fmt: skip
    assert {column.name for column in table.columns if not column.nullable} == {"personId"}
    assert table.keys == (("personId",),)
    assert table.detail == {
        "list": {
            "operation": "FindPeople",
            "rows": "/people/person",
            "paging": {"kind": "page", "page": "pageNumber", "size": "pageSize",
                       "total": "/totalCount"},
            "filters": {"name": {"eq": "name"}},
        },
        "get": {"operation": "GetPerson", "arg": "personId", "key": "personId", "row": "/person"},
        "get_many": {"operation": "GetPeople", "arg": "/personIds/int", "key": "personId",
                     "rows": "/person"},
    }  # fmt: skip


@pytest.mark.asyncio
async def test_an_operation_that_may_change_something_is_not_drafted() -> None:
    tables = await drafted(str(HERE / "people.wsdl"))
    assert "DeletePerson" not in str(tables)


@pytest.mark.asyncio
async def test_a_draft_can_be_used() -> None:
    place = str(HERE / "people.wsdl")
    tables = {name: table.detail for name, table in (await drafted(place)).items()}
    async with opened({"wsdl": place}, tables) as held:
        assert held.capabilities.scans


def test_the_command_drafts(tmp_path: Path) -> None:
    shutil.copy(HERE / "people.xsd", tmp_path)
    place = shutil.copy(HERE / "people.wsdl", tmp_path)
    out = tmp_path / "people.yaml"
    command = ["source", "draft", str(place), "--level", "internal", "--out", str(out)]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    assert "kind: soap" in text
    assert "operation: FindPeople" in text
    assert CliRunner().invoke(cli, ["check", str(out)]).exit_code == 0


def web(*more: tuple[str, bytes], address: str | None = None) -> Say:
    """A host that gives the WSDL and its schema."""

    def say(asked: Asked) -> bytes:
        told = dict(more)
        if asked.path in told:
            return told[asked.path]
        if asked.path == "/people.wsdl":
            here = address or f"http://{asked.headers['host']}/soap"
            return reply(WSDL.replace("http://people.example/soap", here), kind="text/xml")
        return (
            reply(XSD, kind="text/xml")
            if asked.path == "/people.xsd"
            else reply("", status="404 N")
        )

    return say


@pytest.mark.asyncio
async def test_a_wsdl_by_address() -> None:
    async with serving(web()) as wire:
        assert set(await drafted(f"{wire.base}/people.wsdl")) == {"Person"}
        assert [asked.path for asked in wire.asked] == ["/people.wsdl", "/people.xsd"]


@pytest.mark.asyncio
async def test_a_wsdl_cannot_send_us_elsewhere() -> None:
    async with serving(web(address="http://127.0.0.1:1/soap")) as wire:
        with pytest.raises(HubError) as raised:
            await drafted(f"{wire.base}/people.wsdl")
        assert raised.value.code == "CONFIG_INVALID"
        told = {"wsdl": f"{wire.base}/people.wsdl", "address": f"{wire.base}/soap"}
        async with opened(told, {"people": {"list": LIST}}):
            pass


@pytest.mark.asyncio
async def test_a_source_can_be_opened_again() -> None:
    """Whoever opens it tries again until it comes; the first try may have got half way."""
    async with serving(web()) as service, serving(web()) as wire:
        told = {"wsdl": f"{wire.base}/people.wsdl", "address": f"{service.base}/soap"}
        async with opened(told, {"people": {"list": LIST}}) as held:
            await held.open()
        assert not service.asked


def _import(place: str) -> str:
    return WSDL.replace('schemaLocation="people.xsd"', f'schemaLocation="{place}"')


@pytest.mark.asyncio
@pytest.mark.parametrize("place", ["http://127.0.0.1:1/x.xsd", "file:///etc/passwd",
                                   "/etc/passwd", "ftp://127.0.0.1:1/x"])  # fmt: skip
async def test_nothing_is_loaded_from_elsewhere(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "people.wsdl").write_text(_import(place), encoding="utf-8")
    shutil.copy(HERE / "people.xsd", tmp_path)
    with pytest.raises(SourceError) as raised:
        await drafted(str(folder / "people.wsdl"))
    assert raised.value.code == "SOURCE_BAD_DATA"
    (folder / "people.wsdl").write_text(_import("../people.xsd"), encoding="utf-8")
    with pytest.raises(SourceError):
        await drafted(str(folder / "people.wsdl"))
    if not place.startswith("/"):
        body = reply(_import(place), kind="text/xml")
        async with serving(web(("/people.wsdl", body))) as wire:
            with pytest.raises(SourceError):
                await drafted(f"{wire.base}/people.wsdl")


BAD = {
    "no XML": "hello",
    "cut": WSDL[:-50],
    "no WSDL": "<html/>",
    "no service": WSDL.replace("soap:address", "soap:nothing").replace("wsdl:service", "wsdl:x"),
    "a message that is not there": WSDL.replace("tns:FindPeopleIn", "tns:Nobody"),
    "an element that is not there": WSDL.replace("tns:FindPeople\"", "tns:Nobody\""),
    "laughs": WSDL.replace("<wsdl:def", '<!DOCTYPE x [<!ENTITY a "b">]><wsdl:def', 1),
    "a schema that includes itself": WSDL.replace("people.xsd", "people.wsdl"),
    "nested without end": "<a>" * 10_000,
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_wsdl(tmp_path: Path, name: str) -> None:
    shutil.copy(HERE / "people.xsd", tmp_path)
    (tmp_path / "people.wsdl").write_text(BAD[name], encoding="utf-8")
    with pytest.raises(SourceError) as raised:
        await drafted(str(tmp_path / "people.wsdl"))
    assert raised.value.code == "SOURCE_BAD_DATA"
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.asyncio
async def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MAX_DOCUMENTS", 1), ("MAX_BYTES", len(WSDL) + 10)):
        monkeypatch.setattr(wsdls, name, value)
        with pytest.raises(SourceError) as raised:
            await drafted(str(HERE / "people.wsdl"))
        assert raised.value.code == "SOURCE_BAD_DATA"
        monkeypatch.undo()
    with pytest.raises(SourceError):
        await drafted(str(tmp_path / "absent.wsdl"))


@pytest.mark.asyncio
async def test_a_wsdl_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(soap, "WSDL_S", 0.3)
    async with serving(lambda _: hang) as wire:
        with pytest.raises(SourceError) as raised:
            await drafted(f"{wire.base}/people.wsdl")
    assert raised.value.code == "SOURCE_TIMEOUT"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "table",
    [
        {"list": {**LIST, "operation": "FindNobody"}},
        {"list": {**LIST, "rows": "/people/nobody"}},
        {"list": {**LIST, "args": {"nothing": "x"}}},
        {"list": {**LIST, "filters": {"name": {"eq": "nothing"}}}},
        {"list": {"operation": "GetPerson", "rows": "/person"}},
        {"get": {"operation": "GetPerson", "arg": "id", "key": "personId", "row": "/person"}},
    ],
)
async def test_a_table_that_is_not_as_the_wsdl_has_it(table: Any) -> None:
    held = connector({"wsdl": str(HERE / "people.wsdl")}, {"people": table})
    try:
        with pytest.raises(HubError) as raised:
            await held.open()
        assert raised.value.code == "CONFIG_INVALID"
    finally:
        await held.close()


@pytest.mark.asyncio
async def test_a_port_that_is_not_there() -> None:
    held = connector({"wsdl": str(HERE / "people.wsdl"), "port": "Other"}, {})
    try:
        with pytest.raises(SourceError):
            await held.open()
    finally:
        await held.close()


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"wsdl": ""},
        {"wsdl": 7},
        {"wsdl": "ftp://h/x"},
        {"wsdl": "http://h/x", "url": "http://h"},
        {"wsdl": "/x", "auth": {"username_token": {"user": "hub"}}},
        {"wsdl": "/x", "auth": {"username_token": "hub"}},
        {"wsdl": "/x", "auth": {"username_token": {"user": "a", "password": "b", "digest": 1}}},
        {"wsdl": "/x", "auth": {"username_token": {"user": "a", "password": "b"}, "magic": 1}},
    ],
)
def test_a_connection_that_is_not_declared_rightly(told: Any) -> None:
    with pytest.raises(HubError) as raised:
        connector(told, {})
    assert raised.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"list": {"operation": "X"}},
        {"list": {**LIST, "filters": {"name": {"eq": "a"}, "city": {"eq": "/a"}}}},
        {"list": {**LIST, "args": {"a": "1"}, "filters": {"name": {"eq": "a"}}}},
        {"lists": LIST},
    ],
)
def test_a_table_that_is_not_declared_rightly(table: Any) -> None:
    with pytest.raises(HubError) as raised:
        connector({"wsdl": "/x"}, {"people": table})
    assert raised.value.code == "CONFIG_INVALID"


def test_secrets_are_not_shown() -> None:
    auth = {"username_token": {"user": "hub", "password": "${secret}"}}
    held = connector({"wsdl": "/x", "auth": auth}, {})
    assert SECRET not in repr(held._declared)

"""Drafting from OpenAPI documents as services write them, and operations by their names."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.rest.openapi import MAX_COLUMNS, shape_of, with_operations
from connectors.rest.tables import read_tables
from connectors.spi import ShapeTable
from schema.errors import HubError, SourceError
from tests.connectors.rest.source import ID, connector, opened, rows
from tests.connectors.rest.wire import Asked, reply, serving

HERE = Path(__file__).parent
OLD: dict[str, Any] = yaml.safe_load((HERE / "permits.openapi-3.0.yaml").read_text("utf-8"))
NEW: dict[str, Any] = yaml.safe_load((HERE / "schools.openapi-3.1.yaml").read_text("utf-8"))


def drafted(document: Any) -> dict[str, ShapeTable]:
    return {table.name: table for table in shape_of(document).tables}


def columns(table: ShapeTable) -> dict[str, str]:
    return {c.name: c.kind + ("?" if c.nullable else "") for c in table.columns}


def test_a_document_of_3_0() -> None:
    found = drafted(OLD)
    assert set(found) == {"permits", "inspectors", "districts"}
    permits = found["permits"]
    assert columns(permits) == {
        "id": "BigInt", "number": "String", "state": "String", "granted": "Date?",
        "changed": "DateTime", "fee": "Decimal?", "area": "Float?", "floors": "Int?",
        "urgent": "Boolean?", "tags": "JSON?", "/holder/name": "String?",
        "/holder/address/city": "String?", "/holder/address/geo": "JSON?", "inspector": "JSON?",
        "a/b": "String?",
    }  # fmt: skip
    assert permits.keys == (("id",),)
    assert permits.comment == "Permits in force"
    assert permits.detail == {
        "list": {
            "path": "/permits",
            "items": "/data",
            "paging": {"kind": "page", "page": "page", "size": "per_page", "max": 50, "first": 0,
                       "total": "/total"},
            "filters": {"state": {"eq": "state"}},
        },
        "get": {"path": "/permits/{id}", "item": "/data"},
    }  # fmt: skip
    assert columns(found["inspectors"])["manager"] == "JSON?"  # a part of itself
    assert columns(found["districts"]) == {"code": "String", "parent": "String?"}
    assert found["districts"].detail["get"] == {"path": "/districts/{code}"}


def test_a_document_of_3_1() -> None:
    found = drafted(NEW)
    assert set(found) == {"schools", "primary_pupils", "secondary_pupils"}
    schools = found["schools"]
    assert columns(schools) == {
        "code": "String", "name": "String?", "opened": "Date?", "kind": "String",
        "level": "Int", "places": "BigInt?", "head": "JSON?", "/site/street": "String?",
        "/site/post": "String?", "open": "Boolean", "anything": "JSON",
    }  # fmt: skip
    assert schools.keys == (("code",),)
    assert schools.detail["get"] == {"path": "/schools/{code}"}
    assert schools.detail["list"]["paging"] == {
        "kind": "cursor", "cursor": "page_token", "size": "limit", "next": "/next_page_token"
    }  # fmt: skip
    assert schools.detail["list"]["filters"] == {"kind": {"eq": "kind"}}
    assert "get" not in found["primary_pupils"].detail


@pytest.mark.parametrize("document", [OLD, NEW])
def test_a_draft_can_be_read_back(document: Any) -> None:
    details = {table.name: table.detail for table in shape_of(document).tables}
    assert set(read_tables("s", details)) == set(details)


def _rows_of(schema: Any, **schemas: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "array", "items": schema}}}
    operation = {"operationId": "listA", "responses": {"200": {"content": content}}}
    return {"paths": {"/a": {"get": operation}}, "components": {"schemas": schemas}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_schemas_that_are_parts_of_themselves() -> None:
    text = {"type": "string"}
    node = {"type": "object", "properties": {"id": text, "up": _ref("N"), "down": {
        "type": "array", "items": _ref("N")}}}  # fmt: skip
    found = drafted(_rows_of(_ref("N"), N=node))["a"]
    assert set(columns(found)) >= {"id", "/up/id", "/up/up/id", "down"}
    for odd in (
        {"A": _ref("B"), "B": _ref("A")},
        {"A": {"allOf": [_ref("A"), {"properties": {"id": text}}]}},
        {"A": {"oneOf": [_ref("A"), {"type": "null"}]}},
        {"A": _ref("A")},
        {"A": {"allOf": [{"allOf": [_ref("A")]}]}},
    ):
        assert set(columns(drafted(_rows_of(_ref("A"), **odd)).get("a", found))) >= {"id"}


def test_schemas_that_grow_without_measure() -> None:
    grown = {f"A{n}": {"allOf": [_ref(f"A{n + 1}")] * 3} for n in range(100)}
    grown["A100"] = {"properties": {"id": {"type": "string"}}}
    assert set(columns(drafted(_rows_of(_ref("A0"), **grown))["a"])) == {"id"}
    wide = {"properties": {f"p{n}": _ref("B") for n in range(900)}}
    found = drafted(_rows_of(_ref("A"), A=wide, B=wide))["a"]
    assert len(found.columns) == MAX_COLUMNS
    chain = {f"A{n}": {"allOf": [_ref(f"A{n + 1}")]} for n in range(20_000)}
    with pytest.raises(SourceError) as raised:
        drafted(_rows_of(_ref("A0"), **chain))
    assert raised.value.code == "SOURCE_BAD_DATA"


@pytest.mark.parametrize(
    "document",
    [
        None, [], "x", {}, {"paths": None}, {"paths": []}, {"swagger": "2.0"},
    ],
)  # fmt: skip
def test_what_is_no_document(document: Any) -> None:
    with pytest.raises(SourceError) as raised:
        shape_of(document)
    assert raised.value.code == "SOURCE_BAD_DATA"


def _broken(value: Any, *path: str) -> Any:
    made = copy.deepcopy(OLD)
    held = made
    for part in path[:-1]:
        held = held[part]
    held[path[-1]] = value
    return made


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [7], {"a": 7}, {"$ref": 7}, True])
@pytest.mark.parametrize(
    "path",
    [
        ("paths", "/permits"),
        ("paths", "/permits", "get"),
        ("paths", "/permits", "parameters"),
        ("paths", "/permits", "get", "parameters"),
        ("paths", "/permits", "get", "responses"),
        ("paths", "/permits", "get", "responses", "200"),
        ("components", "schemas"),
        ("components", "schemas", "Permit"),
        ("components", "schemas", "Permit", "allOf"),
        ("components", "schemas", "Holder", "properties"),
        ("components", "schemas", "Holder", "required"),
        ("components", "schemas", "Holder", "properties", "name"),
    ],
)
def test_a_broken_part_spoils_no_other(value: Any, path: tuple[str, ...]) -> None:
    assert "inspectors" in drafted(_broken(value, *path)) or path == ("components", "schemas")


@pytest.mark.asyncio
async def test_another_document_is_never_fetched() -> None:
    """Neither a reference, nor a server, nor a link in a document leads anywhere."""
    asked: list[Asked] = []

    def other(one: Asked) -> Any:
        asked.append(one)
        return {"type": "object", "properties": {"id": {"type": "string"}}}

    async with serving(other) as elsewhere:
        for reference in (
            f"{elsewhere.base}/a.json", f"{elsewhere.base}/a.json#/B", "other.json#/A",
            "//x.invalid/a", "file:///etc/passwd", "#anchor", "a", "",
        ):  # fmt: skip
            document = _rows_of({"properties": {"id": {"$ref": reference}, "b": {}}})
            document["servers"] = [{"url": elsewhere.base}]
            document["paths"]["/c"] = {"$ref": reference}
            document["paths"]["/d"] = {"get": {"responses": {"200": {"$ref": reference}}}}

            def say(_: Asked, told: Any = document) -> Any:
                return told

            async with (
                serving(say) as wire,
                opened({"base": wire.base, "openapi": "/openapi.json"}, {}) as held,
            ):
                (table,) = (await held.discover()).tables
                assert columns(table) == {"id": "JSON?", "b": "JSON?"}
                assert wire.paths == ["/openapi.json"]
    assert asked == []


OPERATIONS = {
    "things": {
        "list": {"path": "listThings", "items": "/items"},
        "get": {"path": "getThing"},
        "get_many": {"path": "/v1/things/batch", "param": "ids", "items": "/items"},
    }
}
NAMED = {
    "openapi": "3.0.3",
    "servers": [{"url": "/api"}],
    "paths": {
        "/v1/things": {"get": {"operationId": "listThings"}},
        "/v1/things/{id}": {"get": {"operationId": "getThing"}, "parameters": []},
        "/v1/{a}/{b}": {"get": {"operationId": "two"}},
    },
}


def named(asked: Asked) -> Any:
    if asked.path == "/openapi.json":
        return NAMED
    if asked.path.endswith("/v1/things/1"):
        return {"id": 1}
    return {"items": [{"id": 1}]}


@pytest.mark.asyncio
async def test_operations_by_their_names() -> None:
    tables = {"things": {key: OPERATIONS["things"][key] for key in ("list", "get")}}
    async with (
        serving(named) as wire,
        opened({"base": wire.base, "openapi": "/openapi.json"}, tables) as held,
    ):
        assert await rows(held, ID) == [(1,)]
        assert await rows(held, ID, keys=[1], key_columns=("id",)) == [(1,)]
        assert wire.paths == ["/openapi.json", "/v1/things", "/v1/things/1"]


@pytest.mark.asyncio
async def test_get_many_takes_its_key_from_the_operation() -> None:
    async with (
        serving(named) as wire,
        opened({"base": wire.base, "openapi": "/openapi.json"}, OPERATIONS) as held,
    ):
        assert await rows(held, ID, keys=[1], key_columns=("id",)) == [(1,)]
        assert wire.paths[-1] == "/v1/things/batch?ids=1"


@pytest.mark.parametrize(
    "told",
    [
        {"list": {"path": "nothing"}},
        {"list": {"path": "getThing"}},
        {"get": {"path": "listThings"}},
        {"get": {"path": "two"}},
        {"get_many": {"path": "getThing", "param": "x", "key": "id"}},
    ],
)
def test_an_operation_that_does_not_fit(told: Any) -> None:
    with pytest.raises(SourceError) as raised:
        with_operations(read_tables("s", {"things": told}), NAMED)
    assert raised.value.code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_the_document_is_only_read_when_it_is_needed() -> None:
    tables = {"things": {"list": {"path": "/v1/things", "items": "/items"}}}
    connected = {"openapi": "/openapi.json"}
    async with serving(named) as wire, opened({"base": wire.base, **connected}, tables) as held:
        assert await rows(held, ID) == [(1,)]
        assert wire.paths == ["/v1/things"]


@pytest.mark.asyncio
async def test_the_document_says_where_the_service_is() -> None:
    async with serving(named) as wire, opened(
        {"openapi": f"{wire.base}/openapi.json"}, OPERATIONS
    ) as held:  # fmt: skip
        await rows(held, ID)
        assert wire.paths == ["/openapi.json", "/api/v1/things"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "server", ["http://other.invalid/", "//other.invalid", "http://[", "https:"]
)
async def test_the_document_cannot_send_us_elsewhere(server: str) -> None:
    document = {**NAMED, "servers": [{"url": server}]}
    async with serving(lambda _: document) as wire:
        held = connector({"openapi": f"{wire.base}/openapi.json"}, OPERATIONS)
        try:
            with pytest.raises(HubError) as raised:
                await held.open()
        finally:
            await held.close()
    assert raised.value.code == "CONFIG_INVALID"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "said",
    [reply("", status="404 Not Found"), reply("<html>", kind="text/html"), reply("{}"),
     reply("{"), reply("", status="500 Oops")],
)  # fmt: skip
async def test_a_document_that_is_not_there(said: bytes) -> None:
    async with serving(lambda _: said) as wire:
        held = connector({"base": wire.base, "openapi": "/openapi.json"}, OPERATIONS)
        try:
            for work in (held.open, held.discover):
                with pytest.raises(SourceError) as raised:
                    await work()
                assert raised.value.code in ("SOURCE_BAD_DATA", "SOURCE_UNAVAILABLE")
        finally:
            await held.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("suffix", ["json", "yaml"])
async def test_a_draft_from_a_file(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"permits.{suffix}"
    source = HERE / "permits.openapi-3.0.yaml"
    file.write_text(
        source.read_text("utf-8") if suffix == "yaml" else json.dumps(OLD), encoding="utf-8"
    )
    async with opened({"openapi": str(file)}, {}) as held:
        shape = await held.discover()
    assert {table.name for table in shape.tables} == {"permits", "inspectors", "districts"}
    file.write_text("{[", encoding="utf-8")
    for place in (file, tmp_path / "none.json", tmp_path):
        async with opened({"openapi": str(place)}, {}) as held:
            with pytest.raises(HubError) as raised:
                await held.discover()
            assert raised.value.code == "CONFIG_INVALID"


@pytest.mark.asyncio
async def test_nothing_to_draft_from() -> None:
    async with opened({"base": "http://127.0.0.1:9"}, {}) as held:
        with pytest.raises(HubError) as raised:
            await held.discover()
    assert raised.value.code == "CONFIG_INVALID"

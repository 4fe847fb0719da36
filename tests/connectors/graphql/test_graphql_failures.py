"""Servers that fail, lie or say too much: coded errors, never their words, never half an answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.graphql import walk
from connectors.http import body
from connectors.spi import Column
from schema.errors import HubError, SourceError
from tests.connectors.graphql.asking import SECRET, connector, opened, read
from tests.connectors.graphql.saying import SDL, Asked, reply, saying

pytestmark = pytest.mark.asyncio
ID = Column("id", "ID")
NAME = Column("name", "String")
WORDS = "relation secret_7 at 10.0.0.7 does not exist"
TABLES = {"things": {"list": {"field": "things"}}}


@pytest.fixture
def schema(tmp_path: Path) -> str:
    """A file that holds the schema."""
    file = tmp_path / "schema.graphql"
    file.write_text(SDL, encoding="utf-8")
    return str(file)


async def failure(said: Any, schema: str, tables: Mapping[str, Any] = TABLES, **more: Any) -> str:
    """The code of the error that a server's answer makes, which has none of its words."""
    async with (
        saying(lambda _: said) as wire,
        opened({"url": wire.url, "schema": schema}, tables) as held,
    ):
        with pytest.raises(SourceError) as caught:
            await read(held, ID, NAME, **more)
    error = caught.value
    told = f"{error.message} {error.hint} {error.where} {error!r}"
    assert WORDS not in told
    assert "127.0.0.1" not in told
    return error.code


def failed(code: str | None, data: Any = None) -> Any:
    return {"data": data, "errors": [{"message": WORDS, "extensions": {"code": code}}]}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (failed("UNAUTHENTICATED"), "SOURCE_UNAVAILABLE"),
        (failed("RATE_LIMITED"), "SOURCE_BUSY"),
        (failed("TIMEOUT"), "SOURCE_TIMEOUT"),
        (failed("GRAPHQL_VALIDATION_FAILED"), "SOURCE_BAD_DATA"),
        (failed("validation-failed"), "SOURCE_BAD_DATA"),
        (failed("INTERNAL_SERVER_ERROR"), "SOURCE_UNAVAILABLE"),
        (failed(WORDS), "SOURCE_UNAVAILABLE"),
        ({"errors": [{"message": WORDS}]}, "SOURCE_BAD_DATA"),
        (failed(None, {"r0": [{"id": "1", "name": None}]}), "SOURCE_UNAVAILABLE"),
        ({"data": {"r0": []}, "errors": [WORDS]}, "SOURCE_UNAVAILABLE"),
        ({"data": None}, "SOURCE_BAD_DATA"),
        ({"data": {}}, "SOURCE_BAD_DATA"),
        ({"data": {"r0": [{"id": "1"}]}}, "SOURCE_BAD_DATA"),
        ({"data": {"r0": {"id": "1"}}}, "SOURCE_BAD_DATA"),
        ({"data": {"r0": [1]}}, "SOURCE_BAD_DATA"),
        ({"data": {"r0": [{"id": {"a": 1}, "name": "x"}]}}, "SOURCE_BAD_DATA"),
        ([], "SOURCE_BAD_DATA"),
        (WORDS, "SOURCE_BAD_DATA"),
        (reply(b"<html>"), "SOURCE_BAD_DATA"),
        (reply({"errors": []}, "401 No"), "SOURCE_UNAVAILABLE"),
        (reply({"errors": []}, "400 No"), "SOURCE_BAD_DATA"),
        (reply({"errors": []}, "500 No"), "SOURCE_UNAVAILABLE"),
        (reply({}, "302 Found"), "SOURCE_BAD_DATA"),
    ],
)
async def test_what_a_server_says_becomes_a_code(said: Any, code: str, schema: str) -> None:
    assert await failure(said, schema) == code


async def test_a_null_without_an_error_is_a_null(schema: str) -> None:
    said = {"data": {"r0": [{"id": "1", "name": None}, None]}}
    async with (
        saying(lambda _: said) as wire,
        opened({"url": wire.url, "schema": schema}, TABLES) as held,
    ):
        assert await read(held, ID, NAME) == [("1", None)]


async def test_too_slow(schema: str) -> None:
    started = time.monotonic()
    assert await failure(None, schema, deadline=started + 0.2) == "SOURCE_TIMEOUT"


async def test_too_much(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BYTES", 1000)
    rows = [{"id": str(number), "name": "x"} for number in range(100)]
    assert await failure({"data": {"r0": rows}}, schema) == "SOURCE_BAD_DATA"


async def test_more_rows_than_a_list_may_have(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_ROWS", 10)
    rows = [{"id": str(number), "name": "x"} for number in range(11)]
    assert await failure({"data": {"r0": rows}}, schema) == "SCAN_TOO_LARGE"


async def test_more_bytes_than_a_list_may_have(
    schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MAX_BYTES", 100)
    said = {"data": {"r0": [{"id": "1", "name": "x" * 100}]}}
    assert await failure(said, schema) == "SCAN_TOO_LARGE"


CURSOR = {"kind": "cursor", "cursor": "after", "next": "/next", "more": "/more"}


@pytest.mark.parametrize(
    ("page", "paging"),
    [
        ({"more": True, "next": "same"}, CURSOR),
        ({"more": True, "next": None}, CURSOR),
        ({"more": None, "next": "x"}, CURSOR),
        ({"more": True, "next": {"a": 1}}, CURSOR),
        ({"total": 3}, {"kind": "none", "total": "/total"}),
        ({"total": None}, {"kind": "none", "total": "/total"}),
        ({"total": 5}, {"kind": "offset", "total": "/total"}),
    ],
)
async def test_pages_that_lead_nowhere(page: Any, paging: Any, schema: str) -> None:
    said = {"data": {"r0": {"items": [{"id": "1", "name": "x"}], **page}}}
    tables = {
        "things": {
            "list": {"field": "page", "items": "/items", "paging": paging},
            "get": {"field": "thing", "args": {"id": "id"}},
        }
    }
    assert await failure(said, schema, tables) == "SOURCE_BAD_DATA"


ENTITIES = {"things": {"entity": {"type": "Thing", "keys": [["id"]]}}}


@pytest.mark.parametrize("entities", [[], [{"id": "1", "name": "x"}] * 2, {"id": "1"}, None, [1]])
async def test_entities_that_do_not_match_what_was_asked(entities: Any, schema: str) -> None:
    said = {"data": {"r0": entities}}
    assert await failure(said, schema, ENTITIES, key_columns=("id",), keys=["1"]) == (
        "SOURCE_BAD_DATA"
    )


async def test_another_entity_than_was_asked_for_is_no_answer(schema: str) -> None:
    said = {"data": {"r0": [{"id": "2", "name": "somebody else"}, {"id": "2", "name": "x"}]}}
    async with (
        saying(lambda _: said) as wire,
        opened({"url": wire.url, "schema": schema}, ENTITIES) as held,
    ):
        got = await read(held, ID, NAME, key_columns=("id",), keys=["1", "2"])
    assert got == [("2", "x")]


@pytest.mark.parametrize("code", ["GRAPHQL_VALIDATION_FAILED", "validation-failed", None])
async def test_a_server_that_tells_no_schema(code: str | None) -> None:
    async with saying(lambda _: failed(code)) as wire:
        with pytest.raises(SourceError) as caught:
            async with opened({"url": wire.url}, TABLES):
                pass
    assert caught.value.code == "SOURCE_BAD_DATA"
    assert "connect.schema" in str(caught.value.hint)


@pytest.mark.parametrize(
    "table",
    [
        {"list": {"field": "nowhere"}},
        {"list": {"field": "things", "filters": {"id": {"eq": "where.nothing"}}}},
        {"list": {"field": "things", "args": {"nothing": 1}}},
        {"get": {"field": "thing", "args": {"no": "id"}}},
        {"get_many": {"field": "thingsBy", "arg": "no", "key": "id"}},
        {"entity": {"type": "Nothing", "keys": [["id"]]}},
        {"entity": {"type": "Thing", "keys": [["no"]]}},
        {"through": [{"type": "Thing", "key": {"no": "id"}, "field": "parts"}]},
    ],
)
async def test_tables_that_the_server_does_not_have(table: Any, schema: str) -> None:
    with pytest.raises(SourceError) as caught:
        async with opened({"url": "http://127.0.0.1:9/", "schema": schema}, {"things": table}):
            pass
    assert caught.value.code == "SOURCE_BAD_DATA"
    assert "table `things`" in caught.value.message


@pytest.mark.parametrize("column", ["nothing", "size", "/parts/code", "/size/nothing", "/name/x"])
async def test_columns_that_the_server_does_not_have(column: str, schema: str) -> None:
    connected = {"url": "http://127.0.0.1:9/", "schema": schema}
    async with opened(connected, TABLES) as held:
        with pytest.raises(SourceError) as caught:
            await read(held, Column(column, "String"))
    assert caught.value.code == "SOURCE_BAD_DATA"


@pytest.mark.parametrize(
    ("connect", "table"),
    [
        ({}, {}),
        ({"url": ""}, {}),
        ({"url": "ftp://x/"}, {}),
        ({"url": "http://x/?key=1"}, {}),
        ({"url": "http://x/", "method": "PUT"}, {}),
        ({"url": "http://x/", "schema": 1}, {}),
        ({"url": "http://x/", "headers": {}}, {}),
        ({"url": "http://x/", "auth": {"magic": "x"}}, {}),
        ({"url": "http://x/"}, {"things": {}}),
        ({"url": "http://x/"}, {"things": {"list": {"field": "a b"}}}),
        ({"url": "http://x/"}, {"things": {"list": {"field": "a) { x"}}}),
        ({"url": "http://x/"}, {"things": {"list": {"field": "a", "items": "/b c"}}}),
        ({"url": "http://x/"}, {"things": {"entity": {"type": "A { b } x", "keys": [["id"]]}}}),
        ({"url": "http://x/"}, {"things": {"get": {"field": "a", "args": {}}}}),
        ({"url": "http://x/"}, {"things": {"list": {"field": "a", "filters": {
            "x": {"eq": "a"}, "y": {"eq": "a"}}}}}),
        ({"url": "http://x/"}, {"things": {"list": {"field": "a", "more": 1}}}),
    ],
)  # fmt: skip
async def test_what_no_fragment_may_declare(connect: Any, table: Any) -> None:
    with pytest.raises(HubError) as caught:
        connector(connect, table)
    assert caught.value.code == "CONFIG_INVALID"


async def test_the_secret_is_sent_and_never_shown(schema: str) -> None:
    seen: list[Asked] = []

    def say(asked: Asked) -> Any:
        seen.append(asked)
        return {"data": {"r0": []}}

    async with saying(say) as wire:
        auth = {"api_key": {"header": "X-Key", "value": "${secret}"}}
        async with opened({"url": wire.url, "schema": schema, "auth": auth}, TABLES) as held:
            await read(held, ID)
            assert SECRET not in repr(held) + repr(vars(held))
    assert seen[0].headers["x-key"] == SECRET

"""What a fragment may say of a REST source, and what is refused with a hint."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from connectors.http.credentials import credentials
from connectors.rest.tables import found_at, pointer
from connectors.spi import Column
from schema.errors import HubError
from tests.connectors.rest.source import ID, SECRET, connector, opened, rows
from tests.connectors.rest.wire import serving

TABLES = {"things": {"list": {"path": "/things"}}}


@pytest.mark.parametrize(
    "connected",
    [
        {},
        {"base": ""},
        {"base": 7},
        {"base": "market.city"},
        {"base": "ftp://market.city"},
        {"base": "http://"},
        {"base": "http://market.city?x=1"},
        {"base": "http://market.city/#a"},
        {"base": "http://[::1"},
        {"base": "http://market.city:port"},
        {"base": "http://h", "auth": {"token": "x"}},
        {"base": "http://h", "auth": "x"},
        {"base": "http://h", "auth": {"bearer": {"a": "b"}}},
        {"base": "http://h", "auth": {"api_key": {"value": "x"}}},
        {"base": "http://h", "auth": {"api_key": {"header": "X-Key"}}},
        {"base": "http://h", "auth": {"api_key": {"header": "X Key:", "value": "x"}}},
        {"base": "http://h", "auth": {"basic": {"user": "x"}}},
        {"base": "http://h", "auth": {"basic": "x:y"}},
        {"base": "http://h", "auth": {"bearer": "a", "basic": {"user": "a", "password": "b"}}},
    ],
)
def test_a_connection_that_is_not_declared_rightly(connected: dict[str, Any]) -> None:
    with pytest.raises(HubError) as raised:
        connector(connected, TABLES)
    assert raised.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("value", ["", "a\nb", "a\r\nX-Admin: 1", "密钥", "\x00"])
def test_a_secret_that_cannot_be_sent_is_not_told(value: str) -> None:
    auth = {"api_key": {"header": "X-Key", "value": "${secret}"}}
    with pytest.raises(HubError) as raised:
        credentials({"auth": auth}, lambda _: value, "market")
    assert raised.value.code == "CONFIG_INVALID"
    assert not value or value not in str(raised.value)


def test_secrets_are_not_shown() -> None:
    held = credentials({"auth": {"bearer": "x"}}, lambda _: SECRET, "market")
    assert SECRET not in repr(held)


@pytest.mark.parametrize(
    ("told", "about"),
    [
        ({}, "no way"),
        ({"list": {}}, "path"),
        ({"list": {"path": "things", "filter": {}}}, "filter"),
        ({"list": {"path": "v1/things"}}, "slash"),
        ({"list": {"path": "/things/{id}"}}, "takes none"),
        ({"get": {"path": "/things"}}, "without one key"),
        ({"get": {"path": "/{a}/things/{b}"}}, "without one key"),
        ({"get_many": {"path": "/things", "param": "ids"}}, "no `key`"),
        ({"get_many": {"path": "/things", "param": "ids", "key": "id", "max": 0}}, "max"),
        ({"list": {"path": "/t", "paging": {"kind": "pages"}}}, "pages"),
        ({"list": {"path": "/t", "paging": {"kind": "page", "size": ""}}}, "size"),
        ({"list": {"path": "/t", "filters": {"a": {"eq": "x", "ne": "y"}}}}, "ne"),
        ({"list": {"path": "/t", "filters": {"a": {"eq": "x"}, "b": {"eq": "x"}}}}, "twice"),
        ({"list": {"path": "/t", "params": {"x": "1"}, "filters": {"a": {"eq": "x"}}}}, "twice"),
        (
            {"list": {"path": "/t", "paging": {"kind": "page"}, "filters": {"a": {"eq": "page"}}}},
            "twice",
        ),
    ],
)
def test_a_table_that_is_not_declared_rightly(told: Any, about: str) -> None:
    with pytest.raises(HubError, match=about) as raised:
        connector({"base": "http://h"}, {"things": told})
    assert raised.value.code == "CONFIG_INVALID"
    assert "\n" not in str(raised.value)


def test_capabilities_are_what_the_tables_offer() -> None:
    held = connector(
        {"base": "http://h"},
        yaml.safe_load("""
          things: {get: {path: "/things/{id}"}}
          others:
            list: {path: /others, filters: {a: {eq: a}, b: {range: {le: until}}}}
            get_many: {path: /others, param: ids, key: a, max: 500}
        """),
    )
    able = held.capabilities
    assert able.predicates == {"eq", "range", "and"}
    assert (able.scans, able.max_keys) == (True, 500)
    never = {able.orders, able.limits, able.groups, able.joins, able.key_limits}
    assert never == {False}
    assert able.aggregates == frozenset()
    bare = connector({"base": "http://h"}, {"things": {"get": {"path": "/things/{id}"}}})
    assert (bare.capabilities.scans, bare.capabilities.predicates) == (False, frozenset())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("auth", "header", "query"),
    [
        ({"bearer": "${secret}"}, ("authorization", f"Bearer {SECRET}"), ""),
        ({"api_key": {"header": "X-Api-Key", "value": "${secret}"}}, ("x-api-key", SECRET), ""),
        ({"api_key": {"query": "k", "value": "${secret}&x=1"}}, None, f"k={SECRET}%26x%3D1"),
        (
            {"basic": {"user": "局", "password": "${secret}"}},
            ("authorization", "Basic " + base64.b64encode(f"局:{SECRET}".encode()).decode()),
            "",
        ),
    ],
)
async def test_how_the_hub_shows_itself(auth: Any, header: Any, query: str) -> None:
    async with (
        serving(lambda _: []) as wire,
        opened({"base": wire.base, "auth": auth}, TABLES) as held,
    ):
        await rows(held, ID)
        (asked,) = wire.asked
    assert header is None or asked.headers[header[0]] == header[1]
    assert asked.query == query


@pytest.mark.asyncio
async def test_the_environment_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with serving(lambda _: [{"id": 1}]) as wire, opened({"base": wire.base}, TABLES) as held:
        assert await rows(held, ID) == [(1,)]


@pytest.mark.asyncio
async def test_rows_in_depth() -> None:
    first = {"id": 1, "a/b": {"~c": ["x", {"d": "deep"}]}, "/odd": "odd"}
    said = {"data": {"rows": [first, {"id": 2}, {"id": 3, "a/b": 7}]}}
    tables = {"things": {"list": {"path": "/base/things", "items": "/data/rows"}}}
    columns = [Column(name, "String") for name in ("/a~1b/~0c/0", "/a~1b/~0c/1/d")]
    async with serving(lambda _: said) as wire, opened({"base": wire.base + "/"}, tables) as held:
        assert await rows(held, ID, *columns) == [
            (1, "x", "deep"), (2, None, None), (3, None, None)
        ]  # fmt: skip


def test_pointers() -> None:
    held = {"": 1, "a": [10, {"b": None}], "a/b": 2, "m~n": 3, "²": 4}
    assert pointer(held, "") is held
    assert pointer(held, "/") == 1
    assert pointer(held, "a/b") == 2  # a name, no pointer
    assert pointer(held, "m~n") == 3
    assert (pointer(held, "/a~1b"), pointer(held, "/m~0n"), pointer(held, "/a/0")) == (2, 3, 10)
    assert found_at(held, "/a/1/b") is None
    for path in ("/a/2", "/a/-1", "/a/01", "/a/²", "/a/-", "/b", "/a/0/c", "/a/1/b/c"):
        assert repr(found_at(held, path)) == "MISSING"
        assert pointer(held, path) is None

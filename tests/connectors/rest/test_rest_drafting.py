"""What real OpenAPI documents do: rows far down, places in paths, forms of objects, YAML by URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from connectors.rest import document as documents
from connectors.rest.openapi import shape_of
from connectors.spi import ShapeTable
from hub.cli.main import cli
from schema.errors import HubError, SourceError
from tests.connectors.rest.source import ID, connector, opened, rows
from tests.connectors.rest.wire import Asked, reply, serving

TEXT = {"type": "string"}
ROW = {"type": "object", "required": ["id"], "properties": {"id": TEXT, "name": TEXT}}


def answers(schema: Any, **more: Any) -> dict[str, Any]:
    """A GET that gives this."""
    return {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}},
                    **more}}  # fmt: skip


def whole(paths: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": paths, **more}


def one(schema: Any) -> ShapeTable:
    (table,) = shape_of(whole({"/things": answers(schema)})).tables
    return table


def names(table: ShapeTable) -> set[str]:
    return {column.name for column in table.columns}


def inside(name: str, schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"meta": {"type": "object"}, name: schema}}


def test_rows_far_down() -> None:
    array: dict[str, Any] = {"type": "array", "items": ROW}
    for depth in range(documents.MAX_CHAIN):
        schema = array
        for _ in range(depth):
            schema = inside("data", schema)
        found = shape_of(whole({"/things": answers(schema)})).tables
        assert bool(found) is (depth <= 3)
        if found:
            assert found[0].detail["list"]["items"] == "/data" * depth


def test_the_nearest_array_is_the_one() -> None:
    part = {"type": "array", "items": {"type": "object", "properties": {"part": TEXT}}}
    things = {"type": "array", "items": ROW}
    schema = {"type": "object", "properties": {"first": inside("parts", part), "things": things}}
    assert one(schema).detail["list"]["items"] == "/things"


def test_what_two_parts_say_of_one_property_is_put_together() -> None:
    bare = inside("data", {"type": "array", "items": {"type": "object"}})
    exact = {"properties": {"data": {"items": ROW}}}
    table = one({"allOf": [bare, exact, {"properties": {"links": {"type": "object"}}}]})
    assert (table.detail["list"]["items"], names(table)) == ("/data", {"id", "name"})
    deep = [{"properties": {"at": {"properties": {name: TEXT}}}} for name in ("x", "y")]
    row = {"allOf": [ROW, *deep]}
    assert names(one({"type": "array", "items": row})) == {"id", "name", "/at/x", "/at/y"}


@pytest.mark.parametrize("word", ["oneOf", "anyOf"])
def test_objects_of_several_forms(word: str) -> None:
    other = {"required": ["id", "age"], "properties": {"id": TEXT, "age": {"type": "integer"}}}
    table = one({"type": "array", "items": {word: [ROW, other]}})
    assert names(table) == {"id", "name", "age"}
    assert {column.name for column in table.columns if not column.nullable} == {"id"}


@pytest.mark.parametrize(
    ("required", "properties", "key"),
    [
        (["id"], ("id", "name"), "id"),
        (["uuid"], ("uuid", "name"), "uuid"),
        ([], ("name", "uid"), "uid"),
        (["name"], ("id", "name"), None),
        (["name"], ("name",), None),
    ],
)
def test_a_likely_key(required: list[str], properties: tuple[str, ...], key: str | None) -> None:
    row = {"required": required, "properties": dict.fromkeys(properties, TEXT)}
    assert one({"type": "array", "items": row}).keys == (((key,),) if key else ())


TOWNS = whole(
    {
        "/towns/{town}/roads": answers({"type": "array", "items": ROW}, operationId="listRoads"),
        "/towns/{town}/roads/{roadId}": answers(ROW),
        "/towns/{town}/{kind}/more": answers({"type": "array", "items": ROW}),
    },
    servers=[{"url": "https://{host}/v1", "variables": {"host": {"default": "roads.example"}}}],
)


def test_places_that_are_known() -> None:
    assert shape_of(TOWNS).tables == ()
    (table,) = shape_of(TOWNS, {"town": "a/b"}).tables
    assert table.name == "roads"
    assert table.detail["list"]["path"] == "/towns/{town}/roads"
    assert table.detail["get"]["path"] == "/towns/{town}/roads/{id}"


@pytest.mark.asyncio
async def test_places_are_filled_when_the_service_is_asked() -> None:
    (table,) = shape_of(TOWNS, {"town": "x"}).tables
    named = {"list": {"path": "listRoads"}}

    def say(asked: Asked) -> Any:
        if asked.path == "/openapi.json":
            return TOWNS
        if asked.path == "/towns/a%2Fb%20c/roads":
            return [{"id": 1}]
        return {"id": 2} if asked.path == "/towns/a%2Fb%20c/roads/2" else reply("", status="404 N")

    async with serving(say) as wire:
        told = {"base": wire.base, "openapi": "/openapi.json", "params": {"town": "a/b c"}}
        async with opened(told, {"things": table.detail, "named": named}) as held:
            assert await rows(held, ID) == [(1,)]
            assert await rows(held, ID, table="named") == [(1,)]
            assert await rows(held, ID, keys=(2,), key_columns=("id",)) == [(2,)]


@pytest.mark.parametrize(
    "told", ["town", {"town": ""}, {"town": ".."}, {"town": "%2e%2e"}, {"town": "a/../b"},
             {"town": "a\nb"}, {"town": ["a"]}, {"town": True}, {"town": None}],
)  # fmt: skip
def test_what_is_no_part_of_a_path(told: Any) -> None:
    with pytest.raises(HubError) as raised:
        connector({"base": "http://h", "params": told}, {})
    assert raised.value.code == "CONFIG_INVALID"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["application/yaml", "text/plain", "application/json"])
async def test_a_document_in_yaml_by_address(kind: str) -> None:
    body = reply(yaml.safe_dump(whole({"/things": answers(ROW)})), kind=kind)
    async with (
        serving(lambda _: body) as wire,
        opened({"base": wire.base, "openapi": f"{wire.base}/openapi.yaml"}, {}) as held,
    ):
        assert (await held.discover()).tables == ()


ODD = {
    "nothing": "",
    "a text": "openapi",
    "a list": "[1, 2]",
    "lists without end": "[" * 100_000,
    "an object of Python": "a: !!python/object/apply:os.getcwd []",
    "two documents": "a: 1\n---\nb: 2",
    "a key that is no key": "? [a]\n: 1",
}


@pytest.mark.parametrize("name", ODD)
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path, name: str) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(ODD[name], encoding="utf-8")
    done = CliRunner().invoke(cli, ["source", "draft", str(file)])
    assert isinstance(done.exception, HubError)
    assert done.exception.code == "CONFIG_INVALID"


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ODD)
async def test_an_answer_that_cannot_be_read_is_one_clear_error(name: str) -> None:
    said = reply(ODD[name], kind="text/yaml")
    async with (
        serving(lambda _: said) as wire,
        opened({"base": wire.base, "openapi": "/odd.yaml"}, {}) as held,
    ):
        with pytest.raises(SourceError) as raised:
            await held.discover()
        assert raised.value.code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_a_document_of_another_kind_says_so(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(json.dumps({"swagger": "2.0", "paths": {}}), encoding="utf-8")
    async with opened({"openapi": str(file)}, {}) as held:
        with pytest.raises(SourceError, match=r"Swagger 2\.0"):
            await held.discover()


@pytest.mark.asyncio
async def test_yaml_that_multiplies_itself_is_read_as_what_it_is(tmp_path: Path) -> None:
    """Forty merges of nine merges each: nobody could hold them written out."""
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(9)) + "}"]
    for level in range(1, 40):
        again = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} {{<<: [{again}]}}")
    file = tmp_path / "merges.yaml"
    file.write_text("\n".join([*lines, "paths: {}"]), encoding="utf-8")
    async with opened({"openapi": str(file)}, {}) as held:
        assert (await held.discover()).tables == ()


def test_large_yaml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_YAML", 10)
    file = tmp_path / "large.yaml"
    file.write_text(yaml.safe_dump(TOWNS), encoding="utf-8")
    assert CliRunner().invoke(cli, ["source", "draft", str(file)]).exit_code != 0


CITY = whole(
    {f"/{name}": answers({"type": "array", "items": ROW}, operationId=f"list{name.title()}")
     for name in ("roads", "parks", "schools")},
    servers=[{"url": "https://city.example/v1"}],
)  # fmt: skip


def draft(tmp_path: Path, document: Any, *words: str) -> Any:
    file = tmp_path / "city.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = CliRunner().invoke(cli, ["source", "draft", str(file), *words])
    if done.exception is not None:
        raise done.exception
    return yaml.safe_load(done.output)


def test_tables_can_be_chosen(tmp_path: Path) -> None:
    every = draft(tmp_path, CITY)
    assert set(every["source"]["tables"]) == {"roads", "parks", "schools"}
    some = draft(tmp_path, CITY, "--only", "roads", "--only", "/parks", "--only", "listParks")
    assert set(some["source"]["tables"]) == {"roads", "parks"}
    with pytest.raises(HubError) as raised:
        draft(tmp_path, CITY, "--only", "listPark")
    assert (raised.value.code, raised.value.hint) == ("NOT_FOUND", "did you mean `listParks`?")


def test_a_draft_from_a_file_says_where_the_service_is(tmp_path: Path) -> None:
    assert draft(tmp_path, CITY)["source"]["connect"]["base"] == "https://city.example/v1"
    here = draft(tmp_path, {**CITY, "servers": [{"url": "/v1"}]})["source"]["connect"]
    assert "base" not in here


def test_places_can_be_told(tmp_path: Path) -> None:
    made = draft(tmp_path, TOWNS, "--param", "town=a=b")["source"]
    assert made["connect"]["params"] == {"town": "a=b"}
    assert made["connect"]["base"] == "https://roads.example/v1"
    assert set(made["tables"]) == {"roads"}
    for words in (["--param", "town"], ["--param", "=x"], ["--kind", "sql", "--param", "a=b"]):
        with pytest.raises(HubError) as raised:
            draft(tmp_path, TOWNS, *words)
        assert raised.value.code == "BAD_REQUEST"

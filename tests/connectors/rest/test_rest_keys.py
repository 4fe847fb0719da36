"""Keys and values that want to be more than that: paths, parameters, separators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from connectors.rest.connector import RestConnector
from connectors.spi import Ask, Call, Column
from schema.errors import HubError, SourceError
from schema.model.predicate import And, Compare, Const, In, Param, Predicate
from tests.connectors.rest.source import opened, rows
from tests.connectors.rest.wire import Asked, Wire, reply, serving

CODE = Column("code", "String")
SECRET_ROW = {"code": "other", "secret": True}
GET = {"get": {"path": "/v1/things/{code}"}}
LIST = {"list": {"path": "/v1/things", "filters": {"code": {"eq": "code"}}}}
KEYS = (
    "a/b", "张三", "é", "?x=1", "#", "a#b", "\n", "a\r\nX: y", " ", "+",
    "&code=other", ";", "%", "%00", "\x00", "a\\b", "...", ".a", "..a", "{code}", "@other", ":80",
    "a,b", "😀", "'", "batch", "true", "null", "a=b", "~", "*",
)  # fmt: skip
SHORTER = (
    "", ".", "..", "/", "//", "../..", "a/../b", "/..", "a//b", "..\\..", "a/.", "%2e%2e", "%2E",
    "%252e%252e", "a%2f..", "..%5Cx", "%2e./x", "/a", "a/",
)  # fmt: skip


def rest(tables: Any, wire: Wire) -> Any:
    return opened({"base": wire.base}, tables)


async def by_key(
    held: RestConnector, keys: Sequence[Any], column: Column = CODE, **more: Any
) -> list[Any]:
    found = await rows(held, column, keys=keys, key_columns=(column.name,), **more)
    return [row[0] for row in found]


def by_path(asked: Asked) -> Any:
    """A service that finds a row by whatever key is the one segment behind ``things``."""
    head, _, key = asked.path.rpartition("/")
    if head != "/v1/things" or not key:
        return SECRET_ROW
    return {"code": unquote(key)}


@pytest.mark.asyncio
@pytest.mark.parametrize("key", KEYS)
async def test_a_key_is_one_segment_of_the_path(key: str) -> None:
    async with serving(by_path) as wire, rest({"things": GET}, wire) as held:
        assert await by_key(held, [key]) == [key]
        (asked,) = wire.asked
    assert asked.path.count("/") == 3
    assert asked.query == ""


@pytest.mark.asyncio
@pytest.mark.parametrize("key", SHORTER)
async def test_a_key_that_would_be_another_path_is_not_asked_for(key: str) -> None:
    async with serving(by_path) as wire, rest({"things": GET}, wire) as held:
        assert await by_key(held, [key]) == []
        assert wire.asked == []
        assert await by_key(held, [key, "ok"]) == ["ok"]


@pytest.mark.asyncio
@pytest.mark.parametrize("key", ["", ".", "..", "a/../b"])
async def test_it_is_asked_for_as_a_parameter_where_there_is_one(key: str) -> None:
    def say(asked: Asked) -> Any:
        given = dict(parse_qsl(asked.query, keep_blank_values=True))
        return [{"code": given["code"]}] if asked.path == "/v1/things" else SECRET_ROW

    async with serving(say) as wire, rest({"things": {**GET, **LIST}}, wire) as held:
        assert await by_key(held, [key]) == [key]
        assert [one.path for one in wire.asked] == ["/v1/things"]


@pytest.mark.asyncio
async def test_half_a_character_is_no_key() -> None:
    for table in (GET, LIST):
        async with serving(by_path) as wire, rest({"things": table}, wire) as held:
            assert await by_key(held, ["\ud800"]) == []
            assert wire.asked == []


@pytest.mark.asyncio
async def test_a_row_of_another_key_is_not_taken() -> None:
    said: dict[str, Any] = {"code": "B", "name": "b"}
    async with serving(lambda _: said) as wire, rest({"things": GET}, wire) as held:
        assert await by_key(held, ["b", "B"]) == ["B"]
        said["code"] = None
        assert await by_key(held, ["b"]) == []
        del said["code"]
        with pytest.raises(SourceError, match="without its key"):
            await by_key(held, ["b"])


@pytest.mark.asyncio
async def test_a_key_is_compared_as_its_kind() -> None:
    amount = Column("amount", "Decimal")
    flag = Column("flag", "Boolean")
    tables = {
        "things": {"list": {"path": "/x", "filters": {"amount": {"eq": "a"}, "flag": {"eq": "f"}}}}
    }

    def say(_: Asked) -> Any:
        return reply('[{"amount": 1.50, "flag": true}, {"amount": 2, "flag": false}]')

    async with serving(say) as wire, rest(tables, wire) as held:
        assert await by_key(held, ["1.5", "1.500"], amount) == ["1.50"]
        assert await by_key(held, [True], flag) == [True]
        assert [one.query for one in wire.asked] == ["a=1.500", "f=true"]


@pytest.mark.asyncio
async def test_no_row_and_no_object() -> None:
    said: list[Any] = [
        reply("{}", status="404 Not Found"), reply("{}", status="410 Gone"),
        reply("", status="204 No Content"), None,
    ]  # fmt: skip
    async with serving(lambda _: said.pop(0)) as wire, rest({"things": GET}, wire) as held:
        for _ in range(4):
            assert await by_key(held, ["a"]) == []
        said += [[{"code": "a"}], "a"]
        for _ in range(2):
            with pytest.raises(SourceError, match="no object"):
                await by_key(held, ["a"])


def separated(asked: Asked) -> Any:
    """``/many?codes=a,b`` splits; ``/v1/things/<code>`` and ``/v1/things?code=`` do not."""
    known = ["a", "b", "a,b", "", ",", "c"]
    given = parse_qsl(asked.query, keep_blank_values=True)
    if asked.path == "/many":
        wanted = [part for _, text in given for part in text.split(",")]
    elif asked.path == "/repeat":
        wanted = [text for _, text in given]
    elif asked.path == "/v1/things":
        wanted = [text for name, text in given if name == "code"] or known
    else:
        wanted = [unquote(asked.path.rpartition("/")[2])]
        return {"code": wanted[0]} if wanted[0] in known else reply("", status="404 N")
    return [{"code": code} for code in known if code in wanted]


MANY = {"get_many": {"path": "/many", "param": "codes", "key": "code"}}
REPEAT = {"get_many": {"path": "/repeat", "param": "codes", "key": "code", "repeat": True}}
WHOLE = {"list": {"path": "/v1/things"}}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("table", "paths"),
    [
        ({**MANY, **GET}, ["/many", "/v1/things/a%2Cb"]),
        ({**MANY, **LIST}, ["/many", "/v1/things"]),
        ({**MANY, **WHOLE}, ["/many", "/v1/things"]),
        (REPEAT, ["/repeat"]),
    ],
)
async def test_a_key_that_holds_the_separator(table: Any, paths: list[str]) -> None:
    async with serving(separated) as wire, rest({"things": table}, wire) as held:
        assert sorted(await by_key(held, ["a", "a,b", "c", "none"])) == ["a", "a,b", "c"]
        assert sorted({one.path for one in wire.asked}) == sorted(paths)
        assert [one.query for one in wire.asked if one.path == "/many"] in (
            [],
            ["codes=a%2Cc%2Cnone"],
        )


@pytest.mark.asyncio
async def test_a_key_that_cannot_be_asked_for_is_an_error_not_a_gap() -> None:
    async with serving(separated) as wire, rest({"things": MANY}, wire) as held:
        with pytest.raises(SourceError) as raised:
            await by_key(held, ["a", "a,b"])
        assert raised.value.code == "SOURCE_BAD_DATA"
        assert wire.asked == []


@pytest.mark.asyncio
async def test_many_keys_go_in_chunks_and_no_longer_than_an_address() -> None:
    tables = {"things": {"get_many": {**REPEAT["get_many"], "max": 40}}}

    def say(asked: Asked) -> Any:
        return [{"code": text} for _, text in parse_qsl(asked.query)] * 2  # each twice

    async with serving(say) as wire, rest(tables, wire) as held:
        keys = [f"k{number}" for number in range(100)]
        assert sorted(set(await by_key(held, keys))) == sorted(keys)
        assert len(wire.asked) == 3
        wire.asked.clear()
        await by_key(held, [f"{number:04}" * 400 for number in range(6)])
        assert len(wire.asked) == 3
        assert all(len(one.target) < 6000 for one in wire.asked)
        with pytest.raises(SourceError):
            await by_key(held, ["x" * 100_000])


@pytest.mark.asyncio
async def test_get_many_that_is_not_there_is_no_lack_of_rows() -> None:
    said = reply("{}", status="404 Not Found")
    async with serving(lambda _: said) as wire, rest({"things": MANY}, wire) as held:
        with pytest.raises(SourceError) as raised:
            await by_key(held, ["a"])
        assert raised.value.code == "SOURCE_BAD_DATA"


FILTERS = {
    "code": {"eq": "code", "in": "codes", "prefix": "starts", "contains": "has"},
    "name": {"in": "names", "range": {"ge": "name_from", "le": "name_to"}},
    "size": {"range": {"ge": "from", "le": "to"}},
}
FILTERED = {"things": {"list": {"path": "/v1/things", "filters": FILTERS}}}
NAME, SIZE = Column("name", "String"), Column("size", "Int")


async def sent(
    wish: Predicate, **params: Any
) -> tuple[list[list[tuple[str, str]]], Any, list[Any]]:
    """The queries for a condition, the residual, and the codes that come."""

    def say(asked: Asked) -> Any:
        assert asked.path == "/v1/things"
        return [
            {"code": c, "name": c, "size": n} for n, c in enumerate(["a", "b", "a,b", "", "&x"])
        ]

    async with serving(say) as wire, opened({"base": wire.base}, FILTERED) as held:
        offer = held.offer(Ask(table="things", columns=(CODE, NAME, SIZE), wish=wish))
        batch = await held.fetch_all(offer.handle, Call(params=params))
        queries = [parse_qsl(one.query, keep_blank_values=True) for one in wire.asked]
    return queries, offer.residual, list(batch.columns["code"])


def compare(op: Any, value: Any, column: Column = CODE) -> Compare:
    held = value if isinstance(value, Param) else Const(value)
    return Compare(column.name, op, held, column.kind)


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["&x", "a", "a=b&c", "%2e", "#", "?x=1", "\n", "é", "+", " "])
async def test_a_value_is_one_parameter(value: str) -> None:
    queries, left, codes = await sent(compare("eq", value))
    assert queries == [[("code", value)]]
    assert left is None
    assert codes == ([value] if value in ("a", "&x") else [])  # checked again: all had come


@pytest.mark.asyncio
async def test_what_is_sent_for_each_condition() -> None:
    for wish, query, codes in (
        (compare("prefix", "a"), [[("starts", "a")]], ["a", "a,b"]),
        (compare("prefix", ""), [[]], ["a", "b", "a,b", "", "&x"]),
        (compare("contains", ","), [[("has", ",")]], ["a,b"]),
        (compare("eq", ""), [[("code", "")]], [""]),
        (compare("ge", 3, SIZE), [[("from", "3")]], ["", "&x"]),
        (compare("gt", 3, SIZE), [[("from", "3")]], ["&x"]),
        (compare("lt", 1, SIZE), [[("to", "1")]], ["a"]),
        (In("code", (Const("a"), Const("b")), "String"), [[("codes", "a,b")]], ["a", "b"]),
        (In("code", (Const("a"), Const("a,b"), Const("")), "String"),
         [[("codes", "a")], [("code", "a,b")], [("code", "")]], ["a", "a,b", ""]),
        (In("name", (Const("a"), Const("a,b")), "String"), [[]], ["a", "a,b"]),
        (In("name", (), "String"), [], []),
        (compare("eq", "\ud800"), [], []),
        (And((compare("eq", "a"), compare("ge", 0, SIZE))),
         [[("code", "a"), ("from", "0")]], ["a"]),
    ):  # fmt: skip
        queries, left, found = await sent(wish)
        assert sorted(queries) == sorted(query), wish
        assert left is None
        assert sorted(found) == sorted(codes), wish


@pytest.mark.asyncio
async def test_null_is_never_sent() -> None:
    assert await sent(compare("eq", Param("p")), p=None) == ([], None, [])
    queries, _, codes = await sent(In("code", Param("p"), "String"), p=["a", None])
    assert (queries, codes) == ([[("codes", "a")]], ["a"])
    with pytest.raises(KeyError):
        await sent(compare("eq", Param("nowhere")))


@pytest.mark.asyncio
async def test_what_the_service_cannot_do_is_left() -> None:
    text = compare("lt", "b", NAME)  # a service may order text in a way of its own
    twice = And((compare("eq", "a"), compare("eq", "b")))
    for wish in (compare("ne", "a"), text, compare("eq", 1, SIZE), twice):
        _, left, _ = await sent(wish)
        assert left is not None


@pytest.mark.asyncio
async def test_codes_are_converted_after_and_never_sent() -> None:
    sex = Column("sex", "String", (("1", "male"), ("2", "female")))
    tables = {"things": {"list": {"path": "/x", "filters": {"sex": {"eq": "sex"}}}}}
    said = [{"sex": 1}, {"sex": "2"}, {"sex": None}, {"sex": 9}]
    async with serving(lambda _: said) as wire, rest(tables, wire) as held:
        assert await rows(held, sex) == [("male",), ("female",), (None,), ("9",)]
        offer = held.offer(Ask(table="things", columns=(sex,), wish=compare("eq", "male", sex)))
        assert offer.residual is not None
        assert await by_key(held, ["male"], sex) == ["male"]
        assert {one.query for one in wire.asked} == {""}


@pytest.mark.asyncio
async def test_what_no_way_leads_to_is_refused_when_planned() -> None:
    async with serving(lambda _: []) as wire, rest({"things": GET}, wire) as held:
        for more in ({}, {"key_columns": ("name",)}, {"key_columns": ("code", "name")}):
            with pytest.raises(HubError) as raised:
                held.offer(Ask(table="things", columns=(CODE, NAME), **more))
            assert raised.value.code == "SOURCE_UNAVAILABLE"
        assert not held.capabilities.scans
        assert json.dumps(wire.paths) == "[]"

"""Lists are read to their very end, or to an error; never to a short answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.rest import walk
from schema.errors import SourceError
from tests.connectors.rest.source import ID, SECRET, opened, rows
from tests.connectors.rest.wire import Asked, Say, reply, serving

AUTHS: Mapping[str, Any] = {
    "bearer": {"bearer": "${secret}"},
    "query": {"api_key": {"query": "key", "value": "${secret}"}},
    "header": {"api_key": {"header": "X-Api-Key", "value": "${secret}"}},
    "basic": {"basic": {"user": "u", "password": "${secret}"}},
}
COUNT = 23


def table(key: bool = False, **paging: Any) -> dict[str, Any]:
    listed = {"path": "/v1/things", "items": "/items", "paging": paging}
    return {"things": {"list": listed, **({"get": {"path": "/v1/things/{id}"}} if key else {})}}


def ids(numbers: Sequence[int]) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def param(asked: Asked, name: str, default: str = "") -> str:
    return parse_qs(asked.query).get(name, [default])[0]


async def read(say: Say, tables: Any, auth: Any = None) -> tuple[list[int], list[str]]:
    """The ids that a list brings, and what was asked."""
    async with (
        serving(say) as wire,
        opened({"base": f"{wire.base}", **({"auth": auth} if auth else {})}, tables) as held,
    ):
        found = await rows(held, ID)
    return [row[0] for row in found], list(wire.paths)


async def refused(say: Say, tables: Any, code: str = "SOURCE_BAD_DATA") -> int:
    """How many requests there were until the error."""
    async with serving(say) as wire, opened({"base": wire.base}, tables) as held:
        with pytest.raises(SourceError) as raised:
            await rows(held, ID)
    assert raised.value.code == code
    assert "http" not in str(raised.value)
    return len(wire.asked)


def by_page(asked: Asked, *, first: int = 1, most: int = 10, last: Any = None) -> Any:
    page = int(param(asked, "page")) - first
    size = min(most, int(param(asked, "size", "10")))
    some = list(range(COUNT))[page * size : (page + 1) * size]
    return {"items": ids(some), "total": COUNT} if some or last is None else last


@pytest.mark.asyncio
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("size", [None, "size"])
async def test_pages(first: int, size: str | None) -> None:
    told = table(kind="page", first=first, size=size, max=10)
    found, asked = await read(lambda a: by_page(a, first=first), told)
    assert found == list(range(COUNT))
    assert len(asked) == 4  # the last is empty


@pytest.mark.asyncio
async def test_a_total_spares_the_last_request() -> None:
    told = table(kind="page", size="size", max=10, total="/total")
    found, asked = await read(by_page, told)
    assert (found, len(asked)) == (list(range(COUNT)), 3)


@pytest.mark.asyncio
async def test_a_service_that_gives_smaller_pages_than_asked_is_read_whole() -> None:
    """A page shorter than asked for is no sign of the end."""
    told = table(kind="page", size="size", max=100)
    found, _ = await read(lambda a: by_page(a, most=7), told)
    assert found == list(range(COUNT))


@pytest.mark.asyncio
@pytest.mark.parametrize("last", [reply("{}", status="404 Not Found"),
                                  reply("", status="204 No Content"), {"items": None}])  # fmt: skip
async def test_a_page_after_the_last(last: Any) -> None:
    found, _ = await read(lambda a: by_page(a, last=last), table(kind="page"))
    assert found == list(range(COUNT))


@pytest.mark.asyncio
async def test_a_list_that_is_not_there_is_no_empty_list() -> None:
    for paging in ({}, {"kind": "page"}, {"kind": "offset"}, {"kind": "cursor"}):
        assert await refused(lambda _: reply("{}", status="404 Not Found"), table(**paging)) == 1

    def later(asked: Asked) -> Any:
        some = ids(range(5)) if not param(asked, "offset") else None
        return {"items": some} if some else reply("{}", status="404 Not Found")

    assert await refused(later, table(kind="offset")) == 2


@pytest.mark.asyncio
async def test_offsets() -> None:
    def say(asked: Asked) -> Any:
        skip = int(param(asked, "skip", "0"))
        return {"items": ids(range(COUNT)[skip : skip + 7])}

    found, asked = await read(say, table(kind="offset", offset="skip", size="limit", max=10))
    assert found == list(range(COUNT))
    assert asked[1] == "/v1/things?limit=10&skip=7"


@pytest.mark.asyncio
@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("form", ["query", "absolute", "path", "header", "relative", "cased"])
async def test_links(form: str, auth: str) -> None:
    """However a service writes its links, and with each way to show a key."""

    def say(asked: Asked) -> Any:
        skip = int(param(asked, "at", "0"))
        some, more = ids(range(COUNT)[skip : skip + 10]), skip + 10 < COUNT
        host = asked.headers["host"]
        links = {
            "query": f"?at={skip + 10}",
            "absolute": f"http://{host}/v1/things?at={skip + 10}&key=echoed#x",
            "path": f"/v1/things?at={skip + 10}",
            "relative": f"things?at={skip + 10}",
            "cased": f"HTTP://{host}/v1/things?at={skip + 10}",
            "header": f"http://{host}/v1/things?a=1,2&at={skip + 10}",
        }
        link = links[form] if more else None
        if form == "header":
            first = '</v1/things>; rel="first"; title="a, <b>; rel=next"'
            told = f'Link: {first}, <{link}>; rel="next"' if more else f"Link: {first}"
            return reply(json.dumps({"items": some}), told)
        return {"items": some, "next": link}

    async with (
        serving(say) as wire,
        opened({"base": f"{wire.base}/", "auth": AUTHS[auth]}, table(kind="link")) as held,
    ):
        assert [row[0] for row in await rows(held, ID)] == list(range(COUNT))
        assert len(wire.asked) == 3
        for one in wire.asked:
            shown = f"{one.headers.get('x-api-key')} {one.headers.get('authorization')}"
            assert auth != "query" or one.query.count("key=") == 1
            assert auth == "basic" or SECRET in f"{shown} {one.query}"
            assert auth != "basic" or shown.endswith("Basic dTpzM2NyZXQtNDcxMQ==")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "link",
    [
        "http://other.invalid/v1/things",
        "//other.invalid/v1/things",
        "https://127.0.0.1:{port}/v1/things",
        "http://127.0.0.1/v1/things",
        "http://127.0.0.1:{port}@other.invalid/v1/things",
        "http://127.0.0.1:{port}.other.invalid/",
        "http://localhost:{port}/v1/things",
        "file:///etc/passwd",
        "\\\\other.invalid\\things",
        "http://[::1",
        "http://127.0.0.1:{port}/a\nb\x00",
        "http://127.0.0.1:99999999/",
        "/" + "x" * 70_000,
        7,
        {"href": "/v1/things"},
        ["/v1/things"],
        True,
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(link: Any) -> None:
    """Nobody else is asked: the error comes at once, from the link, not from a connection."""

    def say(asked: Asked) -> Any:
        if len(wanted) == 1:
            return reply("{}", status="404 Not Found")
        wanted.append(asked)
        port = asked.headers["host"].rsplit(":", 1)[1]
        told = link.replace("{port}", port) if isinstance(link, str) else link
        return {"items": ids([1]), "next": told}

    wanted: list[Asked] = []
    count = await refused(say, table(kind="link"))
    assert count == 1 or link == "\\\\other.invalid\\things"  # a path of ours, and none there


@pytest.mark.asyncio
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 P"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    def away(asked: Asked) -> Any:
        seen.append(asked)
        return {"items": ids([1])}

    seen: list[Asked] = []
    async with serving(away) as other:
        said = reply("", f"Location: {other.base}/v1/things", status=status)
        assert await refused(lambda _: said, table()) == 1
    assert seen == []


@pytest.mark.asyncio
async def test_cursors() -> None:
    def say(asked: Asked) -> Any:
        at = param(asked, "after", "start")
        pages: dict[str, Any] = {
            "start": {"items": ids([1, 2]), "meta": {"next": "a&b=c?/%"}},
            "a&b=c?/%": {"items": [], "meta": {"next": 17}},  # empty, yet not the end
            "17": {"items": ids([3]), "meta": {}},
        }
        return pages[at]

    found, asked = await read(say, table(kind="cursor", cursor="after", next="/meta/next"))
    assert (found, len(asked)) == ([1, 2, 3], 3)


@pytest.mark.asyncio
@pytest.mark.parametrize("cursor", [{"a": 1}, ["a"], True, 1.5])
async def test_a_cursor_that_is_none(cursor: Any) -> None:
    said = {"items": ids([1]), "next": cursor}
    assert await refused(lambda _: said, table(kind="cursor")) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("paging", "most"),
    [({"kind": "cursor"}, 2), ({"kind": "link"}, 2), ({"kind": "page"}, 2),
     ({"kind": "offset"}, 2)],
)  # fmt: skip
async def test_a_page_that_comes_again_and_again(paging: Any, most: int) -> None:
    """A service that does not know the paging parameters, or is caught in a circle."""
    said = {"items": ids(range(5)), "next": "?again=1" if paging["kind"] == "link" else "again"}
    assert await refused(lambda _: said, table(**paging)) <= most


@pytest.mark.asyncio
async def test_a_circle_of_several_pages() -> None:
    turns = {"": "a", "a": "b", "b": "c", "c": "a"}
    said: list[int] = []

    def say(asked: Asked) -> Any:
        said.append(1)
        return {"items": ids([len(said)]), "next": turns[param(asked, "cursor")]}

    assert await refused(say, table(kind="cursor")) == 4


@pytest.mark.asyncio
@pytest.mark.parametrize("items", [1, 0])
async def test_paging_without_end(monkeypatch: pytest.MonkeyPatch, items: int) -> None:
    monkeypatch.setattr(walk, "MAX_ROWS", 50)
    monkeypatch.setattr(walk, "MAX_PAGES", 70)
    count = [0]

    def say(_: Asked) -> Any:
        count[0] += 1
        return {"items": ids([count[0]] * items), "next": f"c{count[0]}"}

    asked = await refused(say, table(kind="cursor"), "SCAN_TOO_LARGE")
    assert asked == (51 if items else 70)


@pytest.mark.asyncio
async def test_more_bytes_than_a_list_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_BYTES", 10_000)
    count = [0]

    def say(_: Asked) -> Any:
        count[0] += 1
        return {"items": [{"id": count[0], "much": "x" * 4000}], "next": f"c{count[0]}"}

    assert await refused(say, table(kind="cursor"), "SCAN_TOO_LARGE") == 3


@pytest.mark.asyncio
async def test_paging_without_end_ends_at_the_deadline() -> None:
    count = [0]

    def say(_: Asked) -> Any:
        count[0] += 1
        return {"items": ids([count[0]]), "next": f"c{count[0]}"}

    async with serving(say) as wire, opened({"base": wire.base}, table(kind="cursor")) as held:
        started = time.monotonic()
        with pytest.raises(SourceError) as raised:
            await rows(held, ID, deadline=started + 0.3)
    assert raised.value.code == "SOURCE_TIMEOUT"
    assert time.monotonic() - started < 20


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["page", "offset", "cursor", "none"])
async def test_fewer_rows_than_the_service_says(kind: str) -> None:
    def say(asked: Asked) -> Any:
        first = param(asked, "page", "1") == "1" and not param(asked, "offset")
        return {"items": ids([1, 2] if first else []), "total": 3}

    assert await refused(say, table(kind=kind, total="/total")) <= 2


@pytest.mark.asyncio
@pytest.mark.parametrize("total", [None, "many", -1, True, 2.5])
async def test_a_total_that_is_none(total: Any) -> None:
    said = {"items": ids([1]), "total": total}
    assert await refused(lambda _: said, table(kind="page", total="/total")) == 1


@pytest.mark.asyncio
async def test_a_row_that_comes_on_two_pages() -> None:
    """The list moved while it was read: another row may have been missed."""

    def say(asked: Asked) -> Any:
        pages = {"1": [1, 2], "2": [2, 3]}
        return {"items": ids(pages.get(param(asked, "page"), []))}

    assert await refused(say, table(key=True, kind="page")) == 2
    found, _ = await read(say, table(kind="page"))  # without a known key, rows may be equal
    assert found == [1, 2, 2, 3]


@pytest.mark.asyncio
async def test_a_list_declared_whole_that_comes_in_pages() -> None:
    said = reply(json.dumps({"items": ids([1])}), 'Link: </v1/things?page=2>; rel="next"')
    assert await refused(lambda _: said, table()) == 1


@pytest.mark.asyncio
async def test_what_a_fragment_says_is_sent_each_time() -> None:
    tables = table(kind="page", size="size", max=10)
    tables["things"]["list"]["params"] = {"state": "in force"}
    found, asked = await read(by_page, tables)
    assert found == list(range(COUNT))
    assert all("state=in%20force" in one or "state=in+force" in one for one in asked)

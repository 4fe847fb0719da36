"""Walking a list page by page, to its very end or to an error: never to a short answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.http.client import Answer, Client
from connectors.http.filters import Pair
from connectors.http.rows import bad
from connectors.http.status import refusal
from connectors.rest.rows import Row, items_of
from connectors.rest.tables import ListCall, Paging, found_at, pointer
from connectors.spi import Call
from schema.errors import SourceError

MAX_ROWS = 100_000
MAX_PAGES = 5_000
MAX_BYTES = 128_000_000
_LINK = re.compile(r"<([^>]*)>((?:[^,\"<]|\"[^\"]*\")*)")
_PARAM = re.compile(r";\s*([\w!*-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s;,\"]+)))?")


async def read_list(
    client: Client, listed: ListCall, query: Sequence[Pair], call: Call, key: str | None
) -> list[Row]:
    """Every row of a list; with `key`, a property that no two rows share.

    Raises: ``SCAN_TOO_LARGE`` at a bound; ``SOURCE_BAD_DATA`` for a list that repeats itself or
    ends early.
    """
    paging, fixed = listed.paging, [*listed.params.items(), *query]
    rows: list[Row] = []
    seen: set[Any] = set()
    keys: set[Any] = set()
    url: str | None = client.base + listed.path
    extra, size, before = start(paging), 0, None
    for number in range(MAX_PAGES):
        answer = await client.follow(str(url), [*fixed, *extra], call.deadline, caller=call.caller)
        items = _page(answer, listed, number)
        rows += items
        size += answer.size
        if len(rows) > MAX_ROWS or size > MAX_BYTES:
            raise too_large()
        _distinct(items, key, keys)
        following = _following(client, paging, answer, items, rows, number)
        if following is None:
            _complete(paging, answer, rows)
            return rows
        repeated = before is not None and items == before and paging.kind in ("page", "offset")
        if following in seen or repeated:
            raise bad("the source sends one page again and again", "compare `paging` with it")
        seen.add(following)
        before = items
        if paging.kind == "link":
            url, fixed, extra = following, [], []
        else:
            extra = [*size_of(paging), (getattr(paging, paging.kind), following)]
    raise too_large()


def too_large() -> SourceError:
    """A bound is reached: what has been read is not the whole."""
    return SourceError(
        "SCAN_TOO_LARGE", "the source would have to be read whole",
        hint="filter by something the source can filter by",
    )  # fmt: skip


def start(paging: Paging) -> list[Pair]:
    """Parameters of the first page."""
    if paging.kind == "page":
        return [*size_of(paging), (paging.page, str(paging.first))]
    return size_of(paging)


def size_of(paging: Paging) -> list[Pair]:
    """Parameters that say how long a page is to be."""
    return [(paging.size, str(paging.max))] if paging.size is not None else []


def _page(answer: Answer, listed: ListCall, number: int) -> list[Row]:
    if answer.found:
        return items_of(answer.body, listed.items)
    past_the_end = number > 0 and listed.paging.kind == "page"
    if answer.status == 204 or past_the_end:
        return []
    raise refusal(answer.status)


def _distinct(items: Sequence[Row], key: str | None, keys: set[Any]) -> None:
    """Rows that move while a list is read come twice, and others are then missed."""
    if key is None:
        return
    for row in items:
        value = pointer(row, key)
        if isinstance(value, str | int | Decimal):
            if value in keys:
                raise bad("the source sent one row twice", "it needs an order that does not change")
            keys.add(value)


def _following(
    client: Client,
    paging: Paging,
    answer: Answer,
    items: Sequence[Row],
    rows: Sequence[Row],
    number: int,
) -> str | None:
    """What to ask next: a parameter's value, or for links an address."""
    match paging.kind:
        case "none":
            if _linked(answer.headers.get("link", "")) is not None:
                raise bad("the source sends the list in pages", "say in `paging` how")
            return None
        case "page" | "offset":
            total = _total(paging, answer)
            if not items or (total is not None and len(rows) >= total):
                return None
            return str(paging.first + number + 1 if paging.kind == "page" else len(rows))
        case "cursor":
            return _cursor(pointer(answer.body, paging.next))
        case "link":
            link = pointer(answer.body, paging.next) or _linked(answer.headers.get("link", ""))
            if not link:
                return None
            if not isinstance(link, str):
                raise bad("the source sent a broken link")
            return client.linked(answer.url, link)


def _cursor(value: Any) -> str | None:
    if value is None or value == "" or value is False or value == 0:
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise bad("the source sent a broken cursor")
    return str(value)


def _total(paging: Paging, answer: Answer) -> int | None:
    if paging.total is None or not answer.found:
        return None
    total = found_at(answer.body, paging.total)
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise bad("the source does not say how many rows there are", "compare `total` with it")
    return total


def _complete(paging: Paging, answer: Answer, rows: Sequence[Row]) -> None:
    total = _total(paging, answer)
    if total is not None and len(rows) < total:
        raise bad("the source sent fewer rows than it says there are")


def _linked(header: str) -> str | None:
    """The target of ``rel=next`` in a ``Link`` header (RFC 8288)."""
    for target, params in _LINK.findall(header):
        for name, quoted, bare in _PARAM.findall(params):
            if name.lower() == "rel" and "next" in (quoted or bare).lower().split():
                return str(target)
    return None

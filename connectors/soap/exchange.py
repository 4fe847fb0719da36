"""Asking operations: one by one, or a list page by page to its very end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from zeep.wsse.username import UsernameToken

from connectors.http.client import Client
from connectors.http.filters import Pair
from connectors.http.rows import bad
from connectors.soap.message import Answer, Fault, envelope, read_answer
from connectors.soap.rows import Node, rows_at, signature, text_at
from connectors.soap.tables import GetCall, ListCall, ManyCall, Paging
from connectors.soap.wsdl import Service
from connectors.spi import Call
from schema.errors import SourceError

MAX_ROWS = 100_000
MAX_PAGES = 5_000
MAX_BYTES = 128_000_000
LARGE = 200_000
"""Bytes of an answer that another thread reads."""


class Exchange:
    """Asks one service."""

    def __init__(self, client: Client, service: Service, token: UsernameToken | None) -> None:
        self._client = client
        self._service = service
        self._token = token

    async def ask(self, name: str, args: Sequence[Pair], deadline: float) -> tuple[Answer, int]:
        """(an operation's answer, its bytes); raises `SourceError`."""
        operation = self._service.operations[name]
        content, headers = envelope(operation, args, self._token)
        said = await self._client.exchange(self._service.address, headers, content, deadline)
        if len(said.body) > LARGE:
            answer = await asyncio.to_thread(read_answer, said, operation)
        else:
            answer = read_answer(said, operation)
        return answer, len(said.body)

    async def got(self, held: GetCall, key: str, call: Call) -> list[Node]:
        """The row of a key, or none; raises `SourceError`."""
        args = [*held.args.items(), (held.arg, key)]
        try:
            answer, _ = await self.ask(held.operation, args, call.deadline)
        except Fault as fault:
            if fault.names & set(held.absent):
                return []
            raise
        return rows_at(answer, held.row)

    async def got_many(self, held: ManyCall, keys: Sequence[str], call: Call) -> list[Node]:
        """The rows of several keys; raises `SourceError`."""
        args = [*held.args.items(), *((held.arg, key) for key in keys)]
        answer, _ = await self.ask(held.operation, args, call.deadline)
        return rows_at(answer, held.rows)

    async def listed(
        self, held: ListCall, pairs: Sequence[Pair], call: Call, key: str | None
    ) -> list[Node]:
        """Every row of a list; with `key`, a column that no two rows share.

        Raises: ``SCAN_TOO_LARGE`` at a bound; ``SOURCE_BAD_DATA`` for a list that repeats itself
        or ends early.
        """
        paging, fixed = held.paging, [*held.args.items(), *pairs]
        rows: list[Node] = []
        keys: set[str] = set()
        size, before = 0, None
        for number in range(MAX_PAGES):
            args = [*fixed, *_page(paging, number, len(rows))]
            answer, weight = await self.ask(held.operation, args, call.deadline)
            items = rows_at(answer, held.rows)
            rows += items
            size += weight
            if len(rows) > MAX_ROWS or size > MAX_BYTES:
                raise _too_large()
            _distinct(items, key, keys)
            total = _total(answer, paging)
            if paging.kind == "none" or not items or (total is not None and len(rows) >= total):
                if total is not None and len(rows) < total:
                    raise bad("the source sent fewer rows than it says there are")
                return rows
            page = signature(items)
            if page == before:
                raise bad("the source sends one page again and again", "compare `paging` with it")
            before = page
        raise _too_large()


def first_page(held: ListCall) -> list[Pair]:
    """The parameters of the smallest question that a list can be asked."""
    if held.paging.size is None:
        return [*held.args.items(), *_page(held.paging, 0, 0)]
    paging = held.paging
    return [*held.args.items(), *_page(paging, 0, 0)[:-1], (str(paging.size), "1")]


def _page(paging: Paging, number: int, rows: int) -> list[Pair]:
    """Which page is asked for, and last how long it is to be."""
    made: list[Pair] = []
    if paging.kind == "page":
        made.append((paging.page, str(paging.first + number)))
    elif paging.kind == "offset":
        made.append((paging.offset, str(rows)))
    if paging.size is not None:
        made.append((paging.size, str(paging.max)))
    return made


def _distinct(items: Sequence[Node], key: str | None, keys: set[str]) -> None:
    """Rows that move while a list is read come twice, and others are then missed."""
    if key is None:
        return
    for row in items:
        value = text_at(row, key)
        if value is not None and value in keys:
            raise bad("the source sent one row twice", "it needs an order that does not change")
        if value is not None:
            keys.add(value)


def _total(answer: Answer, paging: Paging) -> int | None:
    if paging.total is None:
        return None
    told = (text_at(answer, paging.total) or "").strip()
    if not told.isascii() or not told.isdigit() or len(told) > 12:
        raise bad("the source does not say how many rows there are", "compare `total` with it")
    return int(told)


def _too_large() -> SourceError:
    return SourceError(
        "SCAN_TOO_LARGE", "the source would have to be read whole",
        hint="filter by something the source can filter by",
    )  # fmt: skip

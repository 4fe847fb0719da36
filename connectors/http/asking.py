"""What services with parameters share: an Ask as one request, and rows held to what was asked.

What a service brings is checked again here, key by key and condition by condition: many ignore a
parameter they do not know, and then send everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.http.filters import Filter, Pair, Sent, once_each, parts_of, sendable, split
from connectors.http.rows import of_keys
from connectors.kit.local import compile_predicate, key_turn, pick
from connectors.spi import Ask, Batch, Call, Column, Offer
from schema.errors import SourceError
from schema.model.predicate import Compare, Predicate, both

Listed = Callable[[Sequence[Pair]], Awaitable[Batch]]
"""Brings the rows of a list that is sent these parameters."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A handle: how the rows are asked for."""

    verb: str
    table: str
    way: str
    columns: tuple[Column, ...]
    keys: tuple[Column, ...] = ()
    sent: tuple[Sent, ...] = ()

    def __repr__(self) -> str:
        told = ", ".join(f"{s.param}={s.predicate.op if isinstance(s.predicate, Compare) else 'in'}"
                         for s in self.sent)  # fmt: skip
        if self.way == "filter":
            told = self.keys[0].name
        return f"{self.verb} {self.table} by {self.way}" + (f" ({told})" if told else "")


def offer_of(ask: Ask, verb: str, way: str | None, filters: Mapping[str, Filter]) -> Offer:
    """The request for an Ask by `way`, and what is left of it; a scan sends what `filters` take.

    Raises: ``SOURCE_UNAVAILABLE`` if there is no way.
    """
    if way is None:
        raise SourceError("SOURCE_UNAVAILABLE", "the source cannot be read in this way")
    columns = {c.name: c for c in (*ask.columns, *ask.known)}
    left = ask
    sent: tuple[Sent, ...] = ()
    keys = tuple(ask.column(name) for name in ask.key_columns)
    if not keys:
        must_sent, must_left = split(ask.must, filters, columns)
        wish_sent, wish_left = split(ask.wish, filters, columns)
        sent = once_each((*must_sent, *wish_sent))
        unsent = [s.predicate for s in (*must_sent, *wish_sent) if s not in sent]
        left = msgspec.structs.replace(ask, must=both(must_left, *unsent), wish=wish_left)
    request = Request(
        verb=verb, table=ask.table, way=way, columns=tuple(columns.values()), keys=keys, sent=sent
    )
    exact = left.must is None and left.wish is None and not left.order and left.limit is None
    whole = exact and left.aggregate is None and not left.joins
    return Offer(handle=request, residual=None if whole else left)


async def scanned(
    request: Request,
    filters: Mapping[str, Filter],
    call: Call,
    listed: Listed,
    *,
    fits: Callable[[Any], bool] = sendable,
) -> list[Batch]:
    """The rows that meet what was sent, of each of the requests that it takes.

    `fits` tells which values can be sent; no row holds another.
    """
    columns = {column.name: column for column in request.columns}
    check = both(*(one.predicate for one in request.sent))
    batches = []
    for part in parts_of(request.sent, filters, call, fits):
        batch = await listed(part.pairs)
        if part.column is not None:
            batch = only(batch, (columns[part.column],), [(v,) for v in part.values])
        batches.append(_checked(batch, check, call.params))
    return batches


def wanted_keys(request: Request, call: Call) -> list[tuple[Any, ...]]:
    """The keys of a call, each once."""
    turn = key_turn([key.kind for key in request.keys])
    return list({turn(key): key for key in call.keys if None not in key}.values())


def only(batch: Batch, columns: Sequence[Column], keys: Sequence[tuple[Any, ...]]) -> Batch:
    """The rows of these keys."""
    turn = key_turn([column.kind for column in columns])
    return of_keys(batch, columns, frozenset(map(turn, keys)))


def _checked(batch: Batch, check: Predicate | None, params: Mapping[str, Any]) -> Batch:
    """The rows that meet what was sent: a service may bring more."""
    if check is None:
        return batch
    keep = compile_predicate(check)(batch.columns, batch.rows, params)
    if all(keep):
        return batch
    return pick(batch, [row for row, kept in enumerate(keep) if kept], batch.columns)

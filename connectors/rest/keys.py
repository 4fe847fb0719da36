"""Keys as requests: which way brings the rows of which keys, safely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import quote, unquote

import msgspec

from connectors.http.filters import Pair, chunks, joined_pairs, sendable, spread_over, word
from connectors.http.rows import bad
from connectors.rest.tables import TableCalls, placed
from connectors.spi import Column

Way = Literal["list", "get", "get_many", "filter"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One request, or the walk of one list, and the keys whose rows it is to bring."""

    way: Literal["list", "get", "get_many"]
    values: tuple[Any, ...]
    path: str = ""
    pairs: tuple[Pair, ...] = ()


def way_of(calls: TableCalls, keys: Sequence[Column]) -> Way | None:
    """The quickest way to the rows of a key; ``None``: there is none."""
    if len(keys) == 1 and not keys[0].values:
        (key,) = keys
        if calls.many_key == key.name:
            return "get_many"
        if calls.get_key == key.name:
            return "get"
        known = calls.list.filters.get(key.name) if calls.list is not None else None
        if known is not None and (known.in_ or known.eq):
            return "filter"
    return "list" if calls.list is not None else None


def jobs_for(calls: TableCalls, way: str, key: Column, values: Sequence[Any]) -> list[Job]:
    """How the rows of these keys are asked for.

    Raises: ``SOURCE_BAD_DATA`` for a key that cannot be asked for in any way.
    """
    words = [(value, word(value)) for value in values if sendable(value)]
    known = calls.list.filters.get(key.name) if calls.list is not None else None
    if way == "filter" and known is not None:
        made = spread_over(known, key.name, key.kind, [value for value, _ in words])
        if made is None:
            return [Job(way="list", values=tuple(values))]
        return [Job(way="list", values=part.values, pairs=part.pairs) for part in made]
    jobs: list[Job] = []
    if way == "get_many" and calls.get_many is not None:
        many = calls.get_many
        separator = None if many.repeat else many.separator
        plain = [(v, t) for v, t in words if t and (separator is None or separator not in t)]
        asked = {text for _, text in plain}
        words = [(v, t) for v, t in words if t not in asked]
        for some in chunks(plain, many.max):
            pairs = joined_pairs(many.param, [text for _, text in some], separator)
            jobs.append(Job(way="get_many", values=tuple(v for v, _ in some), path=many.path,
                            pairs=pairs))  # fmt: skip
    for value, text in words:
        if known is not None and known.eq is not None and not _by_path(calls, key, text):
            jobs.append(Job(way="list", values=(value,), pairs=((known.eq, text),)))
        else:
            jobs += _singly(calls, key, value, text)
    return jobs


def _by_path(calls: TableCalls, key: Column, text: str) -> bool:
    return calls.get_key == key.name and safe_in_path(text)


def _singly(calls: TableCalls, key: Column, value: Any, text: str) -> Iterator[Job]:
    if _by_path(calls, key, text) and calls.get is not None:
        path = placed(calls.get.path, quote(text, safe=""))
        yield Job(way="get", values=(value,), path=path)
    elif not text or calls.get_key == key.name:
        return  # no address can name such a row, and a shorter one would name another
    elif calls.list is not None:
        yield Job(way="list", values=(value,))
    else:
        raise bad(
            "the source cannot be asked for a key that holds its separator",
            "declare `repeat` or `get` if the service has them",
        )


def safe_in_path(key: str) -> bool:
    """Whether a key stays one segment of a path, however often a server or proxy decodes it."""
    for _ in range(3):
        if {"", ".", ".."} & set(key.replace("\\", "/").split("/")):
            return False
        key = unquote(key)
    return True

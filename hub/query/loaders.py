"""Per-operation loading of keys that several places of one answer need from equal fetches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiodataloader import DataLoader

from connectors.spi import Batch
from hub.query.combine import key_column

FetchKeys = Callable[[Sequence[tuple[Any, ...]]], Awaitable[Batch]]
Row = tuple[Any, ...]


class SharedRows:
    """One loader for one set of equal keyed fetches; lives as long as its operation."""

    def __init__(self, fetch: FetchKeys, key_columns: Sequence[str]) -> None:
        self._fetch = fetch
        self._key_columns = tuple(key_columns)
        self._names: tuple[str, ...] = ()
        self._loader: DataLoader[tuple[Any, ...], Row | None] = DataLoader(self._load)

    async def rows(self, keys: Sequence[tuple[Any, ...]]) -> Batch:
        """The rows of these keys, fetched together with what others ask in the same turn."""
        found = [row for row in await self._loader.load_many(keys) if row is not None]
        columns = zip(*found, strict=True) if found else [()] * len(self._names)
        named = dict(zip(self._names, map(list, columns), strict=True))
        return Batch(named, len(found))

    async def _load(self, keys: list[tuple[Any, ...]]) -> list[Row | None]:
        batch = await self._fetch(keys)
        self._names = tuple(batch.columns)
        held = key_column(batch.columns, self._key_columns)
        single = len(self._key_columns) == 1
        rows = zip(*batch.columns.values(), strict=True)
        by_key: dict[Any, Row] = {}
        for key, row in zip(held, rows, strict=True):
            by_key.setdefault((key,) if single else key, row)
        return [by_key.get(tuple(key)) for key in keys]

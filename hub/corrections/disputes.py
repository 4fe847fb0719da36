"""What answers ask about doubts: which rows' fields stewards have taken up and not settled yet."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Engine

from hub.corrections.sealed import Seal, seal_of
from hub.query.disputed import Disputes
from hub.settings import Settings
from hub.store.corrections import accepted_marks, unreadable

_WAIT_S = 2.0


class StoredDisputes:
    """Looked up in the hub's database, by keyed hashes; implements `Disputes`."""

    def __init__(self, engine: Engine, seal: Seal, *, wait_s: float = _WAIT_S) -> None:
        self._engine = engine
        self._seal = seal
        self._wait_s = wait_s

    def mark(self, coordinate: str, key: Mapping[Any, Any]) -> str:
        """What stands for one field of one row."""
        return self._seal.mark(coordinate, key)

    async def marks(self, coordinates: Collection[str]) -> frozenset[str]:
        """Those of all rows that are doubted in these fields."""
        try:
            async with asyncio.timeout(self._wait_s):
                return await asyncio.to_thread(accepted_marks, self._engine, coordinates)
        except TimeoutError as error:
            raise unreadable(error) from error


def disputes_of(settings: Settings, engine: Engine) -> Disputes | None:
    """``None`` where doubts are not taken. Raises: `HubError` CONFIG_INVALID."""
    if not settings.corrections.enabled:
        return None
    return StoredDisputes(engine, seal_of(settings))

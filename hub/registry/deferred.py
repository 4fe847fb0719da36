"""A connector that is made when it is opened, since its secrets come over the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from connectors.spi import Connector
from schema.model.names import SourceName


class Deferred:
    """Stands for a connector; once opened it is that connector. Opening asks for secrets anew."""

    def __init__(self, name: SourceName, make: Callable[[], Connector]) -> None:
        """`make` may block."""
        self.name = name
        self._make = make
        self._made: Connector | None = None

    async def open(self) -> None:
        """Make and open it. Raises: what either raises; the next try begins anew."""
        made = await asyncio.to_thread(self._make)
        try:
            await made.open()
        except BaseException:
            await made.close()
            raise
        self._made = made

    async def close(self) -> None:
        """Close it, if it was made."""
        made, self._made = self._made, None
        if made is not None:
            await made.close()

    def __getattr__(self, name: str) -> Any:
        """All else is the connector's."""
        made = self.__dict__.get("_made")
        if made is None:
            raise AttributeError(name)
        return getattr(made, name)

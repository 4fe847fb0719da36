"""One source as operations reach it: deadline, in-flight limit, second tries, rests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kit.limit import InFlight
from connectors.kit.retry import Backoff, Breaker, steadily
from connectors.spi import Asker, Batch, Call, Connector
from hub.query.combine import concat
from schema.errors import SourceError
from schema.model.names import SourceName

_BACKOFF = Backoff()


class Reach:
    """A source's connector with what every call of it goes through.

    Units: `deadline_s`, how long the source's fragment lets the hub wait for one call.
    Cost: two integers and a look at the breaker while the source is well.
    """

    __slots__ = ("_deadline_s", "_flight", "_speaks", "_whole", "breaker", "connector")

    def __init__(
        self, connector: Connector, deadline_s: float | None = None, breaker: Breaker | None = None
    ) -> None:
        self.connector = connector
        self.breaker = breaker or Breaker()
        self._deadline_s = deadline_s
        self._flight = InFlight(connector.capabilities.max_in_flight)
        self._speaks = connector.capabilities.speaks_for
        self._whole = getattr(connector, "fetch_all", None)

    async def fetch(
        self,
        handle: Any,
        *,
        keys: Sequence[tuple[Any, ...]],
        params: Mapping[str, Any],
        deadline: float,
        operation_id: str,
        max_rows: int,
        caller: str = "",
        asker: Asker | None = None,
    ) -> Batch:
        """The whole batch of one call.

        Raises: `SourceError`; what a connector raises against its contract goes through.
        """
        if self._deadline_s is not None:
            deadline = min(deadline, time.monotonic() + self._deadline_s)
        call = Call(
            keys=keys,
            params=params,
            deadline=deadline,
            operation_id=operation_id,
            caller=caller,
            asker=asker if self._speaks else None,
        )
        return await steadily(
            lambda: self._once(handle, call, max_rows),
            backoff=_BACKOFF,
            breaker=self.breaker,
            deadline=deadline,
        )

    async def _once(self, handle: Any, call: Call, max_rows: int) -> Batch:
        flight = self._flight
        if not flight.enter_now():
            await flight.enter(call.deadline)
        try:
            if self._whole is not None:
                batch: Batch = await self._whole(handle, call)
                return batch
            return await self._drained(handle, call, max_rows)
        except TimeoutError:
            raise SourceError("SOURCE_TIMEOUT", "the source was too slow") from None
        finally:
            flight.leave()

    async def _drained(self, handle: Any, call: Call, max_rows: int) -> Batch:
        batches, rows = [], 0
        timeout = None
        if call.deadline != float("inf"):
            timeout = max(0.0, call.deadline - time.monotonic())
        async with asyncio.timeout(timeout):
            async for batch in self.connector.fetch(handle, call):
                batches.append(batch)
                rows += batch.rows
                if rows > max_rows:
                    raise too_large()
        return concat(batches) if batches else Batch({}, 0)


def reaches(
    connectors: Mapping[SourceName, Connector], deadlines: Mapping[SourceName, float | None]
) -> dict[SourceName, Reach]:
    """One `Reach` for each connected source."""
    return {name: Reach(held, deadlines.get(name)) for name, held in connectors.items()}


def too_large() -> SourceError:
    """A source would have to be read whole to answer."""
    return SourceError(
        "SCAN_TOO_LARGE",
        "the source would have to be read whole",
        hint="filter by something the source can filter by",
    )

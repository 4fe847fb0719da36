"""Another Hub as a source: asked in the name of whoever asks here, so that both hubs rule.

Which fields exist there depends on who asks: nothing is learned when the source is opened, and
nothing of an answer is kept.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from connectors.http.client import Client
from connectors.http.credentials import Credentials
from connectors.http.tls import tls_of
from connectors.hub.exchange import Exchange
from connectors.hub.filters import MOST_VALUES
from connectors.hub.question import Question, question_of
from connectors.hub.reading import Reading
from connectors.hub.shape import shape_of
from connectors.hub.tables import read_tables
from connectors.hub.token import Signer, private_key
from connectors.spi import Ask, Batch, Call, Capabilities, Health, Offer, SourceShape
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

IN_FLIGHT = 8
PROBE_S = 5.0
DISCOVER_S = 15.0
PAGE = 500
_KNOWN = frozenset({"url", "hub", "as", "key", "page", "tls"})


def connect(decl: SourceDecl, resolve: Callable[[str], str]) -> HubConnector:
    """A connector for one hub; raises ``CONFIG_INVALID``."""
    return HubConnector(decl, resolve)


class HubConnector:
    """Serves the types of another hub as tables."""

    capabilities = Capabilities(
        predicates=frozenset({
            "eq", "ne", "in", "range", "prefix", "contains", "is_null", "and", "or", "not", "keys",
        }),
        orders=True,
        limits=True,
        max_keys=MOST_VALUES,
        max_in_flight=IN_FLIGHT,
        speaks_for=True,
    )  # fmt: skip

    def __init__(self, decl: SourceDecl, resolve: Callable[[str], str]) -> None:
        self.name: SourceName = decl.name
        held = _checked(decl)
        self._tables = read_tables(decl.name, decl.tables)
        self._page: int = held.get("page", PAGE)
        key = private_key(resolve(held["key"]), decl.name)
        self._client = Client(
            decl.name,
            resolve(held["url"]),
            Credentials(),
            in_flight=IN_FLIGHT,
            headers={"Accept": "application/json"},
            called="connect.url",
            tls=tls_of(held, resolve, decl.name),
        )
        self._called = held["as"]
        signer = Signer(key, name=held["as"], audience=held["hub"])
        self._exchange = Exchange(self._client, signer)

    async def open(self) -> None:
        """Nothing: what there is depends on who asks."""

    async def discover(self) -> SourceShape:
        """What the other hub shows over the link, with labels, owners, keys and relations."""
        return shape_of(await self._exchange.describe(time.monotonic() + DISCOVER_S))

    def offer(self, ask: Ask) -> Offer:
        """Conditions, order and limit, as far as the other hub has them exactly."""
        table = self._tables.get(ask.table)
        if table is None:
            raise SourceError("SOURCE_UNAVAILABLE", "the source has no such table")
        try:
            question, left = question_of(table, ask)
        except ValueError:
            raise SourceError(
                "SOURCE_UNAVAILABLE", "the source has no such column",
                hint="a column of another hub is the name of a field",
            ) from None  # fmt: skip
        exact = left.must is None and left.wish is None and not left.order and left.limit is None
        whole = exact and left.aggregate is None and not left.joins and left.document is None
        return Offer(handle=question, residual=None if whole else left)

    async def fetch_all(self, handle: Question, call: Call) -> Batch:
        """Ask the other hub for the caller of this call; raises `SourceError`."""
        asker = call.asker
        if asker is not None and (not asker.hubs or asker.hubs[-1] != self._called):
            # fails closed: under another name loops would not be seen
            raise SourceError("SOURCE_REFUSED", "`connect.as` is not the name of this hub")
        return await Reading(self._exchange, handle, call, self._page).run()

    async def fetch(self, handle: Question, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        yield await self.fetch_all(handle, call)

    async def probe(self) -> Health:
        """Whether the other hub answers this one."""
        started = time.perf_counter()
        try:
            await self._exchange.greet(time.monotonic() + PROBE_S)
        except SourceError as error:
            return Health(ok=False, code=error.code)
        return Health(ok=True, ms=(time.perf_counter() - started) * 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _checked(decl: SourceDecl) -> Mapping[str, Any]:
    """``connect``, its words and their types; raises ``CONFIG_INVALID``."""
    held: Mapping[str, Any] = decl.connect
    unknown = sorted(set(held) - _KNOWN)
    if unknown:
        raise HubError(
            "CONFIG_INVALID", f"a hub as a source knows no `connect.{unknown[0]}`",
            where=decl.name, hint=f"known: {', '.join(sorted(_KNOWN))}",
        )  # fmt: skip
    hints = {
        "url": "the address of its endpoint, as `https://county.example/graphql`",
        "hub": "the other hub's `instance.name`",
        "as": "this hub's own `instance.name`",
        "key": "the private key by reference, as `${file:link.pem}`",
    }
    for name, hint in hints.items():
        if not isinstance(held.get(name), str) or not held[name]:
            raise HubError(
                "CONFIG_INVALID", f"a hub as a source wants `connect.{name}`", where=decl.name,
                hint=hint,
            )  # fmt: skip
    if held["hub"] == held["as"]:
        raise HubError(
            "CONFIG_INVALID", "a hub cannot be its own source", where=decl.name,
            hint="`connect.hub` names the other hub; give each its own `instance.name`",
        )  # fmt: skip
    page = held.get("page", PAGE)
    if not isinstance(page, int) or isinstance(page, bool) or not 1 <= page <= 10_000:
        raise HubError(
            "CONFIG_INVALID", "`connect.page` is no number of rows", where=decl.name,
            hint="1 to 10000, and no more than the other hub's `limits.page_max`",
        )  # fmt: skip
    return held

"""The laws of the connector SPI as checks that any connector can be held against.

`check` loads a standard data set into the source through the tester's own loader and compares
the connector with `connectors.memory`: systematically per claimed and disclaimed capability, then
with random Asks. Needs no test framework. The numbers of laws are those of `connectors.spi`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from connectors.kit.agree import differs
from connectors.kit.asks import MARK, Asks, lacking
from connectors.kit.local import apply
from connectors.kit.report import BrokenLawError, Failure, Report
from connectors.kit.sample import KEY, SALT, VALUES, Asker, TableData, tables
from connectors.memory import EVERYTHING, MemoryConnector
from connectors.spi import DOCUMENT, Ask, Batch, Call, Column, Connector, Offer
from schema.errors import HubError, SourceError
from schema.model.names import SourceName
from schema.model.predicate import Compare, Param
from schema.model.scalar import canonical

Make = Callable[[Sequence[TableData]], Awaitable[Connector]]
"""Writes the tables into a source and gives a connector to it, opened."""

_SOON_S = 1.0


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What the kind of source cannot hold, and how far to go."""

    kinds: frozenset[str] = frozenset(VALUES)
    empty_text: bool = True
    """Whether the source tells empty text from null."""
    unfit: frozenset[str] = frozenset()
    """Texts that the source cannot hold; they are still asked for."""
    asks: int = 200
    """Random Asks."""
    seed: int | None = None
    """Of the first random Ask; drawn when not given, told with each failure."""
    secret: tuple[str, ...] = ()
    """Texts that no error may show: paths, addresses, passwords."""
    fail: Callable[[Connector], Awaitable[None]] | None = None
    """Takes the source away; the last check."""


async def check(make: Make, setting: Setting | None = None) -> Report:
    """Hold a connector against every law; closes it at the end.

    Cost: some hundred small fetches.
    """
    held = setting or Setting()
    data = tables(kinds=held.kinds, empty_text=held.empty_text, unfit=held.unfit)
    connector = await make(data)
    try:
        return await _Contract(connector, data, held).run()
    finally:
        await connector.close()


class _Contract:
    def __init__(self, connector: Connector, data: Sequence[TableData], setting: Setting) -> None:
        self.connector = connector
        self.able = connector.capabilities
        self.setting = setting
        self.data = data
        self.asks = Asks(data, connector.capabilities)
        rows = {table.name: table.canonical() for table in data}
        self.memory = MemoryConnector(SourceName("memory"), rows, EVERYTHING)
        self.failures: list[Failure] = []
        self.checks = 0

    async def run(self) -> Report:
        """Every check; one that fails does not keep the others from running."""
        for name, ask, params, keys in self.asks.systematic():
            await self._guarded(name, self.agrees(ask, params, keys))
        for name, law, work in self._others():
            await self._guarded(name, work(), law=law)
        seed = self.setting.seed
        first = secrets.randbelow(10**9) if seed is None else seed
        for number in range(first, first + self.setting.asks):
            asker = Asker(number, self.data, self.able)
            ask = self._random(asker)
            keys = asker.keys(ask) if ask.key_columns else []
            await self._guarded("random", self.agrees(ask, asker.params, keys), seed=number)
        if self.setting.fail is not None:
            await self.setting.fail(self.connector)
            await self._guarded("failing source", self._fails_cleanly(), law=7)
        return Report(self.checks, tuple(self.failures))

    async def _guarded(
        self, name: str, work: Awaitable[None], *, law: int = 1, seed: int | None = None
    ) -> None:
        self.checks += 1
        try:
            await work
        except BrokenLawError as broken:
            self.failures.append(Failure(broken.law, name, str(broken), seed))
        except Exception as error:  # noqa: BLE001 - whatever a connector raises breaks a law
            code = error.code if isinstance(error, HubError) else ""
            self.failures.append(
                Failure(law, name, f"raised {type(error).__name__} {code}".strip(), seed)
            )

    def _random(self, asker: Asker) -> Ask:
        shapes = ["keyed", "aggregate"]
        if self.able.scans:
            shapes += ["rows", "rows", "joins"]
        if self.able.documents:
            shapes += ["documents", "keyed documents"]
        match asker.chance.choice(shapes):
            case "keyed":
                return asker.rows(keyed=True)
            case "aggregate" if self.able.scans:
                return asker.aggregate()
            case "joins":
                return asker.rows(joins=2)
            case "documents" if self.able.scans:
                return asker.documented(asker.rows(joins=2 if self.able.joins else 0))
            case "keyed documents":
                return asker.documented(asker.rows(keyed=True))
            case "rows":
                return asker.rows()
            case _:
                return asker.rows(keyed=True)

    # what an answer has to be

    async def agrees(
        self, ask: Ask, params: Mapping[str, Any], keys: Sequence[tuple[Any, ...]] = ()
    ) -> None:
        """Laws 1, 2 and 3 for one Ask."""
        offer = self.offered(ask)
        call = Call(keys=keys, params=params)
        got = await self.fetched(offer, call)
        refused: frozenset[str] = frozenset()
        if offer.residual is not None and offer.residual.joins and ask.document is not None:
            # what is not joined cannot be written: the hub asks again without a document
            await self.agrees(msgspec.structs.replace(ask, document=None), params, keys)
            return
        if offer.residual is not None:
            refused = frozenset(join.name for join in offer.residual.joins)
            name = lacking(offer.residual, got.columns)
            if name is not None:
                raise BrokenLawError(1, f"the residual's column `{name}` is not in the batch")
            got = apply(got, offer.residual, params, keys)
        kept = tuple(join for join in ask.joins if join.name not in refused)
        wanted = await self._reference(msgspec.structs.replace(ask, joins=kept), call)
        different = differs(ask, got, wanted)
        if different:
            raise BrokenLawError(1, different)

    async def _reference(self, ask: Ask, call: Call) -> Batch:
        (batch,) = [b async for b in self.memory.fetch(self.memory.offer(ask).handle, call)]
        return batch

    def offered(self, ask: Ask) -> Offer:
        """An offer that keeps laws 2, 3 and 8."""
        offer, again = self.connector.offer(ask), self.connector.offer(ask)
        if offer != again or repr(offer.handle) != repr(again.handle):
            raise BrokenLawError(3, "two offers for one Ask differ")
        left = offer.residual
        if left is not None:
            open_rows = left.must is not None or left.wish is not None
            if ask.limit is not None and left.limit is None and (open_rows or left.order):
                raise BrokenLawError(2, "a limit is taken before the predicate or the order")
            if ask.document is not None and left.document is None:
                raise BrokenLawError(2, "a document is taken before all else is")
            if ask.aggregate is not None and left.aggregate is None and open_rows:
                raise BrokenLawError(2, "an aggregate is taken before the predicate")
        if MARK in repr(offer.handle):
            raise BrokenLawError(8, "a value is in the text of the handle")
        return offer

    async def fetched(self, offer: Offer, call: Call) -> Batch:
        """The answer of a fetch as one batch, by `fetch_all` where there is one."""
        whole = getattr(self.connector, "fetch_all", None)
        batch: Batch = (
            await self._iterated(offer, call) if whole is None else await whole(offer.handle, call)
        )
        for name, column in batch.columns.items():
            if len(column) != batch.rows:
                raise BrokenLawError(1, f"column `{name}` is not as long as the batch")
        return batch

    async def _iterated(self, offer: Offer, call: Call) -> Batch:
        batches = [b async for b in _closing(self.connector.fetch(offer.handle, call))]
        if not batches:
            raise BrokenLawError(1, "a fetch without any batch")
        return batches[0] if len(batches) == 1 else _joined(batches)

    async def _both_ways(self) -> None:
        ask, call = self.asks.ask(key_columns=(KEY,)), Call(keys=[(1,)])
        offer = self.offered(ask)
        if differs(ask, await self._iterated(offer, call), await self.fetched(offer, call)):
            raise BrokenLawError(1, "`fetch` and `fetch_all` differ")

    # what is claimed and what is not

    def _others(self) -> Iterator[tuple[str, int, Callable[[], Awaitable[None]]]]:
        yield "claimed and disclaimed", 4, self._claims
        yield "joins", 4, self._joins
        yield "documents", 4, self._documents
        yield "canonical values", 1, self._canonical
        yield "both ways to fetch", 1, self._both_ways
        yield "keys in another order, twice", 5, self._keys_anyhow
        yield "many at once", 6, self._many_at_once
        yield "cancelled", 6, self._cancelled
        yield "too late", 6, self._too_late
        yield "an unbound param", 7, self._unbound
        yield "no such table", 7, self._no_such_table
        yield "discovered", 1, self._discovered
        yield "probed", 7, self._probed

    async def _claims(self) -> None:
        able, problems = self.able, []
        for kind, predicates in self.asks.by_kind().items():
            offers = [(p, self.offered(self.asks.ask([KEY], wish=p))) for p in predicates]
            taken = [o.residual is None or o.residual.wish is None for _, o in offers]
            if kind in able.predicates and not any(taken):
                problems.append(f"`{kind}` is claimed but never taken")
            if kind not in able.predicates and any(taken):
                problems.append(f"`{kind}` is disclaimed but taken")
        for name, claimed, asked, left_of in self.asks.claims():
            left = self.offered(asked).residual
            taken_whole = left is None or not left_of(left)
            if claimed != taken_whole:
                problems.append(f"`{name}` is {'claimed' if claimed else 'disclaimed'}, not so")
        if problems:
            raise BrokenLawError(4, "; ".join(problems))

    async def _joins(self) -> None:
        if self.able.scans:
            await self.agrees(self.asks.joined(), {})
        if self.able.scans and self.able.digests:
            await self.agrees(self.asks.joined_blind(), {SALT: "salt of this test"})

    async def _documents(self) -> None:
        asked, call = self.asks.documented(), Call(keys=[(1,)])
        if self.able.documents:
            await self.agrees(asked, {}, call.keys)
        elif DOCUMENT in (await self.fetched(self.connector.offer(asked), call)).columns:
            raise BrokenLawError(4, "`documents` is disclaimed, not so")

    async def _canonical(self) -> None:
        keys = [] if self.able.scans else [(1,)]
        batch = await self.fetched(self.offered(self.asks.ask()), Call(keys=keys))
        for column in self.asks.things.columns:
            for value in batch.columns[column.name]:
                made = canonical(column.kind, value)
                if made != value or type(made) is not type(value):
                    raise BrokenLawError(1, f"a {column.kind} is not canonical")

    async def _keys_anyhow(self) -> None:
        keys = [(n,) for n in range(1, min(self.able.max_keys // 2, 20) + 1)] or [(1,)]
        ask = self.asks.ask(key_columns=(KEY,))
        offer = self.offered(ask)
        wanted = await self.fetched(offer, Call(keys=keys))
        again = [*reversed(keys), *keys] if len(keys) * 2 <= self.able.max_keys else keys[::-1]
        got = await self.fetched(offer, Call(keys=again))
        unordered = msgspec.structs.replace(ask, order=())
        if differs(unordered, got, wanted):
            raise BrokenLawError(5, "the order of keys, or a key twice, changes the answer")

    async def _many_at_once(self) -> None:
        offer = self.offered(self.asks.ask(key_columns=(KEY,)))
        many = [Call(keys=[(1,)]) for _ in range(self.able.max_in_flight * 3)]
        async with asyncio.timeout(30):
            got = await asyncio.gather(*(self.fetched(offer, call) for call in many))
        if any(batch.rows != 1 for batch in got):
            raise BrokenLawError(1, "fetches at the same time disturb each other")

    async def _cancelled(self) -> None:
        offer = self.offered(self.asks.ask(key_columns=(KEY,)))
        for pause in (0.0, 0.001, 0.005):
            for _ in range(self.able.max_in_flight + 1):
                async with asyncio.TaskGroup() as group:
                    task = group.create_task(self.fetched(offer, Call(keys=[(1,)])))
                    await asyncio.sleep(pause)
                    started = time.monotonic()
                    task.cancel()
                if time.monotonic() - started > _SOON_S:
                    raise BrokenLawError(6, "cancelling takes too long")
        await self._many_at_once()  # nothing is still taken

    async def _too_late(self) -> None:
        offer = self.offered(self.asks.ask(key_columns=(KEY,)))
        started = time.monotonic()
        try:
            await self.fetched(offer, Call(keys=[(1,)], deadline=started - 1))
        except SourceError as error:
            self._clean(error)
        if time.monotonic() - started > _SOON_S:
            raise BrokenLawError(6, "a deadline that has passed is not kept")

    async def _unbound(self) -> None:
        asked = self.asks.ask([KEY], wish=Compare(KEY, "eq", Param("nowhere"), "Int"))
        offer = self.offered(asked)
        try:
            got = await self.fetched(offer, Call(keys=[] if self.able.scans else [(1,)]))
            if offer.residual is not None:
                apply(got, offer.residual, {})
        except (KeyError, HubError):
            return
        raise BrokenLawError(7, "a fetch with an unbound param answers")

    async def _no_such_table(self) -> None:
        try:
            offer = self.connector.offer(Ask(table="no such table", columns=(Column("a", "Int"),)))
            await self.fetched(offer, Call())
        except HubError as error:
            self._clean(error)
            return
        raise BrokenLawError(7, "a table that is not there answers")

    async def _fails_cleanly(self) -> None:
        offer = self.offered(self.asks.ask(key_columns=(KEY,)))
        try:
            await self.fetched(offer, Call(keys=[(1,)], deadline=time.monotonic() + 10))
        except SourceError as error:
            self._clean(error)
        else:
            raise BrokenLawError(7, "a source that is gone answers")
        health = await self.connector.probe()
        if health.ok:
            raise BrokenLawError(7, "a source that is gone is well")

    def _clean(self, error: HubError) -> None:
        told = f"{error.message} {error.hint or ''} {error.where or ''}"
        if any(text in told for text in (MARK, *self.setting.secret) if text):
            raise BrokenLawError(7, "an error shows what it must not")
        if "\n" in error.message or len(error.message) > 200 or error.code == "INTERNAL":
            raise BrokenLawError(7, "an error is not one coded line")

    async def _discovered(self) -> None:
        try:
            shape = await self.connector.discover()
        except HubError as error:
            if error.code != "CONFIG_INVALID":
                raise
            return  # nothing to discover from, and it says so
        found = {table.name: table for table in shape.tables}
        for table in self.data:
            if table.name not in found:
                raise BrokenLawError(1, f"table `{table.name}` is not discovered")
            columns = {column.name for column in found[table.name].columns}
            if not columns >= {column.name for column in table.columns}:
                raise BrokenLawError(1, f"not every column of `{table.name}` is discovered")

    async def _probed(self) -> None:
        health = await self.connector.probe()
        if not health.ok:
            raise BrokenLawError(7, "a source that answers is not well")


async def _closing(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    if not hasattr(batches, "aclose"):
        async for batch in batches:
            yield batch
        return
    async with aclosing(batches):  # type: ignore[type-var]
        async for batch in batches:
            yield batch


def _joined(batches: Sequence[Batch]) -> Batch:
    if any(batch.nested for batch in batches):
        raise BrokenLawError(1, "nested rows in several batches")
    columns = {
        name: [value for batch in batches for value in batch.columns[name]]
        for name in batches[0].columns
    }
    return Batch(columns, sum(batch.rows for batch in batches))


__all__ = ["Failure", "Report", "Setting", "TableData", "check"]

"""The contract passes honest connectors, weak ones too, and catches every lie."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import orjson
import pytest

from connectors import contract
from connectors.kit.sample import SALT, TableData
from connectors.memory import EVERYTHING, MemoryConnector, Taken
from connectors.spi import DOCUMENT, Ask, Batch, Call, Capabilities, Health, Offer
from schema.errors import SourceError
from schema.model.names import SourceName
from schema.model.predicate import And, Compare, In, IsNull, Not, Or, Predicate, both

SECRET = "postgres://hub:hunter2@10.0.0.7"
replace = msgspec.structs.replace


def made(data: Sequence[TableData], kind: type[MemoryConnector], able: Capabilities) -> Any:
    return kind(SourceName("honest"), {t.name: t.canonical() for t in data}, able)


async def held(
    kind: type[MemoryConnector], able: Capabilities = EVERYTHING, **more: Any
) -> contract.Report:
    async def make(data: Sequence[TableData]) -> MemoryConnector:
        connector: MemoryConnector = made(data, kind, able)
        return connector

    return await contract.check(make, contract.Setting(asks=more.pop("asks", 40), **more))


WEAK = [
    Capabilities(max_keys=1),
    Capabilities(predicates=frozenset({"eq"}), max_keys=3),
    Capabilities(predicates=frozenset({"eq", "in", "and"}), orders=True, max_keys=10),
    Capabilities(predicates=EVERYTHING.predicates, limits=True, key_limits=True, max_keys=5),
    Capabilities(aggregates=frozenset({"count"}), groups=True, joins=True, max_keys=2),
    Capabilities(documents=True, predicates=frozenset({"eq"}), max_keys=5),
    Capabilities(scans=False, documents=True, max_keys=50),
    Capabilities(scans=False, max_keys=50),
    Capabilities(scans=False, key_limits=True, orders=True, max_keys=50),
    Capabilities(predicates=frozenset({"range"}), digests=True, max_keys=5),
    Capabilities(orders=True, limits=True, digests=True, max_keys=50),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [EVERYTHING, *WEAK])
async def test_what_is_disclaimed_is_left_to_the_hub(able: Capabilities) -> None:
    report = await held(MemoryConnector, able, asks=100)
    assert report.ok, report


class Altered(MemoryConnector):
    """A connector that carries out something else than what it took on."""

    def alter(self, ask: Ask) -> Ask:
        return ask

    def spoil(self, batch: Batch) -> Batch:
        return batch

    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        taken = replace(handle, ask=self.alter(handle.ask))
        async for batch in super().fetch(taken, call):
            yield self.spoil(batch)


class IgnoresMust(Altered):
    def alter(self, ask: Ask) -> Ask:
        return replace(ask, must=None)


class IgnoresOrder(Altered):
    def alter(self, ask: Ask) -> Ask:
        return replace(ask, order=())


class NullsFirst(Altered):
    def spoil(self, batch: Batch) -> Batch:
        order = list(range(batch.rows))
        for column in list(batch.columns.values())[:1]:
            order.sort(key=lambda row: column[row] is not None)
        columns = {n: [c[row] for row in order] for n, c in batch.columns.items()}
        return batch if batch.nested else Batch(columns, batch.rows)


class OrdersByTheKey(Altered):
    """Where a digest is asked for: the very thing that it is to hide."""

    def alter(self, ask: Ask) -> Ask:
        order = tuple(
            replace(term, column="id") if term.column.startswith("blind(") else term
            for term in ask.order
        )
        return replace(ask, order=order)


class Unsalted(Altered):
    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        params = {name: "" if name == SALT else held for name, held in call.params.items()}
        yield self._rows(handle, replace(call, params=params))


class OneTooMany(Altered):
    def alter(self, ask: Ask) -> Ask:
        return replace(ask, limit=ask.limit + 1) if isinstance(ask.limit, int) else ask


class WrongTypes(Altered):
    def spoil(self, batch: Batch) -> Batch:
        columns = {n: [str(v) if type(v) is int else v for v in c]
                   for n, c in batch.columns.items()}  # fmt: skip
        return Batch(columns, batch.rows, nested=batch.nested)


class Wildcards(Altered):
    """``%`` matches anything, as in a careless LIKE."""

    def alter(self, ask: Ask) -> Ask:
        return replace(ask, wish=_mapped(ask.wish, self._leaf))

    def _leaf(self, leaf: Predicate) -> Predicate:
        match leaf:
            case Compare(op="prefix" | "contains", operand=operand) if (
                getattr(operand, "value", None) == "%"
            ):
                return Not(Compare(leaf.name, "eq", type(operand)("never"), leaf.kind))
        return leaf


class NotMeansOpposite(Altered):
    """Two-valued NOT: null is not equal, so it is different."""

    def alter(self, ask: Ask) -> Ask:
        return replace(ask, wish=_opposite(ask.wish))


class FloatSums(Altered):
    def spoil(self, batch: Batch) -> Batch:
        columns = {n: [str(float(v)) if n.startswith("sum amount") and v else v for v in c]
                   for n, c in batch.columns.items()}  # fmt: skip
        if "sum amount" in columns:
            columns["sum amount"] = [v and v[:-1] for v in columns["sum amount"]]
        return Batch(columns, batch.rows, nested=batch.nested)


class OtherDocuments(Altered):
    """JSON of the source's own making: keys sorted, numbers as text."""

    def spoil(self, batch: Batch) -> Batch:
        if DOCUMENT not in batch.columns:
            return batch
        made = [self.other(orjson.loads(text)) for text in batch.columns[DOCUMENT]]
        return Batch({**batch.columns, DOCUMENT: made}, batch.rows)

    def other(self, held: dict[str, Any]) -> str:
        return orjson.dumps(held, option=orjson.OPT_SORT_KEYS).decode()


class TextDocuments(OtherDocuments):
    def other(self, held: dict[str, Any]) -> str:
        told = {k: str(v) if type(v) is int else v for k, v in held.items()}
        return orjson.dumps(told).decode()


class Miscounts(Altered):
    def spoil(self, batch: Batch) -> Batch:
        columns = {n: [v + 1 for v in c] if n.startswith("\0rows") else c
                   for n, c in batch.columns.items()}  # fmt: skip
        return Batch(columns, batch.rows, nested=batch.nested)


class DiesMidStream(Altered):
    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        async for batch in super().fetch(handle, call):
            yield batch
            raise ConnectionResetError(SECRET)


class Repeats(Altered):
    """A key that is asked twice is answered twice."""

    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        if not handle.ask.key_columns or not call.keys:
            async for batch in super().fetch(handle, call):
                yield batch
            return
        for key in call.keys:
            yield self._rows(handle, replace(call, keys=[key]))


class LimitsFirst(MemoryConnector):
    def offer(self, ask: Ask) -> Offer:
        offer = super().offer(ask)
        left = offer.residual
        if left is None or left.limit is None or left.aggregate is not None:
            return offer
        handle = replace(offer.handle, ask=replace(offer.handle.ask, limit=ask.limit))
        return Offer(handle=handle, residual=replace(left, limit=None))


class Fickle(MemoryConnector):
    _count = itertools.count()

    def offer(self, ask: Ask) -> Offer:
        return replace(super().offer(ask), estimate_rows=next(self._count))


class Told(Taken, frozen=True, kw_only=True):
    def __repr__(self) -> str:
        return f"{self.ask.table} where {self.ask.wish!s}"


class ShowsValues(MemoryConnector):
    def offer(self, ask: Ask) -> Offer:
        offer = super().offer(ask)
        return replace(offer, handle=Told(ask=offer.handle.ask, joins=offer.handle.joins))


class Stubborn(MemoryConnector):
    """Goes on when cancelled."""

    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        try:
            await asyncio.sleep(0.01 if call.keys == [(1,)] else 0)
        except asyncio.CancelledError:
            await asyncio.sleep(1.2)
            raise
        yield self._rows(handle, call)


class Late(MemoryConnector):
    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        if call.deadline < float("inf"):
            await asyncio.sleep(1.2)
        yield self._rows(handle, call)


class Chatty(MemoryConnector):
    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        if call.deadline < float("inf"):
            raise SourceError("SOURCE_TIMEOUT", f"could not connect to {SECRET}")
        yield self._rows(handle, call)


class Guesses(MemoryConnector):
    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        params = {"nowhere": 1, **call.params}
        yield self._rows(handle, replace(call, params=params))


class Disclaims(MemoryConnector):
    """Takes what it says it cannot."""

    def __init__(self, name: SourceName, tables: Any, able: Capabilities) -> None:
        super().__init__(name, tables, EVERYTHING)
        self.capabilities = able

    def offer(self, ask: Ask) -> Offer:
        able, self.capabilities = self.capabilities, EVERYTHING
        try:
            return super().offer(ask)
        finally:
            self.capabilities = able


class Boasts(MemoryConnector):
    """Claims what it never does."""

    def offer(self, ask: Ask) -> Offer:
        able, self.capabilities = self.capabilities, Capabilities(max_keys=1000)
        try:
            return super().offer(ask)
        finally:
            self.capabilities = able


class Ill(MemoryConnector):
    async def probe(self) -> Health:
        return Health(ok=False, code="SOURCE_UNAVAILABLE")


def _mapped(of: Predicate | None, leaf: Callable[[Predicate], Predicate]) -> Predicate | None:
    match of:
        case None:
            return None
        case And(parts=parts):
            return And(tuple(_mapped(part, leaf) or part for part in parts))
        case Or(parts=parts):
            return Or(tuple(_mapped(part, leaf) or part for part in parts))
        case Not(part=part):
            return Not(_mapped(part, leaf) or part)
        case _:
            return leaf(of)


def _opposite(of: Predicate | None) -> Predicate | None:
    match of:
        case Not(part=Compare(op="eq") as part) | Not(part=In() as part):
            return Or((of, IsNull(part.name)))
        case _:
            return both(of)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("liar", "laws"),
    [
        (IgnoresMust, {1}),
        (IgnoresOrder, {1}),
        (NullsFirst, {1}),
        (OrdersByTheKey, {1}),
        (Unsalted, {1}),
        (OneTooMany, {1}),
        (WrongTypes, {1}),
        (Wildcards, {1}),
        (NotMeansOpposite, {1}),
        (FloatSums, {1}),
        (OtherDocuments, {1}),
        (TextDocuments, {1}),
        (Miscounts, {1}),
        (DiesMidStream, {1}),
        (Repeats, {5}),
        (Fickle, {3}),
        (ShowsValues, {8}),
        (Stubborn, {6}),
        (Late, {6}),
        (Chatty, {7}),
        (Guesses, {7}),
        (Boasts, {4}),
        (Ill, {7}),
    ],
)
async def test_lies_are_caught(liar: type[MemoryConnector], laws: set[int]) -> None:
    report = await held(liar, secret=(SECRET,), asks=40)
    assert laws <= {failure.law for failure in report.failures}, report
    assert SECRET not in str(report)


@pytest.mark.asyncio
async def test_a_limit_before_the_predicate_is_caught() -> None:
    report = await held(LimitsFirst, Capabilities(limits=True, max_keys=10))
    assert {failure.law for failure in report.failures} >= {2}, report


@pytest.mark.asyncio
async def test_taking_what_is_disclaimed_is_caught() -> None:
    report = await held(Disclaims, Capabilities(max_keys=10))
    assert {failure.law for failure in report.failures} == {4}, report


@pytest.mark.asyncio
async def test_a_source_that_answers_when_gone_is_caught() -> None:
    async def nothing(_: Any) -> None:
        return None

    report = await held(MemoryConnector, fail=nothing, asks=1)
    assert [failure.check for failure in report.failures] == ["failing source"]


@pytest.mark.asyncio
async def test_a_random_failure_tells_its_seed_and_can_be_repeated() -> None:
    first = await held(IgnoresOrder, seed=5, asks=60)
    again = await held(IgnoresOrder, seed=5, asks=60)
    seeds = [failure.seed for failure in first.failures if failure.check == "random"]
    assert seeds
    assert first == again
    assert f"[seed {seeds[0]}]" in str(msgspec.structs.replace(first, failures=tuple(
        failure for failure in first.failures if failure.seed is not None)))  # fmt: skip

"""One run of a question: pages of another hub's list as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.http.rows import bad, joined, of_keys, values_of
from connectors.hub.exchange import Exchange, HiddenError
from connectors.hub.filters import Written
from connectors.hub.question import Question, filters_of
from connectors.kit.local import apply, key_turn
from connectors.kit.together import together
from connectors.spi import Ask, Asker, Batch, Call
from schema.errors import SourceError

MAX_ROWS = 100_000
MAX_BYTES = 128_000_000
Row = Mapping[str, Any]
_TYPE = "query($name: String!) { __type(name: $name) { fields { name } } }"


class Reading:
    """Reads the rows of one call, for one asker alone."""

    def __init__(self, exchange: Exchange, question: Question, call: Call, page: int) -> None:
        self._exchange = exchange
        self._question = question
        self._call = call
        self._page = page
        self._left = MAX_ROWS
        self._bytes = MAX_BYTES

    async def run(self) -> Batch:
        """All rows; raises `SourceError`."""
        asker = self._call.asker
        if asker is None:
            # fails closed: the other hub rules on who asks, so somebody must
            raise SourceError("SOURCE_REFUSED", "nobody is named to the other hub")
        question, call = self._question, self._call
        filters = [] if question.keys and not call.keys else filters_of(question, call)
        names = [column.name for column in question.columns]
        try:
            batch = await self._read(filters, names, asker)
        except HiddenError:
            shown = await self._shown(asker)
            kept = [name for name in names if question.table.field(name) in shown]
            if len(kept) == len(names) or not kept or question.used - shown:
                raise  # a use is not allowed, or nothing is left to read
            batch = await self._read(filters, kept, asker)
        if question.keys:
            turn = key_turn([key.kind for key in question.keys])
            wanted = frozenset(turn(key) for key in call.keys if None not in key)
            batch = of_keys(batch, question.keys, wanted)
        return Batch({name: batch.columns[name] for name in question.returned}, batch.rows)

    async def _shown(self, asker: Asker) -> frozenset[str]:
        """The fields of the type that exist for this asker there."""
        variables = {"name": self._question.table.type}
        said = await self._exchange.ask(_TYPE, variables, self._call.deadline, asker)
        told = said.data.get("__type")
        fields = told.get("fields") if isinstance(told, dict) else None
        if not isinstance(fields, list):
            return frozenset()
        return frozenset(str(one.get("name")) for one in fields if isinstance(one, dict))

    async def _read(self, filters: Sequence[Written], names: Sequence[str], asker: Asker) -> Batch:
        question, params = self._question, self._call.params
        most = question.most(params)
        if most is not None and most <= 0:
            filters = []
        batches = await together([self._list(one, names, most, asker) for one in filters])
        batch = joined(question.columns, batches or [self._batch([], names)])
        if len(batches) < 2 or not (question.order or most is not None):
            return batch
        order = tuple(term for term, _ in question.order)
        again = Ask(table="", columns=question.columns, order=order, limit=most)
        return apply(batch, again, params, ())

    def _batch(self, rows: Sequence[Row], names: Sequence[str]) -> Batch:
        held: dict[str, Any] = {}
        for column in self._question.columns:
            if column.name not in names:
                held[column.name] = [None] * len(rows)
                continue
            try:
                values = [row[column.name] for row in rows]
            except KeyError:
                raise bad("the other hub left out what it was asked for") from None
            held[column.name] = values_of(values, column)
        return Batch(held, len(rows))

    async def _list(
        self, filter_: Written, names: Sequence[str], most: int | None, asker: Asker
    ) -> Batch:
        """Every row of one filter, or the first `most`."""
        question = self._question
        filtered = not isinstance(filter_, bool)
        text = question.text(names, filtered=filtered)
        rows: list[Row] = []
        after: str | None = None
        seen: set[str] = set()
        while True:
            first = self._page if most is None else min(self._page, most - len(rows))
            variables: dict[str, Any] = {"first": first, "after": after}
            if filtered:
                variables["filter"] = filter_
            said = await self._exchange.ask(text, variables, self._call.deadline, asker)
            nodes, after = _page_of(said.data)
            self._weigh(len(nodes), said.size)
            rows += nodes
            if after is None or (most is not None and len(rows) >= most):
                return self._batch(rows if most is None else rows[:most], names)
            if after in seen or not nodes:
                raise bad("the other hub sends one page again and again")
            seen.add(after)

    def _weigh(self, rows: int, size: int) -> None:
        self._left -= rows
        self._bytes -= size
        if self._left < 0 or self._bytes < 0:
            raise SourceError(
                "SCAN_TOO_LARGE", "the source would have to be read whole",
                hint="filter by something the source can filter by",
            )  # fmt: skip


def _page_of(data: Mapping[str, Any]) -> tuple[list[Row], str | None]:
    """(rows, cursor of the next page)."""
    held = data.get("rows")
    nodes = held.get("nodes") if isinstance(held, dict) else None
    info = held.get("pageInfo") if isinstance(held, dict) else None
    if not isinstance(nodes, list) or not isinstance(info, dict):
        raise bad("the other hub sent no list", "compare the fragment with the other hub's types")
    if not all(isinstance(row, dict) for row in nodes):
        raise bad("the other hub sent no list of rows")
    more, cursor = info.get("hasNextPage"), info.get("endCursor")
    if not isinstance(more, bool) or (more and not isinstance(cursor, str)):
        raise bad("the other hub does not say whether there is more")
    return nodes, cursor if more else None

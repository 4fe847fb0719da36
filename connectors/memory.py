"""The reference connector: tables in memory; the executable meaning of the SPI.

It does exactly what its `Capabilities` claim and leaves the rest in the residual, so a weak
source can be imitated by passing weak capabilities.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from connectors.kit.blind import has_digests
from connectors.kit.local import apply, key_turn, pick
from connectors.spi import (
    Ask,
    Batch,
    Call,
    Capabilities,
    Column,
    Health,
    Join,
    Nested,
    Offer,
    ShapeColumn,
    ShapeTable,
    SourceShape,
)
from schema.errors import HubError, SourceError
from schema.model.names import SourceName
from schema.model.predicate import (
    Always,
    And,
    Compare,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Predicate,
    Related,
    names_in,
)

Rows = Sequence[Mapping[str, Any]]

EVERYTHING = Capabilities(
    predicates=frozenset(
        {"eq", "ne", "in", "range", "prefix", "contains", "is_null", "and", "or", "not", "keys"}
    ),
    orders=True,
    limits=True,
    key_limits=True,
    aggregates=frozenset({"count", "countDistinct", "sum", "min", "max"}),
    groups=True,
    joins=True,
    digests=True,
    documents=True,
    max_keys=1000,
    snapshot=True,
)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an Ask that the connector carries out; its handle."""

    ask: Ask
    joins: tuple[tuple[Join, Taken], ...] = ()

    def __repr__(self) -> str:
        ask = self.ask
        told = [f"rows of {ask.table}"]
        if ask.key_columns:
            told.append(f"by {', '.join(ask.key_columns)}")
        named = sorted(names_in(ask.must) | names_in(ask.wish))
        if ask.must is not None or ask.wish is not None:
            told.append(f"where {', '.join(named) or 'always'}")
        if ask.aggregate is not None:
            told.append(f"grouped by {', '.join(ask.aggregate.group_by) or 'nothing'}")
        if ask.order:
            terms = (f"{t.column} desc" if t.descending else t.column for t in ask.order)
            told.append(f"order by {', '.join(terms)}")
        if ask.limit is not None:
            told.append("limited")
        told += [f"with {join.name} ({taken!r})" for join, taken in self.joins]
        if ask.document is not None:
            told.append("as documents")
        return " ".join(told)


class MemoryConnector:
    """Serves tables held as lists of rows of canonical values."""

    def __init__(
        self,
        name: SourceName,
        tables: Mapping[str, Rows],
        capabilities: Capabilities = EVERYTHING,
        shape: SourceShape | None = None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self._tables = tables
        self._shape = shape

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def probe(self) -> Health:
        """Always well."""
        return Health(ok=True)

    async def discover(self) -> SourceShape:
        """The shape given; without one every kind is text, since rows carry no types."""
        if self._shape is not None:
            return self._shape
        tables = []
        for name, rows in self._tables.items():
            names = tuple(rows[0]) if rows else ()
            columns = tuple(ShapeColumn(name=column, kind="String") for column in names)
            tables.append(ShapeTable(name=name, columns=columns, rows=len(rows)))
        return SourceShape(tables=tuple(tables))

    def offer(self, ask: Ask) -> Offer:
        """Take what the capabilities allow; what comes after a refused step is refused too.

        Raises: `SourceError` for a table that is not there, or a scan of a source without scans.
        """
        able = self.capabilities
        if ask.table not in self._tables:
            raise SourceError("SOURCE_UNAVAILABLE", "the source has no such table")
        if not able.scans and not ask.key_columns:
            raise SourceError("SCAN_TOO_LARGE", "the source cannot list its rows")
        if not able.digests and has_digests(ask):
            raise HubError("INTERNAL", "a source without digests is asked for one")
        taken, left = ask, msgspec.structs.replace(ask, must=None, wish=None, joins=())
        refused = False
        if ask.must is not None and not supports(able, ask.must):
            taken = msgspec.structs.replace(taken, must=None)
            left = msgspec.structs.replace(left, must=ask.must)
            refused = True
        if ask.wish is not None and not supports(able, ask.wish):
            taken = msgspec.structs.replace(taken, wish=None)
            left = msgspec.structs.replace(left, wish=ask.wish)
            refused = True
        joins = tuple(self._join(join) for join in ask.joins) if able.joins else ()
        kept = tuple(pair for pair in joins if pair is not None)
        names = {join.name for join, _ in kept}
        left = msgspec.structs.replace(
            left, joins=tuple(join for join in ask.joins if join.name not in names)
        )
        if ask.aggregate is not None:
            return self._aggregate_offer(ask, taken, left, refused=refused)
        ordered = not ask.order or (able.orders and not refused)
        limits = able.key_limits if ask.key_columns else able.limits
        cut = ask.limit is None or (limits and ordered and not refused)
        taken = msgspec.structs.replace(
            taken,
            order=ask.order if ordered else (),
            limit=ask.limit if cut else None,
            joins=tuple(join for join, _ in kept),
        )
        left = msgspec.structs.replace(
            left, order=() if ordered else ask.order, limit=None if cut else ask.limit
        )
        whole = ordered and cut and not refused and not left.joins
        if whole and able.documents:
            left = msgspec.structs.replace(left, document=None)
        elif ask.document is not None:
            taken, whole = msgspec.structs.replace(taken, document=None), False
        if not whole:
            taken = _with_columns(taken, left)
        return Offer(handle=Taken(ask=taken, joins=kept), residual=None if whole else left)

    def _aggregate_offer(self, ask: Ask, taken: Ask, left: Ask, *, refused: bool) -> Offer:
        able, asked = self.capabilities, ask.aggregate
        assert asked is not None  # noqa: S101 - invariant: called for aggregates
        whole = (
            not refused
            and (able.groups or not asked.group_by)
            and all(measure.function in able.aggregates for measure in asked.measures)
        )
        if whole:
            return Offer(handle=Taken(ask=taken))
        taken = msgspec.structs.replace(taken, aggregate=None, limit=None)
        return Offer(handle=Taken(ask=_with_columns(taken, left)), residual=left)

    def _join(self, join: Join) -> tuple[Join, Taken] | None:
        offer = self.offer(join.ask)
        return None if offer.residual is not None else (join, offer.handle)

    async def fetch(self, handle: Taken, call: Call) -> AsyncIterator[Batch]:
        """One batch."""
        if len(call.keys) > self.capabilities.max_keys:
            raise HubError("INTERNAL", "more keys in one fetch than the source takes")
        yield self._rows(handle, call)

    def _rows(self, handle: Taken, call: Call) -> Batch:
        ask = handle.ask
        named: dict[str, Column] = {}
        for column in (*ask.columns, *ask.known):
            for part in column.digest.of if column.digest else (column,):
                named.setdefault(part.name, part)
        for name in (ours for join, _ in handle.joins for ours, _ in join.on):
            named.setdefault(name, Column(name, "String"))
        whole = self._held(ask, named, call)
        if ask.key_columns:
            turn = key_turn([ask.column(name).kind for name in ask.key_columns])
            wanted = {turn(key) for key in call.keys}
            held = zip(*(whole.columns[name] for name in ask.key_columns), strict=True)
            kept = [row for row, key in enumerate(held) if None not in key and turn(key) in wanted]
            whole = pick(whole, kept, whole.columns)
        for join, inner in handle.joins:
            whole = self._nest(whole, join, inner, call)
        return apply(whole, msgspec.structs.replace(ask, joins=()), call.params)

    def _held(self, ask: Ask, columns: Mapping[str, Column], call: Call) -> Batch:  # noqa: ARG002
        """Canonical columns of a table: all its rows, or those of the call's keys at least."""
        rows = self._tables[ask.table]
        return Batch({name: [row[name] for row in rows] for name in columns}, len(rows))

    def _nest(self, parents: Batch, join: Join, inner: Taken, call: Call) -> Batch:
        """The children of every parent row, keyed by the join's columns."""
        keys = list(zip(*(parents.columns[ours] for ours, _ in join.on), strict=True))
        theirs = tuple(theirs for _, theirs in join.on)
        asked = inner.ask
        known = {column.name: column for column in (*asked.columns, *asked.known)}
        on = tuple(known.get(name, Column(name, "String")) for name in theirs)
        have = {column.name for column in asked.columns}
        keyed = msgspec.structs.replace(
            asked,
            key_columns=theirs,
            columns=(*asked.columns, *(column for column in on if column.name not in have)),
            limit=asked.limit if join.many else 1,
        )
        turn = key_turn([column.kind for column in on])
        distinct = tuple(dict.fromkeys(key for key in keys if None not in key))
        wanted = msgspec.structs.replace(call, keys=distinct)
        found = self._rows(Taken(ask=keyed, joins=inner.joins), wanted)
        by_key: dict[tuple[Any, ...], list[int]] = {}
        for row, key in enumerate(zip(*(found.columns[name] for name in theirs), strict=True)):
            by_key.setdefault(turn(key), []).append(row)
        kept: list[int] = []
        offsets = [0]
        for key in keys:
            kept.extend(by_key.get(turn(key), ()) if None not in key else ())
            offsets.append(len(kept))
        child = pick(found, kept, [column.name for column in asked.columns])
        nested = {**parents.nested, join.name: Nested(child, offsets)}
        return Batch(parents.columns, parents.rows, parents.as_of, nested)


def supports(able: Capabilities, predicate: Predicate) -> bool:
    """Whether every part of a predicate is among the claimed kinds."""
    claimed = able.predicates
    match predicate:
        case Always():
            return True
        case Related():
            return False
        case IsNull():
            return "is_null" in claimed
        case In():
            return "in" in claimed
        case InKeys():
            return "keys" in claimed
        case Compare(op=op):
            return ("range" if op in ("lt", "le", "gt", "ge") else op) in claimed
        case And(parts=parts):
            return "and" in claimed and all(supports(able, part) for part in parts)
        case Or(parts=parts):
            return "or" in claimed and all(supports(able, part) for part in parts)
        case Not(part=part):
            return "not" in claimed and supports(able, part)


def _with_columns(taken: Ask, left: Ask) -> Ask:
    """Every column that the residual may read, returned."""
    have = {column.name for column in taken.columns}
    more = tuple(column for column in left.known if column.name not in have)
    return msgspec.structs.replace(taken, columns=(*taken.columns, *more))

"""The Asks that every connector is asked, each with a known purpose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec

from connectors.kit.blind import digests_in
from connectors.kit.sample import KEY, SALT, Asker, TableData, digest_column, functions_of
from connectors.spi import (
    Aggregate,
    Ask,
    Capabilities,
    Column,
    Document,
    FromColumn,
    Join,
    Measure,
    OrderBy,
)
from schema.model.predicate import (
    And,
    Compare,
    Const,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    names_in,
)
from schema.model.scalar import TEXTUAL

MARK = "zqmarked7"
"""A value that no text made from values may hold."""


class Asks:
    """Asks of the data set for a connector with some capabilities."""

    def __init__(self, data: Sequence[TableData], able: Capabilities) -> None:
        self.data = data
        self.able = able
        self.things = data[0]

    def ask(self, shown: Sequence[str] | None = None, **parts: Any) -> Ask:
        """An Ask of the first table; every column is known."""
        table = self.things
        columns = tuple(c for c in table.columns if shown is None or c.name in shown)
        if not self.able.scans and "key_columns" not in parts:
            parts["key_columns"] = (KEY,)
        return Ask(
            table=table.name,
            columns=columns,
            known=tuple(column for column in table.columns if column not in columns),
            **parts,
        )

    def systematic(self) -> Iterator[tuple[str, Ask, dict[str, Any], list[tuple[Any, ...]]]]:
        keys = [] if self.able.scans else [(1,)]
        yield "everything", self.ask(), {}, keys
        for column in self.things.columns:
            yield f"only {column.name}", self.ask([column.name]), {}, keys
            for predicate in self.leaves(column):
                for side in ("must", "wish"):
                    asked = self.ask([KEY], **{side: predicate})
                    yield f"{side} {_told(predicate)}", asked, {"v": MARK}, keys
                denied = self.ask([KEY], wish=Not(predicate))
                yield f"not {_told(predicate)}", denied, {"v": MARK}, keys
            for descending in (False, True):
                order = (OrderBy(column.name, descending), OrderBy(KEY))
                yield f"order by {column.name}", self.ask(order=order), {}, keys
        for limit in (0, 1, 7, Param("n")):
            asked = self.ask(order=(OrderBy(KEY, True),), limit=limit)
            yield "limit", asked, {"n": 3}, keys
        if self.able.scans:
            for number, asked in enumerate(self.aggregates()):
                yield f"aggregate {number}", asked, {}, []
        yield from self._keyed()
        if self.able.digests:
            yield from self._blind()

    def leaves(self, column: Column) -> Iterator[Predicate]:
        """Each kind of condition on a column, with values that are there and that are not."""
        asker = Asker(7, self.data, self.able)
        name, kind = column.name, column.kind
        values = [asker.value(self.things, column) for _ in range(3)]
        ops: list[Any] = ["eq", "ne"]
        ops += ["lt", "le", "gt", "ge"] if kind != "Boolean" else []
        ops += ["prefix", "contains"] if kind in TEXTUAL else []
        for op in ops:
            yield from (Compare(name, op, Const(value), kind) for value in values)
            if kind in TEXTUAL:
                texts = ("%", "_", "\\", "'", "", "a", "ß", MARK)
                yield from (Compare(name, op, Const(text), kind) for text in texts)
                yield Compare(name, op, Param("v"), kind)
        yield In(name, tuple(map(Const, values)), kind)
        yield In(name, (), kind)
        yield IsNull(name)

    def aggregates(self) -> Iterator[Ask]:
        """Each measure of each column, of everything, by group, and of nothing."""
        measures = [Measure("rows", "count")]
        for column in self.things.columns:
            for function in functions_of(column):
                wanted: Any = function
                measures.append(Measure(f"{function} {column.name}", wanted, column.name))
        nothing = IsNull(KEY)
        for measure in measures:
            for group in ((), ("flag",), ("amount", "sex")):
                if set(group) <= {column.name for column in self.things.columns}:
                    yield self.aggregate(group, (measure,))
            yield self.aggregate((), (measure,), wish=nothing)
        for column in self.things.columns:
            yield self.aggregate((column.name,), tuple(measures[:4]))
            yield self.aggregate((column.name,), tuple(measures[:1]), limit=2)

    def aggregate(
        self, groups: tuple[str, ...], measures: tuple[Measure, ...], **parts: Any
    ) -> Ask:
        return self.ask((), aggregate=Aggregate(groups, measures), **parts)

    def _keyed(self) -> Iterator[tuple[str, Ask, dict[str, Any], list[tuple[Any, ...]]]]:
        most = min(self.able.max_keys, 200)
        numbers: list[tuple[Any, ...]] = [(n,) for n in range(1, most + 1)]
        for keys in ([], numbers[:1], numbers, numbers[::-1]):
            yield f"{len(keys)} keys", self.ask(key_columns=(KEY,)), {}, keys
        for column in self.things.columns:
            present = [row[column.name] for row in self.things.canonical()]
            keys = list(dict.fromkeys((v,) for v in present if v is not None))[: self.able.max_keys]
            asked = self.ask([KEY], key_columns=(column.name,))
            yield f"keys of {column.name}", asked, {}, keys
            order = (OrderBy(KEY, True),)
            limited = self.ask(key_columns=(column.name,), order=order, limit=2)
            yield f"limit per {column.name}", limited, {}, keys

    def _blind(self) -> Iterator[tuple[str, Ask, dict[str, Any], list[tuple[Any, ...]]]]:
        """Digests of each column and of several: returned, ordered by, compared, per key."""
        keys: list[tuple[Any, ...]] = [] if self.able.scans else [(1,)]
        columns = self.things.columns
        params = {SALT: "salt of this test", "v": "8" + "0" * 31, "n": 3}
        for of in (*((column,) for column in columns), columns, columns[:2][::-1]):
            made = digest_column(*of)
            shown = self.blind(made, shown=True)
            yield f"shown {made.name}", shown, params, keys
            order: tuple[OrderBy, ...]
            for descending in (False, True):
                order = (OrderBy(made.name, descending), OrderBy(KEY))
                ordered = self.blind(made, order=order, limit=Param("n"))
                yield f"order by {made.name}", ordered, params, keys
            after = Compare(made.name, "gt", Param("v"), "String")
            order = (OrderBy(made.name), OrderBy(KEY))
            yield f"after {made.name}", self.blind(made, wish=after, order=order), params, keys
            for wanted in (Not(after), IsNull(made.name), Not(IsNull(made.name))):
                yield f"by {made.name}", self.blind(made, wish=wanted), params, keys
        made = digest_column(*columns[:1])
        if columns[0].name == KEY and "parent" in {column.name for column in columns}:
            parts: dict[str, Any] = {"key_columns": ("parent",), "order": (OrderBy(made.name),)}
            limited = self.blind(made, shown=True, limit=2, **parts)
            held = [(n,) for n in range(1, min(self.able.max_keys, 40) + 1)]
            yield "digest per parent", limited, params, held

    def blind(self, made: Column, *, shown: bool = False, **parts: Any) -> Ask:
        """An Ask of the first table that knows, or shows, a digest."""
        asked = self.ask([KEY], **parts)
        if shown:
            return msgspec.structs.replace(asked, columns=(*asked.columns, made))
        return msgspec.structs.replace(asked, known=(*asked.known, made))

    def ordered_blind(self) -> Ask:
        """Things in the order of a digest of their key."""
        made = digest_column(Column(KEY, "Int"))
        return self.blind(made, order=(OrderBy(made.name),))

    def by_kind(self) -> dict[str, list[Predicate]]:
        found: dict[str, list[Predicate]] = {}
        for column in self.things.columns:
            for leaf in self.leaves(column):
                kind: str
                match leaf:
                    case Compare(op=op):
                        kind = "range" if op in ("lt", "le", "gt", "ge") else op
                    case In(operands=operands):
                        kind = "in" if operands else ""
                    case _:
                        kind = "is_null"
                found.setdefault(kind, []).append(leaf)
        found.pop("", None)
        taken = [p for kind, leaves in found.items() if kind in self.able.predicates
                 for p in leaves]  # fmt: skip
        if taken:
            found["and"] = [And((one, other)) for one in taken for other in taken[:3]]
            found["or"] = [Or((one, other)) for one in taken for other in taken[:3]]
            found["not"] = [Not(one) for one in taken]
        found["keys"] = [InKeys((c.name,), Param("k"), (c.kind,)) for c in self.things.columns]
        return found

    def claims(self) -> Iterator[tuple[str, bool, Ask, Callable[[Ask], Any]]]:
        """(capability, whether claimed, an Ask that needs it, what a residual says of it)."""
        able, keyed = self.able, {"key_columns": (KEY,)}
        limited = self.ask(limit=1, **keyed)
        yield "key_limits", able.key_limits, limited, lambda left: left.limit
        if able.documents:
            yield "documents", True, self.documented(), lambda left: left.document
        if not able.scans:
            return
        ordered = self.ask(order=(OrderBy(KEY),))
        yield "orders", able.orders, ordered, lambda left: left.order
        yield "limits", able.limits, self.ask(limit=1), lambda left: left.limit
        yield "joins", able.joins, self.joined(), lambda left: left.joins
        if able.digests and able.orders:  # who disclaims them is not asked for one
            yield "digests", True, self.ordered_blind(), lambda left: left.order
        for function in ("count", "countDistinct", "sum", "min", "max"):
            wanted: Any = function
            measured = self.aggregate((), (Measure("m", wanted, KEY),))
            yield function, function in able.aggregates, measured, lambda left: left.aggregate
        groups = self.aggregate((KEY,), (Measure("m", "count"),))
        both = able.groups and "count" in able.aggregates
        yield "groups", both, groups, lambda left: left.aggregate

    def joined(self) -> Ask:
        """A thing with its children."""
        children = self.data[1]
        order = (OrderBy(KEY),) if self.able.orders else ()
        ask = Ask(table=children.name, columns=children.columns, order=order)
        join = Join(name="children", on=((KEY, "parent"),), many=True, ask=ask)
        return self.ask(joins=(join,))

    def joined_blind(self) -> Ask:
        """A thing with its first children by a digest."""
        (join,) = self.joined().joins
        made = digest_column(Column(KEY, "Int"))
        ask = msgspec.structs.replace(
            join.ask,
            known=(made,),
            order=(OrderBy(made.name),),
            limit=2 if self.able.limits else None,
        )
        return self.ask(joins=(msgspec.structs.replace(join, ask=ask),))

    def documented(self) -> Ask:
        """Things by key as documents."""
        entries = tuple((column.name, FromColumn(column.name)) for column in self.things.columns)
        document = Document(entries=entries, keeps=(KEY,))
        return self.ask(key_columns=(KEY,), document=document)


def _told(predicate: Predicate) -> str:
    match predicate:
        case Compare(name=name, op=op):
            return f"{name} {op}"
        case In(name=name):
            return f"{name} in"
        case _:
            return type(predicate).__name__


def lacking(left: Ask, held: Collection[str]) -> str | None:
    """A column that a residual needs and a batch does not hold; a digest may be made of others."""
    of = {c.name: c.digest.of for c in digests_in(left) if c.digest is not None}
    for name in sorted(needed(left)):
        parts = of.get(name, ())
        if name not in held and not (parts and all(part.name in held for part in parts)):
            return name
    return None


def needed(left: Ask) -> frozenset[str]:
    """The columns that a batch has to hold so that this residual can be carried out."""
    names = names_in(left.must) | names_in(left.wish)
    names |= {term.column for term in left.order}
    names |= {ours for join in left.joins for ours, _ in join.on}
    if left.aggregate is None:
        return names | {column.name for column in left.columns}
    measured = {m.column for m in left.aggregate.measures if m.column is not None}
    return names | measured | set(left.aggregate.group_by)

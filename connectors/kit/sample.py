"""A standard data set with everything that sources get wrong, and random Asks over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from connectors.spi import (
    Aggregate,
    Ask,
    Capabilities,
    Column,
    Constant,
    Digest,
    Document,
    FromColumn,
    FromJoin,
    Join,
    Measure,
    OrderBy,
)
from schema.model.predicate import (
    Always,
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
    both,
)
from schema.model.scalar import NUMERIC, TEXTUAL, ScalarKind
from schema.model.use import AggregateFunction

TEXTS = (
    "", "a", "A", "ab", "aB", "Z", "%", "a%b", "_", "a_b", "*", "'", "a'b", 'q"q', "a\\b", "\\N",
    "ß", "SS", "é", "É", "e", "İ", "张三", "李四", "😀", "\uffff", " a", "a ", "NULL", "null",
    "1", "01", "1.0", "true", "line\nbreak", "tab\there", ",;|", "--", "${x}", "{}",
)  # fmt: skip
VALUES: Mapping[ScalarKind, tuple[Any, ...]] = {
    "ID": ("007", "7", "abc", "ABC", "张-1", "9223372036854775808"),
    "String": TEXTS,
    "Int": (-2147483648, -1, 0, 1, 7, 2147483647),
    "BigInt": ("-9223372036854775808", "-1", "0", "10", "9", "9007199254740993",
               "9223372036854775807"),
    "Float": (-1.5, 0.0, 0.1, 2.5, 1e-9, 1e15),
    "Decimal": ("-1.50", "0.00", "0.10", "0.99", "9.00", "12.50", "1000000.01"),
    "Boolean": (True, False),
    "Date": ("1949-10-01", "1970-01-01", "2020-02-29", "2020-03-01", "9999-12-31"),
    "LocalDateTime": ("1970-01-01T00:00:00", "2020-02-29T12:00:00", "2020-02-29T12:00:00.5",
                      "2020-02-29T12:00:00.000001", "2020-02-29T12:00:01"),
    "DateTime": ("1970-01-01T00:00:00Z", "2020-02-29T12:00:00Z", "2020-02-29T12:00:00.5Z",
                 "2020-02-29T12:00:00.000001Z", "2020-02-29T12:00:01Z"),
    "Time": ("00:00:00", "12:30:00", "12:30:00.25", "23:59:59"),
}  # fmt: skip
ODD: Mapping[ScalarKind, tuple[Any, ...]] = {
    "ID": ("", "7.0", " 7", "07"),
    "String": ("b%", "a\\", "ss", "Ａ", "' OR 1=1 --", "\U0010ffff", "tru"),
    "Int": (2, 100),
    "BigInt": ("2", "-9223372036854775807"),
    "Float": (0.30000000000000004, -0.0, 1e308),
    "Decimal": ("0.1", "0.100", "12.5", "0.1000000000000000055511151231257827",
                "99999999999999999999.5", "-100", "1000000000000000000000000000000"),
    "Date": ("2020-03-02", "0001-01-01"),
    "LocalDateTime": ("2020-02-29T12:00:00.25",),
    "DateTime": ("2020-02-29T12:00:00.25Z",),
    "Time": ("12:30:00.1",),
}  # fmt: skip
"""Operands that no row holds, near those that rows hold."""

_KINDS: Mapping[str, ScalarKind] = {
    "id": "Int", "code": "ID", "name": "String", "amount": "Decimal", "ratio": "Float",
    "flag": "Boolean", "day": "Date", "at": "LocalDateTime", "stamp": "DateTime",
    "clock": "Time", "big": "BigInt", "parent": "Int",
}  # fmt: skip
_CODES = (("m", "male"), ("f", "female"))
KEY = "id"
SALT = "b.salt"
"""The param of digests."""


class TableData(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the data set, to be written into a source by the tester's loader."""

    name: str
    columns: tuple[Column, ...]
    """With the kinds, and the code conversion that the fragment would declare."""
    rows: tuple[Mapping[str, Any], ...]
    """Canonical values, but codes where a column converts codes. Never the same object twice."""
    key: str = KEY

    def canonical(self) -> list[dict[str, Any]]:
        """The rows as the Hub has to see them."""
        codes = {column.name: dict(column.values) for column in self.columns}
        return [
            {n: codes[n].get(v, v) if codes[n] and v is not None else v for n, v in row.items()}
            for row in self.rows
        ]


def tables(
    *,
    seed: int = 1,
    kinds: frozenset[str] = frozenset(VALUES),
    empty_text: bool = True,
    unfit: frozenset[str] = frozenset(),
) -> tuple[TableData, ...]:
    """``things`` and ``children`` (many of a thing by ``parent``), with many nulls and ties."""
    chance = Random(seed)  # noqa: S311 - repeatable data
    texts = [text for text in TEXTS if (text or empty_text) and text not in unfit]
    return (
        _table("things", _rows(chance, 90, texts), kinds, coded=True),
        _table("children", _rows(chance, 150, texts), kinds, coded=False),
    )


def _table(
    name: str, rows: list[dict[str, Any]], kinds: frozenset[str], *, coded: bool
) -> TableData:
    columns = [Column(n, kind) for n, kind in _KINDS.items() if kind in kinds or n == KEY]
    if coded and "String" in kinds:
        columns.append(Column("sex", "String", _CODES))
    names = {column.name for column in columns}
    kept = tuple({n: v for n, v in row.items() if n in names} for row in rows)
    return TableData(name=name, columns=tuple(columns), rows=kept)


def _rows(chance: Random, count: int, texts: list[str]) -> list[dict[str, Any]]:
    made = []
    for number in range(1, count + 1):
        row: dict[str, Any] = {}
        for name, kind in _KINDS.items():
            values = texts if kind == "String" else VALUES[kind]
            row[name] = None if chance.random() < 0.15 else chance.choice(values)
        row["parent"] = None if chance.random() < 0.1 else chance.randint(1, 40)
        row["sex"] = chance.choice(("m", "f", "x", None))
        if number <= len(texts):
            row["name"] = texts[number - 1]  # each at least once
        row[KEY] = number
        made.append(row)
    chance.shuffle(made)
    return made


class Asker:
    """Random Asks over the data set and the params for them; repeatable by seed."""

    def __init__(self, seed: int, data: Sequence[TableData], able: Capabilities) -> None:
        self.chance = Random(seed)  # noqa: S311 - repeatable asks
        self.params: dict[str, Any] = {}
        self._data = {table.name: table for table in data}
        self._able = able
        self._rows = {table.name: table.canonical() for table in data}

    def value(self, table: TableData, column: Column, *, odd: bool = True) -> Any:
        """A value of a column: mostly one that a row holds."""
        known = [row[column.name] for row in self._rows[table.name]]
        present = [value for value in known if value is not None]
        others = ODD.get(column.kind, ()) if odd and not column.values else ()
        if others and (not present or self.chance.random() < 0.25):
            return self.chance.choice(others)
        return self.chance.choice(present)

    def param(self, value: Any) -> Param:
        """A fresh param that holds this."""
        name = f"v.{len(self.params)}"
        self.params[name] = value
        return Param(name)

    def operand(self, table: TableData, column: Column) -> Const | Param:
        """A constant or a param, sometimes null."""
        if self.chance.random() < 0.3:
            return Const(self.value(table, column))
        null = self.chance.random() < 0.1
        return self.param(None if null else self.value(table, column))

    def leaf(self, table: TableData) -> Predicate:
        """One condition."""
        chance, column = self.chance, self.chance.choice(table.columns)
        roll = chance.random()
        if roll < 0.05:
            return Always(chance.random() < 0.5)
        if roll < 0.15:
            return IsNull(column.name)
        if roll < 0.25:
            others = chance.sample(table.columns, chance.randint(1, 2))
            keys = [
                tuple(self.value(table, c) for c in others) for _ in range(chance.randint(0, 4))
            ]
            return InKeys(
                tuple(c.name for c in others), self.param(keys), tuple(c.kind for c in others)
            )
        if roll < 0.4:
            values = [self.value(table, column) for _ in range(chance.randint(0, 4))]
            if chance.random() < 0.5:
                null = [None] if chance.random() < 0.3 else []
                return In(column.name, self.param([*values, *null]), column.kind)
            return In(column.name, tuple(map(Const, values)), column.kind)
        ops = ["eq", "ne"]
        if column.kind != "Boolean":
            ops += ["lt", "le", "gt", "ge"]
        if column.kind in TEXTUAL:
            ops += ["prefix", "contains"] * 2
        op: Any = chance.choice(ops)
        return Compare(column.name, op, self.operand(table, column), column.kind)

    def predicate(self, table: TableData, depth: int = 2) -> Predicate:
        """A tree of conditions."""
        if not depth or self.chance.random() < 0.4:
            return self.leaf(table)
        parts = [self.predicate(table, depth - 1) for _ in range(self.chance.randint(0, 3))]
        made = self.chance.choice([And, Or, None])
        return Not(self.predicate(table, depth - 1)) if made is None else made(tuple(parts))

    def order(self, table: TableData) -> tuple[OrderBy, ...]:
        """A total order: the key comes last."""
        names = [column.name for column in table.columns if column.name != table.key]
        terms = self.chance.sample(names, min(len(names), self.chance.randint(0, 2)))
        return tuple(OrderBy(n, self.chance.random() < 0.5) for n in (*terms, table.key))

    def rows(self, name: str = "things", *, keyed: bool = False, joins: int = 0) -> Ask:
        """An Ask for rows."""
        chance, table = self.chance, self._data[name]
        shown = chance.sample(table.columns, chance.randint(1, len(table.columns)))
        count = chance.choice([0, 1, 2, 5, 1000])
        ordered = chance.random() < 0.8
        keys = chance.sample(table.columns, chance.randint(1, 2)) if keyed else []
        made = Ask(
            table=name,
            columns=tuple(shown),
            known=tuple(column for column in table.columns if column not in shown),
            key_columns=tuple(column.name for column in keys),
            must=self.predicate(table, 1) if chance.random() < 0.4 else None,
            wish=self.predicate(table) if chance.random() < 0.6 else None,
            order=self.order(table) if ordered else (),
            limit=chance.choice([None, count, self.param(count)]) if ordered else None,
            joins=tuple(self.join(n, joins) for n in range(chance.randint(1, 2))) if joins else (),
        )
        return self._blind(made, table) if self._able.digests and chance.random() < 0.3 else made

    def _blind(self, ask: Ask, table: TableData) -> Ask:
        """The Ask with a digest of the key and others in the place of the key, if it orders; and
        sometimes only the rows after one digest, or up to it."""
        chance = self.chance
        others = [column for column in table.columns if column.name != table.key]
        of = [*chance.sample(others, chance.randint(0, 2)), Column(table.key, "Int")]
        made = digest_column(*of)
        self.params[SALT] = "salt of this test"
        shown = chance.random() < 0.5
        wish = ask.wish
        if chance.random() < 0.5:
            op: Any = chance.choice(["lt", "le", "gt", "ge", "eq"])
            wish = both(wish, Compare(made.name, op, self.param("7" + "0" * 31), "String"))
        return msgspec.structs.replace(
            ask,
            columns=(*ask.columns, made) if shown else ask.columns,
            known=ask.known if shown else (*ask.known, made),
            wish=wish,
            order=(*ask.order[:-1], OrderBy(made.name, chance.random() < 0.5)) if ask.order else (),
        )

    def join(self, number: int, depth: int) -> Join:
        """A join of the two tables, in either direction."""
        many = self.chance.random() < 0.5
        on = (("id", "parent"),) if many else (("parent", "id"),)
        ask = self.rows(self.chance.choice(["things", "children"]), joins=max(0, depth - 1))
        if not ask.order:
            order = (OrderBy(KEY),)
            ask = msgspec.structs.replace(ask, order=order)
        if not many:
            ask = msgspec.structs.replace(ask, limit=None)
        return Join(name=f"j{number}", on=on, many=many, ask=ask)

    def documented(self, ask: Ask) -> Ask:
        """The Ask with a random document over all its joins."""
        keeps = tuple(column.name for column in ask.columns if self.chance.random() < 0.3)
        keeps = tuple(dict.fromkeys((*keeps, *ask.key_columns)))
        names = {column.name for column in ask.columns}
        more = tuple(ask.column(name) for name in ask.key_columns if name not in names)
        return msgspec.structs.replace(
            ask,
            columns=(*ask.columns, *more),
            known=tuple(column for column in ask.known if column not in more),
            document=msgspec.structs.replace(self._document(ask), keeps=keeps),
        )

    def _document(self, ask: Ask) -> Document:
        chance = self.chance
        entries: list[tuple[str, Constant | FromColumn | FromJoin]] = [
            (f"{column.name}{chance.choice(('', '_', 'Ä'))}", FromColumn(column.name))
            for column in ask.columns
            if chance.random() < 0.8
        ]
        entries += [("name of it", Constant("Thing")), ("'q\"uote", Constant(None))]
        entries += [(f"of {join.name}", self._joined(join)) for join in ask.joins]
        chance.shuffle(entries)
        return Document(entries=tuple(entries))

    def _joined(self, join: Join) -> FromJoin:
        inner = self._document(join.ask)
        if not join.many:
            return FromJoin(join=join.name, form="one", document=inner)
        return FromJoin(
            join=join.name,
            form=self.chance.choice(("list", "object")),
            document=inner,
            show=self.chance.choice((None, 0, 1, 3, self.param(2))),
            backward=self.chance.random() < 0.3,
            around=(("all", None), ("kind", Constant("Things")), ("again", None)),
        )

    def keys(self, ask: Ask) -> list[tuple[Any, ...]]:
        """Distinct keys for a keyed Ask, within the bound."""
        table = self._data[ask.table]
        columns = [ask.column(name) for name in ask.key_columns]
        count = self.chance.randint(0, min(6, self._able.max_keys))
        made = [tuple(self.value(table, column, odd=False) for column in columns)
                for _ in range(count)]  # fmt: skip
        return list(dict.fromkeys(made))

    def aggregate(self) -> Ask:
        """An Ask for groups and measures."""
        chance, table = self.chance, self._data["things"]
        groups = chance.sample(table.columns, chance.randint(0, 2))
        measures = [Measure("rows", "count")]
        for number, column in enumerate(chance.sample(table.columns, 3)):
            function = chance.choice(functions_of(column))
            measures.append(Measure(f"m{number}", function, column.name))  # type: ignore[arg-type]
        return Ask(
            table=table.name,
            columns=(),
            known=table.columns,
            must=self.predicate(table, 0) if chance.random() < 0.3 else None,
            wish=self.predicate(table, 1) if chance.random() < 0.5 else None,
            aggregate=Aggregate(tuple(column.name for column in groups), tuple(measures)),
        )


def digest_column(*of: Column) -> Column:
    """The digest of some columns."""
    name = f"blind({', '.join(column.name for column in of)})"
    return Column(name, "String", digest=Digest(of, Param(SALT)))


def functions_of(column: Column) -> list[AggregateFunction]:
    """The measures that a column can have."""
    made: list[AggregateFunction] = ["count", "countDistinct"]
    if column.kind != "Boolean":
        made += ["min", "max"]
    if column.kind in NUMERIC:
        made.append("sum")
    return made

"""One table of a statement: its columns' accesses, its WHERE and ORDER BY, its rows per key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FromClause, Select

from connectors.spi import Ask, Column, OrderBy
from connectors.sql.access import Access, Inexact, Native
from connectors.sql.dialect import Binds, Dialect, coded
from connectors.sql.predicate import clause, need
from connectors.sql.slots import Slot
from connectors.sql.statement import Layout, Output, Statement
from connectors.sql.table import TableMeta
from schema.errors import HubError
from schema.model.predicate import And, Compare, Operand, Param, Predicate, both

Where = list[ColumnElement[bool]]


class Rows:
    """One table of a statement."""

    def __init__(
        self, ask: Ask, meta: TableMeta, dialect: Dialect, alias: str, binds: Binds
    ) -> None:
        if "%(" in meta.name or "%(" in (meta.schema or ""):
            raise HubError("FRAGMENT_INVALID", "a table name may not contain `%(`")
        self.ask = ask
        self.meta = meta
        self.dialect = dialect
        named = {c.name: c for c in (*ask.known, *ask.columns)}
        self.columns: dict[str, Column] = named
        held = sa.table(
            _quoted(meta.name),
            *(sa.column(_quoted(name)) for name in meta.columns),
            schema=None if meta.schema is None else _quoted(meta.schema),
        )
        self.source: FromClause = held.alias(alias)
        self._binds = binds
        self._made: dict[Column, Access] = {}
        self._pins = _pins(ask)
        self._pinned: dict[str, Access] = {}

    def access(self, name: str) -> Access:
        """How to use a column that the Ask names."""
        column = self.columns.get(name)
        if column is None:
            raise HubError("INTERNAL", f"the kind of column `{name}` is not known")
        return self.as_kind(column)

    def as_kind(self, column: Column) -> Access:
        """How to use a column with a kind given from outside; a digest raises `Inexact`."""
        found = self._made.get(column)
        if found is None and column.digest is not None:
            parts = [self.as_kind(part) for part in column.digest.of]
            salt = self._binds.salt(column.digest.salt)
            found = self._made[column] = self.dialect.digest(column.digest.of, parts, salt)
        elif found is None:
            meta = self.meta.column(column.name)
            raw: ColumnElement[Any] = self.source.c[column.name]
            found = self._made[column] = self.dialect.access(column, meta, raw)
        return found

    def sought(self, name: str) -> Access:
        """How a predicate uses a column.

        Where all rows have one value of it, what is asked of a text is asked of that value: once,
        and the source guesses the number of rows no worse than without it (measured: of a range
        beside an equality it expects a two-hundredth, and then sorts what an index has in order).
        """
        access, operand = self.access(name), self._pins.get(name)
        if operand is None or self.columns[name].digest is not None:
            return access
        equal, text = access.equal, access.text
        if equal is None or text is None or not equal.group == text.group == "text":
            return access  # one canonical value may stand for several texts
        found = self._pinned.get(name)
        if found is None:
            side = self.dialect.side_of_value(self._binds, text, operand)
            found = access
            if side is not None:
                found = msgspec.structs.replace(access, text=side, ranged_prefix=False)
            self._pinned[name] = found
        return found

    def exact(self, columns: Sequence[Column]) -> bool:
        """Whether the source can make all of these digests."""
        try:
            for column in columns:
                self.as_kind(column)
        except Inexact:
            return False
        return True

    def order(self, terms: Sequence[OrderBy]) -> list[tuple[ColumnElement[Any], OrderBy, bool]]:
        """(expression, term, nullable) for each term; raises `Inexact`."""
        made = []
        for term in terms:
            access = self.access(term.column)
            made.append((need(access.range).expression, term, access.nullable))
        return made

    def ordered(self, terms: Sequence[OrderBy]) -> list[ColumnElement[Any]]:
        """ORDER BY terms; raises `Inexact`."""
        return [
            self.dialect.ordered(expression, descending=term.descending, nullable=nullable)
            for expression, term, nullable in self.order(terms)
        ]


def _pins(ask: Ask) -> dict[str, Operand]:
    """The columns of which every row of an Ask has one known value."""
    conjuncts: list[Predicate] = []
    for predicate in (ask.must, ask.wish):
        if predicate is not None:
            conjuncts += predicate.parts if isinstance(predicate, And) else (predicate,)
    return {
        part.name: part.operand
        for part in conjuncts
        if isinstance(part, Compare) and part.op == "eq"
    }


def _quoted(name: str) -> sa.quoted_name:
    return sa.quoted_name(name, quote=True)


def row_limit(binds: Binds, limit: int | Param) -> ColumnElement[Any]:
    """The LIMIT: a plan's constant as it is (the source plans better), a param as a param."""
    if isinstance(limit, Param):
        return binds.add(Slot(how="limit", operands=(limit,)), Native("int4"))
    return sa.literal_column(str(int(limit)), sa.Integer())


def limited(select: Select[Any], count: ColumnElement[Any] | None, dialect: Dialect) -> Select[Any]:
    """The select with a LIMIT."""
    if count is None:
        return select
    made = select.limit(count)
    return made if not dialect.zero_offset else made.offset(sa.literal_column("0", sa.Integer()))


def split(predicate: Predicate | None, rows: Rows, binds: Binds) -> tuple[Where, Predicate | None]:
    """The exact conjuncts as clauses, the others as a predicate."""
    parts: tuple[Predicate, ...]
    if predicate is None:
        return [], None
    parts = predicate.parts if isinstance(predicate, And) else (predicate,)
    where: Where = []
    left: list[Predicate] = []
    for part in parts:
        try:
            where.append(clause(part, rows.sought, rows.dialect, binds))
        except Inexact:
            left.append(part)
    return where, both(*left)


def in_order(must: Where, wish: Where) -> Where:
    """Both, equalities of plain columns first: sources look at conditions of equal cost as they
    stand, and an equality most often leaves fewer rows to the others."""
    parts = [*must, *wish]
    return sorted(parts, key=lambda part: not _plain_equality(part))


def _plain_equality(part: ColumnElement[bool]) -> bool:
    return (
        isinstance(part, sa.BinaryExpression)
        and part.operator is operators.eq
        and isinstance(part.left, sa.ColumnClause)
    )


def finished(
    select: Select[Any], binds: Binds, layout: Layout, dialect: Dialect, keys: Sequence[str] = ()
) -> Statement:
    """Compile to text and params in order."""
    compiled = select.compile(dialect=dialect.alchemy)
    slots = []
    for name in compiled.positiontup or ():
        slot = binds.slots.get(name)
        if slot is None:
            value = compiled.binds[name].effective_value
            slot = Slot(how="literal", value=value)
        slots.append(slot)
    return Statement(text=str(compiled), slots=tuple(slots), layout=layout, keys_after=tuple(keys))


def selected(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    if not columns:
        return sa.select(sa.literal_column("1").label("c0"))
    return sa.select(*(column.label(f"c{i}") for i, column in enumerate(columns)))


def layout_of(rows: Rows, columns: Sequence[Column], start: int = 0) -> Layout:
    """The layout of columns that stand side by side."""
    return Layout(
        outputs=tuple(
            Output(column.name, start + i, rows.access(column.name).finish)
            for i, column in enumerate(columns)
        )
    )


def per_key(
    rows: Rows,
    where: Where,
    among: ColumnElement[bool],
    binds: Binds,
    columns: Sequence[ColumnElement[Any]],
    *,
    ordinal: bool = False,
) -> Select[Any]:
    """At most `limit` rows for each key, the first by the order, in order within a key.

    One pass that numbers the rows (measured: a fifth quicker), or a look-up per key where an
    index finds the key's rows and there may be many more of them than are wanted.
    """
    ask, dialect = rows.ask, rows.dialect
    assert ask.limit is not None  # noqa: S101 - invariant: the caller looked
    terms = rows.order(ask.order)
    order = rows.ordered(ask.order)
    named = [column.label(f"c{i}") for i, column in enumerate(columns)]
    named += [expression.label(f"o{i}") for i, (expression, _, _) in enumerate(terms)]
    sides = [need(rows.access(name).equal) for name in ask.key_columns]
    count = row_limit(binds, ask.limit)
    inner: FromClause
    names = frozenset(ask.key_columns)
    lookup = dialect.lateral and rows.meta.indexed(names) and rows.meta.crowded(names)
    if lookup and not any(coded(side) for side in sides):
        keys, parts = dialect.key_rows(binds, sides, None)
        matches = [s.expression == part for s, part in zip(sides, parts, strict=True)]
        inner = (
            sa.select(*named)
            .select_from(rows.source)
            .where(*matches, *where)
            .order_by(*order)
            .limit(count)
            .lateral("x")
        )
        origin: FromClause = keys.join(inner, sa.true())
        outer = sa.select(*(inner.c[f"c{i}"] for i in range(len(columns)))).select_from(origin)
    else:
        partition = [side.expression for side in sides]
        number = sa.func.row_number().over(partition_by=partition, order_by=order or None)
        inner = (
            sa.select(*named, number.label("n"))
            .select_from(rows.source)
            .where(among, *where)
            .subquery("x")
        )
        outer = sa.select(*(inner.c[f"c{i}"] for i in range(len(columns)))).where(
            inner.c.n <= count
        )
    by = [
        dialect.ordered(inner.c[f"o{i}"], descending=term.descending, nullable=nullable)
        for i, (_, term, nullable) in enumerate(terms)
    ]
    if not ordinal:
        # Within a key the rows stand in order already: the numbering pass, or the look-up's own
        # ORDER BY, gives them so, and nobody asks for an order across keys. Measured: sorting
        # once more costs a fifth of the statement, so only where the source does not do so.
        return outer if dialect.numbers_in_order else outer.order_by(*by)
    outer = outer.add_columns(sa.func.row_number().over(order_by=by or None).label("n"))
    return outer.order_by(*by)

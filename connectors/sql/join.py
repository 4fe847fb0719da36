"""Joins inside one source: related tables in the same statement, as flat rows.

A relation to one adds columns; a relation to many repeats the parent's columns for each child,
and ordinals tell which rows belong together (`connectors.sql.statement` unfolds them). Measured
on PostgreSQL 18, flat rows cost half of what arrays or JSON aggregated per parent cost, in the
server and in the Hub. At most one relation to many can be flat below each level; a second one is
left to the hub, as is a join that the source would have to carry out by reading a table whole
for each parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FromClause, Select

from connectors.spi import Ask, Column, Join
from connectors.sql.access import Access, Inexact
from connectors.sql.dialect import Binds, coded
from connectors.sql.predicate import need
from connectors.sql.rows import (
    Rows,
    Where,
    finished,
    in_order,
    limited,
    per_key,
    row_limit,
    split,
)
from connectors.sql.statement import Layout, Output, Statement
from connectors.sql.table import TableMeta
from schema.errors import HubError

Expressions = list[ColumnElement[Any]]


class Part:
    """A joined table: where it comes from, and what is selected of it and of those below it."""

    def __init__(self, join: Join, target: FromClause, on: ColumnElement[bool]) -> None:
        self.join = join
        self.target = target
        self.on = on
        self.rows: Rows
        self.shown: Expressions = []
        self.present: ColumnElement[Any]
        self.ordinal: ColumnElement[Any] | None = None
        self.order: Expressions = []
        self.below: list[Part] = []


def joined(
    tables: Mapping[str, TableMeta], rows: Rows, where: Where, binds: Binds
) -> tuple[Statement, Ask | None]:
    """The statement with every join that it can hold, and the joins left over as a residual."""
    ask, dialect = rows.ask, rows.dialect
    builder = _Builder(tables, binds)
    sides: dict[str, list[Access]] = {}
    accepted: list[Join] = []
    refused: list[Join] = []
    wide = False
    for join in ask.joins:
        expands = _expands(join)
        try:
            if expands and wide:
                raise Inexact
            sides[join.name] = [rows.access(ours) for ours, _ in join.on]
            builder.part(join, rows, [access.raw for access in sides[join.name]])
        except Inexact:
            refused.append(join)
            continue
        wide = wide or expands
        accepted.append(join)
    extra = [rows.columns[ours] for join in refused for ours, _ in join.on]
    shown = list(dict.fromkeys([*ask.columns, *extra]))
    top, keys = _top(rows, where, binds, shown, accepted, ordinal=wide or bool(ask.order))
    parts = [builder.part(join, rows, keys[join.name]) for join in accepted]
    select = _flat(top, len(shown), parts, number=wide, ordered=bool(ask.order) or wide)
    layout, _ = _layout(rows, shown, parts, 0, number=wide)
    residual = None
    if refused:
        residual = Ask(table=ask.table, columns=ask.columns, known=ask.known, joins=tuple(refused))
    return finished(select, binds, layout, dialect), residual


def _expands(join: Join) -> bool:
    return join.many or any(_expands(below) for below in join.ask.joins)


def _top(
    rows: Rows,
    where: Where,
    binds: Binds,
    shown: Sequence[Column],
    joins: Sequence[Join],
    *,
    ordinal: bool,
) -> tuple[FromClause, dict[str, Expressions]]:
    """The parents with their limit, before anything is joined, and the columns joined by."""
    ask, dialect = rows.ask, rows.dialect
    columns: Expressions = [rows.access(column.name).shown for column in shown]
    places: dict[str, list[int]] = {}
    for join in joins:
        places[join.name] = list(range(len(columns), len(columns) + len(join.on)))
        columns += [rows.access(ours).raw for ours, _ in join.on]
    select: Select[Any]
    if ask.key_columns and ask.limit is not None:
        select = per_key(rows, where[:-1], where[-1], binds, columns, ordinal=ordinal)
    else:
        order = rows.ordered(ask.order)
        named: Expressions = [column.label(f"c{i}") for i, column in enumerate(columns)]
        if ordinal:
            named.append(sa.func.row_number().over(order_by=order or None).label("n"))
        count = None if ask.limit is None else row_limit(binds, ask.limit)
        select = _of(named).select_from(rows.source).where(*where)
        if count is not None:
            select = select.order_by(*order)
        select = limited(select, count, dialect)
    top = select.subquery("p")
    keys: dict[str, Expressions] = {
        name: [top.c[f"c{i}"] for i in held] for name, held in places.items()
    }
    return top, keys


def _of(columns: Expressions) -> Select[Any]:
    return sa.select(*columns)


def _flat(
    top: FromClause, shown: int, parts: Sequence[Part], *, number: bool, ordered: bool
) -> Select[Any]:
    columns: Expressions = [top.c[f"c{i}"] for i in range(shown)]
    order: Expressions = [top.c.n] if ordered else []
    if number:
        columns.append(top.c.n)
    origin = top

    def add(part: Part) -> None:
        nonlocal origin
        origin = origin.outerjoin(part.target, part.on)
        columns.extend(part.shown)
        columns.append(part.present)
        order.extend(part.order)
        if part.ordinal is not None:
            columns.append(part.ordinal)
        for below in part.below:
            add(below)

    for part in parts:
        add(part)
    return (
        sa.select(*(column.label(f"c{i}") for i, column in enumerate(columns)))
        .select_from(origin)
        .order_by(*order)
    )


def _layout(
    rows: Rows, shown: Sequence[Column], parts: Sequence[Part], start: int, *, number: bool
) -> tuple[Layout, int]:
    outputs = tuple(
        Output(column.name, start + i, rows.access(column.name).finish)
        for i, column in enumerate(shown)
    )
    place = start + len(shown)
    ordinal = None
    if number:
        ordinal, place = place, place + 1
    nested, place = _nested(parts, place)
    return Layout(outputs=outputs, ordinal=ordinal, nested=nested), place


def _nested(parts: Sequence[Part], place: int) -> tuple[tuple[tuple[str, bool, Layout], ...], int]:
    made = []
    for part in parts:
        outputs = tuple(
            Output(column.name, place + i, part.rows.access(column.name).finish)
            for i, column in enumerate(part.join.ask.columns)
        )
        place += len(part.shown)
        present, place = place, place + 1
        ordinal = None
        if part.ordinal is not None:
            ordinal, place = place, place + 1
        nested, place = _nested(part.below, place)
        layout = Layout(outputs=outputs, ordinal=ordinal, present=present, nested=nested)
        made.append((part.join.name, part.join.many, layout))
    return tuple(made), place


class _Builder:
    """Joins to Parts; raises `Inexact` for one that the statement cannot hold."""

    def __init__(self, tables: Mapping[str, TableMeta], binds: Binds) -> None:
        self.tables = tables
        self.binds = binds
        self._count = 0

    def part(self, join: Join, parent: Rows, keys: Sequence[ColumnElement[Any]]) -> Part:
        """`keys`: the parent's side of `join.on`, as the statement can name it there."""
        ask, dialect = join.ask, parent.dialect
        meta = self.tables.get(ask.table)
        if meta is None:
            raise HubError("FRAGMENT_INVALID", f"the source has no table `{ask.table}`")
        if ask.aggregate is not None or ask.key_columns:
            raise Inexact
        self._count += 1
        rows = Rows(ask, meta, dialect, f"t{self._count}", self.binds)
        must, must_left = split(ask.must, rows, self.binds)
        wish, wish_left = split(ask.wish, rows, self.binds)
        if must_left is not None or wish_left is not None:
            raise Inexact
        on = [
            equal(parent, ours, key, rows, theirs)
            for (ours, theirs), key in zip(join.on, keys, strict=True)
        ]
        theirs = frozenset(theirs for _, theirs in join.on)
        expanding = sum(_expands(below) for below in ask.joins)
        if expanding > 1:
            raise Inexact
        plain = (
            meta.unique(theirs) and ask.limit is None
            if not join.many
            else ask.limit is None and not expanding
        )
        if plain:
            return self._plain(join, rows, [*on, *in_order(must, wish)])
        if not dialect.lateral or not meta.indexed(theirs):
            raise Inexact
        if not join.many and ask.limit is not None:
            raise Inexact
        return self._lateral(join, rows, [*on, *in_order(must, wish)], number=join.many)

    def _plain(self, join: Join, rows: Rows, where: Where) -> Part:
        part = Part(join, rows.source, sa.and_(*where))
        part.rows = rows
        part.shown = [rows.access(column.name).shown for column in join.ask.columns]
        first = rows.source.c[join.on[0][1]]
        part.present = first.is_not(None)
        if join.many:
            part.order = [
                rows.dialect.ordered(e, descending=term.descending, nullable=True)
                for e, term, _ in rows.order(join.ask.order)
            ]
        part.below = [
            self.part(below, rows, [rows.access(ours).raw for ours, _ in below.on])
            for below in join.ask.joins
        ]
        return part

    def _lateral(self, join: Join, rows: Rows, where: Where, *, number: bool) -> Part:
        ask = join.ask
        columns: Expressions = [rows.access(column.name).shown for column in ask.columns]
        places = []
        for below in ask.joins:
            places.append(range(len(columns), len(columns) + len(below.on)))
            columns += [rows.access(ours).raw for ours, _ in below.on]
        order = rows.ordered(ask.order)
        named: Expressions = [column.label(f"c{i}") for i, column in enumerate(columns)]
        named.append(sa.true().label("m"))
        if number:
            named.append(sa.func.row_number().over(order_by=order or None).label("n"))
        limit = ask.limit if join.many else 1
        select = sa.select(*named).select_from(rows.source).where(*where)
        if limit is not None:
            select = select.order_by(*order).limit(row_limit(self.binds, limit))
        target = select.lateral(f"x{self._count}")
        part = Part(join, target, sa.true())
        part.rows = rows
        part.shown = [target.c[f"c{i}"] for i in range(len(ask.columns))]
        part.present = target.c.m.is_not(None)
        if number:
            part.order = [target.c.n]
            if any(_expands(below) for below in ask.joins):
                part.ordinal = target.c.n
        part.below = [
            self.part(below, rows, [target.c[f"c{i}"] for i in held])
            for below, held in zip(ask.joins, places, strict=True)
        ]
        return part


def equal(
    parent: Rows, ours: str, key: ColumnElement[Any], child: Rows, theirs: str
) -> ColumnElement[bool]:
    """Canonical equality of a parent's and a child's column; raises `Inexact`."""
    column = parent.columns[ours]
    there = child.columns.get(theirs) or Column(theirs, column.kind)
    here = parent.dialect.access(column, parent.meta.column(ours), key)
    other = child.as_kind(there)
    mine, its = need(here.equal), need(other.equal)
    if coded(mine) or coded(its):
        raise Inexact
    differ = parent.meta.column(ours).collation != child.meta.column(theirs).collation
    if mine.group == its.group == "text" and differ:
        return its.expression.collate("C") == mine.expression.collate("C")
    if mine.group == its.group:
        made = its.expression == mine.expression
        if mine.seek is None and its.seek is None:
            return made
        if mine.seek is None or its.seek is None or mine.seeks_by != its.seeks_by:
            raise Inexact  # no index would find the child's rows
        return sa.and_(its.seek == mine.seek, made)
    if here.text is not None and other.text is not None:
        return other.text.expression == here.text.expression
    raise Inexact

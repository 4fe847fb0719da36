"""Rows as documents: JSON objects of the final shape, built in one statement.

Every level is a subquery of raw columns; its cells are put into a row whose columns bear the
object's keys, which PostgreSQL prints (measured: a quarter quicker than ``json_build_object``,
and in fewer bytes). Joined rows come from lateral subqueries with their own order and limit.
Beside the object each level tells whether all its values have a canonical form (`Cell.sound`):
a document that holds one that has none comes as NULL, and is refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FromClause, Select
from sqlalchemy.sql.selectable import LateralFromClause

from connectors.spi import (
    DOCUMENT,
    Constant,
    Document,
    FromColumn,
    FromJoin,
    Join,
    rows_column,
)
from connectors.sql import finish
from connectors.sql.access import TEXT, Access, Inexact
from connectors.sql.dialect import Binds
from connectors.sql.join import equal
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

Expression = ColumnElement[Any]
_LONGEST_KEY = 63
"""Bytes of a name; a longer one would be cut."""
_JSON = sa.JSON()


def documented(
    tables: Mapping[str, TableMeta], rows: Rows, where: Where, binds: Binds
) -> Statement:
    """The statement of an Ask whose predicates and order are exact; raises `Inexact`."""
    ask, dialect = rows.ask, rows.dialect
    document = ask.document
    if document is None or not dialect.lateral or ask.aggregate is not None:
        raise Inexact
    builder = _Builder(tables, binds)
    raws = _Raws(rows)
    terms = rows.order(ask.order)
    columns = [*raws.expressions, *(expression for expression, _, _ in terms)]
    select: Select[Any]
    if ask.key_columns and ask.limit is not None:
        select = per_key(rows, where[:-1], where[-1], binds, columns)
    else:
        select = _of(columns).select_from(rows.source).where(*where)
        if ask.limit is not None:
            select = select.order_by(*rows.ordered(ask.order))
            select = limited(select, row_limit(binds, ask.limit), dialect)
    top = select.subquery("p")
    level = builder.level(raws, document, top)
    outputs: list[Output] = []
    shown: list[Expression] = []
    for name in document.keeps:
        access = raws.access(name, top)
        outputs.append(Output(name, len(shown), access.finish))
        shown.append(access.shown)
    outputs.append(Output(DOCUMENT, len(shown), finish.document))
    shown.append(level.checked())
    for path, count in level.counts:
        outputs.append(Output(rows_column(path), len(shown)))
        shown.append(sa.cast(count, sa.Integer()))
    order = [
        dialect.ordered(top.c[f"c{raws.width + i}"], descending=t.descending, nullable=nullable)
        for i, (_, t, nullable) in enumerate(terms)
    ]
    made = _of(shown).select_from(level.origin).order_by(*order)
    return finished(made, binds, Layout(outputs=tuple(outputs)), dialect)


def _of(columns: Sequence[Expression]) -> Select[Any]:
    if not columns:
        return sa.select(sa.literal_column("1").label("c0"))
    return sa.select(*(column.label(f"c{i}") for i, column in enumerate(columns)))


class _Raws:
    """The columns that a level needs, as they stand in its table, and where a subquery has them."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        ask = rows.ask
        names = [column.name for column in ask.columns]
        names += [ours for join in ask.joins for ours, _ in join.on]
        self.places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        self.expressions: list[Expression] = []
        for name in self.places:
            access = rows.access(name)  # the column is there, and its kind is known
            digest = rows.columns[name].digest is not None
            self.expressions.append(access.shown if digest else rows.source.c[name])

    @property
    def width(self) -> int:
        return len(self.expressions)

    def raw(self, name: str, held: FromClause) -> Expression:
        """The column as the subquery has it."""
        return held.c[f"c{self.places[name]}"]

    def access(self, name: str, held: FromClause) -> Access:
        rows = self.rows
        if rows.columns[name].digest is not None:
            made = self.raw(name, held)
            return msgspec.structs.replace(rows.access(name), raw=made, shown=made)
        meta = rows.meta.column(name)
        return rows.dialect.access(rows.columns[name], meta, self.raw(name, held))


class _Level:
    """The rows of a level with their documents."""

    def __init__(self, origin: FromClause, record: LateralFromClause) -> None:
        self.origin = origin
        self.document: Expression = sa.func.row_to_json(record.table_valued(), type_=_JSON)
        self.sounds: list[ColumnElement[bool]] = []
        self.counts: list[tuple[tuple[str, ...], Expression]] = []

    def sound(self) -> ColumnElement[bool]:
        """FALSE where a value of the level or below it has no canonical form."""
        return sa.and_(*self.sounds) if self.sounds else sa.cast(sa.null(), sa.Boolean())

    def checked(self) -> Expression:
        """The document, NULL where it is not sound."""
        if not self.sounds:
            return self.document
        return sa.case((self.sound().is_(sa.false()), sa.null()), else_=self.document)


class _Builder:
    def __init__(self, tables: Mapping[str, TableMeta], binds: Binds) -> None:
        self.tables = tables
        self.binds = binds
        self._count = 0
        self._groups = 0

    def level(self, raws: _Raws, document: Document, held: FromClause) -> _Level:
        """The documents of the rows that `held` selects."""
        rows = raws.rows
        joins = {join.name: join for join in rows.ask.joins}
        cells, sounds = {}, []
        for column in rows.ask.columns:
            if column.name in document.keeps and not _writes(document, column.name):
                continue  # the hub looks at it
            if column.digest is not None:
                if _writes(document, column.name):
                    raise Inexact
                continue  # never without a value
            access = raws.access(column.name, held)
            cell = rows.dialect.cell(column, rows.meta.column(column.name), access)
            cells[column.name] = cell.value
            if cell.sound is not None:
                sounds.append(cell.sound)
        origin, parts = held, []
        named: list[Expression] = []
        for key, entry in document.entries:
            match entry:
                case Constant(value=value):
                    made = self._constant(value)
                case FromColumn(column=name):
                    made = cells[name]
                case FromJoin():
                    part = self._join(raws, joins[entry.join], entry, held)
                    parts.append(part)
                    origin = origin.outerjoin(part.target, sa.true())
                    made = part.target.c.doc
            named.append(made.label(_key(key, named)))
        if {part.name for part in parts} != joins.keys():
            raise Inexact
        self._count += 1
        correlated = [held, *(part.target for part in parts)]
        record = sa.select(*named).correlate(*correlated).lateral(f"object {self._count}")
        level = _Level(origin.join(record, sa.true()), record)
        level.sounds = [*sounds, *(part.target.c.sound for part in parts if part.sounds)]
        for part in parts:
            for number, path in enumerate(part.paths):
                count = sa.func.coalesce(part.target.c[f"n{number}"], sa.literal_column("0"))
                level.counts.append((path, count))
        return level

    def _constant(self, value: str | None) -> Expression:
        if value is None:
            return sa.cast(sa.null(), sa.Text())
        if not unicodedata.is_normalized("NFC", value) or "\0" in value:
            raise Inexact
        return sa.literal(value, TEXT)

    def _join(self, parent: _Raws, join: Join, entry: FromJoin, held: FromClause) -> _Part:
        ask = join.ask
        meta = self.tables.get(ask.table)
        if meta is None:
            raise HubError("FRAGMENT_INVALID", f"the source has no table `{ask.table}`")
        if ask.aggregate is not None or ask.key_columns or join.many == (entry.form == "one"):
            raise Inexact
        self._count += 1
        number = self._count
        rows = Rows(ask, meta, parent.rows.dialect, f"t{number}", self.binds)
        must, must_left = split(ask.must, rows, self.binds)
        wish, wish_left = split(ask.wish, rows, self.binds)
        if must_left is not None or wish_left is not None:
            raise Inexact
        on = [
            equal(parent.rows, ours, parent.raw(ours, held), rows, theirs)
            for ours, theirs in join.on
        ]
        theirs = frozenset(theirs for _, theirs in join.on)
        if not meta.unique(theirs) and not meta.indexed(theirs):
            raise Inexact
        raws = _Raws(rows)
        order = rows.ordered(ask.order)
        place = sa.func.row_number().over(order_by=order or None).label("n")
        columns = [column.label(f"c{i}") for i, column in enumerate(raws.expressions)]
        select = sa.select(*columns, place) if join.many else _of(raws.expressions)
        select = select.select_from(rows.source).where(*on, *in_order(must, wish)).correlate(held)
        select = self._cut(select, join, order, unique=meta.unique(theirs))
        inner = select.lateral(f"r{number}")
        self._groups += join.many
        level = self.level(raws, entry.document, inner)
        self._groups -= join.many
        made = self._many(level, entry, inner) if join.many else self._one(level)
        target = made.select_from(level.origin).correlate(held).lateral(f"j{number}")
        paths = [(join.name,), *((join.name, *path) for path, _ in level.counts)]
        return _Part(join.name, target, paths, sounds=bool(level.sounds))

    def _cut(
        self, select: Select[Any], join: Join, order: Sequence[Expression], *, unique: bool
    ) -> Select[Any]:
        limit = join.ask.limit
        if join.many:
            if limit is None:
                return select
            return select.order_by(*order).limit(row_limit(self.binds, limit))
        if limit is not None:
            raise Inexact
        if unique and not self._groups:
            return select
        # Below a relation to many this is run for each group of a few rows: without a limit the
        # source may read the table whole for each (measured: six times the work).
        return select.order_by(*order).limit(row_limit(self.binds, 1))

    def _one(self, level: _Level) -> Select[Any]:
        columns: list[Expression] = [
            level.document.label("doc"),
            level.sound().label("sound"),
            sa.literal_column("1").label("n0"),
            *(count.label(f"n{i + 1}") for i, (_, count) in enumerate(level.counts)),
        ]
        return sa.select(*columns)

    def _many(self, level: _Level, entry: FromJoin, inner: FromClause) -> Select[Any]:
        """The rows written are the first; those beyond are looked at only."""
        place: Expression = inner.c.n
        by = place.desc() if entry.backward else place.asc()
        within = None
        if entry.show is not None:
            within = place <= row_limit(self.binds, entry.show)

        def over(made: Any) -> Expression:
            return made if within is None else made.filter(within)  # type: ignore[no-any-return]

        held = aggregate_order_by(level.document, by)
        gathered = over(sa.func.json_agg(held, type_=_JSON))
        rows = sa.func.coalesce(gathered, sa.literal_column("json '[]'"), type_=_JSON)
        sums = [
            over(sa.func.sum(count)).label(f"n{i + 1}") for i, (_, count) in enumerate(level.counts)
        ]
        document = self._around(entry, rows) if entry.form == "object" else rows
        columns: list[Expression] = [
            document.label("doc"),
            sa.func.bool_and(level.sound()).label("sound"),
            over(sa.func.count()).label("n0"),
            *sums,
        ]
        return sa.select(*columns)

    def _around(self, entry: FromJoin, rows: Expression) -> Expression:
        parts: list[Expression] = []
        for key, held in entry.around:
            name = _key(key, ())
            parts += [self._constant(name), rows if held is None else self._constant(held.value)]
        return sa.func.json_build_object(*parts, type_=_JSON)


class _Part:
    """A join's rows: one row beside each parent, of `doc`, `sound` and the counts."""

    def __init__(
        self, name: str, target: FromClause, paths: Sequence[tuple[str, ...]], *, sounds: bool
    ) -> None:
        self.name = name
        self.target = target
        self.paths = paths
        self.sounds = sounds


def _writes(document: Document, column: str) -> bool:
    return any(held == FromColumn(column) for _, held in document.entries)


def _key(key: str, before: Sequence[Any]) -> sa.quoted_name:
    """A key as the name of a column of the record; raises `Inexact` for one that cannot be."""
    odd = not key or "\0" in key or "%" in key or not unicodedata.is_normalized("NFC", key)
    if odd or len(key.encode()) > _LONGEST_KEY or key.startswith("object "):
        raise Inexact
    if any(other.name == key for other in before):
        raise Inexact
    return sa.quoted_name(key, quote=True)

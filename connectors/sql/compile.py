"""Ask -> statement: what the source carries out exactly goes into the text, the rest is residual.

SQLAlchemy Core builds the statement once, when the plan is made; requests run its text on the
driver. Identifiers are always quoted, values are always params.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy.sql.elements import ColumnElement

from connectors.kit.blind import digests_in, without_digests
from connectors.spi import Ask
from connectors.sql.access import Inexact
from connectors.sql.dialect import Binds, Dialect
from connectors.sql.document import documented
from connectors.sql.group import aggregated
from connectors.sql.join import joined
from connectors.sql.predicate import keyed
from connectors.sql.rows import (
    Rows,
    Where,
    finished,
    in_order,
    layout_of,
    limited,
    per_key,
    row_limit,
    selected,
    split,
)
from connectors.sql.slots import Slot
from connectors.sql.statement import Statement
from connectors.sql.table import TableMeta
from schema.errors import HubError
from schema.model.predicate import Predicate, names_in


class Compiler:
    """Asks of one source to statements."""

    def __init__(self, tables: Mapping[str, TableMeta], dialect: Dialect) -> None:
        self.tables = tables
        self.dialect = dialect

    def table(self, name: str) -> TableMeta:
        """The table; raises `HubError` with code FRAGMENT_INVALID when it is not there."""
        found = self.tables.get(name)
        if found is None:
            raise HubError(
                "FRAGMENT_INVALID",
                f"the source has no table `{name}`",
                hint="check `from: {table: ...}` in the fragment, and `connect.schema`",
            )
        return found

    def compile(self, ask: Ask) -> tuple[Statement, Ask | None]:
        """The statement and what is left for the hub."""
        binds = Binds()
        rows = Rows(ask, self.table(ask.table), self.dialect, "t", binds)
        if not rows.exact(digests_in(ask)):
            without = without_digests(ask)
            statement, left = self.compile(without.ask)
            return statement, without.residual(left)
        must, must_left = split(ask.must, rows, binds)
        wish, wish_left = split(ask.wish, rows, binds)
        where = in_order(must, wish)
        keys_after: tuple[str, ...] = ()
        if ask.key_columns:
            try:
                where.append(_keys(rows, ask, binds))
            except Inexact:
                keys_after = ask.key_columns
                where += _near(rows, ask, binds)
        whole = must_left is None and wish_left is None and not keys_after
        if ask.aggregate is not None:
            if whole:
                try:
                    return aggregated(rows, ask, where, binds), None
                except Inexact:
                    pass  # rows are fetched instead, below
            return self._rows_left(rows, ask, where, binds, keys_after, must_left, wish_left)
        try:
            order = rows.ordered(ask.order)
        except Inexact:
            return self._rows_left(rows, ask, where, binds, keys_after, must_left, wish_left)
        per_part = bool(ask.key_columns) and ask.limit is not None
        beyond = (ask.joins and not self.dialect.joins) or (per_part and not self.dialect.windows)
        if not whole or beyond:
            return self._rows_left(rows, ask, where, binds, keys_after, must_left, wish_left)
        if ask.document is not None:
            try:
                return documented(self.tables, rows, where, binds), None
            except Inexact:
                return self._undocumented(ask)
        if ask.joins:
            return joined(self.tables, rows, where, binds)
        columns = [rows.access(column.name).shown for column in ask.columns]
        layout = layout_of(rows, ask.columns)
        if per_part:
            select = per_key(rows, where[:-1], where[-1], binds, columns)
        else:
            count = None if ask.limit is None else row_limit(binds, ask.limit)
            select = limited(
                selected(columns).select_from(rows.source).where(*where).order_by(*order),
                count,
                self.dialect,
            )
        return finished(select, binds, layout, self.dialect), None

    def _undocumented(self, ask: Ask) -> tuple[Statement, Ask]:
        """Rows instead of documents."""
        plain = msgspec.structs.replace(ask, document=None)
        statement, residual = self.compile(plain)
        left = residual or Ask(table=ask.table, columns=ask.columns, known=ask.known)
        return statement, msgspec.structs.replace(left, document=ask.document)

    def _rows_left(
        self,
        rows: Rows,
        ask: Ask,
        where: Where,
        binds: Binds,
        keys_after: tuple[str, ...],
        must: Predicate | None,
        wish: Predicate | None,
    ) -> tuple[Statement, Ask]:
        """Rows with every column that the rest of the work needs."""
        residual = Ask(
            table=ask.table,
            columns=ask.columns,
            known=ask.known,
            key_columns=ask.key_columns,
            must=must,
            wish=wish,
            order=ask.order,
            limit=ask.limit,
            aggregate=ask.aggregate,
            joins=ask.joins,
            document=ask.document,
        )
        needed = [column.name for column in ask.columns]
        needed += sorted(names_in(must) | names_in(wish))
        needed += [term.column for term in ask.order]
        needed += [*keys_after, *(ask.key_columns if ask.limit is not None else ())]
        needed += [ours for join in ask.joins for ours, _ in join.on]
        if ask.aggregate is not None:
            needed += ask.aggregate.group_by
            needed += [m.column for m in ask.aggregate.measures if m.column is not None]
        columns = [rows.columns[name] for name in dict.fromkeys(needed)]
        shown = [rows.access(column.name).shown for column in columns]
        select = selected(shown).select_from(rows.source).where(*where)
        layout = layout_of(rows, columns)
        return finished(select, binds, layout, self.dialect, keys_after), residual


def _keys(rows: Rows, ask: Ask, binds: Binds) -> ColumnElement[bool]:
    accesses = [rows.access(name) for name in ask.key_columns]
    return keyed(accesses, rows.dialect, binds, held=None)


def _near(rows: Rows, ask: Ask, binds: Binds) -> Where:
    """What the rows of all keys meet, and others may: each part of the keys by itself."""
    where: Where = []
    for index, name in enumerate(ask.key_columns):
        side = rows.access(name).near
        if side is not None:
            slot = Slot(how="key", index=index, converts=(side.convert,))
            where.append(rows.dialect.among(side, rows.dialect.values(binds, side, slot)))
    return where

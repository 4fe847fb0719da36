"""What DuckDB says differently when an Ask is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import Dialect as AlchemyDialect
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FromClause

from connectors.spi import Column
from connectors.sql import duck_access
from connectors.sql.access import Access, Cell, Inexact, Native, Side
from connectors.sql.dialect import Binds, in_rows
from connectors.sql.slots import Slot
from connectors.sql.table import ColumnMeta
from schema.model.predicate import Operand, Param


class Duck:
    """DuckDB, whose grammar is PostgreSQL's: ``$1::type`` and quoting are the same."""

    joins = False
    lateral = False
    numbers_in_order = False
    by_place = True
    windows = True
    groups = True
    zero_offset = True

    def __init__(self, zone: str) -> None:
        self.alchemy: AlchemyDialect = asyncpg_dialect()  # type: ignore[no-untyped-call]
        self.zone = zone

    def access(self, column: Column, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
        """See `duck_access`."""
        return duck_access.access(column, meta, raw, self.zone)

    def digest(
        self, of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]
    ) -> Access:
        """The hub makes them."""
        del of, parts, salt
        raise Inexact

    def cell(self, column: Column, meta: ColumnMeta, access: Access) -> Cell:
        """The hub writes the documents."""
        del column, meta, access
        raise Inexact

    def values(self, binds: Binds, side: Side, slot: Slot) -> Any:
        """The values of a list."""
        return sa.select(sa.func.unnest(binds.add(slot, Native(f"{side.type.name}[]"))))

    def among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``IN``."""
        return side.expression.in_(values)

    def not_among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``NOT IN``."""
        return side.expression.not_in(values)

    def key_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """One list per key part, side by side."""
        lists = [
            self._part(binds, side, Slot(
                how="part" if held is None else "heldpart",
                index=index,
                operands=() if held is None else (held,),
                converts=tuple(each.convert for each in sides),
            ))
            for index, side in enumerate(sides)
        ]  # fmt: skip
        made = sa.select(*(one.label(f"k{i}") for i, one in enumerate(lists))).subquery("k")
        return made, list(made.c)

    def _part(self, binds: Binds, side: Side, slot: Slot) -> ColumnElement[Any]:
        return sa.func.unnest(binds.add(slot, Native(f"{side.type.name}[]")))

    def among_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> ColumnElement[bool]:
        """``IN`` a subquery."""
        return in_rows(sides, *self.key_rows(binds, sides, held))

    def starts(
        self, binds: Binds, side: Side, operand: Operand, *, ranged: bool
    ) -> ColumnElement[bool]:
        """``starts_with``: no wildcards."""
        del ranged
        return sa.func.starts_with(side.expression, binds.one(side, operand))

    def contains(self, side: Side, part: ColumnElement[Any]) -> ColumnElement[bool]:
        """``strpos``: no wildcards."""
        return sa.func.strpos(side.expression, part) > sa.literal_column("0")

    def side_of_value(self, binds: Binds, side: Side, operand: Operand) -> Side | None:
        """None: nothing is gained where tables are scanned."""
        del binds, side, operand
        return None

    def ordered(
        self, expression: ColumnElement[Any], *, descending: bool, nullable: bool
    ) -> ColumnElement[Any]:
        """Nulls the largest, always said: a database's default is a setting."""
        del nullable
        return expression.desc().nulls_first() if descending else expression.asc().nulls_last()

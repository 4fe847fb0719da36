"""What MySQL and MariaDB say differently when an Ask is compiled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql.pymysql import dialect as pymysql_dialect
from sqlalchemy.engine import Dialect as AlchemyDialect
from sqlalchemy.sql.elements import ClauseList, ColumnElement
from sqlalchemy.sql.expression import FromClause

from connectors.spi import Column
from connectors.sql import digest, mysql_access
from connectors.sql.access import Access, Cell, Inexact, Native, Side
from connectors.sql.dialect import Binds
from connectors.sql.mysql_values import like
from connectors.sql.slots import Slot
from connectors.sql.table import ColumnMeta
from schema.model.predicate import Operand, Param

_PATTERNED = re.compile(r"utf8mb4_(?!0900_|.*_0900_)\w+_ci\Z")
"""Collations in which an index finds all texts of a pattern. In `utf8mb4_bin` it misses those that
go on with a character below the blank; those of MySQL alone have not been tried."""


class Mysql:
    """MySQL and MariaDB: both understand every statement that is made here."""

    joins = True
    lateral = False
    numbers_in_order = False
    by_place = False
    windows = True
    groups = True
    zero_offset = False

    def __init__(self, zone: str) -> None:
        self.alchemy: AlchemyDialect = pymysql_dialect()
        self.zone = zone

    def access(self, column: Column, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
        """See `mysql_access`."""
        return mysql_access.access(column, meta, raw, self.zone)

    def digest(
        self, of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]
    ) -> Access:
        """See `digest`."""
        return digest.mysql(of, parts, salt)

    def cell(self, column: Column, meta: ColumnMeta, access: Access) -> Cell:
        """The hub writes the documents."""
        del column, meta, access
        raise Inexact

    def values(self, binds: Binds, side: Side, slot: Slot) -> Any:
        """A list, parentheses and all."""
        return binds.add(slot, side.type)

    def among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``IN``, of what an index serves too."""
        made: ColumnElement[bool] = side.expression.op("IN", is_comparison=True)(values)
        if side.seek is None:
            return made
        return sa.and_(side.seek.op("IN", is_comparison=True)(values), made)

    def not_among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``NOT IN``."""
        made: ColumnElement[bool] = side.expression.op("NOT IN", is_comparison=True)(values)
        return made

    def key_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """Keys are lists, see `among_rows`; no table is made of them."""
        del binds, sides, held
        raise Inexact

    def among_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> ColumnElement[bool]:
        """``(a, b) IN ((…), …)``, and each part by itself, for an index that begins with one."""
        operands = () if held is None else (held,)
        converts = tuple(side.convert for side in sides)

        def slot(how: Any, index: int = 0) -> Slot:
            return Slot(how=how, index=index, operands=operands, converts=converts)

        part, rows = ("part", "rows") if held is None else ("heldpart", "heldrows")
        single = [
            self.among(side, binds.add(slot(part, index), side.type))
            for index, side in enumerate(sides)
        ]
        whole: Any = sa.tuple_(*(side.expression for side in sides))
        together = whole.op("IN", is_comparison=True)(binds.add(slot(rows), Native("rows")))
        return sa.and_(*single, together)

    def starts(
        self, binds: Binds, side: Side, operand: Operand, *, ranged: bool
    ) -> ColumnElement[bool]:
        """The first bytes, and a pattern beside them that an index serves."""
        del ranged
        value = binds.one(side, operand)
        made = sa.func.left(side.expression, sa.func.octet_length(value)) == value
        if side.seek is None or not _PATTERNED.match(side.seeks_by):
            return made
        pattern = binds.one(side, operand, like)
        return sa.and_(side.seek.op("LIKE", is_comparison=True)(pattern), made)

    def contains(self, side: Side, part: ColumnElement[Any]) -> ColumnElement[bool]:
        """``LOCATE`` in bytes: no wildcards."""
        return sa.func.locate(part, side.expression) > sa.literal_column("0")

    def side_of_value(self, binds: Binds, side: Side, operand: Operand) -> Side | None:
        """None: the equality's own index is the better one."""
        del binds, side, operand
        return None

    def ordered(
        self, expression: ColumnElement[Any], *, descending: bool, nullable: bool
    ) -> ColumnElement[Any]:
        """Nulls the largest: the server takes them for the smallest."""
        made = expression.desc() if descending else expression.asc()
        if not nullable:
            return made
        missing = expression.is_(None)
        first: Any = ClauseList(missing.desc() if descending else missing.asc(), made, group=False)
        return first  # type: ignore[no-any-return]

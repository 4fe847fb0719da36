"""What differs between SQL dialects when an Ask is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect
from sqlalchemy.engine import Dialect as AlchemyDialect
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FromClause

from connectors.spi import Column
from connectors.sql import bind, digest, postgres_access, postgres_document, sqlite_access
from connectors.sql.access import TEXT, Access, Cell, Inexact, Native, Side
from connectors.sql.bind import Coded
from connectors.sql.slots import Slot
from connectors.sql.table import ColumnMeta
from schema.model.predicate import Operand, Param


class Binds:
    """The params of one statement while it is made."""

    def __init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self._salts: dict[Param, ColumnElement[Any]] = {}

    def add(self, slot: Slot, native: Native) -> ColumnElement[Any]:
        """A new param."""
        name = f"hub_{len(self.slots)}"
        self.slots[name] = slot
        return sa.bindparam(name, type_=native, required=True)

    def one(self, side: Side, operand: Operand, convert: Any = None) -> ColumnElement[Any]:
        """An operand's value for a side."""
        slot = Slot(how="one", operands=(operand,), converts=(convert or side.convert,))
        return self.add(slot, side.type)

    def salt(self, param: Param) -> ColumnElement[Any]:
        """The salt of digests: one param however often it is named."""
        found = self._salts.get(param)
        if found is None:
            slot = Slot(how="one", operands=(param,), converts=(bind.text,))
            found = self._salts[param] = self.add(slot, TEXT)
        return found


class Dialect(Protocol):
    """One dialect's way to say what SQL dialects say differently."""

    alchemy: AlchemyDialect
    joins: bool
    """Whether rows of joined tables come out as `connectors.sql.statement` unfolds them."""
    lateral: bool
    numbers_in_order: bool
    """Whether rows numbered within a partition come out in that order unasked."""
    by_place: bool
    """Whether what `ordered` makes may name a column by its place in the result."""
    windows: bool
    """Whether rows can be numbered within a partition."""
    groups: bool
    """Whether rows can be grouped by places in the result."""
    zero_offset: bool
    """Whether a LIMIT needs an OFFSET: without one, SQLAlchemy would make it a param."""
    zone: str

    def access(self, column: Column, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access: ...

    def digest(
        self, of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]
    ) -> Access: ...

    def cell(self, column: Column, meta: ColumnMeta, access: Access) -> Cell:
        """A column inside a JSON object; raises `Inexact`."""
        ...

    def values(self, binds: Binds, side: Side, slot: Slot) -> Any:
        """What ``expression IN`` takes, or the array of ``ANY``."""
        ...

    def among(self, side: Side, values: Any) -> ColumnElement[bool]: ...

    def not_among(self, side: Side, values: Any) -> ColumnElement[bool]: ...

    def key_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """Keys (the call's, or those that a param holds) as a table and its columns."""
        ...

    def among_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> ColumnElement[bool]:
        """Whether the sides together are one of those keys."""
        ...

    def starts(
        self, binds: Binds, side: Side, operand: Operand, *, ranged: bool
    ) -> ColumnElement[bool]: ...

    def contains(self, side: Side, part: ColumnElement[Any]) -> ColumnElement[bool]: ...

    def side_of_value(self, binds: Binds, side: Side, operand: Operand) -> Side | None:
        """The side of a text that is known to be the operand's value, if that is better."""
        ...

    def ordered(
        self, expression: ColumnElement[Any], *, descending: bool, nullable: bool
    ) -> ColumnElement[Any]: ...


def in_rows(
    sides: Sequence[Side], source: FromClause, parts: Sequence[ColumnElement[Any]]
) -> ColumnElement[bool]:
    """``(a, b) IN`` the rows of keys that `key_rows` made."""
    wanted: Any = sa.tuple_(*(side.expression for side in sides))
    return wanted.in_(sa.select(*parts).select_from(source))  # type: ignore[no-any-return]


def _ranged(binds: Binds, side: Side, operand: Operand) -> ColumnElement[bool]:
    least = binds.one(side, operand, bind.text)
    above = binds.one(side, operand, bind.after_prefix)
    return sa.and_(side.expression >= least, side.expression < above)


class Postgres:
    """PostgreSQL through asyncpg."""

    joins = True
    lateral = True
    numbers_in_order = True
    by_place = True
    windows = True
    groups = True
    zero_offset = False
    utf8 = False
    """Whether the server can bring text to NFC."""

    def __init__(self, zone: str) -> None:
        self.alchemy: AlchemyDialect = asyncpg_dialect()  # type: ignore[no-untyped-call]
        self.zone = zone

    def access(self, column: Column, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
        """See `postgres_access`."""
        return postgres_access.access(column, meta, raw, self.zone)

    def digest(
        self, of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]
    ) -> Access:
        """See `digest`."""
        return digest.postgres(of, parts, salt, utf8=self.utf8)

    def cell(self, column: Column, meta: ColumnMeta, access: Access) -> Cell:
        """See `postgres_document`."""
        return postgres_document.cell(column, meta, access)

    def values(self, binds: Binds, side: Side, slot: Slot) -> Any:
        """An array."""
        return binds.add(slot, Native(f"{side.type.name}[]"))

    def among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``= ANY``."""
        return side.expression == sa.func.any(values)

    def not_among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``<> ALL``."""
        return side.expression != sa.func.all(values)

    def key_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """``unnest`` of one array per key part."""
        arrays = [
            self.values(
                binds,
                side,
                Slot(
                    how="part" if held is None else "heldpart",
                    index=index,
                    operands=() if held is None else (held,),
                    converts=tuple(each.convert for each in sides),
                ),
            )
            for index, side in enumerate(sides)
        ]
        names = [f"k{index}" for index in range(len(sides))]
        columns = [sa.column(name, side.type) for name, side in zip(names, sides, strict=True)]
        made = sa.func.unnest(*arrays).table_valued(*columns, name=None).render_derived()
        return made, [made.c[name] for name in names]

    def among_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> ColumnElement[bool]:
        """``IN`` a subquery."""
        return in_rows(sides, *self.key_rows(binds, sides, held))

    def starts(
        self, binds: Binds, side: Side, operand: Operand, *, ranged: bool
    ) -> ColumnElement[bool]:
        """``starts_with``, or a range that an index serves."""
        if ranged:
            return _ranged(binds, side, operand)
        return sa.func.starts_with(side.expression, binds.one(side, operand))

    def contains(self, side: Side, part: ColumnElement[Any]) -> ColumnElement[bool]:
        """``strpos``: no wildcards."""
        return sa.func.strpos(side.expression, part) > sa.literal_column("0")

    def side_of_value(self, binds: Binds, side: Side, operand: Operand) -> Side | None:
        """The value: plans are made without it, from what is usual in the column."""
        return msgspec.structs.replace(side, expression=binds.one(side, operand).collate("C"))

    def ordered(
        self, expression: ColumnElement[Any], *, descending: bool, nullable: bool
    ) -> ColumnElement[Any]:
        """Nulls are the largest anyway, which lets any index serve the order."""
        del nullable
        return expression.desc() if descending else expression.asc()


class Sqlite:
    """SQLite through the standard library."""

    joins = True
    lateral = False
    numbers_in_order = True
    by_place = True
    windows = True
    groups = True
    zero_offset = True

    def __init__(self, zone: str) -> None:
        self.alchemy: AlchemyDialect = pysqlite_dialect()
        self.zone = zone

    def access(self, column: Column, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
        """See `sqlite_access`."""
        return sqlite_access.access(column, meta, raw, self.zone)

    def digest(
        self, of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]
    ) -> Access:
        """See `digest`."""
        return digest.sqlite(of, parts, salt)

    def cell(self, column: Column, meta: ColumnMeta, access: Access) -> Cell:
        """Stored values may be of any type: only the hub can say what they are."""
        del column, meta, access
        raise Inexact

    def values(self, binds: Binds, side: Side, slot: Slot) -> Any:
        """The values of a JSON array."""
        as_json = Slot(
            how=slot.how,
            operands=slot.operands,
            index=slot.index,
            converts=slot.converts,
            as_json=True,
        )
        rows = sa.func.json_each(binds.add(as_json, side.type)).table_valued("value")
        return sa.select(rows.c.value)

    def among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``IN``."""
        return side.expression.in_(values)

    def not_among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``NOT IN``."""
        return side.expression.not_in(values)

    def key_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """``json_each`` of one array of arrays."""
        slot = Slot(
            how="rows" if held is None else "heldrows",
            operands=() if held is None else (held,),
            converts=tuple(side.convert for side in sides),
            as_json=True,
        )
        rows = sa.func.json_each(binds.add(slot, Native("text"))).table_valued("value")
        parts = [
            sa.func.json_extract(rows.c.value, sa.literal_column(f"'$[{index}]'"))
            for index in range(len(sides))
        ]
        return rows, parts

    def among_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> ColumnElement[bool]:
        """``IN`` a subquery."""
        return in_rows(sides, *self.key_rows(binds, sides, held))

    def starts(
        self, binds: Binds, side: Side, operand: Operand, *, ranged: bool
    ) -> ColumnElement[bool]:
        """A range that an index serves; text is in code-point order either way."""
        del ranged
        return _ranged(binds, side, operand)

    def contains(self, side: Side, part: ColumnElement[Any]) -> ColumnElement[bool]:
        """``instr``: no wildcards."""
        return sa.func.instr(side.expression, part) > sa.literal_column("0")

    def side_of_value(self, binds: Binds, side: Side, operand: Operand) -> Side | None:
        """None: a range beside an equality costs no index."""
        del binds, side, operand
        return None

    def ordered(
        self, expression: ColumnElement[Any], *, descending: bool, nullable: bool
    ) -> ColumnElement[Any]:
        """Nulls the largest, said only where there may be some: it costs the index."""
        made = expression.desc() if descending else expression.asc()
        if not nullable:
            return made
        return made.nulls_first() if descending else made.nulls_last()


def coded(side: Side) -> bool:
    """Whether one canonical value may stand for several source values."""
    return isinstance(side.convert, Coded)

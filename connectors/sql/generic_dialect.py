"""Any SQL database that SQLAlchemy has a dialect for: only what is alike in all of them.

Whole numbers are compared, put in order and counted in the source. How a database compares text,
decimals and times is not known, so that the hub does it; equal texts are sought by the database's
own equality first and picked by the hub after.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect as AlchemyDialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.elements import ClauseList, ColumnElement
from sqlalchemy.sql.expression import FromClause

from connectors.spi import Column
from connectors.sql import bind, finish
from connectors.sql.access import Access, Cell, Inexact, Native, Side, least
from connectors.sql.dialect import Binds
from connectors.sql.slots import Slot
from connectors.sql.table import ColumnMeta
from schema.model.predicate import Operand, Param
from schema.model.scalar import ScalarKind, canonical

WHOLE, TEXT, OTHER, SCALED = "integer", "text", "other", "decimal of scale "
"""What is known of a column's type."""


class Plain(Native):
    """A param of whatever type the driver gives it."""

    cache_ok = True
    render_bind_cast = False


class Converted(msgspec.Struct, frozen=True):
    """A driver's objects to canonical values; times without a zone are those of `zone`."""

    kind: ScalarKind
    zone: str
    values: tuple[tuple[str, str], ...] = ()
    scale: int = 0
    """Digits after the point that a decimal has at least, whatever the driver leaves out."""

    def __call__(self, column: Sequence[Any]) -> Sequence[Any]:
        codes = dict(self.values)
        held = [self._one(value) for value in column]
        if codes:
            held = [value if value is None else codes.get(str(value), value) for value in held]
        return [canonical(self.kind, value) for value in held]

    def _one(self, value: Any) -> Any:
        if value is None:
            return None
        match self.kind:
            case "DateTime" | "LocalDateTime":
                return self._moment(value)
            case "Decimal":
                return self._scaled(value)
            case "JSON" if isinstance(value, str | bytes):
                return orjson.loads(value)
            case "Float" if isinstance(value, Decimal):
                return float(value)
            case _:
                return value

    def _scaled(self, value: Any) -> str:
        held = str(canonical("Decimal", value))
        whole, _, fraction = held.partition(".")
        return f"{whole}.{fraction.ljust(self.scale, '0')}" if self.scale else held

    def _moment(self, value: Any) -> Any:
        held = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
        zone = ZoneInfo(self.zone)
        if self.kind == "DateTime":
            return held if held.tzinfo is not None else held.replace(tzinfo=zone)
        return held if held.tzinfo is None else held.astimezone(zone).replace(tzinfo=None)


def placed(text: str, arguments: Sequence[Any], style: str) -> tuple[str, Any]:
    """A statement and its params in a driver's own style; lists have a mark for each value."""
    values: list[Any] = []

    def mark(value: Any) -> str:
        values.append(value)
        return _mark(style, len(values))

    def marks(value: Any) -> str:
        if not isinstance(value, list | tuple):
            return mark(value)
        if not value:
            return "(NULL)"  # its number of values stands beside it, see `Generic.among`
        return f"({', '.join(map(mark, value))})"

    if style in ("format", "pyformat"):
        text = text.replace("%%", "%%%%")
    made = text % tuple(map(marks, arguments))
    if style in ("named", "pyformat"):
        return made, {f"p{number}": value for number, value in enumerate(values, 1)}
    return made, tuple(values)


def _mark(style: str, number: int) -> str:
    match style:
        case "qmark":
            return "?"
        case "format":
            return "%s"
        case "pyformat":
            return f"%(p{number})s"
        case "named":
            return f":p{number}"
        case "numeric_dollar":
            return f"${number}"
        case _:
            return f":{number}"


class Generic:
    """What every dialect of SQLAlchemy has."""

    joins = False
    lateral = False
    numbers_in_order = False
    by_place = False
    windows = False
    groups = False
    zero_offset = False

    def __init__(self, zone: str) -> None:
        self.alchemy: AlchemyDialect = DefaultDialect(paramstyle="format")
        self.zone = zone

    def speak(self, dialect: AlchemyDialect) -> None:
        """Write statements in a dialect, with marks that `placed` puts the driver's for."""
        made = copy.copy(dialect)
        made.paramstyle, made.positional = "format", True
        made.identifier_preparer = made.preparer(made)
        self.alchemy = made

    def access(self, column: Column, meta: ColumnMeta, raw: ColumnElement[Any]) -> Access:
        """Whole numbers as they are; of all else, what comes."""
        scale = meta.native.removeprefix(SCALED)
        ending = Converted(
            column.kind, self.zone, column.values, int(scale) if scale.isdigit() else 0
        )
        made = Access(raw=raw, shown=raw, finish=ending, nullable=meta.nullable)
        if column.values:
            return made
        if meta.native == TEXT and column.kind in ("ID", "String"):
            near = Side(expression=raw, type=Plain("text"), convert=bind.any_text, group="text")
            return msgspec.structs.replace(made, near=near)
        if meta.native != WHOLE or column.kind not in ("Int", "BigInt", "ID", "String"):
            return made
        side = Side(expression=raw, type=Plain("integer"), convert=bind.int8, group="int")
        if column.kind in ("ID", "String"):  # not in the order of their texts
            return msgspec.structs.replace(made, equal=side, finish=finish.text_from_number)
        shown = finish.int_from_number if column.kind == "Int" else finish.bigint_from_number
        return msgspec.structs.replace(made, finish=shown, equal=side, range=side, least=least(raw))

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
        """A list, parentheses and all, and how many values it has."""
        count = binds.add(msgspec.structs.replace(slot, counts=True), Plain("integer"))
        return binds.add(slot, side.type), count

    def among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``IN``, and FALSE of no values: no database takes an empty list."""
        held, count = values
        within = side.expression.op("IN", is_comparison=True)(held)
        return sa.and_(count > sa.literal_column("0"), within)

    def not_among(self, side: Side, values: Any) -> ColumnElement[bool]:
        """``NOT IN``, and TRUE of no values."""
        held, count = values
        without = side.expression.op("NOT IN", is_comparison=True)(held)
        return sa.or_(count == sa.literal_column("0"), without)

    def key_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """No table is made of values in a way that all databases know."""
        del binds, sides, held
        raise Inexact

    def among_rows(
        self, binds: Binds, sides: Sequence[Side], held: Param | None
    ) -> ColumnElement[bool]:
        """Not all databases compare rows."""
        del binds, sides, held
        raise Inexact

    def starts(
        self, binds: Binds, side: Side, operand: Operand, *, ranged: bool
    ) -> ColumnElement[bool]:
        """The hub compares text."""
        del binds, side, operand, ranged
        raise Inexact

    def contains(self, side: Side, part: ColumnElement[Any]) -> ColumnElement[bool]:
        """The hub compares text."""
        del side, part
        raise Inexact

    def side_of_value(self, binds: Binds, side: Side, operand: Operand) -> Side | None:
        """None: no text is compared."""
        del binds, side, operand
        return None

    def ordered(
        self, expression: ColumnElement[Any], *, descending: bool, nullable: bool
    ) -> ColumnElement[Any]:
        """Nulls the largest, in words that every database knows."""
        made = expression.desc() if descending else expression.asc()
        if not nullable:
            return made
        last = sa.case((expression.is_(None), sa.literal_column("1")), else_=sa.literal_column("0"))
        first: Any = ClauseList(last.desc() if descending else last.asc(), made, group=False)
        return first  # type: ignore[no-any-return]

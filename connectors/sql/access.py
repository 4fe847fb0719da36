"""How one column is read, compared and ordered: SQL expressions with their conversions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import UserDefinedType

from connectors.spi import Column
from connectors.sql import bind, finish

Convert = Callable[[Any], Any]
"""A canonical value to what the driver takes; ``None`` when no row can have this value."""
Finish = Callable[[Sequence[Any]], Sequence[Any]]
"""A fetched column to canonical values; raises ``ValueError`` when a value has none."""


class Native(UserDefinedType[Any]):
    """A native type by its name, as a param is declared: ``$1::int8``."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """The type's name, for SQLAlchemy's compiler."""
        return self.name


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """An expression that compares exactly as canonical values do, and the params it takes."""

    expression: ColumnElement[Any]
    type: Native
    convert: Convert | bind.Coded
    up: Convert | None = None
    """For ``lt`` and ``ge``: the least value that the column can hold at or above the param."""
    down: Convert | None = None
    """For ``le`` and ``gt``: the greatest value that the column can hold at or below it."""
    group: str = ""
    """Sides of equal groups compare with one another."""
    seek: ColumnElement[Any] | None = None
    """Equal wherever `expression` is, and perhaps elsewhere, and served by an index."""
    seeks_by: str = ""
    """The collation by which `seek` compares; sides of equal ones can be joined by it."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One column. A side that is ``None`` is not exact in the source: the hub does it."""

    raw: ColumnElement[Any]
    shown: ColumnElement[Any]
    finish: Finish | None = None
    equal: Side | None = None
    range: Side | None = None
    text: Side | None = None
    near: Side | None = None
    """Where `equal` is not exact: equal wherever canonical values are, and perhaps elsewhere."""
    ranged_prefix: bool = False
    """A prefix may be sought as a range: `range` is in code-point order and can use an index."""
    total: ColumnElement[Any] | None = None
    """Exact ``sum`` of the column, cast to the canonical form."""
    total_finish: Finish | None = None
    least: Callable[[str], ColumnElement[Any]] | None = None
    """``min`` or ``max`` of the column; ``None`` when not exact. Finished by `finish`."""
    nullable: bool = True


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A column inside a JSON object."""

    value: ColumnElement[Any]
    """What the source's JSON functions print as the canonical value."""
    sound: ColumnElement[bool] | None = None
    """FALSE where `Access.finish` would refuse the value; ``None`` = it never does."""


class Inexact(Exception):
    """The source cannot carry this out exactly; it stays with the hub."""


TEXT = Native("text")


def text_side(expression: ColumnElement[Any], convert: Convert = bind.text) -> Side:
    """A side over text in code-point order."""
    return Side(
        expression=expression,
        type=TEXT,
        convert=convert,
        up=bind.text_up,
        down=bind.text_down,
        group="text",
    )


def least(expression: ColumnElement[Any]) -> Callable[[str], ColumnElement[Any]]:
    """``min`` and ``max`` by the database's own order."""
    return lambda name: (sa.func.min if name == "min" else sa.func.max)(expression)


def collated(name: str) -> Callable[[ColumnElement[Any]], ColumnElement[Any]]:
    """Text in the order of a collation."""
    return lambda expression: expression.collate(name)


def _same(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    return expression


def coded(
    column: Column,
    under: Access,
    held: ColumnElement[Any],
    *,
    in_order: Callable[[ColumnElement[Any]], ColumnElement[Any]],
    show: Callable[[ColumnElement[Any]], ColumnElement[Any]] = _same,
) -> Access:
    """A column whose source values stand for canonical ones; `held` is its exact text.

    `in_order` puts such text into code-point order, `show` makes it what the driver reads.
    """
    exact = sa.case(dict(column.values), value=held, else_=held)
    ordered = in_order(exact)
    equal = under.equal or text_side(held)
    return Access(
        raw=under.raw,
        shown=show(exact),
        finish=finish.text,
        equal=Side(
            expression=equal.expression,
            type=equal.type,
            convert=bind.Coded(column.values, equal.convert),
            group="coded",
            seek=equal.seek,
        ),
        range=text_side(ordered),
        text=text_side(ordered),
        least=lambda name: show(least(ordered)(name)),
        nullable=under.nullable,
    )

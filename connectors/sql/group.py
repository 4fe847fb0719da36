"""Aggregates: groups and measures in the source."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors.spi import Ask, Measure
from connectors.sql import finish
from connectors.sql.access import Finish, Inexact
from connectors.sql.dialect import Binds, Dialect, coded
from connectors.sql.predicate import need
from connectors.sql.rows import Rows, Where, finished, limited, row_limit, selected
from connectors.sql.statement import Layout, Output, Statement


def aggregated(rows: Rows, ask: Ask, where: Where, binds: Binds) -> Statement:
    """Groups and measures; raises `Inexact`."""
    assert ask.aggregate is not None  # noqa: S101 - invariant: the caller looked
    made: list[ColumnElement[Any]] = []
    outputs: list[Output] = []
    order: list[ColumnElement[Any]] = []
    groups = [rows.access(name) for name in ask.aggregate.group_by]
    if groups and not rows.dialect.groups:
        raise Inexact
    for name, access in zip(ask.aggregate.group_by, groups, strict=True):
        outputs.append(Output(name, len(made), access.finish))
        made.append(access.shown)
    grouping: list[ColumnElement[Any]] = [sa.literal_column(str(i + 1)) for i in range(len(groups))]
    for measure in ask.aggregate.measures:
        expression, ending = _measure(rows, measure)
        outputs.append(Output(measure.name, len(made), ending))
        made.append(expression)
    for access in groups:
        by = need(access.range).expression
        if by is not access.shown:
            made.append(by)
        place = len(made) if by is not access.shown else groups.index(access) + 1
        if by is not access.shown:
            grouping.append(sa.literal_column(str(place)))
        term = sa.literal_column(str(place)) if rows.dialect.by_place else by
        order.append(rows.dialect.ordered(term, descending=False, nullable=access.nullable))
    select = selected(made).select_from(rows.source).where(*where)
    if groups:
        select = select.group_by(*grouping).order_by(*order)
    if ask.limit is not None:
        select = limited(select, row_limit(binds, ask.limit), rows.dialect)
    return finished(select, binds, Layout(outputs=tuple(outputs)), rows.dialect)


def _measure(rows: Rows, measure: Measure) -> tuple[ColumnElement[Any], Finish | None]:
    if measure.column is None:
        return _count(sa.func.count(), rows.dialect), finish.int_from_number
    access = rows.access(measure.column)
    match measure.function:
        case "count":
            return _count(sa.func.count(access.raw), rows.dialect), finish.int_from_number
        case "countDistinct":
            if access.equal is None:
                raise Inexact
            over = access.shown if coded(access.equal) else access.equal.expression
            return _count(sa.func.count(over.distinct()), rows.dialect), finish.int_from_number
        case "sum":
            if access.total is None:
                raise Inexact
            return access.total, access.total_finish
        case "min" | "max":
            if access.least is None:
                raise Inexact
            return access.least(measure.function), access.finish


def _count(expression: ColumnElement[Any], dialect: Dialect) -> ColumnElement[Any]:
    return sa.cast(expression, sa.Integer()) if dialect.lateral else expression
